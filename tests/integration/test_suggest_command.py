from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.test_families_command import the_13
from tests.integration.test_rank_command import Kept
from tests.unit.ranking.made import trials


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_suggestions_are_marked_as_predicted_with_the_error_of_families_left_out(kept: Kept) -> None:
    kept.put(the_13())
    said = kept.e3p("suggest", "--top", "3")
    assert said.status == 0
    assert "PREDICTED from 13 models of 6 families" in said.out
    assert "for a family that was left out, the prediction was wrong by a factor of" in said.out


def test_the_least_sure_come_first_when_asked_for(kept: Kept) -> None:
    kept.put(the_13())
    [found] = json.loads(kept.e3p("suggest", "--by", "uncertainty", "--json").out)["suggestions"]
    spreads = [each["spread"] for each in found["rows"]]
    assert spreads == sorted(spreads, reverse=True)
    assert all(each["predicted"] for each in found["rows"])


def test_no_ranking_has_a_prediction_in_it(kept: Kept) -> None:
    kept.put(the_13())
    before = kept.e3p("rank", "--json").out
    kept.e3p("suggest")
    assert kept.e3p("rank", "--json").out == before


def test_too_little_to_learn_from_is_one_clear_line(kept: Kept) -> None:
    kept.put(trials("deit_small_patch16_224.fb_in1k", [400.0, 404.0]))
    said = kept.e3p("suggest")
    assert said.status == 2
    assert "a prediction needs 6 models of 3 families" in said.err
