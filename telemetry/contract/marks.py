"""Marks: what ran, and when. Every `t` is monotonic nanoseconds of the marking device."""

from __future__ import annotations

from typing import Literal

import msgspec

from telemetry.contract.units import Count, Name, Ns, Seq


class Protocol(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a trial was run: seconds of warm-up, cooldown and idle, images, the seed."""

    warmup_s: float | None = None
    cooldown_s: float | None = None
    idle_s: float | None = None
    images: int | None = None
    seed: int | None = None


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
    """The window closes. `power` maps a power stream to the seq of the frame that reaches past the end."""

    t: Ns
    trial: Name
    status: Literal["ok", "aborted"]
    images: Count
    power: dict[str, Seq]
    correct: Count | None = None


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


class MarksHole(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kind", tag="marks_hole"
):
    """The agent's own mark: `lost` lines of process `pid` never came, while `trial` was open if any was."""

    t: Ns
    pid: Count
    lost: Count
    trial: Name | None = None


Event = Prepare | TrialBegin | Batches | IdleBegin | IdleEnd | TrialEnd | Work | MarksHole

EVENT_TYPES: dict[str, type[msgspec.Struct]] = {
    "prepare": Prepare,
    "trial_begin": TrialBegin,
    "batches": Batches,
    "idle_begin": IdleBegin,
    "idle_end": IdleEnd,
    "trial_end": TrialEnd,
    "work": Work,
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
