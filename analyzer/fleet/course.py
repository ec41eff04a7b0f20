"""The course of one job's energy for an image: its normal, and whether it has left it for good. Pure.

The normal is median and spread (1.4826 times the median absolute deviation) of ln J per image over the first
windows, `WARM_UP` at least and `SETTLED` at most. Then Page's cumulative sum (Biometrika 41, 1954) watches:
it rises by (ln J - normal - δ/2) / spread for each window, and at `ALARM` the energy is δ above normal: δ is
ln(1 + x/100), or `LEAST_SHIFT` spreads where that is more. One step adds at most a quarter of that, so that
no three windows raise an alarm. What fell for good is the new normal.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

import msgspec
import numpy as np
from msgspec.structs import replace

from analyzer.fleet.signs import Sign, Turn
from telemetry.contract.documents import VERSIONED, Result

WARM_UP = 30
SETTLED = 240
ALARM = 12.0
STEP = ALARM / 4
LEAST_SPREAD = 0.01
"""The spread that is believed at least: what a room's temperature does in a day."""
LEAST_SHIFT = 1.5
"""A job whose windows differ by much is watched for a shift of so many spreads at least."""
LEAST_BUSY = 0.8
"""A window in which the job ran for a smaller share of its usual time is no whole window of it."""
IDLE = 60
"""So many windows in a row that were not whole: the job has another duty now, and a new normal."""
LEVEL = 15
MAD = 1.4826


class Job(NamedTuple):
    """What has a course of its own."""

    node: str
    app: str
    model: str
    stream: str

    @property
    def subject(self) -> str:
        """How findings name it, beside its node."""
        return f"{self.app} {self.model}"


class Baseline(msgspec.Struct, kw_only=True, omit_defaults=True):
    """All that a course needs to go on after a restart: a document for each job.

    `first` are ln J per image of the first windows, `busy` their shares, `usual` the middle of those; `up`,
    `down` the sums, `since` the end of the last window (node time ns) at which `up` was 0, `calm` what the
    node was then (manifest's hash, software, power mode). `last` is the end of the last window.
    """

    v: int = VERSIONED
    kind: str = msgspec.field(default_factory=lambda: "baseline")
    node: str
    app: str
    model: str
    stream: str
    at: int = 0
    last: int = -(2**63)
    first: list[float] = []
    busy: list[float] = []
    usual: float = 0.0
    normal: float | None = None
    spread: float = 0.0
    up: float = 0.0
    down: float = 0.0
    since: int | None = None
    calm: tuple[str | None, str | None, str | None] | None = None
    alarmed: bool = False
    idle: int = 0


class Course:
    """One job, fed with its windows by time. `regression_percent` is the x of the module's words."""

    def __init__(self, baseline: Baseline, regression_percent: float) -> None:
        self.baseline = baseline
        self.job = Job(baseline.node, baseline.app, baseline.model, baseline.stream)
        self.recent: deque[float] = deque(maxlen=LEVEL)
        self._delta = math.log1p(regression_percent / 100)

    @property
    def level(self) -> float | None:
        """The middle of ln J per image over the last windows; None while they are few."""
        return float(np.median(self.recent)) if len(self.recent) == LEVEL else None

    def take(self, window: Result) -> Sign | None:
        """A window, and the sign that a regression begins or ends with it. None for one before the last."""
        kept = self.baseline
        if window.end <= kept.last:
            return None
        kept.last = window.end
        energy = window.j_per_1000
        if window.state != "valid" or not energy or energy <= 0 or not self._is_whole(window.busy or 0.0):
            return None
        self.recent.append(math.log(energy))
        if len(kept.first) < SETTLED and not kept.alarmed and kept.up < ALARM / 2:
            self._learn(self.recent[-1], window.busy or 0.0)
        if kept.normal is None or len(kept.first) < WARM_UP:
            self._calm_down(window)
            return None
        return self._watch(window, self.recent[-1] - kept.normal)

    def _is_whole(self, busy: float) -> bool:
        kept = self.baseline
        whole = len(kept.busy) < LEVEL or busy >= LEAST_BUSY * kept.usual
        kept.idle = 0 if whole else kept.idle + 1
        if kept.idle >= IDLE:
            self._start_anew()
        return whole

    def _learn(self, value: float, busy: float) -> None:
        kept = self.baseline
        kept.first.append(value)
        kept.busy.append(busy)
        kept.usual = float(np.median(kept.busy))
        kept.normal = float(np.median(kept.first))
        deviation = float(np.median(np.abs(np.asarray(kept.first) - kept.normal)))
        kept.spread = max(MAD * deviation, LEAST_SPREAD)

    def _watch(self, window: Result, excess: float) -> Sign | None:
        kept = self.baseline
        half = max(self._delta, LEAST_SHIFT * kept.spread) / 2
        if kept.alarmed:
            kept.down = _sum(kept.down, (half - excess) / kept.spread)
            if kept.down < ALARM:
                return None
            kept.alarmed, kept.up, kept.down = False, 0.0, 0.0
            self._calm_down(window)
            return self._sign(window.end, "end")
        kept.up = _sum(kept.up, (excess - half) / kept.spread)
        kept.down = _sum(kept.down, (-excess - half) / kept.spread)
        if kept.up == 0:
            self._calm_down(window)
        if kept.down >= ALARM:
            self._start_anew()
        if kept.up < ALARM:
            return None
        kept.alarmed, kept.down = True, 0.0
        return self._regression(window)

    def _regression(self, window: Result) -> Sign:
        kept = self.baseline
        now = float(np.median(list(self.recent)[-5:]))
        normal = kept.normal or 0.0
        percent, value, usual = math.expm1(now - normal) * 100, math.exp(now), math.exp(normal)
        words = (
            f"{kept.node}: {self.job.subject} needs {percent:.1f} % more energy for an image than it did ("
            f"{value:.4g} J for 1,000 images, usual {usual:.4g} J)"
        )
        return replace(
            self._sign(kept.since if kept.since is not None else window.begin, "begin"),
            severity="alarm",
            words=words,
            device=window.device,
            value=value,
            expected=usual,
            unit="J/1000 images",
        )

    def _calm_down(self, window: Result) -> None:
        self.baseline.since = window.end
        self.baseline.calm = (window.manifest_hash, window.software, window.power_mode)

    def _start_anew(self) -> None:
        kept = self.baseline
        kept.first, kept.busy, kept.normal = [], [], None
        kept.up = kept.down = 0.0
        kept.idle = 0

    def _sign(self, at: int, turn: Turn) -> Sign:
        job = self.job
        return Sign(turn=turn, kind="regression", node=job.node, subject=job.subject, at=at, model=job.model)


def _sum(before: float, step: float) -> float:
    return max(0.0, before + min(step, STEP))
