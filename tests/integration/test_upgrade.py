"""Two versions at once, as docs/upgrade.md promises: an older node and a newer one at this collector."""

from __future__ import annotations

import json
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from analyzer.query import energy_of
from telemetry.contract.decode import decode_message
from telemetry.contract.documents import Result
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.replies import Pong, State, Stored
from telemetry.store.books import read_ledger
from telemetry.store.sqlite import SqliteStore
from tests.collecting import running

pytestmark = pytest.mark.anyio

S = 1_000_000_000
ANCHOR = 1_700_000_000 * S
BOOT: dict[str, Any] = {"v": 1, "boot": "b1", "seq": 0, "anchor": ANCHOR}
DT = [0, S // 4, S // 2, 3 * S // 4]

# What version 1 of the contract requires, and not a field more: the oldest node that there can be.
REQUIRED: dict[str, dict[str, Any]] = {
    "manifest/node": {
        **BOOT, "t0": 0, "os_boot": "o", "device": {"kind": "x86-cpu"}, "software": "e3p 0.1", "hash": "h",
        "streams": [{"stream": "main", "sensor": "rapl", "channels": ["total"], "total": "total",
                     "origin": "measured", "period_ms": 250.0}],
    },
    "power/main": {**BOOT, "t0": S, "dt": DT, "tick": S // 4, "ch": ["total"], "w": [[2.0]] * 4, "first": 0,
                   "missed": 0},
    "marks/app": {**BOOT, "t0": S, "events": [{"kind": "idle_begin", "t": S, "group": "g"}]},
    "clock/collector": {**BOOT, "t0": 2 * S, "peer": "collector", "exchanges": []},
    "health/agent": {
        **BOOT, "t0": 2 * S,
        "streams": [{"boot": "b1", "stream": "power/main", "next_seq": 1, "spooled": [], "declared_lost": [],
                     "ticks": 4, "final": True}],
    },
}  # fmt: skip
NEWER = {"colour": "blue", "layers": {"deep": [1, {"deeper": None}]}}


def packed(message: dict[str, Any]) -> bytes:
    """A message in MessagePack, its columns packed."""
    columns = {}
    if "dt" in message:
        watts = [value for row in message["w"] for value in row]
        columns = {
            "dt": struct.pack(f"<{len(message['dt'])}i", *message["dt"]),
            "w": struct.pack(f"<{len(watts)}f", *watts),
        }
    return msgspec.msgpack.encode({**message, **columns})


def text(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode()


def grown(message: dict[str, Any]) -> dict[str, Any]:
    """The same message from a node of a later version, which says more: at each of its levels."""
    more = {
        name: [grown(item) if isinstance(item, dict) else item for item in value]
        if isinstance(value, list)
        else grown(value)
        if isinstance(value, dict)
        else value
        for name, value in message.items()
    }
    return {**more, **NEWER}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "e3p.db")
    await opened.open()
    yield opened
    await opened.close()


async def taken(store: SqliteStore, messages: dict[str, bytes]) -> list[Result]:
    """Has a collector take the messages; the energy of the second that they tell of."""
    async with running(store) as line:
        for stream, body in messages.items():
            await line.intake.take(f"e3p/v1/n1/{stream}", body)
        await line.until(lambda: line.counted("frames_total") == len(messages))
    assert await store.letters() == []
    assert all(row.closed for row in await read_ledger(store))
    return await energy_of(store, "n1", ANCHOR + S, ANCHOR + 2 * S - S // 4)


@pytest.mark.parametrize("encode", [packed, text])
async def test_a_node_that_says_only_what_is_required_is_stored_and_integrated(
    store: SqliteStore, encode: Any
) -> None:
    (result,) = await taken(store, {stream: encode(said) for stream, said in REQUIRED.items()})
    assert result.energy_j == pytest.approx(1.5)
    assert (result.device, result.origin) == ("x86-cpu", "measured")


@pytest.mark.parametrize("encode", [packed, text])
async def test_a_newer_node_that_says_more_is_understood_as_far_as_it_can_be(
    store: SqliteStore, encode: Any
) -> None:
    messages = {stream: grown(said) for stream, said in REQUIRED.items()}
    messages["marks/app"]["events"].append({"kind": "of_tomorrow", "t": S, **NEWER})
    (result,) = await taken(store, {stream: encode(said) for stream, said in messages.items()})
    assert result.energy_j == pytest.approx(1.5)


async def test_a_frame_of_another_version_is_kept_whole_and_acknowledged(
    store: SqliteStore,
) -> None:
    body = packed({**REQUIRED["power/main"], "v": 2})
    async with running(store) as line:
        await line.intake.take("e3p/v1/n1/power/main", body)
        await line.until(line.source.announced)
        (letter,) = await store.letters()
        assert letter.reason == "version v: 2 is not spoken here; only 1"
        assert letter.body == body
        assert letter.stream is not None
        await line.until(lambda: line.source.settled(letter.stream) == IntervalSet.of([0]))
    (row,) = await read_ledger(store)
    assert (row.dead_count, row.closed) == (1, True)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (Stored, {"v": 1, "streams": [{"boot": "b1", "stream": "power/main", "through": 3}]}),
        (Pong, {"v": 1, "id": 1, "t1": 2, "t2": 3, "t3": 4}),
        (State, {"v": 1, "state": "ready", "boot": "b1", "since": 1, "software": "e3p 9"}),
    ],
)
def test_a_node_takes_the_replies_of_a_newer_server(kind: type[Any], said: dict[str, Any]) -> None:
    assert decode_message(packed(grown(said)), kind) == decode_message(packed(said), kind)
