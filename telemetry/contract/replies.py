"""Messages that are not frames: state, ping, pong, stored, and the announcement of a dead letter."""

from __future__ import annotations

from typing import Literal

import msgspec

from telemetry.contract.units import Id, Name, Ns, Seq, Through

StateName = Literal["init", "ready", "draining", "lost", "gone"]


class State(msgspec.Struct, frozen=True, kw_only=True):
    """Retained: where a node stands since `since` (node time ns)."""

    v: int = 1
    state: StateName
    boot: Name
    since: Ns
    software: str


class Ping(msgspec.Struct, frozen=True, kw_only=True):
    """A node asks the time; `t1` is its node time in ns."""

    v: int = 1
    id: Id
    t1: Ns


class Pong(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: `t1` echoed, `t2` received and `t3` sent, UTC ns of the collector."""

    v: int = 1
    id: Id
    t1: Ns
    t2: Ns
    t3: Ns


class StoredStream(msgspec.Struct, frozen=True, kw_only=True):
    """Every seq up to `through` (-1: none) and in `ranges` is settled."""

    boot: Name
    stream: Name
    through: Through
    ranges: tuple[tuple[Seq, Seq], ...] = ()


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """The acknowledgement: these frames are in the store, in quarantine, or declared lost."""

    v: int = 1
    streams: tuple[StoredStream, ...]


class Dead(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter: `key` is the hash of topic and body, `at` UTC ns."""

    v: int = 1
    key: str
    topic: str
    reason: str
    at: Ns
