"""A day of a small fleet with known truths in it, through the real line into a real InfluxDB 2.

Frames are stamped with times of a day that is over, and go over a broker to a real `e3p serve`, whose
collector stores them and whose analyzer concludes from them. Beside them a real agent measures a trial now.

`orin-1` needs 12 % more energy for an image since 10:00; `orin-2` and `orin-3` are healthy; the sensor of
`tx2-1` is frozen; of `nuc-1` a hole of 40 frames; on `bench-1` the models A and B are equal, and C is worse.
A frame of `orin-3` comes late, and a message of `tx2-1` is no message. A node `bench` runs a real agent.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import anyio

from telemetry.contract import marks
from telemetry.contract.columns import pack, pack_dt
from telemetry.contract.decode import Received
from telemetry.contract.documents import Result
from telemetry.contract.frames import ManifestFrame
from telemetry.contract.manifest import Device, StreamInfo
from telemetry.store.events import read_lasting
from tests.analyzing import HZ, Maker, S
from tests.grafana_sending import deliver, spoil
from tests.processes import Line
from tests.verdicts import results

DAY_NS = 86_400 * S
HOUR_S = 3600
MORE = 1.12
SINCE_S = 10 * HOUR_S
HOURS = (4.0, 13.0)
HOLE = range(100, 140)
WINDOW_S = 10
"""The length of the analyzer's windows of work: a normal of thirty of them is learned in five minutes."""
WORK_S, WORK_MORE_MIN = SINCE_S - 360, 3
"""From when an application of `orin-1` works, and how long it goes on when it takes more."""
NOISE_W = 0.05
TRIAL_S, IMAGES = 10, 100
FLEET = ("orin-1", "orin-2", "orin-3")
MODELS = {
    "tiny_vit_21m_512.dist_in22k_ft_in1k": "A",
    "crossvit_15_dagger_408.in1k": "B",
    "crossvit_18_dagger_408.in1k": "C",
}
"""A and B take the same, C more. They are published models: they have a NetScore."""
LATE = ("orin-3", 113)
"""A power frame in the midst of the trial `orin-3-9`."""
CHANNELS = ("total", "gpu", "cpu")
BATCH = 10
FRAME_S = 10
"""The length of a frame of continuous work."""


def midnight(now_ns: int) -> int:
    """That of the last day whose scene is over, UTC ns: late enough for the tasks that keep power."""
    return (now_ns - 14 * HOUR_S * S) // DAY_NS * DAY_NS


class Node:
    """One boot of a node, from midnight on: what it recorded so far."""

    def __init__(self, name: str, device: str, at_ns: int, *, clock_off_s: float = 0.001) -> None:
        self.maker = Maker(f"boot-of-{name}", anchor=at_ns, os_boot=f"kernel-of-{name}", node=name)
        self.frames: list[Received] = []
        self._seqs = {"power": 0, "marks": 0, "health": 0, "clock": 0}
        self._clock_off_s = clock_off_s
        self._samples = 0
        self._random = random.Random(name)
        info = StreamInfo(
            stream="main",
            sensor="ina3221",
            channels=CHANNELS,
            total="total",
            origin="measured",
            period_ms=1000 / HZ,
            noise_w=NOISE_W,
            gain_uncertainty=0.01,
        )
        manifest = ManifestFrame(
            **self.maker._envelope(0, 0),
            os_boot=self.maker.os_boot,
            device=Device(kind=device),
            software="e3p 1.0",
            hash=f"hash-of-{name}",
            power_mode="MAXN",
            streams=(info,),
        )
        self.frames.append(self.maker._came("manifest/node", manifest))

    def power(self, second: int, watts: float, *, frozen: bool = False, seconds: int = 1) -> None:
        """A frame of power, of a second or some: the total, and its parts of 70 and 30 %."""
        noise = [0.0 if frozen else self._random.gauss(0, NOISE_W) for _ in range(HZ * seconds)]
        rows = [value for each in noise for value in (watts + each, 0.7 * watts, 0.3 * watts + each)]
        seq = self._next("power")
        said = {
            "seq": seq,
            "first": self._samples,
            "ch": CHANNELS,
            "w": pack("f", rows),
            "dt": pack_dt([at * S // HZ for at in range(len(noise))]),
        }
        self._samples += len(noise)
        self.frames.append(self.maker.power(second, **said))

    def trial(self, name: str, at_s: int, watts: float, *, frozen: bool = False, **begins: Any) -> None:
        """A trial of 10 s, with a second of power on each side, and a report."""
        for second in range(at_s - 1, at_s + TRIAL_S + 1):
            self.power(second, watts, frozen=frozen)
        labels = {"model": "vit-small", "dataset": "imagenet", "batch_size": BATCH, "group": "g", **begins}
        begin = marks.TrialBegin(t=at_s * S, trial=name, **{"index": 0, **labels})
        ends = [(at_s * S) + (n + 1) * TRIAL_S * S // BATCH for n in range(BATCH)]
        columns = {
            "begin": pack("q", [each - TRIAL_S * S // BATCH for each in ends]),
            "end": pack("q", ends),
            "images": pack("i", [IMAGES // BATCH] * BATCH),
        }
        batches = marks.Batches(t=ends[-1], trial=name, **columns)
        reach = {"power/main": self._seqs["power"] - 1}
        over = marks.TrialEnd(t=ends[-1], trial=name, status="ok", images=IMAGES, power=reach)
        self.frames.append(self.maker.marks(self._next("marks"), begin, batches, over))
        self.report(at_s + TRIAL_S + 2)

    def work(self, at_s: int, minutes: int, watts: float, *, frozen: bool = False) -> None:
        """An application that works through ten images a second, and marks it every ten seconds."""
        for second in range(at_s, at_s + 60 * minutes, FRAME_S):
            self.power(second, watts, frozen=frozen, seconds=FRAME_S)
        for begin_s in range(at_s, at_s + 60 * minutes, 10):
            begins = [begin_s * S + n * S for n in range(10)]
            said = {"begin": begins, "end": [each + S for each in begins]}
            columns = {name: pack("q", each) for name, each in said.items()}
            work = marks.Work(
                t=(begin_s + 10) * S, app="camera", model="vit-small", **columns, images=pack("i", [10] * 10)
            )
            self.frames.append(self.maker.marks(self._next("marks"), work))
        self.report(at_s + 60 * minutes + 2)

    def report(self, at_s: int, **fields: Any) -> None:
        """What it has made so far, how warm it is, and how its clock stands."""
        self.frames.append(
            self.maker.clock(self._next("clock"), self.maker.exchange(at_s, self._clock_off_s))
        )
        seq = self._next("health")
        made = {**self._seqs, "manifest": 1}
        names = {"power": "power/main", "marks": "marks/app", "health": "health/agent"}
        names |= {"clock": "clock/collector", "manifest": "manifest/node"}
        ticks = {"power": self._samples}
        told = [self.maker.said(made[kind], name, ticks=ticks.get(kind, 0)) for kind, name in names.items()]
        figures = {
            "temp_c": {"gpu": 50.0 + at_s % 7},
            "clock_mhz": {"gpu": 900.0},
            "throttle": (),
            "spool_bytes": 4096,
            "agent_cpu_s": at_s / 100,
            "agent_rss_mib": 40.0,
        }
        self.frames.append(self.maker.health(seq, at_s, *told, **{**figures, **fields}))

    def _next(self, kind: str) -> int:
        self._seqs[kind] += 1
        return self._seqs[kind] - 1


def half_hours() -> Iterator[int]:
    """Seconds after midnight at which the fleet runs a trial."""
    first, last = HOURS
    return iter(range(int(first * HOUR_S), int(last * HOUR_S) + 1, HOUR_S // 2))


def the_fleet(day: int) -> Iterator[Node]:
    """Three of a kind; one of them needs more since ten."""
    for at, name in enumerate(FLEET):
        node = Node(name, "jetson-orin-nx", day)
        for number, second in enumerate(half_hours()):
            if name == "orin-1" and WORK_S <= second <= SINCE_S:
                if second == SINCE_S:
                    node.work(WORK_S, (SINCE_S - WORK_S) // 60, 10.0)
                    node.work(SINCE_S, WORK_MORE_MIN, 10.0 * MORE)
                continue
            more = MORE if name == "orin-1" and second >= SINCE_S else 1.0
            watts = 10.0 * (1 + 0.005 * math.sin(number + at)) * more
            node.trial(f"{name}-{number}", second, watts, index=number)
        yield node


def the_frozen(day: int) -> Node:
    """Its sensor says the same for ever, from 11:00 on, and its clock is ten minutes off."""
    node = Node("tx2-1", "jetson-tx2", day, clock_off_s=600.0)
    node.trial("tx2-good", 9 * HOUR_S, 6.0)
    node.trial("tx2-frozen", 11 * HOUR_S, 6.5, frozen=True, index=1)
    node.work(11 * HOUR_S + 60, 2, 6.5, frozen=True)
    return node


def the_holed(day: int) -> Node:
    """Five minutes from 11:00 on, of which 40 frames never come."""
    node = Node("nuc-1", "x86-cpu", day)
    for second in range(300):
        node.power(11 * HOUR_S + second, 20.0)
    node.report(11 * HOUR_S + 301)
    node.frames = [
        each for each in node.frames if each.key.stream != "power/main" or each.frame.seq not in HOLE
    ]
    return node


def the_bench(day: int) -> Node:
    """Three models with repeats: a tenth more energy is three sigma of the score that the third has less."""
    node = Node("bench-1", "jetson-agx-orin", day)
    scatter, repeats = 0.01, 5
    for place, (model, letter) in enumerate(MODELS.items()):
        for index in range(repeats):
            second = 8 * HOUR_S + (place * repeats + index) * 60
            watts = 15.0 * (1.1 if letter == "C" else 1.0) * (1 + scatter * (index - 2) / 1.58)
            accuracy = marks.AccuracyRef(value=0.8, n=1_000_000, origin="published")
            said = {"model": model, "group": f"g-{model}", "index": index, "accuracy_ref": accuracy}
            node.trial(f"{letter}-{index}", second, watts, **said)
    return node


def everything(day: int) -> list[Node]:
    """All that happened that day."""
    return [*the_fleet(day), the_frozen(day), the_holed(day), the_bench(day)]


async def play(line: Line, day: int) -> None:
    """All of it, until everything is concluded."""
    frames = [frame for node in everything(day) for frame in node.frames]
    late = [each for each in frames if (each.key.node, each.frame.seq) == LATE and "power" in each.key.stream]
    assert len(late) == 1
    assert line.mqtt is not None
    await deliver(line.mqtt, [each for each in frames if each not in late])
    await spoil(line.mqtt, the_frozen(day).frames)
    await line.edge()
    await line.trial("live")
    await concluded(line, lambda found: "frames_missing" in found["orin-3-9"].reasons)
    await deliver(line.mqtt, late)
    await concluded(line, lambda found: found["orin-3-9"].revision > 1 and "live" in found)
    await found(line, {("regression", "orin-1"), ("frozen", "tx2-1")})


async def concluded(line: Line, fact: Callable[[dict[str, Result]], bool]) -> None:
    """Waits for what the analyzer says of windows, by their names."""
    with anyio.fail_after(300):
        while True:
            found = {window: each for (window, _), each in (await results(line)).items()}
            if "orin-3-9" in found and fact(found):
                return
            await anyio.sleep(0.2)


async def found(line: Line, wanted: set[tuple[str, str]]) -> None:
    """Waits for what the analyzer finds by itself: a kind, and of whom."""
    async with line.opened() as store:
        with anyio.fail_after(300):
            while True:
                lasting = await read_lasting(store, time.time_ns())
                if wanted <= {(each.kind, each.node) for each in lasting}:
                    return
                await anyio.sleep(0.5)
