"""CIFAR-10's images for fine-tuning: read from its own files, split, and made ready in batches.

The training images stay as the bytes that they are (3,072 each); a batch is enlarged to the model's size when
its turn comes, as Pillow does it (torch's antialiased interpolation), and normalised.
"""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Any, Callable

if __package__:
    from edge_node.images import SIDE, Fault, Images, packed, pickled
else:  # alone on a device, beside images.py
    from images import SIDE, Fault, Images, packed, pickled  # type: ignore[import-not-found,no-redef]

PARTS = 5
LAYOUTS: tuple[tuple[str, str, Callable[[Path], Images]], ...] = (
    ("cifar-10-batches-py", "", pickled),
    ("cifar-10-batches-bin", ".bin", packed),
)
RIGHT = "the unpacked cifar-10-python.tar.gz or cifar-10-binary.tar.gz"

Tensor = Any  # torch comes at run time, from the interpreter at hand


class Cifar:
    """The whole data set: the bytes and class numbers of the training images, and the test images."""

    def __init__(self, where: str) -> None:
        parts, self.test = _read(Path(where))
        self.layout, self.classes = self.test.layout, self.test.classes
        self.planes = b"".join(part.planes for part in parts)
        numbers = {name: number for number, name in enumerate(self.classes)}
        self.labels = [numbers[name] for part in parts for name in part.labels]
        self.test_labels = [numbers[name] for name in self.test.labels]
        sha = hashlib.sha256(self.planes + bytes(self.labels))
        sha.update(self.test.planes + bytes(self.test_labels))
        self.hash = sha.hexdigest()
        self.absent = [name for name, number in numbers.items() if number not in set(self.labels)]

    def split(self, held_out: float, seed: int) -> tuple[list[int], list[int]]:
        """The places of the images to learn from, and of those that only validate."""
        order = list(range(len(self.labels)))
        random.Random("split/%d" % seed).shuffle(order)
        count = max(1, round(held_out * len(order)))
        return sorted(order[count:]), sorted(order[:count])


def _read(root: Path) -> tuple[list[Images], Images]:
    """The five parts of the training set, and the test set. Raises `Fault` naming the file."""
    if not root.is_dir():
        raise Fault("there is no such folder", str(root), RIGHT)
    for name, suffix, read in LAYOUTS:
        for folder in (root / name, root):
            files = [folder / ("data_batch_%d%s" % (number, suffix)) for number in range(1, PARTS + 1)]
            files.append(folder / ("test_batch" + suffix))
            if any(file.is_file() for file in files):
                return _whole(files, read)
    inside = sorted(path.name for path in root.iterdir() if not path.name.startswith("."))
    what = "no CIFAR-10 is there" + (" (but %s)" % ", ".join(inside[:3]) if inside else ": it is empty")
    raise Fault(what, str(root), RIGHT)


def _whole(files: list[Path], read: Callable[[Path], Images]) -> tuple[list[Images], Images]:
    for file in files:
        if not file.is_file():
            raise Fault("it is missing", str(file), "all of data_batch_1 to 5 and test_batch")
    try:
        *parts, test = [read(file) for file in files]
    except OSError as fault:
        raise Fault("it cannot be read: %s" % fault.strerror, str(fault.filename), RIGHT) from None
    sizes = [len(part.labels) for part in parts]
    for file, size in zip(files, sizes):
        if size != max(sizes):
            what = "it has %d images, and the others have %d" % (size, max(sizes))
            raise Fault(what, str(file), "files that are whole")
    return parts, test


class Pixels:
    """Training images as a model wants them; `config` is timm's: input_size, mean, std, interpolation."""

    def __init__(self, torch: Any, cifar: Cifar, config: dict[str, Any], device: str) -> None:  # noqa: ANN401
        self._torch, self._device = torch, device
        self._size, self._mode = tuple(config["input_size"][1:]), config["interpolation"]
        self._planes = torch.frombuffer(bytearray(cifar.planes), dtype=torch.uint8).reshape(-1, 3, SIDE, SIDE)
        self._labels = torch.tensor(cifar.labels)
        self._mean, self._std = (
            torch.tensor(config[name], device=device).reshape(3, 1, 1) for name in ("mean", "std")
        )

    def batch(self, rows: list[int], *, flip: bool) -> tuple[Tensor, Tensor]:
        """Images and class numbers on the device; `flip` turns each left to right by chance."""
        torch = self._torch
        pixels, labels = self._planes[rows], self._labels[rows]
        if flip:
            turned = torch.rand(len(rows)) < 0.5
            pixels = torch.where(turned.reshape(-1, 1, 1, 1), pixels.flip(3), pixels)
        small = pixels.to(self._device).float() / 255
        large = torch.nn.functional.interpolate(small, size=self._size, mode=self._mode, antialias=True)
        return (large.clamp(0, 1) - self._mean) / self._std, labels.to(self._device)
