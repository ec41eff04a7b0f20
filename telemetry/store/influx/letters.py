"""Dead letters as points of `dead`: kept whole up to a size, then without their bodies.

One that was buried twice may be two points and is still one letter: the first counts. A dropped letter stays
as an empty point.
"""

from __future__ import annotations

import base64
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from telemetry.contract.frames import StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.store.influx.bodies import write_lines
from telemetry.store.influx.lines import tags
from telemetry.store.influx.names import original, quoted, text
from telemetry.store.influx.pieces import packed_fields, packed_of, selected
from telemetry.store.influx.server import Server
from telemetry.store.interface import Letter

STEP_NS = 1_000
RECENT = 10_000
"""Keys of letters buried lately: what comes again at once makes no second point."""
KEYS = 100
"""Letters asked for in one query."""

Point = dict[str, Any]


class Letters:
    """The letters of one store. Bodies that would make more than `limit_bytes` are left out.

    Two letters never share a point: each writer (ns, its name) has its own nanoseconds of every microsecond.
    """

    def __init__(self, server: Server, writer: int, limit_bytes: int) -> None:
        self._server = server
        self._bucket = server.address.buckets.results
        self._offset = writer % STEP_NS
        self._limit_bytes = limit_bytes
        self._held_bytes: int | None = None
        self._last = -(2**63)
        self._recent: OrderedDict[str, None] = OrderedDict()

    async def bury(self, letters: Sequence[Letter]) -> None:
        """Keeps letters; one that is kept already stays as it is."""
        new: dict[str, Letter] = {}
        for letter in letters:
            if letter.key not in self._recent:
                new.setdefault(letter.key, letter)
        if not new:
            return
        room = await self._room(sum(len(letter.body or b"") for letter in new.values()))
        lines = []
        for letter in new.values():
            size = len(letter.body or b"")
            kept = letter if size <= room else replace(letter, body=None)
            room -= len(kept.body or b"")
            lines.append(_line(kept, self._stamp(letter.at)))
        await self._write(lines)
        self._held_bytes = self._limit_bytes - room
        self._recent.update(dict.fromkeys(new))
        while len(self._recent) > RECENT:
            self._recent.popitem(last=False)

    async def read(self, keys: Sequence[str] | None = None, *, bodies: bool = True) -> list[Letter]:
        """Letters, oldest first: all, or those of the keys."""
        found: dict[str, Letter] = {}
        for _, letter in await self._points(keys, selected("body") if bodies else "size"):
            found.setdefault(letter.key, letter)
        return list(found.values())

    async def drop(self, keys: Sequence[str]) -> None:
        """Forgets letters, and gives back the room of their bodies."""
        dropped = await self._points(keys, "size")
        await self._write([_gone(letter, point["time"]) for point, letter in dropped])
        self._held_bytes = None
        for key in keys:
            self._recent.pop(key, None)

    async def dead(self, node: str | None) -> dict[StreamKey, IntervalSet]:
        """The numbers that letters stand for, by sequence, of one node or of all."""
        numbers: defaultdict[StreamKey, list[int]] = defaultdict(list)
        of_node = "" if node is None else f" AND node = {quoted(node)}"
        asked = f"SELECT seq, gone, node, boot, stream FROM dead WHERE seq >= 0{of_node}"
        for point in await self._server.ask(self._bucket, asked):
            if not point["gone"]:
                key = StreamKey(point["node"], original(point["boot"]), point["stream"])
                numbers[key].append(point["seq"])
        return {key: IntervalSet.of(seqs) for key, seqs in numbers.items()}

    async def _points(self, keys: Sequence[str] | None, columns: str) -> list[tuple[Point, Letter]]:
        """Points and their letters, oldest first."""
        if keys is None:
            return await self._select(columns, "")
        found = []
        for at in range(0, len(keys), KEYS):
            chosen = " OR ".join(f'"key" = {quoted(key)}' for key in keys[at : at + KEYS])
            found += await self._select(columns, f" WHERE {chosen}")
        return sorted(found, key=_age)

    async def _select(self, columns: str, chosen: str) -> list[tuple[Point, Letter]]:
        asked = f"SELECT letter, gone, {columns} FROM dead{chosen}"
        points = [point for point in await self._server.ask(self._bucket, asked) if not point["gone"]]
        return sorted(((point, _letter(point)) for point in points), key=_age)

    async def _room(self, wanted: int) -> int:
        """Bytes that bodies may still take; counted anew where too few, as others may drop letters."""
        if self._held_bytes is None or self._held_bytes + wanted > self._limit_bytes:
            sums = await self._server.ask(self._bucket, "SELECT sum(size) FROM dead")
            self._held_bytes = sum(point["sum"] for point in sums)
        return self._limit_bytes - self._held_bytes

    def _stamp(self, at_ns: int) -> int:
        """A time of its own for a letter, as near to `at_ns` as can be."""
        self._last = max(at_ns // STEP_NS, self._last + 1)
        return self._last * STEP_NS + self._offset

    async def _write(self, lines: Sequence[bytes]) -> None:
        await write_lines(self._server, self._bucket, lines, "a letter")


def _line(letter: Letter, stamp: int) -> bytes:
    """A letter's line: what a person reads, and the letter itself."""
    packed = base64.b64encode(msgspec.msgpack.encode(replace(letter, body=None)))
    fields = [
        b"key=" + text(letter.key),
        b"topic=" + text(letter.topic),
        b"reason=" + text(letter.reason),
        b'letter="%b"' % packed,
        b"size=%di" % len(letter.body or b""),
    ]
    if letter.stream is not None and letter.seq is not None:
        fields.append(b"seq=%di" % letter.seq)
    if letter.body is not None:
        fields.append(packed_fields("body", letter.body))
    return b"%b %b %d\n" % (_series(letter), b",".join(fields), stamp)


def _gone(letter: Letter, stamp: int) -> bytes:
    return b'%b gone=1i,size=0i,body="" %d\n' % (_series(letter), stamp)


def _series(letter: Letter) -> bytes:
    return b"dead," + tags(letter.stream, letter.stream.stream) if letter.stream else b"dead"


def _letter(point: Point) -> Letter:
    bare = msgspec.msgpack.decode(base64.b64decode(point["letter"]), type=Letter)
    return replace(bare, body=packed_of("body", point))


def _age(found: tuple[Point, Letter]) -> tuple[int, int]:
    return found[1].at, found[0]["time"]
