"""One fine-tuning, from its data to a checkpoint and its card."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from types import SimpleNamespace
from typing import Any, Callable

if __package__:
    from edge_node.finetune_card import share
    from edge_node.finetune_course import Course, Plan
    from edge_node.finetune_data import Cifar, Pixels
    from edge_node.finetune_folder import MODEL, Folder
    from edge_node.finetune_model import Teacher, build, precision_of
    from edge_node.finetune_spec import recipe_of
    from edge_node.images import Fault, load
    from edge_node.runner_checkpoint import OURS, Checkpoint
    from edge_node.runner_checks import check_name
    from edge_node.runner_device import libraries
    from edge_node.runner_models import Models, ask_the_hub
else:  # alone on a device, beside the others
    from finetune_card import share  # type: ignore[import-not-found,no-redef]
    from finetune_course import Course, Plan  # type: ignore[import-not-found,no-redef]
    from finetune_data import Cifar, Pixels  # type: ignore[import-not-found,no-redef]
    from finetune_folder import MODEL, Folder  # type: ignore[import-not-found,no-redef]
    from finetune_model import Teacher, build, precision_of  # type: ignore[import-not-found,no-redef]
    from finetune_spec import recipe_of  # type: ignore[import-not-found,no-redef]
    from images import Fault, load  # type: ignore[import-not-found,no-redef]
    from runner_checkpoint import OURS, Checkpoint  # type: ignore[import-not-found,no-redef]
    from runner_checks import check_name  # type: ignore[import-not-found,no-redef]
    from runner_device import libraries  # type: ignore[import-not-found,no-redef]
    from runner_models import Models, ask_the_hub  # type: ignore[import-not-found,no-redef]

RIGHT = "an interpreter that has torch, timm and safetensors"
SINGLE_BYTES = 4
MOMENTS = {"sgd": 1, "adamw": 2}  # what an optimizer keeps for each parameter

Say = Callable[..., None]


def in_order(file: bytes) -> bytes:
    """The same safetensors file with its metadata by name: the library leaves their order to chance."""
    size = 8 + int.from_bytes(file[:8], "little")
    header = json.loads(file[8:size])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    told = json.dumps(header, separators=(",", ":")).encode()
    told += b" " * (-len(told) % 8)  # what follows is aligned
    return len(told).to_bytes(8, "little") + told + file[size:]


class Tuning:
    """One fine-tuning. Raises `Fault` at once where what it is asked for cannot be."""

    def __init__(self, spec: SimpleNamespace, say: Say) -> None:
        self.spec, self.say = spec, say
        check_name(spec.model)
        self.recipe, self.cifar = recipe_of(spec), Cifar(spec.data)
        self.plan = self._plan()
        if spec.weights == "pretrained":
            ask_the_hub()
        self.torch, self.timm, self.timm_data = (load(name, RIGHT) for name in ("torch", "timm", "timm.data"))
        self.safetensors = load("safetensors.torch", RIGHT)
        self._check_device()
        Models(self.torch, self.timm, spec.seed, "never").check([spec.model])
        self.precision = precision_of(self.torch, spec)
        self.folder = Folder(spec.out, self._asked())
        if spec.again:
            self.folder.clear()
        self.course: Course | None = None
        self._is_asked_to_stop = False

    def stop(self, *_: object) -> None:
        """Asked to end: after this step."""
        self._is_asked_to_stop = True
        if self.course:
            self.course.stop = True

    def run(self) -> None:
        """To the end, or until it is stopped (`Stopped`)."""
        card = self.folder.finished()
        if card is None:
            card = self.folder.finish(self._finished(*self._learned()))
        self.say("done", card=card, checkpoint=str(self.folder.path / MODEL))

    def _check_device(self) -> None:
        if not hasattr(self.torch.amp, "GradScaler"):
            raise Fault("torch %s is too old" % self.torch.__version__, sys.executable, "torch 2.4 or newer")
        if self.spec.device == "cuda" and not self.torch.cuda.is_available():
            raise Fault("torch sees no CUDA device", "spec.device", "cpu, or a GPU and a torch with CUDA")

    def _plan(self) -> Plan:
        spec, size = self.spec, self.recipe.batch_size
        train_rows, held_out = self.cifar.split(self.recipe.held_out, spec.seed)
        per_epoch = len(train_rows) // size
        if not per_epoch:
            what = "a batch of %d cannot come from %d images" % (size, len(train_rows))
            raise Fault(what, "spec.batch_size", "at most %d" % len(train_rows))
        return Plan(
            recipe=self.recipe,
            seed=spec.seed,
            steps=self.recipe.steps_for(per_epoch),
            per_epoch=per_epoch,
            save_every_s=spec.save_every_s,
            train_rows=train_rows,
            held_out=held_out,
        )

    def _asked(self) -> dict[str, Any]:
        """What makes it the same fine-tuning."""
        asked = {name: getattr(self.spec, name) for name in ("model", "dataset", "seed", "weights")}
        asked.update(vars(self.recipe), recipe=self.spec.recipe, steps=self.plan.steps)
        return dict(asked, precision=self.precision, data=self.cifar.hash)

    def _data(self) -> dict[str, Any]:
        """What there is to learn from, in an event's words and the card's."""
        counts = {"train": len(self.plan.train_rows), "held_out": len(self.plan.held_out)}
        return dict(counts, test=len(self.cifar.test_labels), layout=self.cifar.layout)

    def _learned(self) -> tuple[Course, str]:
        """The course, at its end, and when it began."""
        spec, torch, cifar = self.spec, self.torch, self.cifar
        self.say("data", classes=cifar.classes, empty=cifar.absent, **self._data())
        state = self.folder.kept(torch)
        threads = spec.threads or (state or {}).get("threads")  # sums over threads depend on their number
        if threads:
            torch.set_num_threads(threads)
        self.say("loading", model=spec.model)
        self._prepare(goes_on=state is not None)
        begun = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        pixels = Pixels(torch, cifar, self.config, spec.device)
        teacher = Teacher(torch, self.model, self.recipe, self.precision, spec.device)
        course = self.course = Course(torch, self.plan, teacher, pixels, self.say)
        course.stop = self._is_asked_to_stop
        if state:
            course.go_on(state)
            begun = state["begun"]
        told = {"step": course.step, "steps": self.plan.steps, "precision": self.precision}
        self.say("start", **told, epochs=self.plan.epochs, recipe=spec.recipe)
        course.run(lambda: self.folder.keep(torch, dict(course.state(), begun=begun)), self._write)
        return course, begun

    def _prepare(self, *, goes_on: bool) -> None:
        """The model on the device, and how it wants its images."""
        outputs = len(self.cifar.classes)
        self.model = build(self.torch, self.timm, self.spec, outputs, goes_on=goes_on).to(self.spec.device)
        params = sum(each.numel() for each in self.model.parameters())
        # Each file has a half one beside it for a while.
        self.folder.check_room(2 * SINGLE_BYTES * params * (2 + MOMENTS[self.recipe.optimizer]))
        # The whole picture, enlarged: CIFAR-10's fill their frame, and the recipes crop nothing.
        config = self.timm_data.resolve_model_data_config(self.model)
        self.config = dict(config, crop_pct=1.0, crop_mode="center")

    def _write(self, told: dict[str, Any]) -> None:
        """The checkpoint, with what is known of it in its header."""
        spec, cifar = self.spec, self.cifar
        about = {"model": spec.model, "dataset": spec.dataset, "data_config": self.config}
        about.update(outputs=len(cifar.classes), classes=cifar.classes, data_sha256=cifar.hash, **told)
        weights = {name: each.detach().cpu().contiguous() for name, each in self.model.state_dict().items()}
        whole = self.safetensors.save(weights, {"format": "pt", OURS: json.dumps(about)})
        self.folder.write(MODEL, in_order(whole))

    def _finished(self, course: Course, begun: str) -> dict[str, Any]:
        """The card of the best epoch's checkpoint, which is tried on the test images."""
        place = self.folder.path / MODEL
        best = Checkpoint(str(place))
        best.fill(self.model, self.torch, self.spec.model)
        labels = self.cifar.test_labels
        self.say("testing", images=len(labels), epoch=best.told["epoch"])
        told = {"epoch": best.told["epoch"], "validation": best.told["validation"]}
        self._write(dict(told, test=share(self._right(), len(labels))))
        card = dict(Checkpoint(str(place)).told, data=dict(self._data(), sha256=self.cifar.hash))
        card.update(training=self._training(course), history=course.history, begun=begun, file=MODEL)
        card["software"] = dict(libraries(self.torch), timm=self.timm.__version__)
        return dict(card, sha256=hashlib.sha256(place.read_bytes()).hexdigest())

    def _training(self, course: Course) -> dict[str, Any]:
        spec, torch = self.spec, self.torch
        device = torch.cuda.get_device_name(0) if spec.device == "cuda" else "cpu"
        told = {"recipe_name": spec.recipe, "recipe": vars(self.recipe), "weights": spec.weights}
        told.update(seed=spec.seed, epochs=self.plan.epochs, steps=self.plan.steps, precision=self.precision)
        told.update(device=device, threads=torch.get_num_threads(), seconds=round(course.seconds, 1))
        return told

    def _right(self) -> int:
        """How many of the test images are right, each prepared as a trial prepares it."""
        torch, images, labels = self.torch, self.cifar.test, self.cifar.test_labels
        transform, size = self.timm_data.create_transform(**self.config), self.recipe.batch_size
        self.model.eval()
        right = 0
        with torch.inference_mode():
            for begin in range(0, len(labels), size):
                rows = range(begin, min(begin + size, len(labels)))
                pixels = torch.stack([transform(images.open(row)) for row in rows]).to(self.spec.device)
                best = self.model(pixels).argmax(1).tolist()
                right += sum(number == labels[row] for number, row in zip(best, rows))
        return right
