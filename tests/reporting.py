"""A store with something of everything that a report shows, made of lawful frames and computed results."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import msgspec

from analyzer.book import Book
from analyzer.exclusions import exclude
from analyzer.query import reanalyze
from analyzer.scoring import Score
from analyzer.standings import rank_all
from telemetry.contract import marks
from telemetry.contract.columns import pack, pack_dt
from telemetry.contract.decode import Received
from telemetry.contract.documents import EventRefused, Result
from telemetry.contract.frames import ManifestFrame
from telemetry.contract.manifest import Device, StreamInfo
from telemetry.contract.ranking import Ranking
from telemetry.store.interface import Letter, Store
from tests.analyzing import ANCHOR, HZ, NODE, Maker, S, at, begin, end, idle

NOW = ANCHOR + 3_600 * S
BEST, TIED, WORSE = "levit_128s.fb_dist_in1k", "tiny_vit_5m_224.in1k", "deit_tiny_patch16_224.fb_in1k"
MODELS = {BEST: (9.0, 0.765), TIED: (9.1, 0.764), WORSE: (15.0, 0.722)}
HOSTILE = '</script><script>alert("x")</script>'
LENGTH_S = 30
IMAGES = 1_000
MISSING = 280
LATE = 50
TORN = 150


class Board(Maker):
    """A device with a rail inside its total, whose power rises and falls with each batch."""

    def power(self, second: int, *, watts: float | None = None, **fields: Any) -> Received:
        level = self.watts if watts is None else watts
        total = [level + 1.5 * math.sin(2.1 * (second + n / HZ)) for n in range(HZ)]
        rows = [value for one in total for value in (one, 0.6 * one)]
        return super().power(second, **{"ch": ("total", "gpu"), "w": pack("f", rows), **fields})

    def torn(self, second: int, kept: int) -> Received:
        """A frame of which only the first readings were taken."""
        rows = [value for _ in range(kept) for value in (12.0, 7.0)]
        ticks = [n * S // HZ for n in range(kept)]
        return self.power(second, dt=pack_dt(ticks), w=pack("f", rows), missed=HZ - kept)

    def described(self, kind: str, origin: str) -> Received:
        frame = self.manifest().frame
        assert isinstance(frame, ManifestFrame)
        info = StreamInfo(
            stream="main",
            sensor="ina3221",
            channels=("total", "gpu"),
            total="total",
            origin=origin,  # type: ignore[arg-type]
            period_ms=50.0,
            gain_uncertainty=0.01,
        )
        told = msgspec.structs.replace(frame, streams=(info,), device=Device(kind=kind), os="Linux")
        return self._came("manifest/node", told)


async def fill(store: Store) -> None:
    """Three models, one of them excluded once, torn once and short of a frame once; one aborted trial."""
    board = Board()
    frames = [board.described("jetson-tx2", "measured"), *_run(board, [*MODELS] * 3)]
    last = frames[-1].frame.t0 // S
    frames += [board.health(0, last + 1, board.said(last + 1, final=True))]
    frames += [board.clock(0, board.exchange(1, 0.002), board.exchange(30, 0.002))]
    late = board.key("power/main"), LATE
    await store.write([each for each in frames if (each.key, each.frame.seq) != late])
    await reanalyze(store, 0, NOW)
    await store.write(frames)
    await reanalyze(store, 0, NOW + S)
    book = Book(store)
    await book.open()
    await book.refuse([_refused(board)])
    await exclude(store, "t2", "the fan was off", NOW)
    await store.bury([Letter(key="k", topic=f"e3p/v1/{NODE}/power/main", reason="decode: no map", at=NOW)])


def rank(results: Iterable[Result], excluded: dict[str, str]) -> list[Ranking]:
    return rank_all(list(results), Score(), excluded)


def _run(board: Board, models: list[str]) -> Iterable[Received]:
    """A rest, then trial after trial; the last one is of a model with a hostile name, and aborted."""
    events = [*idle(2, 8, group="g")]
    power = board.powers(0, 9, watts=4.0)
    start = 10
    for index, model in enumerate([*models, HOSTILE]):
        watts, accuracy = MODELS.get(model, (9.0, 0.5))
        events += _trial(start, index, model, accuracy)
        power += board.powers(start, start + LENGTH_S + 1, watts=watts * (1 + 0.002 * (index % 4)))
        start += LENGTH_S + 2
    power = [board.torn(TORN, 3) if each.frame.seq == TORN else each for each in power]
    yield board.marks(0, *events)
    yield from (each for each in power if each.frame.seq != MISSING)


def _trial(start: int, index: int, model: str, accuracy: float) -> list[marks.Event]:
    name, stop = f"t{index}", start + LENGTH_S
    edges = [at(start + n * LENGTH_S / 20) for n in range(21)]
    worked = marks.Batches(
        t=at(stop),
        trial=name,
        begin=pack("q", edges[:-1]),
        end=pack("q", [edge - S // 50 for edge in edges[1:]]),
        images=pack("i", [IMAGES // 20] * 20),
    )
    reference = marks.AccuracyRef(value=accuracy, n=50_000, origin="timm")
    status = "aborted" if model == HOSTILE else "ok"
    return [
        begin(start, name, model=model, index=index // 3, accuracy_ref=reference, precision="fp16"),
        worked,
        end(stop, name, through=stop + 1, images=IMAGES, status=status),
    ]


def _refused(board: Board) -> EventRefused:
    return EventRefused(
        node=NODE,
        boot=board.boot,
        stream="marks/app",
        seq=0,
        event="trial_begin",
        trial="t1",
        reason="a second trial_begin with this id",
    )
