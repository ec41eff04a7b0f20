"""Buckets: looked up when the store is opened, made where they may be, and tried with a write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from telemetry.contract.errors import UserError
from telemetry.store.influx.errors import LinesRefused, NotThere, who
from telemetry.store.influx.server import Server
from telemetry.store.interface import StoreTooNew

SCHEMA = 1
DAY_S = 86_400
WEEK_NS = 7 * DAY_S * 1_000_000_000


async def check(server: Server, now_ns: int, *, create: bool, raw_days: int) -> int:
    """Returns how long the raw bucket keeps its points, in seconds (0: for ever).

    With `create` missing buckets are made, and each one is written to. Raises `UserError` where the store
    cannot be used, with host, organisation and bucket; `StoreTooNew`; `StoreUnavailable`.
    """
    buckets = server.address.buckets
    raw_s = await _kept_s(server, buckets.raw, raw_days * DAY_S if create else None)
    for name in (buckets.results, buckets.archive):
        if kept_s := await _kept_s(server, name, 0 if create else None):
            raise UserError(
                f"{who(server.address)}: bucket {name!r} forgets after {kept_s // DAY_S} days, but what it "
                f"holds is kept for ever: influx bucket update --name {name} --retention 0 does that"
            )
    held = await _schema(server)
    if create:
        await _try(server, now_ns)
        held = held or await _schema(server)
    if not held:
        words = "what was written cannot be read: is the token of this organisation?"
        raise UserError(f"{who(server.address)}: {words if create else 'no store here yet'}")
    return raw_s


async def find_bucket(server: Server, bucket: str) -> Mapping[str, Any] | None:
    """A bucket as the server describes it; None where there is none that the token may see."""
    try:
        answer = await server.call("GET", "/api/v2/buckets", org=server.address.org, name=bucket)
    except NotThere as error:
        if error.what == "bucket":
            return None
        raise
    return next((each for each in answer["buckets"] if each["name"] == bucket), None)


async def make_bucket(server: Server, bucket: str, keep_s: int) -> None:
    """Makes a bucket that keeps its points so long (0: for ever). Raises `UserError` where it may not be."""
    rules = retention_rules(keep_s)
    try:
        wanted = {"name": bucket, "orgID": await org_id(server), "retentionRules": rules}
        await server.call("POST", "/api/v2/buckets", wanted)
    except LinesRefused:  # another program made it a moment ago
        if await find_bucket(server, bucket) is None:
            raise
    except UserError:
        raise UserError(
            f"{who(server.address)}: bucket {bucket!r} is missing, and this token may not make it; make it "
            f"once with influx bucket create --name {bucket}, or give a token that may write buckets"
        ) from None


async def org_id(server: Server) -> str:
    """The organisation's id. Raises `UserError`: a token that may do little in it does not see it."""
    found = await server.call("GET", "/api/v2/orgs", org=server.address.org)
    if not found["orgs"]:
        raise UserError(f"{who(server.address)}: this token does not see the organisation")
    return str(found["orgs"][0]["id"])


def retention_rules(keep_s: int) -> list[dict[str, object]]:
    """A retention as the server takes it; 0: for ever."""
    return [{"type": "expire", "everySeconds": keep_s}]


def kept_s(bucket: Mapping[str, Any]) -> int:
    """How long a bucket keeps its points, in seconds; 0: for ever."""
    return sum(int(rule.get("everySeconds", 0)) for rule in bucket.get("retentionRules") or ())


async def _kept_s(server: Server, bucket: str, wanted_s: int | None) -> int:
    """The same of a bucket by name; where it is missing it is made to keep `wanted_s`, if that is given."""
    found = await find_bucket(server, bucket)
    if found is not None:
        return kept_s(found)
    if wanted_s is None:
        raise UserError(f"{who(server.address)}: no store here yet, bucket {bucket!r} is missing")
    await make_bucket(server, bucket, wanted_s)
    return wanted_s


async def _schema(server: Server) -> int:
    """The schema that the store was written with; 0: nothing was ever written."""
    rows = await server.ask(server.address.buckets.results, "SELECT schema FROM e3p")
    held = max((int(row["schema"]) for row in rows), default=0)
    if held > SCHEMA:
        raise StoreTooNew(
            f"{who(server.address)}: schema {held}, of a newer e3p; this one knows {SCHEMA}: update it"
        )
    return held


async def _try(server: Server, now_ns: int) -> None:
    """Writes a point into each bucket: a token that may not write shows now, and not with the first frame."""
    raw, results, archive, _ = server.address.buckets
    for bucket, stamp in ((raw, now_ns), (results, now_ns - now_ns % WEEK_NS), (archive, 0)):
        try:
            await server.write(bucket, b"e3p schema=%di %d\n" % (SCHEMA, stamp))
        except LinesRefused as error:
            raise UserError(f"{who(server.address)}: bucket {bucket!r} refuses a point: {error}") from None
