from __future__ import annotations

import numpy as np
import pytest

from telemetry.contract import marks
from telemetry.contract.frames import MarksFrame
from tests.analyzing import ANCHOR, Maker, S, at, batches, begin, end
from view.live.tally import KEPT_NS, Bench, Meter


def told(*events: marks.Event) -> MarksFrame:
    frame = Maker().marks(0, *events).frame
    assert isinstance(frame, MarksFrame)
    return frame


def meter(seconds: int, watts: float = 10.0) -> Meter:
    made = Meter()
    for second in range(seconds):
        times = ANCHOR + second * S + np.arange(20, dtype=np.int64) * (S // 20)
        made.add(times, np.full(20, watts))
    return made


def test_joules_are_power_times_time_from_any_moment_on() -> None:
    joules, first, through = meter(10).since(ANCHOR + 3 * S + S // 3)
    assert first == ANCHOR + 3 * S + S // 3
    assert joules == pytest.approx(10.0 * (through - first) / S)


def test_a_moment_from_before_what_is_kept_counts_from_the_first_reading_on() -> None:
    _, first, through = meter(60).since(ANCHOR)
    assert through - first <= KEPT_NS + 2 * S


def test_a_trial_that_began_shows_with_its_images_and_its_energy() -> None:
    bench = Bench()
    protocol = marks.Protocol(images=32)
    bench.mark(told(begin(2, protocol=protocol)))
    bench.mark(told(batches(4, images=(8, 8))))
    trial = bench.running["t1"]
    trial.count(meter(5))
    assert (trial.model, trial.images, trial.share) == ("vit", 16, 0.5)
    assert trial.joules == pytest.approx(10.0 * 2.95)


def test_energy_is_counted_once_however_often_it_is_looked_at() -> None:
    bench, drawn = Bench(), meter(5)
    bench.mark(told(begin(2)))
    trial = bench.running["t1"]
    for _ in range(3):
        trial.count(drawn)
    assert trial.joules == pytest.approx(10.0 * 2.95)


def test_a_trial_that_ended_is_gone_even_if_its_marks_come_late() -> None:
    bench = Bench()
    bench.mark(told(end(9)))
    bench.mark(told(begin(2)))
    bench.mark(told(batches(4)))
    assert bench.running == {}


def test_a_trial_whose_begin_was_not_heard_counts_its_images_and_no_energy() -> None:
    bench = Bench()
    bench.mark(told(batches(4)))
    trial = bench.running["t1"]
    trial.count(meter(5))
    assert (trial.images, trial.through, trial.share) == (8, None, None)


def test_the_next_trial_takes_the_place_of_one_that_never_ended() -> None:
    bench = Bench()
    bench.mark(told(begin(2, "t1")))
    bench.mark(told(begin(8, "t2")))
    assert list(bench.running) == ["t2"]


def test_a_nodes_time_is_of_its_anchor() -> None:
    bench = Bench()
    bench.mark(told(begin(2)))
    assert bench.running["t1"].begin == ANCHOR + at(2)
