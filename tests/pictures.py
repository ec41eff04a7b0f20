"""A made data set whose truth is known: pictures in ImageNet's layout, models with weights on this disk."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

MAKE = Path(__file__)
OWNERS = (0, 0, 0, 1, 1, 2) * 2
"""Which of the models is right about each picture: six times the first, four the second, twice the third."""


def make(folder: Path, models: Sequence[str], env: Mapping[str, str]) -> dict[str, int]:
    """Makes them in a process of their own, as it needs torch; how many pictures each model gets right."""
    command = [sys.executable, str(MAKE), str(folder), *models]
    done = subprocess.run(command, env=dict(env), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    truth: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return truth


def environment(folder: Path) -> dict[str, str]:
    """Where models find those weights, and nothing else."""
    return {"HF_HOME": str(folder / "hub"), "HF_HUB_OFFLINE": "1"}


def _main(folder: Path, models: Sequence[str]) -> None:
    """Each picture is of the class that its owner sees in it."""
    import timm
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(7)
    wordnet_ids = timm.data.ImageNetInfo().label_names()
    nets = {name: timm.create_model(name).eval() for name in models}
    for name, net in nets.items():
        _keep_weights(folder, name, net)
    seen = [{name: _see(net, picture) for name, net in nets.items()} for picture in _pictures()]
    truths = [sight[models[owner]] for sight, owner in zip(seen, OWNERS, strict=True)]
    for at, (picture, truth) in enumerate(zip(_pictures(), truths, strict=True)):
        place = folder / "val" / wordnet_ids[truth]
        place.mkdir(parents=True, exist_ok=True)
        picture.save(place / f"{at}.png")
    right = {name: sum(s[name] == truth for s, truth in zip(seen, truths, strict=True)) for name in models}
    print(json.dumps(right))


def _pictures() -> list[Any]:
    from PIL import Image

    made = []
    for number in range(len(OWNERS)):
        noise = b"".join(hashlib.sha256(f"{number} {row}".encode()).digest() for row in range(6))
        made.append(Image.frombytes("RGB", (8, 8), noise).resize((200, 180)))
    return made


def _see(net: Any, picture: Any) -> int:
    import timm
    import torch

    transform = timm.data.create_transform(**timm.data.resolve_model_data_config(net))
    with torch.inference_mode():
        return int(net(transform(picture)[None]).argmax())


def _keep_weights(folder: Path, name: str, net: Any) -> None:
    """As Hugging Face's cache keeps them."""
    from safetensors.torch import save_file

    repo = folder / "hub" / "hub" / f"models--{net.pretrained_cfg['hf_hub_id'].replace('/', '--')}"
    snapshot = repo / "snapshots" / "0"
    snapshot.mkdir(parents=True)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("0")
    save_file(net.state_dict(), snapshot / "model.safetensors")


if __name__ == "__main__":
    _main(Path(sys.argv[1]), sys.argv[2:])
