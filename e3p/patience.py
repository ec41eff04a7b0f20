"""The store of a service: one that is not there yet is waited for, so that any order of starting will do."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio

from e3p.settings import Settings
from telemetry.runtime import logs
from telemetry.runtime.retry import Retry
from telemetry.store.attendance import EVERY_S, Attended
from telemetry.store.interface import Store, StoreUnavailable
from telemetry.store.sqlite import SqliteStore

log = logs.get("store")


@asynccontextmanager
async def waited_for(settings: Settings, attendance: Attendance | None = None) -> AsyncIterator[Store]:
    """The store, made where it is missing, open for the length of the block. Raises `UserError`.

    A collector gives its `attendance`, which is taken up before it does anything else.
    """
    store, retry, failures = settings.store(), Retry(), 0
    is_new = isinstance(store, SqliteStore) and not store.path.exists()
    while True:
        try:
            await store.open()
            break
        except StoreUnavailable as error:
            if failures == 0:
                log.warning("store unavailable, waiting", why=error)
            await retry.sleep(max(retry.wait_s(failures), error.retry_after_s or 0.0))
            failures += 1
    if failures:
        log.info("store available", tries=failures + 1)
    if isinstance(store, SqliteStore) and is_new:
        log.info("no store was there: a new one is made", at=store.path.absolute())
    try:
        if attendance is not None:
            await attendance.take_up(store)
        yield store
    finally:
        await store.close()


class Attendance:
    """A service that says at a store that a collector is at work, for other collectors and `e3p restore`."""

    name = "attendance"

    def __init__(self, command: str) -> None:
        self._who = f"e3p {command} on {socket.gethostname()} (process {os.getpid()})"
        self._store: Attended | None = None

    async def take_up(self, store: Store) -> None:
        """The first time. Raises `UserError` where another one collects and only one may."""
        if isinstance(store, Attended):
            self._store = store
        await self._say()

    async def run(self) -> None:
        while True:
            await anyio.sleep(EVERY_S)
            await self._say()

    async def _say(self) -> None:
        if self._store is not None:
            with suppress(StoreUnavailable):  # it is said again soon
                await self._store.attend(self._who)
