"""A node's trials, one after the other: ten seconds at 200 Hz × 4 each, with marks, reports, a manifest."""

from __future__ import annotations

from benchmarks import made
from telemetry.contract.columns import pack
from telemetry.contract.decode import Received
from telemetry.contract.frames import VERSION, HealthFrame, ManifestFrame, MarksFrame, StreamHealth, StreamKey
from telemetry.contract.manifest import Device
from telemetry.contract.marks import AccuracyRef, Batches, TrialBegin, TrialEnd

FRAMES, TICK, SAMPLES = 40, 5_000_000, 50
TRIAL_NS = FRAMES * SAMPLES * TICK
MARGIN = 10 * TICK
MARKS = StreamKey(made.POWER.node, made.POWER.boot, "marks/main")
BATCHES = 10


def frames_of(
    trial: int, model: str = "vit", batch: int = 8, accuracy: float | None = None
) -> list[Received]:
    """All frames of a trial; its model's published accuracy where it has one."""
    return [*_power(trial), _marks(trial, model, batch, accuracy), *_health(trial)]


def name_of(trial: int) -> str:
    """The trial's own."""
    return f"trial-{trial}"


def begin_of(trial: int) -> int:
    """When it begins, in ns after the boot's anchor."""
    return trial * TRIAL_NS + MARGIN


def _power(trial: int) -> list[Received]:
    frames = range(trial * FRAMES, (trial + 1) * FRAMES)
    return made.arrived([made.power(seq, samples=SAMPLES, tick=TICK) for seq in frames])


def _marks(trial: int, model: str, batch: int, accuracy: float | None) -> Received:
    """A trial of ten batches that fills its frames but for an edge on each side."""
    begin, end = begin_of(trial), begin_of(trial) + TRIAL_NS - 2 * MARGIN
    edges = [begin + at * (end - begin) // BATCHES for at in range(BATCHES + 1)]
    name, last = name_of(trial), (trial + 1) * FRAMES - 1
    reference = AccuracyRef(value=accuracy, n=50_000, origin="timm") if accuracy else None
    events = (
        TrialBegin(
            t=begin,
            trial=name,
            model=model,
            dataset="made",
            batch_size=batch,
            group="bench",
            index=trial,
            accuracy_ref=reference,
        ),
        Batches(
            t=end,
            trial=name,
            begin=pack("q", edges[:-1]),
            end=pack("q", edges[1:]),
            images=pack("i", [batch] * BATCHES),
        ),
        TrialEnd(t=end, trial=name, status="ok", images=batch * BATCHES, power={"main": last}),
    )
    frame = MarksFrame(v=VERSION, boot=MARKS.boot, seq=trial, anchor=made.ANCHOR, t0=begin, events=events)
    return made.arrived([frame], MARKS.stream)[0]


def _health(trial: int) -> list[Received]:
    """The node's report, every ten seconds, and its manifest once."""
    t0 = begin_of(trial)
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
