from __future__ import annotations

from typing import get_args

import pytest

from analyzer.energy import FLAGS, REASONS, judge, worst
from analyzer.energy.states import flags_in_order, in_order
from telemetry.contract.documents import Flag, Reason


def test_every_reason_and_flag_of_the_contract_has_a_severity() -> None:
    assert set(REASONS) == set(get_args(Reason))
    assert set(FLAGS) == set(get_args(Flag))


def test_nothing_odd_is_valid() -> None:
    assert judge([]) == "valid"


@pytest.mark.parametrize("reason", ["no_samples", "coverage", "aborted"])
def test_what_makes_a_number_worthless_is_invalid(reason: Reason) -> None:
    assert judge([reason]) == "invalid"


@pytest.mark.parametrize(
    "reason",
    [
        "gap",
        "frames_missing",
        "frames_lost",
        "no_ledger",
        "no_manifest",
        "marks_missing",
        "overlap",
        "locked_aliasing",
        "short",
    ],
)
def test_what_makes_a_number_doubtful_is_degraded(reason: Reason) -> None:
    assert judge([reason]) == "degraded"


def test_the_worst_reason_decides() -> None:
    assert judge(["gap", "coverage", "short"]) == "invalid"


@pytest.mark.parametrize("flag", ["clock_bad", "counter_back"])
def test_what_the_energy_does_not_depend_on_leaves_it_valid(flag: Flag) -> None:
    assert judge([], [flag]) == "valid"


@pytest.mark.parametrize("flag", ["negative", "over_max", "frozen", "rails", "suspended"])
def test_implausible_readings_are_degraded(flag: Flag) -> None:
    assert judge([], [flag]) == "degraded"


def test_readings_in_another_unit_are_invalid() -> None:
    assert judge([], ["unit_slip"]) == "invalid"


def test_an_unknown_reason_is_no_silent_valid() -> None:
    with pytest.raises(KeyError):
        judge(["tired"])  # type: ignore[list-item]


def test_reasons_read_the_same_in_whatever_order_they_were_found() -> None:
    assert in_order(["short", "gap", "gap"]) == in_order(["gap", "short"]) == ("gap", "short")
    assert flags_in_order(["rails", "negative", "rails"]) == ("negative", "rails")


def test_the_worst_of_no_states_is_valid() -> None:
    assert worst([]) == "valid"
    assert worst(["valid", "invalid", "degraded"]) == "invalid"
