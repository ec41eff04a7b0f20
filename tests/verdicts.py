"""What acceptance tests hold against a line: the truth of the waveform, the ledger, what was published."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import anyio
import msgspec

from telemetry.contract.documents import Result
from telemetry.contract.frames import MarksFrame
from telemetry.contract.marks import Event, TrialBegin, TrialEnd
from telemetry.contract.topics import every_node
from telemetry.runtime.mqtt import Address, Link, Message
from tests.processes import WITHIN_S, Line, until

TOLERANCE = 0.001
# What a result may say of a machine that is too busy to sample every millisecond.
BUSY = {"gap", "coverage"}

Documents = dict[tuple[str, str], Result]


class Edges(NamedTuple):
    """The very marks of a trial, monotonic ns."""

    begin: int
    end: int


async def results(line: Line) -> Documents:
    """The newest revision of every result in the store, by window and stream."""
    async with line.opened() as store:
        found = [msgspec.json.decode(each.doc, type=Result) for each in await store.latest("result")]
    return {(result.window, result.stream): result for result in found}


async def history(line: Line, window: str, stream: str = "main") -> list[Result]:
    """Every revision of one result."""
    async with line.opened() as store:
        latest = (await results(line))[window, stream]
        held = await store.history("result", f"{latest.node}/{window}/{stream}")
    return [msgspec.json.decode(each.doc, type=Result) for each in held]


async def result_of(line: Line, trial: str, *, without: tuple[str, ...] = ()) -> Documents:
    """The results of a trial on every stream, as soon as each is there without these reasons."""
    found: Documents = {}
    wanted = {(trial, stream) for stream in line.sensors}
    with anyio.fail_after(90):
        while not wanted <= {key for key, one in found.items() if not set(one.reasons) & set(without)}:
            await anyio.sleep(0.1)
            found = await results(line)
    return {key: found[key] for key in wanted}


async def edges_of(line: Line, trial: str) -> Edges:
    """When the application marked the trial: read from the frames, not from a result."""
    found = {
        type(event): event.t
        for event in await marks_of(line)
        if isinstance(event, (TrialBegin, TrialEnd)) and event.trial == trial
    }
    return Edges(found[TrialBegin], found[TrialEnd])


async def until_begun(line: Line) -> None:
    """A trial's begin is stored. What an agent has not written yet dies with it."""
    begun = False
    with anyio.fail_after(WITHIN_S):
        while not begun:
            await anyio.sleep(0.1)
            begun = any(isinstance(event, TrialBegin) for event in await marks_of(line))


async def marks_of(line: Line) -> list[Event]:
    """Every mark in the store."""
    found: list[Event] = []
    async with line.opened() as store:
        for account in await store.accounts():
            if account.key.stream.startswith("marks/"):
                for _, frame in await store.frames(account.key, account.stored):
                    found += frame.events if isinstance(frame, MarksFrame) else ()
    return found


async def assert_true_energy(line: Line, trial: str) -> None:
    """Every stream's energy is that of its waveform between the marks, within 0.1 %.

    A machine that is too busy to sample every millisecond leaves gaps. Its result says so; only then may it
    be off by more, and not by more than it states.
    """
    edges = await edges_of(line, trial)
    for (_, stream), result in (await result_of(line, trial)).items():
        true_j = line.sensors[stream].true_j(*edges)
        assert result.energy_j is not None
        assert set(result.reasons) <= BUSY, result
        stated_j = (result.energy_u95_j or 0.0) if result.reasons else 0.0
        assert abs(result.energy_j - true_j) <= max(TOLERANCE * true_j, stated_j), (true_j, result)
        assert (result.state == "valid") == (not result.reasons), result
        ticks = (edges.end - edges.begin) / 1e6
        assert abs((result.samples or 0) + (result.missed or 0) - ticks) <= 0.01 * ticks, result


def assert_closed(line: Line) -> list[dict[str, Any]]:
    """The ledger closes, with nothing lost or dead, to the tick. Its rows."""
    status, ledger = line.ask("ledger")
    rows: list[dict[str, Any]] = ledger["streams"]
    assert (status, ledger["closed"]) == (0, True), rows
    assert not [row for row in rows if row["dead"] or row["lost"] or row.get("ticks_off")], rows
    return rows


def assert_all_stored(line: Line) -> list[dict[str, Any]]:
    """The ledger closes, and nothing waits on the device. Its rows."""
    rows = assert_closed(line)
    assert not [row for row in rows if row["spooled"]], rows
    return rows


async def assert_reanalysis_changes_nothing(line: Line) -> None:
    """Everything computed again is what is stored."""
    before = await results(line)
    assert line.ask("reanalyze") == (0, [])
    assert await results(line) == before


class Ear:
    """Hears what is said on a broker. `published` are the results, in order."""

    def __init__(self, url: str, *filters: str) -> None:
        name = f"ear-{time.monotonic_ns()}"
        self.heard: list[Message] = []
        self._link = Link(Address.parse(url), client_id=name, filters=[every_node("result"), *filters])

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[Ear]:
        """Until the block is left."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._link.run)
            tasks.start_soon(self._listen)
            await self._link.until_connected()
            yield self
            tasks.cancel_scope.cancel()

    @property
    def published(self) -> list[Result]:
        """The results that were published."""
        bodies = [message.payload for message in self.heard if message.topic.endswith("/result")]
        return [msgspec.json.decode(body, type=Result) for body in bodies]

    def latest(self) -> Documents:
        """The last one published of every result."""
        return {(result.window, result.stream): result for result in self.published}

    async def until_equal(self, line: Line) -> None:
        """What was published last is what the store holds."""
        stored = await results(line)
        await until(lambda: self.latest() == stored, lambda: f"stored {stored}, heard {self.latest()}")

    async def _listen(self) -> None:
        async for message in self._link.inbox():
            self.heard.append(message)
