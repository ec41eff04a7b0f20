"""Campaigns on the server: tells nodes what the store says they are asked for, and stores their answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

import anyio
import msgspec

from collector.bell import Bell
from collector.desk import Times
from collector.orders import Orders
from telemetry.contract.commands import (
    CAMPAIGN,
    PART,
    Campaign,
    CampaignPart,
    Command,
    Reply,
    part_id,
)
from telemetry.contract.decode import decode_message
from telemetry.contract.encode import encode
from telemetry.contract.errors import Refused
from telemetry.contract.replies import State
from telemetry.contract.topics import node_topic, parse_node_topic
from telemetry.runtime import logs
from telemetry.runtime.mqtt import LinkDown, Message
from telemetry.store.interface import Revision, Store, StoreUnavailable

LOOK_S = 5.0
AWAY_S = 2.0

log = logs.get("collector")


class Line(Protocol):
    """Where commands go, and replies, states and the echoes of commands come from."""

    def inbox(self) -> AsyncIterator[Message]:
        """The messages, for ever."""

    async def publish(self, topic: str, payload: bytes) -> None:
        """Sends one, or raises `LinkDown`."""


class Campaigns:
    """A service. The store is the truth: `e3p campaign` writes wishes into it.

    A command that is heard is only the sign to look there.
    """

    name = "campaigns"

    def __init__(self, line: Line, store: Store, times: Times) -> None:
        self._line = line
        self._store = store
        self._times = times
        self._orders = Orders()
        self._revisions: dict[str, int] = {}
        self._unstored: dict[str, CampaignPart] = {}
        self._stale = True
        self._news = Bell()

    async def run(self) -> None:
        """Until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._listen)
            tasks.start_soon(self._work)

    async def connected(self) -> None:
        """The line is there, perhaps again: what nodes said meanwhile was lost, and is asked for."""
        self._orders.back()
        self._news.ring()

    async def _listen(self) -> None:
        async for message in self._line.inbox():
            place = parse_node_topic(message.topic)
            if place is None or not message.payload:
                continue
            try:
                self._hear(*place, message.payload)
            except Refused as reason:
                log.warning("message not understood", topic=message.topic, why=str(reason))

    def _hear(self, node: str, kind: str, payload: bytes) -> None:
        if kind == "reply":
            reply = decode_message(payload, Reply)
            part = self._orders.heard(node, reply, self._times.utc_ns(), self._times.now_s())
            if part is not None:
                log.info("campaign", campaign=reply.id, node=node, state=reply.state, done=reply.done)
                self._unstored[part_id(part.campaign, node)] = part
        elif kind == "state" and decode_message(payload, State).state == "ready":
            self._orders.back(node)
        elif kind == "command" and not self._orders.knows(decode_message(payload, Command)):
            self._stale = True
        self._news.ring()

    async def _work(self) -> None:
        while True:
            try:
                if self._stale:
                    await self._read()
                await self._write()
            except StoreUnavailable as error:
                log.debug("campaigns wait for the store", why=str(error))
                await anyio.sleep(max(AWAY_S, error.retry_after_s or 0.0))
                continue
            await self._tell()
            await self._news.wait(LOOK_S)

    async def _read(self) -> None:
        """All wishes and parts of the store."""
        self._stale = False
        try:
            wishes = await self._store.latest(CAMPAIGN)
            parts = await self._store.latest(PART)
        except StoreUnavailable:
            self._stale = True
            raise
        self._revisions |= {revision.id: revision.revision for revision in parts}
        self._orders.learn(
            [msgspec.json.decode(wish.doc, type=Campaign) for wish in wishes],
            [msgspec.json.decode(part.doc, type=CampaignPart) for part in parts],
        )

    async def _write(self) -> None:
        """What nodes said last, each a revision; one that another collector has written is followed."""
        while self._unstored:
            id_, part = next(iter(self._unstored.items()))
            revision = self._revisions.get(id_, -1) + 1
            doc = msgspec.json.encode(part)
            try:
                await self._store.put(
                    [Revision(kind=PART, id=id_, revision=revision, node=part.node, doc=doc)]
                )
            except ValueError:
                await self._read()
                if self._orders.parts[id_].said <= part.said:
                    continue
            else:
                self._revisions[id_] = revision
            if self._unstored[id_] is part:
                del self._unstored[id_]

    async def _tell(self) -> None:
        for node, command in self._orders.due(self._times.now_s()):
            try:
                await self._line.publish(node_topic(node, "command"), encode(command, "json"))
            except LinkDown:
                self._orders.back(node)
                return
