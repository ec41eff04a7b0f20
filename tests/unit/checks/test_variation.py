"""Why repeated trials vary: what goes with their energy is named with its figures."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from analyzer.variation import Variation, variation_of
from telemetry.contract.documents import Result
from tests.unit.checks.made import CONTEXT, good


def trials(energies: list[float], **columns: list[Any]) -> list[Result]:
    """Trials one after the other; `temp_c` and `before` are what each met at its begin."""
    made = []
    for at, joules in enumerate(energies):
        fields = {name: values[at] for name, values in columns.items() if name not in ("temp_c", "before")}
        context = CONTEXT
        if "temp_c" in columns:
            context = msgspec.structs.replace(context, temp_c={"gpu": columns["temp_c"][at], "wifi": 20.0})
        if "before" in columns:
            context = msgspec.structs.replace(context, load=columns["before"][at])
        made.append(good("m", at, j_per_1000=joules, context=context, **fields))
    return made


def variation(energies: list[float], **columns: list[Any]) -> Variation:
    found = variation_of(trials(energies, **columns))
    assert found is not None
    return found


FLAT = [0.0] * 6


def test_the_figure_is_the_deviation_over_the_mean() -> None:
    found = variation([90.0, 100.0, 110.0])
    assert found.cv == pytest.approx(0.1)
    assert found.trials == 3


def test_two_trials_are_too_few_to_say_why() -> None:
    assert variation([90.0, 110.0], load=[0.0, 0.4]).words.endswith("over 2 trials: too few to say why")


def test_of_a_single_trial_nothing_can_be_said() -> None:
    assert variation_of(trials([100.0])) is None


def test_throttling_is_named_with_how_many_and_how_much() -> None:
    found = variation(
        [100, 120, 101, 119, 100, 121], throttle=[None, ("gpu",), None, ("gpu",), None, ("gpu",)]
    )
    assert found.causes[0].name == "throttle"
    assert found.causes[0].words.startswith("throttling: 3 of 6 trials throttled, and took +19")


def test_a_warmer_begin_is_named_with_the_effect_of_a_degree() -> None:
    found = variation([100, 106, 102, 104, 101, 107], temp_c=[40.0, 46.0, 42.0, 44.0, 41.0, 47.0])
    assert found.causes[0].name == "temperature"
    assert "+1.0 % for each °C at the begin (40 to 47 °C)" in found.causes[0].words


def test_other_load_is_named_with_the_effect_of_ten_percent() -> None:
    found = variation([100, 130, 101, 115, 100, 129], load=[0.0, 0.3, 0.01, 0.15, 0.0, 0.29])
    assert found.causes[0].name == "load"
    assert "for each 10 % of the processors (2 to 30 %)" in found.causes[0].words


def test_load_before_the_begin_counts_too() -> None:
    found = variation([100, 130, 101, 115, 100, 129], before=[0.0, 0.3, 0.01, 0.15, 0.0, 0.29], load=FLAT)
    assert found.causes[0].name == "load"


def test_a_trend_from_the_first_trial_to_the_last_is_named() -> None:
    found = variation([100, 103, 106, 109, 112])
    assert [cause.name for cause in found.causes] == ["trend"]
    assert "+12" in found.causes[0].words


def test_a_falling_temperature_is_no_cause_of_more_energy() -> None:
    found = variation([107, 101, 105, 103, 106, 100], temp_c=[40.0, 46.0, 42.0, 44.0, 41.0, 47.0])
    assert "temperature" not in [cause.name for cause in found.causes]


def test_temperatures_within_two_degrees_explain_nothing() -> None:
    found = variation([100, 120, 105, 115, 101, 121], temp_c=[40.0, 41.5, 40.3, 41.0, 40.1, 41.6])
    assert "temperature" not in [cause.name for cause in found.causes]


def test_what_is_unrelated_is_not_named() -> None:
    found = variation([100, 120, 101, 119, 102, 100], temp_c=[47.0, 40.0, 41.0, 46.0, 45.0, 43.0])
    assert found.causes == ()
    assert "nothing that was recorded goes with it" in found.words


def test_with_few_trials_a_cause_must_explain_more() -> None:
    assert variation([100, 108, 102], load=[0.0, 0.2, 0.15]).causes == ()
    assert variation([100, 108, 104], load=[0.0, 0.2, 0.1]).causes[0].name == "load"


def test_chance_alone_is_seldom_taken_for_a_cause() -> None:
    draw = random.Random(3)
    named = 0
    for _ in range(300):
        energies = [100 + draw.gauss(0, 3) for _ in range(8)]
        named += bool(variation(energies, load=[draw.uniform(0, 0.5) for _ in range(8)]).causes)
    assert named / 300 < 0.05
