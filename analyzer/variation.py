"""Why repeated trials of one configuration vary: what goes with their energy, and how much of it. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

from analyzer.configurations import joules_of
from telemetry.contract.documents import Result

LEAST = 3
"""Two points lie on every line."""
FEW = 4
"""With so few trials nearly anything lines up: a cause must then explain more."""
EXPLAINS, EXPLAINS_FEW = 0.7, 0.9
NS_PER_MINUTE = 60_000_000_000


@dataclass(frozen=True)
class Cause:
    """Something that goes with the energy: its `share` of the variation (r² of ln E), figures in words."""

    name: str
    share: float
    words: str


@dataclass(frozen=True)
class Variation:
    """How much trials vary: `cv` is the standard deviation over the mean of their joules per 1,000 images."""

    cv: float
    trials: int
    causes: tuple[Cause, ...]

    @property
    def words(self) -> str:
        """The figure with its likely causes."""
        nothing = "nothing that was recorded goes with it" if self.trials >= LEAST else "too few to say why"
        likely = "; ".join(cause.words for cause in self.causes) or nothing
        return f"{100 * self.cv:.1f} % over {self.trials} trials: {likely}"


@dataclass(frozen=True)
class _Candidate:
    """`value` of a trial, the least spread that can matter, and how its effect is told."""

    name: str
    value: Callable[[Result], float | None]
    least: float
    words: Callable[[Sequence[float], float], str]
    only_up: bool = True


def variation_of(trials: Sequence[Result]) -> Variation | None:
    """The variation of the trials that have an energy; None with fewer than two."""
    known = [(trial, joules) for trial in trials if (joules := joules_of(trial)) is not None and joules > 0]
    if len(known) < 2:
        return None
    energies = [joules for _, joules in known]
    logs = [math.log(joules) for joules in energies]
    found = [_cause(each, [trial for trial, _ in known], logs) for each in _CANDIDATES]
    causes = sorted((cause for cause in found if cause), key=lambda cause: -cause.share)
    return Variation(stdev(energies) / fmean(energies), len(known), tuple(causes))


def hottest_c(trial: Result) -> float | None:
    """The highest temperature right before a trial; as the agent last said it, where the trial does not."""
    temp_c = (trial.context.temp_c if trial.context else None) or trial.temp_c
    return max(temp_c.values(), default=None) if temp_c else None


def load_of(trial: Result) -> float | None:
    """What others used of the processors, before the trial or during it, whichever is more."""
    before = trial.context.load if trial.context else None
    return max((load for load in (before, trial.load) if load is not None), default=None)


def _cause(candidate: _Candidate, trials: Sequence[Result], logs: Sequence[float]) -> Cause | None:
    values = [candidate.value(trial) for trial in trials]
    known = [(value, log) for value, log in zip(values, logs, strict=True) if value is not None]
    xs, ys = [value for value, _ in known], [log for _, log in known]
    if len(known) < LEAST or max(xs) - min(xs) < candidate.least or stdev(ys) == 0:
        return None
    slope, share = _line(xs, ys)
    if share < (EXPLAINS_FEW if len(known) <= FEW else EXPLAINS) or (candidate.only_up and slope < 0):
        return None
    return Cause(
        candidate.name, share, f"{candidate.words(xs, slope)} ({100 * share:.0f} % of the variation)"
    )


def _line(xs: Sequence[float], ys: Sequence[float]) -> tuple[float, float]:
    """The slope of the least-squares line, and the share of the variance that it explains."""
    mean_x, mean_y = fmean(xs), fmean(ys)
    spread = sum((x - mean_x) ** 2 for x in xs)
    together = sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True))
    return together / spread, together**2 / spread / sum((y - mean_y) ** 2 for y in ys)


def _grows(slope: float) -> str:
    return f"{100 * math.expm1(slope):+.1f} %"


def _throttled(xs: Sequence[float], slope: float) -> str:
    return f"throttling: {sum(xs):.0f} of {len(xs)} trials throttled, and took {_grows(slope)}"


def _warmer(xs: Sequence[float], slope: float) -> str:
    return f"temperature: {_grows(slope)} for each °C at the begin ({min(xs):.0f} to {max(xs):.0f} °C)"


def _busier(xs: Sequence[float], slope: float) -> str:
    limits = f"{100 * min(xs):.0f} to {100 * max(xs):.0f} %"
    return f"other load: {_grows(slope / 10)} for each 10 % of the processors ({limits})"


def _later(xs: Sequence[float], slope: float) -> str:
    return f"a trend: {_grows(slope * (max(xs) - min(xs)))} from the first trial to the last"


_CANDIDATES = (
    _Candidate("throttle", lambda trial: float(bool(trial.throttle)), 1.0, _throttled, only_up=False),
    _Candidate("load", load_of, 0.05, _busier),
    _Candidate("temperature", hottest_c, 2.0, _warmer),
    _Candidate("trend", lambda trial: trial.begin / NS_PER_MINUTE, 0.01, _later, only_up=False),
)
