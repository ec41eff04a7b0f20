"""Fine-tuning: the child that does it, and what it tells as it goes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import edge_node
from telemetry.contract.errors import UserError
from telemetry.runtime.common import without_secrets

FINETUNE = Path(edge_node.__file__).with_name("finetune.py")
LINE_S = 60.0
"""Between two lines within an epoch, where there is no terminal for a bar."""
OPTION = {"batch_size": "batch", "models": "model"}

Event = dict[str, Any]
Card = dict[str, Any]


class Outcome(NamedTuple):
    """The finished checkpoint with its card; both None where a signal stopped it before."""

    checkpoint: str | None
    card: Card | None


def finetune(spec: Mapping[str, object], python: str, show: Callable[[Event], None]) -> Outcome:
    """Runs to the end. Ctrl-C lets it keep what it has reached; a second one ends it at once.

    Raises `UserError` where it refuses its input or dies.
    """
    last: Event = {}
    with _child(python) as process:
        with contextlib.suppress(BrokenPipeError):  # it ended already, and its exit code says why
            _feed(process, spec)
        for event in _events(process, show):
            last = event
            show(event)
        status = process.wait()
    if status == 2 and last.get("event") == "error":
        raise UserError(f"{_where(str(last['where']))}: {last['what']}; right is: {last['right']}")
    if status < 0:
        died = signal.Signals(-status).name
        right = "for SIGKILL, more memory or a smaller --batch; the same command goes on"
        raise UserError(f"the fine-tuning was ended by {died}; right is: {right}")
    if status not in (0, 1):
        raise UserError(f"the fine-tuning failed; right is: an interpreter for {FINETUNE.name} (--python)")
    return Outcome(last.get("checkpoint"), last.get("card"))


@contextlib.contextmanager
def _child(python: str) -> Iterator[subprocess.Popen[str]]:
    """In a session of its own, so that Ctrl-C reaches it through us; it never outlives us."""
    try:
        process = subprocess.Popen(
            [python, str(FINETUNE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=without_secrets(os.environ),
            text=True,
            start_new_session=True,
        )
    except OSError as error:
        raise UserError(f"--python {python}: cannot be started ({error.strerror})") from None
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _feed(process: subprocess.Popen[str], spec: Mapping[str, object]) -> None:
    if process.stdin is None:
        raise TypeError("the child takes its spec on standard input")
    with process.stdin as pipe:
        pipe.write(json.dumps(dict(spec)))


def _events(process: subprocess.Popen[str], show: Callable[[Event], None]) -> Iterator[Event]:
    """What it tells, to its end; the first Ctrl-C is passed on."""
    is_stopping = False
    while True:
        try:
            if process.stdout is None or not (line := process.stdout.readline()):
                return
        except KeyboardInterrupt:
            if is_stopping:
                raise
            is_stopping = True
            process.send_signal(signal.SIGTERM)
            show({"event": "stopping"})
            continue
        with contextlib.suppress(json.JSONDecodeError):
            event = json.loads(line)
            if isinstance(event, dict):
                yield event


def _where(told: str) -> str:
    """The option that a fault is about, or the place that it names."""
    field = told.removeprefix("spec.")
    return "--" + OPTION.get(field, field).replace("_", "-") if field != told else told


class Show:
    """Shows the child's events on standard error: a bar on a terminal, plain lines in a log."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._has_bar = sys.stderr.isatty()
        self._bars = Progress(*columns, console=self._console, transient=True, disable=not self._has_bar)
        self._bar = self._bars.add_task("steps", total=None, visible=False)
        self._told_s = time.monotonic()

    def __enter__(self) -> Show:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._bars.stop()

    def __call__(self, event: Event) -> None:
        """One event."""
        name = str(event.get("event"))
        if name in ("start", "progress"):
            title = _WORDS["progress"].format_map(event) if name == "progress" else "begins"
            done = {"completed": event["step"], "total": event["steps"]}
            self._bars.update(self._bar, description=title, visible=True, **done)
        now = time.monotonic()
        if name == "progress" and (self._has_bar or now - self._told_s < LINE_S):
            return
        if words := _words(name, event):
            self._told_s = now
            self._console.print(words, markup=False)


_WORDS = {
    "data": "data: {layout}, {train} images to learn from, {held_out} held out, {test} to test",
    "loading": "{model}",
    "start": "{recipe}, {epochs} epochs, {steps} steps, {precision}",
    "again": "going on after step {step} of {steps}: {recipe}, {precision}",
    "progress": "epoch {epoch} of {of}, step {step} of {steps}, loss {loss:.4f}, rate {lr:.2g}",
    "epoch": "epoch {epoch} of {of}: loss {loss:.4f}, {percent:.2f} % of the held-out images right{mark}",
    "testing": "{images} test images, with the weights of epoch {epoch}",
    "stopping": "stopping after this step; Ctrl-C again ends at once",
    "stopped": "stopped after step {step} of {steps}: the same command goes on from there",
}


def _words(name: str, event: Event) -> str | None:
    """The line that tells of an event."""
    if name == "start" and event["step"]:
        name = "again"
    if name not in _WORDS:
        return None
    mark = ", the best so far" if event.get("best") else ""
    end = f"; no image of {', '.join(event['empty'])}" if event.get("empty") else ""
    percent = 100 * float(event.get("accuracy", 0))
    return _WORDS[name].format_map({**event, "percent": percent, "mark": mark}) + end
