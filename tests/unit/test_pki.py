from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from cryptography import x509

from e3p.pki.authority import hosts_of, serial_of, serials_of
from e3p.pki.templates import ACL, mosquitto_settings
from e3p.settings import load
from tests.commands import Said, e3p
from tests.securing import at, made_pki

DEPLOY = Path(__file__).parents[2] / "deploy" / "mosquitto"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made_pki(tmp_path / "pki", "n1")
    return tmp_path / "pki"


def pki(folder: Path, *words: object) -> Said:
    return e3p("pki", *words, "--dir", folder)


def test_two_commands_make_all_that_a_deployment_needs(tmp_path: Path) -> None:
    assert e3p("pki", "init", tmp_path / "pki", "--host", "broker.lan", "--host", "192.0.2.7").status == 0
    assert pki(tmp_path / "pki", "node", "tx2-07", "bench").status == 0
    made = {
        str(path.relative_to(tmp_path / "pki")) for path in (tmp_path / "pki").rglob("*") if path.is_file()
    }
    client = {"cert.pem", "key.pem", "ca.pem", "e3p.toml"}
    broker = {"broker.pem", "broker.key", "ca.pem", "crl.pem", "acl", "mosquitto.conf"}
    folders = {"broker": broker, "server": client, "nodes/tx2-07": client, "nodes/bench": client}
    assert made == {"ca.pem", "ca.key"} | {f"{at}/{name}" for at, names in folders.items() for name in names}
    assert hosts_of((tmp_path / "pki/broker/broker.pem").read_bytes()) == ["broker.lan", "192.0.2.7"]


def test_keys_are_for_their_owner_only(folder: Path) -> None:
    keys = [*folder.rglob("*.key"), *folder.rglob("key.pem")]
    assert len(keys) == 4
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


def test_a_node_folder_holds_settings_that_e3p_takes(folder: Path) -> None:
    settings = load(folder / "nodes" / "n1" / "e3p.toml")
    assert settings.edge.node == "n1"
    assert settings.common.mqtt == "mqtts://localhost:8883"
    assert settings.common.mqtt_key == "/etc/e3p/key.pem"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("init", "{dir}", "--host", "x"), "an authority is here already"),
        (("node", "n1", "--dir", "{dir}"), "is here already; --renew"),
        (("node", "n2", "--renew", "--dir", "{dir}"), "nothing to renew"),
        (("node", "fleet", "--dir", "{dir}"), "neither fleet nor e3p-server"),
        (("node", "e3p-server", "--dir", "{dir}"), "neither fleet nor e3p-server"),
        (("node", "../n2", "--dir", "{dir}"), "1-64 of A-Z a-z 0-9"),
        (("node", "n2", "--dir", "{dir}/none"), "`e3p pki init` makes one"),
        (("revoke", "n2", "--dir", "{dir}"), "no certificate of 'n2' here; nodes are: n1"),
        (
            ("broker", "--host", "no host", "--renew", "--dir", "{dir}"),
            "a host name or IP address",
        ),
        (("init", "{dir}/other"), "--host: name the broker as clients do"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_changes_nothing(
    folder: Path, words: tuple[str, ...], said: str
) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    outcome = e3p("pki", *(word.format(dir=folder) for word in words))
    assert outcome.status == 2
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_renewed_broker_keeps_its_names(folder: Path) -> None:
    path = folder / "broker" / "broker.pem"
    before = path.read_bytes()
    assert pki(folder, "broker", "--renew").status == 0
    assert serial_of(path.read_bytes()) != serial_of(before)
    assert hosts_of(path.read_bytes()) == hosts_of(before)


def test_a_revoked_name_is_on_the_list_and_free_again(folder: Path) -> None:
    first = serial_of((folder / "nodes/n1/cert.pem").read_bytes())
    assert pki(folder, "revoke", "n1").status == 0
    assert pki(folder, "node", "n1").status == 0
    second = serial_of((folder / "nodes/n1/cert.pem").read_bytes())
    assert pki(folder, "revoke", "n1").status == 0
    assert serials_of((folder / "broker/crl.pem").read_bytes()) == [first, second]


def test_no_certificate_outlives_its_authority(folder: Path) -> None:
    assert pki(folder, "node", "n2", "--days", 7300).status == 0
    authority = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    node = x509.load_pem_x509_certificate((folder / "nodes/n2/cert.pem").read_bytes())
    assert node.not_valid_after_utc <= authority.not_valid_after_utc


def test_a_certificate_may_be_valid_as_long_as_its_authority(tmp_path: Path) -> None:
    assert e3p("pki", "init", tmp_path, "--host", "x.lan", "--days", 1, "--ca-days", 1).status == 0
    assert pki(tmp_path, "list").status == 0


def test_an_authority_that_has_expired_signs_nothing_more(tmp_path: Path) -> None:
    made_pki(tmp_path / "pki", now=at(-400))
    said = pki(tmp_path / "pki", "node", "n1")
    assert said.status == 2
    assert f"ca.pem: the authority expired {at(-100).date()}" in said.err


@pytest.mark.parametrize(
    ("file", "words"),
    [("broker/crl.pem", ("revoke", "n1")), ("broker/broker.pem", ("broker", "--renew"))],
)
@pytest.mark.parametrize("content", [None, b"garbage"])
def test_a_damaged_file_is_one_line(
    folder: Path, file: str, words: tuple[str, ...], content: bytes | None
) -> None:
    (folder / file).unlink()
    if content:
        (folder / file).write_bytes(content)
    said = pki(folder, *words)
    assert said.status == 2
    assert said.err.count("\n") == 1
    assert file in said.err


def test_a_host_may_be_called_in_any_script(tmp_path: Path) -> None:
    assert e3p("pki", "init", tmp_path, "--host", "bücher.lan").status == 0
    assert hosts_of((tmp_path / "broker/broker.pem").read_bytes()) == ["xn--bcher-kva.lan"]


def test_the_list_says_what_expires_when(folder: Path) -> None:
    said = pki(folder, "list", "--json")
    rows = json.loads(said.out)["certificates"]
    assert said.status == 0
    assert [(row["name"], row["unit"]) for row in rows][1:] == [
        ("localhost", "broker"),
        ("e3p-server", "server"),
        ("n1", "node"),
    ]
    assert {row["days_left"] for row in rows[1:]} == {29}


def test_the_list_answers_no_when_something_has_expired(tmp_path: Path) -> None:
    made_pki(tmp_path / "pki", "n1", now=at(-40))
    assert pki(tmp_path / "pki", "list").status == 1


def test_the_files_in_deploy_are_those_that_init_writes() -> None:
    assert (DEPLOY / "acl").read_text() == ACL
    assert (DEPLOY / "mosquitto.conf").read_text() == mosquitto_settings(Path("/mosquitto/certs"), 8883)
