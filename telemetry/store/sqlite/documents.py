"""Documents in SQLite: every revision is kept, and none is ever changed."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from telemetry.store.interface import Revision
from telemetry.store.times import told_at

INSERT = """INSERT INTO document (kind, id, revision, node, doc, at) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (kind, id, revision) DO NOTHING"""
HELD = "SELECT node, doc FROM document WHERE kind = ? AND id = ? AND revision = ?"
# The newest numbers come from an index alone; only their documents are read.
LATEST = """SELECT document.kind, document.id, document.revision, document.node, document.doc FROM (
        SELECT id, max(revision) AS revision FROM document WHERE kind = :kind {chosen} GROUP BY id) AS newest
    JOIN document ON document.kind = :kind AND document.id = newest.id
        AND document.revision = newest.revision
    ORDER BY document.id"""
# A later revision of a document may have happened at another time: the newest counts, wherever it stands.
DURING = """SELECT kind, id, revision, node, doc FROM document AS told
    WHERE kind = :kind AND at >= :begin AND at < :end AND (:node IS NULL OR node = :node)
        AND NOT EXISTS (SELECT 1 FROM document AS newer WHERE newer.kind = told.kind
            AND newer.id = told.id AND newer.revision > told.revision)
    ORDER BY at, id"""
HISTORY = "SELECT kind, id, revision, node, doc FROM document WHERE kind = ? AND id = ? ORDER BY revision"


def put_revisions(db: sqlite3.Connection, revisions: Sequence[Revision]) -> None:
    """Stores documents. Raises ``ValueError`` when one is held already and says something else."""
    for new in revisions:
        key = (new.kind, new.id, new.revision)
        if db.execute(INSERT, (*key, new.node, new.doc, told_at(new.doc))).rowcount:
            continue
        if db.execute(HELD, key).fetchone() != (new.node, new.doc):
            raise ValueError(f"{new.kind} {new.id!r} revision {new.revision} is held and says something else")


def latest_revisions(db: sqlite3.Connection, kind: str, node: str | None) -> list[Revision]:
    """The newest revision of each document of a kind, by id."""
    query = LATEST.format(chosen="" if node is None else "AND node = :node")
    return [_revision(*row) for row in db.execute(query, {"kind": kind, "node": node})]


def revisions_during(
    db: sqlite3.Connection, kind: str, begin: int, end: int, node: str | None
) -> list[Revision]:
    """The newest revision of each document that happened in [begin, end), by time."""
    asked = {"kind": kind, "begin": begin, "end": end, "node": node}
    return [_revision(*row) for row in db.execute(DURING, asked)]


def revision_history(db: sqlite3.Connection, kind: str, document: str) -> list[Revision]:
    """Every revision of one document, oldest first."""
    return [_revision(*row) for row in db.execute(HISTORY, (kind, document))]


def _revision(kind: str, document: str, revision: int, node: str | None, doc: bytes) -> Revision:
    return Revision(kind=kind, id=document, revision=revision, node=node, doc=doc)
