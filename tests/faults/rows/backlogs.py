"""An hour that a node was alone for: it comes while live frames go on, and those go first."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from typing import Any

from edge_node.accounts import Name
from edge_node.boots import Boot
from edge_node.outbox import Row as Rowed
from edge_node.spool import Batch, Spool
from telemetry.contract import marks
from telemetry.contract.columns import pack, pack_dt
from telemetry.contract.decode import Received, receive
from telemetry.contract.encode import encode
from telemetry.contract.frames import Envelope, ManifestFrame, MarksFrame, PowerFrame
from telemetry.contract.manifest import Device, StreamInfo
from telemetry.contract.nodetime import NS_PER_S
from tests.faults.row import Row, caught_up
from tests.faults.rows.kills import SIGKILL, kill_agent
from tests.faults.rows.spools import start_again
from tests.faults.scene import SENSORS, Scene, Setting
from tests.faults.tap import Entry, Made, Recording
from tests.processes import until

HOUR_S = 3600
SPOOL_BYTES = 2**28
CHANNELS = ("total", "gpu")
TICK_NS = NS_PER_S // 20
TRIAL_S = (600, 1200)
LIVE_WITHIN_S = 5.0
"""A frame covers a second and is committed within another; its acknowledgement takes its turn."""


def hour(chance: random.Random) -> tuple[Boot, list[Rowed]]:
    """A boot of an hour ago, with a frame of twenty samples a second, and a trial in it."""
    boot = Boot(secrets.token_hex(8), time.time_ns() - HOUR_S * NS_PER_S, f"kernel-{secrets.token_hex(4)}")
    trial = f"backlog-{boot.id}"
    labels: dict[str, Any] = {
        "model": "toy",
        "dataset": "none",
        "batch_size": 1,
        "group": "backlog",
        "index": 0,
    }
    begin, end = (second * NS_PER_S for second in TRIAL_S)
    events = (
        marks.TrialBegin(t=begin, trial=trial, **labels),
        marks.TrialEnd(t=end, trial=trial, status="ok", images=0, power={"power/main": TRIAL_S[1]}),
    )
    rows = [_row(boot, "manifest/node", 0, 0, ManifestFrame, **_manifest(boot))]
    for second in range(HOUR_S):
        watts = [5.0 + chance.random() for _ in range(20 * len(CHANNELS))]
        columns = {"dt": pack_dt(range(0, NS_PER_S, TICK_NS)), "w": pack("f", watts)}
        told = {"tick": TICK_NS, "ch": CHANNELS, "first": 20 * second, "missed": 0}
        rows.append(_row(boot, "power/main", second, second * NS_PER_S, PowerFrame, **columns, **told))
    for seq, event in enumerate(events):
        rows.append(_row(boot, "marks/app", seq, event.t, MarksFrame, events=(event,)))
    return boot, rows


def _row(boot: Boot, stream: str, seq: int, t0: int, kind: type[Envelope], **fields: Any) -> Rowed:
    frame = kind(boot=boot.id, seq=seq, anchor=boot.anchor, t0=t0, v=1, **fields)
    return Rowed(Name(boot.id, stream), seq, t0, 20 if kind is PowerFrame else 0, encode(frame))


def _manifest(boot: Boot) -> dict[str, Any]:
    told = {"channels": CHANNELS, "total": "total", "origin": "synthetic", "period_ms": 50.0}
    streams = (StreamInfo(stream="main", sensor="none", **told),)
    return {
        "os_boot": boot.os_boot,
        "device": Device(kind="test"),
        "software": "test",
        "hash": "0",
        "streams": streams,
    }


async def add_an_hour(scene: Scene, chance: random.Random) -> None:
    """Agent and collector die; when the agent is back it finds an hour of frames in its spool."""
    scene.programs["collect"].kill()
    await kill_agent(scene, chance)
    boot, rows = hour(chance)
    made = tuple(Made(row.name.boot, row.name.stream, row.seq, row.ticks, row.body) for row in rows)
    recording = Recording(scene.device.tap.folder)
    recording.put(Entry(offered=made))
    numbers = {}
    for row in rows:
        frames, ticks = numbers.get(row.name, (0, 0))
        numbers[row.name] = (frames + 1, ticks + row.ticks)
    with closing(Spool(scene.device.spool, SPOOL_BYTES)) as spool:
        spool.write(Batch(rows, (), numbers, [boot]))
    recording.put(Entry(committed=tuple(each.key for each in made)))
    scene.props.backlog = {each.key for each in made}


async def drained(scene: Scene, trial: str) -> None:
    """All of the hour is stored; the live frames of the meantime were so within seconds."""
    settled_s, backlog = scene.witness.settled_s, scene.props.backlog
    await scene.until_settled(backlog)
    await until(lambda: backlog & settled_s.keys(), lambda: "the witness hears nothing")
    began_s = min(settled_s[key] for key in backlog & settled_s.keys())
    await caught_up(scene, trial)
    for key, made in scene.device.tap.offered.items():
        if key not in backlog and key.stream.startswith("power/") and (end_s := _end_s(made)) > began_s:
            scene.props.waits_s[key] = settled_s.get(key, end_s) - end_s


def _end_s(made: Made) -> float:
    """When the last sample of a live frame was taken, monotonic seconds."""
    received = receive(f"e3p/v1/node/{made.stream}", made.body)
    assert isinstance(received, Received)
    assert isinstance(received.frame, PowerFrame)
    return received.frame.last * 1e-9


@asynccontextmanager
async def nothing_waited(scene: Scene) -> AsyncIterator[None]:
    """So far."""
    scene.props.waits_s = {}
    yield


async def live_stayed_first(scene: Scene) -> list[str]:
    """All but a few: on a machine with other work a frame may miss its turn."""
    waits_s = sorted(scene.props.waits_s.values())
    most_s = waits_s[len(waits_s) * 19 // 20]
    scene.props.remarks.append(
        f"{len(waits_s)} live frames: acknowledged {waits_s[len(waits_s) // 2]:.1f} s after their last "
        f"sample (median), {most_s:.1f} s (95 of 100), {waits_s[-1]:.1f} s (all)"
    )
    return [] if most_s <= LIVE_WITHIN_S else [f"live frames waited {most_s:.1f} s behind the backlog"]


ROWS = (
    Row(
        "backlog",
        "an hour of frames in the spool, live ones coming",
        "agent, collector",
        SIGKILL,
        add_an_hour,
        start_again,
        lasts_s=0.1,
        setting=Setting(sensors=SENSORS[:1]),
        recovered=drained,
        prepared=nothing_waited,
        check=live_stayed_first,
    ),
)
