"""A made data set in CIFAR-10's own formats to be learned: squares of five colours, striped two ways."""

from __future__ import annotations

import pickle
import random
from pathlib import Path

SIDE, PLANE, PARTS = 32, 32 * 32, 5
COLOURS = ((230, 40, 40), (40, 200, 60), (60, 80, 240), (230, 210, 40), (200, 60, 210))


def make_binary(root: Path, *, part: int = 120, test: int = 100, seed: int = 0) -> Path:
    """`data_batch_1.bin` to 5 with `part` images each, and `test_batch.bin`."""
    folder = root / "cifar-10-batches-bin"
    folder.mkdir(parents=True)
    for name, pictures in _batches(part, test, seed).items():
        (folder / f"{name}.bin").write_bytes(b"".join(bytes([label]) + planes for label, planes in pictures))
    return root


def make_pickled(root: Path, *, part: int = 120, test: int = 100, seed: int = 0) -> Path:
    """The same pictures as the "python version" has them."""
    import numpy as np

    folder = root / "cifar-10-batches-py"
    folder.mkdir(parents=True)
    for name, pictures in _batches(part, test, seed).items():
        rows = np.frombuffer(b"".join(planes for _, planes in pictures), np.uint8).reshape(-1, 3 * PLANE)
        batch = {b"data": rows, b"labels": [label for label, _ in pictures]}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))
    return root


def _batches(part: int, test: int, seed: int) -> dict[str, list[tuple[int, bytes]]]:
    draw = random.Random(seed)
    sizes = {**{f"data_batch_{number}": part for number in range(1, PARTS + 1)}, "test_batch": test}
    return {name: [_picture(draw, at % 10) for at in range(size)] for name, size in sizes.items()}


def _picture(draw: random.Random, label: int) -> tuple[int, bytes]:
    """A noisy background, and somewhere the class's square: its colour, its stripes across or along."""
    side, across = draw.randint(16, 22), label % 2 == 0
    x, y = draw.randint(0, SIDE - side), draw.randint(0, SIDE - side)
    planes = []
    for light in COLOURS[label // 2]:
        plane = bytearray(value % 100 for value in draw.randbytes(PLANE))
        for row in range(y, y + side):
            lit = [(row if across else column) % 6 < 3 for column in range(x, x + side)]
            plane[row * SIDE + x : row * SIDE + x + side] = bytes(light if on else 20 for on in lit)
        planes.append(bytes(plane))
    return label, b"".join(planes)
