"""The minimal meter: a message of times and watts without an envelope becomes a frame here.

Its delivery is MQTT's own: a message whose times do not rise is a repeat, and no ledger covers what was lost.
"""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import NamedTuple

from telemetry.contract.columns import pack_dt, rises, unpack
from telemetry.contract.decode import Meter, Received, receive
from telemetry.contract.encode import encode
from telemetry.contract.errors import Refused
from telemetry.contract.frames import VERSION, PowerFrame, StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.nodetime import INT64_MAX, NS_PER_S
from telemetry.contract.topics import FrameTopic
from telemetry.store.interface import Store

DAY_NS = 86_400 * NS_PER_S
EPOCH_DAY = date(1970, 1, 1).toordinal()
MAX_KNOWN = 10_000


class Known(NamedTuple):
    """Where a meter's day stands: the next seq, the samples so far, the last sample's time (UTC ns)."""

    seq: int = 0
    samples: int = 0
    last_ns: int = -INT64_MAX


class Meters:
    """What is known of each meter's current days."""

    def __init__(self) -> None:
        self._known: dict[StreamKey, Known] = {}

    async def look_up(self, store: Store, topic: FrameTopic, meter: Meter) -> None:
        """Learns from the store what an earlier run of the collector took of this meter's day."""
        key = meter_key(topic, meter)
        if key in self._known:
            return
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        accounts = [account for account in await store.accounts(topic.node) if account.key == key]
        stored = accounts[0].stored if accounts else IntervalSet()
        if not stored:
            self._known[key] = Known()
            return
        seq = stored.ranges[-1][1]
        [(_, last)] = await store.frames(key, IntervalSet.of([seq]))
        last_ns = last.last if isinstance(last, PowerFrame) else last.t0
        self._known[key] = Known(seq + 1, accounts[0].samples, last_ns)

    def frame(self, topic: FrameTopic, meter: Meter) -> Received | None:
        """The next frame of this meter, or None for a repeat. Raises `Refused` where times fall within it."""
        key = meter_key(topic, meter)
        known = self._known.get(key, Known())
        times = [int(time) for time in unpack("q", meter.t)]
        if times[0] <= known.last_ns:
            return None
        if not rises(times):
            raise Refused("field", "t", "the times of a message must rise strictly")
        if times[-1] - times[0] > INT64_MAX:
            raise Refused("field", "t", "from first to last it does not fit 64 bits of nanoseconds")
        frame = PowerFrame(
            v=VERSION,
            boot=key.boot,
            seq=known.seq,
            anchor=0,
            t0=times[0],
            dt=pack_dt([time - times[0] for time in times]),
            tick=_tick_ns(times, known),
            ch=meter.ch,
            w=meter.w,
            first=known.samples,
            missed=0,
        )
        received = receive(str(topic), encode(frame))
        return received if isinstance(received, Received) else None

    def took(self, received: Received) -> None:
        """The frame is on its way into the store: the next one follows it."""
        frame = received.frame
        if isinstance(frame, PowerFrame):
            self._known[received.key] = Known(frame.seq + 1, frame.first + frame.samples, frame.last)


def meter_key(topic: FrameTopic, meter: Meter) -> StreamKey:
    """A meter's boot is the UTC day of its first sample."""
    day = date.fromordinal(EPOCH_DAY + int(unpack("q", meter.t[:8])[0]) // DAY_NS)
    return StreamKey(topic.node, f"meter-{day.isoformat()}", topic.name)


def _tick_ns(times: list[int], known: Known) -> int:
    """The median spacing within the message; of a single sample, its distance to the one before."""
    spacings = sorted(later - earlier for earlier, later in pairwise(times))
    if spacings:
        return spacings[len(spacings) // 2]
    return times[0] - known.last_ns if known.seq else NS_PER_S
