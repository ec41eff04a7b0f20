"""The store on SQLite: one file, one connection that writes and one that reads, each on a worker thread."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from telemetry.contract.decode import Received
from telemetry.contract.frames import Frame, StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.nodetime import INT64_MIN, NS_PER_S
from telemetry.store.access import FOR_EVER, LETTER_BYTES, Keeps
from telemetry.store.interface import Account, Contents, Letter, Place, Revision, Verdict
from telemetry.store.sqlite.accounts import read_accounts, read_places
from telemetry.store.sqlite.backup import COPY, copy_in, copy_out
from telemetry.store.sqlite.claim import Claim
from telemetry.store.sqlite.connection import Connection, closed_on_failure, connect, reading, writing
from telemetry.store.sqlite.documents import (
    latest_revisions,
    put_revisions,
    revision_history,
    revisions_during,
)
from telemetry.store.sqlite.expiry import compact, expire_documents, expire_frames, give_back, size_of
from telemetry.store.sqlite.frames import frames_by_seq, frames_covering, write_frames
from telemetry.store.sqlite.letters import bury_letters, drop_letters, read_letters
from telemetry.store.sqlite.schema import prepare
from telemetry.store.upkeep import Size

T = TypeVar("T")

BUSY_S = 5.0
DAY_NS = 86_400 * NS_PER_S


class SqliteStore:
    """A `telemetry.store.interface.Store` in the file `path`.

    Without `create` the file must be there. Letters keep their bodies up to `letter_bytes` in all. A write
    waits `busy_s` for other processes, then it is `StoreUnavailable`. Whoever calls `tidy` lets expire what
    is older than it `keeps`.
    """

    def __init__(
        self,
        path: Path,
        *,
        create: bool = True,
        letter_bytes: int = LETTER_BYTES,
        busy_s: float = BUSY_S,
        keeps: Keeps = FOR_EVER,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.url = f"sqlite:///{path}"
        self.path = path
        self._create = create
        self._letter_bytes = letter_bytes
        self._busy_s = busy_s
        self._keeps = keeps
        self._now_ns = now_ns
        self._writer: Connection | None = None
        self._reader: Connection | None = None
        self._claim: Claim | None = None

    def __repr__(self) -> str:
        return f"<SqliteStore {self.path} {'open' if self._writer else 'closed'}>"

    async def open(self) -> None:
        """Makes or migrates the file. Raises `UserError` when it cannot be; `StoreUnavailable`: busy."""
        writer, reader = await anyio.to_thread.run_sync(self._connect)
        self._writer = Connection(writer, self.path)
        self._reader = Connection(reader, self.path)

    async def close(self) -> None:
        """Ends after work that has begun; again is nothing."""
        connections = (self._reader, self._writer)
        self._reader = self._writer = None
        with anyio.CancelScope(shield=True):
            for connection in filter(None, connections):
                await connection.close()
        claim, self._claim = self._claim, None
        if claim is not None:
            claim.release()

    async def attend(self, who: str) -> None:
        if self._claim is None:
            self._claim = Claim(self.path, who)

    async def collectors(self) -> Sequence[str]:
        return ()  # whoever has the file open is met when it is replaced

    async def copy_out(self, folder: Path, tell: Callable[[float], None]) -> Contents:
        return await anyio.to_thread.run_sync(lambda: copy_out(self.path, folder / COPY, tell))

    async def copy_in(self, folder: Path, *, force: bool) -> None:
        await anyio.to_thread.run_sync(lambda: copy_in(folder / COPY, self.path, force=force))

    async def write(self, frames: Sequence[Received]) -> list[Verdict]:
        oldest_ns = self._before(self._keeps.raw_days)
        return await self._written(
            lambda db: write_frames(db, frames, INT64_MIN if oldest_ns is None else oldest_ns)
        )

    async def bury(self, letters: Sequence[Letter]) -> None:
        await self._written(lambda db: bury_letters(db, letters, self._letter_bytes))

    async def letters(self, keys: Sequence[str] | None = None, *, bodies: bool = True) -> list[Letter]:
        return await self._read(lambda db: read_letters(db, keys, bodies=bodies))

    async def drop_letters(self, keys: Sequence[str]) -> None:
        await self._written(lambda db: drop_letters(db, keys))

    async def accounts(self, node: str | None = None) -> list[Account]:
        return await self._read(lambda db: read_accounts(db, node))

    async def places(self, node: str) -> list[Place]:
        return await self._read(lambda db: read_places(db, node))

    async def frames(self, key: StreamKey, seqs: IntervalSet) -> list[tuple[int, Frame]]:
        return await self._read(lambda db: frames_by_seq(db, key, seqs))

    async def covering(self, key: StreamKey, begin: int, end: int) -> list[Frame]:
        return await self._read(lambda db: frames_covering(db, key, begin, end))

    async def put(self, revisions: Sequence[Revision]) -> None:
        await self._written(lambda db: put_revisions(db, revisions))

    async def latest(self, kind: str, node: str | None = None) -> list[Revision]:
        return await self._read(lambda db: latest_revisions(db, kind, node))

    async def during(self, kind: str, begin: int, end: int, node: str | None = None) -> list[Revision]:
        return await self._read(lambda db: revisions_during(db, kind, begin, end, node))

    async def history(self, kind: str, document: str) -> list[Revision]:
        return await self._read(lambda db: revision_history(db, kind, document))

    async def tidy(self) -> bool:
        """Forgets some of what is old, or gives some room back; whether there is more to do."""
        frames, windows = self._before(self._keeps.raw_days), self._before(self._keeps.window_days)
        writer = _opened(self._writer, self.path)
        if frames is not None and await writer.run(lambda db: expire_frames(db, frames)) > 0:
            return True
        if await writer.run(lambda db: expire_documents(db, windows)) > 0:
            return True
        return await writer.run(give_back)

    async def size(self) -> Size:
        return await self._read(size_of)

    async def compact(self) -> None:
        await _opened(self._writer, self.path).run(compact)

    def _before(self, days: int) -> int | None:
        """What is older than this has expired; None: nothing ever does."""
        return self._now_ns() - days * DAY_NS if days else None

    def _connect(self) -> tuple[sqlite3.Connection, sqlite3.Connection]:
        writer = connect(self.path, create=self._create, busy_s=self._busy_s)
        with closed_on_failure(writer):
            prepare(writer, self.path, create=self._create, busy_s=self._busy_s)
            reader = connect(self.path, create=False, busy_s=self._busy_s)
        reader.execute("PRAGMA query_only = 1")
        return writer, reader

    async def _written(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def transaction(db: sqlite3.Connection) -> T:
            with writing(db):
                return work(db)

        return await _opened(self._writer, self.path).run(transaction)

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        def transaction(db: sqlite3.Connection) -> T:
            with reading(db):
                return work(db)

        return await _opened(self._reader, self.path).run(transaction)


def _opened(connection: Connection | None, path: Path) -> Connection:
    if connection is None:
        raise RuntimeError(f"{path}: the store is not open")
    return connection
