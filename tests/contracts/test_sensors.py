"""What every sensor does, whatever it reads."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_node.power.discover import open_sensor
from edge_node.power.sensor import Sensor, SensorError, SensorSpec
from edge_node.sampling import FrameBuilder
from telemetry.contract.errors import UserError
from telemetry.contract.frames import ManifestFrame, PowerFrame
from telemetry.contract.judge import judge
from telemetry.contract.manifest import Device
from tests.fakes.nvml import FakeGpu, FakeNvml

DATA = Path(__file__).parents[1] / "data"
LOG = DATA / "mlperf-power-v2.0" / "Orin_TRT_MaxQ__resnet50__SingleStream.spl.txt"
POWERCAP = "sys/class/powercap"
SUPPLY = "sys/class/power_supply"
SEC = 1_000_000_000

SPECS = {
    "synthetic": SensorSpec("synthetic"),
    "synthetic with one channel": SensorSpec("synthetic", options={"channels": 1, "wave": "sine"}),
    "synthetic with a sensor model": SensorSpec("synthetic", options={"update_s": 0.1, "averaging_s": 0.025}),
    "synthetic with a counter": SensorSpec("synthetic", options={"counter": True}),
    "replay of a PTDaemon log": SensorSpec("replay", options={"path": str(LOG)}),
    "rapl of a laptop": SensorSpec("rapl", options={"path": str(DATA / "sys" / "rapl-laptop" / POWERCAP)}),
    "rapl of a desktop": SensorSpec("rapl", options={"path": str(DATA / "sys" / "rapl-desktop" / POWERCAP)}),
    "rapl of a server": SensorSpec("rapl", options={"path": str(DATA / "sys" / "rapl-server" / POWERCAP)}),
    "battery with power": SensorSpec(
        "battery", options={"path": str(DATA / "sys" / "battery-power" / SUPPLY / "BAT0")}
    ),
    "battery with current": SensorSpec(
        "battery", options={"path": str(DATA / "sys" / "battery-current" / SUPPLY / "BAT1")}
    ),
    "jetson tx2 through iio": SensorSpec("jetson", options={"root": str(DATA / "sys" / "jetson-tx2")}),
    "jetson nano through iio": SensorSpec("jetson", options={"root": str(DATA / "sys" / "jetson-nano")}),
    "jetson xavier nx through hwmon": SensorSpec(
        "jetson", options={"root": str(DATA / "sys" / "jetson-xavier-nx")}
    ),
    "jetson orin nx through hwmon": SensorSpec(
        "jetson", options={"root": str(DATA / "sys" / "jetson-orin-nx")}
    ),
    "jetson orin nano through hwmon": SensorSpec(
        "jetson", options={"root": str(DATA / "sys" / "jetson-orin-nano")}
    ),
    "jetson agx xavier through hwmon": SensorSpec(
        "jetson", options={"root": str(DATA / "sys" / "jetson-agx-xavier")}
    ),
    "jetson agx orin through hwmon": SensorSpec(
        "jetson", options={"root": str(DATA / "sys" / "jetson-agx-orin")}
    ),
    "jetson's carrier": SensorSpec(
        "jetson", options={"root": str(DATA / "sys" / "jetson-tx2"), "rail": "VDD_MUX"}
    ),
    "nvml": SensorSpec("nvml", options={"index": 0}),
    "nvml by uuid": SensorSpec("nvml", options={"uuid": "GPU-2"}),
    "estimate": SensorSpec("estimate", options={"idle_w": 5, "tdp_w": 20}),
}
ORIGINS = {"synthetic": "synthetic", "replay": "replayed", "estimate": "estimated"}


@pytest.fixture(autouse=True)
def _gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    laptop, old = FakeGpu(), FakeGpu("Tesla V100-SXM2-16GB", "GPU-2", 5, (7, 0), instant_mw=None)
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml(laptop, old))


@pytest.fixture(params=SPECS.values(), ids=SPECS.keys())
def spec(request: pytest.FixtureRequest) -> SensorSpec:
    return request.param


@pytest.fixture
def sensor(spec: SensorSpec) -> Iterator[Sensor]:
    opened = open_sensor(spec)
    yield opened
    opened.close()


def test_its_entry_in_the_manifest_is_lawful(sensor: Sensor) -> None:
    device = Device(kind="x86-cpu")
    judge(
        ManifestFrame(
            boot="b", seq=0, anchor=0, t0=0, v=1, os_boot="o", device=device, software="s", hash="h",
            streams=(sensor.info,),
        )
    )  # fmt: skip


def test_it_names_its_driver_and_its_origin(sensor: Sensor, spec: SensorSpec) -> None:
    assert sensor.info.origin == ORIGINS.get(spec.driver, "measured")
    assert spec.driver in (sensor.info.sensor, "replay")


def test_its_stream_is_the_one_of_the_spec(spec: SensorSpec) -> None:
    other = open_sensor(SensorSpec(spec.driver, "other", spec.options))
    assert other.info.stream == "other"
    other.close()


def test_a_reading_has_a_number_for_each_channel(sensor: Sensor) -> None:
    for step in range(5):
        watts = sensor.read((1000 + step) * SEC)
        assert len(watts) == len(sensor.info.channels)
        assert all(isinstance(one, float) for one in watts)


def test_parts_add_up_to_no_more_than_the_total(sensor: Sensor) -> None:
    sensor.read(1000 * SEC)
    total, *parts = sensor.read(1001 * SEC)
    assert not sum(parts) > total * (1 + 1e-9) + 1e-9


def test_after_a_while_it_has_a_reading(sensor: Sensor) -> None:
    for step in range(200):
        if not any(map(math.isnan, sensor.read((1000 + step) * SEC))):
            return
        time.sleep(0.01)  # the kernel counts utilisation in steps of 10 ms
    pytest.fail("200 readings, and each is NaN")


def test_its_counters_are_none_or_one_for_each_channel_and_never_fall(sensor: Sensor) -> None:
    sensor.read(1000 * SEC)
    before = sensor.counters_j()
    sensor.read(1001 * SEC)
    after = sensor.counters_j()
    if before is None or after is None:
        assert before is after
        return
    assert len(before) == len(after) == len(sensor.info.channels)
    assert all(later >= sooner for sooner, later in zip(before, after, strict=True))


def test_its_readings_make_a_lawful_frame(sensor: Sensor) -> None:
    builder = FrameBuilder(sensor.info.stream, sensor.info.channels, SEC, 3)
    for step in range(3):
        builder.add((1000 + step) * SEC, sensor.read((1000 + step) * SEC))
    block = builder.cut(sensor.counters_j())
    judge(
        PowerFrame(
            boot="b", seq=0, anchor=0, v=1, t0=block.t0, dt=block.dt, tick=block.tick, ch=block.ch, w=block.w,
            first=block.first, missed=block.missed, counter_j=block.counter_j,
        )
    )  # fmt: skip


def test_closing_twice_is_closing_once(spec: SensorSpec) -> None:
    opened = open_sensor(spec)
    opened.close()
    opened.close()


def test_an_unknown_option_is_refused_by_name_with_those_there_are(spec: SensorSpec) -> None:
    with pytest.raises(UserError, match=rf"sensor {spec.driver}: unknown option 'colour'; it takes \w+"):
        open_sensor(SensorSpec(spec.driver, options={**spec.options, "colour": "red"}))


def test_an_option_of_the_wrong_kind_is_refused_by_name(spec: SensorSpec) -> None:
    name = next(iter(spec.options), "watts")
    wrong = {**spec.options, name: "no such thing"}
    with pytest.raises((UserError, SensorError), match=r"no such thing|\$\." + name):
        open_sensor(SensorSpec(spec.driver, options=wrong))


def test_it_says_in_words_what_it_is(sensor: Sensor) -> None:
    assert type(sensor).__name__ in repr(sensor)
    assert " at 0x" not in repr(sensor)
