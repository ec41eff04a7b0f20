"""A model is fine-tuned, and its checkpoint goes through Stage 2 with the accuracy that it had."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from tests import cifar
from tests.processes import Line, Program, Sensor
from tests.verdicts import results

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.timeout(600),
    pytest.mark.skipif(importlib.util.find_spec("timm") is None, reason="timm is not installed here"),
]

MODEL = "test_vit.r160_in1k"
TEACH = ["--recipe", "levit-adamw", "--epochs", "3", "--batch", "16", "--lr", "0.001", "--threads", "1"]
SHORT = ["--warmup-s", "1", "--cooldown-s", "0.1", "--idle-s", "0", "--threads", "1"]
WITHIN_S = 300

# Two trials are ranked: what they take must not hang on the moment at which they run.
STEADY = Sensor("main", {"wave": "constant", "watts": 50.0})


async def ended(program: Program) -> int:
    return await anyio.to_thread.run_sync(program.process.wait, WITHIN_S)


async def test_a_checkpoint_has_the_accuracy_of_its_card_in_a_trial_and_in_the_ranking(
    tmp_path: Path,
) -> None:
    data = str(cifar.make_pickled(tmp_path / "data"))
    with Line(tmp_path, sensors=(STEADY,)) as line:
        asked = ["--model", MODEL, "--data", data, "--weights", "random", "--out", "taught", *TEACH]
        command = [sys.executable, "-m", "e3p", "finetune", *asked]
        taught = await anyio.run_process(command, check=False, cwd=tmp_path, env=line.env)
        said = taught.stderr.decode()
        assert taught.returncode == 0, said
        assert re.search(r"epoch 3 of 3: loss [\d.]+, [\d.]+ % of the held-out images right", said)
        card = json.loads((tmp_path / "taught" / "model.json").read_text())
        assert card["test"]["lo"] > 0.2  # chance is a tenth

        await line.serve()
        await line.edge()
        asked = ["--model", MODEL, "--dataset", "cifar10", "--data", data, "--images", "100", "--batch", "10"]
        asked += ["--checkpoint", "taught/model.safetensors", "--min-s", "1", "--trials", "2", *SHORT]
        measured = line.run("trial", *asked, "--mqtt", line.mqtt or "")
        assert await ended(measured) == 0, measured.text
        found = (await results(line)).values()
        assert len(found) == 2
        for result in found:
            assert result.accuracy == pytest.approx(card["test"]["value"])
            assert result.accuracy_origin == "measured"
            assert result.protocol is not None
            assert result.protocol.weights == f"checkpoint:{card['sha256'][:16]}"

        status, ranking = line.ask("rank", "--origin", "synthetic", "--dataset", "cifar10")
        assert status == 0
        assert ranking["rows"][0]["accuracy"] == pytest.approx(card["test"]["value"])


async def test_a_checkpoint_of_another_model_is_one_clear_line(tmp_path: Path) -> None:
    header = json.dumps({"__metadata__": {"e3p": json.dumps({"model": MODEL})}}).encode()
    (tmp_path / "c").write_bytes(len(header).to_bytes(8, "little") + header)
    with Line(tmp_path) as line:
        await line.serve()
        await line.edge()
        asked = ["--model", "test_vit2.r160_in1k", "--checkpoint", "c", "--batch", "1", *SHORT]
        refused = line.run("trial", *asked, "--mqtt", line.mqtt or "")
        assert await ended(refused) == 2
        assert f"it is a checkpoint of {MODEL}, and the model is test_vit2.r160_in1k" in refused.text
        assert "Traceback" not in refused.text
