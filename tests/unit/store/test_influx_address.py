"""The URL of an InfluxDB 2 names it, or says what would; nothing secret stands in it or is repeated."""

from __future__ import annotations

import pytest

from telemetry.contract.errors import UserError
from telemetry.contract.secret import Secret
from telemetry.store.access import Access
from telemetry.store.influx import Address
from telemetry.store.open import open_store

URL = "influxdb://db.local:9999/?org=lab&bucket=fleet"
TOKEN = Access(token=Secret("s3cret"))


def test_a_url_names_host_port_organisation_and_bucket() -> None:
    address = Address.parse(URL)
    assert (address.base, address.org, address.bucket) == ("http://db.local:9999", "lab", "fleet")
    assert address.url == URL


def test_the_port_is_8086_unless_told() -> None:
    assert Address.parse("influxdb://h/?org=o&bucket=b").port == 8086


def test_tls_is_a_scheme_of_its_own() -> None:
    assert Address.parse("influxdbs://[::1]/?org=o&bucket=b").base == "https://[::1]:8086"


def test_odd_names_survive_the_url() -> None:
    address = Address.parse("influxdb://h/?org=My%20Lab%26Co&bucket=a+b")
    assert (address.org, address.bucket) == ("My Lab&Co", "a b")
    assert Address.parse(address.url) == address


def test_the_other_buckets_are_named_after_the_first() -> None:
    assert Address.parse(URL).buckets == ("fleet", "fleet-results", "fleet-archive", "fleet-long")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("influxdb://h/?bucket=b", "org= is missing"),
        ("influxdb://h/?org=o", "bucket= is missing"),
        ("influxdb://h/?org=o&bucket=", "bucket= is missing"),
        ("influxdb:///?org=o&bucket=b", "a host"),
        ("influxdb://h:0/?org=o&bucket=b", "a port"),
        ("influxdb://h:x/?org=o&bucket=b", "Port could not be cast"),
        ("influxdb://h/db?org=o&bucket=b", "nothing else"),
        ("influxdb://h/?org=o&bucket=b&tls=true", "'tls' is no part"),
        ("influxdb://h/?org=o&bucket=a/b", "without /"),
        ("influxdb://h/?org=o&bucket=_x", "does not begin with _"),
    ],
)
def test_any_other_url_says_what_would_be_right(url: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        Address.parse(url)


@pytest.mark.parametrize(
    "url",
    [
        "influxdb://s3cret@h/?org=o&bucket=b",
        "influxdb://me:s3cret@h/?org=o&bucket=b",
        "influxdb://h/?org=o&bucket=b&token=s3cret",
    ],
)
def test_a_token_in_the_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UserError, match="E3P_STORE_TOKEN") as refused:
        Address.parse(url)
    assert "s3cret" not in str(refused.value)


def test_a_store_without_its_token_says_where_it_belongs() -> None:
    with pytest.raises(UserError, match="E3P_STORE_TOKEN"):
        open_store(URL)


def test_a_token_that_no_header_can_carry_is_refused_and_not_repeated() -> None:
    with pytest.raises(UserError, match="signs that no token has") as refused:
        open_store(URL, access=Access(token=Secret("s3cret\n")))
    assert "s3cret" not in str(refused.value)


def test_nothing_that_is_printed_of_a_store_shows_its_token() -> None:
    store = open_store(URL, access=TOKEN)
    assert "s3cret" not in f"{store!r} {store.url} {TOKEN!r} {vars(store)!r}"
