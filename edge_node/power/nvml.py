"""NVIDIA GPUs: the power of the board with its memory, through NVML (package `nvidia-ml-py`, extra `nvml`).

Field 186 (POWER_INSTANT) is what is sampled. nvmlDeviceGetPowerUsage is a mean over a second on Ampere and
newer (not GA100): where a driver has no field 186 it is taken instead, and the manifest says so. What a value
is a mean of follows from `nvml_table.py`. The energy counter is read seldom: reading it often makes it stale
(95 % short at a reading each 0.5 ms, 1.6 % at one a second; RTX 4090, driver 530+).
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import msgspec

from edge_node.power.nvml_table import AVERAGE_MS, Field, architecture_name, has_counter, response
from edge_node.power.sensor import Found, Held, SensorError, SensorSpec, read_options
from telemetry.contract.errors import UserError
from telemetry.contract.manifest import StreamInfo
from telemetry.contract.nodetime import NS_PER_MS

POWER_INSTANT = 186
# NVIDIA says ±5 %; five boards of arXiv 2312.02741 against a meter had an rms of 7 %. Nobody calibrates.
GAIN_UNCERTAINTY = 0.05
RESOLUTION_W = 0.001
# The limit holds on the average; single readings pass it.
OVER_LIMIT = 1.25
COUNTER_EVERY_S = 5.0

# Any of these is a driver: of the host, in a container, under WSL.
DRIVER_FILES = (Path("proc/driver/nvidia/version"), Path("dev/nvidiactl"), Path("dev/dxg"))
INSTALL = "pip install nvidia-ml-py"

# A value lives for a period: asked twenty times in it, a new one is seen soon enough.
_ASKED_A_PERIOD = 20

# nvidia-ml-py and its handles have no types.
Library: TypeAlias = Any
Handle: TypeAlias = Any

# c_nvmlValue_t is a union; which member holds the number is said beside it (NVML_VALUE_TYPE_…).
_MEMBERS = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """`index` is NVML's number of the GPU (as in nvidia-smi); `uuid` names it whatever its number is."""

    index: int = 0
    uuid: str | None = None

    def __post_init__(self) -> None:
        if self.index < 0:
            raise UserError(f"sensor nvml: index {self.index}; right would be 0 or more")


class Gpu(NamedTuple):
    """One GPU as NVML describes it. `field` is how its power is read: instant, or draw where that fails."""

    name: str
    handle: Handle
    architecture: int
    capability: tuple[int, int]
    driver: str
    field: Field
    limit_w: float | None


class NvmlSensor:
    """One channel: watts of one GPU's board. Without GPU or driver each reading is a `SensorError`."""

    counter_every_s = COUNTER_EVERY_S

    def __init__(self, options: Options, stream: str = "main") -> None:
        self._nvml = nvml = load()
        self._open = True
        try:
            self._gpu = gpu = describe(nvml, options)
        except SensorError:
            self.close()
            raise
        self._counts = has_counter(gpu.architecture)
        self.info = _info(gpu, stream)
        self._read_mw = _instant_mw if gpu.field == "instant" else _draw_mw
        self._held = Held(self._ask, round(self.info.period_ms * NS_PER_MS / _ASKED_A_PERIOD))

    def __repr__(self) -> str:
        return f"NvmlSensor({self._gpu.name}, {self._gpu.field})"

    def read(self, t_ns: int) -> list[float]:
        return self._held.read(t_ns)

    def counters_j(self) -> list[float] | None:
        """Joules since the driver was loaded."""
        if not self._counts:
            return None
        try:
            return [self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._gpu.handle) * 1e-3]
        except self._nvml.NVMLError:
            return None

    def close(self) -> None:
        """Lets go of the library."""
        if self._open:
            self._open = False
            _let_go(self._nvml)

    def _ask(self) -> list[float]:
        try:
            return [self._read_mw(self._nvml, self._gpu.handle) * 1e-3]
        except self._nvml.NVMLError as error:
            raise SensorError(f"{self._gpu.name}: no power from its driver ({error})") from None


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


def describe(nvml: Library, options: Options) -> Gpu:
    """The GPU of the options, and which of its power readings works. Raises `SensorError`."""
    try:
        handle = _handle(nvml, options)
        name = str(nvml.nvmlDeviceGetName(handle))
        architecture = int(nvml.nvmlDeviceGetArchitecture(handle))
        major, minor = nvml.nvmlDeviceGetCudaComputeCapability(handle)
        driver = str(nvml.nvmlSystemGetDriverVersion())
    except nvml.NVMLError as error:
        raise SensorError(f"GPU {options.uuid or options.index} cannot be asked ({error})") from None
    field = _field(nvml, handle, name)
    return Gpu(name, handle, architecture, (major, minor), driver, field, _limit_w(nvml, handle))


def open_sensor(spec: SensorSpec, tick_s: float) -> NvmlSensor:
    """A GPU's sensor. Raises `SensorError` where library, driver, GPU or reading is missing."""
    del tick_s
    return NvmlSensor(read_options(spec, Options), spec.stream)


def find(root: Path) -> Found:
    """Taken where a driver is loaded and its first GPU tells its power."""
    if not any((root / path).exists() for path in DRIVER_FILES):
        return Found("nvml", None, f"no NVIDIA driver is loaded (no {root / DRIVER_FILES[0]})")
    try:
        nvml = load()
    except SensorError as error:
        return Found("nvml", None, str(error))
    try:
        words = _in_words(describe(nvml, Options()), nvml.nvmlDeviceGetCount())
    except (SensorError, nvml.NVMLError) as error:
        return Found("nvml", None, str(error))
    finally:
        _let_go(nvml)
    return Found("nvml", SensorSpec("nvml"), words)


def _handle(nvml: Library, options: Options) -> Handle:
    if options.uuid is not None:
        return nvml.nvmlDeviceGetHandleByUUID(options.uuid)
    count = nvml.nvmlDeviceGetCount()
    if options.index >= count:
        right = f"right would be below {count}" if count else "no GPU answers"
        raise SensorError(f"sensor nvml: index {options.index}; {right}")
    return nvml.nvmlDeviceGetHandleByIndex(options.index)


def _field(nvml: Library, handle: Handle, name: str) -> Field:
    readings: tuple[tuple[Field, Callable[[Library, Handle], float]], ...] = (
        ("instant", _instant_mw),
        ("draw", _draw_mw),
    )
    words = ""
    for field, read_mw in readings:
        try:
            read_mw(nvml, handle)
        except nvml.NVMLError as error:
            words = str(error)
        else:
            return field
    raise SensorError(f"{name} does not tell its power ({words})")


def _instant_mw(nvml: Library, handle: Handle) -> float:
    value = nvml.nvmlDeviceGetFieldValues(handle, [POWER_INSTANT])[0]
    # The call succeeds where any field does; each tells its own fate.
    if value.nvmlReturn:
        raise nvml.NVMLError(value.nvmlReturn)
    return float(getattr(value.value, _MEMBERS[value.valueType]))


def _draw_mw(nvml: Library, handle: Handle) -> float:
    return float(nvml.nvmlDeviceGetPowerUsage(handle))


def _limit_w(nvml: Library, handle: Handle) -> float | None:
    """The highest power limit that may be set; laptops often tell none."""
    try:
        return float(nvml.nvmlDeviceGetPowerManagementLimitConstraints(handle)[1]) * 1e-3 or None
    except nvml.NVMLError:
        return None


def _info(gpu: Gpu, stream: str) -> StreamInfo:
    period_ms, averaging_ms, _ = response(gpu.architecture, gpu.capability, gpu.driver, gpu.field)
    return StreamInfo(
        stream=stream,
        sensor="nvml",
        channels=("gpu",),
        total="gpu",
        origin="measured",
        period_ms=period_ms,
        averaging_window_ms=averaging_ms,
        # Half of what is averaged, and half a period of holding: a period where the two are the same.
        delay_ms=((averaging_ms or 0.0) + period_ms) / 2,
        holds=True,
        resolution_w=RESOLUTION_W,
        gain_uncertainty=GAIN_UNCERTAINTY,
        max_w=gpu.limit_w and gpu.limit_w * OVER_LIMIT,
    )


def _in_words(gpu: Gpu, count: int) -> str:
    known = response(gpu.architecture, gpu.capability, gpu.driver, gpu.field)
    mean = f"a mean over {known.averaging_ms:g} ms" if known.averaging_ms else "averaged in an unknown way"
    words = f"{gpu.name} ({architecture_name(gpu.architecture)}): the GPU's board alone, for trials on it "
    words += f"(--trials-on cuda); new every {known.period_ms:g} ms, {mean} ({known.source})"
    if gpu.field == "draw" and known.averaging_ms == AVERAGE_MS:
        words += f"; driver {gpu.driver} has no instant power (newer than 530 has), so trials must be long"
    if count > 1:
        words += f"; GPU 0 of {count} as nvidia-smi counts, which torch need not; the others by index = ..."
    return words


def _let_go(nvml: Library) -> None:
    with contextlib.suppress(nvml.NVMLError):
        nvml.nvmlShutdown()
