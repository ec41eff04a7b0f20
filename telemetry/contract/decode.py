"""From bytes to a judged frame, or to the reason why not."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, TypeVar

import msgspec

from telemetry.contract import frames
from telemetry.contract.errors import Refused
from telemetry.contract.frames import FRAME_TYPES, Frame, StreamKey
from telemetry.contract.judge import judge, judge_channels
from telemetry.contract.marks import EVENT_TYPES, Event
from telemetry.contract.nodetime import INT64_MAX, INT64_MIN
from telemetry.contract.packing import pack_json
from telemetry.contract.payload import Map, check_limits, is_json, packed_bytes, parse_payload
from telemetry.contract.topics import FrameKind, FrameTopic, parse_frame_topic
from telemetry.contract.units import MAX_SEQ, MAX_TEXT

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """A frame as it came: typed, and as the bytes it rests in (MessagePack). `digest` tells bodies apart."""

    topic: FrameTopic
    frame: Frame
    body: bytes
    digest: bytes

    @property
    def key(self) -> StreamKey:
        """The sequence that the frame belongs to."""
        return StreamKey(self.topic.node, self.frame.boot, self.topic.name)


class Meter(msgspec.Struct, frozen=True, kw_only=True):
    """A minimal meter's message: `t` int64[n] UTC ns, `ch` k names, `w` float32[n·k] watts by row."""

    t: bytes
    ch: tuple[str, ...]
    w: bytes


class Unreadable(Refused):
    """A refused frame; `key` and `seq` are there when its envelope could be read all the same."""

    def __init__(self, reason: Refused, key: StreamKey | None, seq: int | None) -> None:
        super().__init__(reason.code, reason.path, reason.words)
        self.key = key
        self.seq = seq


def receive(topic: str, payload: bytes) -> Received | tuple[FrameTopic, Meter]:
    """The frame of a message, or a minimal meter's message. Raises `Unreadable`."""
    raw: Map = {}
    place: FrameTopic | None = None
    try:
        place = parse_frame_topic(topic)
        raw = parse_payload(payload)
        _prepare(raw, payload, place.kind)
        if place.kind == "power" and "boot" not in raw and "t" in raw:
            return place, _meter(raw)
        frame = _typed(place, raw)
        judge(frame)
        body = packed_bytes(raw) if is_json(payload) else payload
        return Received(topic=place, frame=frame, body=body, digest=digest_of(raw))
    except Refused as reason:
        raise Unreadable(reason, *_address(place, raw)) from None


def reread(topic: FrameTopic, body: bytes) -> Frame:
    """A frame from the bytes it rests in: judged once already, when it was received."""
    return _typed(topic, msgspec.msgpack.decode(body))


def decode_event(raw: Map) -> Event | Map:
    """One event from its map, columns packed or as plain lists. Raises `Refused`.

    A kind that this version does not know comes back as its map, with `kind` and `t` checked: it is kept.
    """
    check_limits({"events": [raw]})
    pack_json({"events": [raw]}, "marks")
    for event in _events([raw]):
        # The largest anchor for which a time of this century fits: a mark must not spoil its frame.
        judge(frames.MarksFrame(boot="any", seq=0, anchor=2**62, t0=0, v=frames.VERSION, events=(event,)))
        return event
    return raw


def digest_of(raw: Map) -> bytes:
    """16 bytes that tell one body from another, whichever encoding it travelled in."""
    return hashlib.blake2b(packed_bytes(raw, ordered=True), digest_size=16).digest()


def decode_message(payload: bytes, kind: type[T]) -> T:
    """A message that is not a frame (state, ping, stored, …). Raises `Refused`."""
    raw = parse_payload(payload)
    _prepare(raw, payload)
    return _convert(raw, kind)


def _prepare(raw: Map, payload: bytes, kind: FrameKind | None = None) -> None:
    _check_version(raw)
    check_limits(raw)
    if is_json(payload):
        pack_json(raw, kind)


def _check_version(raw: Map) -> None:
    if "v" not in raw:
        raise Refused("field", "v", "missing; this is contract version 1")
    if raw["v"] != frames.VERSION or type(raw["v"]) is not int:
        raise Refused("version", "v", f"{raw['v']!r:.40} is not spoken here; only {frames.VERSION}")


def _typed(topic: FrameTopic, raw: Map) -> Frame:
    if topic.kind != "marks":
        return _convert(raw, FRAME_TYPES[topic.kind])  # type: ignore[return-value]
    frame = _convert({**raw, "events": []}, frames.MarksFrame)
    return msgspec.structs.replace(frame, events=tuple(_events(raw.get("events"))))


def _events(raw: object) -> Iterator[Event]:
    """The events of the kinds this version knows; another kind rests in the body and is passed over."""
    if not isinstance(raw, list):
        raise Refused("field", "events", "missing or no list")
    for at, event in enumerate(raw):
        path = f"events[{at}]"
        kind = event.get("kind") if isinstance(event, dict) else None
        if not isinstance(kind, str):
            raise Refused("field", f"{path}.kind", "missing or no text")
        if type(event.get("t")) is not int:
            raise Refused("field", f"{path}.t", "missing or no whole number of nanoseconds")
        if kind in EVENT_TYPES:
            yield _convert(event, EVENT_TYPES[kind], path)  # type: ignore[misc]


def _meter(raw: Map) -> Meter:
    meter = _convert(raw, Meter)
    judge_channels(meter.ch)
    samples = len(meter.t) // 8
    if not samples or len(meter.t) % 8 or len(meter.w) != 4 * samples * len(meter.ch):
        raise Refused("field", "w", f"{len(meter.w)} bytes do not fit {len(meter.t)} bytes of times")
    return meter


def _convert(raw: Map, kind: type[T], prefix: str = "") -> T:
    try:
        return msgspec.convert(raw, kind, builtin_types=(bytes,))
    except msgspec.ValidationError as error:
        path, words = _explained(str(error))
        raise Refused("field", ".".join(filter(None, (prefix, path))), words) from None


_AT = re.compile(r"(?P<words>.*?)(?: - at `\$\.?(?P<path>.*)`)?")
_MISSING = re.compile(r"Object missing required field `(?P<field>[^`]*)`")


def _explained(message: str) -> tuple[str, str]:
    match = _AT.fullmatch(message)
    path, words = (match["path"] or "", match["words"]) if match else ("", message)
    if missing := _MISSING.match(words):
        return ".".join(filter(None, (path, missing["field"]))), "missing"
    if words.endswith((str(INT64_MAX), str(INT64_MIN))):
        return path, "a whole number of 64 bits is expected"
    return path, words


def _address(topic: FrameTopic | None, raw: Map) -> tuple[StreamKey | None, int | None]:
    """Where a refused frame belongs, when its topic, `boot` and `seq` are lawful all the same."""
    boot, seq = raw.get("boot"), raw.get("seq")
    if topic is None or not isinstance(boot, str) or not 1 <= len(boot) <= MAX_TEXT or type(seq) is not int:
        return None, None
    return (StreamKey(topic.node, boot, topic.name), seq) if 0 <= seq <= MAX_SEQ else (None, None)
