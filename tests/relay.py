"""Between the agent's broker and the server's: frames pass late, disordered, several times; answers pass."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup

from telemetry.contract.topics import FRAME_KINDS, every_node, everything_of_nodes
from telemetry.runtime.mqtt import Address, Link, Message

DELAY_S = 0.4
COPIES = (1, 1, 2, 3)
UP = ("ping", "state", "about")

Holds = Callable[[Message], bool]


class Relay:
    """Runs until cancelled. What `holds` says of a frame, however often it comes, waits for `let_go`.

    `passed` are the different frames that came from the agent, `held` those of them that wait.
    """

    def __init__(self, agents: str, server: str, seed: int, holds: Holds = lambda _: False) -> None:
        name = f"relay-{time.monotonic_ns()}"
        self._agents = Link(Address.parse(agents), client_id=name, filters=[everything_of_nodes()])
        self._server = Link(
            Address.parse(server), client_id=name, filters=[every_node("stored"), every_node("pong")]
        )
        self._chance = random.Random(seed)
        self._holds = holds
        self.passed: dict[Message, None] = {}
        self.held: dict[Message, None] = {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Relay]:
        """The relay at work."""
        async with anyio.create_task_group() as tasks:
            for work in (self._agents.run, self._server.run, self._answers):
                tasks.start_soon(work)
            tasks.start_soon(self._frames, tasks)
            await self._agents.until_connected()
            await self._server.until_connected()
            yield self
            tasks.cancel_scope.cancel()

    def hold(self, holds: Holds) -> None:
        """From now on this says which frames wait."""
        self._holds = holds

    async def let_go(self) -> None:
        """What was held passes, and nothing is held any more."""
        self._holds = lambda _: False
        held, self.held = self.held, {}
        for message in held:
            await self._server.publish(message.topic, message.payload)

    async def repeat(self) -> None:
        """Everything that ever passed once more, in another order."""
        messages = list(self.passed)
        self._chance.shuffle(messages)
        for message in messages:
            await self._server.publish(message.topic, message.payload)

    async def _frames(self, tasks: TaskGroup) -> None:
        async for message in self._agents.inbox():
            kind = message.topic.split("/")[3]
            if kind in UP:
                await self._server.publish(
                    message.topic, message.payload, qos=int(kind != "ping"), retain=kind != "ping"
                )
            elif kind in FRAME_KINDS:
                self.passed[message] = None
                if self._holds(message):
                    self.held[message] = None
                    continue
                for _ in range(self._chance.choice(COPIES)):
                    tasks.start_soon(self._later, message, self._chance.random() * DELAY_S)

    async def _later(self, message: Message, delay_s: float) -> None:
        await anyio.sleep(delay_s)
        await self._server.publish(message.topic, message.payload)

    async def _answers(self) -> None:
        async for message in self._server.inbox():
            await self._agents.publish(message.topic, message.payload, qos=int("/pong" not in message.topic))
