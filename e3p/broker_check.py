"""What `e3p doctor` finds between here and the collector: certificate, broker, rights, clock.

A Mosquitto denies in silence. So the doctor does what an agent does, a ping in its node's name, and what no
agent may do, a ping in another's: the first is answered and the second is not.
"""

from __future__ import annotations

import secrets
import stat
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import anyio
import anyio.to_thread

from e3p.finding import Finding
from e3p.settings import Settings
from e3p.times import show_time
from telemetry.contract.decode import decode_message
from telemetry.contract.encode import encode
from telemetry.contract.errors import Refused, UserError
from telemetry.contract.nodetime import to_ns
from telemetry.contract.replies import Ping, Pong
from telemetry.contract.topics import node_topic
from telemetry.runtime.certificate import Certificate, read_certificate
from telemetry.runtime.handshake import tls_trouble
from telemetry.runtime.mqtt import Link, LinkDown

CONNECT_S = 3.0
ANSWER_S = 2.0
SOON_DAYS = 30
CLOCK_BAD_NS = 300 * 1_000_000_000


class Answers(NamedTuple):
    """The pong to our own ping, with the UTC ns at which it came; whether the stranger's was answered too."""

    pong: Pong | None
    at_ns: int
    stranger: bool


async def examine_broker(settings: Settings, *, device: bool) -> list[Finding]:
    """The findings, in the order in which one needs the other: of a device's agent, or of the server."""
    try:
        found = _certificate(settings)
        findings = _of_certificate(settings, found, time.time(), device=device)
        return [*findings, *await _of_broker(settings, found)]
    except UserError as error:  # files of ours that cannot be read
        return [Finding("broker", settings.common.mqtt or "", well=False, words=str(error)), _own_clock()]


async def _of_broker(settings: Settings, found: Certificate | None) -> list[Finding]:
    name, stranger = _speaks_as(settings, found), f"doctor-{secrets.token_hex(4)}"
    address = settings.common.address()
    filters = [node_topic(each, "pong") for each in (name, stranger)]
    link = Link(address, client_id=f"doctor-{secrets.token_hex(8)}", filters=filters)
    async with _running(link):
        if not link.connected:
            words = await anyio.to_thread.run_sync(tls_trouble, address)
            right = "does it run? The right one is named with mqtt or --mqtt"
            why = words or f"{link.trouble or 'no answer'}: {right}"
            return [Finding("broker", address.url, well=False, words=why), _own_clock()]
        try:
            answers = await _ask(link, name, stranger)
        except LinkDown as error:
            return [Finding("broker", address.url, well=False, words=str(error)), _own_clock()]
    findings = [Finding("broker", address.url, well=True, words="answers")]
    if found is not None:
        findings.append(_rights(name, found, answers))
    return [*findings, _clock(answers)]


def _certificate(settings: Settings) -> Certificate | None:
    """Ours, where one is set. Raises `UserError` where it cannot be read."""
    path = settings.common.mqtt_cert
    return read_certificate(path) if path else None


def _speaks_as(settings: Settings, certificate: Certificate | None) -> str:
    """As what we ping: as the agent here would, or as the server; without a certificate as nobody."""
    if certificate is None:
        return f"doctor-{secrets.token_hex(4)}"
    return certificate.name if certificate.unit == "server" else settings.edge.node_name()


def _of_certificate(
    settings: Settings, found: Certificate | None, now_s: float, *, device: bool
) -> list[Finding]:
    if found is None:
        return []
    words = _validity(found, now_s)
    well = found.begins_s <= now_s < found.expires_s
    node = settings.edge.node_name()
    if found.unit == "server" and device:
        words += f"; it is the server's: on a device use that of `e3p pki node {node}`, here --server"
        well = False
    elif found.unit != "server" and found.name != node:
        words += f"; it is for {found.name!r}, and this node is {node!r}: set edge.node, or use the right one"
        well = False
    if open_key := _open_to_others(settings.common.mqtt_key):
        words, well = f"{words}; {open_key} is readable by others: chmod 600", False
    return [Finding("certificate", found.name, well=well, words=words)]


def _validity(found: Certificate, now_s: float) -> str:
    """Until when it is valid, and what to do where that is over or near."""
    renewal = f"`e3p pki {'server' if found.unit == 'server' else f'node {found.name}'} --renew`"
    day, days = show_time(to_ns(found.expires_s))[:10], found.days_left(now_s)
    if found.expires_s <= now_s:
        return f"expired {day}: {renewal}"
    if found.begins_s > now_s:
        return f"is not valid yet: is this clock right? It says {show_time(to_ns(now_s))}"
    expires = f"expires {day}, {days} days left"
    return f"{expires}: renew it soon, with {renewal}" if days < SOON_DAYS else expires


def _open_to_others(key: str | None) -> str | None:
    """The key's file, when more than its owner reads it."""
    try:
        return key if key and Path(key).stat().st_mode & (stat.S_IRGRP | stat.S_IROTH) else None
    except OSError:  # said by whoever loads it
        return None


@asynccontextmanager
async def _running(link: Link) -> AsyncIterator[None]:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.run)
        with anyio.move_on_after(CONNECT_S):
            await link.until_connected()
        yield
        tasks.cancel_scope.cancel()


async def _ask(link: Link, name: str, stranger: str) -> Answers:
    """Pings as a stranger, then as `name`. One broker, one collector: the answers keep that order."""
    answered = False
    for who in (stranger, name):
        ping = encode(Ping(id=secrets.randbits(31), t1=time.time_ns()))
        await link.publish(node_topic(who, "ping"), ping, qos=0)
    with anyio.move_on_after(ANSWER_S):
        async for message in link.inbox():
            at_ns = time.time_ns()
            if message.topic == node_topic(stranger, "pong"):
                answered = True
                continue
            try:
                return Answers(decode_message(message.payload, Pong), at_ns, answered)
            except Refused:
                continue
    return Answers(None, time.time_ns(), answered)


def _rights(name: str, found: Certificate, answers: Answers) -> Finding:
    """What the broker lets this certificate do."""
    if answers.stranger:
        words = (
            "this certificate writes and reads another node's topics too: the broker has no acl_file of ours"
        )
        return Finding("rights", name, well=False, words=words)
    if answers.pong is not None:
        return Finding("rights", name, well=True, words="its own topics are open, those of others are not")
    words = f"a ping of {name} is not answered: no collector runs, or the broker denies it in silence"
    if found.name != name:
        words = f"a ping of {name} is not answered: its topics are for a certificate of {name} only"
    return Finding("rights", name, well=False, words=words)


def _clock(answers: Answers) -> Finding:
    """Our clock against the collector's, by the one exchange."""
    pong = answers.pong
    if pong is None:
        words = "the broker answers, but no collector does: is one running?"
        return Finding("clock", "", well=False, words=words)
    offset_ns = (pong.t2 - pong.t1 + pong.t3 - answers.at_ns) // 2
    half_ns = (answers.at_ns - pong.t1 - (pong.t3 - pong.t2)) // 2
    side = "behind" if offset_ns >= 0 else "ahead of"
    words = f"{abs(offset_ns) / 1e6:.1f} ± {half_ns / 1e6:.1f} ms {side} the collector's"
    return Finding("clock", "", well=abs(offset_ns) < CLOCK_BAD_NS, words=words)


def _own_clock() -> Finding:
    words = f"{show_time(time.time_ns())}; nobody to compare with"
    return Finding("clock", "", well=True, words=words)
