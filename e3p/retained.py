"""What the broker keeps of nodes: reads their states, and clears them."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence

import anyio

from telemetry.contract.decode import decode_message
from telemetry.contract.errors import Refused, UserError
from telemetry.contract.replies import State
from telemetry.contract.topics import NodeKind, every_node, node_topic, parse_node_topic
from telemetry.runtime.address import Address
from telemetry.runtime.mqtt import Link, LinkDown

CONNECT_S = 3.0
QUIET_S = 0.3
"""A broker sends what it keeps at once: after so long without a message there is no more."""
KEPT: tuple[NodeKind, ...] = ("state", "about")


async def read_states(address: Address) -> dict[str, State]:
    """The state that the broker keeps of each node. Raises `UserError` when it does not answer."""
    states: dict[str, State] = {}

    async def take(link: Link) -> None:
        messages = link.inbox()
        while True:
            with anyio.move_on_after(QUIET_S) as quiet:
                message = await anext(messages)
            if quiet.cancelled_caught:
                return
            place = parse_node_topic(message.topic)
            try:
                if place and message.payload:
                    states[place[0]] = decode_message(message.payload, State)
            except Refused:
                continue

    await _over(address, [every_node("state")], take)
    return states


async def clear(address: Address, nodes: Iterable[str]) -> None:
    """Has the broker keep nothing of these nodes. Raises `UserError` when it does not answer."""

    async def publish(link: Link) -> None:
        for node in nodes:
            for kind in KEPT:
                await link.publish(node_topic(node, kind), b"", retain=True)

    await _over(address, [], publish)


async def _over(address: Address, filters: Sequence[str], work: Callable[[Link], Awaitable[None]]) -> None:
    link = Link(address, client_id=f"e3p-node-{secrets.token_hex(4)}", filters=filters)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.run)
        with anyio.move_on_after(CONNECT_S):
            await link.until_connected()
        answered = link.connected
        if answered:
            try:
                await work(link)
            except LinkDown:
                answered = False
        tasks.cancel_scope.cancel()  # the link says goodbye once the broker has what was published
    if not answered:
        right = "start `e3p serve`, or name the right broker with --mqtt"
        raise UserError(f"no broker answers at {address.url}: {right}")
