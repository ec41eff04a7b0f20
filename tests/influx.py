"""Stores on a real InfluxDB 2 for the tests: each in buckets of its own, gone afterwards."""

from __future__ import annotations

import secrets
import urllib.parse
from collections.abc import Callable
from typing import Any

from telemetry.runtime.secret import Secret
from telemetry.store.access import Access
from telemetry.store.influx import Address, InfluxStore
from tests.servers import Influx


def new_bucket(test: str = "test") -> str:
    """A bucket's name that nobody has used."""
    return f"{test[:40]}-{secrets.token_hex(6)}"


def access(influx: Influx, **how: Any) -> Access:
    """The right to do everything there."""
    return Access(token=Secret(influx.token), **how)


def influx_store(influx: Influx, bucket: str, **how: Any) -> InfluxStore:
    """A store that is not opened yet."""
    return InfluxStore(Address.parse(influx.store(bucket)), access(influx), **how)


def buckets_of(influx: Influx, bucket: str) -> list[dict[str, Any]]:
    """The buckets that belong to a store."""
    named = influx.call("GET", f"/api/v2/buckets?limit=100&org={urllib.parse.quote(influx.org)}")["buckets"]
    return [each for each in named if each["name"].startswith(bucket)]


def drop_buckets(influx: Influx, bucket: str) -> None:
    """Takes a store away."""
    for each in buckets_of(influx, bucket):
        influx.call("DELETE", f"/api/v2/buckets/{each['id']}")


def influx_maker(influx: Influx, bucket: str) -> Callable[[], InfluxStore]:
    """Makes stores that keep up to 1,000 bytes of letters, all in the same buckets."""
    return lambda: influx_store(influx, bucket, letter_bytes=1_000)
