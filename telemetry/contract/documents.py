"""Documents: what the analyzer concludes, as stores keep it, MQTT carries it and ``--json`` prints it.

An absent number is absent or null, never 0. Field by field: docs/contract.md and docs/method.md.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from telemetry.contract.frames import VERSION
from telemetry.contract.manifest import Origin
from telemetry.contract.marks import Context, Protocol

ResultState = Literal["valid", "degraded", "invalid"]
Reason = Literal[
    "gap",
    "coverage",
    "no_samples",
    "frames_missing",
    "frames_lost",
    "no_ledger",
    "no_manifest",
    "marks_missing",
    "overlap",
    "locked_aliasing",
    "short",
    "aborted",
    "no_clock",
]
Flag = Literal[
    "negative",
    "over_max",
    "frozen",
    "rails",
    "unit_slip",
    "counter_back",
    "clock_bad",
    "suspended",
]


# Struct options omit what equals its default; a version must always be said, and a factory's value is.
VERSIONED: int = msgspec.field(default_factory=lambda: VERSION)


class BudgetLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One source of uncertainty: standard uncertainty in joules; `shared` by all windows of the sensor."""

    name: str
    u_j: float
    shared: bool = False
    how: str = ""


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Batch latency in milliseconds, by percentile."""

    p50: float
    p95: float
    p99: float


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The energy of one window of one stream, with its state. Times are node time ns, energies joules."""

    v: int = VERSIONED
    node: str
    window: str
    kind: Literal["trial", "interval"]
    stream: str
    meter: str | None = None
    begin: int
    end: int
    state: ResultState
    revision: int = 0
    reason: str | None = None
    computed_at: int | None = None
    reasons: tuple[Reason, ...] = ()
    flags: tuple[Flag, ...] = ()
    device: str | None = None
    power_mode: str | None = None
    sensor: str | None = None
    leads: bool | None = None
    origin: str | None = None
    trial: str | None = None
    app: str | None = None
    group: str | None = None
    index: int | None = None
    model: str | None = None
    dataset: str | None = None
    batch_size: int | None = None
    precision: str | None = None
    backend: str | None = None
    subset: str | None = None
    hits: str | None = None
    utc_offset_ns: int | None = None
    utc_offset_u95_ns: int | None = None
    clock_bad: bool | None = None
    energy_j: float | None = None
    energy_u95_j: float | None = None
    energy_u95_comparable_j: float | None = None
    counter_j: float | None = None
    integral_j: float | None = None
    idle_w: float | None = None
    net_j: float | None = None
    net_u95_j: float | None = None
    net_budget: tuple[BudgetLine, ...] = ()
    budget: tuple[BudgetLine, ...] = ()
    method: str | None = None
    coverage: float | None = None
    samples: int | None = None
    missed: int | None = None
    images: int | None = None
    correct: int | None = None
    accuracy: float | None = None
    accuracy_lo: float | None = None
    accuracy_hi: float | None = None
    accuracy_n: int | None = None
    accuracy_origin: str | None = None
    j_per_1000: float | None = None
    latency_ms: Latency | None = None
    images_per_s: float | None = None
    busy: float | None = None
    mean_w: float | None = None
    max_w: float | None = None
    temp_c: dict[str, float] | None = None
    throttle: tuple[str, ...] | None = None
    agent_cpu_s: float | None = None
    period_ms: float | None = None
    protocol: Protocol | None = None
    context: Context | None = None
    context_hash: str | None = None
    load: float | None = None
    manifest_hash: str | None = None
    software: str | None = None

    @property
    def source(self) -> str:
        """Where the energy comes from: the node's own stream, or METER/STREAM of a meter on another host."""
        return f"{self.meter}/{self.stream}" if self.meter else self.stream


class EventRefused(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A mark that contradicts an earlier one, where it stands, and why it is not taken."""

    v: int = VERSIONED
    kind: Literal["event_refused"] = msgspec.field(default_factory=lambda: "event_refused")
    node: str
    boot: str
    stream: str
    seq: int
    event: str
    trial: str | None = None
    reason: str


class Exclusion(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person's word on one trial: out of the rankings, or back in (`excluded` false); `at` is UTC ns."""

    v: int = VERSIONED
    kind: Literal["excluded"] = msgspec.field(default_factory=lambda: "excluded")
    trial: str
    excluded: bool
    reason: str
    at: int


class Farewell(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person's word that a node is gone for good; `at` is UTC ns.

    `made` is how many frames it had made by then: with one more it is back.
    """

    v: int = VERSIONED
    kind: Literal["forgotten"] = msgspec.field(default_factory=lambda: "forgotten")
    node: str
    made: int
    at: int


class MeterJoin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person's word that the power stream of node `meter` measures the device of node `of`.

    What the meter's own manifest says of its sensor goes before what is said here; a minimal meter has none.
    `clock_u95_ns` holds for a meter that never asked for the time: its stamps are UTC within this.
    """

    v: int = VERSIONED
    kind: Literal["meter"] = msgspec.field(default_factory=lambda: "meter")
    meter: str
    stream: str
    of: str
    joined: bool
    at: int
    clock_u95_ns: int
    origin: Origin = "measured"
    gain_uncertainty: float | None = None
    offset_w_uncertainty: float | None = None
    resolution_w: float | None = None
    averaging_window_ms: float | None = None


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One sequence's account: ``made = stored + dead + lost + spooled + missing``, as sets and counts.

    `ticks_off`: the node's `ticks` less samples, missed and lost ticks; None until it can be told.
    """

    node: str
    boot: str
    stream: str
    made: list[list[int]]
    stored: list[list[int]]
    dead: list[list[int]]
    lost: list[list[int]]
    spooled: list[list[int]]
    missing: list[list[int]]
    made_count: int
    stored_count: int
    dead_count: int
    lost_count: int
    spooled_count: int
    missing_count: int
    ticks: int | None
    samples: int
    missed_ticks: int
    lost_ticks: int
    ticks_off: int | None
    closed: bool
    as_of: int | None
