"""What the analyzer says: each conclusion is stored first, then told on the broker."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from analyzer.outbox import Outbox
from analyzer.revisions import result_id
from telemetry.contract.encode import encode
from telemetry.contract.topics import FLEET_EVENT, node_topic
from telemetry.runtime import logs

if TYPE_CHECKING:
    from analyzer.book import Book
    from analyzer.fleet.office import Office
    from analyzer.metrics import Metrics
    from analyzer.standings import Announcement, Standings
    from telemetry.contract.documents import EventRefused, Result
    from telemetry.runtime.mqtt import Link

RANK_S = 1.0

log = logs.get("analyzer")


class Herald:
    """Results, refused events, rankings and findings of the fleet, to the store and then to a link."""

    def __init__(
        self, link: Link, book: Book, standings: Standings, office: Office, metrics: Metrics
    ) -> None:
        self._link = link
        self._book = book
        self._standings = standings
        self._office = office
        self._metrics = metrics
        self._outbox = Outbox(link)
        self._ranked_at_s = -math.inf

    def __len__(self) -> int:
        return len(self._outbox)

    async def conclude(self, results: list[Result], missing: int, cause: str) -> None:
        """The results of a window, as far as they say something new."""
        first = f"{missing} frames were still missing" if missing else "complete"
        held = await self._book.held(results)
        reason = cause if any(result_id(result) in held for result in results) else first
        written = await self._book.take(results, reason, time.time_ns())
        self._office.conclude(written)
        for result in written:
            log.info(
                "result", node=result.node, window=result.window, revision=result.revision, state=result.state
            )
            self._metrics.results.labels(result.state).inc()
            self._outbox.post(node_topic(result.node, "result"), encode(result, "json"))

    async def refuse(self, events: list[EventRefused]) -> None:
        """Events that contradict others."""
        for event in await self._book.refuse(events):
            log.warning("event refused", node=event.node, trial=event.trial, reason=event.reason)
            self._metrics.refused.inc()
            self._outbox.post(node_topic(event.node, "result"), encode(event, "json"))

    async def rank(self) -> None:
        """The rankings that changed; at most once a second, as trials of many nodes may end together."""
        now_s = time.monotonic()
        if now_s - self._ranked_at_s < RANK_S:
            return
        for ranking in await self._standings.renew():
            self._ranked_at_s = now_s
            self._metrics.rankings.inc()
            self._announce(ranking)

    async def watch_fleet(self) -> None:
        """What is found of the fleet."""
        for finding in await self._office.step(time.monotonic(), time.time_ns()):
            log.info(
                "finding", kind=finding.kind, node=finding.node, lasts=finding.lasts, words=finding.words
            )
            self._metrics.findings.labels(finding.kind).inc()
            self._outbox.post(FLEET_EVENT, encode(finding, "json"))

    def announce_again(self) -> None:
        """Every ranking: a broker that was started anew has forgotten what it retained."""
        for ranking in self._standings.announced:
            self._announce(ranking)

    async def send(self) -> None:
        """As far as the link carries."""
        await self._outbox.send()

    def _announce(self, ranking: Announcement) -> None:
        self._outbox.post(ranking.topic, encode(ranking.document, "json"), retain=True)
