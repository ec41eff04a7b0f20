"""The store on InfluxDB 2: buckets beside each other, each with a retention of its own."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import anyio

from telemetry.contract.decode import Received
from telemetry.contract.errors import UserError
from telemetry.contract.frames import Frame, StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.nodetime import NS_PER_MS, NS_PER_S, node_time_ns
from telemetry.store.access import LETTER_BYTES, Access
from telemetry.store.influx import attendance
from telemetry.store.influx.accounts import Accounts
from telemetry.store.influx.address import Address
from telemetry.store.influx.backup import copy_in, copy_out
from telemetry.store.influx.documents import Documents
from telemetry.store.influx.frames import Reader
from telemetry.store.influx.ledger import Ledger
from telemetry.store.influx.letters import Letters
from telemetry.store.influx.preparing import set_up
from telemetry.store.influx.server import Server
from telemetry.store.influx.setup import SCHEMA, check
from telemetry.store.influx.tokens import keep_token
from telemetry.store.influx.writing import Writer, oldest_ns
from telemetry.store.interface import (
    Account,
    Contents,
    Letter,
    Outcome,
    Place,
    Revision,
    StoreUnavailable,
)
from telemetry.store.steps import Step, TokenFile

GOODBYE_S = 2.0


class InfluxStore:
    """A `telemetry.store.interface.Store` at `address`.

    Without `create` the buckets must be there. Letters keep their bodies up to `letter_bytes` in all.
    """

    def __init__(
        self,
        address: Address,
        access: Access,
        *,
        create: bool = True,
        letter_bytes: int = LETTER_BYTES,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self.url = address.url
        self._access = access
        self._server = Server(address, access)
        self._create = create
        self._raw_days = access.raw_days
        self._now_ns = now_ns
        writer = now_ns() + secrets.randbelow(NS_PER_MS)
        self._ledger = Ledger(self._server, writer)
        self._reader = Reader(self._server, now_ns)
        self._letters = Letters(self._server, writer, letter_bytes)
        self._documents = Documents(self._server, now_ns)
        self._accounts = Accounts(self._ledger, self._letters, self._reader)
        self._writer = Writer(self._server, self._ledger, self._reader, now_ns)
        self._attends: str | None = None

    def __repr__(self) -> str:
        return f"<InfluxStore {self.url} {'open' if self._server.is_open else 'closed'}>"

    async def open(self) -> None:
        """Raises `UserError` for what a person must mend, `StoreUnavailable` where the server is away."""
        await self._server.open()
        try:
            kept_s = await check(self._server, self._now_ns(), create=self._create, raw_days=self._raw_days)
        except BaseException:
            await self.close()
            raise
        self._writer.raw_ns = self._reader.raw_ns = kept_s * NS_PER_S

    async def close(self) -> None:
        """Again is nothing."""
        who, self._attends = self._attends, None
        with anyio.CancelScope(shield=True):
            if who is not None:
                with anyio.move_on_after(GOODBYE_S), suppress(StoreUnavailable, UserError):
                    await attendance.say(self._server, self._ledger.writer, who, here=False)
            await self._server.close()

    async def attend(self, who: str) -> None:
        """Any number of collectors may write here at once."""
        self._attends = who
        await attendance.say(self._server, self._ledger.writer, who, here=True)

    async def collectors(self) -> Sequence[str]:
        await self.open()
        try:
            return await attendance.at_work(self._server)
        finally:
            await self.close()

    async def set_up(self, raw_days: int | None, tokens: Sequence[TokenFile] = ()) -> Sequence[Step]:
        """What `telemetry.store.steps.Preparable` says."""
        steps = await set_up(self._server, raw_days)
        return [*steps, *[await keep_token(self._server, self._access, each) for each in tokens]]

    async def copy_out(self, folder: Path, tell: Callable[[float], None]) -> Contents:
        del tell  # how much there is shows at the end only
        await self.open()
        try:
            return Contents(SCHEMA, await copy_out(self._server, folder))
        finally:
            await self.close()

    async def copy_in(self, folder: Path, *, force: bool) -> None:
        await self.open()
        try:
            oldest = oldest_ns(self._writer.raw_ns, self._now_ns())
            await copy_in(self._server, folder, oldest, force=force)
        finally:
            await self.close()
        await self.open()  # what was emptied is made a store again
        await self.close()

    async def write(self, frames: Sequence[Received]) -> Sequence[Outcome]:
        return await self._writer.write(frames)

    async def bury(self, letters: Sequence[Letter]) -> None:
        await self._letters.bury(letters)

    async def letters(self, keys: Sequence[str] | None = None, *, bodies: bool = True) -> list[Letter]:
        return await self._letters.read(keys, bodies=bodies)

    async def drop_letters(self, keys: Sequence[str]) -> None:
        await self._letters.drop(keys)

    async def accounts(self, node: str | None = None) -> list[Account]:
        return await self._accounts.accounts(node)

    async def places(self, node: str) -> list[Place]:
        return await self._accounts.places(node)

    async def frames(self, key: StreamKey, seqs: IntervalSet) -> list[tuple[int, Frame]]:
        row = await self._ledger.sequence(key)
        return await self._reader.by_number(row, seqs) if row else []

    async def covering(self, key: StreamKey, begin: int, end: int) -> list[Frame]:
        row = await self._ledger.sequence(key)
        if row is None or row.anchor is None:
            return []
        return await self._reader.covering(
            row, node_time_ns(row.anchor, begin), node_time_ns(row.anchor, end)
        )

    async def put(self, revisions: Sequence[Revision]) -> None:
        await self._documents.put(revisions)

    async def latest(self, kind: str, node: str | None = None) -> list[Revision]:
        return await self._documents.latest(kind, node)

    async def during(self, kind: str, begin: int, end: int, node: str | None = None) -> list[Revision]:
        return await self._documents.during(kind, begin, end, node)

    async def history(self, kind: str, document: str) -> list[Revision]:
        return await self._documents.history(kind, document)
