"""Keeps what pages need of the store: documents at each (re)connection, the fleet's books while looked at."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import anyio

from telemetry.runtime import logs
from telemetry.store.interface import StoreUnavailable
from view.live.views import Books

if TYPE_CHECKING:
    from view.live.hub import Hub
    from view.live.questions import Questions

LOOK_S = 2.0
SHARE = 20
"""A ledger is read again after this many times as long as reading it took: a large one is read seldom."""
WAIT_S = 5.0

log = logs.get("live")


class Keeper:
    """A service. `books` are those of the fleet's view, read while somebody looks at it."""

    name = "live keeper"

    def __init__(self, hub: Hub, questions: Questions) -> None:
        self.books = Books()
        self._hub = hub
        self._questions = questions
        self._missed = anyio.Event()
        self._wanted = anyio.Event()

    async def missed(self) -> None:
        """Documents may have been missed: they are read from the store."""
        self._missed.set()

    def look(self) -> None:
        """Somebody looks at the fleet."""
        self._wanted.set()

    async def read_letters(self) -> None:
        """The dead letters as they are now: somebody has just sent one back."""
        self.books.letter_count, self.books.letters = await self._questions.letters()

    async def run(self) -> None:
        """Until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._documents)
            tasks.start_soon(self._bookkeeping)

    async def _documents(self) -> None:
        while True:
            await self._missed.wait()
            self._missed = anyio.Event()
            try:
                documents = await self._questions.documents()
            except StoreUnavailable as why:
                log.warning("store unavailable", why=why)
                await anyio.sleep(WAIT_S)
                self._missed.set()
                continue
            for result in documents.results:
                self._hub.result(result)
                self._hub.node(result.node)
            for ranking in documents.rankings:
                self._hub.ranking(ranking)
            for soak in documents.soaks:
                self._hub.soak(soak)
            self._hub.tell(documents.events)

    async def _bookkeeping(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted = anyio.Event()
            begin_s = time.monotonic()
            try:
                self.books.keep(await self._questions.ledger())
                await self.read_letters()
                for soak in await self._questions.soaks():
                    self._hub.soak(soak)
                for node in self.books.by_node:
                    self._hub.node(node)
            except StoreUnavailable as why:
                log.warning("store unavailable", why=why)
            took_s = time.monotonic() - begin_s
            await anyio.sleep(max(LOOK_S, SHARE * took_s))
