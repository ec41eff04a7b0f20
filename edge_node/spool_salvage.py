"""A broken spool: it is put aside as evidence, and what can still be read of it goes on in a fresh one.

What a damaged file no longer gives, or gives with another checksum, is declared lost by its number.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from edge_node.accounts import Loss, Name
from edge_node.boots import Boot
from edge_node.outbox import Row
from edge_node.spool import Batch, Spool, is_whole
from edge_node.spool_load import Books, load_books
from edge_node.spool_schema import SpoolBlocked, SpoolBroken, put_aside
from telemetry.contract.errors import Refused
from telemetry.contract.intervals import IntervalSet
from telemetry.runtime import logs

CHUNK = 1000
MOST_IDS = 10_000_000
"""A spool's frames have ids close to each other: what spans more was not written so."""
FRAME = "SELECT sequence, seq, t0, ticks, body, {} FROM frame WHERE id = ?"

log = logs.get("spool")


class Numbers(NamedTuple):
    """A sequence as the broken file tells it."""

    name: Name
    next_seq: int
    ticks: int


def open_spool(path: Path, max_bytes: int) -> Spool:
    """The spool at this place; a broken one is replaced by a fresh one with what could be read of it."""
    try:
        return Spool(path, max_bytes)
    except SpoolBroken as error:
        why = str(error)
    begin_afresh(path, max_bytes, why)
    return Spool(path, max_bytes)


def begin_afresh(path: Path, max_bytes: int, why: str, *, declare: bool = True) -> None:
    """Puts a broken spool aside, says where it is now, and saves what can be read into a fresh one.

    `declare` the rest lost; not where somebody still knows the accounts of the broken one, and does it.
    """
    aside = put_aside(path, time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()))
    log.error("the spool is broken; a fresh one begins", why=why, kept=str(aside))
    try:
        with closing(Spool(path, max_bytes)) as fresh, closing(_opened(aside)) as broken:
            saved = _save(broken, fresh, declare=declare)
    except (SpoolBroken, SpoolBlocked) as error:
        log.warning("no more can be saved of the broken spool", why=str(error))
    else:
        log.info("saved from the broken spool", frames=saved)
    aside.with_name(f"{aside.name}-shm").unlink(missing_ok=True)


def _opened(path: Path) -> sqlite3.Connection:
    """To be read only: the file stays what it is, and gets no log that it had not."""
    how = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "mode=ro&immutable=1"
    return sqlite3.connect(f"{path.absolute().as_uri()}?{how}", uri=True, isolation_level=None)


def _save(broken: sqlite3.Connection, fresh: Spool, *, declare: bool) -> int:
    """How many frames came over."""
    sequences = {
        id_: Numbers(Name(boot, stream), next_seq, ticks)
        for id_, boot, stream, next_seq, ticks in _rows(broken, "SELECT * FROM sequence")
        if _are_numbers(id_, next_seq, ticks) and _are_texts(boot, stream)
    }
    boots = {
        boot: Boot(boot, anchor, os_boot)
        for boot, anchor, os_boot in _rows(broken, "SELECT boot, anchor, os_boot FROM boot")
        if _are_texts(boot) and _are_numbers(anchor) and isinstance(os_boot, str)
    }
    for each in sequences.values():
        boots.setdefault(each.name.boot, Boot(each.name.boot, 0, ""))
    numbers = {each.name: (each.next_seq, each.ticks) for each in sequences.values()}
    lost = [
        Loss(sequences[id_].name, first, last, ticks)
        for id_, first, last, ticks in _rows(broken, "SELECT sequence, first, last, ticks FROM lost")
        if id_ in sequences and _are_numbers(first, last, ticks) and first <= last
    ]
    fresh.write(Batch((), lost, numbers, boots.values(), _books(broken)))
    spoilt: dict[tuple[Name, int], int] = {}
    frames, saved = _frames(broken, sequences, spoilt), 0
    while rows := list(islice(frames, CHUNK)):
        fresh.write(Batch(rows))
        saved += len(rows)
    if declare:
        fresh.write(Batch(losses=list(_destroyed(fresh, spoilt))))
    return saved


def _destroyed(fresh: Spool, spoilt: Mapping[tuple[Name, int], int]) -> Iterator[Loss]:
    """What is neither here nor declared: a collector that has it knows better.

    Its ticks are those that `spoilt` frames still tell; of one that is gone as a whole they are not known.
    """
    for name, account in fresh.accounts().items():
        known = account.spooled | IntervalSet((first, last) for first, last, _ in account.lost)
        for first, last in (IntervalSet.below(account.next_seq) - known).ranges:
            ticks = sum(spoilt.get((name, seq), 0) for seq in range(first, last + 1))
            yield Loss(name, first, last, ticks)


def _frames(
    broken: sqlite3.Connection, sequences: Mapping[int, Numbers], spoilt: dict[tuple[Name, int], int]
) -> Iterator[Row]:
    """Every whole frame, each asked for by itself: a damaged page takes no other one along.

    The ticks of `spoilt` ones are noted.
    """
    crc = "crc" if any(row[1] == "crc" for row in _rows(broken, "PRAGMA table_info(frame)")) else "NULL"
    seen: set[tuple[Name, int]] = set()
    for id_ in _ids(broken):
        for sequence, seq, t0, ticks, body, told in _rows(broken, FRAME.format(crc), id_):
            if sequence not in sequences or not isinstance(body, bytes) or not _are_numbers(seq, t0, ticks):
                continue
            name, next_seq, _ = sequences[sequence]
            row = Row(name, seq, t0, ticks, body)
            if seq >= next_seq or (name, seq) in seen:
                continue
            if is_whole(row, told):
                seen.add((name, seq))
                yield row
            else:
                spoilt[name, seq] = ticks


def _ids(broken: sqlite3.Connection) -> Iterator[int]:
    """The ids that may be there, rising."""
    ends = [row[0] for what in ("min", "max") for row in _rows(broken, f"SELECT {what}(id) FROM frame")]  # noqa: S608
    if len(ends) == 2 and _are_numbers(*ends) and ends[1] - ends[0] < MOST_IDS:
        yield from range(ends[0], ends[1] + 1)
    else:
        yield from sorted({row[0] for row in _rows(broken, "SELECT id FROM frame ORDER BY sequence, seq")})


def _rows(broken: sqlite3.Connection, query: str, *values: int) -> Iterator[tuple[Any, ...]]:
    """As many as can be read."""
    with suppress(sqlite3.Error):
        yield from broken.execute(query, values)


def _books(broken: sqlite3.Connection) -> Books | None:
    try:
        return load_books(broken)
    except (sqlite3.Error, Refused, msgspec.MsgspecError, TypeError):
        return None


def _are_numbers(*values: object) -> bool:
    return all(type(value) is int and value >= 0 for value in values)


def _are_texts(*values: object) -> bool:
    return all(isinstance(value, str) and value for value in values)
