"""The collector into SQLite: payloads in, frames stored and acknowledged; without a broker between."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from pathlib import Path

import anyio
import anyio.lowlevel

from benchmarks import made
from benchmarks.harness import Effort, Figure, a_second, alternate, compare
from collector.desk import Desk, Times
from collector.events import Events
from collector.intake import Intake
from collector.metrics import Metrics
from collector.replies import Replies
from collector.settings import CollectorSettings
from collector.writer import Writer
from telemetry.contract.decode import Received, receive
from telemetry.runtime.mqtt import Message
from telemetry.store.open import opened_store

TITLE = (
    "Frames of 250 × 4 from 10 nodes: decoded, judged, gathered, committed to the disk and acknowledged; "
    "the broker is left out. The alternative decodes the same payloads and writes a row for each sample, "
    "with as many frames in a commit."
)
NAMES = ("collector.frames", "collector.samples")
AGAINST = "a row per sample"
NODES = 10
COMMIT = 500


class Line:
    """A line without a broker: gives its messages, and takes the answers."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages

    async def inbox(self) -> AsyncIterator[Message]:
        """Every message, with a turn for the writer after each."""
        for message in self._messages:
            yield message
            await anyio.lowlevel.checkpoint()

    async def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> None:
        """Nobody listens."""


def run(effort: Effort) -> list[Figure]:
    """Frames and samples a second; the CPU column is the rate for one core that does nothing else."""
    count = effort.pick(4_000, 40)
    messages = [
        Message(f"e3p/v1/node-{at % NODES}/power/main", made.payload(made.power(at // NODES)), retain=False)
        for at in range(count)
    ]
    costs = alternate(lambda: collect(messages), lambda: a_row_per_sample(messages), rounds=effort.rounds)
    what = "through intake and writer into SQLite"
    return [
        compare("collector.frames", f"frames {what}", a_second(count, "frames/s"), costs, AGAINST),
        compare(
            "collector.samples",
            f"samples (× 4) {what}",
            a_second(count * made.SAMPLES, "samples/s"),
            costs,
            AGAINST,
        ),
    ]


def collect(messages: Sequence[Message]) -> None:
    """Ours: the collector's own services, until every frame is on the disk."""
    with tempfile.TemporaryDirectory(prefix="e3p-bench-") as folder:
        anyio.run(_collect, messages, f"sqlite:///{folder}/store.db")


async def _collect(messages: Sequence[Message], url: str) -> None:
    async with opened_store(url) as store:
        line = Line(messages)
        desk = Desk(CollectorSettings(), Times(time.time_ns, time.monotonic), Metrics())
        replies = Replies(line, desk)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(replies.run)
            tasks.start_soon(Writer(store, desk, replies.announce).run)
            await Intake(line, store, desk, Events(line, store, desk).two_boots).run()
            while desk.metrics.registry.get_sample_value("e3p_collector_frames_total") != len(messages):
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()


def a_row_per_sample(messages: Sequence[Message]) -> None:
    """The alternative: the obvious table, its key the node and the time."""
    table = "node TEXT, t INTEGER, w0 REAL, w1 REAL, w2 REAL, w3 REAL, PRIMARY KEY (node, t)"
    with (
        tempfile.TemporaryDirectory(prefix="e3p-bench-") as folder,
        closing(sqlite3.connect(Path(folder) / "store.db", isolation_level=None)) as db,
    ):
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"CREATE TABLE sample ({table}) WITHOUT ROWID")
        for at in range(0, len(messages), COMMIT):
            db.execute("BEGIN IMMEDIATE")
            for message in messages[at : at + COMMIT]:
                _insert(db, message)
            db.execute("COMMIT")


def _insert(db: sqlite3.Connection, message: Message) -> None:
    received = receive(message.topic, message.payload)
    assert isinstance(received, Received)
    node = received.topic.node
    rows = ((node, *row) for row in made.rows_of(received.frame))  # type: ignore[arg-type]
    db.executemany("INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?)", rows)
