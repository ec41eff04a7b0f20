"""A real NVIDIA GPU: what it says is power, and its counter and the integral tell the same energy."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from e3p.characterising import characterise
from edge_node.power import nvml, nvml_gpu
from edge_node.power.discover import best, discover
from edge_node.power.nvml import NvmlSensor, Options
from edge_node.power.observe import observe
from edge_node.power.sensor import SensorSpec

SECONDS = 10.0
# The counter is renewed about every 100 ms and differs from the readings by as much as they see too little.
COUNTER_AGREES = 0.15

pytestmark = [
    pytest.mark.skipif(
        not any((Path("/") / path).exists() for path in nvml.DRIVER_FILES), reason="no NVIDIA driver here"
    ),
    pytest.mark.skipif(importlib.util.find_spec("pynvml") is None, reason="nvidia-ml-py is not installed"),
]


@pytest.fixture
def sensor() -> Iterator[NvmlSensor]:
    opened = NvmlSensor(Options())
    yield opened
    opened.close()


def _sampled(sensor: NvmlSensor, seconds: float) -> list[tuple[int, float]]:
    """Stamps (ns) and watts, at most 200 a second."""
    samples = []
    end_ns = time.monotonic_ns() + round(seconds * 1e9)
    while (now_ns := time.monotonic_ns()) < end_ns:
        samples.append((now_ns, sensor.read(now_ns)[0]))
        time.sleep(0.005)
    return samples


def test_it_is_found_and_taken_for_trials_on_the_gpu() -> None:
    spec = best(discover(), "cuda")
    assert spec is not None
    assert spec.driver in ("jetson", "nvml")


def test_everything_that_it_has_is_told_in_one_call() -> None:
    library = nvml_gpu.load()
    try:
        gpu = nvml_gpu.describe(library, 0, None, None)
        fields = (nvml_gpu.POWER_INSTANT, nvml_gpu.POWER_AVERAGE, nvml_gpu.TOTAL_ENERGY)
        found = nvml_gpu.field_values(library, gpu.handle, fields)
        assert len(found) == len(fields)
        assert any(value is not None for value in found) or gpu.reading == "draw"
        assert gpu.uuid.startswith("GPU-")
    finally:
        nvml_gpu.let_go(library)


def test_the_manifest_names_it_as_the_driver_does(sensor: NvmlSensor) -> None:
    assert (sensor.info.source or "").startswith("GPU-")


def test_a_load_of_known_rhythm_shows_its_averaging_and_delay() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("torch sees no GPU")
    found = characterise(SensorSpec("nvml"), 0.005, 30.0, "cuda")
    print(found)
    assert found.unfit is None
    known = NvmlSensor(Options()).info
    assert found.period_ms is not None
    assert found.period_ms.value == pytest.approx(known.period_ms, rel=0.5)
    assert found.averaging_window_ms is not None
    if known.averaging_window_ms is not None:
        slack_ms = found.averaging_window_ms.error + 0.3 * known.averaging_window_ms
        assert abs(found.averaging_window_ms.value - known.averaging_window_ms) < slack_ms


def test_its_power_lies_between_nothing_and_its_maximum(sensor: NvmlSensor) -> None:
    watts = [watt for _, watt in _sampled(sensor, 2.0)]
    assert min(watts) > 0
    assert max(watts) <= (sensor.info.max_w or 2000.0)


def test_its_period_is_near_what_the_table_says(sensor: NvmlSensor) -> None:
    period_ms = observe(sensor, 5.0).period_ms
    if period_ms is None:
        pytest.skip("the power stood still for five seconds")
    assert sensor.info.period_ms / 4 < period_ms < sensor.info.period_ms * 4


def test_the_counters_difference_is_the_integral_of_the_power(sensor: NvmlSensor) -> None:
    before = sensor.counters_j()
    if before is None:
        pytest.skip("this GPU counts no energy")
    samples = _sampled(sensor, SECONDS)
    after = sensor.counters_j()
    assert after is not None
    joules = sum((later - sooner) / 1e9 * watts for (sooner, watts), (later, _) in pairwise(samples))
    assert after[0] - before[0] == pytest.approx(joules, rel=COUNTER_AGREES)


def test_work_draws_more_than_rest(sensor: NvmlSensor) -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("torch sees no GPU")
    rest = [watts for _, watts in _sampled(sensor, 3.0)]
    matrix = torch.rand(4096, 4096, device="cuda")
    end_ns = time.monotonic_ns() + 5_000_000_000
    work = []
    while (now_ns := time.monotonic_ns()) < end_ns:
        for _ in range(20):
            matrix @ matrix
        torch.cuda.synchronize()
        work.append(sensor.read(now_ns)[0])
    # The first half is the rise.
    half = work[len(work) // 2 :]
    assert sum(half) / len(half) > 1.2 * sum(rest) / len(rest)
