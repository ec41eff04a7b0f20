"""The live page, wired top to bottom. It runs in a server that has a collector, or by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from view.live.feed import Feed
from view.live.hub import Hub
from view.live.keeper import Keeper
from view.live.metrics import Metrics
from view.live.questions import Questions
from view.live.server import PageServer
from view.live.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable

    from prometheus_client import CollectorRegistry

    from telemetry.runtime.address import Address
    from telemetry.runtime.http import HealthServer
    from telemetry.runtime.service import Service
    from telemetry.store.interface import Store


class LivePage:
    """`opened` makes a store that is not open yet, `health` answers beside the page and knows the password.

    Without `tapped` it hears all frames over the broker; else `feed.frames` is given them.
    """

    def __init__(
        self,
        opened: Callable[[], Store],
        address: Address,
        health: HealthServer,
        *,
        registry: CollectorRegistry | None = None,
        tapped: bool = False,
    ) -> None:
        questions = Questions(opened)
        self.hub = Hub()
        self._keeper = Keeper(self.hub, questions)
        self.feed = Feed(self.hub, address, self._keeper.missed, frames=not tapped)
        site = Site(self.hub, self._keeper, questions, Metrics(registry))
        self.server = PageServer(site.app(), health)

    @property
    def services(self) -> list[Service]:
        """The page comes last and is stopped first."""
        return [self.feed.link, self._keeper, self.feed, self.server]

    async def until_ready(self) -> None:
        """Returns once it is connected and the page can be opened."""
        await self.server.ready.wait()
        await self.feed.link.until_connected()
