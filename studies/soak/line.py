"""Soaks from frames up: simulated devices, and behind them the real contract, ledger, store and analyzer.

Frames are encoded, decoded and judged, stored in a real SQLite store, heard by the analyzer's desks, which
compute every minute of work and keep it there; the verdict reads the store as `e3p soak report` does. Time is
a parameter: nothing waits. Not run: sensors, the spool and MQTT, which have their own proofs.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from analyzer.book import Book
from analyzer.desk import Desk
from analyzer.revisions import as_revision
from analyzer.soak.assess import assess
from analyzer.soak.records import find_soaks, gather_soak
from studies.soak.device import Sent, SimulatedDevice
from studies.soak.truth import MINUTE_NS, Injected
from studies.soak.windows import BEGIN, DAY_MIN
from telemetry.contract.decode import Received, receive
from telemetry.contract.documents import EventRefused, Result
from telemetry.contract.encode import encode
from telemetry.contract.frames import StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.soak import Soak
from telemetry.store.interface import Store, Verdict
from telemetry.store.open import opened_store

STEP_MIN = 10
"""Frames of so many minutes are delivered together."""
SETTLE_S = 30.0
MOST_TURNS = 200


class Node(NamedTuple):
    """A simulated node: its name, its seed, and what is done to it."""

    name: str
    seed: int
    faults: tuple[Injected, ...]


class Outcome(NamedTuple):
    """What came of a run: a verdict for each node, and what it cost."""

    soaks: dict[str, Soak]
    frames: int
    seconds: float
    peak_mib: list[float]


class _Line:
    """The server's side of one node: it hears what was stored, and keeps the results."""

    def __init__(self, store: Store, node: str) -> None:
        self._store = store
        self._book = Book(store)
        self._desk = Desk(store, node)
        self._now_ns = BEGIN

    async def take(self, node: str, sent: Sequence[Sent], now_ns: int) -> int:
        """Stores what a device sent, and computes what follows from it. How many frames that were."""
        self._now_ns = now_ns
        came = [received(node, stream, encode(frame)) for stream, frame in sent]
        outcomes = await self._store.write(came)
        settled: dict[StreamKey, IntervalSet] = {}
        for each, outcome in zip(came, outcomes, strict=True):
            if outcome is not Verdict.STORED:
                raise RuntimeError(f"a frame of {node} was not stored: {outcome}")
            held = settled.get(each.key, IntervalSet())
            settled[each.key] = held | IntervalSet([(each.frame.seq, each.frame.seq)])
        now_s = now_ns / 1e9
        await self._desk.hear(settled, now_s)
        for _ in range(MOST_TURNS):
            before = self._desk.waiting
            await self._desk.settle(now_s + SETTLE_S, self)
            if self._desk.waiting in (0, before):
                break
        return len(came)

    async def finish(self, now_ns: int) -> None:
        """Computes what still waited for more."""
        self._now_ns = now_ns
        for _ in range(MOST_TURNS):
            await self._desk.settle(now_ns / 1e9, self)

    async def conclude(self, results: list[Result], missing: int, cause: str) -> None:
        """Keeps the results of a window, as the analyzer does."""
        del missing
        await self._book.take(results, cause, self._now_ns)

    async def refuse(self, events: list[EventRefused]) -> None:
        """A simulated device contradicts itself in nothing."""
        if events:
            raise RuntimeError(f"refused: {events[0].reason}")


async def run(
    nodes: Sequence[Node], hours: float, url: str, tell: Callable[[float], None] = lambda _share: None
) -> Outcome:
    """Lets all nodes run for so many simulated hours into a store, and judges each."""
    begun, frames = time.monotonic(), 0
    peaks: list[float] = []
    async with opened_store(url) as store:
        devices = [SimulatedDevice(node.name, node.seed, hours, node.faults) for node in nodes]
        lines = {device.name: _Line(store, device.name) for device in devices}
        held: dict[str, list[Sent]] = {device.name: [] for device in devices}
        minutes = devices[0].minutes
        for first in range(0, minutes, STEP_MIN):
            stop = min(first + STEP_MIN, minutes)
            for device in devices:
                frames += await _step(device, lines[device.name], held[device.name], range(first, stop))
            tell(stop / minutes)
            if stop % 720 == 0:
                peaks.append(_peak_mib())
        for line in lines.values():
            await line.finish(BEGIN + (minutes + 2) * MINUTE_NS)
        end = BEGIN + (minutes + 60) * MINUTE_NS
        soaks = {
            marked.node: assess(await gather_soak(store, marked, end)) for marked in await find_soaks(store)
        }
    return Outcome(soaks, frames, time.monotonic() - begun, peaks)


async def run_documents(nodes: Sequence[Node], hours: float, url: str) -> Outcome:
    """The same with the minutes' results put into the store as they would be: no power, no work, no desk.

    All nodes share one store. Marks, manifests, reports and pings are real frames there.
    """
    begun, frames = time.monotonic(), 0
    peaks: list[float] = []
    async with opened_store(url) as store:
        for node in nodes:
            device = SimulatedDevice(node.name, node.seed, hours, node.faults)
            for first in range(0, device.minutes, DAY_MIN):
                sent: list[Sent] = []
                results: list[Result] = []
                for at in range(first, min(first + DAY_MIN, device.minutes)):
                    sent += device.minute(at, only_reports=True)
                    results += filter(None, (device.result(at),))
                if first + DAY_MIN >= device.minutes:
                    sent += device.farewell()
                await store.write([received(node.name, stream, encode(frame)) for stream, frame in sent])
                await store.put([as_revision(result) for result in results])
                frames += len(sent)
            peaks.append(_peak_mib())
        end = BEGIN + round(hours * 60 + 60) * MINUTE_NS
        soaks = {
            marked.node: assess(await gather_soak(store, marked, end)) for marked in await find_soaks(store)
        }
    return Outcome(soaks, frames, time.monotonic() - begun, peaks)


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def _step(device: SimulatedDevice, line: _Line, held: list[Sent], minutes: range) -> int:
    """A node's frames of some minutes, delivered at their end, or when the server is there again."""
    count = 0
    for at in minutes:
        held += device.minute(at)
        is_last = at == device.minutes - 1
        if is_last:
            held += device.farewell()
        if is_last or (at == minutes[-1] and not _is_cut_off(device, at)) or _comes_back(device, at):
            count += await line.take(device.name, held, BEGIN + (at + 1) * MINUTE_NS + 5 * 10**9)
            held.clear()
    return count


def _is_cut_off(device: SimulatedDevice, at: int) -> bool:
    return any(fault.kind == "late" and fault.at <= at < fault.at + fault.minutes for fault in device.faults)


def _comes_back(device: SimulatedDevice, at: int) -> bool:
    """Delivered right before the server goes away, and when it is back."""
    edges = {edge for f in device.faults if f.kind == "late" for edge in (f.at - 1, f.at + f.minutes)}
    return at in edges


def received(node: str, stream: str, payload: bytes) -> Received:
    """A frame as the collector receives it."""
    came = receive(f"e3p/v1/{node}/{stream}", payload)
    if not isinstance(came, Received):
        raise TypeError(f"{stream} is no frame")
    return came
