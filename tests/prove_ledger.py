"""Proof that the ledger names exactly what is missing: ``python -m tests.prove_ledger``.

For each seed a small fleet works through the real spool, publisher, delivery rules, collector and SQLite
store; the broker between them is a wire inside this process (tests/ledger/wire.py) that doubles, loses,
delays and disorders frames. Then one frame, chosen by chance, is taken away behind everybody's back in the
spool, on the wire, in the store or in quarantine, and the ledger must name that key and no other. The same
number of runs is left alone, and the ledger must name nothing. Every tenth is asked of `e3p ledger` as well.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

import anyio
import msgspec

from telemetry.contract.documents import LedgerRow
from telemetry.runtime import logs
from tests.ledger.removal import SITES, Site
from tests.ledger.scene import Outcome, missing, play

ASK_EVERY = 10


class Verdict(NamedTuple):
    """What the ledger said wrong of one seed, with a frame taken away and untouched."""

    seed: int
    removal: list[str]
    untouched: list[str]


def site_of(seed: int) -> Site:
    """Where the frame of this seed is taken away: a choice of the seed alone."""
    return random.Random(f"site {seed}").choice(SITES)


def judge(seed: int) -> Verdict:
    """Plays a seed twice."""
    logs.configure("text", "error")  # spools overflow here on purpose, and say so
    ask = seed % ASK_EVERY == 0
    return Verdict(seed, faults_of(seed, site_of(seed), ask=ask), faults_of(seed, None, ask=ask))


def faults_of(seed: int, site: Site | None, *, ask: bool) -> list[str]:
    """Plays a seed once; what the ledger, and with `ask` the command `e3p ledger`, says wrong of it."""
    with tempfile.TemporaryDirectory(prefix="e3p-ledger-") as folder:
        try:
            outcome = anyio.run(play, seed, site, Path(folder))
        except Exception:  # noqa: BLE001 - a story that breaks is a fault of its seed, and is told with it
            return [traceback.format_exc()]
        return outcome.faults + (faults_of_command(outcome) if ask else [])


def faults_of_command(outcome: Outcome) -> list[str]:
    """What `e3p ledger --json` says otherwise than what was found in the store."""
    command = [sys.executable, "-m", "e3p", "ledger", "--json", "--store", outcome.url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    right = 1 if outcome.taken else 0
    if done.returncode != right or not done.stdout:
        return [f"e3p ledger: exit {done.returncode}, not {right}: {done.stderr.strip()}"]
    said = json.loads(done.stdout)
    rows = msgspec.convert(said["streams"], list[LedgerRow])
    names = missing(rows) == missing(outcome.rows) and said["closed"] == (outcome.taken is None)
    return [] if names else [f"e3p ledger: {done.stdout}"]


def main() -> int:
    """Exit code 1 when the ledger was wrong once."""
    options = _options()
    began_s = time.monotonic()
    named, false_names = 0, 0
    seeds = range(options.first, options.first + options.seeds)
    with ProcessPoolExecutor(os.cpu_count(), multiprocessing.get_context("spawn")) as pool:
        for at, verdict in enumerate(pool.map(judge, seeds), 1):
            named += not verdict.removal
            false_names += bool(verdict.untouched)
            for words in _told(verdict):
                print(words, flush=True)
            _progress(at, options.seeds)
    print(
        f"{options.seeds} removals: {named} named exactly; "
        f"{options.seeds} untouched: {false_names} false names ({time.monotonic() - began_s:.0f} s)"
    )
    return 0 if (named, false_names) == (options.seeds, 0) else 1


def _options() -> argparse.Namespace:
    words = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m tests.prove_ledger", description=words)
    parser.add_argument("--seeds", type=int, default=100, help="how many (100)")
    parser.add_argument("--first", type=int, default=0, help="the first seed; with --seeds 1 the only one")
    return parser.parse_args()


def _told(verdict: Verdict) -> Iterator[str]:
    again = f"again: python -m tests.prove_ledger --first {verdict.seed} --seeds 1"
    for what, faults in ((site_of(verdict.seed), verdict.removal), ("untouched", verdict.untouched)):
        for words in faults:
            yield f"seed {verdict.seed}, {what}: {words} ({again})"


def _progress(done: int, seeds: int) -> None:
    """One line that grows on a terminal; a line for every tenth seed in a log."""
    if sys.stdout.isatty():
        print(f"\r{done} of {seeds} seeds", end="\n" if done == seeds else "", flush=True)
    elif done % 10 == 0:
        print(f"{done} of {seeds} seeds", flush=True)


if __name__ == "__main__":
    sys.exit(main())
