"""What has been concluded so far: the latest results and rankings, kept in step with the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from analyzer.exclusions import read_exclusions
from analyzer.meters import read_meters
from analyzer.revisions import INTERVAL, as_revision, put_next, result_id, result_of, revise
from telemetry.contract.documents import EventRefused, Result
from telemetry.contract.ranking import Ranking
from telemetry.store.interface import Revision

if TYPE_CHECKING:
    from collections.abc import Iterable

    from telemetry.contract.documents import MeterJoin
    from telemetry.store.interface import Store


class Book:
    """The newest revision of every result, refused event and ranking; excluded trials, joined meters.

    `changes` counts what may change a ranking: writes of results, new exclusions.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.results: dict[str, Result] = {}
        self.excluded: dict[str, str] = {}
        self.meters: dict[str, tuple[MeterJoin, ...]] = {}
        self.changes = 0
        self._refused: set[str] = set()
        self._rankings: dict[str, Revision] = {}

    async def open(self) -> None:
        """Reads what earlier runs concluded."""
        stored = await self._store.latest("result")
        self.results = {revision.id: result_of(revision) for revision in stored}
        self._refused = {revision.id for revision in await self._store.latest("event_refused")}
        self._rankings = {revision.id: revision for revision in await self._store.latest("ranking")}
        await self.heed()

    async def heed(self) -> None:
        """Reads which trials a person has excluded since, and which meters are joined: others write that."""
        self.meters = await read_meters(self._store)
        excluded = await read_exclusions(self._store)
        if excluded != self.excluded:
            self.excluded = excluded
            self.changes += 1

    async def take(self, results: Iterable[Result], reason: str, now_ns: int) -> list[Result]:
        """Stores the results that say something new; what was written comes back, numbered.

        Another program may have written meanwhile (`e3p reanalyze`): its revision counts, and is followed.
        """
        said = list(results)
        try:
            return await self._take(said, reason, now_ns)
        except ValueError:
            await self.open()
            return await self._take(said, reason, now_ns)

    async def held(self, results: Iterable[Result]) -> dict[str, Result]:
        """The newest revisions of these results, by id. Those of minutes of work are read from the store."""
        said = list(results)
        found = {id_: self.results[id_] for id_ in map(result_id, said) if id_ in self.results}
        for node, end in dict.fromkeys((each.node, each.end) for each in said if each.app is not None):
            for revision in await self._store.during(INTERVAL, end, end + 1, node):
                found[revision.id] = result_of(revision)
        return found

    async def _take(self, results: list[Result], reason: str, now_ns: int) -> list[Result]:
        held = await self.held(results)
        revisions = (revise(each, held.get(result_id(each)), reason, now_ns) for each in results)
        written = [revision for revision in revisions if revision is not None]
        if written:
            await self._store.put([as_revision(result) for result in written])
        ranked = {result_id(result): result for result in written if result.app is None}
        if ranked:
            self.results.update(ranked)
            self.changes += 1
        return written

    async def refuse(self, events: Iterable[EventRefused]) -> list[EventRefused]:
        """Stores refused events that were not known; those come back."""
        new = {f"{e.node}/{e.boot}/{e.stream}/{e.seq}/{e.event}/{e.trial}": e for e in events}
        new = {id_: event for id_, event in new.items() if id_ not in self._refused}
        documents = [
            Revision(kind="event_refused", id=i, revision=1, node=e.node, doc=msgspec.json.encode(e))
            for i, e in new.items()
        ]
        if documents:
            await self._store.put(documents)
        self._refused |= new.keys()
        return list(new.values())

    async def rank(self, id_: str, ranking: Ranking) -> bool:
        """Stores a ranking when it says something new. Another program's revision counts, and is followed."""
        try:
            return await self._rank(id_, ranking)
        except ValueError:
            self._rankings = {revision.id: revision for revision in await self._store.latest("ranking")}
            return await self._rank(id_, ranking)

    async def _rank(self, id_: str, ranking: Ranking) -> bool:
        said = Revision(kind="ranking", id=id_, revision=1, node=None, doc=msgspec.json.encode(ranking))
        written = await put_next(self._store, said, self._rankings.get(id_))
        if written is not None:
            self._rankings[id_] = written
        return written is not None
