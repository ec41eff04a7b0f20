"""The services of docker-compose.yml as processes: their commands, variables, keys and health checks.

Nothing is changed but where things are: what is mounted is read at its own place, a container's name is
127.0.0.1, a port is a free one.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.processes import ROOT, Program
from tests.servers import Influxd, Mosquitto, free_port, need_mosquitto
from tests.servers.compose import configured

HOSTS = ["--host", "mosquitto", "--host", "127.0.0.1"]
PORTS = ("9464", "9465", "9466")
"""Where containers answer how they are, each in a network of its own."""


class Stack:
    """A deployment in a folder; `places` is what stands on this machine for what a container sees."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.places: dict[str, str] = {}
        self.programs: dict[str, Program] = {}
        self.ports: dict[str, dict[str, str]] = {}
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

    def started_with(self, name: str) -> tuple[list[str], dict[str, str]]:
        """A service's command and variables; the settings that it mounts say the same."""
        service = self.services[name]
        places = self._places(name)
        for mount in service.get("volumes", ()):
            if mount["type"] == "bind":
                places[mount["target"]] = self._mounted(name, Path(mount["source"]))
        for source in map(Path, places.values()):
            for file in source.glob("*.toml") if source.is_dir() else [source] if source.is_file() else ():
                file.write_text(_here(file.read_text(), places))
        env = {key: _here(value, places) for key, value in service["environment"].items()}
        return [_here(word, places) for word in service["command"]], env

    def _places(self, name: str) -> dict[str, str]:
        ports = self.ports.setdefault(name, {port: str(free_port()) for port in PORTS})
        return {**self.places, **ports}

    def _mounted(self, name: str, source: Path) -> str:
        """A folder as it is; of a file, which several services may mount, a copy of its own."""
        if source.is_dir():
            return str(source)
        own = self.folder / "mounted" / name / source.name
        if not own.exists():
            own.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, own)
        return str(own)

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
        asked = [sys.executable, *(_here(word, self._places(name)) for word in words)]
        return subprocess.run(asked, capture_output=True, check=False).returncode == 0


def _here(text: str, places: Mapping[str, str]) -> str:
    """What is said in a container, as it has to be said on this machine."""
    known = "|".join(re.escape(there) for there in sorted(places, key=len, reverse=True))
    return re.sub(known, lambda found: places[found[0]], text)


@contextmanager
def stacked(folder: Path) -> Iterator[Stack]:
    """A deployment whose programs are gone afterwards."""
    stack = Stack(folder)
    stack.places = {"/run/secrets": str(folder / "secrets"), "0.0.0.0": "127.0.0.1"}
    try:
        yield stack
    finally:
        for program in reversed(stack.programs.values()):
            program.end()


@contextmanager
def its_broker(stack: Stack) -> Iterator[Mosquitto]:
    """The broker with the settings that its container gets."""
    binary = need_mosquitto()
    settings = (stack.folder / "deploy" / "mosquitto" / "mosquitto.conf").read_text()
    settings = settings.replace("/mosquitto/certs", str(stack.folder / "pki" / "broker"))
    (own := stack.folder / "own").mkdir()
    with Mosquitto(binary, own, [settings.replace("listener 8883", ""), "user root"]) as broker:
        stack.places["mosquitto:8883"] = f"{broker.host}:{broker.port}"
        yield broker


def keep_in(stack: Stack, influxd: Influxd) -> None:
    """Its store is this InfluxDB, whose token is that of the secrets."""
    stack.places["influxdb:8086"] = f"{influxd.host}:{influxd.port}"
    (stack.folder / "secrets" / "influxdb_token").write_text(influxd.influx.token)
