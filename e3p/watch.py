"""Listens to what the fleet says over a broker: results, nodes' states, messages per topic."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import anyio
import msgspec

from telemetry.contract.decode import decode_message
from telemetry.contract.documents import Result
from telemetry.contract.errors import Refused, UserError
from telemetry.contract.replies import State
from telemetry.contract.topics import every_node, parse_node_topic
from telemetry.runtime.address import Address
from telemetry.runtime.mqtt import Link, Message

CONNECT_S = 10.0

OnResult = Callable[[Result], None]


class NoBroker(UserError):
    """No broker answers now."""


class Watch:
    """What was heard so far; `until` waits for something to become true of it.

    `on_result` is called with each trial's result, once it is among the `results`.
    """

    def __init__(
        self,
        address: Address,
        filters: Sequence[str] = (every_node("result"),),
        on_result: OnResult = lambda _: None,
    ) -> None:
        self.results: dict[tuple[str, str], Result] = {}
        self.states: dict[str, str] = {}
        self.messages: Counter[str] = Counter()
        self._on_result = on_result
        self._news = anyio.Event()
        self._link = Link(address, client_id=f"e3p-watch-{secrets.token_hex(4)}", filters=filters)

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listens while the block lasts. `UserError` when no broker answers, or as the block raises it."""
        wrong: UserError | None = None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.run)
            try:
                await self.connected()
                yield
            except UserError as error:
                wrong = error
            tasks.cancel_scope.cancel()
        if wrong is not None:
            raise wrong

    async def run(self) -> None:
        """Listens until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._link.run)
            async for message in self._link.inbox():
                self._take(message)
                self._news.set()

    async def connected(self) -> None:
        """Waits for the broker; `NoBroker` when it does not answer."""
        try:
            with anyio.fail_after(CONNECT_S):
                await self._link.until_connected()
        except TimeoutError:
            right = "start `e3p serve`, or name the right broker with --mqtt"
            raise NoBroker(f"no broker answers at {self._link.address.url}: {right}") from None

    async def until(self, true: Callable[[], bool], within_s: float) -> bool:
        """Whether it became true in time."""
        with anyio.move_on_after(within_s):
            while not true():
                await self._news.wait()
                self._news = anyio.Event()
        return true()

    async def of_trials(self, trials: Sequence[str], within_s: float) -> list[Result]:
        """The results of these trials, as far as they come in time; one for each stream."""
        await self.until(lambda: set(trials) <= {trial for trial, _ in self.results}, within_s)
        return [result for (trial, _), result in self.results.items() if trial in trials]

    def _take(self, message: Message) -> None:
        self.messages[message.topic] += 1
        node, kind = parse_node_topic(message.topic) or ("", None)
        try:
            if kind == "state":
                self.states[node] = decode_message(message.payload, State).state
            elif kind == "result":
                result = msgspec.json.decode(message.payload, type=Result)
                if result.trial:
                    self.results[result.trial, result.source] = result
                    self._on_result(result)
        except (Refused, msgspec.DecodeError):
            return
