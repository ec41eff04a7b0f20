"""Logs of tegrastats: which numbers are rails, which rail is the total, and when each line was written."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_node.power import tegrastats
from edge_node.power.recording import Recording
from telemetry.contract.errors import UserError

LOGS = Path(__file__).parents[2] / "data" / "logs"
S = 1_000_000_000
MS = 1_000_000
START = 1_600_000_000 * S
LINE = "09-18-2023 14:22:{:02d} RAM 5135/15389MB CPU@48C VDD_IN {}mW/5000mW VDD_SOC 1400mW/1400mW\n"


def _read(name: str, **more: float) -> Recording:
    return tegrastats.read(LOGS / f"tegrastats-{name}.log", **more)


def _log(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "tegrastats.log"
    path.write_text("".join(lines))
    return path


def _refusal(path: Path, **more: object) -> str:
    with pytest.raises(UserError) as caught:
        tegrastats.read(path, **more)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "stamped", "channels", "first"),
    [
        (
            "tx2-jetpack4",
            False,
            ("VDD_IN", "VDD_SYS_GPU", "VDD_SYS_CPU", "VDD_SYS_SOC", "VDD_SYS_DDR", "VDD_4V0_WIFI"),
            [4.2, 0.182, 1.917, 0.730, 1.241, 0.0],
        ),
        ("nano-jetpack4", False, ("POM_5V_IN", "POM_5V_GPU", "POM_5V_CPU"), [2.1, 0.7, 0.48]),
        (
            "agx-xavier-jetpack4",
            False,
            ("total", "GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V"),
            [4.796, 0.466, 0.932, 1.398, 0.0, 0.155, 1.845],
        ),
        ("orin-nx-jetpack5", True, ("VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC"), [5.0, 1.666, 1.412]),
        (
            "agx-orin-jetpack6",
            True,
            ("total", "VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0"),
            [9.718, 4.382, 0.796, 4.540],
        ),
        ("three-fields", True, ("VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC"), [5.0, 0.9, 1.412]),
    ],
)
def test_each_boards_lines_are_its_total_and_parts_now(
    name: str, stamped: bool, channels: tuple[str, ...], first: list[float]
) -> None:
    recording = _read(name) if stamped else _read(name, start_ns=START, interval_ms=1000.0)
    assert recording.channels == channels
    assert recording.row(0) == pytest.approx(first)
    assert recording.errors == recording.truncated == recording.nudged == 0
    assert recording.info().total == channels[0]


def test_the_chips_gain_goes_with_the_readings() -> None:
    assert _read("orin-nx-jetpack5").info().gain_uncertainty == pytest.approx(0.0061, abs=1e-4)


def test_lines_without_times_are_an_interval_apart_from_the_start_on() -> None:
    recording = _read("tx2-jetpack4", start_ns=START, interval_ms=500.0)
    assert recording.times_ns[:3].tolist() == [START, START + S // 2, START + S]
    assert recording.tick_ns == S // 2


def test_lines_without_times_need_to_be_told_when() -> None:
    words = _refusal(LOGS / "tegrastats-tx2-jetpack4.log", start_ns=START)
    assert "its lines carry no time; say when and how it was recorded: --start TIME --interval MS" in words


def test_lines_with_times_are_not_told_other_ones() -> None:
    words = _refusal(LOGS / "tegrastats-orin-nx-jetpack5.log", start_ns=START, interval_ms=1000.0)
    assert "its lines carry their times; leave --start and --interval out" in words


def test_whole_seconds_are_shared_out_among_their_lines() -> None:
    # Written from 14:22:13.370 on, ten a second: each line's time is known to a tenth.
    recording = _read("agx-orin-jetpack6")
    true_ns = [recording.times_ns[0] + at * 100 * MS for at in range(60)]
    assert recording.tick_ns == 100 * MS
    assert all(abs(t - true) <= 100 * MS for t, true in zip(recording.times_ns, true_ns, strict=True))


def test_stamps_are_in_the_zone_that_is_told(tmp_path: Path) -> None:
    path = _log(tmp_path, LINE.format(13, 5000), LINE.format(14, 5000))
    utc, berlin = tegrastats.read(path), tegrastats.read(path, "Europe/Berlin")
    assert utc.times_ns[0] - berlin.times_ns[0] == 2 * 3600 * S


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40).filter(any))
def test_every_line_stays_in_its_second_and_times_rise(counts: list[int]) -> None:
    seconds = [at * S for at, count in enumerate(counts) for _ in range(count)]
    times = tegrastats.shared_out(seconds)
    assert [t // S * S for t in times] == seconds
    assert all(sooner < later for sooner, later in pairwise(times))


def test_a_rail_that_a_line_lacks_has_no_reading_and_is_counted(tmp_path: Path) -> None:
    lacking = LINE.format(14, 5000).replace(" VDD_SOC 1400mW/1400mW", "")
    recording = tegrastats.read(_log(tmp_path, LINE.format(13, 5000), lacking, LINE.format(15, 5000)))
    assert math.isnan(recording.row(1)[1])
    assert recording.errors == 1


def test_a_last_line_cut_short_is_left_out_and_counted(tmp_path: Path) -> None:
    recording = tegrastats.read(_log(tmp_path, LINE.format(13, 5000), LINE.format(14, 5000)[:60]))
    assert (len(recording), recording.truncated) == (1, 1)


@pytest.mark.parametrize(
    "lookalike",
    ["RAM 3276/7859MB", "SWAP 0/7695MB", "IRAM 0/252kB(lfb 252kB)", "CPU [3%@1190]", "GPU@31.5C", "APE 150"],
)
def test_what_looks_like_a_rail_is_none(tmp_path: Path, lookalike: str) -> None:
    line = LINE.format(13, 5000).replace("CPU@48C", lookalike)
    assert tegrastats.read(_log(tmp_path, line)).channels == ("VDD_IN", "VDD_SOC")


def test_a_line_without_power_is_named(tmp_path: Path) -> None:
    words = _refusal(_log(tmp_path, LINE.format(13, 5000), "tegrastats: stopped\n", LINE.format(15, 5000)))
    assert "tegrastats.log:2: no rail's power in it; right would be" in words


def test_unknown_rails_are_named_and_none_is_guessed_to_be_the_total(tmp_path: Path) -> None:
    words = _refusal(_log(tmp_path, "VDD_NEW 5000mW/5000mW VDD_OTHER 1mW/1mW\n"))
    assert "no rail is known as a board's total; there are: VDD_NEW, VDD_OTHER" in words


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (LINE.format(12, 5000), ":2: time 09-18-2023 14:22:12 lies before the line above"),
        (LINE.format(14, 5000)[20:], ":2: no time, unlike other lines"),
        (LINE.format(99, 5000), ":2: time '09-18-2023 14:22:99'; right would be MM-DD-YYYY HH:MM:SS"),
        (LINE.format(14, "5000mW/1mW VDD_IN 1"), ":2: rail VDD_IN stands there twice"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, second: str, words: str) -> None:
    assert words in _refusal(_log(tmp_path, LINE.format(13, 5000), second, LINE.format(15, 5000)))
