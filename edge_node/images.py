"""Find, draw and open the images of a trial: folders by class, flat folders with a list, CIFAR-10.

It lies beside `runner.py` and runs where that runs: Python 3.6 and up, standard library only; Pillow and
torchvision are loaded when pictures are opened. Nothing here downloads anything.
"""

import importlib
import io
import os
import pickle
import random
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
SPLITS = ("val", "validation", "test")  # where a data set lies in parts, trials use this one
LISTS = ("labels.csv", "labels.txt", "val.txt", "LOC_val_solution.csv")
UNREADABLE = 0.01  # more of the images than this, and the folder is refused
NAMED = 3  # so many of the things that are wrong are named, the rest are counted
TORCHVISION = "torchvision:"
CIFAR10 = "cifar10"
CIFAR_CLASSES = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
SIDE, PLANE = 32, 32 * 32
WORDNET_ID = re.compile(r"n\d{8}\b")

Picture = Any  # Pillow's


class Fault(Exception):
    """What the user can mend: what is wrong, where, and what would be right."""

    def __init__(self, what: str, where: str, right: str, value: object = None) -> None:
        super().__init__(what)
        self.event = {"what": what, "where": where, "right": right}
        self.event.update({} if value is None else {"value": str(value)})


def load(name: str, right: str) -> ModuleType:
    """Import what this interpreter may lack."""
    try:
        return importlib.import_module(name)
    except (ImportError, OSError) as fault:
        raise Fault("%s cannot be imported: %s" % (name, fault), sys.executable, right) from None


def named(names: Sequence[str]) -> str:
    """The first few of them."""
    return ", ".join(names[:NAMED]) + (", …" if len(names) > NAMED else "")


class Images:
    """All images of a data set: the `names` and, where something tells, the `labels` of each.

    `classes` are all that the labels come from, in order; `empty` those of them that have no image.
    """

    def __init__(
        self,
        layout: str,
        names: List[str],
        labels: List[str],
        classes: List[str],
        open_: Callable[[int], Picture],
    ) -> None:
        self.layout, self.names, self.labels, self.classes = layout, names, labels, classes
        self.empty = sorted(set(classes) - set(labels))
        self.broken: Dict[str, str] = {}  # the images that could not be read so far, and why
        self.dataset = ""
        self.planes = b""  # CIFAR-10's own bytes: 3 planes of 32 x 32 for each image
        self.open = open_

    def draw(self, seed: int, count: int, use: Callable[[int, Picture], None]) -> List[int]:
        """Give `count` images drawn by the seed to `use`, with their places: the rows that they have here.

        Another image stands in for one that cannot be read, as long as those are few.
        """
        order = random.Random(seed).sample(range(len(self.names)), len(self.names))
        pillow = load("PIL.Image", "an interpreter that has Pillow and torchvision")
        bomb = getattr(pillow, "DecompressionBombError", OSError)
        drawn: List[int] = []
        broken: Dict[str, str] = {}
        for tried, row in enumerate(order):
            if len(drawn) == count or (tried >= count and len(broken) > UNREADABLE * count):
                break
            try:
                use(len(drawn), self.open(row))
                drawn.append(row)
            except (OSError, SyntaxError, ValueError, EOFError, bomb) as fault:
                broken[self.names[row]] = str(fault)
        self.broken.update(broken)
        if len(broken) > UNREADABLE * count:
            first = next(iter(broken))
            what = "%d of %d images cannot be read (%s)" % (
                len(broken),
                min(count, len(order)),
                broken[first],
            )
            raise Fault(what, named(list(broken)), "whole images; up to 1 in 100 is left out")
        return drawn

    def numbers(self, model: str, outputs: int, data: Any) -> Dict[str, int]:  # noqa: ANN401  (timm.data)
        """The number of each class in a model's head; empty without labels. `Fault` where they do not fit."""
        if not self.labels:
            return {}
        classes = self.classes
        if len(classes) == outputs and set(classes) != set(map(str, range(outputs))):
            return dict(zip(classes, range(outputs)))
        is_imagenet = outputs == 1000 and hasattr(data, "ImageNetInfo")
        places = dict(zip(data.ImageNetInfo().label_names(), range(outputs))) if is_imagenet else {}
        if len(classes) == outputs or self.dataset.startswith("imagenet"):
            places.update((name, int(name)) for name in classes if name.isdigit() and int(name) < outputs)
        strange = [name for name in classes if name not in places]
        if strange:
            what = "the labels do not fit the head: %d classes (%s) for %d outputs"
            right = "a model of these classes, classes by WordNet id (n01440764), or no labels (--no-labels)"
            raise Fault(what % (len(classes), named(strange), outputs), model, right)
        return {name: places[name] for name in classes}

    def told(self) -> Dict[str, object]:
        """What there is, in an event's words."""
        fields = {"layout": self.layout, "found": len(self.names), "classes": len(self.classes)}
        return dict(fields, empty=self.empty)


def find(where: Optional[str], dataset: str, labels: str = "auto") -> Images:
    """What lies there, by what it looks like; without a place, nothing. `Fault` where it is of no use."""
    if where is None:
        return Images("generated", [], [], [], lambda _: None)
    found = _found(where)
    if found.layout.startswith("CIFAR-10") and dataset != CIFAR10:
        what = "this is CIFAR-10, and the data set is called %r" % dataset
        raise Fault(what, where, "--dataset " + CIFAR10)
    if labels == "none":
        found.labels, found.classes, found.empty = [], [], []
    found.dataset = dataset
    return found


def _found(where: str) -> Images:
    if where.startswith(TORCHVISION):
        return through_torchvision(where[len(TORCHVISION) :])
    root = Path(where)
    if not root.is_dir():
        raise Fault("there is no such folder", where, "a folder with images: " + " ".join(SUFFIXES))
    readers = (
        ("cifar-10-batches-py", "test_batch", pickled),
        ("cifar-10-batches-bin", "test_batch.bin", packed),
    )
    files = [(root / inner / file, read) for name, file, read in readers for inner in ("", name)]
    return next((read(file) for file, read in files if file.is_file()), None) or folder(root)


def folder(root: Path) -> Images:
    """Images in folders by class, or in one folder, with a list of labels or without."""
    place = next((root / split for split in SPLITS if (root / split).is_dir()), root)
    paths, inner, shut = _walk(place)
    if shut:
        raise Fault("%d folders cannot be read" % len(shut), named(shut), "folders that may be read")
    if not paths:
        packed_up = next(iter(sorted(root.glob("*.tar*"))), None)
        hint = "unpack %s" % packed_up.name if packed_up else "a folder with images: " + " ".join(SUFFIXES)
        empty = " (%d empty folders: %s)" % (len(inner), named(inner)) if inner else ""
        raise Fault("no images are there" + empty, str(place), hint)
    names = [path.as_posix() for path in paths]
    list_file = next((at / name for at in (place, root) for name in LISTS if (at / name).is_file()), None)
    if all(len(path.parts) > 1 for path in paths):
        labels, layout = [path.parts[0] for path in paths], "folders by class"
    elif list_file is not None:
        labels, layout = _listed(list_file, paths), "one folder, labels in " + list_file.name
        inner = sorted(set(labels))
    else:
        labels, inner, layout = [], [], "folder without labels"

    def open_(row: int) -> Picture:
        with load("PIL.Image", "an interpreter that has Pillow").open(str(place / paths[row])) as picture:
            return picture.convert("RGB")

    return Images(layout, names, labels, inner, open_)


def _walk(place: Path) -> Tuple[List[Path], List[str], List[str]]:
    """Images below a folder (relative), the folders directly in it, and what could not be read."""
    shut: List[str] = []
    paths: List[Path] = []
    inner: List[str] = []
    walk = os.walk(str(place), onerror=lambda fault: shut.append(str(fault.filename)), followlinks=True)
    for at, folders, files in walk:
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(at).relative_to(place)
        inner = inner or (folders[:] if here == Path() else [])
        paths += [
            here / file for file in files if file.lower().endswith(SUFFIXES) and not file.startswith(".")
        ]
    return sorted(paths), inner, shut


def _listed(list_file: Path, paths: Sequence[Path]) -> List[str]:
    """Labels from a file with a line for each image: its name, with a suffix or without, and its class."""
    classes: Dict[str, str] = {}
    for line in list_file.read_text(encoding="utf-8").splitlines():
        name, _, rest = line.strip().replace(",", " ", 1).partition(" ")
        wordnet = WORDNET_ID.match(rest.strip())
        classes[Path(name).stem] = wordnet.group() if wordnet else rest.strip()
    absent = [path.name for path in paths if not classes.get(path.stem)]
    if absent:
        what = "%d of %d images have no label (%s)" % (len(absent), len(paths), named(absent))
        raise Fault(what, str(list_file), "a line for each image: its name and its class")
    return [classes[path.stem] for path in paths]


class _Array:
    """As much of a pickled numpy array as is needed: its bytes."""

    def __init__(self, *_: object) -> None:
        self.body = b""

    def __setstate__(self, state: Sequence[Any]) -> None:
        self.body = next((part for part in reversed(state) if isinstance(part, bytes)), b"")


class _Unpickler(pickle.Unpickler):
    """Pickles can run any code; these may hold arrays of bytes and nothing else."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401  (pickle's own signature)
        if module.split(".", 1)[0] == "numpy" and name in ("_reconstruct", "ndarray", "dtype"):
            return _Array
        if (module, name) == ("_codecs", "encode"):
            return lambda text, encoding: text.encode("latin1") if encoding == "latin1" else None
        raise pickle.UnpicklingError("%s.%s has no place in CIFAR-10" % (module, name))


def pickled(file: Path) -> Images:
    """CIFAR-10 "python version": `test_batch`, a pickled dict of planes and labels."""
    try:
        raw = _Unpickler(io.BytesIO(file.read_bytes()), encoding="bytes").load()
        batch = {key if isinstance(key, bytes) else key.encode(): value for key, value in raw.items()}
        return _cifar(file, batch[b"data"].body, list(batch[b"labels"]), "CIFAR-10 (python)")
    except (
        pickle.UnpicklingError,
        AttributeError,
        EOFError,
        KeyError,
        TypeError,
        ValueError,
        IndexError,
    ) as fault:
        what = "it cannot be read as CIFAR-10: %s" % (str(fault) or type(fault).__name__)
        raise Fault(what, str(file), file.name + " of cifar-10-python.tar.gz") from None


def packed(file: Path) -> Images:
    """CIFAR-10 "binary version": `test_batch.bin`, records of a label and three planes."""
    body, size = file.read_bytes(), 1 + 3 * PLANE
    pixels = b"".join(body[start + 1 : start + size] for start in range(0, len(body), size))
    return _cifar(file, pixels, list(body[::size]), "CIFAR-10 (binary)")


def _cifar(file: Path, body: bytes, labels: List[int], layout: str) -> Images:
    if not labels or len(body) != 3 * PLANE * len(labels) or not set(labels) <= set(range(10)):
        what = "%d bytes of pixels and %d labels are no batch of CIFAR-10" % (len(body), len(labels))
        raise Fault(what, str(file), "3,072 bytes for each label of 0 to 9")
    pillow = load("PIL.Image", "an interpreter that has Pillow")

    def open_(row: int) -> Picture:
        starts = [(3 * row + plane) * PLANE for plane in range(3)]
        planes = [pillow.frombytes("L", (SIDE, SIDE), body[start : start + PLANE]) for start in starts]
        return pillow.merge("RGB", planes)

    names = [CIFAR_CLASSES[number] for number in labels]
    images = Images(layout, _tests(len(labels)), names, CIFAR_CLASSES, open_)
    images.planes = body
    return images


def _tests(count: int) -> List[str]:
    """Names that are the same however CIFAR-10 is read, and so is the hash of a subset."""
    return ["test/%05d" % number for number in range(count)]


def through_torchvision(root: str) -> Images:
    """CIFAR-10 as torchvision reads it, which holds the files against their checksums."""
    datasets = load("torchvision.datasets", "an interpreter that has torchvision")
    try:
        found = datasets.CIFAR10(root, train=False, download=False)
    except (RuntimeError, OSError) as fault:
        what = "torchvision: " + str(fault).split(". ")[0]
        raise Fault(what, root, "a folder with an unchanged cifar-10-batches-py") from None
    labels = [found.classes[number] for number in found.targets]
    return Images(
        "CIFAR-10 (torchvision)", _tests(len(labels)), labels, list(found.classes), lambda row: found[row][0]
    )
