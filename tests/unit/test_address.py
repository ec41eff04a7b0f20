from __future__ import annotations

from pathlib import Path

import pytest

from telemetry.contract.errors import UserError
from telemetry.contract.secret import Secret
from telemetry.runtime.common import Common
from telemetry.runtime.mqtt import Address, Link, Tls


def test_a_plain_url_takes_the_port_of_mqtt() -> None:
    assert Address.parse("mqtt://broker.lan") == Address("broker.lan", 1883)


def test_a_secure_url_takes_the_port_of_mqtts_and_the_systems_authorities() -> None:
    assert Address.parse("mqtts://user@broker:8884") == Address("broker", 8884, Tls(), "user")
    assert Address.parse("mqtts://broker").port == 8883


def test_an_ipv6_address_keeps_its_brackets_in_the_url() -> None:
    address = Address.parse("mqtt://[::1]:1884")
    assert (address.host, address.port, address.url) == ("::1", 1884, "mqtt://[::1]:1884")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://broker", "mqtt:// or mqtts://"),
        ("broker", "mqtt:// or mqtts://"),
        ("", "mqtt:// or mqtts://"),
        ("mqtt://", "host name"),
        ("mqtt://:1883", "host name"),
        ("mqtt://" + "a" * 70, "host name"),
        ("mqtt://a b", "host name"),
        ("mqtt://broker:0", "port"),
        ("mqtt://broker:99999", "ort"),
        ("mqtt://broker:x", "ort"),
        ("mqtt://[::1", "IPv6"),
        ("mqtt://broker/topic", "nothing follows"),
        ("mqtt://broker?x=1", "nothing follows"),
    ],
)
def test_a_bad_url_is_refused_with_what_would_be_right(url: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        Address.parse(url)


@pytest.mark.parametrize("url", ["mqtt://user:hunter2@broker", "mqtt://user:hunter2@broker:x"])
def test_a_password_in_the_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(UserError) as caught:
        Address.parse(url)
    assert "hunter2" not in str(caught.value)


def test_a_password_shows_in_no_representation() -> None:
    address = Address.parse("mqtt://user@broker", password=Secret("hunter2"))
    assert "hunter2" not in f"{address!r} {address.url}"


@pytest.mark.anyio
async def test_a_link_shows_no_password() -> None:
    link = Link(Address.parse("mqtt://user@broker", password=Secret("hunter2")), client_id="me")
    assert "hunter2" not in repr(link)


def test_a_password_without_a_user_is_refused() -> None:
    with pytest.raises(UserError, match="needs its user"):
        Address.parse("mqtt://broker", password=Secret("x"))


def test_certificates_without_tls_are_refused() -> None:
    with pytest.raises(UserError, match="mqtts:// only"):
        Common(mqtt="mqtt://broker", mqtt_ca="ca.pem").address()


def test_a_missing_authority_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"mqtt_ca .*none\.pem"):
        Tls(ca=str(tmp_path / "none.pem")).context()


def test_a_file_that_is_no_certificate_is_refused_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "cert.pem"
    path.write_text("no certificate")
    with pytest.raises(UserError, match=r"mqtt_cert .*cert\.pem"):
        Tls(cert=str(path)).context()


def test_a_key_without_its_certificate_is_refused() -> None:
    with pytest.raises(UserError, match="mqtt_cert"):
        Tls(key="key.pem").context()


def test_a_password_is_read_from_the_first_line_of_its_file(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("hunter2\n")
    address = Common(mqtt="mqtt://user@broker", mqtt_password_file=str(path)).address()
    assert address.password == Secret("hunter2")


@pytest.mark.parametrize("content", ["", "\n"])
def test_an_empty_password_file_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "password"
    path.write_text(content)
    with pytest.raises(UserError, match="first line"):
        Common(mqtt="mqtt://user@broker", mqtt_password_file=str(path)).address()
