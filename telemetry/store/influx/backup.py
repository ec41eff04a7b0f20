"""A store on InfluxDB 2 as one file, and the way back.

What never expires is copied point by point. Of frames their bodies are kept and nothing that follows from
them: the lines of their samples are made anew. The ledger is read first, so that every frame it names is in
the copy, as far as it has not expired; it is written last, because a frame that no ledger names is not there.
"""

from __future__ import annotations

import gzip
import struct
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
from msgspec.structs import replace

from telemetry.contract.decode import Received, receive
from telemetry.contract.errors import UserError
from telemetry.store.influx import names, pieces
from telemetry.store.influx.errors import LinesRefused, who
from telemetry.store.influx.lines import lines_of
from telemetry.store.influx.plotted import PARTS
from telemetry.store.influx.rows import Room, ledger_line, read_row
from telemetry.store.influx.server import Server

COPY = "store.bin.gz"
GZIP_LEVEL = 1
BODY_BYTES = 2_000_000
EVER = {"start": "1677-09-21T00:12:44Z", "stop": "2262-04-11T23:47:16Z"}
LEDGER, LETTERS = "ledger", "dead"
NO_DOCUMENTS = {LEDGER, LETTERS, "clock", "node", *PARTS}
OWN = {"e3p", "writer"}
"""What a store has from its first opening on, and a restored one has of its own."""
ROOMS: tuple[Room, ...] = ("archive", "raw")


class Kept(msgspec.Struct, frozen=True, tag="frame"):
    """A frame: where it rested, the time it was found under, and what came over the wire."""

    room: Room
    topic: str
    stamp: int
    body: bytes


class Point(msgspec.Struct, frozen=True, tag="point"):
    """A point of what never expires; numbers and texts are of the field's type."""

    measurement: str
    tags: dict[str, str]
    fields: dict[str, bool | int | float | str]
    time: int


Entry = Kept | Point


async def copy_out(server: Server, folder: Path) -> dict[str, int]:
    """Copies a store as it is now into a folder, and counts what is in it."""
    counts = {"frames": 0, "letters": 0, "documents": 0}
    types = await _types(server)
    ledger = [point async for point in _points(server, LEDGER, types)]
    with gzip.open(folder / COPY, "wb", compresslevel=GZIP_LEVEL) as file:
        for measurement in sorted(types.keys() - OWN - {LEDGER}):
            async for point in _points(server, measurement, types):
                _put(file, point)
                counts["letters"] += measurement == LETTERS and not point.fields.get("gone")
                counts["documents"] += measurement not in NO_DOCUMENTS
        for room in ROOMS:
            async for kept in _frames(server, room):
                _put(file, kept)
                counts["frames"] += 1
        for point in ledger:
            _put(file, point)
    return counts


async def copy_in(server: Server, folder: Path, oldest_ns: int, *, force: bool) -> None:
    """Fills an empty store, or with `force` one that is emptied first.

    Frames from before `oldest_ns` go to the archive, because the raw bucket would not take them. Raises
    `UserError` where the store holds something, or refuses a line.
    """
    if (await _types(server)).keys() - OWN:
        if not force:
            raise UserError(f"{who(server.address)}: there is a store; --force empties it first")
        await _empty(server)
    filling: defaultdict[str, bytearray] = defaultdict(bytearray)
    with gzip.open(folder / COPY, "rb") as file:
        for entry in _entries(file):
            filling[_bucket(server, entry, oldest_ns)] += _lines(entry, oldest_ns)
            if sum(map(len, filling.values())) > BODY_BYTES:
                await _write(server, filling)
    await _write(server, filling)


async def _types(server: Server) -> dict[str, dict[str, str]]:
    """The fields of each measurement that never expires, and their types."""
    fields = server.stream(server.address.buckets.results, "SHOW FIELD KEYS")
    return {rows.name: dict(rows.values) async for rows in fields}


async def _points(server: Server, measurement: str, types: dict[str, dict[str, str]]) -> AsyncIterator[Point]:
    asked = f'SELECT * FROM "{measurement}" GROUP BY *'
    floats = {name for name, kind in types.get(measurement, {}).items() if kind == "float"}
    async for rows in server.stream(server.address.buckets.results, asked):
        tags = {key: value for key, value in rows.tags.items() if value}
        for time, *values in rows.values:
            told = zip(rows.columns[1:], values, strict=True)
            fields = {name: float(v) if name in floats else v for name, v in told if v is not None}
            yield Point(measurement, tags, fields, time)


async def _frames(server: Server, room: Room) -> AsyncIterator[Kept]:
    asked = f"SELECT {pieces.selected('body')} FROM frame WHERE seq >= 0 GROUP BY *"
    async for rows in server.stream(getattr(server.address.buckets, room), asked):
        topic = f"e3p/v1/{names.original(rows.tags['node'])}/{names.original(rows.tags['stream'])}"
        for values in rows.values:
            point = dict(zip(rows.columns, values, strict=True))
            body = pieces.packed_of("body", point)
            if body is not None:
                yield Kept(room, topic, point["time"], body)


def _put(file: gzip.GzipFile, entry: Entry) -> None:
    packed = msgspec.msgpack.encode(entry)
    file.write(struct.pack("<I", len(packed)) + packed)


def _entries(file: gzip.GzipFile) -> Iterator[Entry]:
    while head := file.read(4):
        yield msgspec.msgpack.decode(file.read(struct.unpack("<I", head)[0]), type=Entry)


def _bucket(server: Server, entry: Entry, oldest_ns: int) -> str:
    buckets = server.address.buckets
    if isinstance(entry, Point):
        return buckets.results
    return buckets.archive if entry.room == "archive" or entry.stamp < oldest_ns else buckets.raw


def _lines(entry: Entry, oldest_ns: int) -> bytes:
    if isinstance(entry, Point):
        return _moved(entry, oldest_ns) if entry.measurement == LEDGER else _line(entry)
    received = receive(entry.topic, entry.body)
    if not isinstance(received, Received):
        raise TypeError(f"{entry.topic}: a frame that was stored is none")
    return lines_of(received, entry.stamp)


def _moved(point: Point, oldest_ns: int) -> bytes:
    """A row of the ledger: frames that are too old for the raw bucket by now lie in the archive."""
    row = read_row(pieces.text_of("doc", point.fields) or "")
    if any(begin < oldest_ns for _, _, begin, _ in row.runs):
        row = replace(row, rooms=tuple(sorted({*row.rooms, "archive"})))
    return ledger_line(row, point.time)


def _line(point: Point) -> bytes:
    tags = b"".join(b",%b=%b" % (_escaped(key), _escaped(point.tags[key])) for key in sorted(point.tags))
    fields = b",".join(b"%b=%b" % (_escaped(key), _value(value)) for key, value in point.fields.items())
    return b"%b%b %b %d\n" % (_escaped(point.measurement), tags, fields, point.time)


def _escaped(name: str) -> bytes:
    """A name as it was read, which is encoded already."""
    return name.translate(names.PART_OF_A_LINE).encode()


def _value(value: bool | float | str) -> bytes:  # noqa: FBT001 - a field's value
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, str):
        return names.text(value)
    return b"%di" % value if isinstance(value, int) else repr(value).encode()


async def _empty(server: Server) -> None:
    raw, results, archive, _ = server.address.buckets
    for bucket in (results, raw, archive):
        await server.call("POST", "/api/v2/delete", EVER, org=server.address.org, bucket=bucket)


async def _write(server: Server, filling: dict[str, bytearray]) -> None:
    """Empties what was gathered for each bucket: frames first, so that no ledger is there before them."""
    for bucket in sorted(filling, key=lambda name: name == server.address.buckets.results):
        try:
            await server.write(bucket, bytes(filling.pop(bucket)))
        except LinesRefused as error:
            raise UserError(f"{who(server.address)}: bucket {bucket!r} refuses a line: {error}") from None
