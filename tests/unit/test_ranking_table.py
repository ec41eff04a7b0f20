from __future__ import annotations

from analyzer.ranking import rank
from e3p.ranking_table import Table, table_of
from telemetry.contract.documents import Result
from tests.unit.ranking.made import trials


def table(*results: list[Result]) -> Table:
    return table_of(rank([each for several in results for each in several]))


def test_what_all_rows_share_is_said_once_and_is_no_column() -> None:
    shown = table(trials("a", [400.0, 404.0]), trials("b", [500.0, 504.0]))
    assert shown.shared == "fp16, batch 1, 2 trials each, valid"
    assert not {"precision", "batch", "trials", "state"} & set(shown.head)


def test_what_rows_differ_in_is_a_column() -> None:
    halves = trials("a", [300.0, 303.0, 306.0], state="degraded", window="later")
    shown = table(trials("a", [400.0, 404.0], precision="fp32"), [*halves])
    assert [name for name in shown.head if name in {"precision", "batch", "trials", "state"}] == [
        "precision",
        "trials",
        "state",
    ]
    assert {row[shown.head.index("precision")] for row in shown.rows} == {"fp16", "fp32"}
    assert shown.shared == "batch 1"


def test_an_estimate_is_called_one_in_every_cell() -> None:
    shown = table(
        trials("a", [400.0, 404.0], origin="estimated"), trials("b", [9.0, 9.1], origin="estimated")
    )
    energies = [str(row[shown.head.index("J per 1,000")]) for row in shown.rows]
    assert all(each.endswith("(estimated)") for each in energies)
