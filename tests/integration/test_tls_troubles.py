"""What a person reads when TLS with a real Mosquitto fails: one line that says who has to mend what."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from e3p.pki.folder import Pki
from telemetry.runtime import handshake, mqtt
from telemetry.runtime.common import Common
from telemetry.runtime.handshake import tls_trouble
from telemetry.runtime.mqtt import Link, Retry
from tests.securing import SecuredMosquitto, at, common, made_pki
from tests.servers import Mosquitto, find_mosquitto, missing_server

# The library drops the socket of a failed handshake without closing it; the interpreter closes it at once.
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),
]


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return made_pki(tmp_path / "pki", "n1")


@pytest.fixture
def broker(pki: Pki, tmp_path: Path) -> Iterator[SecuredMosquitto]:
    with SecuredMosquitto(pki, tmp_path) as running:
        yield running


def trouble(settings: Common) -> str | None:
    return tls_trouble(settings.address())


def test_there_is_no_trouble_with_the_right_certificate(broker: SecuredMosquitto) -> None:
    assert trouble(broker.common("n1")) is None


def test_an_expired_certificate_of_ours_is_said_with_its_date(broker: SecuredMosquitto, pki: Pki) -> None:
    Pki(pki.folder, at(-40)).issue_client("n1", "node", 30, renew=True)
    words = trouble(broker.common("n1")) or ""
    assert words.startswith("mqtt_cert ")
    assert f"refuses it as expired (it is valid until {at(-10).date()})" in words


def test_a_revoked_certificate_is_refused_as_soon_as_the_broker_has_the_list(
    broker: SecuredMosquitto, pki: Pki
) -> None:
    kept = pki.revoke("n1")
    broker.restart()
    settings = Common(
        mqtt=broker.url,
        mqtt_ca=str(kept / "ca.pem"),
        mqtt_cert=str(kept / "cert.pem"),
        mqtt_key=str(kept / "key.pem"),
    )
    assert "the broker refuses it as revoked" in (trouble(settings) or "")


def test_a_certificate_of_a_stranger_is_refused(broker: SecuredMosquitto, pki: Pki, tmp_path: Path) -> None:
    stranger = made_pki(tmp_path / "stranger", "n1")
    settings = common(stranger, broker.url, "n1", ca=pki.folder / "ca.pem")
    assert "the broker does not know the authority that signed it" in (trouble(settings) or "")


def test_the_brokers_own_certificate_lets_no_client_in(broker: SecuredMosquitto, pki: Pki) -> None:
    own = pki.broker
    settings = Common(
        mqtt=broker.url,
        mqtt_ca=str(own / "ca.pem"),
        mqtt_cert=str(own / "broker.pem"),
        mqtt_key=str(own / "broker.key"),
    )
    assert "not made for a client" in (trouble(settings) or "")


def test_a_broker_that_asks_for_a_certificate_says_so(broker: SecuredMosquitto) -> None:
    words = "the broker asks for a certificate: name one in mqtt_cert and mqtt_key"
    assert trouble(broker.common(None)) == words


def test_a_broker_of_a_stranger_is_told_with_our_file(broker: SecuredMosquitto, tmp_path: Path) -> None:
    ca = made_pki(tmp_path / "stranger").folder / "ca.pem"
    words = f"the broker's certificate is not signed by the authority in mqtt_ca {ca}"
    assert trouble(broker.common("n1", ca=ca)) == words


def test_without_an_authority_of_ours_the_setting_is_named(broker: SecuredMosquitto) -> None:
    assert "name its own in mqtt_ca" in (trouble(Common(mqtt=broker.url)) or "")


def test_a_broker_under_another_name_is_not_believed(broker: SecuredMosquitto, pki: Pki) -> None:
    settings = Common(mqtt=f"mqtts://127.0.0.2:{broker.port}", mqtt_ca=str(pki.folder / "ca.pem"))
    assert "is not made for the name 127.0.0.2; `e3p pki broker --renew --host" in (trouble(settings) or "")


def test_a_node_does_not_pass_for_the_broker(pki: Pki, tmp_path: Path) -> None:
    """Whoever holds a node's key listens under the broker's address: the other nodes turn away."""
    binary = find_mosquitto()
    if binary is None:
        missing_server("no Mosquitto: apt-get install mosquitto")
    thief = pki.issue_client("thief", "node", 30)
    files = [f"certfile {thief / 'cert.pem'}", f"keyfile {thief / 'key.pem'}"]
    with Mosquitto(binary, tmp_path, ["allow_anonymous true", "user root", *files]) as listening:
        words = trouble(common(pki, f"mqtts://localhost:{listening.port}", "n1"))
    assert words is not None


@pytest.mark.parametrize(
    ("days", "said"), [(-40, "has expired"), (40, "is not valid yet: is this clock right?")]
)
def test_a_brokers_certificate_out_of_its_time_is_said(
    pki: Pki, tmp_path: Path, days: int, said: str
) -> None:
    Pki(pki.folder, at(days)).issue_broker([], 30, renew=True)
    with SecuredMosquitto(pki, tmp_path) as broker:
        assert said in (trouble(broker.common("n1")) or "")


def test_a_port_without_tls_is_said_to_be_one(pki: Pki, mosquitto: Mosquitto) -> None:
    words = trouble(common(pki, f"mqtts://localhost:{mosquitto.port}", "n1"))
    assert words is None or "no TLS is spoken on this port" in words


def test_a_broker_that_is_not_there_is_no_trouble_of_tls(pki: Pki) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        assert trouble(common(pki, f"mqtts://localhost:{nobody.getsockname()[1]}", "n1")) is None


async def test_the_link_says_the_trouble_and_comes_back_with_a_renewed_certificate(
    broker: SecuredMosquitto, pki: Pki, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A new certificate is laid in the place of the expired one; nothing is restarted."""
    monkeypatch.setattr(mqtt, "ANSWER_S", 0.5)
    monkeypatch.setattr(handshake, "ALERT_S", 0.3)
    Pki(pki.folder, at(-40)).issue_client("n1", "node", 30, renew=True)

    async def renew_and_wait(_: float) -> None:
        pki.issue_client("n1", "node", 30, renew=True)
        await anyio.sleep(0.01)

    link = Link(broker.common("n1").address(), client_id="n1-a", retry=Retry(sleep=renew_and_wait))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.run)
        with anyio.fail_after(20):
            await link.until_connected()
        tasks.cancel_scope.cancel()
    lost = [record for record in caplog.records if record.getMessage() == "broker lost"]
    assert "refuses it as expired" in lost[0].__dict__["facts"]["why"]
