"""One GPU as NVML describes it, and how its power is asked for. The library's errors become `SensorError`."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from edge_node.power.nvml_table import has_counter
from edge_node.power.sensor import SensorError

TOTAL_ENERGY = 83
POWER_AVERAGE = 185
POWER_INSTANT = 186
POWER_MAX_LIMIT = 188

INSTALL = "pip install nvidia-ml-py"

# nvidia-ml-py and its handles have no types.
Library: TypeAlias = Any
Handle: TypeAlias = Any

# `draw` is nvmlDeviceGetPowerUsage, which every GPU that tells its power has.
Reading = Literal["instant", "average", "draw"]
FIELDS: dict[Reading, int] = {"instant": POWER_INSTANT, "average": POWER_AVERAGE}

# c_nvmlValue_t is a union; which member holds the number is said beside it (NVML_VALUE_TYPE_…).
_MEMBERS = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")


class Gpu(NamedTuple):
    """A GPU. `reading` is how its power is asked for; `counts`: whether it has an energy counter.

    `is_divided`: MIG is on, and the power is that of all its instances together.
    """

    name: str
    uuid: str
    handle: Handle
    architecture: int
    capability: tuple[int, int]
    driver: str
    reading: Reading
    limit_w: float | None
    counts: bool
    is_divided: bool


def load() -> Library:
    """The library, connected to the driver. Raises `SensorError` with what would help."""
    try:
        nvml = importlib.import_module("pynvml")
    except ImportError:
        raise SensorError(f"the package nvidia-ml-py is missing: {INSTALL}") from None
    try:
        nvml.nvmlInit()
    except nvml.NVMLError as error:
        raise SensorError(f"NVIDIA's driver does not answer ({error}); does nvidia-smi work?") from None
    return nvml


def let_go(nvml: Library) -> None:
    """Disconnects from the driver, if it is still there."""
    with contextlib.suppress(nvml.NVMLError):
        nvml.nvmlShutdown()


def describe(nvml: Library, index: int, uuid: str | None, reading: Reading | None) -> Gpu:
    """The GPU of that UUID (a MIG instance's names its GPU) or number, and which of its readings works.

    Raises `SensorError`.
    """
    try:
        handle = _handle(nvml, index, uuid)
        name = str(nvml.nvmlDeviceGetName(handle))
        values = field_values(nvml, handle, (POWER_INSTANT, POWER_AVERAGE, TOTAL_ENERGY, POWER_MAX_LIMIT))
        architecture = int(nvml.nvmlDeviceGetArchitecture(handle))
        major, minor = nvml.nvmlDeviceGetCudaComputeCapability(handle)
        return Gpu(
            name=name,
            uuid=str(nvml.nvmlDeviceGetUUID(handle)),
            handle=handle,
            architecture=architecture,
            capability=(major, minor),
            driver=str(nvml.nvmlSystemGetDriverVersion()),
            reading=_reading(nvml, handle, name, values, reading),
            limit_w=_limit_w(nvml, handle, values[3]),
            counts=has_counter(architecture) and values[2] is not None,
            is_divided=_is_divided(nvml, handle),
        )
    except nvml.NVMLError as error:
        raise SensorError(f"GPU {uuid or index} cannot be asked ({error})") from None


def field_values(nvml: Library, handle: Handle, fields: Sequence[int]) -> list[float | None]:
    """All these fields in one call; None for each that this GPU or driver does not have.

    The call succeeds where any field does, and each tells its own fate. A driver that does not know a field
    says of it that the argument is invalid.
    """
    lacking = (nvml.NVML_ERROR_NOT_SUPPORTED, nvml.NVML_ERROR_INVALID_ARGUMENT)
    found: list[float | None] = []
    for value in nvml.nvmlDeviceGetFieldValues(handle, list(fields)):
        if value.nvmlReturn in lacking:
            found.append(None)
        elif value.nvmlReturn:
            raise nvml.NVMLError(value.nvmlReturn)
        else:
            found.append(float(getattr(value.value, _MEMBERS[value.valueType])))
    return found


def power_w(nvml: Library, gpu: Gpu) -> float:
    """Watts now. Raises the library's error."""
    field = FIELDS.get(gpu.reading)
    if field is None:
        return float(nvml.nvmlDeviceGetPowerUsage(gpu.handle)) * 1e-3
    milliwatts = field_values(nvml, gpu.handle, (field,))[0]
    if milliwatts is None:
        raise nvml.NVMLError(nvml.NVML_ERROR_NOT_SUPPORTED)
    return milliwatts * 1e-3


def energy_j(nvml: Library, gpu: Gpu) -> float | None:
    """Joules since the driver was loaded. Raises the library's error."""
    millijoules = field_values(nvml, gpu.handle, (TOTAL_ENERGY,))[0] if gpu.counts else None
    return None if millijoules is None else millijoules * 1e-3


def _handle(nvml: Library, index: int, uuid: str | None) -> Handle:
    if uuid is not None:
        handle = nvml.nvmlDeviceGetHandleByUUID(uuid)
        if uuid.startswith("MIG-"):
            return nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(handle)
        return handle
    count = nvml.nvmlDeviceGetCount()
    if index >= count:
        right = f"right would be below {count}" if count else "no GPU answers"
        raise SensorError(f"sensor nvml: index {index}; {right}")
    return nvml.nvmlDeviceGetHandleByIndex(index)


def _reading(
    nvml: Library, handle: Handle, name: str, values: Sequence[float | None], asked_for: Reading | None
) -> Reading:
    """The reading that was asked for, or the best: instant, else the usual one."""
    there: list[Reading] = [kind for kind, value in zip(FIELDS, values, strict=False) if value is not None]
    fault = "Not Supported"
    try:
        nvml.nvmlDeviceGetPowerUsage(handle)
        there.append("draw")
    except nvml.NVMLError as error:
        fault = str(error)
    if not there:
        raise SensorError(f"{name} does not tell its power ({fault})")
    if asked_for is not None:
        if asked_for not in there:
            raise SensorError(f"{name} has no {asked_for} power; right would be {' or '.join(there)}")
        return asked_for
    return next(kind for kind in ("instant", "draw", "average") if kind in there)


def _limit_w(nvml: Library, handle: Handle, field: float | None) -> float | None:
    """The highest power limit that may be set; laptops often tell none."""
    if field:
        return field * 1e-3
    try:
        return float(nvml.nvmlDeviceGetPowerManagementLimitConstraints(handle)[1]) * 1e-3 or None
    except nvml.NVMLError:
        return None


def _is_divided(nvml: Library, handle: Handle) -> bool:
    try:
        return bool(nvml.nvmlDeviceGetMigMode(handle)[0])
    except nvml.NVMLError:
        return False
