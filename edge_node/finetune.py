"""Fine-tune a timm model on CIFAR-10: `PYTHON finetune.py [--spec FILE]`.

A child process on an interpreter of the user's choice: torch 2.4 and timm 1.0 or newer, safetensors, and
`images.py`, `finetune_*.py`, `runner_*.py` beside this file; nothing else of e3p. It reads one JSON object
(its fields are in `finetune_spec.py`; standard input without `--spec`) and prints one JSON event a line.

It exits with 0 when the checkpoint and its card are whole, with 1 when a signal stopped it (the same spec
goes on from there), and with 2 when the spec, the interpreter, the data, the memory or the disk are wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Callable

if __package__:
    from edge_node.finetune_course import Stopped
    from edge_node.finetune_spec import read_spec
    from edge_node.finetune_tuning import Tuning
    from edge_node.images import Fault
else:  # alone on a device, beside the others
    from finetune_course import Stopped  # type: ignore[import-not-found,no-redef]
    from finetune_spec import read_spec  # type: ignore[import-not-found,no-redef]
    from finetune_tuning import Tuning  # type: ignore[import-not-found,no-redef]
    from images import Fault  # type: ignore[import-not-found,no-redef]

HERE = Path(__file__).resolve().parent


def full_memory(fault: Exception) -> Fault | None:
    """What to say where memory was short; None for anything else."""
    words = str(fault).split("\n")[0] or type(fault).__name__
    if not isinstance(fault, MemoryError) and "memory" not in words:
        return None
    return Fault(
        "it does not fit the memory: %s" % words, "spec.batch_size", "a smaller one, a smaller model"
    )


class Events:
    """JSON lines on standard output; what libraries print goes to standard error."""

    def __init__(self) -> None:
        self._file, sys.stdout = sys.stdout, sys.stderr
        self.gone: Callable[[], None] = lambda: None

    def say(self, event: str, **fields: object) -> None:
        """One event. Where nobody listens any more, `gone` is called."""
        try:
            self._file.write(json.dumps(dict({"event": event}, **fields)) + "\n")
            self._file.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._file.fileno())
            self.gone()


def _tuned(spec: SimpleNamespace, events: Events) -> int:
    tuning = Tuning(spec, events.say)
    events.gone = tuning.stop
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, tuning.stop)
    try:
        tuning.run()
    except Stopped:
        step = tuning.course.step if tuning.course else 0
        events.say("stopped", step=step, steps=tuning.plan.steps)
        return 1
    except (RuntimeError, MemoryError) as fault:
        full = full_memory(fault)
        if full is None:
            raise
        raise full from None
    return 0


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--spec", type=argparse.FileType(), default="-", help="else from standard input")
    arguments = parser.parse_args()
    events = Events()
    sys.path[:] = [path for path in sys.path if Path(path).resolve() != HERE]  # `clock` is not ours alone
    try:
        return _tuned(read_spec(arguments.spec), events)
    except Fault as fault:
        events.say("error", **fault.event)
        return 2
    except KeyboardInterrupt:  # before there was anything to keep
        events.say("stopped", step=0, steps=0)
        return 1


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
