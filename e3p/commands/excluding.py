"""``e3p trial exclude`` and ``include``: a person's word on a trial, which every ranking shows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options

if TYPE_CHECKING:
    from telemetry.store.interface import Store

Ids = Annotated[list[str], typer.Argument(metavar="ID…", help="Trials by their ids, or beginnings of them.")]


def exclude(
    trials: Ids,
    reason: Annotated[str, typer.Option(help="Why; it stands in every ranking and report.")],
    store: options.Store = None,
    config: options.Config = None,
) -> None:
    """Leaves trials out of the rankings; they stay visible there with the reason.

    `e3p rank` and `e3p report` heed it at once, a running analyzer at its next look through the store.
    """
    from analyzer.exclusions import exclude as leave_out

    for name in _each(
        trials, lambda opened, trial, now: leave_out(opened, trial, reason, now), store, config
    ):
        typer.echo(f"trial {name} is excluded: {reason.strip()}")


def include(trials: Ids, store: options.Store = None, config: options.Config = None) -> None:
    """Takes excluded trials back into the rankings."""
    from analyzer.exclusions import include as take_back

    for name in _each(trials, take_back, store, config):
        typer.echo(f"trial {name} is ranked again")


def _each(
    trials: list[str],
    act: Callable[[Store, str, int], Awaitable[str]],
    url: str | None,
    config: Path | None,
) -> list[str]:
    """Acts on each trial in the store; the whole ids come back."""
    import time

    from e3p.at_store import at_store

    async def work(opened: Store) -> list[str]:
        return [await act(opened, trial, time.time_ns()) for trial in trials]

    return at_store(url, config, work)
