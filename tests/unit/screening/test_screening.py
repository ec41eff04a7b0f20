from __future__ import annotations

import csv

import pytest

from analyzer.candidates import Candidate
from analyzer.sam import Exponents
from analyzer.screening import Thresholds, nearest_miss, screen
from e3p.published import TABLE, candidates
from telemetry.contract.errors import UserError


def model(name: str, top1: float = 80.0, params_m: float = 10.0, macs_g: float = 1.0) -> Candidate:
    return Candidate(name, top1, params_m, macs_g)


def test_the_404_candidates_pass_or_fail_as_their_table_says() -> None:
    with TABLE.open(encoding="utf-8", newline="") as lines:
        told = {
            (row["timm_name"], int(row["img_size"])): (
                row["passes_thresholds"] == "True",
                float(row["netscore"]),
            )
            for row in csv.DictReader(lines)
        }
    screening = screen(candidates(), Thresholds())
    assert len(screening.rows) == len(told) == 404
    for row in screening.rows:
        assert row.image_size is not None
        passes, score = told[row.model, row.image_size]
        assert (row.passes, round(row.netscore, 4)) == (passes, score), row.model
    assert (len(screening.passing), len(screening.failing)) == (90, 314)


def test_the_preset_has_thirteen_models_and_all_of_them_pass() -> None:
    screening = screen([each for each in candidates() if each.preset], Thresholds())
    assert (len(screening.passing), len(screening.failing)) == (13, 0)


def test_thresholds_are_at_least_for_accuracy_and_below_for_size_and_work() -> None:
    at_the_limits = screen(
        [model("a", 79.0), model("b", params_m=23.0), model("c", macs_g=5.0)], Thresholds()
    )
    assert [row.model for row in at_the_limits.passing] == ["a"]
    assert {row.model for row in at_the_limits.failing} == {"b", "c"}


def test_each_miss_says_on_what_and_by_how_much() -> None:
    (row,) = screen([model("a", 78.4, 25.5, 4.9)], Thresholds()).rows
    assert [(miss.on, miss.value, miss.limit, miss.by) for miss in row.fails] == [
        ("top1", 78.4, 79.0, 0.6),
        ("params", 25.5, 23.0, 2.5),
    ]
    assert (row.passes, row.rank) == (False, None)


def test_those_that_pass_come_first_both_parts_by_netscore() -> None:
    rows = screen(
        [model("large", macs_g=9.0), model("slow", macs_g=4.0), model("fast"), model("weak", 50.0)],
        Thresholds(),
    ).rows
    assert [(row.rank, row.model) for row in rows] == [
        (1, "fast"),
        (2, "slow"),
        (None, "weak"),
        (None, "large"),
    ]


def test_one_that_misses_two_thresholds_counts_for_both() -> None:
    assert screen([model("a", 50.0, 30.0)], Thresholds()).misses == {"top1": 1, "params": 1, "macs": 0}


def test_the_nearest_miss_fails_by_the_smallest_share() -> None:
    screening = screen([model("far", 60.0), model("near", 78.9), model("mixed", 78.99, 46.0)], Thresholds())
    nearest = nearest_miss(screening)
    assert nearest is not None
    assert nearest.model == "near"
    assert nearest_miss(screen([model("good")], Thresholds())) is None


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ({"min_top1": 0.79}, "percent from 0 to 100"),
        ({"min_top1": 101.0}, "percent from 0 to 100"),
        ({"min_top1": float("nan")}, "percent from 0 to 100"),
        ({"max_params": 23e6}, "millions of parameters"),
        ({"max_params": 0.0}, "millions of parameters"),
        ({"max_macs": 5e9}, "billions of MACs"),
        ({"max_macs": -1.0}, "billions of MACs"),
    ],
)
def test_thresholds_in_other_units_are_refused(wrong: dict[str, float], right: str) -> None:
    with pytest.raises(UserError, match=right):
        Thresholds(**wrong)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), -1.0])
def test_weights_of_netscore_that_cannot_be_meant_are_refused(wrong: float) -> None:
    with pytest.raises(UserError, match=r"--macs-exponent .* a number from 0 to 100 is expected"):
        screen([], Thresholds(), Exponents(macs=wrong))
