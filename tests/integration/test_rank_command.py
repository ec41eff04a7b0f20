from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path

import anyio
import pytest

from analyzer.book import Book
from telemetry.contract.documents import Result
from telemetry.store.sqlite import SqliteStore
from tests.commands import Said, e3p
from tests.unit.ranking.made import trial, trials

VIT, LEVIT = "vit_small_patch16_224.augreg_in21k_ft_in1k", "levit_conv_192.fb_dist_in1k"
TWO = [*trials(VIT, [2000.0, 2020.0]), *trials(LEVIT, [400.0, 404.0])]


class Kept:
    """A store with results in it, and `e3p` on that store."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "e3p.db"

    def put(self, results: Sequence[Result]) -> None:
        anyio.run(self._put, results)

    async def _put(self, results: Sequence[Result]) -> None:
        store = SqliteStore(self.file)
        await store.open()
        book = Book(store)
        await book.open()
        await book.take(results, "complete", 1)
        await store.close()

    def e3p(self, *words: object) -> Said:
        return e3p(*words, "--store", f"sqlite:///{self.file}")


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_the_table_tells_the_order_and_what_could_change_it(kept: Kept) -> None:
    kept.put(TWO)
    said = kept.e3p("rank")
    assert said.status == 0
    assert said.out.index(LEVIT) < said.out.index(VIT)
    assert "degrees of freedom" in said.out
    assert "a = 1         1, 2           no" in said.out
    assert "NetScore against SAM, 2 rows: Kendall's tau 1.00" in said.out


def test_the_document_is_an_object_with_rows(kept: Kept) -> None:
    kept.put(TWO)
    document = json.loads(kept.e3p("rank", "--json").out)
    assert [row["model"] for row in document["rows"]] == [LEVIT, VIT]
    assert len(document["sensitivity"]) == 6
    assert document["pareto"] == [1]
    assert document["netscore"]["pick"] == 1
    assert document["scatter_dof"] == 2
    assert document["others"] == []


def test_csv_has_a_line_for_each_row_and_each_refusal(kept: Kept) -> None:
    kept.put([*TWO, trial("broken", state="invalid", reasons=("gap",))])
    lines = list(csv.DictReader(io.StringIO(kept.e3p("rank", "--csv").out)))
    assert [(line["rank"], line["model"]) for line in lines] == [("1", LEVIT), ("2", VIT), ("", "broken")]
    assert lines[0]["device"] == "jetson-tx2"
    assert float(lines[0]["netscore"]) == pytest.approx(67.5035917, abs=1e-6)
    assert lines[2]["refused"] == "trial broken-0: invalid: gap"


def test_an_excluded_trial_leaves_the_rows_and_stays_in_sight(kept: Kept) -> None:
    kept.put([*TWO, *trials("worst", [9000.0, 9100.0])])
    said = kept.e3p("trial", "exclude", "worst-0", "worst-1", "--reason", "the fan was off")
    assert (said.status, said.out.splitlines()[0]) == (0, "trial worst-0 is excluded: the fan was off")
    document = json.loads(kept.e3p("rank", "--json").out)
    assert "worst" not in [row["model"] for row in document["rows"]]
    assert document["refused"][0] == {
        "model": "worst",
        "reason": "trial worst-0: excluded: the fan was off",
    }
    assert kept.e3p("trial", "include", "worst-0", "worst-1").status == 0
    assert len(json.loads(kept.e3p("rank", "--json").out)["rows"]) == 3


def test_origins_are_asked_for_one_by_one_and_never_mixed(kept: Kept) -> None:
    kept.put([*TWO, *trials("guess", [1.5e3, 1.5e3], origin="estimated")])
    assert "guess" not in kept.e3p("rank").out
    every = json.loads(kept.e3p("rank", "--origin", "any", "--json").out)
    assert [other["group"]["origin"] for other in every["others"]] == ["estimated"]
    mixed = kept.e3p("rank", "--origin", "measured,estimated")
    assert (mixed.status, len(mixed.err.splitlines())) == (2, 1)
    assert "origins never mix" in mixed.err


def test_an_empty_store_has_nothing_to_rank(kept: Kept) -> None:
    kept.put([])
    assert kept.e3p("rank").status == 1


def test_one_trial_of_each_model_has_no_interval(kept: Kept) -> None:
    kept.put([trial("a"), trial("b")])
    said = kept.e3p("rank")
    assert (said.status, said.out, len(said.err.splitlines())) == (2, "", 1)
    assert "no model has 2 trials on one node" in said.err


def test_an_energy_below_one_unit_is_refused_with_the_way_out(kept: Kept) -> None:
    kept.put(trials("a", [800.0, 810.0]))
    said = kept.e3p("rank", "--unit", "kJ")
    assert (said.status, said.out, len(said.err.splitlines())) == (2, "", 1)
    assert "above 1 unit" in said.err


def test_an_accuracy_that_is_no_fraction_is_named(kept: Kept) -> None:
    kept.put([*TWO, *trials("percent", [500.0, 500.0], accuracy=81.4)])
    assert "an accuracy of 81.4: a fraction from 0 to 1 is expected" in kept.e3p("rank").out


@pytest.mark.parametrize(
    "words",
    [
        ("rank", "--unit", "cal"),
        ("rank", "--a", "0"),
        ("rank", "--b", "-1"),
        ("rank", "--csv", "--json"),
        ("trial", "exclude", "nobody", "--reason", "why"),
        ("trial", "exclude", "a-0", "--reason", " "),
        ("trial", "exclude", "a-0"),
        ("trial", "include", "a-0"),
    ],
)
def test_wrong_input_is_one_line(kept: Kept, words: tuple[str, ...]) -> None:
    kept.put(trials("a", [1000.0, 1010.0]))
    said = kept.e3p(*words)
    assert said.status == 2
    assert (said.out, len(said.err.splitlines())) == ("", 1)


def test_trials_need_a_model() -> None:
    said = e3p("trial")
    assert (said.status, len(said.err.splitlines())) == (2, 1)
    assert "which model" in said.err
