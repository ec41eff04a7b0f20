"""Three lines measure a PyTorch program: every forward pass of a model becomes a marked batch.

    from edge_node import mark_torch                                     # or a copy, beside a copy of mark.py
    watched = mark_torch.watch(model, name="my_vit", dataset="my_images")
    ...                                                                  # the program as it was
    watched.end()

Python 3.6 and up; nothing but the torch that the program itself has loaded. `watch` announces a trial; its
window opens when the first passes (`warmup`) are over, and closes at `end`, or at the end of the program. On
a GPU each pass is timed by CUDA events, which cost no synchronisation; elsewhere by the clock.
"""

import atexit
import os
import sys
import time
from typing import Any, Callable, List, Optional, Tuple

if __package__:
    from edge_node import mark
else:  # a copy, beside one of mark.py
    import mark  # type: ignore[import-not-found,no-redef]

__all__ = ["Watched", "watch"]

PREPARE_S = 1.0  # the agent's way to the trial rate
ANCHOR_MS = 60000.0  # an event's time is a float32 of milliseconds: after a minute it is known to 4 µs only

_Pending = Tuple[Any, Any, int]


def watch(
    model: Any,  # noqa: ANN401  (a torch module)
    name: str,
    dataset: str = "none",
    group: Optional[str] = None,
    index: int = 0,
    warmup: int = 3,
    **more: Any,  # noqa: ANN401  (fields of `mark.trial`)
) -> "Watched":
    """Mark the forward passes of a model as one trial. `more` goes to `mark.trial`, as `precision="fp16"`."""
    fields = dict(
        more, model=name, dataset=dataset, group=group or "torch-" + os.urandom(4).hex(), index=index
    )
    return Watched(model, fields, warmup)


class Watched:
    """A model under watch; `trial` is its `mark.Trial` once the window is open."""

    def __init__(self, model: Any, fields: Any, warmup: int) -> None:  # noqa: ANN401
        self.trial: Optional[mark.Trial] = None
        self._fields, self._warmup, self._passes = fields, warmup, 0
        self._begins: List[Any] = []  # one for each pass that runs now: a model may call itself
        self._events: Optional[_Events] = None
        mark.prepare(fields["group"])
        time.sleep(PREPARE_S)
        self._hooks = [model.register_forward_pre_hook(self._before), _hooked(model, self._after)]
        atexit.register(self.end)

    def end(self) -> None:
        """Close the window; the hooks are gone then."""
        for hook in self._hooks:
            hook.remove()
        trial, self.trial, self._hooks = self.trial, None, []
        if trial is not None:
            if self._events is not None:
                self._events.drain(trial.batch, wait=True)
            trial.__exit__(None, None, None)

    def __enter__(self) -> "Watched":
        return self

    def __exit__(self, kind: object, fault: object, trace: object) -> None:
        trial = self.trial
        if kind is not None and trial is not None:
            self.trial = None
            trial.__exit__(kind, fault, trace)
        self.end()

    def _before(self, _: object, inputs: Tuple[Any, ...]) -> None:
        images, torch = _size(inputs), sys.modules["torch"]
        if self.trial is None and self._passes == self._warmup:
            self._open(images, torch, any(getattr(each, "is_cuda", False) for each in inputs))
        events = self._events
        self._begins.append((images, mark.now_ns() if events is None else events.record()))

    def _after(self, *told: object) -> None:
        *_, scores = told
        images, begin = self._begins.pop()
        if self._begins or scores is None:  # a pass within another, or one that an exception ended
            return
        self._passes += 1
        if self.trial is None:
            return
        if self._events is None:
            self.trial.batch(begin, mark.now_ns(), images)
        elif not isinstance(begin, int):
            self._events.add(begin, images)
            self._events.drain(self.trial.batch)

    def _open(self, images: int, torch: Any, is_cuda: bool) -> None:  # noqa: ANN401, FBT001
        libraries = {"python": "%d.%d.%d" % sys.version_info[:3], "torch": str(torch.__version__)}
        context = {"libraries": libraries, "threads": torch.get_num_threads()}
        if is_cuda:
            context["accelerator"] = torch.cuda.get_device_name()
            self._events = _Events(torch)
        protocol = {
            "covers": "from the first forward pass after warm-up to the end of the program's own work"
        }
        backend = "torch-cuda" if is_cuda else "torch-cpu"
        given = dict({"backend": backend, "protocol": protocol, "context": context}, **self._fields)
        self.trial = mark.trial(batch_size=images, **given).__enter__()


class _Events:
    """CUDA events on the clock of marks: one whose host time is known, and how far each other is from it."""

    def __init__(self, torch: Any) -> None:  # noqa: ANN401
        self._torch, self._pending = torch, []  # type: Tuple[Any, List[_Pending]]
        torch.cuda.synchronize()
        self._anchor = self.record()
        self._anchor.synchronize()
        self._anchor_ns = mark.now_ns()

    def record(self) -> Any:  # noqa: ANN401  (an event)
        event = self._torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def add(self, begin: Any, images: int) -> None:  # noqa: ANN401
        """A pass whose work is queued, from the event `begin` to now."""
        self._pending.append((begin, self.record(), images))

    def drain(self, batch: Callable[[int, int, int], None], wait: bool = False) -> None:  # noqa: FBT001, FBT002
        """Tell the passes that the device has finished, in order; `wait` until it has finished all."""
        if wait:
            self._torch.cuda.synchronize()
        while self._pending and self._pending[0][1].query():
            begin, end, images = self._pending.pop(0)
            begin_ns, end_ns = self._ns(begin), self._ns(end)
            batch(begin_ns, end_ns, images)
            if (end_ns - self._anchor_ns) / 1e6 > ANCHOR_MS:
                self._anchor, self._anchor_ns = end, end_ns

    def _ns(self, event: Any) -> int:  # noqa: ANN401
        return self._anchor_ns + int(self._anchor.elapsed_time(event) * 1e6)


def _hooked(model: Any, after: Callable[..., None]) -> Any:  # noqa: ANN401
    """Calls `after` behind each pass: without scores behind one that failed, where this torch (2.0) can."""
    try:
        return model.register_forward_hook(after, always_call=True)
    except TypeError:
        return model.register_forward_hook(after)


def _size(inputs: Tuple[Any, ...]) -> int:
    """The images of a batch: the first dimension of the first input that has one."""
    for each in inputs:
        shape = getattr(each, "shape", None)
        if shape:
            return int(shape[0])
    return 1
