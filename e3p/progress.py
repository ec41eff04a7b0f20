"""The runner's progress: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

NAMED = 3


class Progress:
    """Shows the runner's events on standard error."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bars = Bars(*columns, console=self._console, transient=True, disable=not sys.stderr.isatty())
        self._bar = self._bars.add_task("images", total=None, visible=False)

    def __enter__(self) -> Progress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._bars.stop()

    def tell(self, words: str) -> None:
        """A line of its own, above the bar."""
        self._console.print(words, markup=False)

    def show(self, event: dict[str, Any]) -> None:
        """One event of the runner."""
        name = event.get("event")
        if name == "trial_begin":
            title = f"{event['model']} trial {event['index']}"
            self._bars.reset(self._bar, total=event["images"], visible=True, description=title)
        elif name == "progress":
            self._bars.update(self._bar, completed=event["images"])
        if name == "trial_end":
            self._bars.update(self._bar, visible=False)
        if words := _words(event):
            self.tell(words)


_WORDS = {
    "plan": "{images} images a trial, group {group}",
    "data": "data: {layout}, {found} images in {classes} classes, {drawn} drawn",
    "generated": "without --data {drawn} images are generated: the energy is real, no accuracy is measured",
    "unreadable": "left out, as they cannot be read: {names}; {images} images are used",
    "no_temperature": "no temperature can be read here: rests between trials go by time alone",
    "hot": "still warm after {seconds:.0f} s of rest: {where}; the trial begins all the same",
    "warmup": "{model}: warmed up, {batches} batches in {seconds:.1f} s",
    "unsteady": "{model}: batches do not take equally long after {seconds:.1f} s of warm-up",
    "idle": "idle for {seconds:g} s {when} the trials",
    "trial_begin": "{model}: trial {index} begins",
    "trial_end": "  {images} images in {seconds:.2f} s, {batch_ms:.1f} ms a batch",
    "error": "{where}: {what}; right is: {right}",
    "random": "{model}: random weights ({reason}): no accuracy is measured",
}
"""The line that tells of an event; progress itself is the bar's."""


def _words(event: dict[str, Any]) -> str | None:
    name = str(event.get("event"))
    special = (event.get("weights"), event.get("layout"))
    name = next((key for key in ("random", "generated") if key in special), name)
    if name == "device" and not event.get("temp_c"):
        name = "no_temperature"
    if name == "warmup" and event.get("steady") is False:
        name = "unsteady"
    if name not in _WORDS:
        return None
    fields = {key: _listed(value) if isinstance(value, list) else value for key, value in event.items()}
    if name == "hot":
        fields["where"] = ", ".join(f"{zone} {degrees:.0f} °C" for zone, degrees in event["hot"].items())
    end = "; no image of {empty}" if event.get("empty") else ""
    return (_WORDS[name] + end).format_map(fields)


def _listed(names: list[Any]) -> str:
    """How many, and the first few of them."""
    more = ", …" if len(names) > NAMED else ""
    return f"{len(names)} ({', '.join(map(str, names[:NAMED]))}{more})"
