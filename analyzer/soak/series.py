"""The windows of a soak in order, as columns, on one axis of time. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from telemetry.contract.nodetime import NS_PER_S
from telemetry.contract.soak import Metric
from telemetry.contract.soak_plan import DAY_S, WINDOW_S, Duty

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]

WINDOW_NS = WINDOW_S * NS_PER_S
NAN = float("nan")


class Window(NamedTuple):
    """What one window came to; `begin` is on the soak's axis, ns. NaN: not known.

    `late_s` is how long after its end it was first computed.
    """

    begin: int
    images: int
    j_per_image: float = NAN
    latency_ms: float = NAN
    temp_c: float = NAN
    is_degraded: bool = False
    throttle: tuple[str, ...] = ()
    is_frozen: bool = False
    late_s: float = 0.0


class Slots(NamedTuple):
    """The minutes of a soak, each with room for one window: the first begins at `begin` (ns)."""

    begin: int
    due: Truths

    def __len__(self) -> int:
        return len(self.due)

    def at(self, slot: int) -> int:
        """When a slot begins, ns."""
        return self.begin + slot * WINDOW_NS


def slots_between(begin: int, end: int, duty: Duty) -> Slots:
    """Every whole minute between two moments (ns), and whether work is due in it."""
    first, stop = -(-begin // WINDOW_NS), end // WINDOW_NS
    of_day = np.array([duty.is_due(second) for second in range(0, DAY_S, WINDOW_S)])
    minutes = np.arange(first, max(first, stop)) % len(of_day)
    return Slots(first * WINDOW_NS, of_day[minutes])


@dataclass(frozen=True)
class Series:
    """The windows that fell into the slots of a soak, one to a slot, in order; `slot` is int64[n]."""

    slots: Slots
    slot: Ints
    windows: tuple[Window, ...]

    @cached_property
    def t_s(self) -> Floats:
        """Middles of the windows, seconds since the first slot began: float64[n]."""
        middles: Floats = (self.slot.astype(np.float64) + 0.5) * WINDOW_S
        return middles

    @cached_property
    def throttled(self) -> Truths:
        """Whether the device was held back in a window: bool[n]."""
        return np.array([bool(window.throttle) for window in self.windows], bool)

    @cached_property
    def frozen(self) -> Truths:
        """Whether the sensor repeated itself in a window: bool[n]."""
        return np.array([window.is_frozen for window in self.windows], bool)

    @cached_property
    def degraded(self) -> Truths:
        """Whether a window is in doubt: bool[n]."""
        return np.array([window.is_degraded for window in self.windows], bool)

    @cached_property
    def compared(self) -> Truths:
        """Windows that can stand beside each other: work from end to end, nothing that explains a difference.

        The first and the last before a pause are part of it; one with less than half the usual images too.
        """
        if not self.windows:
            return np.zeros(0, bool)
        images = np.array([window.images for window in self.windows], float)
        known = np.isfinite(self.values("j_per_image"))
        inner = np.zeros(len(self.slot), bool)
        inner[1:-1] = (np.diff(self.slot)[1:] == 1) & (np.diff(self.slot)[:-1] == 1)
        whole = images >= 0.5 * np.median(images[images > 0]) if images.any() else images > 0
        return known & inner & whole & ~self.throttled & ~self.frozen

    def values(self, metric: Metric) -> Floats:
        """One figure of every window: float64[n], NaN where it is not known."""
        return np.array([getattr(window, metric) for window in self.windows], float)


def series_of(windows: Sequence[Window], slots: Slots) -> Series:
    """The windows in the slots that they lie in; of two in one slot the one with more images counts."""
    best: dict[int, Window] = {}
    for window in windows:
        slot = (window.begin - slots.begin + WINDOW_NS // 2) // WINDOW_NS
        if 0 <= slot < len(slots) and window.images >= best.get(slot, window).images:
            best[slot] = window
    order = sorted(best)
    return Series(slots, np.array(order, np.int64), tuple(best[slot] for slot in order))
