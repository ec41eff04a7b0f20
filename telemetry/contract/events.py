"""Events of the fleet: what a person should hear of, on ``e3p/v1/fleet/event`` and in the store.

Every event has the fields of `FleetEvent`; a kind may bring more. Who does not know a kind shows its words.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from telemetry.contract.documents import VERSIONED
from telemetry.contract.units import Ns

EVENT = "event"
"""The kind under which stores keep events, whatever their own."""


class FleetEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every event says: its kind, its node if it has one, when (the collector's UTC ns), and words."""

    v: int = VERSIONED
    kind: str
    node: str | None = None
    at: Ns
    words: str


class TwoBoots(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Two agents live under one name; `boots` are theirs, the later one last. Their data is kept apart."""

    v: int = VERSIONED
    kind: Literal["two_boots"] = msgspec.field(default_factory=lambda: "two_boots")
    node: str
    boots: tuple[str, ...]
    at: Ns
    words: str
