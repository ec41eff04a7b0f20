"""A ranking for people and for spreadsheets: the table with what could change it below, or CSV."""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING

from e3p.output import answer, print_table
from e3p.ranking_table import table_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from telemetry.contract.ranking import Ranking

MOST_NAMED = 12
MOST_MODELS = 4
ENOUGH_TRIALS = 3
GROUP = ("device", "power_mode", "dataset", "origin", "sensor")
ROW = (
    "rank",
    "tie_group",
    "model",
    "precision",
    "batch_size",
    "backend",
    "sam",
    "sam_lo",
    "sam_hi",
    "accuracy",
    "accuracy_origin",
    "energy",
    "energy_u95",
    "trials",
    "state",
)
CSV_COLUMNS = (*GROUP, "a", "b", "unit", *ROW, "nodes", "pareto", "netscore", "netscore_rank", "refused")


def print_ranking(ranking: Ranking) -> None:
    """The group above the table; below it what was refused, and what could change the order."""
    table = table_of(ranking)
    answer(f"\n{table.title}")
    if table.shared:
        answer(f"all rows: {table.shared}")
    print_table(table.head, table.rows)
    for refused in ranking.refused:
        answer(f"not ranked: {refused.model}: {refused.reason}")
    for line in _remarks(ranking):
        answer(line)
    if len(ranking.rows) > 1:
        _print_sensitivity(ranking)


def print_csv(rankings: Sequence[Ranking]) -> None:
    """One line for each row of each table, and one for each refusal; energies are in the column `unit`."""
    table = csv.DictWriter(sys.stdout, CSV_COLUMNS, lineterminator="\n")
    table.writeheader()
    for ranking in rankings:
        group = {name: getattr(ranking.group, name) for name in GROUP}
        common = {**group, "a": ranking.a, "b": ranking.b, "unit": ranking.unit}
        scores = {row.rank: row for row in ranking.netscore.rows} if ranking.netscore else {}
        for row in ranking.rows:
            score = scores.get(row.rank)
            more = {"netscore": score.netscore, "netscore_rank": score.netscore_rank} if score else {}
            cells = {name: getattr(row, name) for name in ROW}
            front = row.rank in ranking.pareto
            table.writerow({**common, **cells, "nodes": " ".join(row.nodes), "pareto": front, **more})
        for refused in ranking.refused:
            table.writerow({**common, "model": refused.model, "refused": refused.reason})


def _remarks(ranking: Ranking) -> Iterator[str]:
    """What a reader must know to believe the order."""
    if not ranking.rows:
        return
    if ranking.scatter is None:
        yield "no model was run twice on one node: the intervals do not know how trials vary"
    else:
        yield (
            f"trials of one model vary by {100 * ranking.scatter:.2g} % "
            f"({ranking.scatter_dof} degrees of freedom); models of one tie group cannot be told apart"
        )
    few = [row.model for row in ranking.rows if row.trials < ENOUGH_TRIALS]
    if few:
        more = f" and {len(few) - MOST_MODELS} more" if len(few) > MOST_MODELS else ""
        yield (
            f"fewer than {ENOUGH_TRIALS} trials, which the method asks for, of {', '.join(few[:MOST_MODELS])}"
            f"{more}: measure again with `e3p trial --trials {ENOUGH_TRIALS}`"
        )
    if ranking.netscore:
        yield _netscore(ranking)


def _print_sensitivity(ranking: Ranking) -> None:
    """The order at every other a and unit, by the ranks of the table above."""
    rows = []
    for order in ranking.sensitivity:
        choice = f"a = {order.a:g}" if order.unit == ranking.unit else f"energy in {order.unit}"
        names = ", ".join(map(str, order.order[:MOST_NAMED]))
        more = ", …" if len(order.order) > MOST_NAMED else ""
        change = "yes, between tie groups" if order.beyond_ties else "yes, within tie groups"
        if not order.changed:
            change = "no" if len(order.order) > 1 else "nothing to compare"
        score = f"{len(order.undefined)} rows" if order.undefined else ""
        rows.append((choice, f"{names}{more}", change, score))
    print_table(("or with", "order by rank", "changes", "no score"), rows)


def _netscore(ranking: Ranking) -> str:
    check = ranking.netscore
    assert check is not None  # noqa: S101 - asked only where there is one
    tau = "no order to compare" if check.tau is None else f"Kendall's tau {check.tau:.2f}"
    pick = ranking.rows[check.pick - 1].model
    return (
        f"NetScore against SAM, {len(check.rows)} rows: {tau}; its pick {pick} (rank {check.pick}) loses "
        f"{100 * check.regret:.1f} % of the best SAM (95 %: {100 * check.regret_lo:.1f} to "
        f"{100 * check.regret_hi:.1f} %)"
    )
