"""What a person asks of nodes: a plan that may travel, and the wish for it, in the store and on its way."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import msgspec

from e3p.campaigns.limits import cannot_travel
from e3p.plan_file import PlanFile
from e3p.watch import CONNECT_S, NoBroker
from telemetry.contract.commands import CAMPAIGN, MAX_COMMAND_BYTES, Campaign, Reply, Wish
from telemetry.contract.decode import decode_message
from telemetry.contract.encode import encode
from telemetry.contract.errors import Refused, UserError
from telemetry.contract.plan import CampaignPlan
from telemetry.contract.topics import every_node, is_node, node_topic, parse_node_topic
from telemetry.runtime.address import Address
from telemetry.runtime.mqtt import Link, LinkDown
from telemetry.store.interface import Revision, Store

NAME_LETTERS = 50


def plan_that_travels(path: Path) -> CampaignPlan:
    """The plan of a file, in which nothing is a path of this machine. Raises `UserError` with its line."""
    file = PlanFile(path)
    for fault in cannot_travel(file.plan):
        raise UserError(f"{file.at(fault.path)}: {fault.words}")
    size = len(msgspec.json.encode(file.plan))
    if size > MAX_COMMAND_BYTES // 2:
        raise UserError(f"{path}: the plan has {size} bytes; {MAX_COMMAND_BYTES // 2} can be sent")
    return file.plan


def lawful_nodes(text: str) -> tuple[str, ...]:
    """Names of nodes, with commas between them. Raises `UserError`."""
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    for name in names:
        if not is_node(name):
            raise UserError(f"--nodes: {name!r} is no node's name: 1-64 of A-Z a-z 0-9 _ -")
    if not names:
        raise UserError("--nodes: at least one node is expected, such as --nodes jetson-1,jetson-2")
    return names


def new_campaign(plan: CampaignPlan, nodes: tuple[str, ...], now_ns: int) -> Campaign:
    """A campaign that begins now."""
    return Campaign(
        id=f"{plan.name[:NAME_LETTERS]}-{secrets.token_hex(4)}",
        revision=0,
        wish="run",
        nodes=nodes,
        began=now_ns,
        at=now_ns,
        plan=plan,
    )


def wishing(campaign: Campaign, wish: Wish, now_ns: int) -> Campaign:
    """The same campaign with a new wish."""
    return msgspec.structs.replace(campaign, revision=campaign.revision + 1, wish=wish, at=now_ns)


async def campaigns_of(store: Store) -> list[Campaign]:
    """Every campaign, the newest first."""
    found = [msgspec.json.decode(each.doc, type=Campaign) for each in await store.latest(CAMPAIGN)]
    return sorted(found, key=lambda campaign: -campaign.began)


def named(campaigns: Sequence[Campaign], name: str) -> Campaign:
    """The campaign of that id, or the newest of that plan's name. Raises `UserError`."""
    for campaign in campaigns:
        if name in (campaign.id, campaign.plan.name):
            return campaign
    known = ", ".join(dict.fromkeys(campaign.plan.name for campaign in campaigns)) or "none"
    raise UserError(f"{name}: no such campaign; the store has {known[:200]}")


class Teller:
    """Tells nodes at once what the store has already, and hears their answers: `heard`, by node."""

    def __init__(self, link: Link, campaign: Campaign) -> None:
        self._link = link
        self._campaign = campaign
        self.heard: dict[str, Reply] = {}

    async def tell(self, store: Store, wait_s: float) -> None:
        """Stores the wish, sends it, and waits for an answer of every node. Raises `UserError`."""
        campaign = self._campaign
        doc = msgspec.json.encode(campaign)
        wish = Revision(kind=CAMPAIGN, id=campaign.id, revision=campaign.revision, node=None, doc=doc)
        try:
            await store.put([wish])
        except ValueError:
            raise UserError(f"{campaign.id}: somebody else has just changed it; look at its status") from None
        for node in campaign.nodes:
            try:
                await self._link.publish(node_topic(node, "command"), encode(campaign.command(), "json"))
            except LinkDown:
                return
        with anyio.move_on_after(wait_s):
            await self._listen()

    async def _listen(self) -> None:
        async for message in self._link.inbox():
            place = parse_node_topic(message.topic)
            if place is None or place[0] not in self._campaign.nodes:
                continue
            try:
                reply = decode_message(message.payload, Reply)
            except Refused:
                continue
            if (reply.id, reply.revision) == (self._campaign.id, self._campaign.revision):
                self.heard[place[0]] = reply
            if len(self.heard) == len(self._campaign.nodes):
                return


@asynccontextmanager
async def teller(address: Address, campaign: Campaign) -> AsyncIterator[Teller]:
    """One that is connected. Raises `NoBroker`."""
    link = Link(address, client_id=f"e3p-campaign-{secrets.token_hex(4)}", filters=[every_node("reply")])
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(link.run)
        with anyio.move_on_after(CONNECT_S):
            await link.until_connected()
        if link.connected:
            yield Teller(link, campaign)
        tasks.cancel_scope.cancel()
    if not link.connects:
        right = "start `e3p serve`, or name the right broker with --mqtt"
        raise NoBroker(f"no broker answers at {address.url}: {right}")
