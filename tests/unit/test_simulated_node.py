"""A simulated node says what it is: made-up work only on made-up sensors, of models that are published."""

from __future__ import annotations

from pathlib import Path

import pytest

from e3p.simulated_node import check_sensors, known
from edge_node.power.sensor import SensorSpec
from edge_node.settings import EdgeSettings
from telemetry.contract.errors import UserError
from tests.commands import e3p


def test_a_model_brings_its_published_complexity_and_accuracy() -> None:
    (model,) = known(["levit_192.fb_dist_in1k"])
    assert model.accuracy_ref == {"value": pytest.approx(0.7986, abs=1e-4), "n": 50_000, "origin": "timm"}
    assert 0.5 < model.macs_g < 0.8


def test_an_unknown_model_is_refused_by_name() -> None:
    with pytest.raises(UserError, match="--models 'levit': not in the packaged table"):
        known(["levit"])


@pytest.mark.parametrize("drivers", [(), ("rapl",), ("synthetic", "nvml")])
def test_made_up_work_runs_on_no_real_sensor(drivers: tuple[str, ...]) -> None:
    settings = EdgeSettings(sensors=tuple(SensorSpec(driver=name) for name in drivers))
    with pytest.raises(UserError, match="a simulated node has simulated sensors"):
        check_sensors(settings)


def test_a_node_without_sensors_in_its_settings_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = e3p("simulate", "node")
    assert said.status == 2
    assert said.err.startswith("e3p: a simulated node has simulated sensors (none configured); only [[edge")
    assert said.err.count("\n") == 1
