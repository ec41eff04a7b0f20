"""The time service: answers pings with the collector's UTC, on a line of its own so that none waits."""

from __future__ import annotations

from collector.desk import Desk
from collector.intake import Source
from collector.letters import make_letter
from telemetry.contract.decode import decode_message
from telemetry.contract.encode import encode
from telemetry.contract.errors import Refused
from telemetry.contract.nodetime import NS_PER_S
from telemetry.contract.payload import is_json
from telemetry.contract.replies import Ping, Pong
from telemetry.contract.topics import node_topic, parse_node_topic
from telemetry.runtime import logs
from telemetry.runtime.mqtt import LinkDown

log = logs.get("collector")


class TimeService:
    """A service that answers every ping of a source, and judges the nodes' clocks by them."""

    name = "time"

    def __init__(self, source: Source, desk: Desk) -> None:
        self._source = source
        self._desk = desk

    async def run(self) -> None:
        async for message in self._source.inbox():
            await self.answer(message.topic, message.payload)

    async def answer(self, topic: str, payload: bytes) -> None:
        """One ping; while the link is down it goes unanswered, and the node asks again."""
        t2 = self._desk.times.utc_ns()
        place = parse_node_topic(topic)
        if place is None or place[1] != "ping":
            return
        try:
            ping = decode_message(payload, Ping)
        except Refused as reason:
            self._desk.metrics.received.inc()
            self._desk.put(make_letter(topic, payload, reason, t2))
            return
        self._judge(place[0], ping, t2)
        pong = Pong(id=ping.id, t1=ping.t1, t2=t2, t3=self._desk.times.utc_ns())
        try:
            reply = encode(pong, "json" if is_json(payload) else "msgpack")
            await self._source.publish(node_topic(place[0], "pong"), reply, qos=0)
        except LinkDown:
            return
        self._desk.metrics.pings.inc()

    def _judge(self, node: str, ping: Ping, utc_ns: int) -> None:
        if not self._desk.clocks.ping(node, ping.t1, utc_ns):
            return
        bad = self._desk.clocks.bad
        self._desk.metrics.bad_clocks.set(len(bad))
        if node in bad:
            log.warning("clock bad", node=node, by="ping", off_s=(ping.t1 - utc_ns) // NS_PER_S)
        else:
            log.info("clock good again", node=node)
