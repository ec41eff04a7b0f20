"""Checkpoints as the trial runner reads them, without the library that wrote them."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from edge_node.images import Fault
from edge_node.runner_checkpoint import Checkpoint

TOLD = {"model": "tiny", "outputs": 10}


def write(path: Path, body: bytes = b"\x00" * 8, **header: object) -> str:
    about = {"__metadata__": {"e3p": json.dumps(TOLD)}}
    tensor = {"head.weight": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}}
    text = json.dumps({**about, **tensor, **header}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)
    return str(path)


def test_what_the_library_wrote_is_read_to_the_last_bit(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    library = pytest.importorskip("safetensors.torch")
    kinds = (torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.bool)
    tensors = {str(kind): torch.arange(6).reshape(2, 3).to(kind) for kind in kinds}
    tensors |= {"empty": torch.empty(0, 4), "scalar": torch.tensor(7)}
    library.save_file(tensors, tmp_path / "c", {"e3p": json.dumps(TOLD)})
    checkpoint = Checkpoint(str(tmp_path / "c"))
    found = checkpoint.tensors(torch)
    assert checkpoint.told == TOLD
    assert {name: (t.dtype, t.shape) for name, t in found.items()} == {
        name: (t.dtype, t.shape) for name, t in tensors.items()
    }
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)


def test_the_head_tells_how_many_classes_where_nothing_else_does(tmp_path: Path) -> None:
    body = write(tmp_path / "c", __metadata__={})
    assert Checkpoint(body).outputs("head") == 1
    assert Checkpoint(body).outputs(("head", "head_dist")) == 1
    assert Checkpoint(body).outputs("fc") == 0


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    checkpoint = Checkpoint(write(tmp_path / "c"))
    checkpoint.check_model("tiny")
    with pytest.raises(Fault, match="it is a checkpoint of tiny, and the model is big"):
        checkpoint.check_model("big")


@pytest.mark.parametrize("kept", [0, 4, 20, -1])
def test_a_torn_file_is_refused(tmp_path: Path, kept: int) -> None:
    file = Path(write(tmp_path / "c"))
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(Fault, match="no whole safetensors file"):
        Checkpoint(str(file))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Fault) as refused:
        Checkpoint(str(tmp_path / "none"))
    assert refused.value.event["where"] == str(tmp_path / "none")


def test_a_tensor_of_a_strange_type_is_refused(tmp_path: Path) -> None:
    strange = {"dtype": "F4", "shape": [1], "data_offsets": [0, 1]}
    with pytest.raises(Fault, match="w is of type F4"):
        Checkpoint(write(tmp_path / "c", w=strange))
