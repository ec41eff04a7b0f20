"""The agent on one spool: samples, marks, health and clock become frames, and frames go to the collector."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import anyio

from edge_node.boots import new_boot, read_anchor, too_old
from edge_node.clock import PingBook
from edge_node.connection import Connection
from edge_node.context import software
from edge_node.marking import Marking
from edge_node.marks_inbox import MarksInbox
from edge_node.metrics import numbers
from edge_node.presence import Presence
from edge_node.recorder import Recorder
from edge_node.reports import Reports
from edge_node.sampling import Block
from edge_node.sensing import Sensing, Streams
from edge_node.settings import EdgeSettings
from edge_node.spool import Spool
from edge_node.spool_load import Books
from edge_node.spool_schema import SpoolBroken
from edge_node.trials import Reach
from telemetry.contract import marks
from telemetry.contract.nodetime import NS_PER_MS, to_ns
from telemetry.runtime import logs
from telemetry.runtime.mqtt import Address
from telemetry.runtime.pulse import Pulse

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup

WATCH_COMMIT_S = 1.0
TRIAL_COMMIT_S = 0.25
HEALTH_EVERY_S = 10
MINUTE_S = 60
LAST_MARKS_S = 1.0
DAY_S = 86_400
EDGES = (marks.TrialBegin, marks.TrialEnd)

log = logs.get("agent")


class Legacy(NamedTuple):
    """What an agent whose spool broke leaves: the accounts of its frames, open trials, waiting marks."""

    recorder: Recorder
    books: Books


class Agent:
    """Runs on a spool and a marks inbox until `stop` is set. Raises `SpoolBroken` when the spool breaks.

    The next one, on a fresh spool, takes over its `legacy`.
    """

    def __init__(
        self,
        settings: EdgeSettings,
        address: Address,
        spool: Spool,
        inbox: MarksInbox,
        pulse: Pulse,
        legacy: Legacy | None = None,
    ) -> None:
        self._settings = settings
        self._address = address
        self._node = settings.node_name()
        self._inbox = inbox
        self._pulse = pulse
        self._sensing = Sensing(settings, self._begin_boot, self._take_block)
        self._pings = PingBook()
        self._recorder = Recorder(spool, new_boot(), settings.encoding)
        books = spool.books()
        if legacy is not None:
            self._recorder.adopt(legacy.recorder)
            books = legacy.books
        self._reports = Reports(self._recorder, self._pings)
        self._marking = Marking(books, self._recorder, time.monotonic())
        self._connection: Connection | None = None
        self._streams: Streams = ()
        self._first_ticks: dict[str, int] = {}
        self._urgent = asyncio.Event()
        self._boot_over = asyncio.Event()
        self._lines = asyncio.Event()
        self._released = asyncio.Event()
        self._broken: SpoolBroken | None = None

    @property
    def legacy(self) -> Legacy:
        """For the next one, when the spool broke."""
        return Legacy(self._recorder, self._marking.books())

    def numbers(self) -> dict[str, float]:
        """What is counted, by the metrics' names."""
        connected = self._connection is not None and self._connection.link.connected
        return numbers(self._recorder, open_trials=len(self._marking.trials.open), connected=connected)

    async def run(self, stop: asyncio.Event) -> None:
        """Starts the sampler, then everything; ends in order, with nothing left unsaid."""
        loop = asyncio.get_running_loop()
        self._inbox.start(lambda: loop.call_soon_threadsafe(self._lines.set))
        try:
            since_ns = time.monotonic_ns()
            self._begin_boot(await self._sensing.start(), since_ns)
            async with anyio.create_task_group() as line:
                line.start_soon(self._guard, self._connect, line)
                async with anyio.create_task_group() as makers:
                    for work in (self._sensing.run, self._commit, self._mark, self._tick):
                        makers.start_soon(self._guard, work, line)
                    await stop.wait()
                    await self._take_the_last()
                    makers.cancel_scope.cancel()
                await self._guard(self._say_goodbye, line)
                line.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                await self._sensing.stop()
        if self._broken:
            raise self._broken

    # ---- what comes in -----------------------------------------------------------------------------

    def _begin_boot(self, streams: Streams, since_ns: int) -> None:
        """The first boot, that of another sampler, or one for a wall clock that was stepped.

        Its manifest holds from `since_ns` on (monotonic), which lies before its first sample.
        """
        if self._streams:
            self._recorder.begin_boot(new_boot())
        self._streams = streams
        self._first_ticks = {}
        self._pings.begin_boot()
        delays = {f"power/{info.stream}": round(info.delay_ms * NS_PER_MS) for info in streams}
        self._marking.trials.begin_boot(delays)
        self._reports.begin_boot(since_ns, streams)
        log.info("boot begins", node=self._node, boot=self._recorder.boot.id, streams=sorted(delays))
        self._urgent.set()
        self._boot_over.set()

    def _take_block(self, block: Block) -> None:
        self._pulse.beat("sampler")
        first = self._first_ticks.setdefault(block.stream, block.first)
        stream = f"power/{block.stream}"
        seq = self._recorder.put_block(stream, block, first)
        self._marking.trials.reached(stream, Reach(seq, block.last))
        self._release()

    def _take_lines(self) -> None:
        now_s = time.monotonic()
        arrivals = self._inbox.take()
        for end in self._marking.take(arrivals, now_s):
            self._sensing.flush(self._marking.trials.target_ns(end))
        if any(isinstance(arrival.line.mark, EDGES) for arrival in arrivals):
            self._urgent.set()  # a kill must not take along where a trial begins, nor an end that waits
        self._sensing.set_rate(trial=self._marking.trials.is_near(now_s))
        self._release()

    def _release(self) -> None:
        if self._marking.release(time.monotonic()):
            self._reports.clock(time.monotonic_ns())
            self._urgent.set()
        self._released.set()

    # ---- what goes on ------------------------------------------------------------------------------

    async def _guard(self, work: Callable[[], Awaitable[None]], line: anyio.abc.TaskGroup) -> None:
        """A spool that breaks ends this agent, and another one begins with a fresh spool."""
        try:
            await work()
        except (SpoolBroken, BaseExceptionGroup) as error:
            self._broken = _broken_spool(error)
            if self._broken is None:
                raise
            line.cancel_scope.cancel()

    async def _connect(self) -> None:
        """One connection for each boot, because its client id and its will name the boot."""
        while True:
            self._boot_over.clear()
            boot = self._recorder.boot
            presence = Presence(boot, software(), boot.node_time(time.monotonic_ns()))
            self._connection = Connection(
                self._address, self._node, self._recorder, self._pings, presence, self._settings.encoding
            )
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._connection.run)
                await self._boot_over.wait()
                tasks.cancel_scope.cancel()

    async def _mark(self) -> None:
        while True:
            await self._lines.wait()
            self._lines.clear()
            self._take_lines()

    async def _commit(self) -> None:
        """Once a second for all streams; four times during trials; at once for what cannot wait."""
        while True:
            self._pulse.beat("spool")
            near = self._marking.trials.is_near(time.monotonic())
            with anyio.move_on_after(TRIAL_COMMIT_S if near else WATCH_COMMIT_S):
                await self._urgent.wait()
            self._urgent.clear()
            if not await self._write():
                await anyio.sleep(WATCH_COMMIT_S)

    async def _write(self, before: dict[str, int] | None = None) -> bool:
        self._marking.put()
        written = await self._recorder.commit(self._marking.books(), before)
        if written and self._connection:
            self._connection.publisher.wake()
            if self._connection.presence.state.state == "init" and self._reports.manifest:
                await self._connection.introduce(self._reports.manifest)
                await self._connection.say("ready")
        return written

    async def _tick(self) -> None:
        second = 0
        while True:
            self._pulse.beat("agent")
            now_ns, now_s = time.monotonic_ns(), time.monotonic()
            for end in self._marking.close_dead(now_ns, now_s):
                self._sensing.flush(self._marking.trials.target_ns(end))
            self._sensing.set_rate(trial=self._marking.trials.is_near(now_s))
            self._release()
            if self._recorder.boot.is_stepped(read_anchor()) and not self._marking.trials.open:
                log.warning("the wall clock was stepped")
                self._begin_boot(self._streams, now_ns)
            if second % HEALTH_EVERY_S == 0:
                self._reports.health(now_ns, self._sensing.pid)
            if second % MINUTE_S == MINUTE_S - 1:
                await self._every_minute(now_ns)
            second += 1
            await anyio.sleep(1.0)

    async def _every_minute(self, now_ns: int) -> None:
        self._reports.clock(now_ns)
        self._marking.forget_dead()
        if self._reports.renew_manifest(now_ns) and self._connection and self._reports.manifest:
            await self._connection.introduce(self._reports.manifest)
        age_ns = to_ns(self._settings.spool_days * DAY_S)
        await self._write(too_old(self._recorder.boots, self._recorder.boot, now_ns, age_ns))

    # ---- the end -----------------------------------------------------------------------------------

    async def _take_the_last(self) -> None:
        """The last lines, the ends that wait, the last samples."""
        self._take_lines()
        with anyio.move_on_after(LAST_MARKS_S):
            while self._marking.trials.queue:
                self._released.clear()
                await self._released.wait()
        await self._sensing.stop()
        self._marking.release(float("inf"))

    async def _say_goodbye(self) -> None:
        """The boot's last frames, and a while for the collector to acknowledge what is here."""
        now_ns = time.monotonic_ns()
        self._marking.put()
        self._reports.clock(now_ns)
        self._reports.health(now_ns, None, closing=True)
        await self._write()
        connection = self._connection
        if connection is None or not connection.link.connected:
            return
        await connection.say("draining")
        with anyio.move_on_after(self._settings.drain_s):
            while not self._recorder.accounts.is_clear:
                connection.settled.clear()
                await connection.settled.wait()
        await connection.say("gone")


def _broken_spool(error: BaseException) -> SpoolBroken | None:
    """The broken spool in an error, out of the groups of tasks it comes in; None where there is another."""
    while isinstance(error, BaseExceptionGroup):
        matched, rest = error.split(SpoolBroken)
        if matched is None or rest is not None:
            return None
        error = matched.exceptions[0]
    return error if isinstance(error, SpoolBroken) else None
