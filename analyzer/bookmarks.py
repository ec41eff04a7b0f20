"""How far the marks of a node were worked through: a program that starts anew need not read them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from telemetry.contract.documents import VERSIONED
from telemetry.contract.frames import StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.store.interface import Revision

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry.store.interface import Store

BOOKMARK = "bookmark"


class Bookmark(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Frames that tell of nothing but minutes of work, whose results are written: (boot, stream, ranges)."""

    v: int = VERSIONED
    kind: Literal["bookmark"] = msgspec.field(default_factory=lambda: "bookmark")
    node: str
    at: int
    done: tuple[tuple[str, str, tuple[tuple[int, int], ...]], ...]


class Bookmarks:
    """The bookmark of one node in the store."""

    def __init__(self, store: Store, node: str) -> None:
        self._store = store
        self._node = node
        self._held: dict[StreamKey, IntervalSet] = {}

    async def read(self) -> dict[StreamKey, IntervalSet]:
        """What an earlier run was done with."""
        for revision in await self._store.latest(BOOKMARK, self._node):
            bookmark = msgspec.json.decode(revision.doc, type=Bookmark)
            self._held = {
                StreamKey(self._node, boot, stream): IntervalSet(ranges)
                for boot, stream, ranges in bookmark.done
            }
        return dict(self._held)

    async def write(self, done: Mapping[StreamKey, IntervalSet], now_ns: int) -> None:
        """Stores what is done with now, where that is news."""
        if done == self._held:
            return
        told = tuple((key.boot, key.stream, seqs.ranges) for key, seqs in sorted(done.items()))
        doc = msgspec.json.encode(Bookmark(node=self._node, at=now_ns, done=told))
        # By its time and not counted up: two programs never write one revision, and the later one counts.
        bookmark = Revision(kind=BOOKMARK, id=self._node, revision=now_ns // 10**9, node=self._node, doc=doc)
        await self._store.put([bookmark])
        self._held = dict(done)
