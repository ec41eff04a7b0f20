"""A command's work at a store that is there already."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import anyio

from e3p.settings import load
from telemetry.store.interface import Store

T = TypeVar("T")


def at_store(url: str | None, config: Path | None, work: Callable[[Store], Awaitable[T]]) -> T:
    """Opens the store that is set, or of this URL, for the length of the work. Raises `UserError`."""
    settings = load(config, store=url)

    async def run() -> T:
        async with settings.opened_store(create=False) as opened:
            return await work(opened)

    return anyio.run(run)
