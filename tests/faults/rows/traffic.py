"""What a network does to frames, and what others do on it."""

from __future__ import annotations

import random
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import msgspec

from telemetry.contract.encode import encode
from telemetry.contract.replies import State
from telemetry.contract.topics import node_topic
from telemetry.runtime.mqtt import Address, Link, Will
from tests.faults.row import Row
from tests.faults.scene import Scene, Setting
from tests.processes import Sensor
from tests.relay import Relay
from tests.servers import Mosquitto, find_mosquitto

POISON_OF_TEN = 1
BURST = 20
LOOKS = 20
GUESTS = 50
LATEST_S = 0.5
MANY_STREAMS = tuple(
    Sensor(f"s{at}", {"wave": "sine", "watts": 5.0, "amplitude": 1.0, "period_s": 1.0, "channels": 1})
    for at in range(8)
)


# ---- duplicates, disorder, lateness ------------------------------------------------------------------


@asynccontextmanager
async def over_a_relay(scene: Scene) -> AsyncIterator[None]:
    """The agents have a broker of their own; to the server's frames pass late, disordered, several times."""
    folder = scene.folder / "agents"
    folder.mkdir()
    with Mosquitto(find_mosquitto() or "", folder) as agents:
        async with Relay(agents.url, scene.broker.url, 7).running() as relay:
            scene.props.relay = relay
            scene.ways.update((device.name, agents.url) for device in scene.devices)
            yield
            await scene.stop_agents()


async def hold(scene: Scene, chance: random.Random) -> None:
    """From now on a third of the frames stays behind."""
    scene.props.relay.hold(lambda _: chance.random() < 1 / 3)


async def let_go(scene: Scene, chance: random.Random) -> None:
    """What stayed behind comes after the trial's end, and everything that ever passed comes once more."""
    del chance
    await scene.props.relay.let_go()
    await scene.props.relay.repeat()


# ---- poison ------------------------------------------------------------------------------------------


class Poison(msgspec.Struct):
    """What looks like a frame."""

    v: int
    boot: str
    seq: int
    anchor: int = 1
    t0: int = 1


@asynccontextmanager
async def poisoned(scene: Scene) -> AsyncIterator[None]:
    """One message of ten is none that anybody can take."""
    async with anyio.create_task_group() as tasks:
        link = Link(Address.parse(scene.broker.url), client_id="poisoner")
        scene.props.poison = Poisoner(link, scene)
        tasks.start_soon(link.run)
        await link.until_connected()
        tasks.start_soon(scene.props.poison.run)
        yield
        tasks.cancel_scope.cancel()


class Poisoner:
    """`sent` counts the different messages."""

    def __init__(self, link: Link, scene: Scene) -> None:
        self.sent = 0
        self._link, self._scene = link, scene
        self._chance = random.Random(13)

    async def run(self) -> None:
        """Not before a collector is there: what comes earlier is nobody's, and comes only once."""
        witness = self._scene.witness
        while True:
            await anyio.sleep(0.05)
            due = POISON_OF_TEN * sum(witness.messages.values()) / (10 - POISON_OF_TEN)
            while witness.settled and self.sent < due:
                await self.send()

    async def send(self) -> None:
        chance, name = self._chance, self._scene.device.name
        bodies = [
            b"\xc1" + chance.randbytes(60),
            chance.randbytes(60),
            msgspec.msgpack.encode(Poison(2, f"poison-{self.sent}", 0)),
            msgspec.json.encode({"v": 1, "boot": "x" * 300, "seq": self.sent, "w": "watts"}),
        ]
        place = chance.choice(["power/main", "power/Main!", "marks/app", "nonsense", "health/agent"])
        await self._link.publish(f"e3p/v1/{name}/{place}", chance.choice(bodies))
        self.sent += 1


async def burst(scene: Scene, chance: random.Random) -> None:
    """A burst of it, on top."""
    del chance
    for _ in range(BURST):
        await scene.props.poison.send()


async def every_letter(scene: Scene) -> list[str]:
    """All the poison, and nothing else, lies in quarantine."""
    sent = scene.props.poison.sent

    async def buried() -> int:
        async with scene.shelf.opened(scene.store) as store:
            return len(await store.letters(bodies=False))

    for _ in range(LOOKS):
        if await buried() >= sent:
            break
        await anyio.sleep(0.5)
    found, now = await buried(), scene.props.poison.sent
    return [] if sent <= found <= now else [f"{found} letters of {sent} to {now} poisoned messages"]


# ---- a broker that drops -----------------------------------------------------------------------------


async def freeze_collector(scene: Scene, chance: random.Random) -> None:
    """It takes nothing more, and the broker has no room for what comes."""
    scene.programs["collect"].process.send_signal(signal.SIGSTOP)
    await anyio.sleep(3.0 + chance.random())


async def thaw_collector(scene: Scene, chance: random.Random) -> None:
    del chance
    scene.programs["collect"].process.send_signal(signal.SIGCONT)


async def has_dropped(scene: Scene) -> list[str]:
    """The broker did drop messages: else the row would prove nothing."""
    again = sum(count - 1 for count in scene.witness.messages.values())
    return [] if again else ["the broker dropped nothing: no frame was sent again"]


# ---- guests ------------------------------------------------------------------------------------------


async def come_and_go(scene: Scene, chance: random.Random) -> None:
    """Fifty nodes connect, say that they are there, and go, half of them without a goodbye."""
    async with anyio.create_task_group() as tasks:
        for at in range(GUESTS):
            tasks.start_soon(visit, scene.broker.url, f"guest-{at}", chance.random() * LATEST_S)


async def visit(url: str, node: str, after_s: float) -> None:
    await anyio.sleep(after_s)
    topic = node_topic(node, "state")
    lost, ready = (
        encode(State(state=name, boot=node, since=0, software="guest")) for name in ("lost", "ready")
    )
    filters = [node_topic(node, "stored"), node_topic(node, "pong")]
    link = Link(Address.parse(url), client_id=node, filters=filters, will=Will(topic, lost))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.run)
        await link.until_connected()
        await link.publish(topic, ready, retain=True)
        if after_s < LATEST_S / 2:
            sever(link)
        tasks.cancel_scope.cancel()


def sever(link: Link) -> None:
    """Without a goodbye."""
    client = link._client
    held = client._client.socket() if client else None
    if isinstance(held, socket.socket):
        held.shutdown(socket.SHUT_RDWR)


ROWS = (
    Row(
        "disorder",
        "frames up to 3 times, in disorder, a third of them only after the trial's end; then all once more",
        "network",
        "held back",
        hold,
        let_go,
        prepared=over_a_relay,
    ),
    Row(
        "poison",
        "every tenth message poison, and 20 at once at the fault",
        "network",
        "poison",
        burst,
        prepared=poisoned,
        check=every_letter,
    ),
    Row(
        "queue-limit",
        "Mosquitto's queue limited to 100 messages, collector frozen, 4 nodes of 8 streams",
        "collector",
        "SIGSTOP",
        freeze_collector,
        thaw_collector,
        lasts_s=0.5,
        setting=Setting(
            nodes=("one", "two", "three", "four"),
            lines=("allow_anonymous true", "max_queued_messages 100"),
            sensors=MANY_STREAMS,
            small_buffers=True,
        ),
        check=has_dropped,
    ),
    Row(
        "connects",
        f"{GUESTS} nodes connect and go, half of them without a goodbye",
        "mosquitto's clients",
        "close",
        come_and_go,
        is_flat=True,
    ),
)
