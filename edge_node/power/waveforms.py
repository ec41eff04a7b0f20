"""Waveforms whose energy is known exactly: the truth that sensors, tests and studies are held against.

Time is absolute (seconds of the monotonic clock), so the truth of any window is known without asking the
sensor when it started. Every wave moves between `low_w` and `low_w + step_w`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, Protocol

WaveName = Literal["constant", "square", "sine", "ramp", "bursts", "telegraph"]

_PULSES = 8
_MASK = 2**64 - 1


class Waveform(Protocol):
    """Power over time with its exact integral."""

    def power_w(self, t_s: float) -> float:
        """Watts at that instant."""

    def energy_j(self, t0_s: float, t1_s: float) -> float:
        """Joules from `t0_s` to `t1_s`."""


@dataclass(frozen=True)
class Constant:
    """The same power for ever."""

    low_w: float

    def power_w(self, t_s: float) -> float:
        del t_s
        return self.low_w

    def energy_j(self, t0_s: float, t1_s: float) -> float:
        return self.low_w * (t1_s - t0_s)


@dataclass(frozen=True)
class Periodic:
    """A shape that repeats every `period_s`. Shapes are functions of the phase, 0 to 1."""

    low_w: float
    step_w: float
    period_s: float
    duty: float = 0.5

    def power_w(self, t_s: float) -> float:
        return self.low_w + self.step_w * self._height(t_s / self.period_s % 1.0)

    def energy_j(self, t0_s: float, t1_s: float) -> float:
        # Whole periods before t0 are taken off first: the digits of a late t would be lost in the difference.
        base = math.floor(t0_s / self.period_s)
        share = self._area(t1_s / self.period_s - base) - self._area(t0_s / self.period_s - base)
        return self.low_w * (t1_s - t0_s) + self.step_w * self.period_s * share

    def _area(self, periods: float) -> float:
        whole = math.floor(periods)
        return whole * self._shaped(1.0) + self._shaped(periods - whole)

    def _height(self, phase: float) -> float:
        raise NotImplementedError

    def _shaped(self, phase: float) -> float:
        """The area under the shape from 0 to `phase`."""
        raise NotImplementedError


@dataclass(frozen=True)
class Square(Periodic):
    """High for `duty` of each period, then low."""

    def _height(self, phase: float) -> float:
        return 1.0 if phase < self.duty else 0.0

    def _shaped(self, phase: float) -> float:
        return min(phase, self.duty)


@dataclass(frozen=True)
class Sine(Periodic):
    """A sine that is lowest at phase 0."""

    def _height(self, phase: float) -> float:
        return 0.5 - 0.5 * math.cos(math.tau * phase)

    def _shaped(self, phase: float) -> float:
        return 0.5 * phase - math.sin(math.tau * phase) / (2 * math.tau)


@dataclass(frozen=True)
class Ramp(Periodic):
    """Rises over each period, then falls at once."""

    def _height(self, phase: float) -> float:
        return phase

    def _shaped(self, phase: float) -> float:
        return 0.5 * phase * phase


@dataclass(frozen=True)
class Bursts(Periodic):
    """For `duty` of each period eight short pulses, as batches make them, then rest."""

    def _height(self, phase: float) -> float:
        pulse = phase / self.duty * _PULSES
        return 1.0 if phase < self.duty and pulse - math.floor(pulse) < 0.5 else 0.0

    def _shaped(self, phase: float) -> float:
        pulse = min(phase / self.duty, 1.0) * _PULSES
        whole = math.floor(pulse)
        return (0.5 * whole + min(pulse - whole, 0.5)) * self.duty / _PULSES


@dataclass(frozen=True)
class Telegraph:
    """High or low in each cell of `cell_s`, by chance: high with probability `duty`, decided by `seed`."""

    low_w: float
    step_w: float
    cell_s: float
    duty: float = 0.5
    seed: int = 0

    def power_w(self, t_s: float) -> float:
        return self.low_w + self.step_w * self._high(math.floor(t_s / self.cell_s))

    def energy_j(self, t0_s: float, t1_s: float) -> float:
        first, last = math.floor(t0_s / self.cell_s), math.floor(t1_s / self.cell_s)
        cells = float(sum(self._high(cell) for cell in range(first, last)))
        cells += (t1_s / self.cell_s - last) * self._high(last)
        cells -= (t0_s / self.cell_s - first) * self._high(first)
        return self.low_w * (t1_s - t0_s) + self.step_w * self.cell_s * cells

    def _high(self, cell: int) -> bool:
        return chance(self.seed, cell) < self.duty


def chance(seed: int, number: int) -> float:
    """A number in [0, 1) that looks random and is always the same for the same two (splitmix64)."""
    mixed = (seed * 0x9E3779B97F4A7C15 + (number + 1) * 0xD1B54A32D192ED03) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((mixed ^ (mixed >> 31)) >> 11) / 2**53


def make(wave: WaveName, low_w: float, step_w: float, period_s: float, duty: float, seed: int) -> Waveform:
    """The waveform of that name. `duty` lies in (0, 1], `period_s` above 0 (of a telegraph: a cell)."""
    if wave == "constant":
        return Constant(low_w)
    if wave == "telegraph":
        return Telegraph(low_w, step_w, period_s, duty, seed)
    shape = {"square": Square, "sine": Sine, "ramp": Ramp, "bursts": Bursts}[wave]
    return shape(low_w, step_w, period_s, duty)
