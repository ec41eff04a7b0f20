"""The trial runner with checkpoints: the real torch and timm, weights that nobody taught."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from edge_node.images import CIFAR_CLASSES
from tests import cifar
from tests.fakes.inbox import Inbox
from tests.running import RUNNER

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed here"),
    pytest.mark.timeout(600),
]
MODEL, OTHER = "test_vit.r160_in1k", "test_efficientnet.r160_in1k"
MAKE = """
import json, sys, timm, torch
from safetensors.torch import save_file
asked = json.loads(sys.argv[1])
torch.manual_seed(1)
model = timm.create_model(asked["model"], num_classes=asked["outputs"])
told = {"e3p": json.dumps(asked["told"])} if asked["told"] else {}
save_file(model.state_dict(), asked["file"], told)
"""
CONFIG = {"input_size": [3, 160, 160], "mean": [0.4, 0.4, 0.4], "std": [0.2, 0.2, 0.2], "crop_pct": 1.0}


def checkpoint(folder: Path, told: Mapping[str, object], model: str = MODEL, outputs: int = 10) -> str:
    file = folder / "model.safetensors"
    asked = {"model": model, "outputs": outputs, "file": str(file), "told": told}
    subprocess.run([sys.executable, "-c", MAKE, json.dumps(asked)], check=True, timeout=300)
    return str(file)


def run(folder: Path, **asked: object) -> tuple[int, dict[str, dict[str, Any]], list[dict[str, Any]]]:
    """Exit code, the last event of each name, and the marks."""
    spec = {"models": [MODEL], "dataset": "cifar10", "images": 20, "batch_size": 10, "trials": 1, "idle_s": 0}
    spec |= {"warmup_s": 0.1, "cooldown_s": 0, "cooldown_most_s": 0, "num_threads": 1, "pretrained": "never"}
    spec["images_dir"] = str(cifar.make_binary(folder / "data", part=1, test=20))
    with Inbox(folder / "m") as inbox:
        done = subprocess.run(
            [sys.executable, str(RUNNER)],
            input=json.dumps({**spec, **asked}),
            env={**os.environ, "HF_HUB_OFFLINE": "1", "E3P_SOCKET": str(folder / "m")},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, {e["event"]: e for e in map(json.loads, done.stdout.splitlines())}, inbox.lines


def test_a_trial_runs_on_the_checkpoints_weights_and_its_marks_say_which(tmp_path: Path) -> None:
    test = {"value": 0.9, "n": 50}
    told = {"model": MODEL, "outputs": 10, "classes": CIFAR_CLASSES, "dataset": "cifar10", "test": test}
    file = checkpoint(tmp_path, {**told, "data_config": CONFIG})
    code, events, marks = run(tmp_path, checkpoint=file)
    assert code == 0, events
    begin = next(mark for mark in marks if mark["kind"] == "trial_begin")
    assert begin["protocol"]["weights"] == events["weights"]["weights"]
    assert begin["protocol"]["weights"].startswith("checkpoint:")
    assert begin["accuracy_ref"] == {"value": 0.9, "n": 50, "origin": "card"}
    assert 0 <= marks[-1]["correct"] <= 20


def test_a_file_that_tells_nothing_of_itself_will_do_where_its_weights_fit(tmp_path: Path) -> None:
    code, events, marks = run(tmp_path, checkpoint=checkpoint(tmp_path, {}))
    assert code == 0, events
    assert "accuracy_ref" not in next(mark for mark in marks if mark["kind"] == "trial_begin")
    assert "correct" in marks[-1]


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (
            {"told": {"model": OTHER}, "model": OTHER},
            f"it is a checkpoint of {OTHER}, and the model is {MODEL}",
        ),
        ({"told": {}, "model": OTHER}, f"its weights are not those of {MODEL}"),
        ({"told": {}, "outputs": 3}, "the labels do not fit the head: 10 classes"),
        (
            {"told": {"classes": ["ape", "bee"]}, "outputs": 10},
            "its classes (ape, bee) are not those of the data (airplane, automobile, bird, …)",
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_measured(
    tmp_path: Path, made: dict[str, Any], words: str
) -> None:
    code, events, marks = run(tmp_path, checkpoint=checkpoint(tmp_path, **made))
    assert (code, marks) == (2, [])
    assert events["error"]["what"].startswith(words)
