"""Stage 1, devices and families as the report shows them: figures and tables with what was found out."""

from __future__ import annotations

import json

import pytest

from analyzer.candidates import Candidate
from analyzer.devices import compare_all
from analyzer.families import compare_families
from analyzer.ranking import by_group
from analyzer.scoring import Score
from analyzer.screening import Thresholds, screen
from tests.unit.ranking.test_devices import CARD, JETSON, on
from tests.unit.ranking.test_families import FACTS, HYBRID, PLAIN, measured
from view.devices import comparison_tables, conclusions
from view.material import Findings
from view.stage_one import scatter
from view.wider import Wider, wider

PASSES = Candidate("passes.in1k", 81.0, 10.0, 2.0)
LARGE = Candidate("large.in1k", 85.0, 300.0, 60.0)
SCREENING = screen([PASSES, LARGE], Thresholds())


def found() -> Wider:
    trials = [*on("jetson", JETSON), *on("card", CARD)]
    families = compare_families([*measured(HYBRID), *measured(PLAIN)], FACTS)
    comparisons = compare_all(by_group(trials), Score()).comparisons
    return wider(Findings(SCREENING, comparisons, [families]), {"passes.in1k"})


def test_who_fails_passes_and_was_measured_are_three_kinds_of_points() -> None:
    fails, passes, own = scatter(SCREENING, {"passes.in1k"})["data"]
    assert [each["name"] for each in (fails, passes, own)] == ["fails (1)", "passes (1)", "measured (1)"]
    assert (fails["x"], fails["y"]) == ([60.0], [85.0])
    assert "fails on parameters, MACs" in fails["hovertext"][0]
    assert passes["marker"]["symbol"] != fails["marker"]["symbol"]


def test_the_area_of_a_point_is_its_parameters() -> None:
    fails, passes, _ = scatter(SCREENING, set())["data"]
    assert (fails["marker"]["size"], passes["marker"]["size"]) == ([300.0], [10.0])
    assert fails["marker"]["sizemode"] == "area"
    assert fails["marker"]["sizeref"] == passes["marker"]["sizeref"]


def test_the_thresholds_are_drawn() -> None:
    shapes = scatter(SCREENING, set())["layout"]["shapes"]
    assert [(each.get("x0"), each.get("y0")) for each in shapes] == [(5.0, 0), (0, 79.0)]


def test_a_name_is_no_markup() -> None:
    hostile = screen([Candidate("<img src=x>", 81.0, 10.0, 2.0)], Thresholds())
    assert "<img" not in json.dumps(scatter(hostile, {"<img src=x>"}))


def test_paper_devices_and_families_each_have_their_part() -> None:
    parts = found()
    assert parts.paper is not None
    assert [row[0] for row in parts.paper.rows] == ["passes.in1k"]
    assert [part.title for part in parts.devices] == ["card, jetson with imagenet-1k"]
    assert len(parts.families) == 1


def test_nothing_found_out_is_nothing_shown() -> None:
    assert wider(None, set()) == Wider(None, None, "", (), ())


def test_models_that_no_table_knows_show_no_paper() -> None:
    assert wider(Findings(SCREENING, [], []), {"mine"}).scatter is None


def test_matrices_have_a_dash_on_the_diagonal_and_the_pick_of_the_column() -> None:
    [comparison] = compare_all(by_group([*on("jetson", JETSON), *on("card", CARD)]), Score()).comparisons
    _, tau, regret, energy = comparison_tables(comparison)
    assert tau.rows[0][1] is None
    assert regret.head == ("device", "pick of card", "pick of jetson")
    assert energy.rows[0][0] == "card"
    assert str(energy.rows[0][2]).startswith("+600 (")


@pytest.mark.parametrize(
    ("other", "words"), [(CARD, "do not carry it over"), (JETSON, "it may be carried over")]
)
def test_the_verdict_follows_the_interval(other: dict[str, float], words: str) -> None:
    [comparison] = compare_all(by_group([*on("jetson", JETSON), *on("card", other)]), Score()).comparisons
    assert all(words in line for line in conclusions(comparison))
