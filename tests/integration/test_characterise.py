"""`e3p doctor --characterise`: a load that really runs, beside sensors whose answer is known."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import psutil
import pytest

from e3p.characterising import load_period_s, loaded
from edge_node.power.synthetic import Options, SyntheticSensor
from telemetry.contract.errors import UserError
from tests.commands import e3p

STILL = '[[edge.sensors]]\ndriver = "synthetic"\noptions = { wave = "constant", update_s = 0.02 }\n'


def _config(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "e3p.toml"
    path.write_text(text)
    return path


def test_a_sensor_that_the_load_does_not_move_is_told_so(tmp_path: Path) -> None:
    said = e3p("doctor", "--characterise", "--seconds", 4, "--config", _config(tmp_path, STILL), "--json")
    assert said.status == 1
    (sensor,) = json.loads(said.out)["sensors"]
    assert "values were seen" in sensor["unfit"]
    assert sensor["options"] == {}


def test_the_load_works_in_the_first_half_of_each_period_and_ends_with_the_block() -> None:
    with loaded("cpu", sys.executable, 0.4, 0.8) as on:
        assert all(end - begin == pytest.approx(0.2) for begin, end in on)
        children = psutil.Process().children()
        assert children
        time.sleep(max(0.0, on[1][0] - time.monotonic()))
        used_s = sum(child.cpu_times().user for child in children)
        assert 0 < used_s < 0.35 * len(children)
    assert not [child for child in children if child.is_running()]


def test_an_interpreter_without_torch_is_told_so(tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    bare.chmod(0o755)
    with (
        pytest.raises(UserError, match=r"cannot load cuda: .*No module named 'torch'; --python names one"),
        loaded("cuda", str(bare), 0.4, 0.8),
    ):
        pytest.fail("it was loaded")


def test_a_program_that_cannot_be_started_is_named() -> None:
    with (
        pytest.raises(UserError, match="--python /no/such/python: cannot be started"),
        loaded("cpu", "/no/such/python", 0.4, 0.8),
    ):
        pytest.fail("it was loaded")


@pytest.mark.parametrize(
    ("update_s", "averaging_s", "seconds", "least_s", "most_s"),
    [
        (0.1, 0.025, 30.0, 0.7, 1.0),
        (0.1, 1.0, 30.0, 2.5, 3.0),
        (0.001, 0.001, 30.0, 0.6, 0.7),
        (2.0, 2.0, 60.0, 10.0, 10.0),
    ],
)
def test_the_load_is_switched_several_periods_and_windows_of_the_sensor_apart(
    update_s: float, averaging_s: float, seconds: float, least_s: float, most_s: float
) -> None:
    info = SyntheticSensor(Options(update_s=update_s, averaging_s=averaging_s)).info
    assert least_s <= load_period_s(info, seconds) <= most_s


def test_a_sensor_that_is_too_slow_for_the_time_is_refused_with_the_time_it_needs() -> None:
    info = SyntheticSensor(Options(update_s=5.0)).info
    with pytest.raises(UserError, match="--seconds 30: synthetic is slow; right would be 66 or more"):
        load_period_s(info, 30.0)


def test_another_device_than_there_are_is_refused() -> None:
    said = e3p("doctor", "--characterise", "--device", "tpu")
    assert said.status == 2
    assert "cpu or cuda is expected" in said.err
