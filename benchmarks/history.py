"""The cost of one window against the history that is stored beside it."""

from __future__ import annotations

import tempfile

import anyio

from analyzer.desk import Desk
from analyzer.query import energy_of
from benchmarks import made
from benchmarks.harness import Cost, Effort, Figure, aiming, costs_of, figure, per_item
from telemetry.contract.columns import pack
from telemetry.contract.decode import Received
from telemetry.contract.frames import VERSION, HealthFrame, ManifestFrame, MarksFrame, StreamHealth, StreamKey
from telemetry.contract.manifest import Device
from telemetry.contract.marks import Batches, TrialBegin, TrialEnd
from telemetry.store.open import opened_store

TITLE = (
    "One node with 10, 100 and 1,000 stored trials of 10 s at 200 Hz × 4. `the analyzer` computes the "
    "trial in the middle from what is stored, as it does when a trial ends; `e3p energy` is asked for the "
    "same ten seconds."
)
SIZES = (10, 100, 1_000)
NAMES = (
    *(f"history.trial_{size}" for size in SIZES),
    "history.trial_growth",
    *(f"history.energy_{size}" for size in SIZES),
    "history.energy_growth",
)
TARGET_GROWTH = 1.25
FRAMES, TICK, SAMPLES = 40, 5_000_000, 50
TRIAL_NS = FRAMES * SAMPLES * TICK
MILLISECONDS = per_item(1, "ms", 1e3)
MARGIN = 10 * TICK
MARKS = StreamKey(made.POWER.node, made.POWER.boot, "marks/main")


def run(effort: Effort) -> list[Figure]:
    """The times at each size, and how much a hundred times the history adds."""
    sizes = (2, 3, 4) if effort.quick else SIZES
    rounds = effort.pick(15, 1)
    taken = [anyio.run(_measured, size, rounds) for size in sizes]
    figures = []
    for at, (name, what) in enumerate((("trial", "the analyzer"), ("energy", "`e3p energy`"))):
        for label, costs in zip(SIZES, taken, strict=True):
            words = f"{what}, {label:,} trials stored"
            figures.append(figure(f"history.{name}_{label}", words, MILLISECONDS, costs[at]))
        # From CPU time: what other programs do meanwhile must not look like growth.
        growth = (figures[-1].cpu or 0.0) / (figures[-len(SIZES)].cpu or 1.0)
        grown = Figure(
            name=f"history.{name}_growth", what=f"{what}, growth from 10 to 1,000", value=growth, unit="times"
        )
        figures.append(aiming(grown, TARGET_GROWTH))
    return figures


async def _measured(trials: int, rounds: int) -> list[list[Cost]]:
    """The costs of both questions about the trial in the middle."""
    with tempfile.TemporaryDirectory(prefix="e3p-bench-") as folder:
        async with opened_store(f"sqlite:///{folder}/store.db") as store:
            for number in range(trials):
                await store.write([*_power(number), _marks(number), *_health(number)])
            desk = Desk(store, MARKS.node)
            await desk.hear({a.key: a.stored for a in await store.accounts()}, 0.0)
            trial = desk.notebook.trial(_name(trials // 2))
            assert trial is not None
            begin = made.ANCHOR + _begin(trials // 2)
            return [
                await costs_of(lambda: desk.compute(trial), rounds),
                await costs_of(lambda: energy_of(store, MARKS.node, begin, begin + TRIAL_NS), rounds),
            ]


def _power(trial: int) -> list[Received]:
    frames = range(trial * FRAMES, (trial + 1) * FRAMES)
    return made.arrived([made.power(seq, samples=SAMPLES, tick=TICK) for seq in frames])


def _marks(trial: int) -> Received:
    """A trial of ten batches that fills its frames but for an edge on each side."""
    begin, end = _begin(trial), _begin(trial) + TRIAL_NS - 2 * MARGIN
    edges = [begin + at * (end - begin) // 10 for at in range(11)]
    name = _name(trial)
    events = (
        TrialBegin(
            t=begin, trial=name, model="vit", dataset="made", batch_size=8, group="bench", index=trial
        ),
        Batches(
            t=end,
            trial=name,
            begin=pack("q", edges[:-1]),
            end=pack("q", edges[1:]),
            images=pack("i", [8] * 10),
        ),
        TrialEnd(t=end, trial=name, status="ok", images=80, power={"main": (trial + 1) * FRAMES - 1}),
    )
    frame = MarksFrame(v=VERSION, boot=MARKS.boot, seq=trial, anchor=made.ANCHOR, t0=begin, events=events)
    return made.arrived([frame], MARKS.stream)[0]


def _health(trial: int) -> list[Received]:
    """The node's report, every ten seconds, and its manifest once."""
    t0 = _begin(trial)
    stream = StreamHealth(
        boot=MARKS.boot,
        stream=made.POWER.stream,
        next_seq=(trial + 1) * FRAMES,
        spooled=(),
        declared_lost=(),
        ticks=(trial + 1) * FRAMES * SAMPLES,
        final=False,
    )
    report = HealthFrame(v=VERSION, boot=MARKS.boot, seq=trial, anchor=made.ANCHOR, t0=t0, streams=(stream,))
    manifest = ManifestFrame(
        v=VERSION,
        boot=MARKS.boot,
        seq=0,
        anchor=made.ANCHOR,
        t0=0,
        os_boot="os",
        device=Device(kind="bench"),
        software="bench",
        hash="0",
        streams=(made.STREAM,),
    )
    return [
        *made.arrived([report], "health/agent"),
        *(made.arrived([manifest], "manifest/agent") if trial == 0 else ()),
    ]


def _name(trial: int) -> str:
    return f"trial-{trial}"


def _begin(trial: int) -> int:
    return trial * TRIAL_NS + MARGIN
