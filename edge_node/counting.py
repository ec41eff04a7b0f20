"""Count a model's parameters and multiply-accumulates: `PYTHON counting.py < MODELS`.

A child process on an interpreter with torch (2.1 or newer) and timm; nothing else of e3p. It reads lines of
`MODEL IMAGE_SIZE` and prints one JSON object for each: `model`, `params`, `macs`, `attention_macs`,
`head_inputs`, or `model` and `error`. The models are built without memory for their weights (torch's meta
device), so it takes half a second for one of any size.

One multiply-accumulate is two of the operations that torch counts. Attention's are the products of
activations with activations (`bmm`, and fused attention): some counters leave them out.
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

OF_ATTENTION = ("bmm", "attention")


def count(torch: Any, timm: Any, counter: Any, name: str, size: int) -> dict[str, Any]:  # noqa: ANN401
    """What one model needs for one image of `size` × `size`."""
    with torch.device("meta"), torch.inference_mode():
        model = timm.create_model(name).eval()
        with counter:
            model(torch.empty(1, 3, size, size))
    counts = counter.get_flop_counts()["Global"]
    attention = sum(ops for kind, ops in counts.items() if any(word in str(kind) for word in OF_ATTENTION))
    return {
        "params": sum(each.numel() for each in model.parameters()),
        "macs": sum(counts.values()) // 2,
        "attention_macs": attention // 2,
        "head_inputs": getattr(model, "head_hidden_size", None) or model.num_features,
    }


def main() -> int:
    """Counts the models on standard input; what cannot be counted is named, and the others go on."""
    warnings.simplefilter("ignore")
    try:
        import timm
        import torch
        from torch.utils.flop_counter import FlopCounterMode
    except ImportError as missing:
        sys.stdout.write(json.dumps({"error": str(missing)}) + "\n")
        return 2
    for line in sys.stdin:
        name, size = line.split()
        try:
            told = count(torch, timm, FlopCounterMode(display=False), name, int(size))
        except Exception as fault:  # noqa: BLE001  (each model fails in its own way, and none stops the others)
            told = {"error": f"{type(fault).__name__}: {fault}"[:200]}
        sys.stdout.write(json.dumps({"model": name, **told}) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
