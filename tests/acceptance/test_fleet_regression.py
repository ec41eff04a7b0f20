"""A deployed application on a device whose power rises by 12 % at a known moment, and its healthy twin."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import anyio
import pytest

from tests.processes import NODE, ROOT, Line, Sensor, until

pytestmark = pytest.mark.anyio

TWIN = "twin"
RISES_S = 60.0
"""Behind the server's start: long enough for a normal of 30 windows of a second, and two more starts."""


def device(rises_at_s: float, percent: float) -> Sensor:
    """10 W until this monotonic second, then more: a square wave whose second period begins there."""
    wave = {"wave": "square", "watts": 10.0, "amplitude": percent / 10, "period_s": rises_at_s, "duty": 0.4}
    seen = {"channels": 1, "noise_w": 0.05, "update_s": 0.02, "averaging_s": 0.02}
    return Sensor("main", {**wave, **seen})


async def works(line: Line, node: str) -> None:
    """The agent and the application of one device."""
    line.env |= {"E3P_EDGE_NODE": node, "E3P_EDGE_WATCH_HZ": "100"}
    agent = line.run("edge", "--mqtt", line.mqtt or "")
    await agent.says(re.compile(rf"connected .*client={node}-"))
    line._start([str(ROOT / "tests" / "worker.py")], "worker")


async def test_twelve_percent_more_energy_for_an_image_is_a_regression_by_name_and_a_twin_has_none(
    tmp_path: Path,
) -> None:
    folders = [tmp_path / name for name in ("server", NODE, TWIN)]
    for folder in folders:
        folder.mkdir()
    with Line(folders[0]) as server:
        server.env["E3P_ANALYZER_WINDOW_S"] = "1"
        await server.serve()
        await _is_found(server, *folders[1:])


async def _is_found(server: Line, own: Path, other: Path) -> None:
    rises_at_s = time.monotonic() + RISES_S
    with (
        Line(own, sensors=[device(rises_at_s, 12.0)]) as line,
        Line(other, sensors=[device(rises_at_s, 0.0)]) as twin,
    ):
        line.mqtt = twin.mqtt = server.mqtt
        await works(line, NODE)
        await works(twin, TWIN)
        await anyio.sleep(max(0.0, rises_at_s - time.monotonic()))

        def findings() -> list[dict[str, Any]]:
            events: list[dict[str, Any]] = server.ask("events")[1]["events"]
            return events

        def regressions() -> list[dict[str, Any]]:
            return [each for each in findings() if each["kind"] == "regression"]

        await until(regressions, lambda: f"no regression among {findings()}")
        (found,) = regressions()
        assert (found["node"], found["subject"], found["severity"]) == (NODE, "camera toy", "alarm")
        assert found["value"] / found["expected"] == pytest.approx(1.12, abs=0.03)
        assert [each for each in findings() if each["node"] == TWIN] == []
