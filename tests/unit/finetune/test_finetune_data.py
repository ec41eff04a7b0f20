"""CIFAR-10's files as fine-tuning reads them."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_node.finetune_data import Cifar
from edge_node.images import Fault
from tests import cifar


def refused(root: Path) -> dict[str, str]:
    with pytest.raises(Fault) as fault:
        Cifar(str(root))
    return fault.value.event


def test_both_versions_of_the_same_pictures_are_the_same_data(tmp_path: Path) -> None:
    binary = Cifar(str(cifar.make_binary(tmp_path / "a", part=4, test=4)))
    pickled = Cifar(str(cifar.make_pickled(tmp_path / "b", part=4, test=4)))
    assert (binary.planes, binary.labels, binary.hash) == (pickled.planes, pickled.labels, pickled.hash)
    assert binary.labels == [0, 1, 2, 3] * 5


def test_one_other_pixel_is_another_hash(tmp_path: Path) -> None:
    file = cifar.make_binary(tmp_path, part=4, test=4) / "cifar-10-batches-bin" / "data_batch_5.bin"
    before = Cifar(str(tmp_path)).hash
    body = bytearray(file.read_bytes())
    body[-1] ^= 1
    file.write_bytes(body)
    assert Cifar(str(tmp_path)).hash != before


def test_the_split_keeps_a_tenth_out_and_no_image_is_on_both_sides(tmp_path: Path) -> None:
    data = Cifar(str(cifar.make_binary(tmp_path, part=20, test=4)))
    learn, held_out = data.split(0.1, seed=3)
    assert (len(learn), len(held_out)) == (90, 10)
    assert sorted(learn + held_out) == list(range(100))
    assert data.split(0.1, seed=3) == (learn, held_out) != data.split(0.1, seed=4)


def test_a_class_without_an_image_is_named(tmp_path: Path) -> None:
    data = Cifar(str(cifar.make_binary(tmp_path, part=9, test=4)))
    assert data.absent == ["truck"]


def test_an_empty_folder_is_said_to_be_empty(tmp_path: Path) -> None:
    assert refused(tmp_path)["what"] == "no CIFAR-10 is there: it is empty"


def test_a_folder_of_something_else_tells_what_lies_there(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-python.tar.gz").touch()
    event = refused(tmp_path)
    assert "cifar-10-python.tar.gz" in event["what"]
    assert "unpacked" in event["right"]


def test_a_part_that_is_missing_is_named(tmp_path: Path) -> None:
    file = cifar.make_binary(tmp_path, part=4, test=4) / "cifar-10-batches-bin" / "data_batch_3.bin"
    file.unlink()
    assert (refused(tmp_path)["where"], refused(tmp_path)["what"]) == (str(file), "it is missing")


@pytest.mark.parametrize(("lost", "words"), [(100, "no batch of CIFAR-10"), (3073, "has 3 images")])
def test_a_torn_part_is_named(tmp_path: Path, lost: int, words: str) -> None:
    file = cifar.make_binary(tmp_path, part=4, test=4) / "cifar-10-batches-bin" / "data_batch_2.bin"
    file.write_bytes(file.read_bytes()[:-lost])
    assert refused(tmp_path)["where"] == str(file)
    assert words in refused(tmp_path)["what"]


def test_a_damaged_pickle_is_named(tmp_path: Path) -> None:
    file = cifar.make_pickled(tmp_path, part=4, test=4) / "cifar-10-batches-py" / "data_batch_4"
    file.write_bytes(file.read_bytes()[:200])
    event = refused(tmp_path)
    assert (event["where"], event["right"]) == (str(file), "data_batch_4 of cifar-10-python.tar.gz")
