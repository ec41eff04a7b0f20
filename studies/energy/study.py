"""A whole study: all cells on all cores, and its figures as a file."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import msgspec

from studies.energy.cells import Cell, Tally, run
from studies.energy.sensors import SENSORS

# Seeds of this range were looked at while the arithmetic was made; gates are for the others.
TUNING = range(1000, 2000)
GATE_SEED = 7
REPEATS = 400


class Study(msgspec.Struct, frozen=True, kw_only=True):
    """What came out: the seed that chose the waves, repeats of each cell, and all cells."""

    seed: int
    repeats: int
    tallies: tuple[Tally, ...]


def conduct(
    cells: Sequence[Cell],
    seed: int = GATE_SEED,
    repeats: int = REPEATS,
    *,
    workers: int = 1,
    tell: Callable[[int], None] = lambda _done: None,
) -> Study:
    """Run the cells; the same seed gives the same figures on any number of workers."""
    work = partial(run, seed=seed, repeats=repeats)
    # The dear ones first, so that no worker is left alone with them at the end.
    order = sorted(range(len(cells)), key=lambda at: -_cost(cells[at]))
    if workers < 2:
        done = _told(map(work, [cells[at] for at in order]), tell)
    else:
        # One thread each: numpy's own would only get in each other's way.
        os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
        with ProcessPoolExecutor(workers) as pool:
            done = _told(pool.map(work, [cells[at] for at in order], chunksize=4), tell)
    by_place = dict(zip(order, done, strict=True))
    return Study(seed=seed, repeats=repeats, tallies=tuple(by_place[at] for at in range(len(cells))))


def _cost(cell: Cell) -> float:
    return cell.length_s * SENSORS[cell.sensor].rate_hz


def _told(tallies: Iterable[Tally], tell: Callable[[int], None]) -> list[Tally]:
    found = []
    for tally in tallies:
        found.append(tally)
        tell(len(found))
    return found


def save(study: Study, path: Path) -> None:
    """Write the figures, five digits each, a cell to a line."""
    lines = [msgspec.json.encode(_rounded(msgspec.to_builtins(tally))).decode() for tally in study.tallies]
    head = f'{{"seed":{study.seed},"repeats":{study.repeats},"tallies":[\n'
    path.write_text(head + ",\n".join(lines) + "\n]}\n", encoding="utf-8")


def load(path: Path) -> Study:
    """Read what `save` wrote."""
    return msgspec.json.decode(path.read_bytes(), type=Study)


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return value
