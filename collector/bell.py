"""A bell: somebody rings that there is news, one other waits for it, not longer than he can."""

from __future__ import annotations

import anyio


class Bell:
    """Rings are not counted: after each wait the waiter looks for himself what there is to do."""

    def __init__(self) -> None:
        self._rung = anyio.Event()

    def ring(self) -> None:
        """There is news."""
        self._rung.set()

    async def wait(self, at_most_s: float | None = None) -> None:
        """Returns at the next ring, at once when it rang since the last wait, or when the time is over."""
        with anyio.move_on_after(at_most_s):
            await self._rung.wait()
        self._rung = anyio.Event()
