"""The writer: gathered frames into the store, durably; only then are they settled."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import TypeVar

import anyio

from collector.books import settled_by
from collector.desk import Desk
from collector.gather import Batch
from collector.letters import refusal, refused_by_store
from telemetry.contract.decode import Received
from telemetry.contract.frames import PowerFrame
from telemetry.contract.intervals import IntervalSet
from telemetry.runtime import logs
from telemetry.runtime.mqtt import Retry
from telemetry.store.interface import Letter, Outcome, Store, StoreUnavailable, Verdict

T = TypeVar("T")
Tap = Callable[[Sequence[Received]], None]
FLUSH_S = 5.0
RECOUNT_S = 60.0

log = logs.get("collector")


class Writer:
    """A service that writes batches. While the store is unavailable it tries again, and settles nothing.

    `store_away` says why it is, None while it is there.
    """

    name = "writer"

    def __init__(
        self,
        store: Store,
        desk: Desk,
        announce: Callable[[Sequence[Letter]], None],
        retry: Retry | None = None,
        *,
        tap: Tap | None = None,
    ) -> None:
        self._tap = tap
        self._store = store
        self._desk = desk
        self._announce = announce
        self._retry = retry or Retry()
        self.store_away: str | None = None
        self._batch: Batch | None = None
        self._count_at_s = -math.inf

    async def run(self) -> None:
        try:
            await self._load()
            while True:
                await self._until_due()
                await self._write_next()
        except anyio.get_cancelled_exc_class():
            with anyio.move_on_after(FLUSH_S, shield=True):
                await self.flush()
            raise

    async def flush(self) -> None:
        """Writes what has been gathered, however young, a batch that was interrupted first."""
        while self._batch or self._desk.gather:
            await self._write_next()

    async def _load(self) -> None:
        """Opens the books with what the store holds from before."""
        accounts = await self._insist(self._store.accounts)
        self._desk.admission.load(account.key for account in accounts)
        self._desk.books.load(accounts)
        await self._count_letters()

    async def _until_due(self) -> None:
        desk = self._desk
        while (wait_s := desk.gather.due_in_s(desk.times.now_s())) != 0:
            if desk.letters >= desk.settings.max_letters:
                await self._count_letters()
            await desk.gathered.wait(RECOUNT_S if wait_s is None else wait_s)

    async def _count_letters(self) -> None:
        """Repeats were counted too, and a person may have dropped some. It costs, so it is not done often."""
        now_s = self._desk.times.now_s()
        if now_s >= self._count_at_s:
            self._count_at_s = now_s + RECOUNT_S
            letters = await self._insist(partial(self._store.letters, bodies=False))
            self._desk.letters = len(letters)

    async def _write_next(self) -> None:
        """A batch is held until it is settled: interrupted, it is written again, which changes nothing."""
        self._batch = self._batch or self._desk.gather.take()
        await self._write(self._batch)
        self._batch = None

    async def _write(self, batch: Batch) -> None:
        outcomes: Sequence[Outcome] = ()
        letters = list(batch.letters)
        with self._desk.metrics.write_seconds.time():
            if batch.arrivals:
                frames = [arrival.received for arrival in batch.arrivals]
                outcomes = await self._insist(partial(self._store.write, frames))
                letters.extend(self._refused(batch, outcomes))
            if letters:
                await self._insist(partial(self._store.bury, letters))
                self._desk.letters += len(letters)
        self._announce(letters)
        self._settle(batch, outcomes, letters)
        self._desk.gather.release(batch)

    def _refused(self, batch: Batch, outcomes: Sequence[Outcome]) -> Iterator[Letter]:
        for arrival, outcome in zip(batch.arrivals, outcomes, strict=True):
            reason = refusal(outcome)
            if reason and self._desk.has_room_for_letters():
                yield refused_by_store(arrival, reason, self._desk.times.utc_ns())

    def _settle(self, batch: Batch, outcomes: Sequence[Outcome], letters: Sequence[Letter]) -> None:
        """Closes the frames in the books, and has their nodes told."""
        pairs = list(zip((arrival.received for arrival in batch.arrivals), outcomes, strict=True))
        self._count([received.frame for received, outcome in pairs if outcome is Verdict.STORED])
        if self._tap is not None:
            self._tap([received for received, outcome in pairs if outcome is Verdict.STORED])
        self._desk.metrics.repeats.inc(sum(outcome is Verdict.REPEAT for _, outcome in pairs))
        for letter in letters:
            self._desk.metrics.letters.labels(letter.reason.partition(" ")[0]).inc()
        settled = settled_by(received for received, outcome in pairs if not refusal(outcome))
        for letter in letters:
            if letter.stream is not None and letter.seq is not None:
                dead = IntervalSet.of([letter.seq])
                settled[letter.stream] = settled.get(letter.stream, IntervalSet()) | dead
        for key, seqs in settled.items():
            self._desk.books.settle(key, seqs)
            self._desk.acks.touch(key, seqs)
        if settled or letters:
            self._desk.settled.ring()

    def _count(self, frames: Sequence[object]) -> None:
        self._desk.metrics.frames.inc(len(frames))
        self._desk.metrics.samples.inc(sum(f.samples for f in frames if isinstance(f, PowerFrame)))

    async def _insist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """The result of the first attempt that finds the store available."""
        failures = 0
        while True:
            try:
                with self._desk.pulse.within("store"):
                    result = await attempt()
            except StoreUnavailable as error:
                self.store_away = str(error)
                self._desk.metrics.store_waits.inc()
                if failures == 0:
                    log.warning("store unavailable", why=error)
                wait_s = max(self._retry.wait_s(failures), error.retry_after_s or 0.0)
                await self._retry.sleep(wait_s)
                failures += 1
            else:
                self.store_away = None
                if failures:
                    log.info("store available again", tries=failures + 1)
                return result
