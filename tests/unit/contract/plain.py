"""One small lawful frame of each kind, in JSON's shape, and how the line takes or refuses one."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest

from telemetry.contract.decode import Received, Unreadable, receive

YEAR_2026_NS = 1_790_000_000_000_000_000
UPTIME_NS = 50_000 * 10**9
ENVELOPE: dict[str, Any] = {"v": 1, "boot": "b1", "seq": 3, "anchor": YEAR_2026_NS, "t0": UPTIME_NS}
DELETE = object()


def taken_or_refused(kind: str, payload: bytes) -> Received | Unreadable:
    """What became of a frame of this kind; any other error is the test's."""
    try:
        received = receive(f"e3p/v1/node/{kind}/main", payload)
    except Unreadable as refused:
        return refused
    assert isinstance(received, Received)
    return received


def refusal(kind: str, payload: bytes) -> Unreadable:
    """The refusal of a frame that must not be taken."""
    with pytest.raises(Unreadable) as caught:
        receive(f"e3p/v1/node/{kind}/main", payload)
    return caught.value


def received(kind: str, payload: bytes) -> Received:
    """A frame that must be taken."""
    got = receive(f"e3p/v1/node/{kind}/main", payload)
    assert isinstance(got, Received)
    return got


def packed(kind: str) -> bytes:
    """The plain frame in MessagePack."""
    return received(kind, msgspec.json.encode(plain(kind))).body


def changed(kind: str, path: str, value: Any) -> dict[str, Any]:
    """The plain frame with one place changed: ``events.0.trial``."""
    raw = plain(kind)
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    holder: Any = raw
    for part in parents:
        holder = holder[part]
    if value is DELETE:
        del holder[last]
    else:
        holder[last] = value
    return raw


def plain(kind: str) -> dict[str, Any]:
    """A small lawful frame of this kind in JSON's shape, to be changed at will."""
    return copy.deepcopy({**ENVELOPE, **PLAIN[kind]})


PLAIN: dict[str, dict[str, Any]] = {
    "power": {
        "dt": [0, 1_000_000, 2_000_000],
        "tick": 1_000_000,
        "ch": ["total", "gpu"],
        "w": [[10.0, 4.0], [10.5, None], [-0.25, 4.5]],
        "first": 0,
        "missed": 0,
        "counter_j": [1000.5, 400.25],
    },
    "marks": {
        "events": [
            {"kind": "prepare", "t": UPTIME_NS, "group": "g"},
            {
                "kind": "trial_begin",
                "t": UPTIME_NS,
                "trial": "t1",
                "model": "m",
                "dataset": "d",
                "batch_size": 2,
                "group": "g",
                "index": 0,
            },
            {
                "kind": "batches",
                "t": UPTIME_NS,
                "trial": "t1",
                "begin": [UPTIME_NS, UPTIME_NS + 10],
                "end": [UPTIME_NS + 5, UPTIME_NS + 15],
                "images": [2, 1],
                "correct": [1, 1],
                "hits": [1, 0, 1],
            },
            {
                "kind": "trial_end",
                "t": UPTIME_NS,
                "trial": "t1",
                "status": "ok",
                "images": 3,
                "power": {"main": 7},
            },
        ]
    },
    "clock": {"peer": "collector", "exchanges": [{"t1": 1, "t2": YEAR_2026_NS, "t3": YEAR_2026_NS, "t4": 9}]},
    "health": {
        "streams": [
            {
                "boot": "b1",
                "stream": "power/main",
                "next_seq": 9,
                "spooled": [[7, 8]],
                "declared_lost": [[2, 3, 500]],
                "ticks": 2250,
                "final": False,
            }
        ],
        "temp_c": {"cpu": 51.5},
    },
    "manifest": {
        "os_boot": "kernel",
        "device": {"kind": "x86-cpu"},
        "software": "e3p 0.1.0",
        "hash": "abc",
        "streams": [
            {
                "stream": "main",
                "sensor": "rapl",
                "channels": ["total"],
                "total": "total",
                "origin": "measured",
                "period_ms": 1.0,
            }
        ],
    },
}
