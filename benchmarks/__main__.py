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
    names = [name for name in BENCHMARKS if not options.only or name in options.only]
    if options.read:
        report = _joined([msgspec.json.decode(file.read_bytes(), type=Report) for file in options.read])
    else:
        command = shlex.join(["python", "-m", "benchmarks", *arguments])
        report = Report(describe(), command, _run(names, Effort(quick=options.quick, long=options.long)))
    print(terminal(report.figures))
    options.json.write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    print(f"the figures for programs: {options.json}", file=sys.stderr)
    if options.write:
        titles = {name: load(name).TITLE for name in names}
        page = markdown(report.figures, titles, report.machine, report.command)
        options.write.write_text(page, encoding="utf-8")
    return 0


def _run(names: list[str], effort: Effort) -> list[Figure]:
    figures: list[Figure] = []
    for name in names:
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            figures += load(name).run(effort)
        except LeftOut as words:
            print(f"{name} is left out: {words}", file=sys.stderr, flush=True)
    return figures


def _joined(reports: list[Report]) -> Report:
    """Runs of one machine as one, with the machine as the run found it that had the most beside it."""
    figures = [figure for report in reports for figure in report.figures]
    busiest = max(reports, key=lambda report: report.machine.load or 0.0)
    return Report(busiest.machine, "; ".join(report.command for report in reports), figures)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--only", action="append", choices=BENCHMARKS, help="this one; may be said again")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that all of them work")
    parser.add_argument("--long", action="store_true", help="what shows after ten minutes only")
    words = "instead of running: the figures that --json wrote; may be said again"
    parser.add_argument("--read", type=Path, action="append", metavar="FILE", help=words)
    words = "where the figures go as one JSON document (benchmarks.json)"
    parser.add_argument("--json", type=Path, metavar="FILE", default="benchmarks.json", help=words)
    parser.add_argument("--write", type=Path, metavar="FILE", help="the table as a page, docs/benchmarks.md")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
