"""What a ranking refuses or warns of: each is one clear line with what, where, and what would be right."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.integration.test_rank_command import Kept
from tests.unit.ranking.made import trials


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_an_accuracy_in_percent_is_refused_by_trial(kept: Kept) -> None:
    kept.put([*trials("good", [400.0, 404.0]), *trials("percent", [500.0, 505.0], accuracy=81.4)])
    refused = json.loads(kept.e3p("rank", "--json").out)["refused"]
    reasons = [
        f"trial percent-{at}: an accuracy of 81.4: a fraction from 0 to 1 is expected" for at in (0, 1)
    ]
    assert [each["reason"] for each in refused] == reasons


def test_an_accuracy_below_0_is_refused(kept: Kept) -> None:
    kept.put(trials("wrong", [400.0, 404.0], accuracy=-0.1))
    said = kept.e3p("rank")
    assert said.status == 1
    assert "an accuracy of -0.1: a fraction from 0 to 1 is expected" in said.out


def test_an_energy_of_one_unit_or_less_names_a_smaller_unit(kept: Kept) -> None:
    kept.put(trials("small", [400.0, 404.0]))
    said = kept.e3p("rank", "--unit", "kJ")
    assert said.status == 2
    assert "choose a smaller unit" in said.err
    assert said.err.strip().endswith("as --unit mJ")


def test_an_unknown_unit_names_those_that_are_known(kept: Kept) -> None:
    said = kept.e3p("rank", "--unit", "cal")
    assert said.status == 2
    assert "energy unit 'cal' is not one of J, mJ, kJ, Wh" in said.err


def test_one_trial_of_each_has_no_interval(kept: Kept) -> None:
    kept.put([*trials("one", [400.0]), *trials("two", [500.0])])
    said = kept.e3p("rank")
    assert said.status == 2
    assert "measure again with `e3p trial --trials 2` or more" in said.err


def test_fewer_than_three_trials_are_named(kept: Kept) -> None:
    kept.put([*trials("twice", [400.0, 404.0]), *trials("thrice", [500.0, 505.0, 495.0])])
    said = kept.e3p("rank")
    assert said.status == 0
    assert "fewer than 3 trials, which the method asks for, of twice: measure again" in said.out


def test_three_trials_of_each_are_enough(kept: Kept) -> None:
    kept.put(trials("thrice", [500.0, 505.0, 495.0]))
    assert "fewer than 3 trials" not in kept.e3p("rank").out


def test_origins_asked_for_together_stand_in_tables_of_their_own(kept: Kept) -> None:
    guessed = [*trials("guessed", [40.0, 41.0], origin="estimated")]
    kept.put([*trials("known", [400.0, 404.0]), *guessed])
    document = json.loads(kept.e3p("rank", "--origin", "any", "--json").out)
    tables = [document, *document["others"]]
    assert sorted([row["model"] for row in table["rows"]] for table in tables) == [["guessed"], ["known"]]


def test_an_origin_that_is_none_is_refused(kept: Kept) -> None:
    said = kept.e3p("rank", "--origin", "mixed")
    assert said.status == 2
    assert "origins never mix in one table" in said.err
