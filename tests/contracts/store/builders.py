"""Frames, reports, letters and documents to fill a store with."""

from __future__ import annotations

from msgspec.structs import replace

from telemetry.contract.columns import pack, pack_dt
from telemetry.contract.decode import Received, receive
from telemetry.contract.encode import encode
from telemetry.contract.frames import Envelope, HealthFrame, PowerFrame, StreamHealth, StreamKey
from telemetry.store.interface import Account, Letter, Revision, Store

ANCHOR = 1_700_000_000_000_000_000
S = 1_000_000_000
POWER = StreamKey("tx2", "b1", "power/main")
MARKS = StreamKey("tx2", "b1", "marks/main")


def power(seq: int, *, key: StreamKey = POWER, anchor: int = ANCHOR, **fields: object) -> Received:
    """Frame `seq` of a stream at 4 Hz: 4 samples of two channels from second `seq` on, to `seq` + 0.75 s."""
    frame = PowerFrame(
        v=1,
        boot=key.boot,
        seq=seq,
        anchor=anchor,
        t0=seq * S,
        dt=pack_dt([0, S // 4, S // 2, 3 * S // 4]),
        tick=S // 4,
        ch=("total", "gpu"),
        w=pack("f", [float(seq)] * 8),
        first=4 * seq,
        missed=0,
    )
    return came(key, replace(frame, **fields))


def empty(seq: int) -> Received:
    """A frame whose four ticks all failed."""
    return power(seq, dt=b"", w=b"", missed=4)


def health(seq: int, *streams: StreamHealth, boot: str = "b1", t0: int | None = None) -> Received:
    at = seq * S if t0 is None else t0
    frame = HealthFrame(v=1, boot=boot, seq=seq, anchor=ANCHOR, t0=at, streams=streams)
    return came(StreamKey("tx2", boot, "health/main"), frame)


def word(next_seq: int, *, lost: tuple[tuple[int, int, int], ...] = (), **fields: object) -> StreamHealth:
    said = StreamHealth(
        boot="b1",
        stream="power/main",
        next_seq=next_seq,
        spooled=(),
        declared_lost=lost,
        ticks=4 * next_seq,
        final=False,
    )
    return replace(said, **fields)


def came(key: StreamKey, frame: Envelope) -> Received:
    received = receive(f"e3p/v1/{key.node}/{key.stream}", encode(frame))
    assert isinstance(received, Received)
    return received


def letter(key: str, *, at: int = 0, **fields: object) -> Letter:
    return replace(
        Letter(key=key, topic="e3p/v1/tx2/power/main", reason="field w: missing", at=at, body=b"{}"), **fields
    )


def revision(number: int, *, doc: bytes = b"{}", **fields: object) -> Revision:
    return replace(
        Revision(kind="result", id="trial-1", revision=number, node="tx2", doc=doc),
        **fields,
    )


async def account(store: Store, key: StreamKey = POWER) -> Account:
    (found,) = [each for each in await store.accounts() if each.key == key]
    return found
