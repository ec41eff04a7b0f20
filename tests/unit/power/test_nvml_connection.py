"""GPUs and drivers that go away, are reset, and come back."""

from __future__ import annotations

import pytest

from edge_node.power.nvml import NvmlSensor, Options
from edge_node.power.sensor import SensorError
from tests.fakes.nvml import GPU_IS_LOST, RESET_REQUIRED, FakeGpu, Put, hopper

MS = 1_000_000
S = 1_000_000_000


def test_a_gpu_that_is_lost_is_an_error_in_words_and_back_when_it_answers(put: Put) -> None:
    gpu = FakeGpu()
    put(gpu)
    sensor = NvmlSensor(Options())
    gpu.error = GPU_IS_LOST
    for step in range(3):
        with pytest.raises(SensorError, match=r"RTX 3050 Laptop GPU: no power .* \(GPU is lost\)"):
            sensor.read(step * MS)
    assert sensor.counters_j() is None
    gpu.error = 0
    assert sensor.read(100 * MS) == pytest.approx([31.415])


@pytest.mark.parametrize("error", [GPU_IS_LOST, RESET_REQUIRED])
def test_a_gpu_that_was_reset_is_connected_to_anew_within_seconds(put: Put, error: int) -> None:
    gpu = FakeGpu()
    library = put(gpu)
    sensor = NvmlSensor(Options())
    gpu.error = error
    with pytest.raises(SensorError):
        sensor.read(0)
    gpu.error = 0
    assert sensor.read(3 * S) == pytest.approx([31.415])
    assert library.open == 1


def test_a_driver_that_is_loaded_anew_is_read_again_and_its_counter_began_anew(put: Put) -> None:
    gpu = FakeGpu()
    library = put(gpu)
    sensor = NvmlSensor(Options())
    library.unload()
    for second in range(4):
        with pytest.raises(SensorError, match=r"driver does not answer|no power from its driver"):
            sensor.read(second * S)
    library.reload()
    assert sensor.read(10 * S) == pytest.approx([31.415])
    assert sensor.counters_j() == [0.0]
    sensor.close()
    assert library.open == 0


def test_while_a_driver_is_gone_it_is_not_connected_to_at_every_reading(put: Put) -> None:
    library = put(FakeGpu())
    sensor = NvmlSensor(Options())
    library.unload()
    tries = 0
    for step in range(1000):
        before = library.calls
        with pytest.raises(SensorError):
            sensor.read(step * 5 * MS)
        tries += library.calls > before + 1
    assert tries <= 3


def test_after_a_driver_was_gone_the_same_gpu_is_read_whatever_its_number_is_now(put: Put) -> None:
    library = put(FakeGpu(), hopper(uuid="GPU-2", instant_mw=70_000))
    sensor = NvmlSensor(Options(index=1))
    library.unload()
    with pytest.raises(SensorError):
        sensor.read(0)
    library.reload()
    library.gpus.reverse()
    assert sensor.read(3 * S) == [70.0]
