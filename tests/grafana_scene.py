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
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import anyio
import msgspec

from telemetry.contract import marks
from telemetry.contract.columns import pack
from telemetry.contract.decode import Received, decode_message
from telemetry.contract.documents import Result
from telemetry.contract.encode import encode
from telemetry.contract.errors import Refused
from telemetry.contract.frames import ManifestFrame, StreamKey
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.manifest import Device, StreamInfo
from telemetry.contract.replies import Stored
from telemetry.contract.topics import every_node, parse_node_topic, stream_topic
from telemetry.runtime.mqtt import Address, Link
from tests.analyzing import HZ, Maker, S
from tests.processes import Line
from tests.verdicts import results

DAY_NS = 86_400 * S
HOUR_S = 3600
MORE = 1.12
SINCE_S = 10 * HOUR_S
HOURS = (4.0, 13.0)
HOLE = range(100, 140)
WORK_S = HOURS[1] * HOUR_S + 900
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

    def power(self, second: int, watts: float, *, frozen: bool = False) -> None:
        """A second of power: the total, and its parts of 70 and 30 %."""
        noise = [0.0 if frozen else self._random.gauss(0, NOISE_W) for _ in range(HZ)]
        rows = [value for each in noise for value in (watts + each, 0.7 * watts, 0.3 * watts + each)]
        seq = self._next("power")
        said = {"seq": seq, "first": seq * HZ, "ch": CHANNELS, "w": pack("f", rows)}
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

    def work(self, at_s: int, minutes: int, watts: float) -> None:
        """An application that works through ten images a second, and marks it every ten seconds."""
        for second in range(at_s - 1, at_s + 60 * minutes + 1):
            self.power(second, watts)
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
        ticks = {"power": made["power"] * HZ}
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
            more = MORE if name == "orin-1" and second >= SINCE_S else 1.0
            watts = 10.0 * (1 + 0.005 * math.sin(number + at)) * more
            node.trial(f"{name}-{number}", second, watts, index=number)
        if name == "orin-1":
            node.work(int(WORK_S), 3, 10.0 * MORE)
        yield node


def the_frozen(day: int) -> Node:
    """Its sensor says the same for ever, from 11:00 on, and its clock is ten minutes off."""
    node = Node("tx2-1", "jetson-tx2", day, clock_off_s=600.0)
    node.trial("tx2-good", 9 * HOUR_S, 6.0)
    node.trial("tx2-frozen", 11 * HOUR_S, 6.5, frozen=True, index=1)
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
    """Three models with repeats: the third needs three sigma of the repeats' scatter more."""
    node = Node("bench-1", "jetson-agx-orin", day)
    scatter, repeats = 0.01, 5
    for place, (model, letter) in enumerate(MODELS.items()):
        for index in range(repeats):
            second = 8 * HOUR_S + (place * repeats + index) * 60
            watts = 15.0 * (1 + 3 * scatter if letter == "C" else 1.0) * (1 + scatter * (index - 2) / 1.58)
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
    await spoil(line.mqtt, the_frozen(day))
    await line.edge()
    await line.trial("live")
    await concluded(line, lambda found: "frames_missing" in found["orin-3-9"].reasons)
    await deliver(line.mqtt, late)
    await concluded(line, lambda found: found["orin-3-9"].revision > 1 and "live" in found)


async def concluded(line: Line, fact: Callable[[dict[str, Result]], bool]) -> None:
    """Waits for what the analyzer says of windows, by their names."""
    with anyio.fail_after(90):
        while True:
            found = {window: each for (window, _), each in (await results(line)).items()}
            if "orin-3-9" in found and fact(found):
                return
            await anyio.sleep(0.2)


async def deliver(url: str, frames: Sequence[Received]) -> None:
    """Sends frames until the collector says that it has each of them; a few at a time, as nodes do."""
    link = Link(Address.parse(url), client_id="scene", filters=[every_node("stored")])
    settled = anyio.Event()
    open_: dict[tuple[StreamKey, int], Received] = {(each.key, each.frame.seq): each for each in frames}

    async def listen() -> None:
        async for message in link.inbox():
            place = parse_node_topic(message.topic)
            with suppress(Refused):
                for stream in decode_message(message.payload, Stored).streams:
                    key = StreamKey(place[0] if place else "", stream.boot, stream.stream)
                    have = IntervalSet.below(stream.through + 1) | IntervalSet(stream.ranges)
                    for seq in [seq for held, seq in open_ if held == key and seq in have]:
                        del open_[key, seq]
            if not open_:
                settled.set()

    with anyio.fail_after(120):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(link.run)
            tasks.start_soon(listen)
            await link.until_connected()
            while open_:
                for (key, _), each in list(open_.items())[:500]:
                    await link.publish(stream_topic(key.node, key.stream), encode(each.frame))
                with anyio.move_on_after(2.0):
                    await settled.wait()
            tasks.cancel_scope.cancel()


async def spoil(url: str, node: Node) -> None:
    """Sends of a node what is no message, and another frame under a number that is taken."""
    link = Link(Address.parse(url), client_id="spoiler")
    held = next(each for each in node.frames if each.key.stream == "power/main")
    other = msgspec.structs.replace(held.frame, missed=1)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.run)
        await link.until_connected()
        for payload in (b"no frame", encode(other)):
            await link.publish(stream_topic(node.maker.node, held.key.stream), payload)
        tasks.cancel_scope.cancel()
