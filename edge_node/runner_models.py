"""timm's models for the trial runner: names, weights, and the precision that a device has.

It lies beside `runner.py` and runs where that runs: Python 3.6 and up; torch and timm are handed in.
"""

import contextlib
import difflib
import os
import re
import socket
import urllib.parse
import urllib.request
from types import ModuleType
from typing import Any, Dict, Sequence, Tuple

if __package__:
    from edge_node.images import Fault
else:  # alone on a device, beside images.py
    from images import Fault  # type: ignore[import-not-found,no-redef]

NETWORK_S = 5  # a device in the field often has no network, and must not wait for one
TYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
MIXED = "amp-"


class Models:
    """Builds models on the processor. `random` says of each why its weights are; empty where they are not."""

    def __init__(self, torch: ModuleType, timm: ModuleType, seed: int, pretrained: str) -> None:
        self.random: Dict[str, str] = {}
        self._torch, self._timm, self._seed = torch, timm, seed
        self._never = pretrained == "never"

    def check(self, names: Sequence[str]) -> None:
        """Every name is timm's, its tag too where this timm knows tags."""
        timm = self._timm
        tagged = set(timm.list_pretrained()) if hasattr(timm, "list_pretrained") else set()
        for name in names:
            if not timm.is_model(name) or (tagged and "." in name and name not in tagged):
                near = difflib.get_close_matches(name, sorted(tagged.union(timm.list_models())), 3)
                right = ", ".join(near) or "a name of timm.list_models()"
                what = "timm %s has no model %r" % (timm.__version__, name)
                raise Fault(what, "spec.models", right, name)

    def outputs(self, name: str) -> int:
        """How many classes a model tells apart; 0 where this timm only knows once it is built."""
        known = getattr(self._timm, "get_pretrained_cfg", None)
        return int(known(name).num_classes) if known else 0

    def build(self, name: str) -> Any:  # noqa: ANN401  (a torch module)
        """The model, its weights random where no others can be had."""
        self._torch.manual_seed(self._seed)
        model, why = None, self.random.get(name, "as asked" if self._never else "")
        if not why:
            model, why = self._pretrained(name)
        self.random[name] = why
        return (model or self._timm.create_model(name)).eval()

    def _pretrained(self, name: str) -> Tuple[Any, str]:
        try:
            model = self._timm.create_model(name, pretrained=True)
        except Exception as fault:  # noqa: BLE001  (each hub fails in its own way, and none stops a trial)
            return None, why_random(fault)
        config = getattr(model, "pretrained_cfg", None) or model.default_cfg
        source = config if isinstance(config, dict) else vars(config)
        known = any(source.get(key) for key in ("url", "file", "hf_hub_id", "state_dict"))
        return model, "" if known else "this timm has none for it"  # older ones only log that


class Numbers:
    """The precisions of one device."""

    def __init__(self, torch: ModuleType, device: str) -> None:
        self._torch, self._device = torch, device

    def check(self, precision: str) -> None:
        """A small convolution and a product tell whether this device has this precision."""
        torch, device, right = self._torch, self._device, "fp32, which every device has"
        is_bf16 = precision.endswith("bf16")
        if is_bf16 and device == "cuda" and torch.cuda.get_device_capability()[0] < 8:
            raise Fault("this GPU only imitates bf16", "spec.precision", "fp16 or " + right, precision)
        try:
            with self.cast(precision):
                ones = torch.ones(1, 1, 1, 1).to(device, self.type_of(precision))
                torch.nn.functional.conv2d(ones, ones).matmul(ones)
        except (RuntimeError, AttributeError, ValueError) as fault:
            what = "%s has no %s with torch %s" % (device, precision, torch.__version__)
            what = "%s: %s" % (what, str(fault).split("\n")[0])
            raise Fault(what, "spec.precision", right, precision) from None

    def type_of(self, precision: str) -> Any:  # noqa: ANN401  (a torch type)
        """Of weights and images: mixed precision keeps them in single."""
        return getattr(self._torch, TYPES.get(precision, "float32"))

    def cast(self, precision: str) -> Any:  # noqa: ANN401  (a context manager of torch)
        """Mixed precision, where it is asked for."""
        if not precision.startswith(MIXED):
            return contextlib.ExitStack()
        type_ = getattr(self._torch, TYPES[precision[len(MIXED) :]])
        return self._torch.autocast(self._device, dtype=type_)


def ask_the_hub() -> None:
    """Without an answer only cached weights are looked for: its client would try for a minute a model.

    It reads this once, when it is loaded: ask before timm is.
    """
    hub = urllib.parse.urlsplit(os.environ.get("HF_ENDPOINT", "https://huggingface.co"))
    if "HF_HUB_OFFLINE" not in os.environ and not urllib.request.getproxies():
        try:
            socket.create_connection((hub.hostname or "", hub.port or 443), NETWORK_S).close()
        except (OSError, ValueError):
            os.environ["HF_HUB_OFFLINE"] = "1"


def why_random(fault: Exception) -> str:
    """Why there are no weights, in a few words; a hub's answer is quoted, its long advice is not."""
    if isinstance(fault, OSError) and getattr(fault, "response", None) is None:
        return "none in the cache, and no network"
    words = re.split(r"(?<=[.!?])\s|\n", str(fault))[0]
    return "%s: %.80s" % (type(fault).__name__, words)
