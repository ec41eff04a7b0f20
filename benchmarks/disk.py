"""What a value costs on the disk of the server, at 4 channels."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import anyio

from benchmarks import made
from benchmarks.harness import Effort, Figure, aiming, sizes
from telemetry.contract.frames import PowerFrame
from telemetry.store.open import opened_store

TITLE = "Frames of 250 × 4 in the SQLite store, its files as they lie there once it is closed."
NAMES = ("disk.bytes",)
AGAINST = "a row per sample"
TARGET = 6.0
BATCH = 500


def run(effort: Effort) -> list[Figure]:
    """Bytes for each value (one channel of one sample), with keys, times, digests and indexes."""
    frames = [made.power(seq) for seq in range(effort.pick(4_000, 40))]
    values = len(frames) * made.VALUES
    with tempfile.TemporaryDirectory(prefix="e3p-bench-") as folder:
        ours, theirs = Path(folder) / "ours", Path(folder) / "theirs"
        ours.mkdir()
        theirs.mkdir()
        anyio.run(_store, ours / "store.db", frames)
        _a_row_per_sample(theirs, frames)
        figure = sizes(
            "disk.bytes",
            "one value of a sample of 4",
            "bytes",
            _size(ours) / values,
            _size(theirs) / values,
            AGAINST,
        )
    return [aiming(figure, TARGET)]


async def _store(path: Path, frames: Sequence[PowerFrame]) -> None:
    received = made.arrived(frames)
    async with opened_store(f"sqlite:///{path}") as store:
        for at in range(0, len(received), BATCH):
            await store.write(received[at : at + BATCH])


def _a_row_per_sample(folder: Path, frames: Sequence[PowerFrame]) -> None:
    with closing(sqlite3.connect(folder / "store.db")) as db:
        table = "stream INTEGER, t INTEGER, w0 REAL, w1 REAL, w2 REAL, w3 REAL, PRIMARY KEY (stream, t)"
        db.execute(f"CREATE TABLE sample ({table}) WITHOUT ROWID")
        for frame in frames:
            rows = [(1, *row) for row in made.rows_of(frame)]
            db.executemany("INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?)", rows)
        db.commit()


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.iterdir())
