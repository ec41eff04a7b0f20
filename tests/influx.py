"""Stores on a real InfluxDB 2 for the tests: each in buckets of its own, gone afterwards."""

from __future__ import annotations

import contextlib
import secrets
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from telemetry.contract.decode import Received
from telemetry.contract.frames import Frame, ManifestFrame, StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.manifest import Device
from telemetry.contract.secret import Secret
from telemetry.store.access import Access
from telemetry.store.influx import Address, InfluxStore
from tests.contracts.store.builders import POWER, came
from tests.servers import Influx

ALL = IntervalSet.below(2**53)


def new_bucket(test: str = "test") -> str:
    """A bucket's name that nobody has used."""
    return f"{test[:40]}-{secrets.token_hex(6)}"


def access(influx: Influx, **how: Any) -> Access:
    """The right to do everything there."""
    return Access(token=Secret(influx.token), **how)


def influx_store(influx: Influx, bucket: str, **how: Any) -> InfluxStore:
    """A store that is not opened yet."""
    return InfluxStore(Address.parse(influx.store(bucket)), access(influx), **how)


def bucket_of(influx: Influx, name: str) -> dict[str, Any] | None:
    """A bucket as the server describes it."""
    asked = urllib.parse.urlencode({"org": influx.org, "limit": 100})
    named = influx.call("GET", f"/api/v2/buckets?{asked}&{urllib.parse.urlencode({'name': name})}")
    return next(iter(named["buckets"]), None)


def drop_buckets(influx: Influx, bucket: str) -> None:
    """Takes a store away."""
    for name in Address.parse(influx.store(bucket)).buckets:
        with contextlib.suppress(OSError):  # it was never made
            found = bucket_of(influx, name)
            if found is not None:
                influx.call("DELETE", f"/api/v2/buckets/{found['id']}")


def write_line(influx: Influx, bucket: str, line: str) -> None:
    """What another program might write into a bucket."""
    asked = urllib.parse.urlencode({"org": influx.org, "bucket": bucket, "precision": "ns"})
    url = f"{influx.url}/api/v2/write?{asked}"
    headers = {"Authorization": f"Token {influx.token}"}
    urllib.request.urlopen(urllib.request.Request(url, line.encode(), headers)).close()


@contextlib.contextmanager
def fresh(influx: Influx) -> Iterator[str]:
    """A bucket's name for one test."""
    bucket = new_bucket()
    try:
        yield bucket
    finally:
        drop_buckets(influx, bucket)


def influx_maker(influx: Influx, bucket: str) -> Callable[..., InfluxStore]:
    """Makes stores that keep up to 1,000 bytes of letters, all in the same buckets."""
    return partial(influx_store, influx, bucket, letter_bytes=1_000)


async def held(store: InfluxStore, key: StreamKey = POWER) -> list[Frame]:
    """All frames of a sequence."""
    return [frame for _, frame in await store.frames(key, ALL)]


def manifest() -> Received:
    """What a node is, told now."""
    said = {
        "device": Device(kind="jetson-tx2"),
        "software": "e3p",
        "hash": "h",
        "os_boot": "k",
        "streams": (),
    }
    frame = ManifestFrame(v=1, boot="b1", seq=0, anchor=time.time_ns(), t0=0, **said)
    return came(POWER._replace(stream="manifest/agent"), frame)
