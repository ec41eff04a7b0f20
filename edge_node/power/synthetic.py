"""The synthetic sensor: a waveform with a known integral, seen through a sensor model.

The fake that ships: demos without hardware, tests with a known truth, studies of sensors one does not have.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from edge_node.power.model import SensorModel
from edge_node.power.sensor import Found, SensorError, SensorSpec, read_options
from edge_node.power.waveforms import Waveform, WaveName, make
from telemetry.contract.errors import UserError
from telemetry.contract.manifest import StreamInfo
from telemetry.contract.units import MAX_CHANNELS

# What no model limits can be read as often as anyone asks; the fastest sampling there is.
IDEAL_PERIOD_MS = 1.0


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The wave moves between `watts` and `watts + amplitude`; the rest is `SensorModel`.

    `channels` is the total and its parts, which add up to it. `counter` adds an exact energy counter,
    `fail_every` makes each n-th reading fail.
    """

    wave: WaveName = "square"
    watts: float = 5.0
    amplitude: float = 10.0
    period_s: float = 1.0
    duty: float = 0.5
    channels: int = 4
    seed: int = 0
    counter: bool = False
    fail_every: int = 0
    update_s: float = 0.0
    averaging_s: float = 0.0
    delay_s: float = 0.0
    phase_s: float = 0.0
    gain: float = 1.0
    offset_w: float = 0.0
    noise_w: float = 0.0
    step_w: float = 0.0

    def __post_init__(self) -> None:
        if not self.period_s > 0 or not 0 < self.duty <= 1 or not 1 <= self.channels <= MAX_CHANNELS:
            raise UserError(
                f"sensor synthetic: period_s {self.period_s}, duty {self.duty}, channels {self.channels}; "
                f"right are period_s > 0, 0 < duty <= 1 and 1 to {MAX_CHANNELS} channels"
            )

    def waveform(self) -> Waveform:
        """The truth behind the readings."""
        return make(self.wave, self.watts, self.amplitude, self.period_s, self.duty, self.seed)

    def model(self) -> SensorModel:
        """The sensor it is seen through."""
        return SensorModel(
            period_s=self.update_s,
            averaging_s=self.averaging_s,
            delay_s=self.delay_s,
            phase_s=self.phase_s,
            gain=self.gain,
            offset_w=self.offset_w,
            noise_w=self.noise_w,
            step_w=self.step_w,
            seed=self.seed,
        )


class SyntheticSensor:
    """Channel 0 is the total; part i of p has the share 2·(p + 1 − i) / p(p + 1)."""

    counter_every_s = 0.0

    def __init__(self, options: Options, stream: str = "main") -> None:
        parts = options.channels - 1
        self.info = _info(options, stream)
        self.wave = options.waveform()
        self.model = options.model()
        self._ideal = self.model == SensorModel(seed=options.seed)
        self._shares = (1.0, *(2 * (parts - at) / (parts * (parts + 1)) for at in range(parts)))
        self._counter = options.counter
        self._fail_every = options.fail_every
        self._reads = 0
        self._update_s: float | None = None
        self._values: list[float] = []
        self._counted_from_s: float | None = None
        self._last_s = 0.0

    def __repr__(self) -> str:
        return f"SyntheticSensor({self.wave})"

    def read(self, t_ns: int) -> list[float]:
        t_s = t_ns * 1e-9
        if self._fail_every:
            self._fail_by_count()
        if self._counter:
            self._last_s = t_s
            self._counted_from_s = t_s if self._counted_from_s is None else self._counted_from_s
        if self._ideal:
            watts = self.wave.power_w(t_s)
            return [watts * share for share in self._shares]
        update_s = self.model.updated_at(t_s)
        if update_s != self._update_s:
            watts = self.model.value_w(self.wave, update_s)
            self._values = [watts * share for share in self._shares]
            self._update_s = update_s
        return self._values

    def counters_j(self) -> list[float] | None:
        """The true energy since the first reading, by channel."""
        if not self._counter or self._counted_from_s is None:
            return None
        total_j = self.wave.energy_j(self._counted_from_s, self._last_s)
        return [total_j * share for share in self._shares]

    def close(self) -> None:
        """Nothing is held."""

    def _fail_by_count(self) -> None:
        self._reads += 1
        if self._reads % self._fail_every == 0:
            raise SensorError(
                f"synthetic: reading {self._reads} fails, as fail_every = {self._fail_every} asks"
            )


def open_sensor(spec: SensorSpec, tick_s: float) -> SyntheticSensor:
    """The sensor that the options describe."""
    del tick_s
    return SyntheticSensor(read_options(spec, Options), spec.stream)


def find(root: Path) -> Found:
    """Never taken by itself: its numbers are made up."""
    del root
    return Found("synthetic", None, 'made-up numbers, only on request: driver = "synthetic"')


def _info(options: Options, stream: str) -> StreamInfo:
    model = options.model()
    return StreamInfo(
        stream=stream,
        sensor="synthetic",
        channels=("total", *(f"part{number}" for number in range(1, options.channels))),
        total="total",
        origin="synthetic",
        period_ms=model.period_s * 1e3 or IDEAL_PERIOD_MS,
        averaging_window_ms=model.averaging_s * 1e3 or None,
        delay_ms=model.mean_age_s * 1e3,
        holds=model.period_s > 0,
        resolution_w=model.step_w or None,
        noise_w=model.noise_w or None,
        gain_uncertainty=abs(model.gain - 1.0),
        offset_w_uncertainty=abs(model.offset_w),
    )
