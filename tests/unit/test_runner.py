"""The trial runner as a child process, with fakes in place of torch and timm."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edge_node.runner import is_steady
from tests.fakes.inbox import Inbox
from tests.running import RUNNER, SPEC, Done, environment, run_runner


def _python36() -> str | None:
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    return next((str(path) for path in pyenv.glob("versions/3.6*/bin/python3.6")), shutil.which("python3.6"))


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Ten images of two classes, three of which the fake models see wrongly."""
    for number in range(10):
        folder = tmp_path / "images" / ("cat" if number < 5 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        seen = int(number >= 5) if number < 7 else 0
        (folder / f"{number}.jpg").write_text(str(seen))
    return tmp_path / "images"


@pytest.fixture(params=["this Python", "Python 3.6"])
def python(request: pytest.FixtureRequest) -> str:
    found = sys.executable if request.param == "this Python" else _python36()
    if found is None:
        pytest.skip("no Python 3.6 here")
    return found


@pytest.fixture
def campaign(python: str, tmp_path: Path) -> Done:
    """Two models that run and one that does not, two trials each, with rests."""
    models = ["tiny_one", "tiny_huge", "tiny_two"]
    more = {"models": models, "trials": 2, "idle_s": 0.1, "group": "g", "jitter_ms": 1}
    return run_runner(tmp_path, {**SPEC, **more}, python=python)


def test_a_campaign_runs_marks_and_reports_every_trial(campaign: Done) -> None:
    ended = [event["trial"] for event in campaign.events if event["event"] == "trial_end"]
    begun = [mark for mark in campaign.marks if mark["kind"] == "trial_begin"]
    assert [mark["trial"] for mark in begun] == ended
    assert sorted((mark["model"], mark["index"]) for mark in begun) == [
        (model, index) for model in ("tiny_one", "tiny_two") for index in (0, 1)
    ]
    assert {mark["images"] for mark in campaign.marks if mark["kind"] == "trial_end"} == {10}
    # The model that runs out of memory is named once, left out, and the others go on.
    assert campaign.code == 1
    assert campaign.event("done")["left_out"] == ["tiny_huge"]
    assert [event["where"] for event in campaign.events if event["event"] == "error"] == ["tiny_huge"]
    assert "a smaller model" in campaign.event("error")["right"]
    # Idle windows stand before and after the trials, each prepared a second before.
    kinds = [mark["kind"] for mark in campaign.marks]
    assert kinds[:3] == ["prepare", "idle_begin", "idle_end"]
    assert kinds[-3:] == ["prepare", "idle_begin", "idle_end"]
    for number, kind in enumerate(kinds):
        if kind in ("idle_begin", "trial_begin"):
            prepared = max(mark["t"] for mark in campaign.marks[:number] if mark["kind"] == "prepare")
            assert campaign.marks[number]["t"] - prepared >= 1e9
    assert "Traceback" not in campaign.errors


def test_a_trial_says_how_it_wasrun_runner(tmp_path: Path) -> None:
    reference = {"value": 0.8, "n": 50_000, "origin": "timm"}
    done = run_runner(tmp_path, {**SPEC, "seed": 3, "accuracy_refs": {"tiny_one": reference}})
    begin = done.mark("trial_begin")
    assert (begin["dataset"], begin["batch_size"], begin["precision"]) == ("d", 4, "fp32")
    assert begin["backend"] == "torch-cpu"
    assert begin["accuracy_ref"] == reference
    assert begin["protocol"].items() >= {"warmup_s": 0.1, "images": 10, "seed": 3, "idle_s": 0}.items()
    assert "before" in begin["protocol"]["covers"]


def test_labelled_images_give_the_hits_of_each(tmp_path: Path, labelled: Path, python: str) -> None:
    done = run_runner(tmp_path, {**SPEC, "images_dir": str(labelled)}, python=python)
    assert done.mark("trial_end")["correct"] == 7
    assert sum(done.mark("batches")["hits"]) == 7
    assert done.event("trial_end")["correct"] == 7


def test_random_weights_say_why_and_claim_no_accuracy(tmp_path: Path, labelled: Path) -> None:
    models = ["tiny_offline", "tiny_unpublished"]
    done = run_runner(tmp_path, {**SPEC, "models": models, "images_dir": str(labelled)})
    weights = {event["model"]: event for event in done.events if event["event"] == "weights"}
    assert {event["weights"] for event in weights.values()} == {"random"}
    assert "no network" in weights["tiny_offline"]["reason"]
    assert "timm has none" in weights["tiny_unpublished"]["reason"]
    assert all("hits" not in mark and "correct" not in mark for mark in done.marks)


def test_a_hub_that_does_not_answer_is_asked_before_its_client_is_loaded(tmp_path: Path) -> None:
    spec, nobody = {**SPEC, "models": ["tiny_offline"]}, "http://127.0.0.1:9"
    done = run_runner(tmp_path, spec, FAKE_HUB="1", HF_ENDPOINT=nobody)
    assert done.event("weights")["reason"] == "RuntimeError: offline is 1"


def test_flat_images_have_no_labels(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}.png").write_text("1")
    done = run_runner(tmp_path, {**SPEC, "images_dir": str(tmp_path)})
    assert done.mark("trial_end")["images"] == 4
    assert "correct" not in done.mark("trial_end")


def test_the_same_seed_draws_the_same_subset(tmp_path: Path, labelled: Path) -> None:
    subsets = []
    for seed in (1, 1, 2):
        done = run_runner(tmp_path, {**SPEC, "images_dir": str(labelled), "images": 5, "seed": seed})
        subsets.append(done.mark("trial_begin")["subset"])
    assert subsets[0] == subsets[1] != subsets[2]


def test_a_minimum_duration_repeats_whole_passes(tmp_path: Path) -> None:
    done = run_runner(tmp_path, {**SPEC, "min_s": 0.2})
    images = done.mark("trial_end")["images"]
    assert images > 10
    assert images % 10 == 0
    assert sum(sum(mark["images"]) for mark in done.marks if mark["kind"] == "batches") == images


def test_a_batch_ends_after_the_device_was_synchronised(tmp_path: Path) -> None:
    done = run_runner(tmp_path, {**SPEC, "device": "cuda"}, FAKE_CUDA="1")  # where that takes 5 ms
    batches = done.mark("batches")
    assert done.code == 0
    assert min(end - begin for begin, end in zip(batches["begin"], batches["end"], strict=True)) >= 5e6


@pytest.mark.parametrize(
    ("changed", "where", "right"),
    [
        ({"models": ["tiny_won"]}, "spec.models", "tiny_one"),
        ({"models": []}, "spec.models", "list of timm"),
        ({"batchsize": 8}, "spec.batchsize", "batch_size"),
        ({"images": 0}, "spec.images", "from 1"),
        ({"trials": True}, "spec.trials", "from 1"),
        ({"idle_s": -1}, "spec.idle_s", "seconds"),
        ({"dataset": "a b"}, "spec.dataset", "letters"),
        ({"precision": "int8"}, "spec.precision", "fp16"),
        ({"device": "cuda"}, "spec.device", "cpu"),
        ({"accuracy_refs": {"tiny_one": {"value": 80}}}, "spec.accuracy_refs", "0 to 1"),
        ({"images_dir": "nowhere"}, "nowhere", "folder with images"),
    ],
)
def test_a_wrong_spec_is_one_error_that_says_what_would_be_right(
    tmp_path: Path, changed: dict[str, Any], where: str, right: str
) -> None:
    done = run_runner(tmp_path, {**SPEC, **changed})
    assert done.code == 2
    assert [event["event"] for event in done.events] == ["error"]
    assert done.events[0]["where"] == where
    assert right in done.events[0]["right"]
    assert not done.marks
    assert not done.errors


@pytest.mark.parametrize("text", ["", "[]", "3", "{", '{"dataset": "d"}'])
def test_what_is_no_spec_is_one_error(tmp_path: Path, text: str) -> None:
    done = run_runner(tmp_path, text)
    assert done.code == 2
    assert [event["event"] for event in done.events] == ["error"]


def test_an_image_that_cannot_be_read_is_named(tmp_path: Path, labelled: Path) -> None:
    (labelled / "cat" / "broken.jpg").write_text("no picture")
    done = run_runner(tmp_path, {**SPEC, "images_dir": str(labelled), "images": 11})
    assert done.code == 2
    assert done.event("error")["where"].endswith("broken.jpg")


def test_an_interpreter_without_torch_is_named(tmp_path: Path) -> None:
    done = run_runner(tmp_path, SPEC, PYTHONPATH="", PYTHONNOUSERSITE="1", python=_bare_python(tmp_path))
    assert done.code == 2
    assert "torch" in done.event("error")["what"]
    assert "torch and timm" in done.event("error")["right"]


def _bare_python(folder: Path) -> str:
    """This interpreter without what is installed beside it."""
    script = folder / "bare"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
    script.chmod(0o755)
    return str(script)


def test_the_spec_can_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_text(json.dumps({**SPEC, "models": ["nobody"]}))
    command = [sys.executable, str(RUNNER), "--spec", str(tmp_path / "spec.json")]
    done = subprocess.run(command, env=environment(tmp_path), capture_output=True, check=False)
    assert json.loads(done.stdout)["where"] == "spec.models"


def test_a_signal_ends_the_trial_as_aborted(tmp_path: Path) -> None:
    with Inbox(tmp_path / "m") as inbox:
        child = subprocess.Popen(
            [sys.executable, str(RUNNER)],
            env=environment(tmp_path),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with child:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(json.dumps({**SPEC, "min_s": 60}))
            child.stdin.close()
            while json.loads(child.stdout.readline())["event"] != "progress":
                pass
            child.send_signal(signal.SIGTERM)
            last = json.loads(child.stdout.read().splitlines()[-1])
    assert child.returncode == 1
    assert last["what"] == "stopped by a signal"
    assert inbox.lines[-1]["status"] == "aborted"


@pytest.mark.parametrize(
    ("times", "steady"),
    [
        ([1.0] * 9, False),
        ([1.0] * 10, True),
        ([2.0] * 5 + [1.0] * 5, False),
        ([9.0] + [1.0] * 10, True),
        ([], False),
    ],
)
def test_it_is_warm_when_five_batches_take_as_long_as_the_five_before(
    times: list[float], steady: bool
) -> None:
    assert is_steady(times) is steady
