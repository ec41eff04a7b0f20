"""NVML: which reading is sampled, what it is a mean of, how seldom the counter is read, what goes wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from edge_node.power import nvml
from edge_node.power.nvml import NvmlSensor, Options
from edge_node.power.sensor import SensorError
from telemetry.contract.errors import UserError
from tests.fakes.nvml import (
    DRIVER_NOT_LOADED,
    POWER_AVERAGE,
    POWER_INSTANT,
    POWER_MAX_LIMIT,
    TOTAL_ENERGY,
    FakeGpu,
    Put,
    hopper,
)

MS = 1_000_000


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A file system with a driver in it."""
    driver = tmp_path / nvml.DRIVER_FILES[0]
    driver.parent.mkdir(parents=True)
    driver.touch()
    return tmp_path


def test_the_instant_field_is_what_is_sampled(put: Put) -> None:
    put(FakeGpu(instant_mw=31_415, draw_mw=30_000))
    assert NvmlSensor(Options()).read(0) == pytest.approx([31.415])


def test_an_rtx_3050_says_the_mean_of_100_ms_that_is_a_period_old(put: Put) -> None:
    put(FakeGpu())
    info = NvmlSensor(Options()).info
    assert (info.period_ms, info.averaging_window_ms, info.delay_ms) == (100.0, 100.0, 100.0)
    assert info.holds
    assert info.gain_uncertainty == 0.05


def test_a_hopper_sees_a_quarter_of_the_time(put: Put) -> None:
    put(hopper())
    info = NvmlSensor(Options()).info
    assert (info.period_ms, info.averaging_window_ms, info.delay_ms) == (100.0, 25.0, 62.5)


def test_without_the_instant_field_the_mean_of_a_second_is_taken_and_said(put: Put, root: Path) -> None:
    put(FakeGpu(instant_mw=None, draw_mw=30_000), driver="525.60.11")
    sensor = NvmlSensor(Options())
    assert sensor.read(0) == pytest.approx([30.0])
    assert (sensor.info.averaging_window_ms, sensor.info.delay_ms) == (1000.0, 550.0)
    assert "a mean over 1000 ms" in nvml.find(root).reason
    assert "driver 525.60.11 has no instant power" in nvml.find(root).reason


def test_an_older_gpus_only_reading_is_an_instant_one(put: Put, root: Path) -> None:
    put(FakeGpu("Tesla V100-SXM2-16GB", architecture=5, capability=(7, 0), instant_mw=None))
    assert NvmlSensor(Options()).info.averaging_window_ms == 10.0
    assert "no instant power" not in nvml.find(root).reason


def test_a_gpu_that_tells_no_power_at_all_is_passed_over(put: Put, root: Path) -> None:
    put(FakeGpu(instant_mw=None, average_mw=None, draw_mw=None))
    found = nvml.find(root)
    assert found.spec is None
    assert found.reason == "NVIDIA GeForce RTX 3050 Laptop GPU does not tell its power (Not Supported)"


def test_the_most_it_can_draw_is_its_highest_limit_and_a_bit(put: Put) -> None:
    put(FakeGpu(limit_mw=60_000))
    assert NvmlSensor(Options()).info.max_w == pytest.approx(75.0)


def test_a_laptop_without_a_limit_has_no_maximum(put: Put) -> None:
    put(FakeGpu(limit_mw=None))
    assert NvmlSensor(Options()).info.max_w is None


def test_the_value_is_asked_twenty_times_in_its_period(put: Put) -> None:
    gpu = FakeGpu(instant_mw=10_000)
    put(gpu)
    sensor = NvmlSensor(Options())
    sensor.read(0)
    gpu.instant_mw = 20_000
    assert sensor.read(4 * MS) == [10.0]
    assert sensor.read(5 * MS) == [20.0]


def test_the_counter_is_in_joules_and_is_asked_only_when_it_is_wanted(put: Put) -> None:
    gpu = FakeGpu(counter_mj=5_000_000)
    put(gpu)
    sensor = NvmlSensor(Options())
    for step in range(1000):
        sensor.read(step * MS)
    assert gpu.asked[f"field {TOTAL_ENERGY}"] == 1  # when it was looked for
    assert sensor.counters_j() == [5000.0]
    assert gpu.asked[f"field {TOTAL_ENERGY}"] == 2


def test_the_counter_wants_to_be_left_alone_for_seconds(put: Put) -> None:
    put(FakeGpu())
    assert NvmlSensor(Options()).counter_every_s >= 5.0


def test_a_gpu_before_volta_counts_nothing(put: Put) -> None:
    put(FakeGpu("NVIDIA GeForce GTX 1080", architecture=4, capability=(6, 1), counter_mj=None))
    assert NvmlSensor(Options()).counters_j() is None


def test_a_counter_that_does_not_answer_is_no_counter(put: Put) -> None:
    put(FakeGpu(counter_mj=None))
    assert NvmlSensor(Options()).counters_j() is None


def test_everything_that_a_gpu_may_have_is_asked_for_in_one_call(put: Put) -> None:
    gpu = FakeGpu()
    put(gpu)
    NvmlSensor(Options())
    assert gpu.asked["fields"] == 1
    assert {f"field {number}" for number in (83, 185, 186, 188)} <= set(gpu.asked)


@pytest.mark.parametrize(
    ("gpu", "reading", "counts"),
    [
        (FakeGpu("Kepler", "K", 2, (3, 5), None, None, 30_000, None, None), "draw", False),
        (FakeGpu("Maxwell", "M", 3, (5, 2), None, None, 30_000, None), "draw", False),
        (FakeGpu("Pascal", "P", 4, (6, 1), None, None, 30_000, None), "draw", False),
        (FakeGpu("Volta", "V", 5, (7, 0), None, None), "draw", True),
        (FakeGpu("Turing", "T", 6, (7, 5)), "instant", True),
        (FakeGpu("GA100", "A", 7, (8, 0), average_mw=None), "instant", True),
        (FakeGpu("Ada", "L", 8, (8, 9)), "instant", True),
        (FakeGpu("Hopper", "H", 9, (9, 0)), "instant", True),
        (FakeGpu("Blackwell", "B", 10, (12, 0)), "instant", True),
    ],
    ids=lambda value: value.name if isinstance(value, FakeGpu) else None,
)
def test_each_generation_is_read_by_the_best_that_it_has(
    put: Put, gpu: FakeGpu, reading: str, counts: bool
) -> None:
    put(gpu)
    sensor = NvmlSensor(Options())
    assert repr(sensor) == f"NvmlSensor({gpu.name}, {reading})"
    assert (sensor.counters_j() is not None) is counts
    assert sensor.read(0)[0] > 0


def test_a_driver_that_has_never_heard_of_the_fields_is_asked_the_old_way(put: Put) -> None:
    fields = frozenset({POWER_AVERAGE, POWER_INSTANT, POWER_MAX_LIMIT})
    put(FakeGpu(unknown=fields), driver="470.82.01")
    sensor = NvmlSensor(Options())
    assert sensor.read(0) == [30.0]
    assert sensor.info.max_w == pytest.approx(75.0)


def test_the_average_is_a_reading_of_its_own_that_says_so(put: Put) -> None:
    put(FakeGpu())
    sensor = NvmlSensor(Options(reading="average"))
    assert sensor.read(0) == [30.5]
    assert sensor.info.averaging_window_ms == 1000.0


def test_a_reading_that_a_gpu_does_not_have_is_refused_with_those_it_has(put: Put) -> None:
    put(FakeGpu(average_mw=None))
    with pytest.raises(SensorError, match="has no average power; right would be instant or draw"):
        NvmlSensor(Options(reading="average"))


def test_the_power_of_an_instance_is_that_of_its_whole_gpu(put: Put) -> None:
    put(hopper(uuid="GPU-7", mig=("MIG-1", "MIG-2"), instant_mw=300_000))
    sensor = NvmlSensor(Options(uuid="MIG-2"))
    assert sensor.read(0) == [300.0]
    assert sensor.info.source == "GPU-7"


def test_a_gpu_in_parts_says_that_all_of_them_are_in_its_power(put: Put, root: Path) -> None:
    put(hopper(mig=("MIG-1",)))
    assert "MIG is on: all its instances are in the power" in nvml.find(root).reason
    put(hopper(mig=()))
    assert "MIG" not in nvml.find(root).reason


def test_the_manifest_names_the_gpu_that_is_measured(put: Put) -> None:
    put(FakeGpu(), hopper(uuid="GPU-2"))
    assert NvmlSensor(Options(index=1)).info.source == "GPU-2"


def test_a_driver_that_does_not_answer_is_told_with_what_to_try(put: Put, root: Path) -> None:
    put(init=DRIVER_NOT_LOADED)
    found = nvml.find(root)
    assert found.spec is None
    assert found.reason == "NVIDIA's driver does not answer (Driver Not Loaded); does nvidia-smi work?"


def test_a_missing_package_is_told_with_how_to_get_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert nvml.find(root).reason == "the package nvidia-ml-py is missing: pip install nvidia-ml-py"


def test_without_a_driver_the_library_is_not_even_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nvml, "load", lambda: pytest.fail("looked for"))
    assert nvml.find(tmp_path).reason.startswith("no NVIDIA driver is loaded")


def test_a_driver_without_a_gpu_is_told_so(put: Put, root: Path) -> None:
    put()
    assert nvml.find(root).reason == "sensor nvml: index 0; no GPU answers"


def test_of_several_gpus_the_first_is_taken_and_the_others_are_counted(put: Put, root: Path) -> None:
    put(FakeGpu(), hopper())
    assert "GPU 0 of 2" in nvml.find(root).reason


def test_a_gpu_is_chosen_by_number_or_by_uuid(put: Put) -> None:
    put(FakeGpu(), hopper(uuid="GPU-2", instant_mw=70_000))
    assert NvmlSensor(Options(index=1)).read(0) == [70.0]
    assert NvmlSensor(Options(uuid="GPU-2")).read(0) == [70.0]


def test_a_gpu_that_is_not_there_is_refused(put: Put) -> None:
    library = put(FakeGpu())
    with pytest.raises(SensorError, match="index 3; right would be below 1"):
        NvmlSensor(Options(index=3))
    with pytest.raises(SensorError, match=r"GPU GPU-9 cannot be asked \(Not Found\)"):
        NvmlSensor(Options(uuid="GPU-9"))
    with pytest.raises(UserError, match="index -1"):
        Options(index=-1)
    assert library.open == 0


def test_looking_for_it_lets_go_of_the_library(put: Put, root: Path) -> None:
    library = put(FakeGpu())
    nvml.find(root)
    sensor = NvmlSensor(Options())
    assert library.open == 1
    sensor.close()
    sensor.close()
    assert library.open == 0
