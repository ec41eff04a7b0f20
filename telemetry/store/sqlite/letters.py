"""Dead letters in SQLite: kept whole up to a size, then without their bodies."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

from telemetry.contract.frames import StreamKey
from telemetry.store.interface import Letter

INSERT = """INSERT INTO letter (key, topic, reason, at, node, boot, stream, seq, body)
    SELECT :key, :topic, :reason, :at, :node, :boot, :stream, :seq,
        CASE WHEN held + length(:body) <= :limit THEN :body END
    FROM letter_bytes WHERE true ON CONFLICT (key) DO NOTHING"""
SELECT = "SELECT key, topic, reason, at, node, boot, stream, seq, {body} FROM letter {chosen} ORDER BY at, id"


def bury_letters(db: sqlite3.Connection, letters: Sequence[Letter], limit_bytes: int) -> None:
    """Keeps letters; bodies that would make more than `limit_bytes` are left out."""
    for letter in letters:
        node, boot, stream = letter.stream or (None, None, None)
        row = {
            "key": letter.key,
            "topic": letter.topic,
            "reason": letter.reason,
            "at": letter.at,
            "node": node,
            "boot": boot,
            "stream": stream,
            "seq": letter.seq if letter.stream else None,
            "body": letter.body,
            "limit": limit_bytes,
        }
        db.execute(INSERT, row)


def read_letters(db: sqlite3.Connection, keys: Sequence[str] | None, *, bodies: bool) -> list[Letter]:
    """Letters, oldest first: all, or those of the keys."""
    query = SELECT.format(body="body" if bodies else "NULL", chosen="" if keys is None else "WHERE key = ?")
    wanted: list[tuple[str, ...]] = [()] if keys is None else [(key,) for key in dict.fromkeys(keys)]
    found = [_letter(row) for each in wanted for row in db.execute(query, each)]
    return found if keys is None else sorted(found, key=lambda letter: letter.at)


def drop_letters(db: sqlite3.Connection, keys: Sequence[str]) -> None:
    """Forgets letters."""
    db.executemany("DELETE FROM letter WHERE key = ?", [(key,) for key in keys])


def _letter(row: tuple[Any, ...]) -> Letter:
    key, topic, reason, at, *address, seq, body = row
    stream = None if seq is None else StreamKey(*address)
    return Letter(key=key, topic=topic, reason=reason, at=at, stream=stream, seq=seq, body=body)
