"""NVIDIA GPUs: the power of the board with its memory, through NVML (package `nvidia-ml-py`, extra `nvml`).

Field 186 (POWER_INSTANT) is what is sampled. nvmlDeviceGetPowerUsage is a mean over a second on Ampere and
newer (not GA100): where a driver has no field 186 it is taken instead, and the manifest says so. What a value
is a mean of follows from `nvml_table.py`. The energy counter is read seldom: reading it often makes it stale
(95 % short at a reading each 0.5 ms, 1.6 % at one a second; RTX 4090, driver 530+).
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge_node.power.nvml_gpu import Gpu, Reading, describe, energy_j, let_go, load, power_w
from edge_node.power.nvml_table import AVERAGE_MS, architecture_name, response
from edge_node.power.sensor import Found, Held, SensorError, SensorSpec, read_options
from telemetry.contract.errors import UserError
from telemetry.contract.manifest import StreamInfo
from telemetry.contract.nodetime import NS_PER_MS, NS_PER_S

# NVIDIA says ±5 %; five boards of arXiv 2312.02741 against a meter had an rms of 7 %. Nobody calibrates.
GAIN_UNCERTAINTY = 0.05
RESOLUTION_W = 0.001
# The limit holds on the average; single readings pass it.
OVER_LIMIT = 1.25
COUNTER_EVERY_S = 5.0

# Any of these is a driver: of the host, in a container, under WSL.
DRIVER_FILES = (Path("proc/driver/nvidia/version"), Path("dev/nvidiactl"), Path("dev/dxg"))

# A value lives for a period: asked twenty times in it, a new one is seen soon enough.
_ASKED_A_PERIOD = 20
# Connecting anew takes tens of milliseconds, in which no other sensor is read.
_CONNECT_EVERY_NS = 2 * NS_PER_S


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """`index` is NVML's number of the GPU (as in nvidia-smi); `uuid` names it whatever its number is.

    `reading` is `instant`, `average` or `draw`; left out, the best that the GPU has.
    """

    index: int = 0
    uuid: str | None = None
    reading: Reading | None = None

    def __post_init__(self) -> None:
        if self.index < 0:
            raise UserError(f"sensor nvml: index {self.index}; right would be 0 or more")


class NvmlSensor:
    """One channel: watts of one GPU's board. Without GPU or driver each reading is a `SensorError`.

    A driver that went away, and a GPU that was lost or reset, are connected to anew when they answer again.
    """

    counter_every_s = COUNTER_EVERY_S

    def __init__(self, options: Options, stream: str = "main") -> None:
        self._nvml = nvml = load()
        self._open = True
        try:
            self._gpu = gpu = describe(nvml, options.index, options.uuid, options.reading)
        except SensorError:
            self.close()
            raise
        self.info = _info(gpu, stream)
        self._held = Held(self._ask, round(self.info.period_ms * NS_PER_MS / _ASKED_A_PERIOD))
        self._now_ns = 0
        self._connect_ns: int | None = None

    def __repr__(self) -> str:
        return f"NvmlSensor({self._gpu.name}, {self._gpu.reading})"

    def read(self, t_ns: int) -> list[float]:
        self._now_ns = t_ns
        return self._held.read(t_ns)

    def counters_j(self) -> list[float] | None:
        """Joules since the driver was loaded."""
        try:
            joules = energy_j(self._nvml, self._gpu)
        except self._nvml.NVMLError:
            return None
        return None if joules is None else [joules]

    def close(self) -> None:
        """Lets go of the library."""
        if self._open:
            self._open = False
            let_go(self._nvml)

    def _ask(self) -> list[float]:
        if self._connect_ns is not None and self._now_ns >= self._connect_ns:
            self._connect_ns = self._now_ns + _CONNECT_EVERY_NS
            self._connect()
        try:
            watts = power_w(self._nvml, self._gpu)
        except self._nvml.NVMLError as error:
            if self._connect_ns is None:
                self._connect_ns = self._now_ns + _CONNECT_EVERY_NS
            raise SensorError(f"{self._gpu.name}: no power from its driver ({error})") from None
        self._connect_ns = None
        return [watts]

    def _connect(self) -> None:
        """A handle does not outlive its driver. Raises `SensorError` while that does not answer."""
        self.close()
        load()
        self._open = True
        self._gpu = describe(self._nvml, 0, self._gpu.uuid, self._gpu.reading)


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
        words = _in_words(describe(nvml, 0, None, None), nvml.nvmlDeviceGetCount())
    except (SensorError, nvml.NVMLError) as error:
        return Found("nvml", None, str(error))
    finally:
        let_go(nvml)
    return Found("nvml", SensorSpec("nvml"), words)


def _info(gpu: Gpu, stream: str) -> StreamInfo:
    period_ms, averaging_ms, _ = response(gpu.architecture, gpu.capability, gpu.driver, gpu.reading)
    return StreamInfo(
        stream=stream,
        sensor="nvml",
        channels=("gpu",),
        total="gpu",
        source=gpu.uuid,
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
    known = response(gpu.architecture, gpu.capability, gpu.driver, gpu.reading)
    mean = f"a mean over {known.averaging_ms:g} ms" if known.averaging_ms else "averaged in an unknown way"
    words = f"{gpu.name} ({architecture_name(gpu.architecture)}): the GPU's board alone, for trials on it "
    words += f"(--trials-on cuda); new every {known.period_ms:g} ms, {mean} ({known.source})"
    if gpu.reading == "draw" and known.averaging_ms == AVERAGE_MS:
        words += f"; driver {gpu.driver} has no instant power (newer than 530 has), so trials must be long"
    if gpu.is_divided:
        words += "; MIG is on: all its instances are in the power, so nothing else may run on it"
    if count > 1:
        words += f"; GPU 0 of {count} as nvidia-smi counts; the others by index = ... or uuid = ..."
    return words
