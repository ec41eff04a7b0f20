"""What `e3p doctor` tells a person on a node whose broker has rights: a real Mosquitto, a collector."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from collector.app import Collector
from collector.settings import CollectorSettings
from e3p import broker_check
from e3p.broker_check import examine_broker
from e3p.finding import Finding
from e3p.pki.folder import Pki
from e3p.pki.templates import SERVER
from e3p.settings import Settings, load
from telemetry.runtime.common import Common
from telemetry.runtime.service import run_services
from telemetry.store.sqlite import SqliteStore
from tests.securing import SecuredMosquitto, at, made_pki
from tests.servers import Mosquitto, find_mosquitto, missing_server

# The library drops the socket of a failed handshake without closing it; the interpreter closes it at once.
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),
]


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return made_pki(tmp_path / "pki", "n1", "n2")


@pytest.fixture
def broker(pki: Pki, tmp_path: Path) -> Iterator[SecuredMosquitto]:
    with SecuredMosquitto(pki, tmp_path) as running:
        yield running


@asynccontextmanager
async def collecting(common: Common, folder: Path) -> AsyncIterator[None]:
    """A collector at work."""
    store = SqliteStore(folder / "e3p.db")
    await store.open()
    collector = Collector(CollectorSettings(), store, common.address())
    stop = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: run_services(collector.services, stop=stop))
        with anyio.fail_after(20):
            await collector.link.until_connected()
            await collector.time_link.until_connected()
        yield
        stop.set()
    await store.close()


def settings_of(common: Common, node: str) -> Settings:
    return load(
        edge__node=node,
        mqtt=common.mqtt,
        mqtt_ca=common.mqtt_ca,
        mqtt_cert=common.mqtt_cert,
        mqtt_key=common.mqtt_key,
    )


async def findings(common: Common, node: str, *, device: bool = True) -> dict[str, Finding]:
    found = await examine_broker(settings_of(common, node), device=device)
    return {each.topic: each for each in found}


async def test_all_is_well_on_a_node_with_its_own_certificate(
    broker: SecuredMosquitto, tmp_path: Path
) -> None:
    async with collecting(broker.common(SERVER), tmp_path):
        found = await findings(broker.common("n1"), "n1")
    assert [each.topic for each in found.values() if each.well] == [
        "certificate",
        "broker",
        "rights",
        "clock",
    ]
    assert f"expires {at(30).date()}, 29 days left: renew it soon" in found["certificate"].words
    assert found["rights"].words == "its own topics are open, those of others are not"


async def test_all_is_well_on_the_server(broker: SecuredMosquitto, tmp_path: Path) -> None:
    async with collecting(broker.common(SERVER), tmp_path):
        found = await findings(broker.common(SERVER), "whatever", device=False)
    assert all(each.well for each in found.values())
    assert found["certificate"].words.endswith("`e3p pki server --renew`")


async def test_a_node_with_anothers_certificate_is_told_of_both_names(
    broker: SecuredMosquitto, tmp_path: Path
) -> None:
    """The broker takes every publish and answers nothing: `stored` never comes, and no log says why."""
    async with collecting(broker.common(SERVER), tmp_path):
        found = await findings(broker.common("n2"), "n1")
    assert found["broker"].well
    assert not found["certificate"].well
    assert "it is for 'n2', and this node is 'n1'" in found["certificate"].words
    assert not found["rights"].well
    assert "its topics are for a certificate of n1 only" in found["rights"].words


async def test_the_servers_certificate_is_not_one_for_a_device(broker: SecuredMosquitto) -> None:
    found = await findings(broker.common(SERVER), "n1")
    assert found["certificate"].is_in_the_way
    assert "it is the server's: on a device use that of `e3p pki node n1`" in found["certificate"].words


async def test_without_a_collector_the_silence_has_two_causes(broker: SecuredMosquitto) -> None:
    found = await findings(broker.common("n1"), "n1")
    assert not found["rights"].well
    assert "no collector runs, or the broker denies it in silence" in found["rights"].words


async def test_a_broker_without_our_rights_is_told_of(pki: Pki, tmp_path: Path) -> None:
    binary = find_mosquitto()
    if binary is None:
        missing_server("no Mosquitto: apt-get install mosquitto")
    own = pki.broker
    files = [f"cafile {own / 'ca.pem'}", f"certfile {own / 'broker.pem'}", f"keyfile {own / 'broker.key'}"]
    with Mosquitto(binary, tmp_path, ["allow_anonymous true", "user root", *files]) as open_broker:
        broker = SecuredMosquitto(pki, tmp_path)
        broker.port = open_broker.port
        async with collecting(broker.common(SERVER), tmp_path):
            found = await findings(broker.common("n1"), "n1")
    assert not found["rights"].well
    assert "writes and reads another node's topics too" in found["rights"].words


async def test_an_expired_certificate_is_told_before_the_broker_is_asked(
    broker: SecuredMosquitto, pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_check, "CONNECT_S", 0.5)
    Pki(pki.folder, at(-40)).issue_client("n1", "node", 30, renew=True)
    found = await findings(broker.common("n1"), "n1")
    assert f"expired {at(-10).date()}: `e3p pki node n1 --renew`" in found["certificate"].words
    assert "the broker refuses it as expired" in found["broker"].words


async def test_a_key_that_others_may_read_is_told(broker: SecuredMosquitto, pki: Pki) -> None:
    (pki.folder / "nodes/n1/key.pem").chmod(0o644)
    found = await findings(broker.common("n1"), "n1")
    assert "key.pem is readable by others: chmod 600" in found["certificate"].words


async def test_files_that_are_not_there_are_a_finding(broker: SecuredMosquitto, pki: Pki) -> None:
    (pki.folder / "nodes/n1/cert.pem").unlink()
    found = await findings(broker.common("n1"), "n1")
    assert "cert.pem: cannot be read (No such file or directory)" in found["broker"].words
