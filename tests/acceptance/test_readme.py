"""What the README tells people to type does what it says."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("serve", "edge")
START_S = 60
READY = re.compile(r"ready mqtt=(\S+)")


def commands() -> list[str]:
    """The lines of every block of shell commands in the README, in order."""
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


class Shell:
    """Runs README lines in one folder; services stay up until the end."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        bin_ = str(Path(sys.executable).parent)
        self.env = {
            **os.environ,
            "PATH": f"{bin_}:{os.environ['PATH']}",
            "E3P_SERVE_PORT": "0",
            "E3P_SERVE_BROKER_PORT": "0",
            "E3P_STORE": f"sqlite:///{folder}/e3p.db",
            "E3P_EDGE_SPOOL": str(folder / "spool"),
            "E3P_SOCKET": str(folder / "marks.sock"),
        }
        self.services: list[subprocess.Popen[bytes]] = []

    def start(self, line: str, until: re.Pattern[str]) -> re.Match[str]:
        log = self.folder / f"{len(self.services)}.log"
        words = [word for word in shlex.split(line) if "=" not in word]
        assigned = dict(word.split("=", 1) for word in shlex.split(line) if "=" in word)
        with log.open("wb") as out:
            self.services.append(
                subprocess.Popen(words, cwd=ROOT, env={**self.env, **assigned}, stdout=out, stderr=out)
            )
        give_up = time.monotonic() + START_S
        while time.monotonic() < give_up:
            if found := until.search(log.read_text()):
                return found
            time.sleep(0.1)
        raise AssertionError(f"{line}: {log.read_text()}")

    def run(self, line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            shlex.split(line),
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def stop(self) -> None:
        for service in reversed(self.services):
            service.send_signal(signal.SIGINT)
            assert service.wait(30) == 0


@pytest.fixture
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    shell = Shell(tmp_path_factory.mktemp("readme"))
    yield shell
    for service in shell.services:
        service.kill()
        service.wait()


@pytest.mark.timeout(600)
def test_every_e3p_command_of_the_readme_runs_in_its_order(shell: Shell) -> None:
    lines = [line for line in commands() if "e3p " in line]
    for line in lines:
        if line.endswith("e3p serve"):
            shell.env["E3P_MQTT_FOR_CLIENTS"] = shell.start(line, READY)[1]
            shell.env["E3P_MQTT"] = shell.env.pop("E3P_MQTT_FOR_CLIENTS")
        elif line.endswith("e3p edge"):
            shell.start(line, re.compile("connected"))
        else:
            # The line imports into the server's own store, through the server's own collector.
            done = shell.run(line)
            allowed = (0, 1) if "doctor" in line else (0,)
            assert done.returncode in allowed, f"{line}\n{done.stdout}\n{done.stderr}"
            assert done.stdout
    shell.stop()


def test_the_make_targets_of_the_readme_are_there() -> None:
    targets = [line.split()[1] for line in commands() if line.startswith("make ")]
    assert targets == ["demo", "test"]
    for target in targets:
        planned = subprocess.run(
            ["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert planned.returncode == 0
        assert {"demo": "e3p demo", "test": "pytest"}[target] in planned.stdout


def test_the_demo_ends_with_results_a_ranking_and_a_ledger_that_closes(tmp_path: Path) -> None:
    small = ["--images", "8", "--trials", "1", "--models", "test_vit.r160_in1k"]
    done = subprocess.run(
        [sys.executable, "-m", "e3p", "demo", "--out", str(tmp_path / "out"), *small],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "It closes: every frame is accounted for." in done.stdout
    assert "jetson-agx-orin" in done.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {
        "results.json",
        "ranking.json",
        "ledger.json",
    }
