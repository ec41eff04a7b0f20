"""Soak tests: the verdict on a long run of one node, as stores keep it and ``--json`` prints it.

Field by field: docs/soak.md.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from telemetry.contract.documents import VERSIONED
from telemetry.contract.soak_plan import SoakPlan

SOAK = "soak"
"""The kind under which stores keep verdicts."""

Verdict = Literal["pass", "fail", "inconclusive"]
EpisodeKind = Literal[
    "throttled", "silent", "frozen", "restarted", "rebooted", "clock_step", "missing", "late"
]
Metric = Literal["j_per_image", "latency_ms", "temp_c"]


class Drift(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The slope of one figure, for a day, with its 95 % interval (None: no limit); `level` is its middle.

    `windows` were compared, in `blocks` of equal time; `correlation` is that of neighbouring blocks.
    """

    metric: Metric
    unit: str
    per_day: float
    lo: float | None
    hi: float | None
    level: float
    level_u95: float
    level_unit: str
    windows: int
    blocks: int
    correlation: float
    seasonal: bool = False


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A figure that is another from one moment (UTC ns) on: the size of the step and its 95 % interval."""

    metric: Metric
    unit: str
    at: int
    step: float
    lo: float
    hi: float


class Episode(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that went on for a while, or happened at one moment: times are the soak's, ns.

    `value` is its length in windows, or the step of a clock in seconds.
    """

    kind: EpisodeKind
    begin: int
    end: int
    words: str
    value: float | None = None


class Windows(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where every window went: ``expected = complete + degraded + missing``; `resting` were not due.

    `compared` had work from end to end and nothing in doubt: drift and steps are computed from those.
    """

    expected: int
    complete: int
    degraded: int
    missing: int
    resting: int
    compared: int
    throttled: int
    frozen: int


class Frames(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The ledger of the node's boots that the soak touches, all streams together."""

    made: int
    stored: int
    dead: int
    lost: int
    spooled: int
    missing: int
    closed: bool


class Held(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One budget: what was found (with its interval where it has one), what was allowed, and the words."""

    name: str
    unit: str
    budget: float
    verdict: Verdict
    words: str
    value: float | None = None
    lo: float | None = None
    hi: float | None = None


class Compared(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """This soak against an earlier one of the same node: the ratio of the middles, less 1, in percent."""

    soak: str
    metric: Metric
    before: float
    now: float
    percent: float
    lo: float
    hi: float


class Soak(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The verdict on one soak of one node, as of `at`. Times are the soak's: node time of its last boot, ns.

    `figures` are the numbers of `held` and `drift` by name, for those who plot them.
    """

    v: int = VERSIONED
    kind: Literal["soak"] = msgspec.field(default_factory=lambda: "soak")
    soak: str
    name: str
    node: str
    app: str
    model: str | None = None
    device: str | None = None
    stream: str | None = None
    software: str | None = None
    begin: int
    end: int
    planned_end: int
    at: int
    is_over: bool
    verdict: Verdict
    reasons: tuple[str, ...]
    held: tuple[Held, ...]
    drift: tuple[Drift, ...]
    changes: tuple[Change, ...]
    episodes: tuple[Episode, ...]
    windows: Windows
    frames: Frames | None = None
    compared: tuple[Compared, ...] = ()
    figures: dict[str, float] = {}
    plan: SoakPlan
