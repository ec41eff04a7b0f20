"""The agent's settings and the places that follow from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_node import sensing
from edge_node.power.sensor import Found, SensorSpec
from edge_node.sensing import choose_sensors
from edge_node.settings import EdgeSettings, lawful_node
from telemetry.contract.errors import UserError
from telemetry.runtime.config import resolve


@pytest.mark.parametrize(
    ("host", "node"), [("jetson-7", "jetson-7"), ("a.b.c", "a-b-c"), ("fleet", "fleet-node"), ("", "node")]
)
def test_a_hosts_name_becomes_a_lawful_node(host: str, node: str) -> None:
    assert lawful_node(host) == node


def test_an_unlawful_node_is_refused_with_what_is_right(tmp_path: Path) -> None:
    file = tmp_path / "e3p.toml"
    file.write_text('[edge]\nnode = "a/b"\n')
    with pytest.raises(UserError, match="A-Z a-z 0-9"):
        resolve({"edge": EdgeSettings}, file=file)


def test_a_rate_above_1000_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"edge\.trial_hz"):
        resolve({"edge": EdgeSettings}, env={"E3P_EDGE_TRIAL_HZ": "2000"})


def test_sensors_stand_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "e3p.toml"
    file.write_text(
        '[[edge.sensors]]\ndriver = "battery"\n[[edge.sensors]]\ndriver = "rapl"\nstream = "cpu"\n'
    )
    settings = resolve({"edge": EdgeSettings}, file=file).section("edge", EdgeSettings)
    assert settings.sensors == (SensorSpec("battery"), SensorSpec("rapl", "cpu"))


def test_the_spool_lies_in_the_state_folder_under_the_nodes_name() -> None:
    settings = EdgeSettings(node="n")
    assert settings.spool_path({"XDG_STATE_HOME": "/state"}) == Path("/state/e3p/n.spool")
    assert EdgeSettings(node="n", spool="x.spool").spool_path({}) == Path("x.spool")


def test_marks_come_to_the_named_place_or_to_the_systems_or_to_the_users() -> None:
    assert EdgeSettings(socket="/a").socket_paths({"E3P_SOCKET": "/b"}) == [Path("/a")]
    assert EdgeSettings().socket_paths({"E3P_SOCKET": "/b"}) == [Path("/b")]
    paths = EdgeSettings().socket_paths({"XDG_RUNTIME_DIR": "/run/user/7"})
    assert paths == [Path("/run/e3p/marks.sock"), Path("/run/user/7/e3p/marks.sock")]


def test_an_estimate_of_the_processor_is_no_measurement_of_trials_on_the_gpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = [Found("nvml", None, "no driver"), Found("estimate", SensorSpec("estimate"), "a guess")]
    monkeypatch.setattr(sensing, "discover", lambda: here)
    assert choose_sensors(EdgeSettings(allow_estimate=True)) == [SensorSpec("estimate")]
    with pytest.raises(
        UserError, match=r"no sensor measures trials on cuda here \(nvml: no driver\); name one"
    ):
        choose_sensors(EdgeSettings(allow_estimate=True, trials_on="cuda"))


def test_named_sensors_are_taken_as_they_are() -> None:
    specs = (SensorSpec("synthetic"),)
    assert choose_sensors(EdgeSettings(sensors=specs)) == specs
