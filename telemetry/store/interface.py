"""The store: one small interface, one behaviour suite over every implementation (tests/contracts).

Frames rest as they travelled, keyed (node, boot, kind/stream, seq), and every write is idempotent by that
key. An error is a decision: `StoreUnavailable` means try again and acknowledge nothing, a frame that is not
taken becomes a dead letter, anything else stops the program.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from telemetry.contract.errors import UserError
from telemetry.contract.frames import StreamHealth, StreamKey
from telemetry.contract.intervals import IntervalSet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from telemetry.contract.decode import Received
    from telemetry.contract.frames import Frame


class StoreUnavailable(Exception):
    """The store cannot be reached or is busy: nothing was acknowledged, try again.

    `retry_after_s` is how long it asks to be left alone, where it says so.
    """

    def __init__(self, words: str = "", *, retry_after_s: float | None = None) -> None:
        super().__init__(words)
        self.retry_after_s = retry_after_s


class StoreTooNew(UserError):
    """The store was written by a newer e3p; the message names both schema versions."""


class Verdict(Enum):
    """What became of one frame of a batch."""

    STORED = "stored"
    REPEAT = "repeat"
    CONFLICT = "conflict"
    ANCHOR = "anchor"


class Rejected(NamedTuple):
    """A frame that the store's server will not have, now or later, and its reason."""

    reason: str


Outcome = Verdict | Rejected


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A dead letter. `key` is the hash of topic and body; `body` is None once the store was full."""

    key: str
    topic: str
    reason: str
    at: int
    body: bytes | None = None
    stream: StreamKey | None = None
    seq: int | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The node's newest word on one sequence: `as_of` is the node time of the health frame that said it."""

    node: str
    health: StreamHealth
    as_of: int


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """One sequence, whatever is held of it. `anchor` is None while only reports or letters speak of its boot.

    `report` is the newest one, with all that any of them declared lost.
    """

    key: StreamKey
    anchor: int | None
    report: Report | None = None


class Account(Place, frozen=True, kw_only=True):
    """What the store holds of one sequence. `samples` and `missed` add up over its power frames."""

    stored: IntervalSet
    dead: IntervalSet
    samples: int = 0
    missed: int = 0


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """A stored document: `kind` (result, ranking, event_refused, excluded, …), id, revision, JSON body."""

    kind: str
    id: str
    revision: int
    node: str | None
    doc: bytes


class Contents(NamedTuple):
    """What a store holds, by number (frames, letters, documents), and the schema that it is in."""

    schema: int
    holds: dict[str, int]


class Store(Protocol):
    """Where frames, letters and documents rest."""

    url: str

    async def open(self) -> None:
        """Connects, creates or migrates the schema; fails with the address in the message."""

    async def close(self) -> None:
        """Lets go of everything."""

    async def copy_out(self, folder: Path, tell: Callable[[float], None]) -> Contents:
        """Copies everything into files of a folder, of a store that is not opened here; others may write it.

        `tell` gets the share that is done. Raises `UserError`, where there is no store too.
        """

    async def copy_in(self, folder: Path, *, force: bool) -> None:
        """Takes everything from such files, into a store that nobody has open.

        Raises `UserError` where it holds something, unless `force`: then that is replaced.
        """

    async def write(self, frames: Sequence[Received]) -> Sequence[Outcome]:
        """Stores a batch durably; what became of each frame, in order. Idempotent by key.

        A stored key keeps its body (`CONFLICT`), a boot keeps its anchor (`ANCHOR`). Health frames also
        renew the reports they carry. A letter of the same key no longer counts once the frame is stored.
        Of a frame that is `Rejected` nothing shows, and the others are stored all the same.
        """

    async def bury(self, letters: Sequence[Letter]) -> None:
        """Keeps dead letters durably; a repeat is the same letter."""

    async def letters(self, keys: Sequence[str] | None = None, *, bodies: bool = True) -> list[Letter]:
        """Every letter, or those of the keys, oldest first; without `bodies` none is read from the disk."""

    async def drop_letters(self, keys: Sequence[str]) -> None:
        """Forgets these letters; their frames are no longer accounted for as dead."""

    async def accounts(self, node: str | None = None) -> list[Account]:
        """What is held of every sequence, of one node or of all, read from the frames themselves."""

    async def places(self, node: str) -> list[Place]:
        """Every sequence of a node that frames or reports speak of, at a cost that no history raises."""

    async def frames(self, key: StreamKey, seqs: IntervalSet) -> list[tuple[int, Frame]]:
        """The frames of these numbers that are held, as (seq, frame), by rising seq."""

    async def covering(self, key: StreamKey, begin: int, end: int) -> list[Frame]:
        """The frames that overlap [begin, end] (monotonic ns) and the nearest one to each side, by time.

        Of a power stream the nearest is the nearest with samples: a window's edge is interpolated with it.
        """

    async def put(self, revisions: Sequence[Revision]) -> None:
        """Stores documents, all or none. ``ValueError`` when a revision is held and says something else."""

    async def latest(self, kind: str, node: str | None = None) -> list[Revision]:
        """The newest revision of every document of a kind, by id."""

    async def during(self, kind: str, begin: int, end: int, node: str | None = None) -> list[Revision]:
        """The newest revision of every document of a kind that happened in [begin, end), by time.

        A document happens at its `end`, else at its `at` (ns); one that says neither is never found here.
        """

    async def history(self, kind: str, document: str) -> list[Revision]:
        """Every revision of one document, oldest first."""
