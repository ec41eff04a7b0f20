"""PTDaemon logs: the real ones, and all that can be wrong with one."""

from __future__ import annotations

import csv
import itertools
import math
from pathlib import Path

import pytest

from edge_node.power import ptdaemon
from telemetry.contract.errors import UserError

DATA = Path(__file__).parents[2] / "data" / "mlperf-power-v2.0"
LOGS = sorted(DATA.glob("*.spl.txt"))
RUNS = list(csv.DictReader((DATA / "runs.csv").read_text().splitlines()))

LINE = "Time,02-17-2022 12:46:{:06.3f},Watts,{:.6f},Volts,120.910000,Amps,0.3,PF,0.45,Mark,run\n"
ERROR = "Time,02-17-2022 12:46:{:06.3f},Watts,-2.000000,Volts,-2.000000,Amps,-2.0,PF,-2.0,Mark,run\n"


def _log(tmp_path: Path, text: str | bytes) -> Path:
    path = tmp_path / "run.spl.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def _refusal(path: Path, **options: str) -> str:
    with pytest.raises(UserError) as caught:
        ptdaemon.read(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("path", LOGS, ids=lambda path: path.name.split(".")[0])
def test_every_line_of_a_real_log_is_a_reading(path: Path) -> None:
    recording = ptdaemon.read(path)
    assert len(recording) == len(path.read_text().splitlines())
    assert recording.truncated == 0
    assert recording.tick_ns == 1_000_000_000


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run["file"].split(".")[0])
def test_the_mean_inside_the_official_window_is_the_official_power(run: dict[str, str]) -> None:
    recording = ptdaemon.read(DATA / run["file"])
    begin, end = (ptdaemon.parse_stamp(run[name]) for name in ("power_begin", "power_end"))
    inside = [
        watts
        for t_ns, watts in zip(recording.times_ns, recording.watts, strict=True)
        if begin < t_ns < end and not math.isnan(watts)
    ]
    assert len(inside) == int(run["samples_in_window"])
    assert sum(inside) / len(inside) == pytest.approx(float(run["avg_power_w"]), rel=1e-5)


def test_the_meters_error_values_are_no_readings_and_are_counted() -> None:
    recording = ptdaemon.read(DATA / "Orin_TRT_MaxQ__ssd-resnet34__Offline.spl.txt")
    assert recording.errors == 4
    assert sum(map(math.isnan, recording.watts)) == 4


def test_two_lines_with_one_millisecond_are_nudged_apart_and_counted() -> None:
    recording = ptdaemon.read(DATA / "Orin_TRT_MaxQ__ssd-resnet34__Offline.spl.txt")
    assert recording.nudged == 1
    times = recording.times_ns
    assert all(later > sooner for sooner, later in itertools.pairwise(times))


def test_three_lines_with_one_millisecond_stand_a_nanosecond_apart(tmp_path: Path) -> None:
    recording = ptdaemon.read(_log(tmp_path, LINE.format(1.0, 5) * 3))
    first = recording.times_ns[0]
    assert [t_ns - first for t_ns in recording.times_ns] == [0, 1, 2]
    assert recording.nudged == 2


def test_minus_two_watts_at_mains_voltage_is_a_reading(tmp_path: Path) -> None:
    recording = ptdaemon.read(_log(tmp_path, LINE.format(1.0, -2.0) + ERROR.format(2.0)))
    assert recording.watts[0] == -2.0
    assert recording.errors == 1


def test_stamps_are_utc_unless_a_zone_is_given(tmp_path: Path) -> None:
    path = _log(tmp_path, LINE.format(22.556, 5))
    assert ptdaemon.read(path).times_ns[0] == 1645101982556000000
    assert ptdaemon.read(path, tz="Europe/Berlin").times_ns[0] == 1645101982556000000 - 3600 * 10**9


def test_a_last_line_cut_short_is_left_out_and_counted(tmp_path: Path) -> None:
    text = LINE.format(1.0, 5) + LINE.format(2.0, 6)
    recording = ptdaemon.read(_log(tmp_path, text + LINE.format(3.0, 27.7)[:45]))
    assert (len(recording), recording.truncated) == (2, 1)


def test_a_number_cut_in_its_digits_is_not_taken_for_a_smaller_one(tmp_path: Path) -> None:
    whole = LINE.format(1.0, 5) + LINE.format(2.0, 27.7)
    recording = ptdaemon.read(_log(tmp_path, whole[: whole.rindex("7.7")]))
    assert list(recording.watts) == [5.0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("\n\n", "empty"),
        (b"\x00\x01\x02Time,", "binary"),
        (b"\xff\xfe\x00\x9f\x80 not text", "not text"),
        ("time,watts\n1,2\n", "run.spl.txt:1: not a line of a PTDaemon log"),
        (LINE.format(1.0, 5) + "nonsense\n" + LINE.format(3.0, 5), "run.spl.txt:2: not a line"),
        (LINE.format(1.0, 5).replace("Watts", "Volts"), ":1: not a line"),
        (LINE.format(1.0, 5).replace("5.000000", "five"), ":1: watts 'five'; right would be a number"),
        (LINE.format(1.0, 5).replace("5.000000", "inf"), ":1: watts 'inf'"),
        (LINE.format(1.0, 5).replace("02-17-2022", "2022-02-17"), "right would be MM-DD-YYYY HH:MM:SS.mmm"),
        (LINE.format(1.0, 5).replace("2022", "9999"), "right would be MM-DD-YYYY"),
        (
            LINE.format(2.0, 5) + LINE.format(1.0, 5),
            "run.spl.txt:2: time 02-17-2022 12:46:01.000 lies before",
        ),
    ],
)
def test_a_file_that_is_no_such_log_is_refused_with_place_and_cure(
    tmp_path: Path, text: str | bytes, words: str
) -> None:
    assert words in _refusal(_log(tmp_path, text))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "absent.txt: No such file" in _refusal(tmp_path / "absent.txt")


def test_a_folder_is_no_log(tmp_path: Path) -> None:
    assert "directory" in _refusal(tmp_path)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", ""])
def test_an_unknown_zone_is_named(tmp_path: Path, zone: str) -> None:
    assert "time zone" in _refusal(_log(tmp_path, LINE.format(1.0, 5)), tz=zone)
