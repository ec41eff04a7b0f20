"""The course of a fine-tuning: its steps, its epochs, and the checkpoints from which it goes on.

Each step draws its images, flips and drop-outs from the seed and its own number: what goes on from a
checkpoint takes the very steps that it would have taken.
"""

from __future__ import annotations

import hashlib
import math
import time
from types import SimpleNamespace
from typing import Any, Callable

if __package__:
    from edge_node.finetune_card import share
    from edge_node.images import Fault
else:  # alone on a device, beside the others
    from finetune_card import share  # type: ignore[import-not-found,no-redef]
    from images import Fault  # type: ignore[import-not-found,no-redef]

PROGRESS_S = 0.5


class Stopped(Exception):
    """Asked to stop: what was reached is kept."""


class Plan(SimpleNamespace):
    """What never changes: `recipe`, `seed`, `steps`, `per_epoch`, `save_every_s`.

    `train_rows` and `held_out` are the places of images.
    """

    @property
    def epochs(self) -> int:
        """How many there are; the last may be a part of one."""
        return -(-int(self.steps) // int(self.per_epoch))


class Course:
    """Takes a `teacher` through a `plan` over `pixels`; `stop` asks it to keep what it has and end.

    `keep` takes the state to go on from, `keep_best` the epoch that is the best so far.
    """

    def __init__(self, torch: Any, plan: Plan, teacher: Any, pixels: Any, say: Callable[..., None]) -> None:  # noqa: ANN401
        self.stop = False
        self.step, self.seconds = 0, 0.0
        self.history: list[dict[str, Any]] = []
        self._torch, self._plan, self._teacher, self._pixels, self._say = torch, plan, teacher, pixels, say
        self._loss_sum: Any = 0.0
        self._order: list[int] = []

    def state(self) -> dict[str, Any]:
        """All that the steps to come depend on."""
        told = {"step": self.step, "seconds": self.seconds, "history": self.history}
        told.update(loss_sum=float(self._loss_sum), threads=self._torch.get_num_threads())
        return dict(self._teacher.state(), **told)

    def go_on(self, state: dict[str, Any]) -> None:
        """From where a state was kept."""
        self._teacher.load(state)
        self.step, self.seconds, self.history = state["step"], state["seconds"], state["history"]
        self._loss_sum = state["loss_sum"]

    def run(self, keep: Callable[[], None], keep_best: Callable[[dict[str, Any]], None]) -> None:
        """To the last step; `Stopped` where it is asked to end before."""
        clock = saved = spoken = time.monotonic()
        while self.step < self._plan.steps:
            self._one_step()
            now = time.monotonic()
            self.seconds, clock = self.seconds + now - clock, now
            if self.step % self._plan.per_epoch == 0 or self.step == self._plan.steps:
                self._end_epoch(keep_best)
                keep()
                saved = now
            elif self.stop or now - saved > self._plan.save_every_s:
                keep()
                saved = now
            if self.stop and self.step < self._plan.steps:
                raise Stopped
            if now - spoken > PROGRESS_S and self.step % self._plan.per_epoch:
                self._tell()
                spoken = now

    @property
    def epoch(self) -> int:
        """The epoch of the last step, from 1."""
        return (self.step - 1) // int(self._plan.per_epoch) + 1

    @property
    def _loss(self) -> float:
        """The mean over this epoch's steps."""
        return float(self._loss_sum) / ((self.step - 1) % int(self._plan.per_epoch) + 1)

    def _draw(self, what: str, number: int) -> None:
        """Seeds torch's random numbers for one purpose."""
        text = "%s/%d/%d" % (what, self._plan.seed, number)
        self._torch.manual_seed(int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big"))

    def _one_step(self) -> None:
        plan = self._plan
        epoch, at = divmod(self.step, plan.per_epoch)
        if at == 0 or not self._order:
            self._draw("epoch", epoch)
            self._order = self._torch.randperm(len(plan.train_rows)).tolist()
        size = plan.recipe.batch_size
        rows = [plan.train_rows[place] for place in self._order[at * size : (at + 1) * size]]
        self._draw("step", self.step)
        pixels, labels = self._pixels.batch(rows, flip=True)
        loss = self._teacher.step(pixels, labels, plan.recipe.lr_at(self.step, plan.steps))
        self._loss_sum = self._loss_sum + loss.double()
        self.step += 1

    def _tell(self) -> None:
        lr = self._plan.recipe.lr_at(self.step - 1, self._plan.steps)
        told = {"step": self.step, "steps": self._plan.steps, "epoch": self.epoch, "of": self._plan.epochs}
        self._say("progress", **told, loss=self._loss, lr=lr)

    def _end_epoch(self, keep_best: Callable[[dict[str, Any]], None]) -> None:
        if not math.isfinite(self._loss):
            what = "the loss is no number any more at step %d" % self.step
            raise Fault(what, "spec.lr", "a smaller one, or --precision fp32")
        right, doubt = self._validate()
        told = {"epoch": self.epoch, "loss": self._loss, "right": right, "doubt": doubt}
        told["accuracy"] = right / len(self._plan.held_out)
        best = all((right, -doubt) > (each["right"], -each["doubt"]) for each in self.history)
        self.history = [*self.history, told]
        if best:
            keep_best({"epoch": self.epoch, "validation": share(right, len(self._plan.held_out))})
        self._loss_sum = 0.0
        self._say("epoch", **told, of=self._plan.epochs, best=best)

    def _validate(self) -> tuple[int, float]:
        """How many of the held-out images are right, and their mean loss, in single precision."""
        rows, size = self._plan.held_out, self._plan.recipe.batch_size
        right, doubt = 0, 0.0
        with self._teacher.looking() as model:
            for begin in range(0, len(rows), size):
                pixels, labels = self._pixels.batch(rows[begin : begin + size], flip=False)
                scores = model(pixels)
                right += int((scores.argmax(1) == labels).sum())
                losses = self._torch.nn.functional.cross_entropy(scores, labels, reduction="sum")
                doubt += float(losses)
        return right, doubt / len(rows)
