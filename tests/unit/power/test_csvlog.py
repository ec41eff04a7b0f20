"""Recorded power as CSV."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from edge_node.power import csvlog
from telemetry.contract.errors import UserError

NS = 1_000_000_000


def _log(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "run.csv"
    path.write_text(text)
    return path


def test_seconds_keep_every_nanosecond(tmp_path: Path) -> None:
    recording = csvlog.read(_log(tmp_path, "time,watts\n1645101982.123456789,5\n1645101983.0,6\n"))
    assert list(recording.times_ns) == [1645101982123456789, 1645101983 * NS]
    assert list(recording.watts) == [5.0, 6.0]
    assert recording.channels == ("total",)


def test_seconds_from_zero_are_a_time_too(tmp_path: Path) -> None:
    assert list(csvlog.read(_log(tmp_path, "t,watts\n0,5\n0.001,6\n")).times_ns) == [0, 1_000_000]


def test_nanoseconds_are_told_by_their_size(tmp_path: Path) -> None:
    recording = csvlog.read(_log(tmp_path, "timestamp,watts\n1645101982123456789,5\n"))
    assert recording.times_ns[0] == 1645101982123456789


ZONED = "2022-02-17T13:46:22.556+01:00"


@pytest.mark.parametrize("stamp", ["2022-02-17T12:46:22.556Z", "2022-02-17 12:46:22.556", ZONED])
def test_iso_stamps_are_read_with_their_zone_or_as_utc(tmp_path: Path, stamp: str) -> None:
    assert csvlog.read(_log(tmp_path, f"time,watts\n{stamp},5\n")).times_ns[0] == 1645101982556000000


def test_each_column_of_watts_is_a_channel_and_others_are_left(tmp_path: Path) -> None:
    recording = csvlog.read(_log(tmp_path, "time,gpu_w,volts,total_w\n0,1,12,3\n1,2,12,5\n"))
    assert recording.channels == ("gpu", "total")
    assert recording.info().total == "total"
    assert list(recording.row(1)) == [2.0, 5.0]


def test_an_empty_cell_is_no_reading(tmp_path: Path) -> None:
    recording = csvlog.read(_log(tmp_path, "time,watts\n0,5\n1,\n2,7\n"))
    assert math.isnan(recording.watts[1])
    assert recording.errors == 1


def test_a_last_line_cut_short_is_left_out_and_counted(tmp_path: Path) -> None:
    recording = csvlog.read(_log(tmp_path, "time,watts\n0,5\n1,6\n2"))
    assert (len(recording), recording.truncated) == (2, 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("time,watts\n", "a header and no reading"),
        ("when,power\n1,2\n", "run.csv:1: columns 'when,power'; right would be time,watts"),
        ("time,watts\n0,5\n1,six\n", "run.csv:3: watts 'six'"),
        ("time,watts\n0,5\n1,6,7\n2,6\n", "run.csv:3: 3 columns; the header has 2"),
        ("time,watts\nnoon,5\n", "run.csv:2: time 'noon'; right would be"),
        ("time,watts\n1645101982123,5\n", "right would be Unix seconds, nanoseconds"),
        ("time,watts\nnan,5\n", "run.csv:2: time 'nan'"),
        ("time,watts\n1e99999,5\n", "run.csv:2: time '1e99999'"),
        ("time,watts\n5,5\n4,5\n", "run.csv:3: time 4 lies before the line above"),
    ],
)
def test_a_file_that_is_no_such_log_is_refused_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UserError) as caught:
        csvlog.read(_log(tmp_path, text))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
