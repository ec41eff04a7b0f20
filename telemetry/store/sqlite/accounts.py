"""What is held of every sequence, read from the keys of the frames themselves: no count can go stale.

What expired counts as held: a row for each stream tells of it.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping

from telemetry.contract.frames import StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.store.interface import Account, Place, Report
from telemetry.store.sqlite.expiry import Gone, all_expired
from telemetry.store.sqlite.reports import read_report

OF_NODE = "stream IN (SELECT stream.id FROM stream JOIN boot ON boot.id = stream.boot WHERE node = :node)"
STREAMS = """SELECT stream.id, node, boot.boot, name, anchor, as_of, health
    FROM stream JOIN boot ON boot.id = stream.boot LEFT JOIN report ON report.stream = stream.id
    WHERE :node IS NULL OR node = :node"""
ENDS = """SELECT stream.id, (SELECT min(seq) FROM frame WHERE frame.stream = stream.id),
    (SELECT max(seq) FROM frame WHERE frame.stream = stream.id)
    FROM stream JOIN boot ON boot.id = stream.boot WHERE :node IS NULL OR node = :node"""
# A run begins where the number before is not held, and ends at the last number held before the next run.
RUNS = """WITH begun AS (
        SELECT seq AS first FROM frame WHERE stream = :stream AND NOT EXISTS
            (SELECT 1 FROM frame AS before WHERE before.stream = :stream AND before.seq = frame.seq - 1)),
    run AS (SELECT first, lead(first, 1, 1 << 62) OVER (ORDER BY first) AS next FROM begun)
    SELECT first, (SELECT seq FROM frame WHERE stream = :stream AND seq < run.next
        ORDER BY seq DESC LIMIT 1) FROM run"""
# In halves: a sum of 64-bit numbers may not fit 64 bits, and SQLite then fails.
SUMS = """SELECT stream, count(*), sum(samples), sum(missed >> 32), sum(missed & 0xFFFFFFFF) FROM frame
    INDEXED BY frame_time WHERE {chosen} GROUP BY stream"""
LETTERS = """SELECT node, boot, stream, seq FROM letter
    WHERE seq IS NOT NULL AND (:node IS NULL OR node = :node) ORDER BY node, boot, stream, seq"""
NOTHING = Gone(IntervalSet(), 0, 0, 0)
ANCHOR = "SELECT anchor FROM boot WHERE node = ? AND boot = ?"


def read_accounts(db: sqlite3.Connection, node: str | None) -> list[Account]:
    """An account for each sequence that frames, reports or letters speak of, by key."""
    sums, dead, gone = _sums(db, node), _dead(db, node), all_expired(db)
    stored = _stored(db, node, {stream: frames for stream, (frames, _, _) in sums.items()})
    found = []
    for stream, of_node, boot, name, anchor, as_of, health in db.execute(STREAMS, {"node": node}):
        key = StreamKey(of_node, boot, name)
        _, samples, missed = sums.get(stream, (0, 0, 0))
        old = gone.get(stream, NOTHING)
        held = IntervalSet(stored.get(stream, ())) | old.seqs
        account = Account(
            key=key,
            anchor=anchor,
            stored=held,
            dead=IntervalSet.of(dead.pop(key, ())) - held,
            samples=samples + old.samples,
            missed=missed + old.missed,
            report=_report(of_node, as_of, health),
        )
        found.append(account)
    return sorted((*found, *(_only_dead(db, *item) for item in dead.items())), key=lambda each: each.key)


def read_places(db: sqlite3.Connection, node: str) -> list[Place]:
    """Where each sequence of a node stands, by key; no frame is looked at."""
    rows = db.execute(STREAMS, {"node": node})
    return sorted(
        (
            Place(key=StreamKey(node, boot, name), anchor=anchor, report=_report(node, as_of, health))
            for _, _, boot, name, anchor, as_of, health in rows
        ),
        key=lambda each: each.key,
    )


def _stored(
    db: sqlite3.Connection, node: str | None, frames: Mapping[int, int]
) -> dict[int, list[tuple[int, int]]]:
    """The runs of each stream, looked for only where so many `frames` leave holes between its ends."""
    runs: dict[int, list[tuple[int, int]]] = {}
    for stream, first, last in db.execute(ENDS, {"node": node}).fetchall():
        if stream in frames:
            whole = last - first + 1 == frames[stream]
            runs[stream] = [(first, last)] if whole else db.execute(RUNS, {"stream": stream}).fetchall()
    return runs


def _sums(db: sqlite3.Connection, node: str | None) -> dict[int, tuple[int, int, int]]:
    """Frames, samples and missed ticks of each stream."""
    rows = db.execute(SUMS.format(chosen="1" if node is None else OF_NODE), {"node": node})
    return {stream: (frames, samples, (high << 32) + low) for stream, frames, samples, high, low in rows}


def _dead(db: sqlite3.Connection, node: str | None) -> dict[StreamKey, list[int]]:
    letters: defaultdict[StreamKey, list[int]] = defaultdict(list)
    for of_node, boot, stream, seq in db.execute(LETTERS, {"node": node}):
        letters[StreamKey(of_node, boot, stream)].append(seq)
    return letters


def _only_dead(db: sqlite3.Connection, key: StreamKey, seqs: list[int]) -> Account:
    row = db.execute(ANCHOR, (key.node, key.boot)).fetchone()
    return Account(key=key, anchor=row and row[0], stored=IntervalSet(), dead=IntervalSet.of(seqs))


def _report(node: str, as_of: int | None, health: bytes | None) -> Report | None:
    return None if as_of is None or health is None else read_report(node, as_of, health)
