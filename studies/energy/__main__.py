"""`python -m studies.energy`: run the study, print its figures, exit 1 where a gate is missed."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from studies.energy import page
from studies.energy.cells import Cell, all_cells
from studies.energy.gates import Gate, gates
from studies.energy.study import GATE_SEED, REPEATS, TUNING, Study, conduct, load, save

JSON = Path(__file__).with_name("result.json")


def main() -> int:
    """Run what the command line asks for; 1 where a gate is missed."""
    asked = _arguments()
    if asked.read:
        study = load(asked.read)
    else:
        cells = chosen(asked.only)
        begun = time.monotonic()
        study = conduct(
            cells,
            asked.seed,
            asked.repeats,
            workers=asked.workers,
            tell=lambda done: _tell(done, len(cells), begun),
        )
    if asked.seed in TUNING and not asked.read:
        print(f"seed {asked.seed} is one that the arithmetic was made with: its gates prove nothing")
    judged = gates(study.tallies)
    _print(study, judged)
    if asked.json:
        save(study, asked.json)
    if asked.write:
        page.write(study, judged, asked.write)
    return int(not all(gate.is_met for gate in judged))


def chosen(words: str) -> list[Cell]:
    """The cells whose names have all the words (`h100 bursts`); of several lists (`,`) any will do."""
    wanted = [each.split() for each in words.split(",")]
    return [cell for cell in all_cells() if any(set(each) <= set(str(cell).split()) for each in wanted)]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m studies.energy", description=__doc__)
    parser.add_argument(
        "--seed", type=int, default=GATE_SEED, help="chooses the waves (default: %(default)s)"
    )
    parser.add_argument("--repeats", type=int, default=REPEATS, help="of each cell (default: %(default)s)")
    parser.add_argument(
        "--only", default="", metavar="WORDS", help="cells with these words: 'h100 bursts,tx2@1'"
    )
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, help="write every cell's figures to this file")
    parser.add_argument("--read", type=Path, help="take the figures from such a file instead of running")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="write the page, with its plots beside it")
    return parser.parse_args()


def _tell(done: int, of: int, begun: float) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {of} cells, {time.monotonic() - begun:.0f} s", end="", file=sys.stderr)


def _print(study: Study, judged: list[Gate]) -> None:
    print(f"seed {study.seed}, {study.repeats} repeats in each of {len(study.tallies)} cells")
    print(page.by_sensor(study.tallies))
    for gate in judged:
        print(f"{'met   ' if gate.is_met else 'MISSED'}  {gate.name}: {gate.found}; asked: {gate.asked}")
        for miss in gate.misses[:20]:
            print(f"          {miss}")


if __name__ == "__main__":
    sys.exit(main())
