"""What `e3p doctor` looks at, one function for each part; none of them changes anything."""

from __future__ import annotations

import secrets
import shutil
import time
from pathlib import Path

import anyio
import anyio.to_thread
import msgspec

from e3p.output import number
from e3p.settings import Settings
from e3p.times import show_time
from edge_node.power.discover import discover, open_sensor
from edge_node.power.observe import Observed, observe
from edge_node.power.sensor import Found, SensorError
from telemetry.contract.decode import decode_message
from telemetry.contract.encode import encode
from telemetry.contract.errors import UserError
from telemetry.contract.replies import Ping, Pong
from telemetry.contract.topics import node_topic
from telemetry.runtime.mqtt import Link
from telemetry.store.interface import StoreTooNew, StoreUnavailable
from telemetry.store.open import opened_store

PATIENCE_S = 2.0
LEAST_FREE_BYTES = 1 << 30
CLOCK_BAD_NS = 300 * 1_000_000_000


class Finding(msgspec.Struct, frozen=True):
    """One line of the doctor: `well` says whether it can be used as it is."""

    topic: str
    name: str
    well: bool
    words: str


async def examine(settings: Settings) -> list[Finding]:
    """Everything, in the order of a reading's way."""
    sensors = await anyio.to_thread.run_sync(lambda: [_sensor(found) for found in discover()])
    return [*sensors, *await _broker(settings), await _store(settings), _disk()]


def _sensor(found: Found) -> Finding:
    """A sensor that can be opened is read for a second, for its true update period and step."""
    if found.spec is None:
        return Finding("sensor", found.driver, well=False, words=found.reason)
    try:
        sensor = open_sensor(found.spec)
    except (SensorError, UserError) as error:
        return Finding("sensor", found.driver, well=False, words=str(error))
    try:
        observed = observe(sensor)
    finally:
        sensor.close()
    words = f"{found.reason}; {_in_words(observed)}; origin {sensor.info.origin}"
    return Finding("sensor", found.driver, well=True, words=words)


def _in_words(observed: Observed) -> str:
    if observed.period_ms is None:
        return "did not change within a second"
    steps = f" in steps of {number(observed.step_w, 3)} W" if observed.step_w else ""
    return f"changes every {number(observed.period_ms, 3)} ms{steps}"


async def _broker(settings: Settings) -> list[Finding]:
    """Whether it answers, and what its collector says of our clock."""
    address = settings.common.address()
    name = f"doctor-{secrets.token_hex(4)}"
    link = Link(address, client_id=name, filters=[node_topic(name, "pong")])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.run)
        with anyio.move_on_after(PATIENCE_S):
            await link.until_connected()
        if link.connected:
            clock = await _clock(link, name)
            findings = [Finding("broker", address.url, well=True, words="answers"), clock]
        else:
            right = "does not answer; start `e3p serve`, or name the right one with --mqtt"
            here = Finding(
                "clock", "", well=True, words=f"{show_time(time.time_ns())}; nobody to compare with"
            )
            findings = [Finding("broker", address.url, well=False, words=right), here]
        tasks.cancel_scope.cancel()
    return findings


async def _clock(link: Link, name: str) -> Finding:
    """One ping to the collector's time service."""
    await link.publish(node_topic(name, "ping"), encode(Ping(id=1, t1=time.time_ns())), qos=0)
    with anyio.move_on_after(PATIENCE_S):
        async for message in link.inbox():
            pong, t4 = decode_message(message.payload, Pong), time.time_ns()
            offset_ns = (pong.t2 - pong.t1 + pong.t3 - t4) // 2
            half_ns = (t4 - pong.t1 - (pong.t3 - pong.t2)) // 2
            words = f"{offset_ns / 1e6:.1f} ± {half_ns / 1e6:.1f} ms behind the collector's"
            return Finding("clock", "", well=abs(offset_ns) < CLOCK_BAD_NS, words=words)
    return Finding(
        "clock", "", well=False, words="the broker answers, but no collector does: is one running?"
    )


async def _store(settings: Settings) -> Finding:
    url = settings.common.store
    try:
        async with opened_store(url, create=False) as store:
            nodes = {account.key.node for account in await store.accounts()}
    except (UserError, StoreUnavailable, StoreTooNew) as error:
        return Finding("store", url, well=False, words=str(error))
    return Finding("store", url, well=True, words=f"holds {len(nodes)} node{'s' * (len(nodes) != 1)}")


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free
    words = f"{free / 2**30:.1f} GiB free below {Path.cwd()}"
    return Finding("disk", "", well=free >= LEAST_FREE_BYTES, words=words)
