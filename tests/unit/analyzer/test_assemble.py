"""From evidence to results: what each circumstance makes of a window."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from analyzer.assemble import interval_results, trial_results
from analyzer.evidence import Evidence, Power
from analyzer.notebook import Notebook
from analyzer.span import Holes
from analyzer.trials import Trial
from telemetry.contract import marks
from telemetry.contract.columns import pack, pack_dt
from telemetry.contract.decode import Received
from telemetry.contract.documents import Result
from telemetry.contract.frames import ClockFrame, HealthFrame, ManifestFrame, MarksFrame, PowerFrame
from tests.analyzing import ANCHOR, HZ, NODE, Maker, S, at, batches, begin, end, idle

MAKER = Maker()


def trial_of(*events: marks.Event) -> Trial:
    received = MAKER.marks(0, *(events or (begin(2), batches(8), end(8.5))))
    book = Notebook(NODE)
    assert isinstance(received.frame, MarksFrame)
    book.add(received.key, received.frame)
    trial = book.trial("t1")
    assert trial is not None
    return trial


def power(*received: Received, shift: int = ANCHOR, holes: Holes | None = None, **fields: Any) -> Power:
    frames = [each.frame for each in received]
    held = tuple((shift, frame) for frame in frames if isinstance(frame, PowerFrame))
    said = {"reported": True, **fields}
    return Power("main", held, holes or Holes(), **said)


def manifest(**fields: Any) -> ManifestFrame:
    frame = MAKER.manifest(**fields).frame
    assert isinstance(frame, ManifestFrame)
    return frame


def evidence(**fields: Any) -> Evidence:
    said: dict[str, Any] = {
        "manifest": manifest(),
        "power": (power(*MAKER.powers(1, 9)),),
        "clock": (),
        "health": (),
        **fields,
    }
    return Evidence(**said)


def result(*events: marks.Event, overlaps: bool = False, awaits_marks: bool = False, **fields: Any) -> Result:
    (made,) = trial_results(
        trial_of(*events), evidence(**fields), overlaps=overlaps, awaits_marks=awaits_marks
    )
    return made


def health(t_s: float, **fields: Any) -> tuple[int, HealthFrame]:
    frame = MAKER.health(round(t_s), t_s, **fields).frame
    assert isinstance(frame, HealthFrame)
    return ANCHOR, frame


def clock(*exchanges: Any) -> tuple[int, ClockFrame]:
    frame = MAKER.clock(0, *exchanges).frame
    assert isinstance(frame, ClockFrame)
    return ANCHOR, frame


def test_a_whole_trial_is_valid_and_says_what_ran() -> None:
    made = result()
    assert (made.state, made.reasons, made.flags) == ("valid", (), ())
    assert made.energy_j == pytest.approx(65.0)
    assert (made.trial, made.group, made.index, made.model, made.batch_size) == ("t1", "g", 0, "vit", 8)
    assert (made.device, made.sensor, made.origin) == ("jetson-tx2", "synthetic", "synthetic")
    assert made.images_per_s == pytest.approx(8 / 6.5)
    assert made.j_per_1000 == pytest.approx(65.0 / 8 * 1000)


def test_an_aborted_trial_is_invalid() -> None:
    made = result(begin(2), batches(8), end(8.5, status="aborted"))
    assert (made.state, made.reasons) == ("invalid", ("aborted",))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"overlaps": True}, "overlap"),
        ({"awaits_marks": True}, "frames_missing"),
        ({"manifest": None}, "no_manifest"),
        ({"power": (power(*MAKER.powers(1, 9), holes=Holes(missing=1)),)}, "frames_missing"),
        ({"power": (power(*MAKER.powers(1, 9), holes=Holes(dead=1)),)}, "frames_missing"),
        ({"power": (power(*MAKER.powers(1, 9), holes=Holes(lost=1)),)}, "frames_lost"),
        ({"power": (power(*MAKER.powers(1, 9), reported=False),)}, "no_ledger"),
    ],
)
def test_each_flaw_makes_a_result_degraded_by_its_name(fields: dict[str, Any], reason: str) -> None:
    made = result(**fields)
    assert (made.state, made.reasons) == ("degraded", (reason,))


@pytest.mark.parametrize(
    "events",
    [
        (begin(2), end(8.5)),
        (begin(2), batches(8, images=[7]), end(8.5)),
        (begin(2), batches(8), marks.MarksHole(t=at(4), pid=9, lost=1, trial="t1"), end(8.5)),
    ],
)
def test_marks_that_do_not_add_up_are_missing(events: tuple[marks.Event, ...]) -> None:
    made = result(*events)
    assert (made.state, made.reasons) == ("degraded", ("marks_missing",))
    assert made.images == 8


def test_no_reading_is_no_energy_and_never_0() -> None:
    made = result(power=(power(),))
    assert (made.state, made.reasons) == ("invalid", ("no_samples",))
    numbers = made.energy_j, made.net_j, made.net_u95_j, made.mean_w, made.max_w, made.j_per_1000
    assert (*numbers, made.energy_u95_j) == (None,) * 7


def test_the_idle_power_is_taken_off() -> None:
    events = *idle(10, 19, group="g"), begin(22), batches(28), end(28.5)
    resting = power(*MAKER.powers(9, 20, watts=4.0))
    made = result(*events, power=(power(*MAKER.powers(21, 29)),), idle=((resting,),))
    assert made.idle_w == pytest.approx(4.0)
    assert made.net_j == pytest.approx(6.0 * 6.5)
    assert [line.name for line in made.net_budget] == ["gain", "offset", "energy", "idle", "idle_drift"]


def before_and_after(second: Power) -> Result:
    """Rests of 4 W before the trial, and another one after it."""
    events = *idle(10, 19, group="g"), begin(22), batches(28), end(28.5), *idle(32, 39, group="g")
    first = power(*MAKER.powers(9, 20, watts=4.0))
    return result(*events, power=(power(*MAKER.powers(21, 29)),), idle=((first,), (second,)))


def test_the_rest_after_a_trial_tells_how_far_idle_power_moved() -> None:
    made = before_and_after(power(*MAKER.powers(31, 40, watts=4.25)))
    assert (made.idle_w, made.net_j) == (pytest.approx(4.0), pytest.approx(6.0 * 6.5))
    assert "0.25 W, from the rest before to the rest after" in made.net_budget[-1].how
    assert made.net_u95_j is not None
    assert made.net_u95_j >= 0.95 * 0.25 * 6.5


def test_a_rest_after_the_trial_counts_once_all_its_frames_are_here() -> None:
    made = before_and_after(power(*MAKER.powers(31, 38, watts=4.25), holes=Holes(missing=1)))
    assert made.net_budget[-1].how == "up to 0 W, between the halves of the only rest"


def test_an_idle_window_that_was_not_measured_is_not_taken_off() -> None:
    events = *idle(10, 19, group="g"), begin(22), batches(28), end(28.5)
    made = result(*events, power=(power(*MAKER.powers(21, 29)),), idle=((power(),),))
    assert (made.idle_w, made.net_j, made.net_u95_j, made.net_budget) == (None, None, None, ())
    assert made.state == "valid"


def test_two_boots_on_one_clock_are_one_trace() -> None:
    """The second boot's anchor differs by an hour; its times are shifted by the first one's all the same."""
    later = Maker("b2", anchor=ANCHOR + 3600 * S)
    both = power(*MAKER.powers(1, 4), *later.powers(5, 9))
    made = result(power=(both,))
    assert made.energy_j == pytest.approx(65.0)
    assert made.state == "valid"


@pytest.mark.parametrize("rate_hz", [HZ, 1])
def test_the_time_between_two_boots_is_a_gap_whatever_the_later_boots_rate(rate_hz: int) -> None:
    """0.3 s are missing: six periods of the sensor, and less than a tick of a boot that begins slowly."""
    later = Maker("b2")
    slow = later.power(0, t0=at(5.25), dt=pack_dt([0]), w=pack("f", [10.0]), tick=S // rate_hz)
    rest = [later.power(n, t0=at(5.3) + (n - 1) * S) for n in range(1, 5)]
    made = result(power=(power(*MAKER.powers(1, 4), slow, *rest),))
    assert "gap" in made.reasons
    assert made.coverage == pytest.approx(1 - 0.3 / 6.5)


def test_channels_are_found_by_name_when_boots_had_different_ones() -> None:
    def rails(second: int) -> Received:
        return MAKER.power(second, ch=("gpu", "total"), w=pack("f", [3.0, 10.0] * HZ))

    mixed = power(*MAKER.powers(1, 4), *(rails(second) for second in range(5, 10)))
    assert result(power=(mixed,)).energy_j == pytest.approx(65.0)


def test_without_a_manifest_the_channel_called_total_is_taken_else_the_first() -> None:
    def frames(*ch: str) -> list[Received]:
        return [MAKER.power(n, ch=ch, w=pack("f", [3.0, 10.0] * HZ)) for n in range(1, 10)]

    assert result(manifest=None, power=(power(*frames("gpu", "total")),)).energy_j == pytest.approx(65.0)
    assert result(manifest=None, power=(power(*frames("VDD_IN", "gpu")),)).energy_j == pytest.approx(19.5)


def test_the_device_fares_as_reported_last_before_the_end() -> None:
    reports = [
        health(1, temp_c={"cpu": 40.0}, agent_cpu_s=1.0, throttle=("gpu",)),
        health(6, temp_c={"cpu": 55.0}, agent_cpu_s=1.5, throttle=("cpu",)),
        health(9, temp_c={"cpu": 70.0}, agent_cpu_s=9.0),
    ]
    made = result(health=tuple(reports))
    assert (made.temp_c, made.throttle) == ({"cpu": 55.0}, ("cpu",))
    assert made.agent_cpu_s == pytest.approx(0.5)


def test_a_report_of_long_ago_does_not_speak_for_the_window() -> None:
    events = begin(102), batches(108), end(108.5)
    made = result(*events, power=(power(*MAKER.powers(101, 109)),), health=(health(1, temp_c={"cpu": 40.0}),))
    assert made.temp_c is None


def test_a_temperature_that_is_no_number_is_left_out() -> None:
    hot = health(1, temp_c={"cpu": 40.0, "gpu": math.nan})
    made = result(health=(hot,))
    assert made.temp_c == {"cpu": 40.0}
    assert msgspec.json.decode(msgspec.json.encode(made), type=Result) == made


def test_the_agents_processor_time_is_summed_over_boots_that_each_count_from_0() -> None:
    def at_boot(boot: str, t_s: float, cpu_s: float) -> tuple[int, HealthFrame]:
        shift, frame = health(t_s, agent_cpu_s=cpu_s)
        return shift, replace(frame, boot=boot)

    reports = at_boot("b1", 3, 100.0), at_boot("b1", 4, 101.0), at_boot("b2", 6, 0.5), at_boot("b2", 8, 2.5)
    assert result(health=reports).agent_cpu_s == pytest.approx(3.0)


def test_a_clock_far_off_is_flagged_and_the_energy_stays_valid() -> None:
    made = result(clock=(clock(MAKER.exchange(0.5, offset_s=400), MAKER.exchange(1, offset_s=400)),))
    assert made.clock_bad is True
    assert (made.flags, made.state) == (("clock_bad",), "valid")
    assert made.utc_offset_ns == pytest.approx(400 * S, abs=10_000_000)


def test_a_clock_that_nobody_asked_is_unknown_and_not_good() -> None:
    made = result()
    assert (made.clock_bad, made.utc_offset_ns, made.utc_offset_u95_ns) == (None, None, None)


def test_pings_after_the_begin_do_not_move_the_offset() -> None:
    early = clock(MAKER.exchange(0.5), MAKER.exchange(1))
    late = clock(MAKER.exchange(3, offset_s=0.5), MAKER.exchange(4, offset_s=0.5))
    assert result(clock=(early, late)).utc_offset_ns == result(clock=(early,)).utc_offset_ns


def test_a_suspend_within_the_window_is_flagged() -> None:
    """UTC went on for 30 s while the monotonic clock stood still."""
    pings = clock(MAKER.exchange(1)), clock(MAKER.exchange(4)), clock(MAKER.exchange(6, offset_s=30))
    made = result(clock=pings)
    assert (made.flags, made.state) == (("suspended",), "degraded")


@pytest.mark.parametrize("offsets", [(0, 0, 0.5), (30, 0, 0), (0, 0, 0)])
def test_jitter_and_a_collector_set_back_are_no_suspend(offsets: tuple[float, float, float]) -> None:
    pings = [clock(MAKER.exchange(t_s, offset_s=o)) for t_s, o in zip((1, 4, 6), offsets, strict=True)]
    assert result(clock=tuple(pings)).flags == ()


def test_a_suspend_before_the_window_is_none_of_it() -> None:
    pings = (
        clock(MAKER.exchange(0.5)),
        clock(MAKER.exchange(1, offset_s=30)),
        clock(MAKER.exchange(6, offset_s=30)),
    )
    assert "suspended" not in result(clock=pings).flags


def test_each_stream_has_a_result_of_its_own() -> None:
    streams = Power("gpu", (), Holes(), reported=True), power(*MAKER.powers(1, 9))
    made = trial_results(trial_of(), evidence(power=streams), overlaps=False)
    assert [(each.stream, each.state) for each in made] == [("gpu", "invalid"), ("main", "valid")]


def test_an_interval_has_no_work() -> None:
    (made,) = interval_results(NODE, ANCHOR + 2 * S, ANCHOR + 8 * S, evidence())
    assert (made.kind, made.window) == ("interval", f"{NODE}/{ANCHOR + 2 * S}/{ANCHOR + 8 * S}")
    assert made.energy_j == pytest.approx(60.0)
    assert (made.trial, made.images, made.j_per_1000) == (None, None, None)


def test_an_interval_beside_which_another_boot_ran_is_degraded() -> None:
    (made,) = interval_results(NODE, ANCHOR + 2 * S, ANCHOR + 8 * S, evidence(), overlaps=True)
    assert (made.state, made.reasons) == ("degraded", ("overlap",))
