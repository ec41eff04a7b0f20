"""The plan of a soak test: what runs, for how long, and what it may show. Pure; files are read elsewhere.

Field by field: docs/soak.md. Shares are from 0 to 1; drifts are for a day, of J per image and latency in
percent of their middle, of temperature in degrees.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from telemetry.contract.plan import Fault, Model, Number, OnDevice, Plain, Precision, Weights
from telemetry.contract.units import Name

WINDOW_S = 60
"""The analyzer's windows of continuous work; a soak is judged by them."""
DAY_S = 86_400
LEAST_WINDOWS = 10
"""Fewer windows with work say nothing of drift."""
LONGEST_S = 366 * DAY_S

Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[float, Meta(gt=0)]

UNITS = {"s": 1, "min": 60, "h": 3600, "d": DAY_S, "week": 7 * DAY_S, "weeks": 7 * DAY_S, "days": DAY_S}
_LENGTH = re.compile(r"(\d{1,6}(?:\.\d{1,3})?) ?([a-z]+)")
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


class SoakWork(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Real inference of one timm model: the images go round for as long as the soak lasts."""

    model: Model
    data: str | None = None
    images: Number = 64
    batch_size: Number = 8
    precision: Precision = "fp32"
    device: OnDevice = "cpu"
    weights: Weights = "auto"
    threads: Number | None = None


class SoakWatch(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A deployed application that marks its own `work`; one of its models, or whatever it runs."""

    app: Name
    model: Model | None = None


class Duty(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """When work is due: bursts at multiples of `on_s + off_s` of a day (UTC), or days."""

    kind: Literal["continuous", "bursty", "day_night"] = "continuous"
    on_s: Annotated[int, Meta(ge=1, le=DAY_S)] | None = None
    off_s: Annotated[int, Meta(ge=1, le=DAY_S)] | None = None
    day_from: str | None = None
    day_to: str | None = None

    def is_on(self, utc_s: float) -> bool:
        """Whether work is due at a moment."""
        in_day = utc_s % DAY_S
        if self.on_s and self.off_s:
            return in_day % (self.on_s + self.off_s) < self.on_s
        if self.day_from and self.day_to:
            begin, end = seconds_of_day(self.day_from), seconds_of_day(self.day_to)
            return begin <= in_day < end if begin < end else not end <= in_day < begin
        return True

    def is_due(self, utc_s: int) -> bool:
        """Whether work is due in any second of the window that begins then."""
        return any(self.is_on(second) for second in range(utc_s, utc_s + WINDOW_S))

    @property
    def share(self) -> float:
        """The share of a day in which work is due."""
        return sum(self.is_on(second) for second in range(0, DAY_S, 10)) / (DAY_S / 10)


class Budgets(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The most that a soak may show and pass; what is None is reported and not judged.

    A drift is held to its budget in both directions. `step_percent` is the largest change of J per image at
    one moment; `worse_percent` how much more an image may take than in the soak it is compared with.
    """

    drift_j_percent_day: Positive | None = None
    drift_latency_percent_day: Positive | None = None
    drift_temp_c_day: Positive | None = None
    step_percent: Positive | None = None
    worse_percent: Positive | None = None
    temp_c: Annotated[float, Meta(gt=0, le=150)] | None = None
    throttled_share: Share = 0.01
    frozen_share: Share = 0.0
    missing_share: Share = 0.01
    restarts: Annotated[int, Meta(ge=0)] = 0
    clock_steps: Annotated[int, Meta(ge=0)] = 0


class SoakPlan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What runs, for how long, and what it may show. Either `work` or `watch`."""

    name: Plain
    duration: str
    window_s: int = WINDOW_S
    work: SoakWork | None = None
    watch: SoakWatch | None = None
    duty: Duty = Duty()
    budgets: Budgets = Budgets()

    @property
    def duration_s(self) -> float:
        """The planned length."""
        return length_s(self.duration) or 0.0

    @property
    def app(self) -> str:
        """What the `work` marks of the soak name as their application."""
        return self.watch.app if self.watch else f"soak-{self.name}"


def length_s(text: str) -> float | None:
    """Seconds of a length such as ``20 min``, ``72 h``, ``14 d`` or ``2 weeks``; None where it is none."""
    found = _LENGTH.fullmatch(text.strip())
    return float(found[1]) * UNITS[found[2]] if found and found[2] in UNITS else None


def seconds_of_day(text: str) -> int:
    """Seconds since midnight of a time such as ``07:30``. Raises ``ValueError``."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no time of day; 07:30 is one")
    return int(found[1]) * 3600 + int(found[2]) * 60


def faults(plan: SoakPlan) -> Iterator[Fault]:
    """What no type can tell of a plan; none of it may stand."""
    if (plan.work is None) == (plan.watch is None):
        what = "there are both" if plan.work else "there is neither"
        yield Fault("work" if plan.work else "", f"either [work] or [watch] is expected; {what}")
    if plan.window_s != WINDOW_S:
        yield Fault("window_s", f"{plan.window_s} s; the analyzer's windows are {WINDOW_S} s long")
    if plan.work and plan.work.images < plan.work.batch_size:
        words = f"a batch of {plan.work.batch_size} cannot come from {plan.work.images} images"
        yield Fault("work.batch_size", words)
    duty = list(_duty_faults(plan.duty))
    yield from duty
    if not duty:
        yield from _length_faults(plan)
    yield from _budget_faults(plan)


def _duty_faults(duty: Duty) -> Iterator[Fault]:
    bursts: dict[str, int | None] = {"on_s": duty.on_s, "off_s": duty.off_s}
    days: dict[str, str | None] = {"day_from": duty.day_from, "day_to": duty.day_to}
    wanted = {"continuous": [], "bursty": list(bursts), "day_night": list(days)}[duty.kind]
    for name, value in {**bursts, **days}.items():
        if name in wanted and value is None:
            yield Fault(f"duty.{name}", f"a {duty.kind} duty needs {' and '.join(wanted)}")
        elif name not in wanted and value is not None:
            yield Fault(f"duty.{name}", f"a {duty.kind} duty has no {name}; which kind is meant?")
    for name, text in days.items():
        if text is not None and not _TIME.fullmatch(text):
            yield Fault(f"duty.{name}", f"{text!r} is no time of day; 07:30 is one (UTC)")
    if duty.kind == "day_night" and duty.day_from == duty.day_to and duty.day_from:
        yield Fault("duty.day_to", 'the day ends when it begins; kind = "continuous" has no night')
    if duty.kind == "bursty" and duty.on_s and duty.off_s:
        yield from _burst_faults(duty.on_s, duty.off_s)


def _burst_faults(on_s: int, off_s: int) -> Iterator[Fault]:
    """Windows can be compared when each has the same part of work, or bursts have windows wholly inside."""
    period_s = on_s + off_s
    if DAY_S % period_s:
        yield Fault("duty.off_s", f"on and off are {period_s} s together, which does not divide a day")
    elif WINDOW_S % period_s and on_s < 3 * WINDOW_S:
        right = f"on_s of {3 * WINDOW_S} or more, or a sum that divides {WINDOW_S}"
        words = f"with {on_s} s of every {period_s} s no two windows have the same work; right is {right}"
        yield Fault("duty.on_s", words)


def _length_faults(plan: SoakPlan) -> Iterator[Fault]:
    seconds = length_s(plan.duration)
    if seconds is None:
        yield Fault("duration", f"{plan.duration!r} is no length; 20 min, 72 h, 14 d and 2 weeks are")
        return
    if seconds > LONGEST_S:
        yield Fault("duration", f"{plan.duration} is more than a year")
    least_s = LEAST_WINDOWS * WINDOW_S / max(plan.duty.share, 1e-9)
    if seconds < least_s:
        needs = (
            f"{LEAST_WINDOWS} windows of {WINDOW_S} s with work take {least_s / 60:.0f} min with this duty"
        )
        yield Fault("duration", f"{plan.duration} is too short: {needs}")


def _budget_faults(plan: SoakPlan) -> Iterator[Fault]:
    """Budgets that no soak of this plan can be held to."""
    budgets = plan.budgets
    days = (length_s(plan.duration) or DAY_S) / DAY_S
    resolvable = {
        "drift_j_percent_day": "0.01 % over the whole soak",
        "drift_latency_percent_day": "0.01 % over the whole soak",
        "drift_temp_c_day": "0.01 °C over the whole soak",
    }
    for name, words in resolvable.items():
        budget = getattr(budgets, name)
        if budget is not None and budget * days < 0.01:
            right = f"at least {0.01 / days:.2g}, or a longer soak"
            yield Fault(f"budgets.{name}", f"{budget:g} a day is less than {words}; right is {right}")
    for name in ("throttled_share", "missing_share", "frozen_share"):
        if getattr(budgets, name) == 1:
            yield Fault(f"budgets.{name}", "1 is everything: nothing could fail it")
