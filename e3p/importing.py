"""An import, whole: frames over a broker into the store, then the energy of its windows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import NamedTuple

import anyio

from analyzer.book import Book
from analyzer.query import energy_of
from analyzer.revisions import result_id
from collector.app import Collector
from e3p.courier import Courier
from e3p.recordings import Parcel
from e3p.settings import Settings
from telemetry.contract.documents import Result
from telemetry.contract.encode import encode
from telemetry.contract.errors import UserError
from telemetry.contract.frames import StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.runtime.broker import EmbeddedBroker
from telemetry.runtime.service import Service, run_services
from telemetry.store.interface import Store


class Job(NamedTuple):
    """What to import: the frames of one boot of a node, and the windows (node time ns) to integrate."""

    node: str
    boot: str
    parcels: Sequence[Parcel]
    windows: Sequence[tuple[int, int]]


async def import_recording(job: Job, settings: Settings) -> list[Result]:
    """Delivers the frames, to the collector behind the broker that is set or to one here; then integrates.

    The results rest in the store as well; importing again leaves them as they are.
    """
    common = settings.common
    async with settings.opened_store(create=common.mqtt is None) as store:
        await _refuse_another_reading(job, store)
        async with AsyncExitStack() as stack:
            services: list[Service] = []
            address = common.address()
            if common.mqtt is None:
                broker = await stack.enter_async_context(EmbeddedBroker())
                address = common.address(broker.url)
                services = Collector(settings.collector, store, address).services
            await _until_delivered(Courier(address, job.node, job.boot, job.parcels), services)
        return await _integrate(job, store)


async def _refuse_another_reading(job: Job, store: Store) -> None:
    """A stored frame keeps its body, so a file that was read differently would go to quarantine."""
    for parcel in job.parcels:
        if parcel.seq == 0:
            key = StreamKey(job.node, job.boot, parcel.stream)
            for _, held in await store.frames(key, IntervalSet.of([0])):
                if encode(held) != parcel.payload:
                    raise UserError(
                        f"this file is in {store.url} as node {job.node!r} already, read differently: "
                        "give the same options as then, or another --node"
                    )


async def _until_delivered(courier: Courier, services: Sequence[Service]) -> None:
    """Runs the services for as long as the courier has something to deliver."""
    stop = anyio.Event()

    class Errand:
        name = "courier"

        async def run(self) -> None:
            await courier.deliver()
            stop.set()

    await run_services([*services, Errand()], stop=stop)
    if courier.open:
        raise UserError(f"stopped with {courier.open} frames not stored: import the file again to go on")


async def _integrate(job: Job, store: Store) -> list[Result]:
    book = Book(store)
    await book.open()
    found = [result for window in job.windows for result in await energy_of(store, job.node, *window)]
    await book.take(found, "imported", time.time_ns())
    return [book.results[result_id(result)] for result in found]
