"""The sensor model: what a real sensor would say of a waveform that is known exactly.

A value appears every `period_s`, is the true mean over `averaging_s`, is `delay_s` old at its centre when it
appears, and is held until the next one. With the figures of NVML (100 ms, 25 ms) or of an INA3221 it says
what those would have said. Used by the synthetic sensor and by studies.
"""

from __future__ import annotations

import math

import msgspec

from edge_node.power.waveforms import Waveform, chance
from telemetry.contract.errors import UserError


class SensorModel(msgspec.Struct, frozen=True, kw_only=True):
    """Zero everywhere is the ideal sensor. `delay_s` is at least half of `averaging_s` (0: exactly that).

    `phase_s` shifts the updates against the clock; `gain` and `offset_w` are the systematic errors;
    `noise_w` is white (1 σ), fresh at each update; `step_w` is the quantisation.
    """

    period_s: float = 0.0
    averaging_s: float = 0.0
    delay_s: float = 0.0
    phase_s: float = 0.0
    gain: float = 1.0
    offset_w: float = 0.0
    noise_w: float = 0.0
    step_w: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("period_s", "averaging_s", "delay_s", "noise_w", "step_w"):
            if not getattr(self, name) >= 0:
                raise UserError(f"sensor model: {name} must be 0 or more, not {getattr(self, name)}")

    @property
    def centre_s(self) -> float:
        """How old the centre of a value's averaging is when the value appears."""
        return max(self.delay_s, self.averaging_s / 2)

    @property
    def mean_age_s(self) -> float:
        """The same at a moment of reading taken by chance: a held value ages by half a period more."""
        return self.centre_s + self.period_s / 2

    def updated_at(self, t_s: float) -> float:
        """When the value that is shown at `t_s` appeared."""
        if not self.period_s:
            return t_s
        return math.floor((t_s - self.phase_s) / self.period_s) * self.period_s + self.phase_s

    def value_w(self, wave: Waveform, update_s: float) -> float:
        """The value that appears at `update_s`, watts."""
        centre = update_s - self.centre_s
        if self.averaging_s:
            half = self.averaging_s / 2
            true_w = wave.energy_j(centre - half, centre + half) / self.averaging_s
        else:
            true_w = wave.power_w(centre)
        shown = true_w * self.gain + self.offset_w
        if self.noise_w:
            shown += self.noise_w * self._normal(update_s)
        return round(shown / self.step_w) * self.step_w if self.step_w else shown

    def reading_w(self, wave: Waveform, t_s: float) -> float:
        """What is read at `t_s`, watts."""
        return self.value_w(wave, self.updated_at(t_s))

    def _normal(self, update_s: float) -> float:
        """A standard normal number that belongs to this update (Box-Muller)."""
        number = round(update_s * 1e9)
        radius = math.sqrt(-2.0 * math.log(1.0 - chance(self.seed, 2 * number)))
        return radius * math.cos(math.tau * chance(self.seed, 2 * number + 1))
