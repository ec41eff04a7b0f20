"""The link to a Mosquitto that asks for certificates and a password."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from telemetry.contract.errors import UserError
from telemetry.contract.secret import Secret
from telemetry.runtime import mqtt
from telemetry.runtime.common import Common
from telemetry.runtime.mqtt import Link, Retry
from tests.servers import Mosquitto, missing_server, need_mosquitto

pytestmark = pytest.mark.anyio


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, the certificates of a broker and a node, and a stranger's authority."""
    if shutil.which("openssl") is None:
        missing_server("no openssl: apt-get install openssl")
    folder = tmp_path_factory.mktemp("papers")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    for authority in ("ca", "stranger"):
        subject = ["-subj", f"/CN={authority}", "-addext", "keyUsage=keyCertSign"]
        files = ["-keyout", f"{authority}.key", "-out", f"{authority}.pem"]
        openssl(folder, "req", "-x509", *key, *subject, *files)
    (folder / "san").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    for name in ("broker", "node"):
        files = ["-keyout", f"{name}.key", "-out", f"{name}.csr"]
        openssl(folder, "req", *key[:-2], "-subj", f"/CN={name}", *files)
        signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "san", "-days", "2"]
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *signed)
    return folder


def serve(folder: Path, *lines: str) -> Iterator[int]:
    """A Mosquitto with these lines in its configuration; gives its port."""
    with Mosquitto(need_mosquitto(), folder, [*lines, "user root"]) as broker:
        yield broker.port


@pytest.fixture
def tls_port(papers: Path, tmp_path: Path) -> Iterator[int]:
    yield from serve(
        tmp_path,
        "allow_anonymous true",
        f"cafile {papers / 'ca.pem'}",
        f"certfile {papers / 'broker.pem'}",
        f"keyfile {papers / 'broker.key'}",
        "require_certificate true",
    )


@pytest.fixture
def password_port(tmp_path: Path) -> Iterator[int]:
    if shutil.which("mosquitto_passwd") is None:
        missing_server("no mosquitto_passwd: apt-get install mosquitto")
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(passwords), "node", "right"], check=True)
    yield from serve(tmp_path, "allow_anonymous false", f"password_file {passwords}")


@pytest.fixture(autouse=True)
def _short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that turns a client away inside TLS does not answer it at all."""
    monkeypatch.setattr(mqtt, "ANSWER_S", 0.5)


async def outcome(settings: Common) -> list[float]:
    """The waits after tries that failed, two at least; none when it connected at once."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await anyio.sleep(0.01)

    link = Link(settings.address(), client_id="node", retry=Retry(chance=lambda: 1.0, sleep=sleep))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.run)
        with anyio.fail_after(20):
            while not link.connected and len(waits) < 2:  # noqa: ASYNC110 - a link that fails has no event
                await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()
    return waits


def secured(
    port: int, papers: Path, ca: str = "ca", node: str | None = "node", host: str = "127.0.0.1"
) -> Common:
    return Common(
        mqtt=f"mqtts://127.0.0.1:{port}",
        mqtt_ca=str(papers / f"{ca}.pem"),
        mqtt_cert=str(papers / f"{node}.pem") if node else None,
        mqtt_key=str(papers / f"{node}.key") if node else None,
    )


async def test_a_node_with_its_certificate_is_let_in(tls_port: int, papers: Path) -> None:
    assert await outcome(secured(tls_port, papers)) == []


async def test_a_node_without_certificate_is_not_let_in_and_keeps_trying(tls_port: int, papers: Path) -> None:
    assert len(await outcome(secured(tls_port, papers, node=None))) >= 2


# paho drops the socket of a failed handshake without closing it; the interpreter closes it at once.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
async def test_a_broker_of_another_authority_is_not_trusted(tls_port: int, papers: Path) -> None:
    assert len(await outcome(secured(tls_port, papers, ca="stranger"))) >= 2


async def test_a_plain_connection_to_a_secured_port_keeps_trying(tls_port: int) -> None:
    assert len(await outcome(Common(mqtt=f"mqtt://127.0.0.1:{tls_port}"))) >= 2


def test_a_key_that_is_not_the_certificates_is_refused_at_once(papers: Path) -> None:
    pair = Common(
        mqtt="mqtts://broker", mqtt_cert=str(papers / "node.pem"), mqtt_key=str(papers / "broker.key")
    )
    tls = pair.address().tls
    assert tls is not None
    with pytest.raises(UserError, match=r"mqtt_cert .*node\.pem with mqtt_key .*broker\.key"):
        tls.context()


async def test_the_right_password_is_let_in(password_port: int) -> None:
    settings = Common(mqtt=f"mqtt://node@127.0.0.1:{password_port}", mqtt_password=Secret("right"))
    assert await outcome(settings) == []


@pytest.mark.parametrize("password", [Secret("wrong"), None])
async def test_a_wrong_password_is_tried_again_slowly(password_port: int, password: Secret | None) -> None:
    settings = Common(mqtt=f"mqtt://node@127.0.0.1:{password_port}", mqtt_password=password)
    assert (await outcome(settings))[:2] == [30.0, 30.0]
