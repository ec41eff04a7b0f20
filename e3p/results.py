"""Results on a terminal: a line each, with what its uncertainty comes from; or as a JSON list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e3p.output import answer, energy, number, print_json, print_table, state
from e3p.times import show_time
from telemetry.contract.nodetime import NS_PER_S
from view.numbers import net

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telemetry.contract.documents import BudgetLine, Result


MATTERS = 0.01
"""Lines of a budget with a smaller share of its variance are counted, not shown."""
MOST_NAMED = 3


def print_results(results: Sequence[Result], *, json: bool, budgets: bool = True) -> int:
    """Prints them, with their budgets; 0, or 1 when one is invalid or there is none."""
    if json:
        print_json(list(results))
    elif results:
        above = ["above idle"] if any(result.net_j is not None for result in results) else []
        head = ("node", "window", "stream", "energy", *above, "mean W", "coverage", "state", "uncertain by")
        print_table(head, [_row(result, above=bool(above)) for result in results])
        for result in results if budgets else ():
            _print_budget(result)
    return 1 if not results or any(result.state == "invalid" for result in results) else 0


def _row(result: Result, *, above: bool) -> tuple[object, ...]:
    covered = None if result.coverage is None else f"{100 * result.coverage:.1f}%"
    window = f"{show_time(result.begin)} +{(result.end - result.begin) / NS_PER_S:.3f} s"
    if result.trial:
        window = f"{result.trial} {_model_of(result)}".rstrip()
    return (
        result.node,
        window,
        result.source,
        energy(result),
        *([net(result)] if above else []),
        number(result.mean_w),
        covered,
        state(result),
        _causes(result),
    )


def _model_of(result: Result) -> str:
    return f"{result.model} trial {result.index}" if result.model and result.index is not None else ""


def _that_matter(result: Result) -> list[tuple[float, BudgetLine]]:
    """The lines of a budget with their shares of its variance, the largest first."""
    whole = sum(line.u_j**2 for line in result.budget)
    shares = [(line.u_j**2 / whole, line) for line in result.budget if whole]
    return sorted((each for each in shares if each[0] >= MATTERS), key=lambda each: -each[0])


def _causes(result: Result) -> str:
    return ", ".join(f"{line.name} {share:.0%}" for share, line in _that_matter(result)[:MOST_NAMED])


def _print_budget(result: Result) -> None:
    shown = _that_matter(result)
    if not shown:
        return
    head = (f"budget of {result.source}", "u (J)", "of variance", "shared", "how")
    rows = [
        (line.name, number(line.u_j, 3), f"{share:.0%}", "yes" if line.shared else "", line.how)
        for share, line in shown
    ]
    print_table(head, rows)
    if hidden := len(result.budget) - len(shown):
        lines = "line is" if hidden == 1 else "lines are each"
        answer(f"{hidden} {lines} less than {MATTERS:.0%} of the variance: --json has them all")
