"""The services of docker-compose.yml as processes: their commands, variables, keys and health checks.

Nothing is changed but where things are: what is mounted is read at its own place, a container's name is
127.0.0.1, a port is a free one.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT, Program, until
from tests.servers import Influxd, Mosquitto, free_port, need_mosquitto
from tests.servers.compose import configured

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(300)]

PARTS = ("collector", "analyzer", "node")
HOSTS = ["--host", "mosquitto", "--host", "127.0.0.1"]


class Stack:
    """A deployment in a folder; `places` is what stands on this machine for what a container sees."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.places: dict[str, str] = {}
        self.programs: dict[str, Program] = {}
        clean = {name: value for name, value in os.environ.items() if not name.startswith("E3P_")}
        self._env = {**clean, "PYTHONPATH": str(ROOT)}
        for name in ("deploy", "grafana"):
            shutil.copytree(ROOT / name, folder / name)
        for name in ("docker-compose.yml", ".env.example"):
            shutil.copy(ROOT / name, folder / name)
        self.e3p(["pki", "init", "pki", *HOSTS], {})
        self.e3p(["pki", "node", "synthetic"], {})
        env = {**clean, "PATH": f"{Path(sys.executable).parent}:{clean['PATH']}"}
        subprocess.run([folder / "deploy" / "demo.sh"], env=env, check=True, capture_output=True)
        profiles = ("try", "demo")
        self.services: dict[str, Any] = configured(folder / "docker-compose.yml", {}, profiles)["services"]

    def e3p(self, words: list[str], env: Mapping[str, str], *, codes: tuple[int, ...] = (0,)) -> str:
        """A command that ends, with one of these codes; what it printed."""
        command = [sys.executable, "-m", "e3p", *words]
        env = {**self._env, **env}
        done = subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, check=False)
        assert done.returncode in codes, f"{words}: {done.stdout}{done.stderr}"
        return done.stdout

    def here(self, text: str, places: Mapping[str, str]) -> str:
        """What is said in a container, as it has to be said on this machine."""
        known = "|".join(re.escape(there) for there in sorted(places, key=len, reverse=True))
        return re.sub(known, lambda found: places[found[0]], text)

    def started_with(self, name: str) -> tuple[list[str], dict[str, str]]:
        """A service's command and variables; the settings that it mounts say the same."""
        service = self.services[name]
        binds = [mount for mount in service.get("volumes", ()) if mount["type"] == "bind"]
        places = {**self.places, **{mount["target"]: mount["source"] for mount in binds}}
        for source in (Path(mount["source"]) for mount in binds):
            for file in source.glob("*.toml") if source.is_dir() else [source]:
                file.write_text(self.here(file.read_text(), places))
        env = {key: self.here(value, places) for key, value in service["environment"].items()}
        return [self.here(word, places) for word in service["command"]], env

    def start(self, name: str) -> Program:
        """A service as a process."""
        words, env = self.started_with(name)
        own = {"XDG_STATE_HOME": str(self.folder / name), "E3P_SOCKET": str(self.folder / f"{name}.sock")}
        env = {**self._env, **own, **env}
        program = Program(["-m", "e3p", *words], self.folder / f"{name}.log", env, self.folder)
        self.programs[name] = program
        program.start()
        return program

    def is_well(self, name: str) -> bool:
        """What the container's health check says."""
        _, python, *words = self.services[name]["healthcheck"]["test"]
        assert python == "python"
        asked = [sys.executable, *(self.here(word, self.places) for word in words)]
        return subprocess.run(asked, capture_output=True, check=False).returncode == 0


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(tmp_path)
    stack.places = {"/run/secrets": str(tmp_path / "secrets"), "0.0.0.0": "127.0.0.1"}
    stack.places |= {port: str(free_port()) for port in ("9464", "9465", "9466")}
    yield stack
    for program in reversed(stack.programs.values()):
        program.end()


@pytest.fixture
def broker(stack: Stack) -> Iterator[Mosquitto]:
    """The broker with the settings that its container gets."""
    binary = need_mosquitto()
    settings = (stack.folder / "deploy" / "mosquitto" / "mosquitto.conf").read_text()
    settings = settings.replace("/mosquitto/certs", str(stack.folder / "pki" / "broker"))
    (own := stack.folder / "own").mkdir()
    with Mosquitto(binary, own, [settings.replace("listener 8883", ""), "user root"]) as broker:
        stack.places["mosquitto:8883"] = f"{broker.host}:{broker.port}"
        yield broker


@pytest.fixture
def store(stack: Stack, influxd: Influxd) -> Influxd:
    """An InfluxDB 2 whose token is that of the secrets."""
    stack.places["influxdb:8086"] = f"{influxd.host}:{influxd.port}"
    (stack.folder / "secrets" / "influxdb_token").write_text(influxd.influx.token)
    return influxd


@pytest.mark.usefixtures("broker", "store")
async def test_the_stack_comes_up_well_and_stores_what_its_node_measures(stack: Stack) -> None:
    stack.e3p(*stack.started_with("store-setup"))
    for name in PARTS:
        stack.start(name)
    for name in PARTS:
        program = stack.programs[name]
        await program.until(lambda name=name: stack.is_well(name), "was well")

    def ledger() -> list[dict[str, Any]]:
        # It does not close before the first word of health is stored.
        told = stack.e3p(["ledger", "--json"], stack.started_with("collector")[1], codes=(0, 1))
        return [row for row in json.loads(told)["streams"] if row["stored"]]

    await until(lambda: "power/main" in {row["stream"] for row in ledger()}, lambda: str(ledger()))
    for name in reversed(PARTS):
        assert await stack.programs[name].interrupt(signal.SIGTERM) == 0, stack.programs[name].text
    assert {row["node"] for row in ledger()} == {"synthetic"}
    assert not [row for row in ledger() if row["lost"] or row["missing"] or row["dead"]]


@pytest.mark.usefixtures("broker", "store")
async def test_a_node_of_the_demo_fills_the_store_with_trials_a_ranking_and_a_soak(stack: Stack) -> None:
    stack.e3p(*stack.started_with("store-setup"))
    for name in ("collector", "analyzer", "demo-3"):
        stack.start(name)
    asked = stack.started_with("collector")[1]

    def ranked() -> set[str]:
        told = stack.e3p(["rank", "--origin", "synthetic", "--json"], asked, codes=(0, 1, 2))
        return {row["model"] for row in json.loads(told or "{}").get("rows", ())}

    words = lambda: f"{ranked()} {stack.programs['analyzer'].text}"  # noqa: E731
    await until(lambda: len(ranked()) == 3, words, 150)
    for name in ("demo-3", "analyzer", "collector"):
        assert await stack.programs[name].interrupt(signal.SIGTERM) == 0, stack.programs[name].text
    told = json.loads(stack.e3p(["ledger", "--json"], asked))
    assert {row["node"] for row in told["streams"]} == {"demo-3"}
    assert told["closed"]
    (soak,) = json.loads(stack.e3p(["soak", "report", "demo", "--json"], asked))
    assert (soak["node"], soak["plan"]["watch"]["app"]) == ("demo-3", "camera")
