"""Breaks the line on purpose, and counts: ``python -m tests.faults``; docs/reliability.md tells more."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import get_args

import msgspec

from tests.faults.order import EVERY_ROW, Failure, Order, perform
from tests.faults.report import table, write_page
from tests.faults.row import Outcome
from tests.faults.rows import LONG, ROWS
from tests.faults.shelf import StoreName


def main() -> int:
    """Exit code 1 when anything was lost, doubled, or otherwise than in the undisturbed run."""
    options = _options()
    if options.list:
        for row in EVERY_ROW.values():
            print(f"{row.name:18} {', '.join(row.stores):16} {row.words}")
        return 0
    began_s = time.monotonic()
    book = Book(options.json)
    failures = []
    for came in _played(list(_orders(options)), options.jobs):
        if isinstance(came, Failure):
            failures.append(came)
            print(f"{came.order.row} {came.order.store}: {came.words}", flush=True)
        else:
            book.add(came)
            _tell(came)
    rows = list(EVERY_ROW.values())
    print(f"\n{table(rows, book.outcomes)}\n{time.monotonic() - began_s:.0f} s")
    if options.write:
        write_page(options.write, rows, book.outcomes)
    return (
        1 if any(each.faults for each in book.outcomes) or any(not each.missing for each in failures) else 0
    )


class Book:
    """The outcomes of this run, and of earlier ones in the same file where a row was not played again."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        held = path.read_bytes() if path and path.exists() else b"[]"
        self._held = {(each.row, each.store): each for each in msgspec.json.decode(held, type=list[Outcome])}

    @property
    def outcomes(self) -> list[Outcome]:
        """One for each row and store."""
        return list(self._held.values())

    def add(self, outcome: Outcome) -> None:
        """Written at once: a long run may be interrupted."""
        self._held[outcome.row, outcome.store] = outcome
        if self._path:
            self._path.write_bytes(msgspec.json.format(msgspec.json.encode(self.outcomes), indent=1))


def _played(orders: list[Order], jobs: int) -> Iterator[Outcome | Failure]:
    """Each in a process of its own, which may have a network of its own."""
    with ThreadPoolExecutor(jobs) as threads:
        for future in as_completed([threads.submit(_alone, order) for order in orders]):
            yield future.result()


def _alone(order: Order) -> Outcome | Failure:
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(perform, order).result()


def _orders(options: argparse.Namespace) -> Iterator[Order]:
    wanted = options.row or [row.name for row in (*ROWS, *(LONG if options.long else ()))]
    stores = get_args(StoreName) if options.store == "both" else (options.store,)
    for store in stores:
        for name in wanted:
            if store in EVERY_ROW[name].stores:
                yield Order(name, store, options.tries, options.seed, talk=not options.quiet)


def _tell(outcome: Outcome) -> None:
    verdict = "as it should be" if not outcome.faults else "WRONG"
    print(f"{outcome.row} {outcome.store}: {verdict}, {outcome.seconds:.0f} s", flush=True)
    for fault in outcome.faults[:20]:
        print(f"  {fault[:1000]}", flush=True)


def _options() -> argparse.Namespace:
    words = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=words)
    parser.add_argument("--row", action="append", choices=EVERY_ROW, help="only this row; may be repeated")
    parser.add_argument("--store", choices=["sqlite", "influx", "both"], default="both")
    parser.add_argument("--tries", type=int, default=20, help="faults for each row and store (20)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is left to chance (1)")
    parser.add_argument("--jobs", type=int, default=2, help="rows at a time (2)")
    parser.add_argument("--long", action="store_true", help="the outage of ten minutes as well")
    parser.add_argument("--json", type=Path, help="every try, kept in this file from run to run")
    parser.add_argument("--write", type=Path, help="the table, into this page")
    parser.add_argument("--quiet", action="store_true", help="not every try")
    parser.add_argument("--list", action="store_true", help="the rows, and end")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
