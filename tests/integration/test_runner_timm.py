"""The trial runner with the real torch and timm, on this machine's CPU."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.inbox import Inbox

RUNNER = Path(__file__).parents[2] / "edge_node" / "runner.py"
MODEL = "test_vit.r160_in1k"
SPEC: dict[str, Any] = {
    "models": [MODEL],
    "dataset": "imagenet-1k",
    "images": 8,
    "batch_size": 4,
    "trials": 1,
    "warmup_s": 1,
    "idle_s": 0,
    "cooldown_s": 0,
    "num_threads": 1,
}

pytestmark = pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed here")


def _run(folder: Path, **changed: object) -> tuple[int, dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Exit code, the last event of each name, and the marks. The hub is an address where nobody answers."""
    nobody = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(folder / "hub"), "TORCH_HOME": str(folder)}
    with Inbox(folder / "m") as inbox:
        done = subprocess.run(
            [sys.executable, str(RUNNER)],
            input=json.dumps({**SPEC, **changed}),
            env={**os.environ, **nobody, "E3P_SOCKET": str(folder / "m")},
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
    assert "Traceback" not in done.stderr, done.stderr
    events = {event["event"]: event for event in map(json.loads, done.stdout.splitlines())}
    return done.returncode, events, inbox.lines


def test_a_timm_model_runs_without_network_on_random_weights(tmp_path: Path) -> None:
    code, events, marks = _run(tmp_path)
    assert code == 0, events
    assert events["weights"]["weights"] == "random"
    reason = events["weights"]["reason"]
    assert reason
    assert ". " not in reason
    assert "\n" not in reason
    begin, *batches, end = [mark for mark in marks if mark["kind"] != "prepare"]
    assert (begin["model"], begin["protocol"]["weights"]) == (MODEL, "random")
    assert sum(sum(mark["images"]) for mark in batches) == end["images"] == 8
    assert begin["t"] <= batches[0]["begin"][0] < batches[-1]["end"][-1] <= end["t"]
    assert "correct" not in end


def test_a_folder_of_pictures_goes_through_the_models_own_preprocessing(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("torchvision")
    for number in range(3):
        pixels = random.Random(number).randbytes(3 * 40 * 30)
        image.frombytes("RGB", (40, 30), pixels).save(tmp_path / f"{number}.png")
    asked = {"images_dir": str(tmp_path), "pretrained": "never", "precision": "bf16", "batch_size": 2}
    code, events, marks = _run(tmp_path, **asked)
    assert code == 0, events
    assert marks[-1]["images"] == 3
    assert events["trial_end"]["seconds"] > 0


def test_labels_that_do_not_fit_are_refused_before_anything_is_measured(tmp_path: Path) -> None:
    for name in ("ape", "bee"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for number in range(4):
            (tmp_path / "images" / name / f"{number}.png").touch()
    code, events, marks = _run(tmp_path, images_dir=str(tmp_path / "images"))
    assert (code, marks) == (2, [])
    assert events["error"]["where"] == MODEL


def test_a_misspelt_model_is_answered_with_timms_own_names(tmp_path: Path) -> None:
    code, events, _ = _run(tmp_path, models=["test_vit.r160_in1kk"])
    assert code == 2
    assert MODEL in events["error"]["right"]


def test_no_model_of_timms_is_refused_before_timm_is_loaded() -> None:
    code = (
        "import timm; from edge_node.runner_checks import check_name\n"
        "[check_name(name) for name in timm.list_models()]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=RUNNER.parents[1], capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr
