from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from analyzer.ranking import rank
from telemetry.contract.documents import Result
from telemetry.contract.ranking import Ranking
from tests.unit.ranking.made import N, better, first_hits, line, packed, trial, trials


def relative_width(ranking: Ranking) -> float:
    return (ranking.rows[0].sam_hi - ranking.rows[0].sam_lo) / 2 / ranking.rows[0].sam


def exact_energy(model: str, **more: Any) -> list[Result]:
    return trials(model, [1000.0] * 3, budget=(line("noise", 1e-3),), **more)


def test_a_thousand_images_leave_about_eight_percent_of_sam_open() -> None:
    assert relative_width(rank(exact_energy("a"))) == pytest.approx(0.155, rel=0.05)


def test_three_trials_on_one_subset_are_a_thousand_images() -> None:
    on_one = rank(exact_energy("a", subset="s1"))
    apart = rank([trial("a", i, budget=(line("noise", 1e-3),), subset=f"s{i}") for i in range(3)])
    assert relative_width(on_one) == pytest.approx(np.sqrt(3) * relative_width(apart), rel=0.05)


def test_measured_accuracy_wins_over_a_published_one() -> None:
    published = trial("a", 1, accuracy=0.9, accuracy_origin="timm", accuracy_n=50_000)
    ranking = rank([trial("a"), published])
    assert (ranking.rows[0].accuracy, ranking.rows[0].accuracy_origin) == (0.8, "measured")
    assert ranking.rows[0].trials == 2


def test_a_published_accuracy_keeps_its_origin_and_its_n() -> None:
    published = {"accuracy": 0.81, "accuracy_origin": "timm", "accuracy_n": 50_000, "correct": None}
    ranking = rank(exact_energy("a", **published))
    assert ranking.rows[0].accuracy_origin == "timm"
    assert relative_width(ranking) == pytest.approx(
        relative_width(rank(exact_energy("a"))) / np.sqrt(50), rel=0.06
    )


def test_a_published_accuracy_without_n_is_taken_as_exact() -> None:
    ranking = rank(exact_energy("a", accuracy_origin="timm", accuracy_n=None))
    assert relative_width(ranking) < 1e-3


# 83.2 against 80.8 % of 1,000 images; both are right on most of the same ones.
BEST = first_hits(832)
SECOND = first_hits(832)
SECOND[:40] = False
SECOND[840:856] = True


def compared(**more: Any) -> float:
    one = exact_energy("a", accuracy=0.832, hits=packed(BEST), subset="s1")
    other = exact_energy("b", accuracy=0.808, **{"hits": packed(SECOND), "subset": "s1", **more})
    return better(rank([*one, *other]), "a", "b")


def test_hits_on_the_same_images_are_compared_image_by_image() -> None:
    assert compared() > 0.99


def test_hits_on_other_images_are_compared_as_two_samples() -> None:
    assert compared(subset="s2") == pytest.approx(0.92, abs=0.01)


def test_one_row_without_hits_leaves_two_samples() -> None:
    assert compared(hits=None) == pytest.approx(0.92, abs=0.01)


def test_a_row_drawn_with_others_is_as_wide_as_alone() -> None:
    alone = rank(exact_energy("a", subset="s1"))
    together = rank(exact_energy("a", subset="s1", hits=packed(first_hits(800))))
    assert relative_width(together) == pytest.approx(relative_width(alone), rel=0.05)


def test_equal_hits_leave_the_order_to_the_energy() -> None:
    same = {"subset": "s1", "hits": packed(first_hits(800))}
    frugal = [trial("frugal", 0, 980.0, budget=(line("noise", 1e-3),), **same)]
    hungry = [trial("hungry", 0, 1000.0, budget=(line("noise", 1e-3),), **same)]
    assert better(rank([*frugal, *hungry]), "frugal", "hungry") == 1.0


def test_a_second_pass_over_the_same_images_adds_no_image() -> None:
    once = exact_energy("a", subset="s1", hits=packed(first_hits(800)))
    twice = exact_energy("a", subset="s1", hits=packed(np.tile(first_hits(800), 2)), images=2 * N)
    assert rank(twice).rows[0].accuracy == 0.8
    assert relative_width(rank(twice)) == pytest.approx(relative_width(rank(once)), rel=0.03)


def test_an_image_that_is_right_in_one_of_two_passes_counts_half() -> None:
    passes = np.concatenate((first_hits(800), first_hits(820)))
    ranking = rank(exact_energy("a", subset="s1", hits=packed(passes), images=2 * N))
    assert ranking.rows[0].accuracy == pytest.approx(0.81)


def test_a_last_pass_that_is_not_whole_keeps_its_images_in_place() -> None:
    passes = np.concatenate((first_hits(800), first_hits(800)[:500]))
    ranking = rank(exact_energy("a", subset="s1", hits=packed(passes), images=1500))
    assert ranking.rows[0].accuracy == pytest.approx(0.8)
