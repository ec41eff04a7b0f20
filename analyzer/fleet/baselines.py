"""Baselines in the store: what is normal for each job, so that a restart goes on where it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from analyzer.fleet.course import Baseline, Job
from analyzer.revisions import INTERVAL, result_of
from telemetry.store.interface import Revision

if TYPE_CHECKING:
    from telemetry.contract.documents import Result
    from telemetry.store.interface import Store

BASELINE = "baseline"
FOREVER_NS = 2**63 - 1


class Baselines:
    """The documents of kind `baseline` of one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._numbers: dict[str, int] = {}

    async def read(self) -> list[Baseline]:
        """What was last stored of every job."""
        stored = await self._store.latest(BASELINE)
        self._numbers = {revision.id: revision.revision for revision in stored}
        return [msgspec.json.decode(revision.doc, type=Baseline) for revision in stored]

    async def write(self, baseline: Baseline, now_ns: int) -> None:
        """Stores one as it is now."""
        baseline.at = now_ns
        job = Job(baseline.node, baseline.app, baseline.model, baseline.stream)
        id_ = "/".join(job)
        number = max(self._numbers.get(id_, 0) + 1, now_ns // 10**9)
        doc = msgspec.json.encode(baseline)
        await self._store.put([Revision(kind=BASELINE, id=id_, revision=number, node=baseline.node, doc=doc)])
        self._numbers[id_] = number

    async def windows_since(self, node: str, end: int) -> list[Result]:
        """The windows of a node's work that ended later than this, by time."""
        stored = await self._store.during(INTERVAL, end + 1, FOREVER_NS, node)
        return [result_of(revision) for revision in stored]
