"""An estimate where nothing measures: the processor's utilisation × a stated power model.

`watts = idle_w + utilisation × (tdp_w − idle_w)`. It knows nothing of the GPU, the memory or the board;
its origin `estimated` goes with every result.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from edge_node.power.sensor import Found, SensorError, SensorSpec, read_options
from telemetry.contract.errors import UserError
from telemetry.contract.manifest import StreamInfo
from telemetry.contract.nodetime import NS_PER_MS

PROC_STAT = Path("proc/stat")
PERIOD_MS = 100.0
# Half of the value, one sigma: a guess about a guess.
GAIN_UNCERTAINTY = 0.5
# A small x86 core at work, and the rest of the board at rest: what is taken when nobody states better.
WATTS_A_CPU = 7.5
IDLE_W = 5.0

_PERIOD_NS = round(PERIOD_MS) * NS_PER_MS


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """`idle_w` at rest, `tdp_w` with every CPU at work; `path` is the kernel's statistics."""

    idle_w: float
    tdp_w: float
    path: str = f"/{PROC_STAT}"

    def __post_init__(self) -> None:
        if not 0 <= self.idle_w <= self.tdp_w:
            words = f"idle_w {self.idle_w}, tdp_w {self.tdp_w}; right would be 0 <= idle_w <= tdp_w"
            raise UserError(f"sensor estimate: {words}")


class EstimateSensor:
    """One channel. The value is renewed every 100 ms, as the kernel counts in steps of 10 ms."""

    counter_every_s = 0.0

    def __init__(self, options: Options, stream: str = "main") -> None:
        self._options = options
        self._path = Path(options.path)
        self._busy, self._all = _jiffies(self._path)
        self._renewed_ns: int | None = None
        self._watts = [float("nan")]
        self.info = StreamInfo(
            stream=stream,
            sensor="estimate",
            channels=("total",),
            total="total",
            origin="estimated",
            period_ms=PERIOD_MS,
            averaging_window_ms=PERIOD_MS,
            # Half a period of averaging, and half a period of holding.
            delay_ms=PERIOD_MS,
            holds=True,
            gain_uncertainty=GAIN_UNCERTAINTY,
            max_w=options.tdp_w,
            min_w=options.idle_w,
        )

    def __repr__(self) -> str:
        return f"EstimateSensor({self._options.idle_w} to {self._options.tdp_w} W)"

    def read(self, t_ns: int) -> list[float]:
        if self._renewed_ns is None or t_ns - self._renewed_ns >= _PERIOD_NS:
            self._renewed_ns = t_ns
            busy, all_ = _jiffies(self._path)
            if all_ > self._all:
                share = min(1.0, max(0.0, (busy - self._busy) / (all_ - self._all)))
                idle_w, tdp_w = self._options.idle_w, self._options.tdp_w
                self._watts = [idle_w + share * (tdp_w - idle_w)]
                self._busy, self._all = busy, all_
        return self._watts

    def counters_j(self) -> None:
        """An estimate counts nothing."""

    def close(self) -> None:
        """Nothing is held."""


def open_sensor(spec: SensorSpec, tick_s: float) -> EstimateSensor:
    """The model that the options state. Raises `UserError` without `idle_w` and `tdp_w`."""
    del tick_s
    return EstimateSensor(read_options(spec, Options), spec.stream)


def find(root: Path) -> Found:
    """Always possible where the kernel counts, and always the last choice."""
    path = root / PROC_STAT
    try:
        _jiffies(path)
    except SensorError as error:
        return Found("estimate", None, str(error))
    cpus = os.cpu_count() or 1
    tdp_w = IDLE_W + WATTS_A_CPU * cpus
    spec = SensorSpec("estimate", options={"idle_w": IDLE_W, "tdp_w": tdp_w, "path": str(path)})
    reason = (
        f"an ESTIMATE, not a measurement: {IDLE_W:g} W at rest to {tdp_w:g} W with {cpus} CPUs at work, "
        "guessed; state idle_w and tdp_w of this machine, or add a meter"
    )
    return Found("estimate", spec, reason)


def _jiffies(path: Path) -> tuple[int, int]:
    """Busy and all ticks of all CPUs since the start (proc(5): cpu user nice system idle iowait …)."""
    try:
        with path.open("rb") as file:
            name, *counts = file.readline().split()
        # guest and guest_nice are counted in user and nice already.
        numbers = [int(count) for count in counts[:8]]
    except OSError as error:
        raise SensorError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise SensorError(f"{path}: the line `cpu user nice system idle ...` is expected first") from None
    if name != b"cpu" or len(numbers) < 4:
        raise SensorError(f"{path}: the line `cpu user nice system idle ...` is expected first")
    return sum(numbers) - sum(numbers[3:5]), sum(numbers)
