"""SIGKILL, at any moment, of everything that can be killed."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio.to_thread

from tests.faults.row import Row, told
from tests.faults.scene import Scene
from tests.processes import until
from tests.servers import find
from tests.servers.toxiproxy import Toxiproxy

SIGKILL = "SIGKILL"


async def kill_agent(scene: Scene, chance: random.Random) -> None:
    """The sampler goes with it: it ends when its agent does."""
    del chance
    agent = scene.device.agent
    assert agent is not None
    _, sampler, *_ = agent.family()
    agent.kill()
    await until(lambda: not sampler.is_running(), lambda: f"{sampler} outlives its agent")


async def start_agent(scene: Scene, chance: random.Random) -> None:
    del chance
    await scene.start_agent(scene.device)


async def kill_sampler(scene: Scene, chance: random.Random) -> None:
    del chance
    agent = scene.device.agent
    assert agent is not None
    _, sampler, *_ = agent.family()
    sampler.kill()


async def boot_anew(scene: Scene, chance: random.Random) -> None:
    """The agent starts another sampler by itself, and that is a new boot."""
    del chance
    agent = scene.device.agent
    assert agent is not None
    dead = agent.text.count("the sampler ended")
    await until(lambda: agent.text.count("boot begins") > dead, lambda: f"no new boot:\n{agent.text}")


@asynccontextmanager
async def through_a_proxy(scene: Scene) -> AsyncIterator[None]:
    """The agents' way to the broker can be cut."""
    with Toxiproxy(find("toxiproxy-server", "toxiproxy"), scene.folder) as server:
        scene.props.proxy = server.proxy(scene.broker.port)
        way = f"mqtt://{scene.props.proxy.host}:{scene.props.proxy.port}"
        scene.ways.update((device.name, way) for device in scene.devices)
        yield
        await scene.stop_agents()


async def reset(scene: Scene, chance: random.Random) -> None:
    """Every connection of the agents ends with a reset, and new ones too."""
    del chance
    await anyio.to_thread.run_sync(
        lambda: scene.props.proxy.toxic("reset_peer", stream="upstream", timeout=0)
    )


async def heal(scene: Scene, chance: random.Random) -> None:
    del chance
    await anyio.to_thread.run_sync(lambda: scene.props.proxy.heal("reset_peer", "upstream"))


def killing(command: str) -> Row:
    """A program of the server."""

    async def strike(scene: Scene, chance: random.Random) -> None:
        del chance
        scene.programs[command].kill()

    async def mend(scene: Scene, chance: random.Random) -> None:
        del chance
        await scene.start(command)

    name = {"collect": "collector", "analyze": "analyzer"}[command]
    recovered = {"recovered": told} if command == "analyze" else {}
    return Row(f"{name}-killed", f"{name} killed, started again", name, SIGKILL, strike, mend, **recovered)


async def kill_broker(scene: Scene, chance: random.Random) -> None:
    del chance
    scene.broker.kill()


async def start_broker(scene: Scene, chance: random.Random) -> None:
    del chance
    await anyio.to_thread.run_sync(scene.broker.start)


ROWS = (
    Row(
        "agent-killed",
        "agent killed with its sampler, started again",
        "agent",
        SIGKILL,
        kill_agent,
        start_agent,
    ),
    Row(
        "sampler-killed",
        "sampler killed; its agent starts another",
        "sampler",
        SIGKILL,
        kill_sampler,
        boot_anew,
    ),
    Row(
        "publisher-reset",
        "the publisher's connection reset, and refused for a while",
        "publisher",
        "RST",
        reset,
        heal,
        prepared=through_a_proxy,
    ),
    killing("collect"),
    killing("analyze"),
    Row(
        "broker-killed",
        "Mosquitto (without persistence) killed, started again",
        "mosquitto",
        SIGKILL,
        kill_broker,
        start_broker,
    ),
)
