"""What `e3p doctor` tells on a device, and by its exit code: whether the agent can do its work there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import anyio
import pytest

from e3p import broker_check
from e3p.pki.folder import Pki
from e3p.pki.templates import SERVER
from tests.commands import Said, e3p
from tests.integration.test_doctor_broker import collecting
from tests.securing import SecuredMosquitto, at, client_folder, made_pki

# The library drops the socket of a failed handshake without closing it; the interpreter closes it at once.
pytestmark = [
    pytest.mark.anyio,
    pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning"),
]
SYNTHETIC = '[[edge.sensors]]\ndriver = "synthetic"\nstream = "board"\n'


class Told(NamedTuple):
    """What the doctor says of a topic, and whether that is in the way."""

    words: str
    in_the_way: bool


def told(said: Said) -> dict[str, Told]:
    """By topic, the last of each."""
    findings = json.loads(said.out)["findings"]
    return {
        each["topic"]: Told(each["words"], in_the_way=each["needed"] and not each["well"])
        for each in findings
    }


def doctor(folder: Path, settings: str, *words: str) -> Said:
    """Asked on a device with these settings."""
    file = folder / "e3p.toml"
    file.write_text(settings)
    return e3p("doctor", "--json", "--config", file, *words)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings and no store lie in the folder of a test, and nobody is waited for long."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(broker_check, "CONNECT_S", 0.5)


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    return made_pki(tmp_path / "pki", "n1")


def of_node(broker: SecuredMosquitto, pki: Pki, node: str = "n1") -> str:
    """A device's settings, with the certificate of `n1`."""
    own = client_folder(pki, "n1")
    files = {"mqtt_ca": own / "ca.pem", "mqtt_cert": own / "cert.pem", "mqtt_key": own / "key.pem"}
    lines = [f'mqtt = "{broker.url}"', *(f'{key} = "{path}"' for key, path in files.items())]
    return "\n".join([*lines, f'[edge]\nnode = "{node}"', SYNTHETIC])


async def test_all_is_well_where_the_collector_answers(
    pki: Pki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_check, "CONNECT_S", 20)
    with SecuredMosquitto(pki, tmp_path) as broker:
        async with collecting(broker.common(SERVER), tmp_path):
            said = await anyio.to_thread.run_sync(doctor, tmp_path, of_node(broker, pki))
    assert not [topic for topic, each in told(said).items() if each.in_the_way], said.out
    assert said.status == 0


def test_an_expired_certificate_is_in_the_way(pki: Pki, tmp_path: Path) -> None:
    Pki(pki.folder, at(-40)).issue_client("n1", "node", 30, renew=True)
    with SecuredMosquitto(pki, tmp_path) as broker:
        said = doctor(tmp_path, of_node(broker, pki))
    assert said.status == 1
    assert told(said)["certificate"].in_the_way
    assert "refuses it as expired" in told(said)["broker"].words


def test_a_certificate_of_another_authority_is_in_the_way(pki: Pki, tmp_path: Path) -> None:
    stranger = made_pki(tmp_path / "stranger", "n1")
    with SecuredMosquitto(pki, tmp_path) as broker:
        settings = of_node(broker, stranger).replace(
            str(client_folder(stranger, "n1") / "ca.pem"), str(pki.folder / "ca.pem")
        )
        said = doctor(tmp_path, settings)
    assert said.status == 1
    assert told(said)["broker"].in_the_way
    assert "does not know the authority that signed it" in told(said)["broker"].words


def test_a_certificate_of_another_name_is_in_the_way(pki: Pki, tmp_path: Path) -> None:
    with SecuredMosquitto(pki, tmp_path) as broker:
        said = doctor(tmp_path, of_node(broker, pki, node="n2"))
    assert said.status == 1
    assert told(said)["certificate"].in_the_way
    assert "it is for 'n1', and this node is 'n2'" in told(said)["certificate"].words


def test_a_broker_that_nobody_named_is_not_in_the_way(tmp_path: Path) -> None:
    said = doctor(tmp_path, SYNTHETIC)
    assert said.status == 0
    assert not told(said)["broker"].in_the_way


def test_the_sensor_that_is_set_is_tried_and_no_other(tmp_path: Path) -> None:
    said = doctor(tmp_path, SYNTHETIC)
    (sensor,) = [each for each in json.loads(said.out)["findings"] if each["topic"] == "sensor"]
    assert (sensor["name"], sensor["well"]) == ("synthetic", True)
    assert sensor["words"].startswith("board, as it is set; ")


def test_a_sensor_that_is_set_and_does_not_work_is_in_the_way(tmp_path: Path) -> None:
    said = doctor(tmp_path, '[[edge.sensors]]\ndriver = "rapls"\n')
    assert said.status == 1
    assert told(said)["sensor"].in_the_way
    assert "sensor 'rapls' is unknown; there are" in told(said)["sensor"].words


def test_a_device_is_told_of_no_store_unless_one_is_set(tmp_path: Path) -> None:
    assert "store" not in told(doctor(tmp_path, SYNTHETIC))
    said = doctor(tmp_path, SYNTHETIC, "--store", "sqlite:///none.db")
    assert "no store here" in told(said)["store"].words


def test_what_is_in_the_way_begins_with_two_signs(tmp_path: Path) -> None:
    (tmp_path / "e3p.toml").write_text('[[edge.sensors]]\ndriver = "rapls"\n')
    lines = e3p("doctor").out.splitlines()
    assert [line[:2] for line in lines if " sensor " in line] == ["!!"]
    assert [line[:2] for line in lines if " broker " in line] == ["--"]
