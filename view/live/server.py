"""The page on a port, beside /healthz and /metrics, behind the same password."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio
import uvicorn
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response

from telemetry.contract.errors import UserError
from telemetry.runtime import logs
from telemetry.runtime.http import REASONS, HealthServer, is_loopback

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

CLOSE_S = 3.0
MOST_CONNECTIONS = 256
MOST_TOLD_BYTES = 16 * 1024
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Whatever a name in the data looks like: no script but our own runs, and no other host is asked."""

log = logs.get("live")


class PageServer:
    """A service. `health` answers /healthz and /metrics and knows the password; it is not run itself."""

    name = "page"

    def __init__(self, app: ASGIApp, health: HealthServer) -> None:
        self.host = health.host
        self.port = health.port
        self.ready = anyio.Event()
        self._health = health
        self._app = app

    async def run(self) -> None:
        """Serves until cancelled. Raises `UserError` when the port cannot be had."""
        config = uvicorn.Config(
            self._answer,
            interface="asgi3",
            log_config=None,
            lifespan="off",
            access_log=False,
            server_header=False,
            ws="websockets-sansio",
            ws_max_size=MOST_TOLD_BYTES,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=1,
        )
        config.load()
        with _listening(self.host, self.port) as listener:
            self.port = listener.getsockname()[1]
            server = _Server(config)
            over = anyio.Event()

            async def serve() -> None:
                with anyio.CancelScope(shield=True):
                    await server.serve([listener])
                over.set()

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(serve)
                self.ready.set()
                self._tell()
                try:
                    await anyio.sleep_forever()
                finally:
                    server.should_exit = True
                    with anyio.move_on_after(CLOSE_S, shield=True):
                        await over.wait()
                    server.force_exit = True

    def _tell(self) -> None:
        log.info("listening", url=f"http://{self.host}:{self.port}/")
        if not self._health.locked and not is_loopback(self.host):
            log.warning("open to the network without a password", host=self.host, right="http_password_file")

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        known = await self._health.knows(b"%s: %s" % pair for pair in scope.get("headers", ()))
        if scope["type"] == "websocket":
            if known:
                await self._app(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008})
            return
        if known and scope["path"] not in ("/healthz", "/metrics"):
            await self._app(scope, receive, _guarded(send))
            return
        if scope["method"] not in ("GET", "HEAD"):
            await Response(REASONS[405], 405)(scope, receive, send)
            return
        answer = self._health.answer(scope["path"], known=known)
        asked = {"www-authenticate": 'Basic realm="e3p", charset="UTF-8"'} if answer.status == 401 else {}
        body = Response(answer.body, answer.status, Headers(asked), answer.kind)
        await body(scope, receive, send)


class _Server(uvicorn.Server):
    """Signals are the whole program's: they are not taken from it."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _guarded(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["content-security-policy"] = POLICY
            headers["x-content-type-options"] = "nosniff"
            headers["referrer-policy"] = "same-origin"
        await send(message)

    return guarded


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    try:
        family, kind, proto, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, proto) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
            listener.listen()
            yield listener
    except OSError as error:
        raise UserError(f"http: cannot listen on {host}:{port}: {error.strerror}") from None
