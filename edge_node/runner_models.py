"""timm's models for the trial runner: names, weights, and the precision that a device has.

It lies beside `runner.py` and runs where that runs: Python 3.6 and up; torch and timm are handed in.
"""

import contextlib
import difflib
import importlib.util
import os
import re
import socket
import sys
import urllib.parse
import urllib.request
from types import ModuleType, SimpleNamespace
from typing import Any, Dict, List, Optional, Sequence, Tuple

if __package__:
    from edge_node.images import Fault
    from edge_node.runner_checkpoint import Checkpoint
else:  # alone on a device, beside the others
    from images import Fault  # type: ignore[import-not-found,no-redef]
    from runner_checkpoint import Checkpoint  # type: ignore[import-not-found,no-redef]

NETWORK_S = 5  # a device in the field often has no network, and must not wait for one
TYPES = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16"}
MIXED = "amp-"
RANDOM, PRETRAINED, CARD = "random", "pretrained", "card"

Trial = SimpleNamespace  # what has a `model` and a `checkpoint`
Weights = Tuple[str, str]  # what they are, and why where they are random


class Models:
    """Builds models on the processor, with the weights of a checkpoint where a trial names one."""

    def __init__(self, torch: ModuleType, timm: ModuleType, seed: int, pretrained: str) -> None:
        self._weights: Dict[Tuple[str, Optional[str]], Weights] = {}
        self._checkpoints: Dict[str, Checkpoint] = {}
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

    def check_weights(self, trial: Trial) -> None:
        """A trial's checkpoint is whole and fits its model. Raises `Fault`."""
        if trial.checkpoint:
            self._filled(trial)

    def outputs(self, trial: Trial) -> int:
        """How many classes a model tells apart; 0 where this timm only knows once it is built."""
        known = getattr(self._timm, "get_pretrained_cfg", None)
        config = known(trial.model) if known else None
        if trial.checkpoint:
            return self._checkpoint(trial).outputs(config.classifier if config else None)
        return int(config.num_classes) if config else 0

    def classes(self, trial: Trial) -> Optional[List[str]]:
        """What a checkpoint's outputs stand for, in order, where it tells."""
        return self._checkpoint(trial).told.get("classes") if trial.checkpoint else None

    def reference(self, trial: Trial) -> Optional[Dict[str, Any]]:
        """The accuracy that a checkpoint's card tells for this data set."""
        told = self._checkpoint(trial).told if trial.checkpoint else {}
        if "test" not in told or told.get("dataset") != trial.dataset:
            return None
        return {"value": told["test"]["value"], "n": told["test"]["n"], "origin": CARD}

    def weights(self, trial: Trial) -> Weights:
        """What a model's weights are, and why where they are random; empty before it was built."""
        return self._weights.get((trial.model, trial.checkpoint), ("", ""))

    def build(self, trial: Trial) -> Any:  # noqa: ANN401  (a torch module)
        """The model, its weights random where no others can be had."""
        self._torch.manual_seed(self._seed)
        key = (trial.model, trial.checkpoint)
        if trial.checkpoint:
            self._weights[key] = ("checkpoint:" + self._checkpoint(trial).hash, "")
            return self._filled(trial).eval()
        model, why = None, "as asked" if self._never else self.weights(trial)[1]
        if not why:
            model, why = self._pretrained(trial.model)
        self._weights[key] = (RANDOM if why else PRETRAINED, why)
        return (model or self._timm.create_model(trial.model)).eval()

    def _checkpoint(self, trial: Trial) -> Checkpoint:
        if trial.checkpoint not in self._checkpoints:
            self._checkpoints[trial.checkpoint] = Checkpoint(trial.checkpoint)
        return self._checkpoints[trial.checkpoint]

    def _filled(self, trial: Trial) -> Any:  # noqa: ANN401  (a torch module)
        """A model with a checkpoint's head and weights, which takes its images as that was taught."""
        checkpoint, outputs = self._checkpoint(trial), self.outputs(trial)
        checkpoint.check_model(trial.model)
        head = {"num_classes": outputs} if outputs else {}
        model = self._timm.create_model(trial.model, **head)
        checkpoint.fill(model, self._torch, trial.model)
        config = dict(checkpoint.told.get("data_config", {}))
        if config:
            config["input_size"] = tuple(config["input_size"])
            model.pretrained_cfg = model.default_cfg = dict(config_of(model), **config)
        return model

    def _pretrained(self, name: str) -> Tuple[Any, str]:
        try:
            model = self._timm.create_model(name, pretrained=True)
        except Exception as fault:  # noqa: BLE001  (each hub fails in its own way, and none stops a trial)
            return None, why_random(fault)
        source = config_of(model)
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


def register(file: str) -> None:
    """Runs a file that adds models of its own to timm's (`timm.models.register_model`). Raises `Fault`."""
    right = "a Python file that registers models with @timm.models.register_model"
    spec = importlib.util.spec_from_file_location("e3p_models", file)
    if spec is None or spec.loader is None:
        raise Fault("%s is no Python file" % file, "spec.module", right)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # timm looks for it there
    try:
        spec.loader.exec_module(module)
    except Exception as fault:  # noqa: BLE001  (it is somebody's own program, and may fail in any way)
        what = "%s fails: %s: %.200s" % (file, type(fault).__name__, fault)
        raise Fault(what, "spec.module", right) from None


def config_of(model: Any) -> Dict[str, Any]:  # noqa: ANN401  (a torch module)
    """What timm knows of a model it built; nothing of one that is not its own."""
    config = getattr(model, "pretrained_cfg", None) or getattr(model, "default_cfg", {})
    return config if isinstance(config, dict) else dict(vars(config))


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
