"""One open page: it says what it looks at, and is told what is new of it, as fast as it takes that.

Nothing is queued for a page: each time it has taken what was sent, it is sent what is true then. A slow
browser sees fewer updates, and costs no memory.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import anyio
import msgspec
from starlette.websockets import WebSocketDisconnect

from view.live.stream import LONGEST_S, MOST_PIXELS, Viewer

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.websockets import WebSocket

    from view.live.hub import Hub
    from view.live.metrics import Metrics
    from view.live.views import Pieces

TICK_S = 0.08
PIECES_EVERY = 6
"""Pieces of HTML are looked at in every sixth tick: twice a second."""


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What a page wants to see; `stream` and what follows where it draws one."""

    view: str
    node: str | None = None
    stream: str | None = None
    window: int = 30
    width: int = 800
    args: tuple[str | None, str | None] = (None, None)


class Page:
    """The server's end of a page's socket; `pieces` gives the HTML of what it looks at."""

    def __init__(
        self, socket: WebSocket, hub: Hub, pieces: Callable[[Look], Pieces], metrics: Metrics
    ) -> None:
        self._socket = socket
        self._hub = hub
        self._pieces = pieces
        self._metrics = metrics
        self._look: Look | None = None
        self._viewer: Viewer | None = None
        self._sent: Pieces = {}

    async def run(self) -> None:
        """Until the page is closed."""
        await self._socket.accept()
        with self._metrics.clients.track_inprogress():
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._listen, tasks.cancel_scope)
                try:
                    await self._tell()
                except (WebSocketDisconnect, RuntimeError, OSError):
                    tasks.cancel_scope.cancel()

    async def _listen(self, scope: anyio.CancelScope) -> None:
        try:
            while True:
                look = msgspec.json.decode(await self._socket.receive_text(), type=Look)
                if self._look is None or (look.view, look.node) != (self._look.view, self._look.node):
                    self._sent = {}
                pixels = min(max(look.width, 50), MOST_PIXELS)
                self._viewer = Viewer(min(max(look.window, 1), LONGEST_S), pixels)
                self._look = look
        except (WebSocketDisconnect, msgspec.DecodeError, KeyError, RuntimeError):
            scope.cancel()

    async def _tell(self) -> None:
        tick = 0
        due_s = time.monotonic()
        while True:
            message = self._news(tick)
            if message:
                await self._socket.send_text(msgspec.json.encode(message).decode())
                self._metrics.updates.inc()
            tick += 1
            due_s += TICK_S
            late_s = time.monotonic() - due_s
            if late_s > TICK_S:
                self._metrics.late.inc(int(late_s / TICK_S))
                due_s += int(late_s / TICK_S) * TICK_S
            await anyio.sleep(max(0.0, due_s - time.monotonic()))

    def _news(self, tick: int) -> dict[str, Any]:
        look, message = self._look, {}
        if look is None:
            return {}
        if look.node is not None and look.stream is not None and self._viewer is not None:
            node = self._hub.nodes.get(look.node)
            stream = node.streams.get(look.stream) if node else None
            if stream is not None and (power := self._viewer.update(stream, time.monotonic_ns())):
                message["power"] = power
        if tick % PIECES_EVERY == 0:
            pieces = self._pieces(look)
            changed = {name: html for name, html in pieces.items() if self._sent.get(name) != html}
            if changed:
                self._sent = pieces
                message["pieces"] = changed
        return message
