"""The folder of a fine-tuning: whole files, room, and what went wrong with memory."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from edge_node.finetune import full_memory
from edge_node.finetune_folder import Folder
from edge_node.images import Fault


def test_a_disk_that_is_too_small_is_refused_before_anything_is_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=5_000_000))
    folder = Folder(str(tmp_path), {})
    folder.check_room(4_000_000)
    with pytest.raises(Fault, match="5 MB are free there, and checkpoints need 80 MB"):
        folder.check_room(80_000_000)


def test_a_write_that_fails_leaves_the_file_before_it(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path), {})
    folder.write("model.safetensors", b"before")
    (tmp_path / "model.safetensors.half").mkdir()
    with pytest.raises(Fault) as refused:
        folder.write("model.safetensors", b"after")
    assert (tmp_path / "model.safetensors").read_bytes() == b"before"
    assert refused.value.event["where"] == str(tmp_path / "model.safetensors")


def test_a_place_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Fault, match="cannot be made"):
        Folder(str(tmp_path / "file" / "out"), {})


@pytest.mark.parametrize(
    "fault",
    [
        MemoryError(),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:114] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_a_model_too_big_for_the_memory_is_told_as_that(fault: Exception) -> None:
    told = full_memory(fault)
    assert told is not None
    assert told.event["where"] == "spec.batch_size"


def test_another_error_of_torch_is_not_taken_for_a_full_memory() -> None:
    assert full_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied")) is None
