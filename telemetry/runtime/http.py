"""Health and metrics over HTTP: ``GET /healthz`` and ``GET /metrics``, on loopback unless told otherwise.

With a password (HTTP's basic authentication, any user name) whoever has none still learns whether the program
is well, because orchestrators ask for that without one; facts and numbers are for those who have it.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import ipaddress
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, NamedTuple

import anyio
import msgspec

from telemetry.contract.errors import UserError
from telemetry.contract.secret import Secret
from telemetry.runtime import logs

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]

MAX_HEAD_BYTES = 8192
MAX_CLIENTS = 64
"""More at once are turned away: a page for one Prometheus and a few people."""
PATIENCE_S = 5.0
REFUSED_S = 1.0
"""How long whoever has a wrong password waits to hear so: with `MAX_CLIENTS`, all that guessing can do."""
EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"
"""The kind of text that Prometheus reads, whoever writes it here."""
REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    503: "Unavailable",
}

log = logs.get("http")


class Health(NamedTuple):
    """Whether the program does its work, and the facts behind it."""

    well: bool
    facts: Mapping[str, object]


def no_metrics() -> bytes:
    """The exposition of a program that counts nothing."""
    return b""


class Answer(NamedTuple):
    """A response before it is bytes."""

    status: int
    body: bytes
    kind: str = "application/json"


class HealthServer:
    """A service that answers two paths, the second only to those who have the `password`, if there is one.

    `port` is known once `ready` is set; `metrics` gives the numbers as Prometheus reads them, at the moment
    somebody looks.
    """

    name = "http"

    def __init__(
        self,
        health: Callable[[], Health],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        metrics: Callable[[], bytes] = no_metrics,
        password: Secret | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self.ready = anyio.Event()
        self._health = health
        self._metrics = metrics
        self._password = password
        self._clients = 0

    @property
    def locked(self) -> bool:
        """Whether there is a password."""
        return self._password is not None

    async def run(self) -> None:
        """Serves until cancelled. Raises `UserError` when the port cannot be had."""
        try:
            server = await asyncio.start_server(self._client, self.host, self.port, limit=MAX_HEAD_BYTES)
        except OSError as error:
            raise UserError(f"http: cannot listen on {self.host}:{self.port}: {error.strerror}") from None
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        log.info("listening", url=f"http://{self.host}:{self.port}/healthz")
        if not self.locked and not is_loopback(self.host):
            log.warning("open to the network without a password", host=self.host, right="http_password_file")
        try:
            await anyio.sleep_forever()
        finally:
            server.close()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients += 1
        try:
            if self._clients <= MAX_CLIENTS:
                answer = await asyncio.wait_for(self._read(reader), PATIENCE_S)
                writer.write(_bytes(answer))
                await asyncio.wait_for(writer.drain(), PATIENCE_S)
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError) as error:
            log.debug("client gone", error=repr(error))
        finally:
            self._clients -= 1
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Answer:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return _words(400, "the request is too long")
        request, *lines = head.split(b"\r\n")
        parts = request.split(b" ")
        if len(parts) != 3:
            return _words(400, "no HTTP request")
        if parts[0] != b"GET":
            return _words(405, "only GET is answered")
        known = await self.knows(lines)
        return self.answer(parts[1].split(b"?", 1)[0].decode("latin-1"), known=known)

    async def knows(self, lines: Iterable[bytes]) -> bool:
        """Whether a request's header lines hold the password; a wrong one is answered late."""
        given = _password(lines)
        known = self._is_password(given)
        if given is not None and not known:
            await anyio.sleep(REFUSED_S)
        return known

    def answer(self, path: str, *, known: bool) -> Answer:
        """The response to a path, for somebody who is `known` by the password or not."""
        if path == "/healthz":
            health = self._health()
            status = {"status": "ok" if health.well else "unavailable"}
            body = {**status, **health.facts} if known else status
            return Answer(200 if health.well else 503, msgspec.json.encode(body, enc_hook=str))
        if not known:
            return _words(401, "a password is needed: http_password")
        if path == "/metrics":
            return Answer(200, self._metrics(), EXPOSITION)
        return _words(404, "there are /healthz and /metrics")

    def _is_password(self, given: bytes | None) -> bool:
        """Whether the password is right; the time it takes tells nothing of it."""
        if self._password is None:
            return True
        return given is not None and hmac.compare_digest(given, self._password.reveal().encode())


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens on `host`."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _password(lines: Iterable[bytes]) -> bytes | None:
    """The password of basic authentication (RFC 7617) among a request's header lines."""
    for line in lines:
        name, _, value = line.partition(b":")
        kind, _, told = value.strip().partition(b" ")
        if name.lower() == b"authorization" and kind.lower() == b"basic":
            try:
                return base64.b64decode(told.strip(), validate=True).partition(b":")[2]
            except binascii.Error:
                return b""
    return None


def _words(status: int, words: str) -> Answer:
    return Answer(status, msgspec.json.encode({"error": words}))


def _bytes(answer: Answer) -> bytes:
    asked = 'WWW-Authenticate: Basic realm="e3p", charset="UTF-8"\r\n' if answer.status == 401 else ""
    head = (
        f"HTTP/1.1 {answer.status} {REASONS[answer.status]}\r\n{asked}"
        f"Content-Type: {answer.kind}\r\nContent-Length: {len(answer.body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + answer.body
