"""The part of nvidia-ml-py that the sensor uses, over GPUs that a test describes and breaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

SUCCESS, NOT_SUPPORTED, NOT_FOUND, DRIVER_NOT_LOADED, GPU_IS_LOST = 0, 3, 6, 9, 15
WORDS = {
    NOT_SUPPORTED: "Not Supported",
    NOT_FOUND: "Not Found",
    DRIVER_NOT_LOADED: "Driver Not Loaded",
    GPU_IS_LOST: "GPU is lost",
}
UNSIGNED_INT = 1
POWER_INSTANT = 186


class NVMLError(Exception):
    """As the library's: it knows its number and speaks in NVIDIA's words."""

    def __init__(self, value: int) -> None:
        super().__init__(value)
        self.value = value

    def __str__(self) -> str:
        return WORDS.get(self.value, f"NVML Error with code {self.value}")


@dataclass
class FakeGpu:
    """One board: an RTX 3050 laptop as it comes. `error` is what every question is answered with."""

    name: str = "NVIDIA GeForce RTX 3050 Laptop GPU"
    uuid: str = "GPU-1"
    architecture: int = 7
    capability: tuple[int, int] = (8, 6)
    instant_mw: int | None = 31_415
    draw_mw: int | None = 30_000
    counter_mj: int | None = 5_000_000
    limit_mw: int | None = 60_000
    error: int = SUCCESS
    asked: dict[str, int] = field(default_factory=dict)

    def answer(self, what: str, value: Any) -> Any:
        self.asked[what] = self.asked.get(what, 0) + 1
        if self.error:
            raise NVMLError(self.error)
        if value is None:
            raise NVMLError(NOT_SUPPORTED)
        return value


class FakeNvml:
    """The module `pynvml`. A handle is the GPU itself."""

    NVMLError = NVMLError

    def __init__(self, *gpus: FakeGpu, driver: str = "550.54.14", init: int = SUCCESS) -> None:
        self.gpus = gpus
        self.driver = driver
        self.init = init
        self.open = 0

    def nvmlInit(self) -> None:
        if self.init:
            raise NVMLError(self.init)
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlSystemGetDriverVersion(self) -> str:
        return self.driver

    def nvmlDeviceGetCount(self) -> int:
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> FakeGpu:
        return self.gpus[index]

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> FakeGpu:
        for gpu in self.gpus:
            if gpu.uuid == uuid:
                return gpu
        raise NVMLError(NOT_FOUND)

    def nvmlDeviceGetName(self, gpu: FakeGpu) -> str:
        return str(gpu.answer("name", gpu.name))

    def nvmlDeviceGetArchitecture(self, gpu: FakeGpu) -> int:
        return int(gpu.answer("architecture", gpu.architecture))

    def nvmlDeviceGetCudaComputeCapability(self, gpu: FakeGpu) -> list[int]:
        return list(gpu.answer("capability", gpu.capability))

    def nvmlDeviceGetPowerManagementLimitConstraints(self, gpu: FakeGpu) -> list[int]:
        return [1000, gpu.answer("limit", gpu.limit_mw)]

    def nvmlDeviceGetFieldValues(self, gpu: FakeGpu, fields: list[int]) -> list[Any]:
        gpu.answer("fields", 0)
        known = {POWER_INSTANT: gpu.instant_mw}
        return [_field(known.get(number)) for number in fields]

    def nvmlDeviceGetPowerUsage(self, gpu: FakeGpu) -> int:
        return int(gpu.answer("draw", gpu.draw_mw))

    def nvmlDeviceGetTotalEnergyConsumption(self, gpu: FakeGpu) -> int:
        return int(gpu.answer("counter", gpu.counter_mj))


def _field(value_mw: int | None) -> SimpleNamespace:
    """A c_nvmlFieldValue_t: of the union only the member that is named has a meaning."""
    union = SimpleNamespace(dVal=float("nan"), uiVal=value_mw or 0, ulVal=-1, ullVal=-1, sllVal=-1)
    return SimpleNamespace(
        nvmlReturn=SUCCESS if value_mw is not None else NOT_SUPPORTED, valueType=UNSIGNED_INT, value=union
    )
