"""No secret shows anywhere: real commands with secrets set everywhere; all that they say is searched."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from e3p.settings import Settings, load
from telemetry.runtime.common import without_secrets
from tests.commands import e3p
from tests.processes import ROOT
from tests.servers import Mosquitto, find_mosquitto, missing_server

SECRETS = {
    "E3P_MQTT_PASSWORD": "hush-mqtt-7f3a",
    "E3P_HTTP_PASSWORD": "hush-http-91bc",
    "E3P_STORE_TOKEN": "hush-token-5e2d",
}
"""All begin alike, so that one search finds each of them, and their halves."""
MARK = "hush-"
NOBODY = "mqtt://someone@127.0.0.1:1"

CONFIG = """
mqtt = "{url}"
log = "json"
log_level = "debug"
mqtt_password = "hush-file-mqtt"
http_password = "hush-file-http"
store_token = "hush-file-token"

[edge]
node = "n1"
spool = "{folder}/n1.spool"
socket = "{folder}/marks.sock"
metrics_port = 0
drain_s = 0.1

[[edge.sensors]]
driver = "synthetic"

[collector]
metrics_port = 0
[analyzer]
metrics_port = 0
"""

QUICK = [
    ["config", "show"],
    ["config", "show", "--json"],
    ["doctor", "--server"],
    ["doctor", "--server", "--json"],
    ["ledger"],
    ["node", "list"],
    ["dead", "list"],
    ["rank"],
    ["version"],
    ["config", "show", "--mqtt", "nonsense"],
    ["ledger", "--store", "influxdb://127.0.0.1:1/?org=o&bucket=b"],
    ["ledger", "--store", "influxdb://127.0.0.1:1/?org=o&bucket=b&token=wrong"],
    ["collect", "--mqtt", "mqtts://someone@127.0.0.1:bad"],
    ["node", "list", "--nonsense"],
]
LONG = [["serve", "--port", "0"], ["collect"], ["analyze"], ["edge"]]


@pytest.fixture
def secretive(tmp_path: Path) -> dict[str, str]:
    """An environment with every secret set; the file of settings has others, which the environment hides."""
    (tmp_path / "e3p.toml").write_text(CONFIG.format(url=NOBODY, folder=tmp_path))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("E3P_")}
    return {**clean, **SECRETS, "PYTHONPATH": str(ROOT), "E3P_STORE": f"sqlite:///{tmp_path / 'e3p.db'}"}


def run(folder: Path, env: dict[str, str], words: list[str]) -> str:
    command = [sys.executable, "-m", "e3p", *words]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("words", QUICK, ids=" ".join)
def test_no_command_tells_a_secret(tmp_path: Path, secretive: dict[str, str], words: list[str]) -> None:
    said = run(tmp_path, secretive, words)
    assert said
    assert MARK not in said


@pytest.mark.parametrize("words", [["config", "show"], ["doctor", "--server"]], ids=" ".join)
def test_no_command_tells_a_secret_of_the_file(
    tmp_path: Path, secretive: dict[str, str], words: list[str]
) -> None:
    without = {name: value for name, value in secretive.items() if name not in SECRETS}
    said = run(tmp_path, without, words)
    assert said
    assert MARK not in said


def test_what_is_hidden_is_said_to_be(tmp_path: Path, secretive: dict[str, str]) -> None:
    shown = json.loads(run(tmp_path, secretive, ["config", "show", "--json"]))
    for key in ("mqtt_password", "http_password", "store_token"):
        assert shown[key] == {"value": "hidden", "from": f"E3P_{key.upper()}"}


@pytest.mark.parametrize(
    "url",
    [
        "mqtt://someone:hush-in-url@127.0.0.1:1",
        "mqtts://someone:hush-in-url@127.0.0.1:1/nonsense",
        "influxdb://someone:hush-in-url@127.0.0.1:1/?org=o&bucket=b",
        "influxdb://127.0.0.1:1/?org=o&bucket=b&token=hush-in-url",
        "sqlite://someone:hush-in-url@elsewhere/e3p.db",
        "someone:hush-in-url@elsewhere",
    ],
)
@pytest.mark.parametrize("name", ["E3P_MQTT", "E3P_STORE"])
@pytest.mark.parametrize("words", [["config", "show"], ["doctor", "--server"], ["ledger"]], ids=" ".join)
def test_a_secret_in_an_address_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, name: str, words: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(name, url)
    said = e3p(*words)
    assert said.out + said.err
    assert MARK not in said.out + said.err


def alive(process: subprocess.Popen[bytes]) -> Iterator[psutil.Process]:
    own = psutil.Process(process.pid)
    yield own
    yield from own.children(recursive=True)


@pytest.mark.parametrize("words", LONG, ids=" ".join)
def test_no_program_tells_a_secret_in_its_log_nor_in_its_arguments(
    tmp_path: Path, secretive: dict[str, str], words: list[str]
) -> None:
    """Against a Mosquitto that refuses the password: what fails talks most."""
    binary = find_mosquitto()
    if binary is None:
        missing_server("no Mosquitto: apt-get install mosquitto")
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(passwords), "someone", "other"], check=True)
    lines = ["allow_anonymous false", f"password_file {passwords}", "user root"]
    with Mosquitto(binary, tmp_path, lines) as broker:
        secretive["E3P_MQTT"] = f"mqtt://someone@127.0.0.1:{broker.port}"
        log = tmp_path / "said.log"
        with log.open("w") as out:
            command = [sys.executable, "-m", "e3p", *words]
            process = subprocess.Popen(command, cwd=tmp_path, env=secretive, stdout=out, stderr=out)
        try:
            deadline = time.monotonic() + 60
            while "broker lost" not in log.read_text():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            arguments = [Path(f"/proc/{each.pid}/cmdline").read_text() for each in alive(process)]
        finally:
            process.terminate()
            process.wait(30)
    assert "the broker does not let this client in" in log.read_text()
    assert MARK not in log.read_text()
    assert MARK not in "".join(arguments)


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Settings:
    """With every secret set."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("E3P_MQTT", NOBODY)
    return load(None)


def test_settings_show_no_secret_when_they_are_printed(settings: Settings) -> None:
    address = settings.common.address()
    shown = [settings, settings.access, address, address.url, list(settings.resolved.rows())]
    assert MARK not in "".join(repr(each) + str(each) for each in shown)


def test_a_traceback_with_all_that_was_in_reach_shows_no_secret(settings: Settings) -> None:
    """As crash reporters write it: with the local names of every frame."""
    address, password = settings.common.address(), settings.common.page_password()
    try:
        raise RuntimeError(f"a fault of ours at {address} with {password}")  # noqa: TRY301 - under test
    except RuntimeError as error:
        told = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    assert "someone" in told
    assert MARK not in told


def test_a_program_under_measurement_inherits_none_of_them() -> None:
    inherited = without_secrets({**SECRETS, "PATH": "/bin", "E3P_SOCKET": "here"})
    assert inherited == {"PATH": "/bin", "E3P_SOCKET": "here"}
