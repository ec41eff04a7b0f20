"""The trial runner as a child process, with fakes in place of torch and timm: how tests start it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.fakes.inbox import Inbox

ROOT = Path(__file__).parents[1]
RUNNER = ROOT / "edge_node" / "runner.py"
FAKES = ROOT / "tests" / "fakes" / "models"
SPEC: dict[str, Any] = {
    "models": ["tiny_one"],
    "dataset": "d",
    "images": 10,
    "batch_size": 4,
    "trials": 1,
    "warmup_s": 0.1,
    "idle_s": 0,
    "cooldown_s": 0,
    "cooldown_most_s": 0,
}


@dataclass
class Done:
    """What came of a run: exit code, events, marks, and what was said on standard error."""

    code: int
    events: list[dict[str, Any]]
    marks: list[dict[str, Any]]
    errors: str

    def event(self, name: str) -> dict[str, Any]:
        return next(event for event in self.events if event["event"] == name)

    def mark(self, kind: str) -> dict[str, Any]:
        return next(mark for mark in self.marks if mark["kind"] == kind)


def environment(folder: Path, **more: str) -> dict[str, str]:
    return {"PATH": os.defpath, "PYTHONPATH": str(FAKES), "E3P_SOCKET": str(folder / "m"), **more}


def run_runner(folder: Path, spec: object, *, python: str = sys.executable, **more: str) -> Done:
    text = spec if isinstance(spec, str) else json.dumps(spec)
    with Inbox(folder / "m") as inbox:
        done = subprocess.run(
            [python, str(RUNNER)],
            input=text,
            env=environment(folder, **more),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return Done(done.returncode, events, inbox.lines, done.stderr)
