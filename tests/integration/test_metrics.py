"""The counters obey the ledger: scraped over HTTP in the middle of real runs, nothing is unaccounted for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from collector.app import Collector
from collector.settings import CollectorSettings
from e3p.metrics_page import PAGE
from edge_node.app import EdgeNode
from telemetry.runtime.broker import EmbeddedBroker
from telemetry.runtime.http import HealthServer
from telemetry.runtime.mqtt import Address, Link
from telemetry.runtime.service import Service, run_services
from telemetry.store.interface import Store
from telemetry.store.sqlite import SqliteStore
from tests.collecting import TOPIC, Moody, payload, until
from tests.fakes.node import settings_in

pytestmark = pytest.mark.anyio
Numbers = dict[str, float]


async def scrape(server: HealthServer) -> Numbers:
    """What `/metrics` says, summed over labels."""
    async with await anyio.connect_tcp(server.host, server.port) as stream:
        await stream.send(b"GET /metrics HTTP/1.1\r\n\r\n")
        answer = b""
        try:
            while True:
                answer += await stream.receive()
        except anyio.EndOfStream:
            text = answer.partition(b"\r\n\r\n")[2].decode()
    found: Numbers = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if not sample.name.endswith(("_created", "_bucket")):
                name = sample.name.split("_", 2)[2].removesuffix("_total")
                found[name] = found.get(name, 0) + sample.value
    return found


def unaccounted(numbers: Numbers) -> float:
    shares = sum(numbers.get(name, 0) for name in ("frames", "repeats", "letters", "shed", "queued"))
    return numbers["received"] - shares


@asynccontextmanager
async def at_work(services: list[Service], grace_s: float = 10.0) -> AsyncIterator[None]:
    stop, over = anyio.Event(), anyio.Event()

    async def run() -> None:
        await run_services(services, stop=stop, grace_s=grace_s)
        over.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run)
        yield
        stop.set()
        await over.wait()


@asynccontextmanager
async def collecting(store: Store, broker: EmbeddedBroker, **settings: int) -> AsyncIterator[HealthServer]:
    """A collector with its page, on a broker."""
    part = Collector(CollectorSettings(**settings), store, Address.parse(broker.url))
    page = HealthServer(part.health, metrics=lambda: generate_latest(part.desk.metrics.registry))
    async with at_work([page, *part.services]):
        await page.ready.wait()
        await part.link.until_connected()
        yield page


@pytest.fixture
async def broker() -> AsyncIterator[EmbeddedBroker]:
    async with EmbeddedBroker() as running:
        yield running


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Moody]:
    opened = SqliteStore(tmp_path / "e3p.db")
    await opened.open()
    yield Moody(opened)
    await opened.close()


async def publish(broker: EmbeddedBroker, messages: list[tuple[str, bytes]]) -> None:
    link = Link(Address.parse(broker.url), client_id="test")
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.run)
        await link.until_connected()
        for topic, body in messages:
            await link.publish(topic, body)
        tasks.cancel_scope.cancel()


async def test_every_message_a_collector_received_is_stored_repeated_refused_shed_or_queued(
    broker: EmbeddedBroker, store: Moody
) -> None:
    good = [(TOPIC, payload(seq)) for seq in range(40)]
    conflicts = [(TOPIC, payload(seq, watts=9.0)) for seq in range(5)]
    poison = [(TOPIC, b"\xc1"), ("e3p/v1/n1/pwoer/main", b"{}"), ("e3p/v1/n1/ping", b"{}")]
    unknown = [("e3p/v1/n2/power/main", payload(0))]
    async with collecting(store, broker, max_nodes=1, queue_samples=300) as page:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(publish, broker, [*good, *good[:7], *conflicts, *poison, *unknown])
            while (numbers := await scrape(page))["received"] < 56:
                assert unaccounted(numbers) == 0
        store.leave()
        await publish(broker, [(TOPIC, payload(seq)) for seq in range(100, 200)])
        while (numbers := await scrape(page))["received"] < 156:
            assert unaccounted(numbers) == 0
        assert numbers["shed"] > 1
        assert numbers["queued"] > 0
        store.come_back()
        while (numbers := await scrape(page))["queued"]:
            assert unaccounted(numbers) == 0
    assert numbers["received"] == 156
    assert numbers["letters"] == 8
    assert numbers["repeats"] == 7
    assert unaccounted(numbers) == 0


async def test_every_frame_a_node_made_is_stored_lost_or_in_its_spool(store: Moody, tmp_path: Path) -> None:
    async with EmbeddedBroker() as gone:
        address = Address.parse(gone.url)
    # A spool for a second or two of frames: what comes while nobody collects is given up.
    node = EdgeNode(settings_in(tmp_path, spool_mib=0.01, watch_hz=500.0), address)
    page = HealthServer(node.health, metrics=node.metrics)
    seen: list[Numbers] = []

    async def look() -> bool:
        await anyio.sleep(0.02)
        numbers = await scrape(page)
        if numbers:
            assert numbers["made"] == numbers["stored"] + numbers["lost"] + numbers["spooled"]
            seen.append(numbers)
        return bool(numbers)

    async with at_work([page, node], node.grace_s):
        await page.ready.wait()
        while not await look() or not seen[-1]["lost"]:
            pass
        async with EmbeddedBroker(port=gone.port) as broker, collecting(store, broker):
            while not await look() or not seen[-1]["stored"]:
                pass
    assert seen[-1]["made"] > seen[0]["made"]


async def test_the_spool_found_at_the_start_counts_as_made(broker: EmbeddedBroker, tmp_path: Path) -> None:
    settings = settings_in(tmp_path, drain_s=0.0)
    for life in range(2):
        node = EdgeNode(settings, Address.parse(broker.url))
        async with at_work([node], node.grace_s):
            await until(lambda of=node: b"\ne3p_node_spooled" in of.metrics())
            first = node.health().facts
            assert first["made"] == first["spooled"] + first["stored"] + first["lost"]
            assert (first["made"] > 2) == (life == 1)
            await until(lambda of=node: int(str(of.health().facts["made"])) >= 3)


def test_the_page_of_metrics_says_the_equations() -> None:
    assert "received = frames + repeats + letters + shed + queued" in PAGE
    assert "made = stored + spooled + lost" in PAGE
