"""The collector, wired top to bottom. It runs alone, or beside a broker and the analyzer in one process."""

from __future__ import annotations

import secrets
import time

from prometheus_client import CollectorRegistry

from collector.campaigns import Campaigns
from collector.desk import Desk, Times
from collector.events import Events
from collector.intake import Intake
from collector.metrics import Metrics
from collector.replies import Replies
from collector.settings import CollectorSettings
from collector.timeservice import TimeService
from collector.upkeep import Upkeep
from collector.writer import Tap, Writer
from telemetry.contract.topics import every_node, everything_of_nodes
from telemetry.runtime.http import Health
from telemetry.runtime.mqtt import Address, Link
from telemetry.runtime.service import Service
from telemetry.store.interface import Store

SYSTEM = Times(utc_ns=time.time_ns, now_s=time.monotonic)


class Collector:
    """The parts of a collector on an open store. `services` are in the order in which they are started.

    `tap` is called with the frames of each batch once they are stored.
    """

    def __init__(
        self,
        settings: CollectorSettings,
        store: Store,
        address: Address,
        *,
        registry: CollectorRegistry | None = None,
        times: Times = SYSTEM,
        tap: Tap | None = None,
    ) -> None:
        name = f"e3p-collector-{secrets.token_hex(4)}"
        self.desk = Desk(settings, times, Metrics(registry))
        self.link = Link(
            address,
            client_id=name,
            filters=[everything_of_nodes()],
            qos=0,  # `stored` acknowledges a frame; a PUBACK for each would cost a third of receiving it
            inbox=settings.inbox_messages,
            inbox_bytes=settings.inbox_bytes,
        )
        self.time_link = Link(address, client_id=f"{name}-time", filters=[every_node("ping")])
        heard = [every_node("reply"), every_node("state"), every_node("command")]
        self.campaign_link = Link(
            address,
            client_id=f"{name}-campaigns",
            filters=heard,
            on_connect=lambda _: self.campaigns.connected(),
        )
        self.campaigns = Campaigns(self.campaign_link, store, times)
        self.replies = Replies(self.link, self.desk)
        self.writer = Writer(store, self.desk, self.replies.announce, tap=tap)
        self.time_service = TimeService(self.time_link, self.desk)
        self.events = Events(self.link, store, self.desk)
        self.upkeep = Upkeep(store, self.desk.metrics)
        self.intake = Intake(self.link, store, self.desk, self.events.two_boots)
        self.desk.metrics.watch(self.desk.gather, lambda: self.link.shed, lambda: self.link.connected)

    @property
    def services(self) -> list[Service]:
        """They stop the other way round: the intake first, the links last, after the last replies."""
        links: list[Service] = [self.link, self.time_link, self.campaign_link]
        makers: list[Service] = [self.writer, self.time_service, self.events, self.campaigns, self.upkeep]
        return [*links, self.replies, *makers, self.intake]

    async def until_ready(self) -> None:
        """Returns once it is connected."""
        await self.link.until_connected()
        await self.time_link.until_connected()

    def trouble(self) -> str | None:
        """What hangs, so that only another start helps; None while nothing does."""
        return self.desk.pulse.trouble()

    def health(self) -> Health:
        """How the collector fares, for `/healthz`: well while it is connected, and the store answers."""
        held = self.desk.gather.held
        facts = {
            "connected": self.link.connected,
            "nodes": len(self.desk.admission),
            "queue_samples": held.samples,
            "queue_bytes": held.size_bytes,
            "inbox_shed": self.link.shed,
            "clock_bad": sorted(self.desk.clocks.bad),
            "store": self.writer.store_away or "available",
        }
        return Health(self.link.connected and self.writer.store_away is None, facts)
