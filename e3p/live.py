"""The live page where its extra is installed: inside `e3p serve`, or by itself."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from e3p import pages
from e3p.output import say
from e3p.settings import Settings
from telemetry.runtime.http import Health, HealthServer
from telemetry.runtime.service import Service

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from collector.writer import Tap
    from telemetry.runtime.address import Address
    from view.live.app import LivePage
    from view.live.server import PageServer

NEEDS = ("jinja2", "nicegui", "starlette", "uvicorn", "websockets")
INSTALL = 'pip install "e3p-fleet[live]"'

HealthOf = Callable[[], Health]


class Front(NamedTuple):
    """What a server shows to browsers; `tap` is given the frames that its collector stored."""

    services: list[Service]
    server: PageServer | HealthServer
    tap: Tap | None

    @property
    def url(self) -> str:
        """Its address, once it is ready."""
        return f"http://{self.server.host}:{self.server.port}"

    async def until_ready(self) -> None:
        """Returns once it answers."""
        await self.server.ready.wait()


def front(settings: Settings, health: HealthOf, address: Address, registry: CollectorRegistry) -> Front:
    """The live page of `e3p serve`; where it cannot or shall not be, /healthz and /metrics alone."""
    answers = _answers(settings, (settings.serve.host, settings.serve.port), health, registry)
    missing = lacking() if settings.serve.live else []
    if missing:
        say(f"e3p serve: without the live page, which needs {', '.join(missing)}: {INSTALL}")
    if missing or not settings.serve.live:
        return Front([answers], answers, None)
    page = _page(settings, answers, address, registry, tapped=True)
    return Front(page.services, page.server, page.feed.frames)


def alone(settings: Settings, health: HealthOf, address: Address, registry: CollectorRegistry) -> LivePage:
    """The page of `e3p live`."""
    answers = _answers(settings, (settings.live.host, settings.live.port), health, registry)
    return _page(settings, answers, address, registry, tapped=False)


def lacking() -> list[str]:
    """The packages of the extra that are not installed."""
    return [name for name in NEEDS if find_spec(name) is None]


def _answers(
    settings: Settings, place: tuple[str, int], health: HealthOf, registry: CollectorRegistry
) -> HealthServer:
    from prometheus_client import generate_latest

    return pages.server(settings, place, health, lambda: generate_latest(registry))


def _page(
    settings: Settings,
    answers: HealthServer,
    address: Address,
    registry: CollectorRegistry,
    *,
    tapped: bool,
) -> LivePage:
    from view.live.app import LivePage

    return LivePage(settings.store, address, answers, registry=registry, tapped=tapped)
