"""Fine-tuning with the real torch and timm on a made data set that can be learned, on this machine's CPU."""

from __future__ import annotations

import importlib.util
import json
import signal
from pathlib import Path

import pytest

from edge_node.images import CIFAR_CLASSES
from edge_node.runner_checkpoint import Checkpoint
from tests import cifar
from tests.finetuning import MODEL, end, run, spec_of, start, until_there

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed here"),
    pytest.mark.timeout(600),
]
CHANCE = 0.1


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eighty training images."""
    return cifar.make_binary(tmp_path_factory.mktemp("few"), part=16, test=10)


def test_accuracy_rises_well_above_chance_and_the_card_tells_of_it(tmp_path: Path) -> None:
    data = cifar.make_pickled(tmp_path / "data")
    done = run(spec_of(data, tmp_path / "out", epochs=3))
    assert done.code == 0, done.events
    card = json.loads((tmp_path / "out" / "model.json").read_text())
    assert card["test"]["n"] == 100
    assert card["test"]["lo"] > 2 * CHANCE
    assert card["history"][-1]["loss"] < card["history"][0]["loss"]
    assert done.event("done")["card"]["test"] == card["test"]

    checkpoint = Checkpoint(str(tmp_path / "out" / "model.safetensors"))
    assert checkpoint.told["classes"] == CIFAR_CLASSES
    assert card["sha256"].startswith(checkpoint.hash)
    best = max(card["history"], key=lambda epoch: (epoch["accuracy"], -epoch["doubt"]))
    assert card["epoch"] == checkpoint.told["epoch"] == best["epoch"]
    page = (tmp_path / "out" / "model.md").read_text()
    assert f"{100 * card['test']['value']:.2f} %" in page
    assert {card["sha256"], card["data"]["sha256"]} <= set(page.replace(")", " ").split())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "model.json",
        "model.md",
        "model.safetensors",
    ]


@pytest.mark.parametrize(
    ("ending", "asked"),
    [
        (signal.SIGKILL, {"recipe": "levit-adamw"}),
        (signal.SIGTERM, {"recipe": "vit-sgd", "precision": "amp-bf16"}),
    ],
)
def test_what_is_ended_and_goes_on_has_the_weights_that_it_would_have_had(
    tmp_path: Path, few: Path, ending: signal.Signals, asked: dict[str, str]
) -> None:
    asked_twice = {"epochs": 2, "batch_size": 8, "save_every_s": 0, **asked}
    whole = run(spec_of(few, tmp_path / "whole", **asked_twice))
    spec = spec_of(few, tmp_path / "ended", **asked_twice)
    ended = start(spec)
    until_there(tmp_path / "ended" / "resume.pt", ended)
    ended.send_signal(ending)
    first = end(ended)
    assert first.code == (1 if ending == signal.SIGTERM else -signal.SIGKILL)
    rest = run(spec)
    assert 0 < rest.event("start")["step"] < rest.event("start")["steps"]
    assert rest.event("done")["card"]["sha256"] == whole.event("done")["card"]["sha256"]
    assert rest.event("done")["card"]["history"] == whole.event("done")["card"]["history"]


def test_the_same_again_is_done_and_another_in_its_place_is_refused(tmp_path: Path, few: Path) -> None:
    spec = spec_of(few, tmp_path / "out", epochs=1, precision="amp-fp16")
    first = run(spec)
    again = run(spec)
    assert again.event("done")["card"] == first.event("done")["card"]
    assert [event["event"] for event in again.events] == ["done"]
    other = run({**spec, "seed": 1})
    assert other.code == 2
    assert other.event("error")["what"] == "another fine-tuning is there: its seed is 0, not 1"
    assert "--again" in other.event("error")["right"]


def test_a_disk_without_room_is_named_and_what_was_whole_stays(tmp_path: Path, few: Path) -> None:
    spec = spec_of(few, tmp_path / "out", epochs=2)
    full = run(spec, "ulimit -f 200")  # blocks of 512 bytes for a file, at most
    assert full.code == 2
    assert full.event("error")["where"] == str(tmp_path / "out" / "model.safetensors")
    assert "File too large" in full.event("error")["what"]
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize(
    ("asked", "where", "words"),
    [
        ({"model": "test_vitt.r160_in1k"}, "spec.models", MODEL),
        ({"recipe": "vit-sdg"}, "spec.recipe", "vit-sgd"),
        ({"weights": "pretrained"}, MODEL, "--weights random"),
        ({"batch_size": 73}, "spec.batch_size", "at most 72"),
    ],
)
def test_what_cannot_be_is_refused_with_what_would_be_right(
    tmp_path: Path, few: Path, asked: dict[str, object], where: str, words: str
) -> None:
    done = run(spec_of(few, tmp_path / "out", **asked))
    assert done.code == 2
    assert done.event("error")["where"] == where
    assert words in done.event("error")["right"]
