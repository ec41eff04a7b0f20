"""A plain PyTorch program: a small network over batches of pictures. Three lines were added to measure it.

    python examples/pytorch_three_lines.py [SECONDS]

With an agent (`e3p edge`) and a server (`e3p serve`) running, its energy is in `e3p report`; without them it
runs all the same.
"""

from __future__ import annotations

import sys
import time

import torch
from torch import nn

from edge_node import mark_torch  # 1: added


def main() -> None:
    """Classifies random pictures for so many seconds."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(8), nn.Flatten(), nn.Linear(1024, 10)
    ).to(device)
    pictures = torch.randn(16, 3, 64, 64)

    watched = mark_torch.watch(model, name="small_cnn", dataset="random")  # 2: added
    seen, end = 0, time.monotonic() + seconds
    with torch.no_grad():
        while time.monotonic() < end:
            seen += len(model(pictures.to(device)).argmax(1))
    watched.end()  # 3: added
    print(f"{seen} pictures")


if __name__ == "__main__":
    main()
