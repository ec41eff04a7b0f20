"""`edge_node/finetune.py` as a child process, and specs that a busy processor is done with in seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FINETUNE = Path(__file__).parents[1] / "edge_node" / "finetune.py"
MODEL = "test_vit.r160_in1k"
WITHIN_S = 300


@dataclass
class Done:
    """What came of a run."""

    code: int
    events: list[dict[str, Any]]
    errors: str

    def event(self, name: str) -> dict[str, Any]:
        """The last of this name."""
        return next(event for event in reversed(self.events) if event["event"] == name)


def spec_of(data: Path, out: Path, **more: object) -> dict[str, Any]:
    spec = {"model": MODEL, "data": str(data), "out": str(out), "weights": "random", "threads": 1}
    return {**spec, "recipe": "levit-adamw", "lr": 0.001, "batch_size": 16, **more}


def start(spec: dict[str, Any], limit: str = ":") -> subprocess.Popen[str]:
    """The child, which has its spec; `limit` is a shell's command before it."""
    process = subprocess.Popen(
        ["/bin/sh", "-c", f'{limit}; exec "$@"', "sh", sys.executable, str(FINETUNE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(spec))
    process.stdin.close()
    process.stdin = None
    return process


def end(process: subprocess.Popen[str]) -> Done:
    """Waits for it."""
    told, errors = process.communicate(timeout=WITHIN_S)
    assert "Traceback" not in errors, errors
    return Done(process.returncode, [json.loads(line) for line in told.splitlines()], errors)


def run(spec: dict[str, Any], limit: str = ":") -> Done:
    return end(start(spec, limit))


def until_there(file: Path, process: subprocess.Popen[str]) -> None:
    """Waits for a file that the child writes."""
    until = time.monotonic() + WITHIN_S
    while not file.exists():
        assert process.poll() is None, "it ended before"
        assert time.monotonic() < until, f"{file} never came"
        time.sleep(0.01)
