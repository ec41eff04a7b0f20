"""Trials and their end marks: what waits for a power frame, what a dead process leaves, when to hurry."""

from __future__ import annotations

from typing import Any

from edge_node.markers import Process
from edge_node.trials import OpenTrial, Reach, Short, Trials
from telemetry.contract import marks
from telemetry.contract.columns import pack

MAIN, GPU = "power/main", "power/gpu"
WHO = Process(7, 100)


def _begin(trial: str = "t1", t: int = 0) -> marks.TrialBegin:
    return marks.TrialBegin(t=t, trial=trial, model="m", dataset="d", batch_size=1, group="g", index=0)


def _end(trial: str = "t1", t: int = 1000, **more: Any) -> marks.TrialEnd:
    return marks.TrialEnd(t=t, trial=trial, status="ok", images=1, power={}, **more)


def _trials(**delays: int) -> Trials:
    trials = Trials()
    trials.begin_boot({f"power/{stream}": delay for stream, delay in (delays or {"main": 0}).items()})
    return trials


def _mark(trials: Trials, *events: marks.Event, now_s: float = 0.0) -> None:
    for event in events:
        trials.mark(event, WHO, "kernel", now_s)


def test_an_end_waits_for_the_first_frame_that_reaches_it() -> None:
    trials = _trials()
    _mark(trials, _begin(), _end())
    assert trials.released(0.0) == [_begin()]
    trials.reached(MAIN, Reach(3, 999))
    assert trials.released(0.1) == []
    trials.reached(MAIN, Reach(4, 1000))
    trials.reached(MAIN, Reach(5, 1250))
    (end,) = trials.released(0.2)
    assert isinstance(end, marks.TrialEnd)
    assert end.power == {MAIN: 4}


def test_a_sensor_with_a_delay_has_to_reach_that_much_further() -> None:
    trials = _trials(main=500)
    _mark(trials, _end())
    trials.reached(MAIN, Reach(0, 1499))
    assert trials.released(0.0) == []
    trials.reached(MAIN, Reach(1, 1500))
    assert trials.released(0.0) == [_end_with({MAIN: 1})]
    assert trials.target_ns(_end()) == 1500


def _end_with(power: dict[str, int]) -> marks.TrialEnd:
    return marks.TrialEnd(t=1000, trial="t1", status="ok", images=1, power=power)


def test_every_power_stream_has_to_reach_the_end() -> None:
    trials = _trials(main=0, gpu=0)
    _mark(trials, _end())
    trials.reached(MAIN, Reach(8, 2000))
    assert trials.released(0.0) == []
    trials.reached(GPU, Reach(2, 2000))
    assert trials.released(0.0) == [_end_with({MAIN: 8, GPU: 2})]


def test_an_end_that_comes_late_names_the_frame_that_reached_it_first() -> None:
    trials = _trials()
    for seq in range(10):
        trials.reached(MAIN, Reach(seq, 250 * seq))
    _mark(trials, _end())
    assert trials.released(0.0) == [_end_with({MAIN: 4})]


def test_after_five_seconds_an_end_goes_with_what_is_known() -> None:
    trials = _trials()
    trials.reached(MAIN, Reach(3, 900))
    _mark(trials, _end(), now_s=10.0)
    assert trials.released(14.9) == []
    assert trials.released(15.0) == [_end_with({MAIN: 3})]
    assert trials.short == [Short("t1", (MAIN,))]


def test_a_stream_that_never_gave_a_frame_is_not_named() -> None:
    trials = _trials()
    _mark(trials, _end())
    assert trials.released(5.0) == [_end_with({})]


def test_without_power_streams_an_end_goes_at_once() -> None:
    trials = Trials()
    trials.begin_boot({})
    _mark(trials, _end())
    assert trials.released(0.0) == [_end_with({})]


def test_marks_leave_in_the_order_they_came() -> None:
    trials = _trials()
    _mark(trials, _begin("t1"), _end("t1"), _begin("t2", t=1001))
    assert trials.released(0.0) == [_begin("t1")]
    assert trials.queue == [_end("t1"), _begin("t2", t=1001)]
    trials.reached(MAIN, Reach(0, 1000))
    assert [mark.trial for mark in trials.released(0.0)] == ["t1", "t2"]  # type: ignore[union-attr]


def test_a_new_boot_speaks_of_its_own_frames() -> None:
    trials = _trials()
    trials.reached(MAIN, Reach(70, 900))
    _mark(trials, _end())
    trials.begin_boot({MAIN: 0})
    trials.reached(MAIN, Reach(0, 1200))
    assert trials.released(0.0) == [_end_with({MAIN: 0})]


def test_a_trial_is_open_until_its_end_has_left() -> None:
    trials = _trials()
    _mark(trials, _begin(), _end())
    trials.released(0.0)
    assert [trial.trial for trial in trials.open] == ["t1"]
    assert trials.running() == []
    trials.reached(MAIN, Reach(0, 1000))
    trials.released(0.0)
    assert trials.open == []


def test_a_trial_whose_process_is_gone_ends_as_aborted_with_the_images_it_said() -> None:
    trials = _trials()
    batches = marks.Batches(
        t=3, trial="t1", begin=pack("q", [1, 2]), end=pack("q", [2, 3]), images=pack("i", [8, 4])
    )
    _mark(trials, _begin(), batches)
    trials.abort(trials.running()[0], t_ns=50, now_s=1.0)
    trials.reached(MAIN, Reach(6, 60))
    assert trials.released(1.0)[-1] == marks.TrialEnd(
        t=50, trial="t1", status="aborted", images=12, power={MAIN: 6}
    )
    assert trials.open == []


def test_a_restarted_agent_knows_the_open_trials_and_the_marks_that_waited() -> None:
    before = _trials()
    _mark(before, _begin(), _begin("t2"), _end("t2"))
    before.released(0.0)
    after = Trials(before.open, before.queue, now_s=100.0)
    after.begin_boot({MAIN: 0})
    assert after.running() == [OpenTrial("t1", WHO, "kernel")]
    after.reached(MAIN, Reach(0, 1000))
    assert [mark.trial for mark in after.released(100.0)] == ["t2"]  # type: ignore[union-attr]


def test_the_trial_of_a_process_is_the_one_it_began_last() -> None:
    trials = _trials()
    _mark(trials, _begin("t1"), _begin("t2"))
    assert trials.trial_of(WHO) == "t2"
    assert trials.trial_of(Process(8, 1)) is None


def test_a_trial_is_near_from_prepare_until_30_seconds_after_its_end() -> None:
    trials = _trials()
    assert not trials.is_near(0.0)
    _mark(trials, marks.Prepare(t=0, group="g"), now_s=10.0)
    assert trials.is_near(39.9)
    assert not trials.is_near(40.0)
    _mark(trials, _begin(), now_s=50.0)
    trials.released(50.0)
    assert trials.is_near(500.0)
    trials.reached(MAIN, Reach(0, 1000))
    _mark(trials, _end(), now_s=600.0)
    trials.released(600.0)
    assert trials.is_near(629.9)
    assert not trials.is_near(630.0)


def test_continuous_work_does_not_raise_the_rate() -> None:
    trials = _trials()
    _mark(trials, marks.Work(t=0, app="a", model="m", begin=b"", end=b"", images=b""))
    assert not trials.is_near(0.0)
