"""The spool: every frame rests here, in SQLite, from when it is made until the collector has stored it.

All methods block and are called by one thread at a time. What `settle` takes away is committed with the next
`write`: a crash in between sends those frames once more, which changes nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from edge_node.accounts import Account, Loss, Name, joined
from edge_node.boots import Boot
from edge_node.delivery import Waiting
from edge_node.outbox import ROW_BYTES, Row
from edge_node.spool_load import Books, load_accounts, load_books, save_books
from edge_node.spool_schema import SpoolBlocked, SpoolBroken, connect
from telemetry.contract.intervals import IntervalSet

CHUNK = 256

_OLDEST = """
SELECT frame.id, frame.seq, frame.ticks, length(frame.body), boot, stream
FROM frame JOIN sequence ON sequence.id = frame.sequence WHERE stream {} ORDER BY frame.id LIMIT ?
"""
# `t0` rises with the number, so a look at the first few is enough.
_FIRST = """
SELECT id, seq, ticks, length(body), t0 FROM frame WHERE sequence = ? ORDER BY seq LIMIT ?
"""


class Batch(NamedTuple):
    """One commit: new frames, frames dropped before they came here, and what to note beside them.

    `numbers` are (next_seq, ticks) of the sequences concerned, `boots` those they belong to. `too_old` are
    boots with the monotonic ns before which their frames are given up.
    """

    rows: Sequence[Row] = ()
    losses: Sequence[Loss] = ()
    numbers: Mapping[Name, tuple[int, int]] = {}
    boots: Iterable[Boot] = ()
    books: Books | None = None
    too_old: Mapping[str, int] = {}


class Settled(NamedTuple):
    """Frames that left because the collector has them, and the ticks that were in them."""

    ids: list[int]
    ticks: int


class Parcel(NamedTuple):
    """A frame as it is sent: `stream` is the full name."""

    id: int
    stream: str
    body: bytes


def checksum(row: Row) -> int:
    """What tells whether a frame is as it was written."""
    return crc32(row.body, crc32(b"%d %d %d" % (row.seq, row.t0, row.ticks)))


def is_whole(row: Row, crc: int | None) -> bool:
    """Whether a frame is as it was written; one from before there were checksums is taken to be."""
    return crc is None or checksum(row) == crc


class Spool:
    """An open spool, which no other process can open. `size_bytes` counts the frames in it.

    Raises `SpoolBroken` when the file turns out damaged, `SpoolBlocked` when it cannot be written now.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.path = path
        self.size_bytes = 0
        self._max_bytes = max_bytes
        self._settled: dict[Name, IntervalSet] = {}
        self._ids: dict[Name, int] = {}
        self._next_id = 1
        self._db = connect(path)
        try:
            with self._errors():
                self._look_up()
        except (SpoolBroken, SpoolBlocked):
            self._db.close()
            raise

    def __repr__(self) -> str:
        return f"<Spool {self.path}, {self.size_bytes} bytes>"

    def close(self) -> None:
        """Commits what was settled, if the disk lets it, and unlocks the file."""
        with suppress(sqlite3.Error):  # settled frames are sent once more at the next start
            if self._db.in_transaction:
                self._db.execute("COMMIT")
        self._db.close()

    def accounts(self) -> dict[Name, Account]:
        """Every sequence, as it was committed last."""
        with self._errors():
            return load_accounts(self._db)

    def books(self) -> Books:
        """Open trials, markers and waiting marks, as they were committed last."""
        with self._errors():
            return load_books(self._db)

    def boots(self) -> list[Boot]:
        """The boots that are not forgotten."""
        with self._errors():
            return [Boot(*row) for row in self._db.execute("SELECT boot, anchor, os_boot FROM boot")]

    def write(self, batch: Batch, spare: Collection[int] = ()) -> list[Loss]:
        """Commits a batch and everything settled; gives up the oldest frames, but `spare`, when too full.

        What was given up is returned, and declared lost in the same commit.
        """
        with self._errors():
            self._begin()
            self._note(batch)
            for row in batch.rows:
                self._insert(row)
            gone = self._expired(batch.too_old, spare) + self._overflow(spare)
            for loss in (*batch.losses, *gone):
                self._declare(loss)
            self._db.execute("COMMIT")
        self._settled = {}
        return gone

    def settle(self, name: Name, seqs: IntervalSet) -> Settled:
        """The collector has these: they leave. Those that were here."""
        with self._errors():
            self._begin()
            gone = self._remove(name, seqs)
        # Noted once it is told: what a failing disk kept stays counted as kept, and is sent once more.
        self._settled[name] = self._settled.get(name, IntervalSet()) | seqs
        return gone

    def waiting(self, count: int, sent: Collection[int]) -> tuple[list[Waiting], list[Waiting]]:
        """Up to `count` of the newest and of the oldest frames that are not among the `sent` ones."""
        ends = []
        with self._errors():
            for order in ("DESC", "ASC"):
                query = f"SELECT id, length(body) FROM frame ORDER BY id {order} LIMIT ?"  # noqa: S608
                rows = self._db.execute(query, (count + len(sent),))
                ends.append([Waiting(*row) for row in rows if row[0] not in sent][:count])
        return ends[0], ends[1]

    def parcels(self, ids: Sequence[int]) -> list[Parcel]:
        """These frames with their bodies, in this order; those that have left are left out."""
        query = (
            "SELECT boot, stream, seq, t0, frame.ticks, body, crc"
            " FROM frame JOIN sequence ON sequence.id = frame.sequence WHERE frame.id = ?"
        )
        parcels = []
        with self._errors():
            for id_ in ids:
                for boot, stream, *fields, crc in self._db.execute(query, (id_,)):
                    row = Row(Name(boot, stream), *fields)
                    if not is_whole(row, crc):
                        raise SpoolBroken(f"{self.path}: frame {id_} is not what was written")
                    parcels.append(Parcel(id_, stream, row.body))
        return parcels

    def forget(self, boots: Collection[str]) -> None:
        """Drops what is left of boots that are over and told."""
        gone = [(boot,) for boot in boots]
        with self._errors():
            self._begin()
            self._db.executemany(
                "DELETE FROM lost WHERE sequence IN (SELECT id FROM sequence WHERE boot = ?)", gone
            )
            self._db.executemany("DELETE FROM sequence WHERE boot = ?", gone)
            self._db.executemany("DELETE FROM boot WHERE boot = ?", gone)
        self._ids = {name: id_ for name, id_ in self._ids.items() if name.boot not in boots}

    def _look_up(self) -> None:
        """What this object keeps of the file's content, which a rollback may have changed."""
        rows = self._db.execute("SELECT id, boot, stream FROM sequence")
        self._ids = {Name(boot, stream): id_ for id_, boot, stream in rows}
        query = f"SELECT coalesce(max(id), 0), coalesce(sum(length(body) + {ROW_BYTES}), 0) FROM frame"  # noqa: S608
        top, self.size_bytes = self._db.execute(query).fetchone()
        self._next_id = max(top + 1, self._next_id)

    def _begin(self) -> None:
        """A transaction, if there is none yet; it begins with what a failed one had settled."""
        if not self._db.in_transaction:
            self._db.execute("BEGIN IMMEDIATE")
            for name, seqs in self._settled.items():
                self._remove(name, seqs)

    def _note(self, batch: Batch) -> None:
        self._db.executemany("INSERT OR IGNORE INTO boot VALUES (?, ?, ?)", batch.boots)
        for name, numbers in batch.numbers.items():
            if name in self._ids:
                values = (*numbers, self._ids[name])
                self._db.execute("UPDATE sequence SET next_seq = ?, ticks = ? WHERE id = ?", values)
            else:
                columns = "(boot, stream, next_seq, ticks) VALUES (?, ?, ?, ?)"
                cursor = self._db.execute(f"INSERT INTO sequence {columns}", (*name, *numbers))
                self._ids[name] = cursor.lastrowid or 0
        if batch.books is not None:
            save_books(self._db, batch.books)

    def _insert(self, row: Row) -> None:
        values = (self._next_id, self._ids[row.name], row.seq, row.t0, row.ticks, row.body, checksum(row))
        self._db.execute("INSERT INTO frame VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        self._next_id += 1
        self.size_bytes += len(row.body) + ROW_BYTES

    def _remove(self, name: Name, seqs: IntervalSet) -> Settled:
        ids: list[int] = []
        ticks_gone = 0
        for first, last in seqs.ranges if name in self._ids else ():
            span = (self._ids[name], first, last)
            where = "FROM frame WHERE sequence = ? AND seq BETWEEN ? AND ?"
            rows = self._db.execute(f"SELECT id, ticks, length(body) {where}", span).fetchall()
            self._db.execute(f"DELETE {where}", span)
            for id_, ticks, size in rows:
                ids.append(id_)
                ticks_gone += ticks
                self.size_bytes -= size + ROW_BYTES
        return Settled(ids, ticks_gone)

    def _overflow(self, spare: Collection[int]) -> list[Loss]:
        """The oldest frames, until the rest fits; manifests last, without which the others mean less."""
        losses: list[Loss] = []
        for which in ("NOT LIKE 'manifest/%'", "LIKE 'manifest/%'"):
            while self.size_bytes > self._max_bytes:
                rows = self._db.execute(_OLDEST.format(which), (CHUNK + len(spare),)).fetchall()
                gone = self._give_up([row for row in rows if row[0] not in spare])
                losses += gone
                if not gone:
                    break
        return losses

    def _expired(self, too_old: Mapping[str, int], spare: Collection[int]) -> list[Loss]:
        losses: list[Loss] = []
        for name, id_ in self._ids.items():
            before = too_old.get(name.boot)
            while before is not None:
                rows = self._db.execute(_FIRST, (id_, CHUNK + len(spare))).fetchall()
                old = [(*row[:4], *name) for row in rows if row[4] < before and row[0] not in spare]
                gone = self._give_up(old, fit=False)
                losses += gone
                if not gone:
                    break
        return losses

    def _give_up(self, rows: Iterable[tuple[Any, ...]], *, fit: bool = True) -> list[Loss]:
        """Deletes frames, as many as it takes to `fit` or all; what was lost with them, in ranges."""
        gone: dict[Name, list[tuple[int, int, int]]] = {}
        for id_, seq, ticks, size, boot, stream in rows:
            if fit and self.size_bytes <= self._max_bytes:
                break
            self._db.execute("DELETE FROM frame WHERE id = ?", (id_,))
            self.size_bytes -= size + ROW_BYTES
            gone.setdefault(Name(boot, stream), []).append((seq, seq, ticks))
        return [Loss(name, *loss) for name, losses in gone.items() for loss in joined(losses)]

    def _declare(self, loss: Loss) -> None:
        id_ = self._ids[loss.name]
        grown = self._db.execute(
            "UPDATE lost SET last = ?, ticks = ticks + ? WHERE sequence = ? AND last = ?",
            (loss.last, loss.ticks, id_, loss.first - 1),
        )
        if not grown.rowcount:
            self._db.execute("INSERT INTO lost VALUES (?, ?, ?, ?)", (id_, loss.first, loss.last, loss.ticks))

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """SQLite's errors as ours, with nothing half done left behind."""
        try:
            yield
        except sqlite3.OperationalError as error:
            self._roll_back()
            raise SpoolBlocked(f"{self.path}: {error}") from None
        except sqlite3.DatabaseError as error:
            raise SpoolBroken(f"{self.path}: {error}") from None

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            self._look_up()
