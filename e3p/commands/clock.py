"""``e3p clock``: a node's clock against the collector's UTC, as its pings told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options

if TYPE_CHECKING:
    from analyzer.clockline import BootClock


def clock(
    node: Annotated[str, typer.Argument(metavar="NODE")],
    store: options.Store = None,
    config: options.Config = None,
    json: options.Json = False,
) -> None:
    """Prints each boot's clock as pieces of straight line, offset and drift with u95, and its steps.

    The offset is what has to be added to the node's time to get UTC; a positive drift is a slow clock.
    """
    from analyzer.clockline import read_clock
    from e3p.at_store import at_store
    from e3p.output import print_json

    boots = at_store(store, config, lambda opened: read_clock(opened, node))
    if json:
        print_json({"node": node, "boots": boots})
        return
    _print(boots)


def _print(boots: list[BootClock]) -> None:
    from e3p.output import print_table
    from e3p.times import show_time

    print_table(
        ("boot", "from", "to", "offset (ms)", "u95 (ms)", "drift (ppm)", "u95 (ppm)", "pings"),
        [
            (
                boot.boot,
                show_time(piece.begin_ns),
                show_time(piece.end_ns),
                f"{piece.offset.offset_ns / 1e6:.3f}",
                f"{piece.offset.u95_ns / 1e6:.3f}",
                f"{piece.offset.drift_ppm:.1f}",
                f"{piece.offset.drift_u95_ppm:.1f}",
                piece.offset.exchanges,
            )
            for boot in boots
            for piece in boot.pieces
        ],
    )
    for boot in boots:
        for step in boot.steps:
            size = f"{step.size_ns / 1e9:+.3f} ± {step.u95_ns / 1e9:.3f} s"
            typer.echo(
                f"boot {boot.boot}: UTC jumped by {size} between {show_time(step.after_ns)} "
                f"and {show_time(step.before_ns)}"
            )
