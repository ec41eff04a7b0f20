"""The spool on the device: frames a second, and what a frame costs on the disk, which may be an SD card."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from benchmarks import made
from benchmarks.harness import Effort, Figure, a_second, alternate, compare, sizes
from edge_node.accounts import Name
from edge_node.boots import Boot
from edge_node.outbox import Row
from edge_node.spool import Batch, Spool
from telemetry.contract.encode import encode
from telemetry.contract.frames import PowerFrame
from telemetry.contract.intervals import IntervalSet

TITLE = (
    "Each commit is on the disk when it returns; then the collector acknowledges the frames and they "
    "leave. The bytes are all that the system wrote to the disk, write-ahead log and checkpoints "
    "included. The alternative commits as often, with a row for each sample in an SQLite table with its "
    "default pages."
)
NAMES = ("spool.frames", "spool.bytes", "spool.bytes_watch")
AGAINST = "a row per sample"
NAME = Name(made.POWER.boot, made.POWER.stream)
MAX_BYTES = 1 << 30

Commits = Sequence[Sequence[PowerFrame]]
Write = Callable[[Path, Commits], None]


def run(effort: Effort) -> list[Figure]:
    """Many frames a commit; then commits as they come at 1 kHz, and at the watch rate of 20 Hz."""
    seconds = effort.pick(120, 3)
    frames = [made.power(seq) for seq in range(effort.pick(1_000, 20))]
    bulk = [frames[at : at + 100] for at in range(0, len(frames), 100)]
    trial = [[made.power(4 * second + at) for at in range(4)] for second in range(seconds)]
    watch = [[made.power(second, samples=20, tick=50_000_000)] for second in range(seconds)]
    costs = alternate(
        lambda: _in_folder(frames_in, bulk), lambda: _in_folder(samples_in, bulk), rounds=effort.rounds
    )
    return [
        compare(
            "spool.frames",
            "250 × 4 frames into the spool and out, 100 a commit",
            a_second(len(frames), "frames/s"),
            costs,
            AGAINST,
        ),
        _bytes("spool.bytes", "a frame of 250 × 4 (5.1 kB), 4 a commit: 1 kHz", trial),
        _bytes("spool.bytes_watch", "a frame of 20 × 4 (0.5 kB), 1 a commit: 20 Hz", watch),
    ]


def frames_in(path: Path, commits: Commits) -> None:
    """Ours: a frame is one row; it leaves with the next commit after its acknowledgement."""
    with closing(Spool(path, MAX_BYTES)) as spool:
        boots = [Boot(NAME.boot, made.ANCHOR, "os")]
        for frames in commits:
            rows = [Row(NAME, f.seq, f.t0, f.samples, encode(f)) for f in frames]
            numbers = {NAME: (rows[-1].seq + 1, 0)}
            spool.write(Batch(rows, numbers=numbers, boots=boots))
            spool.settle(NAME, IntervalSet([(rows[0].seq, rows[-1].seq)]))


def samples_in(path: Path, commits: Commits) -> None:
    """The alternative: a sample is one row; acknowledged ones leave with the next commit."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("CREATE TABLE sample (t INTEGER PRIMARY KEY, w0 REAL, w1 REAL, w2 REAL, w3 REAL)")
        acknowledged = 0
        for frames in commits:
            rows = [row for frame in frames for row in made.rows_of(frame)]
            db.execute("BEGIN IMMEDIATE")
            db.execute("DELETE FROM sample WHERE t <= ?", (acknowledged,))
            db.executemany("INSERT INTO sample VALUES (?, ?, ?, ?, ?)", rows)
            db.execute("COMMIT")
            acknowledged = int(rows[-1][0])


def _bytes(name: str, what: str, commits: Commits) -> Figure:
    frames = sum(map(len, commits))
    ours, theirs = (_written(write, commits) / frames for write in (frames_in, samples_in))
    return sizes(name, f"written for {what}", "bytes", ours, theirs, AGAINST)


def _in_folder(write: Write, commits: Commits) -> None:
    with _folder() as folder:
        write(folder / "spool", commits)


def _written(write: Write, commits: Commits) -> int:
    """The bytes that a write sends to the disk, by the system's own count (in pages of 4 KiB)."""
    with _folder() as folder:
        before = _sent()
        write(folder / "spool", commits)
        # Where files rest in memory, nothing is sent: then the bytes handed over for writing.
        return max(now - then for now, then in zip(_sent(), before, strict=True))


def _sent() -> list[int]:
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    counts = dict(line.split(": ") for line in lines)
    return [int(counts["write_bytes"]), int(counts["wchar"])]


@contextmanager
def _folder() -> Iterator[Path]:
    """A folder on a disk: /tmp may be none."""
    with tempfile.TemporaryDirectory(prefix="e3p-bench-", dir="/var/tmp") as folder:
        yield Path(folder)
