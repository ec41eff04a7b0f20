"""Marks: what ran, and when. Every `t` is monotonic nanoseconds of the marking device."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from telemetry.contract.units import Count, Name, Ns, Seq

PROGRAM = "program"
"""The `backend` of a trial that is any program as one window."""


class Protocol(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a trial was run: what was asked of it, and what came of its warm-up and its rest.

    `steady`: the warm-up ended because its batches took equally long. `cooled`: the rest before it ended
    inside the temperature band; None where nothing tells a temperature. `order` is its place in its campaign.
    """

    warmup_s: float | None = None
    cooldown_s: float | None = None
    idle_s: float | None = None
    images: int | None = None
    seed: int | None = None
    min_s: float | None = None
    jitter_ms: float | None = None
    cooldown_most_s: float | None = None
    cooldown_band_c: float | None = None
    cooldown_to_c: float | None = None
    steady: bool | None = None
    cooled: bool | None = None
    order: int | None = None
    weights: str | None = None
    data: str | None = None
    covers: str | None = None


class Context(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a trial met on its device beside what the manifest says.

    `libraries` are versions by name; `temp_c` and `clock_mhz` were read right before the begin; `load` is the
    share of all processors (0-1) that others used then.
    """

    libraries: dict[str, str] | None = None
    accelerator: str | None = None
    threads: int | None = None
    temp_c: dict[str, float] | None = None
    clock_mhz: dict[str, float] | None = None
    load: float | None = None


class AccuracyRef(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An accuracy from elsewhere: a fraction, the images it was taken on, and where it comes from."""

    value: float
    n: int | None = None
    origin: str | None = None


class Prepare(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="prepare"):
    """A trial is near: the agent goes to the trial rate."""

    t: Ns
    group: Name


class TrialBegin(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="trial_begin"
):
    """The window of a trial opens."""

    t: Ns
    trial: Name
    model: Name
    dataset: Name
    batch_size: Count
    group: Name
    index: Count
    precision: str | None = None
    backend: str | None = None
    subset: str | None = None
    protocol: Protocol | None = None
    context: Context | None = None
    accuracy_ref: AccuracyRef | None = None


class Batches(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="batches"):
    """m batches of a trial, as columns: begin and end int64[m] ns, images and correct int32[m], hits bits."""

    t: Ns
    trial: Name
    begin: bytes
    end: bytes
    images: bytes
    correct: bytes | None = None
    hits: bytes | None = None


class IdleBegin(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="idle_begin"
):
    """The device rests from here on, for a trial or for a whole group."""

    t: Ns
    trial: str | None = None
    group: str | None = None


class IdleEnd(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="idle_end"
):
    """The rest is over."""

    t: Ns
    trial: str | None = None
    group: str | None = None


class TrialEnd(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="trial_end"
):
    """The window closes. `power` maps a power stream to the seq of the frame that reaches past the end.

    `load` is the share of all processors (0-1) that others than the trial used during it.
    """

    t: Ns
    trial: Name
    status: Literal["ok", "aborted"]
    images: Count
    power: dict[str, Seq]
    correct: Count | None = None
    load: float | None = None


class Work(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="work"):
    """Continuous operation without trials: the columns of `Batches` for an application and its model."""

    t: Ns
    app: Name
    model: Name
    begin: bytes
    end: bytes
    images: bytes
    correct: bytes | None = None
    hits: bytes | None = None


class SoakBegin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="soak"):
    """A soak test begins here, or goes on: `starts` counts how often it did, and `left_s` seconds are left.

    Its `plan` is a map of the fields of docs/soak.md; its work is in the `work` marks of `app`.
    """

    t: Ns
    soak: Name
    app: Name
    plan: dict[str, Any]
    left_s: float
    starts: Count


class MarksHole(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="marks_hole"
):
    """The agent's own mark: `lost` lines of process `pid` never came, while `trial` was open if any was."""

    t: Ns
    pid: Count
    lost: Count
    trial: Name | None = None


Event = Prepare | TrialBegin | Batches | IdleBegin | IdleEnd | TrialEnd | Work | SoakBegin | MarksHole

EVENT_TYPES: dict[str, type[msgspec.Struct]] = {
    "prepare": Prepare,
    "trial_begin": TrialBegin,
    "batches": Batches,
    "idle_begin": IdleBegin,
    "idle_end": IdleEnd,
    "trial_end": TrialEnd,
    "work": Work,
    "soak": SoakBegin,
    "marks_hole": MarksHole,
}
_BATCHES: tuple[tuple[str, Literal["q", "i"]], ...] = (
    ("begin", "q"),
    ("end", "q"),
    ("images", "i"),
    ("correct", "i"),
)
COLUMNS = {"batches": _BATCHES, "work": _BATCHES}
"""The packed columns of an event kind, beside `hits`."""
