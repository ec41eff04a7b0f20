"""Logs of nvidia-smi: which column is the power, which GPU is meant, and what is no reading."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from edge_node.power import nvidiasmi
from telemetry.contract.errors import UserError

LOGS = Path(__file__).parents[2] / "data" / "logs"
S = 1_000_000_000
HEADER = "timestamp, index, power.draw [W]\n"
LINE = "2024/03/05 17:01:{:02d}.000, 0, {}\n"


def _log(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "smi.csv"
    path.write_text("".join(lines))
    return path


def _refusal(path: Path, **more: str) -> str:
    with pytest.raises(UserError) as caught:
        nvidiasmi.read(path, **more)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_instant_power_is_taken_where_the_log_has_it() -> None:
    recording = nvidiasmi.read(LOGS / "nvidia-smi-one-gpu.csv")
    assert len(recording) == 100
    assert (recording.row(0), recording.row(30)) == ([12.5], [48.25])
    assert recording.tick_ns == S // 10


def test_a_log_of_the_average_says_that_it_is_a_mean_of_a_second(tmp_path: Path) -> None:
    path = _log(tmp_path, "timestamp, power.draw.average [W]\n", "2024/03/05 17:01:00.000, 31.00 W\n")
    assert nvidiasmi.read(path).info().averaging_window_ms == 1000.0


def test_the_makers_gain_goes_with_the_readings() -> None:
    assert nvidiasmi.read(LOGS / "nvidia-smi-one-gpu.csv").info().gain_uncertainty == 0.05


@pytest.mark.parametrize(("gpu", "watts"), [("0", 61.5), ("1", 70.25), ("GPU-c2f89d30", 70.25)])
def test_one_of_several_gpus_is_chosen_by_its_name(gpu: str, watts: float) -> None:
    recording = nvidiasmi.read(LOGS / "nvidia-smi-two-gpus.csv", gpu=gpu)
    assert len(recording) == 40
    assert recording.row(0) == [watts]
    assert (recording.info().source or "").startswith("GPU-")


def test_several_gpus_are_never_mixed_in_silence() -> None:
    words = _refusal(LOGS / "nvidia-smi-two-gpus.csv")
    assert "several GPUs: GPU-5a1c0b7e-91f2-4c3d-8a6e-0f2b7d9c4e11, GPU-c2f8" in words
    assert "name one with --gpu" in words


def test_a_gpu_that_is_not_in_the_log_is_refused_with_those_that_are() -> None:
    assert "--gpu GPU-9 fits 0 of the GPUs" in _refusal(LOGS / "nvidia-smi-two-gpus.csv", gpu="GPU-9")


def test_a_header_alone_is_no_log(tmp_path: Path) -> None:
    assert "a header and no reading" in _refusal(_log(tmp_path, HEADER))


def test_a_gpu_is_chosen_by_number_where_the_log_has_numbers_alone(tmp_path: Path) -> None:
    other = LINE.format(0, "70.00 W").replace(", 0,", ", 1,")
    path = _log(tmp_path, HEADER, LINE.format(0, "31.00 W"), other)
    assert nvidiasmi.read(path, gpu="1").row(0) == [70.0]


def test_a_log_without_a_header_is_read_by_what_was_asked_for() -> None:
    path = LOGS / "nvidia-smi-bare.csv"
    recording = nvidiasmi.read(path, query="timestamp,index,power.draw")
    assert recording.row(0) == [100.5]
    assert recording.errors == 1
    words = _refusal(path)
    assert "no header, and its columns could be anything; say what nvidia-smi was asked for" in words
    assert "3 columns; --query names 2" in _refusal(path, query="timestamp,power.draw")


def test_a_log_without_a_header_whose_cells_leave_no_doubt_is_read(tmp_path: Path) -> None:
    path = _log(tmp_path, "2024/03/05 17:01:00.000, GPU-1, 31.50 W\n")
    assert nvidiasmi.read(path).row(0) == [31.5]


@pytest.mark.parametrize(
    "text", ["[N/A]", "[Not Supported]", "[Unknown Error]", "N/A", "[GPU is lost]", "ERR!"]
)
def test_what_a_gpu_does_not_tell_is_no_reading_and_is_counted(tmp_path: Path, text: str) -> None:
    recording = nvidiasmi.read(_log(tmp_path, HEADER, LINE.format(0, text), LINE.format(1, "31.00 W")))
    assert math.isnan(recording.row(0)[0])
    assert recording.errors == 1


def test_a_log_of_a_gpu_that_never_told_its_power_is_refused(tmp_path: Path) -> None:
    words = _refusal(_log(tmp_path, HEADER, LINE.format(0, "[N/A]"), LINE.format(1, "[N/A]")))
    assert "no reading in it: this GPU does not tell power.draw" in words


@pytest.mark.parametrize(
    ("header", "text"),
    [(HEADER, "31.50 W"), (HEADER, "31500 mW"), (HEADER, "31.50"), (HEADER.replace("[W]", "[mW]"), "31500")],
)
def test_watts_and_milliwatts_are_told_apart(tmp_path: Path, header: str, text: str) -> None:
    assert nvidiasmi.read(_log(tmp_path, header, LINE.format(0, text))).row(0) == pytest.approx([31.5])


def test_stamps_are_local_time_in_the_zone_that_is_told(tmp_path: Path) -> None:
    path = _log(tmp_path, HEADER, LINE.format(0, "31.00 W"))
    utc, tokyo = nvidiasmi.read(path), nvidiasmi.read(path, "Asia/Tokyo")
    assert utc.times_ns[0] - tokyo.times_ns[0] == 9 * 3600 * S


def test_a_second_run_in_the_same_log_goes_on(tmp_path: Path) -> None:
    path = _log(tmp_path, HEADER, LINE.format(0, "31.00 W"), HEADER, LINE.format(5, "32.00 W"))
    assert list(nvidiasmi.read(path).watts) == [31.0, 32.0]


def test_a_last_line_cut_short_is_left_out_and_counted(tmp_path: Path) -> None:
    recording = nvidiasmi.read(_log(tmp_path, HEADER, LINE.format(0, "31.00 W"), "2024/03/05 17:01:01"))
    assert (len(recording), recording.truncated) == (1, 1)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("2024/03/05 17:01:01.000, 0\n", ":3: 2 columns; 3 are expected, as above"),
        (LINE.format(1, "much"), ":3: power 'much'; right would be a number"),
        (LINE.format(99, "31.00 W"), ":3: time '2024/03/05 17:01:99.000'; right would be YYYY/MM/DD"),
        (LINE.format(0, "31 W").replace("17:01", "16:01"), ":3: time 2024/03/05 16:01:00.000 lies before"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, line: str, words: str) -> None:
    path = _log(tmp_path, HEADER, LINE.format(0, "31.00 W"), line, LINE.format(9, "31.00 W"))
    assert words in _refusal(path)


def test_a_log_without_power_or_time_is_refused_with_what_is_expected(tmp_path: Path) -> None:
    words = _refusal(_log(tmp_path, "timestamp, utilization.gpu [%]\n", "2024/03/05 17:01:00.000, 5 %\n"))
    assert (
        "smi.csv:1: columns 'timestamp, utilization.gpu [%]'; right would be timestamp, power.draw [W]"
        in words
    )
