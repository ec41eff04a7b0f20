"""Frames in SQLite: written once by key, read by number or by time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from telemetry.contract.decode import Received, reread
from telemetry.contract.frames import Frame, HealthFrame, PowerFrame, StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.nodetime import INT64_MIN, node_time_ns
from telemetry.contract.topics import FrameTopic, parse_frame_topic
from telemetry.store.interface import Report, Verdict
from telemetry.store.sqlite.expiry import expired_seqs
from telemetry.store.sqlite.reports import renew
from telemetry.store.times import last_ns

INSERT = """INSERT INTO frame (stream, seq, t0, span, samples, missed, digest, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (stream, seq) DO NOTHING"""
DIGEST = "SELECT digest FROM frame WHERE stream = ? AND seq = ?"
BY_SEQ = "SELECT seq, body FROM frame WHERE stream = ? AND seq BETWEEN ? AND ? ORDER BY seq"
# `longest` bounds the search: what began earlier than that cannot reach the window any more.
OVERLAPPING = """SELECT id FROM frame
    WHERE stream = :stream AND t0 BETWEEN :earliest AND :end AND t0 + span >= :begin"""
BEFORE = """SELECT id FROM frame WHERE stream = :stream AND t0 < :begin AND t0 + span < :begin
    AND (samples > 0 OR :bare) ORDER BY t0 DESC LIMIT 1"""
AFTER = """SELECT id FROM frame WHERE stream = :stream AND t0 > :end
    AND (samples > 0 OR :bare) ORDER BY t0 LIMIT 1"""


class Batch:
    """Frames of one transaction; keeps the ids it looked up, because a batch has few streams.

    `oldest_ns`: boots of which a frame is older than this node time never expire.
    """

    def __init__(self, db: sqlite3.Connection, oldest_ns: int = INT64_MIN) -> None:
        self._db = db
        self._oldest_ns = oldest_ns
        self._kept: set[int] = set()
        self._expired: dict[int, IntervalSet] = {}
        self._boots: dict[tuple[str, str], tuple[int, int | None]] = {}
        self._streams: dict[StreamKey, int] = {}
        self._longest: dict[int, int] = {}

    def take(self, received: Received) -> Verdict:
        """Stores one frame, if its boot's anchor and its key allow it."""
        frame, key = received.frame, received.key
        if not self._anchored(key, frame.anchor):
            return Verdict.ANCHOR
        if node_time_ns(frame.anchor, frame.t0) < self._oldest_ns:
            self._keep(self._boot(key)[0])
        stream = self._stream(key)
        if frame.seq in self._gone(stream):
            return Verdict.REPEAT
        span = last_ns(frame) - frame.t0
        counts = (frame.samples, frame.missed) if isinstance(frame, PowerFrame) else (0, 0)
        row = (stream, frame.seq, frame.t0, span, *counts, received.digest, received.body)
        if not self._db.execute(INSERT, row).rowcount:
            (digest,) = self._db.execute(DIGEST, (stream, frame.seq)).fetchone()
            return Verdict.REPEAT if digest == received.digest else Verdict.CONFLICT
        self._longest[stream] = max(span, self._longest.get(stream, 0))
        if isinstance(frame, HealthFrame):
            self._report(key.node, frame)
        return Verdict.STORED

    def finish(self) -> None:
        """Notes the longest span of each stream, once for the batch."""
        self._db.executemany(
            "UPDATE stream SET longest = :span WHERE id = :id AND longest < :span",
            [{"id": stream, "span": span} for stream, span in self._longest.items()],
        )

    def _anchored(self, key: StreamKey, anchor: int) -> bool:
        boot, held = self._boot(key)
        if held is None:
            self._db.execute("UPDATE boot SET anchor = ? WHERE id = ?", (anchor, boot))
            self._boots[key.node, key.boot] = (boot, anchor)
        return held is None or held == anchor

    def _keep(self, boot: int) -> None:
        if boot not in self._kept:
            self._kept.add(boot)
            self._db.execute("UPDATE boot SET kept = 1 WHERE id = ?", (boot,))

    def _gone(self, stream: int) -> IntervalSet:
        if stream not in self._expired:
            self._expired[stream] = expired_seqs(self._db, stream)
        return self._expired[stream]

    def _boot(self, key: StreamKey) -> tuple[int, int | None]:
        place = (key.node, key.boot)
        if place not in self._boots:
            self._db.execute("INSERT OR IGNORE INTO boot (node, boot) VALUES (?, ?)", place)
            found = self._db.execute("SELECT id, anchor FROM boot WHERE node = ? AND boot = ?", place)
            self._boots[place] = found.fetchone()
        return self._boots[place]

    def _stream(self, key: StreamKey) -> int:
        if key not in self._streams:
            place = (self._boot(key)[0], key.stream)
            self._db.execute("INSERT OR IGNORE INTO stream (boot, name) VALUES (?, ?)", place)
            found = self._db.execute("SELECT id FROM stream WHERE boot = ? AND name = ?", place)
            (self._streams[key],) = found.fetchone()
        return self._streams[key]

    def _report(self, node: str, frame: HealthFrame) -> None:
        as_of = node_time_ns(frame.anchor, frame.t0)
        for health in frame.streams:
            stream = self._stream(StreamKey(node, health.boot, health.stream))
            renew(self._db, stream, Report(node=node, health=health, as_of=as_of))


def write_frames(db: sqlite3.Connection, frames: Iterable[Received], oldest_ns: int) -> list[Verdict]:
    """Stores frames, inside a transaction; a verdict for each, in order."""
    batch = Batch(db, oldest_ns)
    verdicts = [batch.take(received) for received in frames]
    batch.finish()
    return verdicts


def frames_by_seq(db: sqlite3.Connection, key: StreamKey, seqs: IntervalSet) -> list[tuple[int, Frame]]:
    """The frames of these numbers that are held, by rising seq."""
    found = _stream_of(db, key)
    if found is None:
        return []
    topic = _topic(key)
    rows: Iterable[tuple[int, bytes]] = (
        row for first, last in seqs.ranges for row in db.execute(BY_SEQ, (found[0], first, last))
    )
    return [(seq, reread(topic, body)) for seq, body in rows]


def frames_covering(db: sqlite3.Connection, key: StreamKey, begin: int, end: int) -> list[Frame]:
    """The frames that overlap [begin, end] and the nearest to each side, by time.

    A power frame without samples is nobody's neighbour: the next one with samples is.
    """
    found = _stream_of(db, key)
    if found is None:
        return []
    stream, longest = found
    window = {
        "stream": stream,
        "begin": begin,
        "end": end,
        "earliest": max(INT64_MIN, begin - longest),
        "bare": not key.stream.startswith("power/"),
    }
    ids = [row for query in (OVERLAPPING, BEFORE, AFTER) for (row,) in db.execute(query, window)]
    topic = _topic(key)
    bodies = (db.execute("SELECT body FROM frame WHERE id = ?", (row,)).fetchone() for row in ids)
    return sorted((reread(topic, body) for (body,) in bodies), key=lambda frame: (frame.t0, frame.seq))


def _stream_of(db: sqlite3.Connection, key: StreamKey) -> tuple[int, int] | None:
    found: tuple[int, int] | None = db.execute(
        """SELECT stream.id, longest FROM stream JOIN boot ON boot.id = stream.boot
            WHERE boot.node = ? AND boot.boot = ? AND stream.name = ?""",
        key,
    ).fetchone()
    return found


def _topic(key: StreamKey) -> FrameTopic:
    return parse_frame_topic(f"e3p/v1/{key.node}/{key.stream}")
