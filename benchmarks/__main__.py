"""``python -m benchmarks``: runs them, prints the table, writes it as JSON, and as a page when asked."""

from __future__ import annotations

import argparse
import shlex
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType

import msgspec

from benchmarks.harness import Effort, Figure, LeftOut
from benchmarks.machine import Machine, describe
from benchmarks.table import markdown, terminal

BENCHMARKS = (
    "codec",
    "spool",
    "collector",
    "disk",
    "window",
    "history",
    "marks",
    "startup",
    "agent",
    "latency",
    "memory",
    "influx",
    "scale",
    "live",
    "report",
)


class Report(msgspec.Struct, frozen=True):
    """What `--json` writes."""

    machine: Machine
    command: str
    figures: list[Figure]


def load(name: str) -> ModuleType:
    """A benchmark: `TITLE`, `NAMES` of its figures, and `run(effort)`."""
    return import_module(f"benchmarks.{name}")


def main(arguments: list[str]) -> int:
    """Runs what was asked for; 0 even where a target is missed, which the table says."""
    options = _parser().parse_args(arguments)
    names = [name for name in BENCHMARKS if name in options.only] if options.only else list(BENCHMARKS)
    machine, figures = describe(), []
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            figures += load(name).run(Effort(quick=options.quick, long=options.long))
        except LeftOut as words:
            print(f"{name} is left out: {words}", file=sys.stderr, flush=True)
    print(terminal(figures))
    command = shlex.join(["python", "-m", "benchmarks", *arguments])
    options.json.write_bytes(msgspec.json.format(msgspec.json.encode(Report(machine, command, figures))))
    print(f"the figures for programs: {options.json}", file=sys.stderr)
    if options.write:
        titles = {name: load(name).TITLE for name in names}
        options.write.write_text(markdown(figures, titles, machine, command), encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=BENCHMARKS, help="this one; may be said again")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that all of them work")
    parser.add_argument("--long", action="store_true", help="what shows after ten minutes only")
    words = "where the figures go as one JSON document (benchmarks.json)"
    parser.add_argument("--json", type=Path, metavar="FILE", default="benchmarks.json", help=words)
    parser.add_argument("--write", type=Path, metavar="FILE", help="the table as a page, docs/benchmarks.md")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
