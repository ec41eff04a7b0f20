"""A bar for long work, on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress


@contextmanager
def share_of(words: str) -> Iterator[Callable[[float], None]]:
    """Shows the share of 1 that is done, as the block tells it; nothing where there is no terminal."""
    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bars:
        bar = bars.add_task(words, total=1.0)
        yield lambda share: bars.update(bar, completed=share)
