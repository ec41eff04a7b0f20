"""Every message of the contract, drawn by hypothesis."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from telemetry.contract.columns import pack, pack_bits, pack_dt
from telemetry.contract.commands import Command, Doing, LeftOut, Reply
from telemetry.contract.frames import (
    ClockFrame,
    Exchange,
    HealthFrame,
    ManifestFrame,
    MarksFrame,
    PowerFrame,
    StreamHealth,
)
from telemetry.contract.manifest import Device, StreamInfo
from telemetry.contract.marks import (
    AccuracyRef,
    Batches,
    Context,
    Event,
    IdleBegin,
    IdleEnd,
    Prepare,
    Protocol,
    TrialBegin,
    TrialEnd,
    Work,
)
from telemetry.contract.plan import CampaignPlan, DataSet, Override, Steps
from telemetry.contract.replies import Dead, Ping, Pong, State, Stored, StoredStream
from telemetry.contract.topics import FRAME_KINDS
from telemetry.contract.units import MAX_SEQ

texts = st.text(min_size=1, max_size=20)
times = st.integers(0, 2**61)
counts = st.integers(0, 2**62)
seqs = st.integers(0, MAX_SEQ)
finite = st.floats(allow_nan=False, allow_infinity=False)
names = st.from_regex(r"[a-z0-9_-]{1,32}", fullmatch=True)
full_names = st.tuples(st.sampled_from(FRAME_KINDS), names).map("/".join)
watts = st.floats(width=32, allow_nan=False, allow_infinity=False) | st.just(math.nan)


def envelope() -> dict[str, st.SearchStrategy[Any]]:
    return {
        "v": st.just(1),
        "boot": texts,
        "seq": seqs,
        "anchor": st.integers(-(2**61), 2**61),
        "t0": times,
    }


@st.composite
def power_frames(draw: st.DrawFn) -> PowerFrame:
    channels = draw(st.lists(texts, min_size=1, max_size=4, unique=True))
    steps = draw(st.lists(st.integers(1, 2**34), max_size=20))
    dt = [sum(steps[:at]) for at in range(len(steps))]
    values = draw(st.lists(watts, min_size=len(dt) * len(channels), max_size=len(dt) * len(channels)))
    joules = draw(st.none() | st.lists(finite, min_size=len(channels), max_size=len(channels)))
    return PowerFrame(
        **{name: draw(value) for name, value in envelope().items()},
        dt=pack_dt(dt),
        tick=draw(st.integers(1, 10**10)),
        ch=tuple(channels),
        w=pack("f", values),
        first=draw(counts),
        missed=draw(counts),
        counter_j=None if joules is None else pack("d", joules),
    )


@st.composite
def batch_columns(draw: st.DrawFn) -> dict[str, Any]:
    images = draw(st.lists(st.integers(0, 20), max_size=8))
    begin = draw(st.lists(times, min_size=len(images), max_size=len(images)))
    bits = draw(st.none() | st.lists(st.integers(0, 1), min_size=sum(images), max_size=sum(images)))
    return {
        "begin": pack("q", begin),
        "end": pack("q", [time + 1 for time in begin]),
        "images": pack("i", images),
        "correct": draw(st.sampled_from([None, pack("i", images)])),
        "hits": None if bits is None else pack_bits(bits),
    }


protocols = st.builds(
    Protocol,
    warmup_s=st.none() | finite,
    seed=st.none() | st.integers(0, 2**63 - 1),
    steady=st.none() | st.booleans(),
)
contexts = st.builds(
    Context,
    libraries=st.none() | st.dictionaries(texts, texts, max_size=3),
    temp_c=st.none() | st.dictionaries(texts, finite, max_size=3),
    load=st.none() | finite,
)
accuracies = st.builds(AccuracyRef, value=finite, n=st.none() | counts, origin=st.none() | texts)
trial_begins = st.builds(
    TrialBegin,
    t=times,
    trial=texts,
    model=texts,
    dataset=texts,
    batch_size=counts,
    group=texts,
    index=counts,
    precision=st.none() | texts,
    backend=st.none() | texts,
    subset=st.none() | texts,
    protocol=st.none() | protocols,
    context=st.none() | contexts,
    accuracy_ref=st.none() | accuracies,
)
trial_ends = st.builds(
    TrialEnd,
    t=times,
    trial=texts,
    status=st.sampled_from(["ok", "aborted"]),
    images=counts,
    power=st.dictionaries(names | names.map("power/{}".format), seqs, max_size=3),
    correct=st.none() | counts,
    load=st.none() | finite,
)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(Prepare, t=times, group=texts),
    trial_begins,
    batch_columns().flatmap(lambda columns: st.builds(Batches, t=times, trial=texts, **_just(columns))),
    batch_columns().flatmap(
        lambda columns: st.builds(Work, t=times, app=texts, model=texts, **_just(columns))
    ),
    st.builds(IdleBegin, t=times, trial=texts),
    st.builds(IdleEnd, t=times, trial=st.none(), group=texts),
    trial_ends,
)


def _just(columns: dict[str, Any]) -> dict[str, st.SearchStrategy[Any]]:
    return {name: st.just(value) for name, value in columns.items()}


marks_frames = st.builds(MarksFrame, **envelope(), events=st.lists(events, max_size=4).map(tuple))
exchanges = st.builds(Exchange, t1=times, t2=times, t3=times, t4=times)
clock_frames = st.builds(
    ClockFrame, **envelope(), peer=texts, exchanges=st.lists(exchanges, max_size=3).map(tuple)
)


def ranges(width: int) -> st.SearchStrategy[tuple[tuple[int, ...], ...]]:
    one = st.tuples(st.integers(0, 2**30), st.integers(0, 2**30), counts)
    ordered = one.map(lambda row: (min(row[0], row[1]), max(row[0], row[1]), row[2])[:width])
    return st.lists(ordered, max_size=3).map(tuple)


stream_healths = st.builds(
    StreamHealth,
    boot=texts,
    stream=full_names,
    next_seq=seqs,
    spooled=ranges(2),
    declared_lost=ranges(3),
    ticks=counts,
    final=st.booleans(),
)
facts = st.none() | st.dictionaries(texts, finite, max_size=3)
health_frames = st.builds(
    HealthFrame,
    **envelope(),
    streams=st.lists(stream_healths, max_size=3).map(tuple),
    temp_c=facts,
    clock_mhz=facts,
    util=facts,
    fan_rpm=st.none() | finite,
    throttle=st.none() | st.lists(texts, max_size=3).map(tuple),
    mem_used_mib=st.none() | finite,
    spool_bytes=st.none() | counts,
    agent_cpu_s=st.none() | finite,
    agent_rss_mib=st.none() | finite,
)


@st.composite
def stream_infos(draw: st.DrawFn) -> StreamInfo:
    channels = draw(st.lists(texts, min_size=1, max_size=4, unique=True))
    return StreamInfo(
        stream=draw(names),
        sensor=draw(texts),
        channels=tuple(channels),
        total=draw(st.sampled_from(channels)),
        origin=draw(st.sampled_from(["measured", "estimated", "replayed", "synthetic"])),
        period_ms=draw(st.floats(0.001, 1e6)),
        role=draw(st.sampled_from(["device", "part", "external"])),
        holds=draw(st.booleans()),
        noise_w=draw(st.none() | finite),
    )


manifest_frames = st.builds(
    ManifestFrame,
    **envelope(),
    os_boot=texts,
    device=st.builds(Device, kind=texts, model=st.none() | texts, serial_hash=st.none() | texts),
    software=texts,
    hash=texts,
    streams=st.lists(stream_infos(), max_size=3).map(tuple),
    power_mode=st.none() | texts,
)

FRAMES: dict[str, st.SearchStrategy[Any]] = {
    "power": power_frames(),
    "marks": marks_frames,
    "clock": clock_frames,
    "health": health_frames,
    "manifest": manifest_frames,
}

stored_streams = st.builds(
    StoredStream, boot=texts, stream=texts, through=st.integers(-1, MAX_SEQ), ranges=ranges(2)
)
campaign_names = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
sizes = st.integers(1, 999_999_999)
plans = st.builds(
    CampaignPlan,
    name=campaign_names,
    models=st.lists(texts, max_size=3).map(tuple),
    datasets=st.lists(st.builds(DataSet, name=campaign_names, images=sizes), max_size=2).map(tuple),
    batch_sizes=st.lists(sizes, max_size=2).map(tuple),
    protocol=st.builds(Steps, min_s=st.floats(0, 86_400), cooldown_to_c=st.none() | st.floats(0, 150)),
    overrides=st.lists(st.builds(Override, model=st.none() | texts, skip=st.booleans()), max_size=2).map(
        tuple
    ),
)
configured = {"model": texts, "dataset": texts, "batch_size": sizes, "precision": texts}
replies = st.builds(
    Reply,
    id=campaign_names,
    revision=seqs,
    said=times,
    state=st.sampled_from(["refused", "waiting", "running", "ended", "cancelled", "failed"]),
    reason=st.none() | texts,
    trials=counts,
    done=counts,
    doing=st.none() | st.builds(Doing, **configured, index=counts),
    left_out=st.lists(st.builds(LeftOut, **configured, why=texts), max_size=2).map(tuple),
)
REPLIES: dict[str, st.SearchStrategy[Any]] = {
    "state": st.builds(
        State,
        state=st.sampled_from(["init", "ready", "draining", "lost", "gone"]),
        boot=texts,
        since=times,
        software=texts,
    ),
    "ping": st.builds(Ping, id=counts, t1=times),
    "pong": st.builds(Pong, id=counts, t1=times, t2=times, t3=times),
    "stored": st.builds(Stored, streams=st.lists(stored_streams, max_size=3).map(tuple)),
    "dead": st.builds(Dead, key=texts, topic=texts, reason=texts, at=times),
    "command": st.builds(
        Command, id=campaign_names, revision=seqs, wish=st.sampled_from(["run", "cancel"]), plan=plans
    ),
    "reply": replies,
}
