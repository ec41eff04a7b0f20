"""Data sets on a disk: what is found there, in which order it is drawn, and what its labels mean."""

from __future__ import annotations

import os
import pickle
import random
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from edge_node.images import CIFAR_CLASSES, Fault, Images, find

image = pytest.importorskip("PIL.Image", reason="Pillow is not installed here")

COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (9, 9, 9)]
LABELS = [3, 0, 9, 3]
IMAGENET = SimpleNamespace(
    ImageNetInfo=lambda: SimpleNamespace(label_names=lambda: [f"n{number:08d}" for number in range(1000)])
)


def pictures(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        image.new("RGB", (4, 4), COLOURS[0]).save(path)
    return folder


def planes() -> list[bytes]:
    """Four CIFAR-10 images, each of one colour: 1,024 bytes of red, of green, of blue."""
    return [b"".join(bytes([value]) * 1024 for value in colour) for colour in COLOURS]


def packed(root: Path) -> Path:
    folder = root / "cifar-10-batches-bin"
    folder.mkdir()
    records = [bytes([label]) + body for label, body in zip(LABELS, planes(), strict=True)]
    (folder / "test_batch.bin").write_bytes(b"".join(records))
    return root


def pickled(root: Path, protocol: int = 2, **changed: Any) -> Path:
    numpy = pytest.importorskip("numpy")
    data = numpy.frombuffer(b"".join(planes()), dtype=numpy.uint8).reshape(4, 3072)
    folder = root / "cifar-10-batches-py"
    folder.mkdir()
    batch = {b"data": data, b"labels": LABELS, b"batch_label": b"testing batch 1 of 1", **changed}
    (folder / "test_batch").write_bytes(pickle.dumps(batch, protocol=protocol))
    return root


def drawn(images: Images, count: int, seed: int = 0) -> list[tuple[str, tuple[int, int, int]]]:
    """Names and first pixels of the images drawn."""
    pixels: list[tuple[int, int, int]] = []
    rows = images.draw(seed, count, lambda _, picture: pixels.append(picture.getpixel((0, 0))))
    return list(zip([images.names[row] for row in rows], pixels, strict=True))


@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("make", [packed, pickled])
def test_cifar_10_is_read_in_its_own_formats(tmp_path: Path, make: Any, inside: bool) -> None:
    root = make(tmp_path)
    found = find(str(next(root.iterdir()) if inside else root), "cifar10")
    assert found.labels == [CIFAR_CLASSES[label] for label in LABELS]
    assert sorted(drawn(found, 4)) == [(f"test/{n:05d}", colour) for n, colour in enumerate(COLOURS)]


def test_a_pickle_as_python_2_wrote_it_is_read(tmp_path: Path) -> None:
    body = b"".join(planes())
    size = len(body).to_bytes(4, "little")
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntU\x01btR(I1\n(I4\nI3072\nt"
    kind = b"cnumpy\ndtype\n(U\x02u1I0\nI1\ntR(I3\nU\x01|NNNI-1\nI-1\nI0\ntb"
    labels = b"(lp1\n" + b"".join(b"I%d\na" % label for label in LABELS)
    pickle_2 = (
        b"\x80\x02}(U\x04data" + array + kind + b"I00\nT" + size + body + b"tbU\x06labels" + labels + b"u."
    )
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    (folder / "test_batch").write_bytes(pickle_2)
    assert len(drawn(find(str(tmp_path), "cifar10"), 4)) == 4


def test_the_same_seed_draws_the_same_cifar_10_from_either_format(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, two = find(str(packed(tmp_path / "a")), "cifar10"), find(str(pickled(tmp_path / "b")), "cifar10")
    assert drawn(one, 2, seed=5) == drawn(two, 2, seed=5)


def test_a_pickle_that_would_run_something_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "made"),)

    root = pickled(tmp_path, labels=Evil())
    with pytest.raises(Fault, match="mkdir has no place in CIFAR-10"):
        find(str(root), "cifar10")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("size", [0, 100, 3072])
def test_a_torn_binary_batch_is_refused(tmp_path: Path, size: int) -> None:
    file = packed(tmp_path) / "cifar-10-batches-bin" / "test_batch.bin"
    file.write_bytes(file.read_bytes()[:size])
    with pytest.raises(Fault, match="no batch of CIFAR-10"):
        find(str(tmp_path), "cifar10")


def test_cifar_10_under_another_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Fault) as refused:
        find(str(packed(tmp_path)), "imagenet-1k")
    assert refused.value.event["right"] == "--dataset cifar10"


def test_torchvision_reads_cifar_10_and_downloads_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {}

    class CIFAR10:
        classes, targets = CIFAR_CLASSES, LABELS

        def __init__(self, root: str, **options: bool) -> None:
            asked.update(options, root=root)

        def __getitem__(self, row: int) -> tuple[Any, int]:
            return image.new("RGB", (32, 32), COLOURS[row]), LABELS[row]

    fake = ModuleType("torchvision.datasets")
    fake.CIFAR10 = CIFAR10  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.datasets", fake)
    found = find(f"torchvision:{tmp_path}", "cifar10")
    assert asked == {"root": str(tmp_path), "train": False, "download": False}
    assert drawn(found, 2) == drawn(find(str(packed(tmp_path)), "cifar10"), 2)


def test_the_real_torchvision_holds_cifar_10_against_its_checksums(tmp_path: Path) -> None:
    pytest.importorskip("torchvision.datasets")
    with pytest.raises(Fault, match="torchvision: Dataset not found or corrupted") as refused:
        find(f"torchvision:{pickled(tmp_path)}", "cifar10")
    assert "unchanged" in refused.value.event["right"]


@pytest.mark.parametrize(
    ("file", "lines"),
    [
        ("labels.csv", "filename,label\na.png,cat\nb.png,dog\n"),
        ("labels.txt", "a cat\nb dog\n"),
        ("val.txt", "a.png cat\nb.png dog"),
    ],
)
def test_a_flat_folder_takes_its_labels_from_a_list(tmp_path: Path, file: str, lines: str) -> None:
    pictures(tmp_path, "a.png", "b.png")
    (tmp_path / file).write_text(lines)
    found = find(str(tmp_path), "pets")
    assert (found.labels, found.classes) == (["cat", "dog"], ["cat", "dog"])


def test_the_list_of_imagenets_own_validation_folder_is_read(tmp_path: Path) -> None:
    pictures(tmp_path / "val", "ILSVRC2012_val_00000001.JPEG", "ILSVRC2012_val_00000002.JPEG")
    lines = ["ImageId,PredictionString"]
    lines += ["ILSVRC2012_val_00000002,n00000007 1 2 3 4 n00000007 5 6 7 8"]
    lines += ["ILSVRC2012_val_00000001,n00000009 1 2 3 4"]
    (tmp_path / "LOC_val_solution.csv").write_text("\n".join(lines))
    found = find(str(tmp_path), "imagenet-1k")
    assert found.labels == ["n00000009", "n00000007"]
    assert found.numbers("m", 1000, IMAGENET) == {"n00000007": 7, "n00000009": 9}


def test_a_list_that_leaves_an_image_out_is_refused(tmp_path: Path) -> None:
    pictures(tmp_path, "a.png", "b.png", "c.png")
    (tmp_path / "labels.csv").write_text("a.png,cat\n")
    with pytest.raises(Fault, match=r"2 of 3 images have no label \(b\.png, c\.png\)"):
        find(str(tmp_path), "pets")


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(tmp_path, "ape/a.png", "bee/b.png")
    scandir = os.scandir

    def shut(path: Any) -> Any:
        if str(path).endswith("bee"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", shut)
    with pytest.raises(Fault, match="1 folders cannot be read") as refused:
        find(str(tmp_path), "pets")
    assert refused.value.event["where"].endswith("bee")


def test_what_is_still_packed_is_to_be_unpacked(tmp_path: Path) -> None:
    (tmp_path / "cifar-10-python.tar.gz").touch()
    with pytest.raises(Fault) as refused:
        find(str(tmp_path), "cifar10")
    assert refused.value.event["right"] == "unpack cifar-10-python.tar.gz"


def test_the_classes_of_imagenet_have_the_heads_numbers_even_where_few_are_there(tmp_path: Path) -> None:
    found = find(str(pictures(tmp_path, "n00000012/a.png", "n00000700/b.png")), "imagenet-1k")
    assert found.numbers("m", 1000, IMAGENET) == {"n00000012": 12, "n00000700": 700}


def test_folders_named_by_number_are_classes_of_imagenet_only_where_the_data_set_is(tmp_path: Path) -> None:
    root = str(pictures(tmp_path, "3/a.png", "10/b.png"))
    assert find(root, "imagenet-1k").numbers("m", 1000, IMAGENET) == {"10": 10, "3": 3}
    with pytest.raises(Fault, match="do not fit"):
        find(root, "digits").numbers("m", 1000, IMAGENET)


def test_as_many_classes_as_outputs_are_numbered_in_their_order(tmp_path: Path) -> None:
    found = find(str(pictures(tmp_path, "cat/a.png", "ant/b.png", "dog/c.png")), "pets")
    assert found.numbers("m", 3, SimpleNamespace()) == {"ant": 0, "cat": 1, "dog": 2}


def test_numbers_as_names_mean_themselves(tmp_path: Path) -> None:
    found = find(str(pictures(tmp_path, *(f"{n}/a.png" for n in range(11)))), "eleven")
    assert found.numbers("m", 11, SimpleNamespace())["10"] == 10


def test_cifar_10_does_not_fit_a_head_of_imagenet(tmp_path: Path) -> None:
    found = find(str(packed(tmp_path)), "cifar10")
    with pytest.raises(Fault, match=r"10 classes \(airplane, automobile, bird, …\) for 1000 outputs"):
        found.numbers("m", 1000, IMAGENET)
    assert found.numbers("m", 10, IMAGENET)["truck"] == 9


def test_a_draw_is_without_repetition_and_depends_on_the_seed_alone(tmp_path: Path) -> None:
    root = str(pictures(tmp_path, *(f"{name}/{n}.png" for name in "ab" for n in range(10))))
    draws = [[name for name, _ in drawn(find(root, "d"), 12, seed)] for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]
    assert len(set(draws[0])) == 12


def test_another_image_stands_in_for_a_broken_one(tmp_path: Path) -> None:
    pictures(tmp_path, *(f"{n:03}.png" for n in range(150)))
    order = random.Random(0).sample(range(150), 150)
    (tmp_path / f"{order[0]:03}.png").write_bytes(b"no picture")
    found = find(str(tmp_path), "d")
    assert [name for name, _ in drawn(found, 100)] == [f"{row:03}.png" for row in order[1:101]]
    assert list(found.broken) == [f"{order[0]:03}.png"]
