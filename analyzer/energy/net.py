"""Energy above idle, and how sure that is (GUM, JCGM 100).

E_net = E - P_idle · T, where P_idle is the mean power of a rest, read by the same sensor. What is one error
in both windows acts on the difference: a gain scales it, and an offset, the same watts in both, is gone. All
other lines are each window's own; those of the rest count T / (its length) times. And idle power may have
been another one in the window than in the rest: as far as it was seen to move.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from analyzer.energy.integrate import NS_PER_S
from analyzer.energy.lines import Line, expanded_j, standard_j
from analyzer.energy.window import WindowEnergy


class Rest(NamedTuple):
    """A window of rest, and how far (W) idle power was `seen` to move."""

    window: WindowEnergy
    moved_w: float
    seen: str


@dataclass(frozen=True)
class Net:
    """The energy above `idle_w`; `budget` has the lines of each window in one."""

    idle_w: float
    net_j: float
    net_u95_j: float
    budget: tuple[Line, ...]


def moved_w(windows: Iterable[WindowEnergy]) -> float:
    """Return how far apart the mean powers of some windows are (W)."""
    means = [window.mean_w for window in windows if window.mean_w is not None]
    return max(means) - min(means) if means else 0.0


def above_idle(window: WindowEnergy, rest: Rest) -> Net | None:
    """Return what a window took above the power of a rest; None where one of them has no energy."""
    energy_j, idle_w = window.energy_j, rest.window.mean_w
    if energy_j is None or idle_w is None:
        return None
    seconds = _seconds(window)
    net_j = energy_j - idle_w * seconds
    share = seconds / _seconds(rest.window)
    own = [line for line in window.budget if not line.shared]
    idle = [replace(line, u_j=share * line.u_j) for line in rest.window.budget if not line.shared]
    gain, drift = _gain(window.budget, net_j / energy_j if energy_j else 0.0), _drift(rest, seconds)
    return Net(
        idle_w=idle_w,
        net_j=net_j,
        net_u95_j=expanded_j((gain, *own, *idle, drift)),
        budget=(
            gain,
            Line("offset", 0.0, "the same in both windows: it cancels", shared=True),
            Line("energy", standard_j(own), "the window's own lines"),
            Line("idle", standard_j(idle), f"the rest's own lines, {share:.3g} times"),
            drift,
        ),
    )


def _gain(lines: Sequence[Line], share: float) -> Line:
    """Return the gain's line of the net energy, which is that share of the whole."""
    gain = next((line for line in lines if line.name == "gain"), Line("gain", 0.0, "not stated", shared=True))
    return replace(gain, u_j=abs(share) * gain.u_j, how=gain.how.replace("the energy", "the net energy"))


def _drift(rest: Rest, seconds: float) -> Line:
    """Return the line of an idle power that was another one during the window (rectangular, JCGM 100 4.3.7).

    Where it moved one way only, the error lies between nothing and `moved_w`; 95 % of such errors are within
    1.65/√3 = 0.95 of it, as those of a rectangle on both sides are.
    """
    u_j = rest.moved_w * seconds / float(np.sqrt(3.0))
    return Line("idle_drift", u_j, f"up to {rest.moved_w:.3g} W, {rest.seen}", flat=True)


def _seconds(window: WindowEnergy) -> float:
    return (window.end_ns - window.begin_ns) / NS_PER_S
