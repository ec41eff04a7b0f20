"""The images of the trial runner's trials, decoded and preprocessed before anything is measured.

It lies beside `runner.py` and runs where that runs: Python 3.6 and up; torch and timm's data are handed in
once they are needed.
"""

import hashlib
import math
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

if __package__:
    from edge_node.images import Fault, Images, find, named
else:  # alone on a device, beside images.py
    from images import Fault, Images, find, named  # type: ignore[import-not-found,no-redef]

MEMORY_SHARE = 0.6  # of the free memory, for the preprocessed images

Tensor = Any  # torch comes at run time, from the interpreter at hand


class Data:
    """The data sets of a plan, in `sets` once looked through; `drawn` is what the last trial runs on."""

    def __init__(self, seed: int, say: Callable[..., None]) -> None:
        self.sets: Dict[Tuple[Any, ...], Images] = {}
        self.drawn: List[int] = []
        self._seed, self._say = seed, say
        self._torch: Any = None
        self._data: Any = None
        self._kept: Tuple[object, Tensor] = ("", None)  # the last pixels: models often share them

    def use(self, torch: ModuleType, data: ModuleType) -> None:
        """From now on there is all that it takes to look into images."""
        self._torch, self._data = torch, data

    def images(self, trial: SimpleNamespace) -> Images:
        """The data set of a trial."""
        key = (trial.images_dir, trial.dataset, trial.labels)
        if key not in self.sets:
            self.sets[key] = find(*key)
        return self.sets[key]

    def count(self, trial: SimpleNamespace) -> int:
        """How many images a trial has."""
        return min(int(trial.images), len(self.images(trial).names) or int(trial.images))

    def check(self, trial: SimpleNamespace, outputs: int, classes: Optional[List[str]] = None) -> None:
        """A batch can be filled, and the labels fit the head (of these `classes`). Raises `Fault`."""
        count = self.count(trial)
        if trial.batch_size > count:
            what = "a batch of %d cannot come from %d images" % (trial.batch_size, count)
            raise Fault(what, "spec.batch_size", "at most %d" % count, trial.batch_size)
        found = self.images(trial).classes
        if classes and found and classes != found:
            what = "its classes (%s) are not those of the data (%s)" % (named(classes), named(found))
            raise Fault(what, trial.checkpoint, "a checkpoint of this data set, or no labels (--no-labels)")
        if outputs:
            self.images(trial).numbers(trial.model, outputs, self._data)

    def config(self, model: Any) -> Dict[str, Any]:  # noqa: ANN401  (a torch module)
        """How a model wants its images."""
        resolve = getattr(self._data, "resolve_model_data_config", None)
        found = resolve(model) if resolve else self._data.resolve_data_config({}, model=model)
        return dict(found)

    def expected(self, trial: SimpleNamespace, outputs: int) -> List[int]:
        """The number of the right class of each image drawn; empty without labels."""
        images = self.images(trial)
        numbers = images.numbers(trial.model, outputs, self._data)
        return [numbers[images.labels[row]] for row in self.drawn] if images.labels else []

    def subset(self, trial: SimpleNamespace, config: Dict[str, Any]) -> Tuple[str, int]:
        """One name for the very images, and how many they are."""
        count = len(self.drawn) or self.count(trial)
        made = [str(part) for part in ("generated", self._seed, count, config["input_size"])]
        listing = [self.images(trial).names[row] for row in self.drawn] or made
        return hashlib.sha256("\n".join(listing).encode()).hexdigest(), count

    def pixels(self, trial: SimpleNamespace, config: Dict[str, Any]) -> Tensor:
        """All images as the model wants them: float32, images x channels x rows x columns."""
        images, count = self.images(trial), self.count(trial)
        key = (images, count, repr(sorted(config.items())))
        if self._kept[0] != key:
            self._kept = ("", None)
            shape = (count, *config["input_size"])
            need = 6 * shape[0] * shape[1] * shape[2] * shape[3]  # bytes, a copy in half precision included
            if need > MEMORY_SHARE * free_bytes():
                raise MemoryError("the images %s take %.1f GB of memory" % (shape, need / 1e9))
            self._kept = (key, self._decoded(images, shape, config) if images.names else self._made(shape))
        return self._kept[1]

    def _made(self, shape: Sequence[int]) -> Tensor:
        self.drawn = []
        return self._torch.randn(shape, generator=self._torch.Generator().manual_seed(self._seed))

    def _decoded(self, images: Images, shape: Sequence[int], config: Dict[str, Any]) -> Tensor:
        transform, pixels = self._data.create_transform(**config), self._torch.empty(shape)

        def keep(row: int, picture: Any) -> None:  # noqa: ANN401  (Pillow's)
            pixels[row] = transform(picture)

        known = len(images.broken)
        self.drawn = images.draw(self._seed, shape[0], keep)
        if len(images.broken) > known:
            self._say("unreadable", images=len(self.drawn), names=sorted(images.broken))
        return pixels[: len(self.drawn)]


def free_bytes() -> float:
    """What the system could still give; infinite where it does not say."""
    try:
        words = Path("/proc/meminfo").read_text().split()
        return int(words[words.index("MemAvailable:") + 1]) * 1024.0
    except (OSError, ValueError):
        return math.inf
