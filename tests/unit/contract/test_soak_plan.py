from __future__ import annotations

import msgspec
import pytest

from telemetry.contract.soak_plan import Budgets, Duty, SoakPlan, SoakWatch, SoakWork, faults, length_s

WORK = SoakWork(model="vit_tiny_patch16_224")


def _plan(**changed: object) -> SoakPlan:
    plan = SoakPlan(name="night", duration="72 h", work=WORK)
    return msgspec.structs.replace(plan, **changed)


def _words(**changed: object) -> list[tuple[str, str]]:
    return [tuple(fault) for fault in faults(_plan(**changed))]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90 s", 90),
        ("20 min", 1200),
        ("72 h", 259_200),
        ("14 d", 1_209_600),
        ("2 weeks", 1_209_600),
        ("1.5h", 5400),
    ],
)
def test_a_length_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert length_s(text) == seconds


@pytest.mark.parametrize("text", ["", "72", "h", "-3 h", "3 fortnights", "1e9 h", "3 h 5 min"])
def test_what_is_no_length_is_none(text: str) -> None:
    assert length_s(text) is None


def test_a_good_plan_has_no_fault() -> None:
    assert _words() == []


def test_a_plan_either_works_or_watches() -> None:
    (fault,) = _words(watch=SoakWatch(app="shop"))
    assert fault == ("work", "either [work] or [watch] is expected; there are both")


def test_a_plan_of_nothing_is_refused() -> None:
    (fault,) = _words(work=None)
    assert fault == ("", "either [work] or [watch] is expected; there is neither")


def test_a_window_of_another_length_than_the_analyzers_is_refused() -> None:
    assert _words(window_s=30) == [("window_s", "30 s; the analyzer's windows are 60 s long")]


def test_a_soak_too_short_for_ten_windows_says_how_long_it_must_be() -> None:
    (fault,) = _words(duration="5 min")
    assert fault[0] == "duration"
    assert "10 windows of 60 s with work take 10 min" in fault[1]


def test_a_duty_that_rests_half_the_time_needs_twice_the_length() -> None:
    duty = Duty(kind="day_night", day_from="06:00", day_to="18:00")
    (fault,) = _words(duration="12 min", duty=duty)
    assert "take 20 min with this duty" in fault[1]


def test_bursts_in_which_no_two_windows_are_alike_are_refused() -> None:
    (fault,) = _words(duty=Duty(kind="bursty", on_s=50, off_s=40))
    assert fault[0] == "duty.on_s"
    assert "right is on_s of 180 or more, or a sum that divides 60" in fault[1]


@pytest.mark.parametrize(("on_s", "off_s"), [(10, 20), (300, 600), (30, 30)])
def test_bursts_inside_a_window_or_longer_than_three_are_taken(on_s: int, off_s: int) -> None:
    assert _words(duty=Duty(kind="bursty", on_s=on_s, off_s=off_s)) == []


def test_bursts_that_do_not_fit_a_day_are_refused() -> None:
    assert _words(duty=Duty(kind="bursty", on_s=300, off_s=700))[0][0] == "duty.off_s"


def test_a_duty_without_its_numbers_says_which_it_needs() -> None:
    found = _words(duty=Duty(kind="bursty"))
    assert found[0] == ("duty.on_s", "a bursty duty needs on_s and off_s")


def test_a_number_of_another_duty_is_refused() -> None:
    assert _words(duty=Duty(on_s=5))[0] == (
        "duty.on_s",
        "a continuous duty has no on_s; which kind is meant?",
    )


def test_a_time_of_day_that_is_none_is_refused() -> None:
    found = _words(duty=Duty(kind="day_night", day_from="7 am", day_to="19:00"))
    assert found == [("duty.day_from", "'7 am' is no time of day; 07:30 is one (UTC)")]


def test_a_drift_budget_below_what_a_short_soak_can_show_is_refused() -> None:
    (fault,) = _words(duration="20 min", budgets=Budgets(drift_j_percent_day=0.5))
    assert fault[0] == "budgets.drift_j_percent_day"
    assert "right is at least 0.72, or a longer soak" in fault[1]


def test_a_budget_that_nothing_can_fail_is_refused() -> None:
    assert _words(budgets=Budgets(missing_share=1.0)) == [
        ("budgets.missing_share", "1 is everything: nothing could fail it")
    ]


def test_a_batch_larger_than_the_images_is_refused() -> None:
    work = msgspec.structs.replace(WORK, images=4, batch_size=8)
    assert _words(work=work) == [("work.batch_size", "a batch of 8 cannot come from 4 images")]


def test_a_day_may_lie_across_midnight() -> None:
    duty = Duty(kind="day_night", day_from="22:00", day_to="04:00")
    assert [duty.is_on(hour * 3600) for hour in (21, 22, 0, 3, 4, 12)] == [
        False,
        True,
        True,
        True,
        False,
        False,
    ]


def test_bursts_begin_at_multiples_of_their_period() -> None:
    duty = Duty(kind="bursty", on_s=10, off_s=20)
    assert [duty.is_on(second) for second in (0, 9.9, 10, 29, 30)] == [True, True, False, False, True]


def test_the_application_of_a_soak_is_its_own_or_the_watched_one() -> None:
    assert _plan().app == "soak-night"
    assert _plan(work=None, watch=SoakWatch(app="shop")).app == "shop"
