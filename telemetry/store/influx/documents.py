"""Documents: one point for each revision, the whole document in one field, and numbers to plot beside it.

A point is never written again with other fields, because InfluxDB would merge the two: a revision that is
held and says something else is refused, and one that says the same is not written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from telemetry.store.influx.bodies import write_lines
from telemetry.store.influx.names import EARLIEST, LATEST, name, original, quoted, tag
from telemetry.store.influx.pieces import selected, text_fields, text_of
from telemetry.store.influx.plotted import PARTS, TAGS, fields_of, part_lines, tags_of
from telemetry.store.influx.server import Server
from telemetry.store.interface import Revision
from telemetry.store.times import told_at

MEASUREMENTS = {"result": "window", "interval": "window"}
"""Where the documents of a kind rest, when not under the kind's own name."""
APART = {"result": "app = ''", "interval": "app != ''"}
"""How kinds that share a measurement are told apart: only minutes of work are an application's."""
OURS = {"clock", "dead", "e3p", "ledger", "node", "window", "writer", *PARTS}
"""Names that no kind of documents may have."""
TIMES = ("end", "at")
"""The fields that say when a document happened, the first that it has; else it is when it was written."""
AT_ONCE = 50
"""Documents asked for in one query."""

DOCUMENT = f"number, id, node, {selected('doc')}"

Key = tuple[str, str, int]
Point = dict[str, Any]


class Documents:
    """The documents of one store."""

    def __init__(self, server: Server, now_ns: Callable[[], int]) -> None:
        self._server = server
        self._bucket = server.address.buckets.results
        self._now_ns = now_ns

    async def put(self, revisions: Sequence[Revision]) -> None:
        """Stores documents, all or none. Raises ``ValueError`` when one is held and says something else."""
        held = {_key(each): each for each in await self._held(revisions)}
        new: dict[Key, Revision] = {}
        for revision in revisions:
            known = held.get(_key(revision), revision)
            if (known.node, known.doc) != (revision.node, revision.doc):
                words = f"{revision.kind} {revision.id!r} revision {revision.revision}"
                raise ValueError(f"{words} is held and says something else")
            if _key(revision) not in held:
                new[_key(revision)] = held[_key(revision)] = revision
        if new:
            lines = [line_of(revision, self._now_ns()) for revision in new.values()]
            await write_lines(self._server, self._bucket, lines, "a document")

    async def latest(self, kind: str, node: str | None = None) -> list[Revision]:
        """The newest revision of each document of a kind, by id.

        The numbers are read first: of a document with many revisions only some of the newest are.
        """
        chosen = [] if node is None else [f"node = {quoted(node)}"]
        newest: dict[str, int] = {}
        for point in await self._select(kind, "number, id", chosen):
            newest[point["id"]] = max(point["number"], newest.get(point["id"], 0))
        if not newest:
            return []
        numbers = " OR ".join(f"revision = {_numbered(number)}" for number in sorted(set(newest.values())))
        points = await self._select(kind, DOCUMENT, [*chosen, f"({numbers})"])
        # A document that was written between the two questions is of the next look.
        found = _revisions(kind, (each for each in points if newest.get(each["id"]) == each["number"]))
        return sorted(found, key=lambda each: each.id)

    async def during(self, kind: str, begin: int, end: int, node: str | None = None) -> list[Revision]:
        """The newest revision of each document that happened in [begin, end), by time."""
        chosen = [] if node is None else [f"node = {quoted(node)}"]
        last = min(end - 1, LATEST)
        chosen.append(f"time >= {max(begin, EARLIEST)} AND time <= {last}")
        newest: dict[str, tuple[int, Revision]] = {}
        for point in await self._select(kind, DOCUMENT, chosen):
            revision = _revision(kind, point)
            known = newest.get(revision.id)
            if known is None or known[1].revision < revision.revision:
                newest[revision.id] = told_at(revision.doc) or 0, revision
        return [each for _, each in sorted(newest.values(), key=lambda held: (held[0], held[1].id))]

    async def history(self, kind: str, document: str) -> list[Revision]:
        """Every revision of one document, oldest first."""
        points = await self._select(kind, DOCUMENT, [f"id = {quoted(document)}"])
        return sorted(_revisions(kind, points), key=lambda each: each.revision)

    async def _held(self, revisions: Sequence[Revision]) -> list[Revision]:
        """Those of these revisions that are there already, as they are there."""
        found = []
        for kind in dict.fromkeys(each.kind for each in revisions):
            _check_kind(kind)
            asked = [
                f"(id = {quoted(each.id)} AND revision = {_numbered(each.revision)})"
                for each in revisions
                if each.kind == kind
            ]
            for at in range(0, len(asked), AT_ONCE):
                chosen = "(" + " OR ".join(asked[at : at + AT_ONCE]) + ")"
                found += [_revision(kind, point) for point in await self._select(kind, DOCUMENT, [chosen])]
        return found

    async def _select(self, kind: str, columns: str, chosen: Sequence[str]) -> list[Point]:
        chosen = [*chosen, APART[kind]] if kind in APART else chosen
        where = f" WHERE {' AND '.join(chosen)}" if chosen else ""
        return await self._server.ask(self._bucket, f'SELECT {columns} FROM "{measurement(kind)}"{where}')


def measurement(kind: str) -> str:
    """Where the documents of a kind rest."""
    return MEASUREMENTS.get(kind, name(kind))


def line_of(revision: Revision, now_ns: int) -> bytes:
    """The lines of a document: itself with what of it can be plotted, and of some what their lists hold."""
    said = _map_of(revision.doc)
    own = {"id": revision.id, "node": revision.node or "", "revision": f"{revision.revision:09d}"}
    texts = {key: said[key] for key in TAGS if isinstance(said.get(key), str)} | own
    fields = b",".join(
        (b"number=%di" % revision.revision, text_fields("doc", revision.doc.decode()), *fields_of(said))
    )
    times = [said[key] for key in TIMES if type(said.get(key)) is int]
    stamp = min(max([*times, now_ns][0], EARLIEST), LATEST)
    line = b"%b,%b %b %d\n" % (tag(measurement(revision.kind)), tags_of(texts), fields, stamp)
    return line + b"".join(part_lines(revision.kind, said, own, stamp))


def _map_of(doc: bytes) -> dict[str, Any]:
    try:
        said = msgspec.json.decode(doc)
    except msgspec.DecodeError:
        return {}
    return said if isinstance(said, dict) else {}


def _revisions(kind: str, points: Iterable[Point]) -> list[Revision]:
    """The documents of points: one that two programs put at the same time may be two points."""
    found: dict[Key, Revision] = {}
    for point in points:
        revision = _revision(kind, point)
        found.setdefault(_key(revision), revision)
    return list(found.values())


def _revision(kind: str, point: Point) -> Revision:
    return Revision(
        kind=kind,
        id=original(point["id"]),
        revision=point["number"],
        node=point["node"] and original(point["node"]),
        doc=(text_of("doc", point) or "").encode(),
    )


def _key(revision: Revision) -> Key:
    return revision.kind, revision.id, revision.revision


def _numbered(number: int) -> str:
    return f"'{number:09d}'"


def _check_kind(kind: str) -> None:
    if measurement(kind) in OURS and kind not in MEASUREMENTS:
        raise ValueError(f"{kind!r} is no kind of document: the store keeps something else under this name")
