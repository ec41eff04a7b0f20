"""A bar for long work, on a terminal."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import Progress


class Share:
    """A bar on standard error for work whose share is known; nothing where there is no terminal."""

    def __init__(self, words: str) -> None:
        console = Console(stderr=True)
        self._bars = Progress(console=console, transient=True, disable=not sys.stderr.isatty())
        self._bar = self._bars.add_task(words, total=1.0)

    def __enter__(self) -> Share:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._bars.stop()

    def show(self, share: float) -> None:
        """So much is done, of 1."""
        self._bars.update(self._bar, completed=share)
