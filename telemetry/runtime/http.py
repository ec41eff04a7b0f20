"""Health and metrics over HTTP: ``GET /healthz`` and ``GET /metrics``, on loopback unless told otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Annotated, NamedTuple

import anyio
import msgspec

from telemetry.contract.errors import UserError
from telemetry.runtime import logs

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]

MAX_HEAD_BYTES = 8192
PATIENCE_S = 5.0
EXPOSITION = "text/plain; version=0.0.4; charset=utf-8"
"""The kind of text that Prometheus reads, whoever writes it here."""
REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 503: "Unavailable"}

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
    """A service that answers two paths; `port` is known once `ready` is set.

    `metrics` gives the numbers as Prometheus reads them, at the moment somebody looks.
    """

    name = "http"

    def __init__(
        self,
        health: Callable[[], Health],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        metrics: Callable[[], bytes] = no_metrics,
    ) -> None:
        self.host = host
        self.port = port
        self.ready = anyio.Event()
        self._health = health
        self._metrics = metrics

    async def run(self) -> None:
        """Serves until cancelled. Raises `UserError` when the port cannot be had."""
        try:
            server = await asyncio.start_server(self._client, self.host, self.port, limit=MAX_HEAD_BYTES)
        except OSError as error:
            raise UserError(f"http: cannot listen on {self.host}:{self.port}: {error.strerror}") from None
        self.port = server.sockets[0].getsockname()[1]
        self.ready.set()
        log.info("listening", url=f"http://{self.host}:{self.port}/healthz")
        try:
            await anyio.sleep_forever()
        finally:
            server.close()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            answer = await asyncio.wait_for(self._read(reader), PATIENCE_S)
            writer.write(_bytes(answer))
            await asyncio.wait_for(writer.drain(), PATIENCE_S)
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError) as error:
            log.debug("client gone", error=repr(error))
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> Answer:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError:
            return _words(400, "the request is too long")
        parts = head.split(b"\r\n", 1)[0].split(b" ")
        if len(parts) != 3:
            return _words(400, "no HTTP request")
        if parts[0] != b"GET":
            return _words(405, "only GET is answered")
        return self.answer(parts[1].split(b"?", 1)[0].decode("latin-1"))

    def answer(self, path: str) -> Answer:
        """The response to a path."""
        if path == "/healthz":
            health = self._health()
            body = {"status": "ok" if health.well else "unavailable", **health.facts}
            return Answer(200 if health.well else 503, msgspec.json.encode(body, enc_hook=str))
        if path == "/metrics":
            return Answer(200, self._metrics(), EXPOSITION)
        return _words(404, "there are /healthz and /metrics")


def _words(status: int, words: str) -> Answer:
    return Answer(status, msgspec.json.encode({"error": words}))


def _bytes(answer: Answer) -> bytes:
    head = (
        f"HTTP/1.1 {answer.status} {REASONS[answer.status]}\r\n"
        f"Content-Type: {answer.kind}\r\nContent-Length: {len(answer.body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + answer.body
