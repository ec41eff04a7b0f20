"""Results on a terminal: one block each, its budget below; or as a JSON list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e3p.output import energy, number, print_json, print_table, state
from e3p.times import show_time
from telemetry.contract.nodetime import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telemetry.contract.documents import Result


def print_results(results: Sequence[Result], *, json: bool) -> int:
    """Prints them; 0, or 1 when one is invalid or there is none."""
    if json:
        print_json(list(results))
    else:
        print_table(("node", "window", "stream", "energy", "mean W", "coverage", "state"), map(_row, results))
        for result in results:
            _print_budget(result)
    return 1 if not results or any(result.state == "invalid" for result in results) else 0


def _row(result: Result) -> tuple[object, ...]:
    covered = None if result.coverage is None else f"{100 * result.coverage:.1f}%"
    window = f"{show_time(result.begin)} +{(result.end - result.begin) / NS_PER_S:.3f} s"
    if result.trial:
        window = f"{result.trial} {_model_of(result)}".rstrip()
    return (
        result.node,
        window,
        result.source,
        energy(result),
        number(result.mean_w),
        covered,
        state(result),
    )


def _model_of(result: Result) -> str:
    return f"{result.model} trial {result.index}" if result.model and result.index is not None else ""


def _print_budget(result: Result) -> None:
    if not result.budget:
        return
    whose = ", ".join(filter(None, (result.source, _model_of(result))))
    print_table(
        (f"budget of {whose}", "u (J)", "shared", "how"),
        [(line.name, number(line.u_j, 3), "yes" if line.shared else "", line.how) for line in result.budget],
    )
