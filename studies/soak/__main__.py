"""`python -m studies.soak`: run the study, print its figures, exit 1 where one does not hold."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import msgspec

from studies.soak import page
from studies.soak.study import Study, conduct


def main() -> int:
    """Run what the command line asks for; 1 where the study does not hold."""
    asked = _arguments()
    if asked.read:
        study = msgspec.json.decode(asked.read.read_bytes(), type=Study)
    else:
        study = conduct(asked.workers, lambda words: print(words, file=sys.stderr))
    for each in study.judged:
        done = "; ".join(each.faults) or "healthy"
        print(f"{each.node:8} {each.level:8} {each.verdict:13} {done}")
    print(f"{len(study.alarms)} false alarms in {study.healthy} soaks of healthy nodes")
    found = page.gates(study)
    for words in found:
        print(f"MISSED {words}")
    if asked.json:
        asked.json.write_bytes(msgspec.json.format(msgspec.json.encode(study), indent=1))
    if asked.write:
        page.write(study, asked.write)
    return 1 if found else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m studies.soak", description=__doc__)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the figures to this file")
    parser.add_argument(
        "--read", type=Path, metavar="FILE", help="take them from such a file instead of running"
    )
    parser.add_argument(
        "--write", type=Path, metavar="PAGE", help="write the page, with its picture beside it"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
