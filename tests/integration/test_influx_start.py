"""An InfluxDB 2 store is opened or says, with host, org and bucket, what stands in the way."""

from __future__ import annotations

from typing import Any

import pytest

from telemetry.contract.errors import UserError
from telemetry.contract.secret import Secret
from telemetry.store.access import Access
from telemetry.store.influx import Address, InfluxStore
from telemetry.store.interface import StoreTooNew, StoreUnavailable
from tests.contracts.store.builders import power
from tests.influx import bucket_of, influx_store, write_line
from tests.servers import Influx, free_port

pytestmark = pytest.mark.anyio


def kept_s(influx: Influx, bucket: str) -> int:
    found = bucket_of(influx, bucket)
    assert found is not None
    return sum(rule["everySeconds"] for rule in found["retentionRules"])


def org_id(influx: Influx) -> str:
    return str(influx.call("GET", f"/api/v2/orgs?org={influx.org}")["orgs"][0]["id"])


def make_bucket(influx: Influx, name: str, seconds: int = 0) -> str:
    rules = [{"type": "expire", "everySeconds": seconds}]
    wanted = {"name": name, "orgID": org_id(influx), "retentionRules": rules}
    return str(influx.call("POST", "/api/v2/buckets", wanted)["id"])


def token_for(influx: Influx, *buckets: str) -> Access:
    """A token that may read and write these buckets and nothing else."""
    org = org_id(influx)
    rights = [
        {"action": action, "resource": {"type": "buckets", "id": each, "orgID": org}}
        for each in buckets
        for action in ("read", "write")
    ]
    made = influx.call("POST", "/api/v2/authorizations", {"orgID": org, "permissions": rights})
    return Access(token=Secret(made["token"]))


async def refusal(store: InfluxStore) -> str:
    with pytest.raises(UserError) as refused:
        await store.open()
    assert "\n" not in str(refused.value)
    return str(refused.value)


async def test_buckets_are_made_with_their_retention(influx: Influx, bucket: str) -> None:
    store = influx_store(influx, bucket)
    await store.open()
    await store.close()
    kept = [kept_s(influx, name) for name in (bucket, f"{bucket}-results", f"{bucket}-archive")]
    assert kept == [30 * 86_400, 0, 0]


async def test_a_raw_bucket_that_is_there_keeps_its_own_rule(influx: Influx, bucket: str) -> None:
    make_bucket(influx, bucket, 7 * 86_400)
    store = influx_store(influx, bucket)
    await store.open()
    await store.close()
    assert kept_s(influx, bucket) == 7 * 86_400


async def test_results_in_a_bucket_that_forgets_are_refused(influx: Influx, bucket: str) -> None:
    make_bucket(influx, f"{bucket}-results", 30 * 86_400)
    words = await refusal(influx_store(influx, bucket))
    assert f"'{bucket}-results' forgets after 30 days" in words


async def test_a_reader_makes_nothing(influx: Influx, bucket: str) -> None:
    assert "no store here yet" in await refusal(influx_store(influx, bucket, create=False))
    with pytest.raises(OSError, match="404"):
        bucket_of(influx, bucket)


async def test_a_wrong_token_fails_at_the_start(influx: Influx, bucket: str) -> None:
    store = InfluxStore(Address.parse(influx.store(bucket)), Access(token=Secret("wrong")))
    words = await refusal(store)
    assert "token is not accepted" in words
    assert influx.url.removeprefix("http://") in words
    assert f"'{influx.org}'" in words
    assert f"'{bucket}'" in words
    assert "wrong" not in words


async def test_a_wrong_organisation_fails_at_the_start(influx: Influx, bucket: str) -> None:
    words = await refusal(influx_store(influx._replace(org="nobody"), bucket))
    assert 'organization name "nobody" not found' in words


async def test_a_token_for_just_the_buckets_is_enough(influx: Influx, bucket: str) -> None:
    ids = [make_bucket(influx, f"{bucket}{suffix}") for suffix in ("", "-results", "-archive")]
    store = InfluxStore(Address.parse(influx.store(bucket)), token_for(influx, *ids))
    await store.open()
    await store.write([power(0)])
    assert len(await store.accounts()) == 1
    await store.close()


async def test_a_bucket_that_the_token_may_not_make_is_named(influx: Influx, bucket: str) -> None:
    ids = [make_bucket(influx, f"{bucket}{suffix}") for suffix in ("", "-results")]
    words = await refusal(InfluxStore(Address.parse(influx.store(bucket)), token_for(influx, *ids)))
    assert f"influx bucket create --name {bucket}-archive" in words


async def test_a_bucket_that_the_token_may_only_read_is_found_by_the_test_write(
    influx: Influx, bucket: str
) -> None:
    ids = [make_bucket(influx, f"{bucket}{suffix}") for suffix in ("", "-results", "-archive")]
    org = org_id(influx)
    rights = [{"action": "read", "resource": {"type": "buckets", "id": each, "orgID": org}} for each in ids]
    made: Any = influx.call("POST", "/api/v2/authorizations", {"orgID": org, "permissions": rights})
    store = InfluxStore(Address.parse(influx.store(bucket)), Access(token=Secret(made["token"])))
    assert "needs read and write" in await refusal(store)


async def test_a_newer_schema_is_left_alone(influx: Influx, bucket: str) -> None:
    make_bucket(influx, f"{bucket}-results")
    write_line(influx, f"{bucket}-results", "e3p schema=99i 0")
    with pytest.raises(StoreTooNew, match="schema 99"):
        await influx_store(influx, bucket).open()


async def test_a_server_that_is_away_is_unavailable(influx: Influx) -> None:
    away = influx._replace(url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(StoreUnavailable, match="Connection refused"):
        await influx_store(away, "b").open()


async def test_no_tls_where_it_is_asked_for_says_what_is_right(influx: Influx, bucket: str) -> None:
    address = Address.parse(influx.store(bucket).replace("influxdb://", "influxdbs://"))
    with pytest.raises(UserError, match="without it, it is influxdb://"):
        await InfluxStore(address, Access(token=Secret("x"))).open()


async def test_closing_and_opening_again_is_the_same_store(influx: Influx, bucket: str) -> None:
    store = influx_store(influx, bucket)
    for _ in range(2):
        await store.open()
        await store.write([power(0)])
        await store.close()
    await store.open()
    assert [len(each.stored) for each in await store.accounts()] == [1]
    await store.close()
