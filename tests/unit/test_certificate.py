from __future__ import annotations

import ssl
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from e3p.pki.authority import Authority
from telemetry.contract.errors import UserError
from telemetry.runtime.certificate import exposition, parse_certificate, read_certificate

NOON = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
AUTHORITY = Authority.made("tests", 36_500, NOON)


def pem(name: str = "n1", days: int = 30) -> bytes:
    return AUTHORITY.issue(name, "node", days).certificate


DER = ssl.PEM_cert_to_DER_cert(pem().decode())


@pytest.mark.parametrize("days", [1, 730, 20_000])
def test_a_certificate_says_whose_it_is_and_until_when(days: int) -> None:
    """20,000 days lie beyond 2049, where the encoding of years changes."""
    found = parse_certificate(ssl.PEM_cert_to_DER_cert(pem("tx2-07", days).decode()))
    assert (found.name, found.unit) == ("tx2-07", "node")
    assert found.begins_s == (NOON - timedelta(days=1)).timestamp()
    assert found.expires_s == (NOON + timedelta(days=days)).timestamp()


def test_days_left_are_whole_and_negative_once_it_expired() -> None:
    found = parse_certificate(DER)
    assert found.days_left((NOON + timedelta(hours=1)).timestamp()) == 29
    assert found.days_left((NOON + timedelta(days=30, hours=1)).timestamp()) == -1


@given(st.binary(max_size=200))
def test_bytes_that_are_no_certificate_are_said_to_be_none(noise: bytes) -> None:
    with pytest.raises(ValueError, match="no certificate"):
        parse_certificate(noise)


@given(st.integers(0, len(DER) - 1), st.integers(0, 255))
def test_a_damaged_certificate_is_read_or_refused_and_nothing_else(at: int, value: int) -> None:
    damaged = bytearray(DER)
    damaged[at] = value
    try:
        parse_certificate(bytes(damaged))
    except ValueError:
        return


def test_the_first_certificate_of_a_file_is_read_whatever_stands_before_it(tmp_path: Path) -> None:
    file = tmp_path / "both.pem"
    file.write_bytes(AUTHORITY.pair.key + pem("first") + pem("second"))
    assert read_certificate(str(file)).name == "first"


@pytest.mark.parametrize(
    "content", [b"", b"-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----", b"\xff"]
)
def test_a_file_without_a_certificate_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "none.pem"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"certificate .*none\.pem: cannot be read"):
        read_certificate(str(file))


def test_the_metric_says_when_the_certificate_expires(tmp_path: Path) -> None:
    file = tmp_path / "cert.pem"
    file.write_bytes(pem())
    expires_s = (NOON + timedelta(days=30)).timestamp()
    line = f'e3p_certificate_expires_timestamp_seconds{{name="n1"}} {expires_s}\n'
    assert exposition(str(file)).decode().endswith(line)


def test_a_program_without_a_certificate_has_no_such_metric(tmp_path: Path) -> None:
    assert exposition(None) == exposition(str(tmp_path / "gone.pem")) == b""
