"""What tests of the analyzer share: a node that makes lawful frames, and ways to put them into a store."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from analyzer.desk import Desk
from telemetry.contract import marks
from telemetry.contract.columns import pack, pack_dt
from telemetry.contract.decode import Received, receive
from telemetry.contract.documents import EventRefused, Result
from telemetry.contract.encode import encode
from telemetry.contract.frames import (
    ClockFrame,
    Envelope,
    Exchange,
    HealthFrame,
    ManifestFrame,
    MarksFrame,
    PowerFrame,
    StreamHealth,
    StreamKey,
)
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.manifest import Device, StreamInfo
from telemetry.store.interface import Store

ANCHOR = 1_700_000_000_000_000_000
S = 1_000_000_000
NODE = "tx2"
HZ = 20


class Maker:
    """One boot of an agent: marks, reports, and power at 20 Hz; frame `n` is of second `n`."""

    def __init__(
        self,
        boot: str = "b1",
        *,
        anchor: int = ANCHOR,
        os_boot: str = "kernel-1",
        watts: float = 10.0,
        node: str = NODE,
    ) -> None:
        self.node = node
        self.boot = boot
        self.anchor = anchor
        self.os_boot = os_boot
        self.watts = watts
        self._seqs: dict[str, int] = {}

    def key(self, stream: str) -> StreamKey:
        return StreamKey(self.node, self.boot, stream)

    def power(self, second: int, *, watts: float | None = None, **fields: Any) -> Received:
        """Frame `second`: 20 samples at constant power."""
        value = self.watts if watts is None else watts
        said = {
            "dt": pack_dt([at * S // HZ for at in range(HZ)]),
            "tick": S // HZ,
            "ch": ("total",),
            "w": pack("f", [value] * HZ),
            "first": second * HZ,
            "missed": 0,
            **fields,
        }
        return self._came("power/main", PowerFrame(**{**self._envelope(second, second * S), **said}))

    def powers(self, first: int, last: int, **fields: Any) -> list[Received]:
        return [self.power(second, **fields) for second in range(first, last + 1)]

    def manifest(
        self, t_s: float = 0, *, seq: int = 0, streams: Sequence[str] = ("main",), **fields: Any
    ) -> Received:
        infos = tuple(
            StreamInfo(
                stream=name,
                sensor="synthetic",
                channels=("total",),
                total="total",
                origin="synthetic",
                period_ms=50.0,
                gain_uncertainty=0.01,
            )
            for name in streams
        )
        said = {
            "os_boot": self.os_boot,
            "device": Device(kind="jetson-tx2"),
            "software": "test",
            "hash": f"manifest-{self.boot}-{seq}",
            "streams": infos,
            **fields,
        }
        return self._came("manifest/node", ManifestFrame(**self._envelope(seq, round(t_s * S)), **said))

    def marks(self, seq: int, *events: marks.Event) -> Received:
        t0 = min(event.t for event in events)
        return self._came("marks/app", MarksFrame(**self._envelope(seq, t0), events=events))

    def health(self, seq: int, t_s: float, *streams: StreamHealth, **fields: Any) -> Received:
        frame = HealthFrame(**self._envelope(seq, round(t_s * S)), streams=streams, **fields)
        return self._came("health/agent", frame)

    def clock(self, seq: int, *exchanges: Exchange) -> Received:
        frame = ClockFrame(**self._envelope(seq, exchanges[0].t1), peer="collector", exchanges=exchanges)
        return self._came("clock/collector", frame)

    def exchange(self, t_s: float, offset_s: float = 0.0) -> Exchange:
        """A ping at second `t_s` that took 1 ms each way; UTC is ahead of node time by the offset."""
        t1, utc = round(t_s * S), self.anchor + round((t_s + offset_s) * S)
        return Exchange(t1=t1, t2=utc + S // 1000, t3=utc + S // 1000, t4=t1 + 2 * S // 1000)

    def said(self, next_seq: int, stream: str = "power/main", **fields: Any) -> StreamHealth:
        told = {"spooled": (), "declared_lost": (), "ticks": 0, "final": False, **fields}
        return StreamHealth(boot=self.boot, stream=stream, next_seq=next_seq, **told)

    def _envelope(self, seq: int, t0: int) -> dict[str, Any]:
        return {"v": 1, "boot": self.boot, "seq": seq, "anchor": self.anchor, "t0": t0}

    def _came(self, stream: str, frame: Envelope) -> Received:
        received = receive(f"e3p/v1/{self.node}/{stream}", encode(frame))
        assert isinstance(received, Received)
        return received


def at(t_s: float) -> int:
    return round(t_s * S)


def begin(t_s: float, trial: str = "t1", **fields: Any) -> marks.TrialBegin:
    said = {"model": "vit", "dataset": "imagenet", "batch_size": 8, "group": "g", "index": 0, **fields}
    return marks.TrialBegin(t=at(t_s), trial=trial, **said)


def end(t_s: float, trial: str = "t1", *, through: int | None = None, **fields: Any) -> marks.TrialEnd:
    """An end; `through` is the power frame it names, by default the one that reaches past the end."""
    reach = (int(t_s) + (t_s % 1 > 0.95)) if through is None else through
    said = {"status": "ok", "images": 8, "power": {"power/main": reach}, **fields}
    return marks.TrialEnd(t=at(t_s), trial=trial, **said)


def batches(t_s: float, trial: str = "t1", images: Sequence[int] = (8,), **fields: Any) -> marks.Batches:
    """One batch after the other, each of 10 ms, the last ends at `t_s`."""
    count = len(images)
    begins = [at(t_s) - (count - n) * S // 100 for n in range(count)]
    return marks.Batches(
        t=at(t_s),
        trial=trial,
        begin=pack("q", begins),
        end=pack("q", [one + S // 100 for one in begins]),
        images=pack("i", images),
        **fields,
    )


def work(
    t_s: float, app: str = "cam", model: str = "vit", *, ends_s: Sequence[float] = (), took_s: float = 0.5
) -> marks.Work:
    """Batches of 4 images that ended at these seconds (at `t_s`), told at `t_s`."""
    ends = [at(end_s) for end_s in ends_s or (t_s,)]
    return marks.Work(
        t=at(t_s),
        app=app,
        model=model,
        begin=pack("q", [end - at(took_s) for end in ends]),
        end=pack("q", ends),
        images=pack("i", [4] * len(ends)),
    )


def idle(begin_s: float, end_s: float, **owner: str) -> tuple[marks.IdleBegin, marks.IdleEnd]:
    return marks.IdleBegin(t=at(begin_s), **owner), marks.IdleEnd(t=at(end_s), **owner)


def trial(maker: Maker, begin_s: float, end_s: float, name: str = "t1", *, seq: int = 0) -> Received:
    """One marks frame with a whole trial of 8 images."""
    return maker.marks(seq, begin(begin_s, name), batches(end_s, name), end(end_s, name))


class Told:
    """A teller that keeps what it was told, by revision: what says nothing new is not told."""

    def __init__(self) -> None:
        self.concluded: list[Result] = []
        self.causes: list[str] = []
        self.missing: list[int] = []
        self.refused: list[EventRefused] = []

    async def conclude(self, results: list[Result], missing: int, cause: str) -> None:
        self.concluded += results
        self.missing.append(missing)
        self.causes.append(cause)

    async def refuse(self, events: list[EventRefused]) -> None:
        self.refused += events

    @property
    def last(self) -> Result:
        return self.concluded[-1]


class Case:
    """A desk on a real store, on a clock that the test turns: frames are stored, then heard of."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.told = Told()
        self.desk = Desk(store, NODE)
        self.now_s = 0.0

    async def put(self, frames: Iterable[Received], *, say: bool = True) -> None:
        written = list(frames)
        await self.store.write(written)
        if say:
            await self.say(
                {r.key: IntervalSet.of(x.frame.seq for x in written if x.key == r.key) for r in written}
            )

    async def say(self, settled: dict[StreamKey, IntervalSet]) -> None:
        await self.desk.hear(settled, self.now_s)

    async def sweep(self) -> None:
        await self.desk.look_through(await self.store.accounts(NODE), self.now_s)

    async def after(self, seconds: float) -> list[Result]:
        """What is concluded by then, looked at every tenth of a second, as the analyzer does."""
        before = len(self.told.concluded)
        for _ in range(max(1, round(seconds * 10))):
            await self.desk.settle(self.now_s, self.told)
            self.now_s += 0.1
        return self.told.concluded[before:]

    async def now(self) -> list[Result]:
        return await self.after(0)

    async def again(self, name: str = "t1") -> list[Result]:
        """What a program that starts now makes of the store."""
        fresh = Case(self.store)
        await fresh.sweep()
        found = fresh.desk.notebook.trial(name)
        assert found is not None
        return (await fresh.desk.compute(found)).results


def content(result: Result) -> dict[str, Any]:
    """All of a result that is a function of what is stored."""
    return msgspec.structs.asdict(msgspec.structs.replace(result, revision=0, reason=None, computed_at=None))
