"""docs/deploy.md: its commands are run where that takes no root and no Docker; the others are read."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.servers import Mosquitto, free_port, need_mosquitto

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "deploy.md").read_text()
BIN = Path(sys.executable).parent
READ_ONLY = {"docker", "root", "install"}
NODES = {"jetson-1", "laptop-1"}


class Block(NamedTuple):
    """Shell commands of the page; `needs` is what keeps a test from running them."""

    needs: str
    text: str


BLOCKS = [Block(*found) for found in re.findall(r"```sh ?(\w*)\n(.*?)```", PAGE, re.DOTALL)]
RUN = [block.text for block in BLOCKS if not block.needs]
READ = [block.text for block in BLOCKS if block.needs]


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands use of the repository."""
    folder = tmp_path_factory.mktemp("clone")
    shutil.copytree(ROOT / "deploy", folder / "deploy")
    shutil.copy(ROOT / ".env.example", folder)
    return folder


def environment(**more: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("E3P_")}
    return {**clean, "PATH": f"{BIN}:{os.environ['PATH']}", **more}


def run(text: str, folder: Path) -> None:
    subprocess.run(["bash", "-e"], input=text, text=True, cwd=folder, env=environment(), check=True)


@pytest.fixture(scope="module")
def keys(clone: Path) -> Path:
    """What the commands about keys have made."""
    run(RUN[1], clone)
    return clone / "pki"


def test_every_block_is_run_or_says_why_not() -> None:
    assert {block.needs for block in BLOCKS} == {"", *READ_ONLY}
    assert len(RUN) == 3


@pytest.mark.parametrize("text", [block.text for block in BLOCKS])
def test_a_shell_can_read_every_block(text: str) -> None:
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def commands() -> list[list[str]]:
    """The `e3p` commands of all blocks, as words, without what stands before and after them."""
    lines = "\n".join(block.text for block in BLOCKS)
    found = re.findall(r"(?:^|[\s/])e3p ([a-z].*?)(?: &| \||$)", lines, re.MULTILINE)
    return [shlex.split(words) for words in found]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_every_command_of_ours_exists_with_these_options(words: list[str]) -> None:
    done = subprocess.run([BIN / "e3p", *words, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_file_that_is_installed_is_in_the_repository_or_made_by_pki(keys: Path) -> None:
    names = set(re.findall(r"(?<=[\s/])(?:deploy|pki/broker|pki/server)/[\w@./-]+", "\n".join(READ)))
    assert len(names) >= 10
    assert not [name for name in names if not (keys.parent / name).exists()]
    for name in NODES:
        made = {path.name for path in (keys / "nodes" / name).iterdir()}
        assert made == {"cert.pem", "key.pem", "ca.pem", "e3p.toml"}


def test_compose_gets_its_secrets_and_a_node_to_try(keys: Path) -> None:
    run(RUN[2], keys.parent)
    assert (keys / "nodes" / "synthetic" / "key.pem").exists()
    assert (keys.parent / "secrets" / "influxdb_token").exists()
    assert "MQTT_LISTEN=" in (keys.parent / ".env").read_text()


UNTIL_STORED = r"""
stored() { e3p ledger --store sqlite:///fleet.db | grep -cE 'power/main +[0-9]+ +[1-9]'; }
until [ "$(stored)" = 2 ]; do sleep 1; done
"""


def rehearsed(folder: Path) -> str:
    """What the rehearsal says, on a port of the test's own and for as long as it takes, and its end."""
    port = str(free_port())
    text = RUN[0].replace("--host localhost", f"--host localhost --port {port}")
    text = text.replace("sleep 15\n", UNTIL_STORED)
    env = environment(E3P_SERVE_PORT="0")
    command = ["bash", "-c", f"{text}\nkill %2; wait %2; kill %1; wait"]
    with (folder / "log").open("wb") as log:
        shell = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log, start_new_session=True)
        try:
            shell.wait(240)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(shell.pid, signal.SIGKILL)
    return (folder / "log").read_text()


@pytest.mark.timeout(300)
def test_the_rehearsal_ends_with_a_ledger_that_closes(tmp_path: Path) -> None:
    need_mosquitto()
    said = rehearsed(tmp_path)
    assert "the ledger closes" in said, said
    asked = [BIN / "e3p", "ledger", "--json", "--store", f"sqlite:///{tmp_path}/fleet.db"]
    done = subprocess.run(asked, capture_output=True, check=True, env=environment())
    ledger = json.loads(done.stdout)
    assert ledger["closed"]
    assert {row["node"] for row in ledger["streams"] if row["stored"]} == NODES, said
    assert not [row for row in ledger["streams"] if row["lost"] or row["missing"]], said


def test_debian_s_mosquitto_takes_the_settings_beside_its_own(keys: Path, tmp_path: Path) -> None:
    binary = need_mosquitto()
    (beside := tmp_path / "conf.d").mkdir()
    settings = (ROOT / "deploy" / "mosquitto" / "mosquitto.conf").read_text()
    settings = settings.replace("/mosquitto/certs", str(keys / "broker"))
    debian = ["persistence true", f"persistence_location {tmp_path}/", f"log_dest file {tmp_path}/own.log"]
    (beside / "e3p.conf").write_text(settings.replace("listener 8883", "# the test has a port of its own"))
    with Mosquitto(binary, tmp_path, [*debian, "user root", f"include_dir {beside}"]) as broker:
        assert broker.port
    assert "Error" not in broker.log.read_text()
