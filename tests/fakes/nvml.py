"""What nvidia-ml-py is to the sensor, over GPUs that a test describes, breaks, loses and brings back.

Handles are of one connection: one that was taken before the driver went away is refused afterwards, as
NVML refuses it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, NamedTuple

SUCCESS, UNINITIALIZED, INVALID_ARGUMENT, NOT_SUPPORTED, NOT_FOUND = 0, 1, 2, 3, 6
DRIVER_NOT_LOADED, GPU_IS_LOST, RESET_REQUIRED = 9, 15, 16
WORDS = {
    UNINITIALIZED: "Uninitialized",
    INVALID_ARGUMENT: "Invalid Argument",
    NOT_SUPPORTED: "Not Supported",
    NOT_FOUND: "Not Found",
    DRIVER_NOT_LOADED: "Driver Not Loaded",
    GPU_IS_LOST: "GPU is lost",
    RESET_REQUIRED: "GPU requires reset",
}
UNSIGNED_INT, UNSIGNED_LONG_LONG = 1, 3
TOTAL_ENERGY, POWER_AVERAGE, POWER_INSTANT, POWER_MAX_LIMIT = 83, 185, 186, 188


class NVMLError(Exception):
    """As the library's: it knows its number and speaks in NVIDIA's words."""

    def __init__(self, value: int) -> None:
        super().__init__(value)
        self.value = value

    def __str__(self) -> str:
        return WORDS.get(self.value, f"NVML Error with code {self.value}")


@dataclass
class FakeGpu:
    """One board: an RTX 3050 laptop as it comes. None is what it does not have.

    `error` is what every question is answered with. `unknown` are fields that its driver has never heard of.
    `mig` is None where the GPU cannot be divided, else the UUIDs of its instances.
    """

    name: str = "NVIDIA GeForce RTX 3050 Laptop GPU"
    uuid: str = "GPU-1"
    architecture: int = 7
    capability: tuple[int, int] = (8, 6)
    instant_mw: int | None = 31_415
    average_mw: int | None = 30_500
    draw_mw: int | None = 30_000
    counter_mj: int | None = 5_000_000
    limit_mw: int | None = 60_000
    mig: tuple[str, ...] | None = None
    unknown: frozenset[int] = frozenset()
    error: int = SUCCESS
    asked: dict[str, int] = field(default_factory=dict)

    def answer(self, what: str, value: Any) -> Any:
        self.asked[what] = self.asked.get(what, 0) + 1
        if self.error:
            raise NVMLError(self.error)
        if value is None:
            raise NVMLError(NOT_SUPPORTED)
        return value


class Handle(NamedTuple):
    """A GPU, or an instance of one, as seen through one connection."""

    gpu: FakeGpu
    connection: int
    instance: str | None = None


class FakeNvml:
    """The module `pynvml`. `init` is what connecting is answered with; `reload` is a driver loaded anew."""

    NVMLError = NVMLError
    NVML_ERROR_NOT_SUPPORTED = NOT_SUPPORTED
    NVML_ERROR_INVALID_ARGUMENT = INVALID_ARGUMENT

    def __init__(self, *gpus: FakeGpu, driver: str = "550.54.14", init: int = SUCCESS) -> None:
        self.gpus = list(gpus)
        self.driver = driver
        self.init = init
        self.open = 0
        self.calls = 0
        self._loaded = 0

    def unload(self) -> None:
        """The driver goes away under everybody's feet."""
        self.init = DRIVER_NOT_LOADED
        self._loaded += 1

    def reload(self) -> None:
        """It is back, with counters at zero, and knows none of the old handles."""
        self.init = SUCCESS
        for gpu in self.gpus:
            gpu.counter_mj = None if gpu.counter_mj is None else 0

    def nvmlInit(self) -> None:
        if self.init:
            raise NVMLError(self.init)
        self.open += 1

    def nvmlShutdown(self) -> None:
        if not self.open:
            raise NVMLError(UNINITIALIZED)
        self.open -= 1

    def nvmlSystemGetDriverVersion(self) -> str:
        return self.driver

    def nvmlDeviceGetCount(self) -> int:
        return len(self.gpus)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Handle:
        return Handle(self.gpus[index], self._loaded)

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> Handle:
        for gpu in self.gpus:
            if gpu.uuid == uuid:
                return Handle(gpu, self._loaded)
            if uuid in (gpu.mig or ()):
                return Handle(gpu, self._loaded, uuid)
        raise NVMLError(NOT_FOUND)

    def nvmlDeviceGetDeviceHandleFromMigDeviceHandle(self, handle: Handle) -> Handle:
        if handle.instance is None:
            raise NVMLError(INVALID_ARGUMENT)
        return Handle(handle.gpu, handle.connection)

    def nvmlDeviceGetMigMode(self, handle: Handle) -> list[int]:
        gpu = self._gpu(handle)
        mode = None if gpu.mig is None else int(bool(gpu.mig))
        return [gpu.answer("mig", mode), mode or 0]

    def nvmlDeviceGetName(self, handle: Handle) -> str:
        return str(self._gpu(handle).answer("name", handle.gpu.name))

    def nvmlDeviceGetUUID(self, handle: Handle) -> str:
        return str(self._gpu(handle).answer("uuid", handle.instance or handle.gpu.uuid))

    def nvmlDeviceGetArchitecture(self, handle: Handle) -> int:
        return int(self._gpu(handle).answer("architecture", handle.gpu.architecture))

    def nvmlDeviceGetCudaComputeCapability(self, handle: Handle) -> list[int]:
        return list(self._gpu(handle).answer("capability", handle.gpu.capability))

    def nvmlDeviceGetPowerManagementLimitConstraints(self, handle: Handle) -> list[int]:
        return [1000, self._gpu(handle).answer("limit", handle.gpu.limit_mw)]

    def nvmlDeviceGetFieldValues(self, handle: Handle, fields: list[int]) -> list[Any]:
        gpu = self._gpu(handle)
        if handle.instance is not None:
            raise NVMLError(NOT_SUPPORTED)
        gpu.answer("fields", 0)
        for number in fields:
            gpu.asked[f"field {number}"] = gpu.asked.get(f"field {number}", 0) + 1
        known = {
            TOTAL_ENERGY: (gpu.counter_mj, UNSIGNED_LONG_LONG),
            POWER_AVERAGE: (gpu.average_mw, UNSIGNED_INT),
            POWER_INSTANT: (gpu.instant_mw, UNSIGNED_INT),
            POWER_MAX_LIMIT: (gpu.limit_mw, UNSIGNED_INT),
        }
        return [
            _field(*known.get(number, (None, UNSIGNED_INT)), known=number not in gpu.unknown)
            for number in fields
        ]

    def nvmlDeviceGetPowerUsage(self, handle: Handle) -> int:
        if handle.instance is not None:
            raise NVMLError(NOT_SUPPORTED)
        return int(self._gpu(handle).answer("draw", handle.gpu.draw_mw))

    def _gpu(self, handle: Handle) -> FakeGpu:
        self.calls += 1
        if not self.open:
            raise NVMLError(UNINITIALIZED)
        if self.init:
            raise NVMLError(self.init)
        if handle.connection != self._loaded:
            raise NVMLError(GPU_IS_LOST)
        return handle.gpu


Put = Callable[..., FakeNvml]
"""Puts GPUs into this machine: the fixture `put`."""


def hopper(**more: object) -> FakeGpu:
    return FakeGpu("NVIDIA H100 PCIe", architecture=9, capability=(9, 0), **more)


def _field(value: int | None, kind: int, *, known: bool) -> SimpleNamespace:
    """A c_nvmlFieldValue_t: of the union only the member that is named has a meaning."""
    union = SimpleNamespace(dVal=float("nan"), uiVal=-1, ulVal=-1, ullVal=-1, sllVal=-1)
    setattr(union, "uiVal" if kind == UNSIGNED_INT else "ullVal", value or 0)
    fate = SUCCESS if value is not None and known else NOT_SUPPORTED if known else INVALID_ARGUMENT
    return SimpleNamespace(nvmlReturn=fate, valueType=kind, value=union)
