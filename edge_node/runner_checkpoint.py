"""Checkpoints: safetensors files, read without its library, which old devices do not have.

It lies beside `runner.py` and runs where that runs: Python 3.6 and up; torch (1.10 or newer) is handed in.
A file is eight bytes of length, a JSON header of that length (for each tensor its type, shape and place, and
texts of our own under `__metadata__`), and the tensors' bytes.
"""

import hashlib
import json
import struct
from pathlib import Path
from typing import Any, Dict, Tuple

if __package__:
    from edge_node.images import Fault, named
else:  # alone on a device, beside images.py
    from images import Fault, named  # type: ignore[import-not-found,no-redef]

TYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U8": "uint8",
    "BOOL": "bool",
}
HEADER_BYTES = 100000000
HASH_LETTERS = 16
OURS = "e3p"
RIGHT = "a safetensors file, such as `e3p finetune` writes"


class Checkpoint:
    """A file of weights: `told` is what `e3p finetune` wrote into its header, empty where others made it."""

    def __init__(self, file: str) -> None:
        self.file = file
        try:
            self._body = Path(file).read_bytes()
        except OSError as fault:
            raise Fault("it cannot be read: %s" % fault.strerror, file, RIGHT) from None
        self.hash = hashlib.sha256(self._body).hexdigest()[:HASH_LETTERS]
        try:
            self._start, self._header = _header(self._body)
            texts = self._header.pop("__metadata__", {})
            self.told: Dict[str, Any] = json.loads(texts.get(OURS, "{}"))
            self.shapes: Dict[str, Tuple[int, ...]] = {
                name: tuple(entry["shape"]) for name, entry in self._header.items()
            }
        except (ValueError, KeyError, TypeError, AttributeError, struct.error) as fault:
            what = "it is no whole safetensors file: %s" % (str(fault) or type(fault).__name__)
            raise Fault(what, file, RIGHT) from None

    def check_model(self, model: str) -> None:
        """It is one of this model's. Raises `Fault`."""
        of = self.told.get("model", model)
        if of != model:
            what = "it is a checkpoint of %s, and the model is %s" % (of, model)
            raise Fault(what, self.file, "--model %s, or a checkpoint of %s" % (of, model))

    def outputs(self, classifier: Any) -> int:  # noqa: ANN401  (a name or several, as timm tells them)
        """How many classes its head tells apart; 0 where its parts do not show it."""
        names = [classifier] if isinstance(classifier, str) else list(classifier or [])
        heads = [self.shapes[name + ".weight"][0] for name in names if self.shapes.get(name + ".weight")]
        return int(self.told.get("outputs") or (heads[0] if heads else 0))

    def tensors(self, torch: Any) -> Dict[str, Any]:  # noqa: ANN401  (a module)
        """Every tensor by its name."""
        return {name: self._tensor(torch, entry) for name, entry in self._header.items()}

    def _tensor(self, torch: Any, entry: Dict[str, Any]) -> Any:  # noqa: ANN401  (torch's)
        kind = getattr(torch, TYPES[entry["dtype"]])
        begin, end = (self._start + offset for offset in entry["data_offsets"])
        if begin == end:
            return torch.empty(entry["shape"], dtype=kind)
        return torch.frombuffer(bytearray(self._body[begin:end]), dtype=kind).reshape(entry["shape"])

    def fill(self, model: Any, torch: Any, name: str) -> None:  # noqa: ANN401  (a torch module, a module)
        """Gives a model these weights. Raises `Fault` where they are not its own."""
        own = model.state_dict()
        strange = sorted(set(self.shapes) - set(own)) or sorted(set(own) - set(self.shapes))
        if strange:
            what = "its weights are not those of %s (%s)" % (name, named(strange))
            raise Fault(what, self.file, "a checkpoint of %s" % name)
        bent = [key for key in own if tuple(own[key].shape) != self.shapes[key]]
        if bent:
            what = "%s has the shape %s in %s, and %s here" % (
                bent[0],
                list(own[bent[0]].shape),
                name,
                list(self.shapes[bent[0]]),
            )
            raise Fault(what, self.file, "a checkpoint of %s with its own head" % name)
        model.load_state_dict(self.tensors(torch))


def _header(body: bytes) -> Tuple[int, Dict[str, Any]]:
    """Where the tensors begin, and what the header says; `ValueError` where it and the file do not agree."""
    (size,) = struct.unpack_from("<Q", body)
    if size > min(HEADER_BYTES, len(body) - 8):
        raise ValueError("a header of %d bytes in a file of %d" % (size, len(body)))
    header = json.loads(body[8 : 8 + size].decode())
    start = 8 + size
    for name, entry in header.items():
        if name != "__metadata__":
            _check(name, entry, len(body) - start)
    return start, header


def _check(name: str, entry: Dict[str, Any], room: int) -> None:
    begin, end = entry["data_offsets"]
    if entry["dtype"] not in TYPES:
        raise ValueError("%s is of type %s" % (name, entry["dtype"]))
    if not 0 <= begin <= end <= room:
        raise ValueError("it ends before %s does" % name)
