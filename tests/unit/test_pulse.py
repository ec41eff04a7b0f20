from __future__ import annotations

from telemetry.runtime.pulse import Pulse


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_parts_that_beat_are_well() -> None:
    pulse = Pulse(10.0, clock := Clock())
    pulse.beat("sampler")
    clock.now_s += 10.0
    assert pulse.trouble() is None


def test_a_part_that_has_never_beaten_is_not_missed() -> None:
    assert Pulse(10.0, Clock()).trouble() is None


def test_the_part_that_was_silent_for_longest_is_named() -> None:
    pulse = Pulse(10.0, clock := Clock())
    pulse.beat("sampler")
    clock.now_s += 1.0
    pulse.beat("spool")
    clock.now_s += 11.0
    assert pulse.trouble() == "sampler: no sign of life for 12 s"


def test_a_part_that_beats_again_is_well_again() -> None:
    pulse = Pulse(10.0, clock := Clock())
    pulse.beat("sampler")
    clock.now_s += 11.0
    pulse.beat("sampler")
    assert pulse.trouble() is None


def test_work_that_does_not_end_is_missed_and_rest_is_not() -> None:
    pulse = Pulse(10.0, clock := Clock())
    with pulse.within("store"):
        clock.now_s += 11.0
        assert pulse.trouble() == "store: no sign of life for 11 s"
    assert pulse.trouble() is None


def test_of_two_works_at_a_time_the_one_that_goes_on_is_missed() -> None:
    pulse = Pulse(10.0, clock := Clock())
    with pulse.within("store"):
        clock.now_s += 5.0
        with pulse.within("store"):
            clock.now_s += 6.0
        assert pulse.trouble() == "store: no sign of life for 11 s"


def test_the_first_sign_of_life_is_its_beginning() -> None:
    pulse = Pulse(10.0)
    assert not pulse.begun.is_set()
    pulse.beat("agent")
    assert pulse.begun.is_set()
