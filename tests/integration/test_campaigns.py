"""Campaigns over a real Mosquitto with certificates: the collector's side, a node's side, and a thief.

The node's child is a fake (tests/fakes/part_child.py); real trials are in tests/acceptance/test_campaigns.py.
"""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import msgspec
import pytest

from collector.app import SYSTEM
from collector.campaigns import Campaigns as ServerSide
from e3p.campaigns.asking import new_campaign, teller, wishing
from e3p.campaigns.keeping import Keeping
from e3p.campaigns.node import Campaigns as NodeSide
from e3p.campaigns.standing import parts_of
from e3p.pki.templates import SERVER
from edge_node.settings import EdgeSettings
from telemetry.contract.commands import Campaign, CampaignPart, Command, Reply
from telemetry.contract.encode import encode
from telemetry.contract.plan import CampaignPlan
from telemetry.contract.topics import every_node
from telemetry.runtime.mqtt import Link
from telemetry.store.interface import Store
from telemetry.store.open import opened_store
from tests.fakes.node import until
from tests.securing import SecuredMosquitto, made_pki

pytestmark = pytest.mark.anyio

CHILD = Path(__file__).parents[1] / "fakes" / "part_child.py"
PLAN = CampaignPlan(name="night", models=("a", "b"), trials=2)
WITHIN_S = 30.0


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredMosquitto]:
    folder = tmp_path_factory.mktemp("secured")
    with SecuredMosquitto(made_pki(folder / "pki", "n1", "n2"), folder) as running:
        yield running


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with opened_store(f"sqlite:///{tmp_path / 'e3p.db'}") as opened:
        yield opened


@asynccontextmanager
async def at_work(*services: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    async with anyio.create_task_group() as tasks:
        for service in services:
            tasks.start_soon(service)
        yield
        tasks.cancel_scope.cancel()


def server(broker: SecuredMosquitto, store: Store) -> list[Callable[[], Awaitable[None]]]:
    """The collector's part in campaigns, under the server's certificate."""
    heard = [every_node("reply"), every_node("state"), every_node("command")]
    link = Link(broker.common(SERVER).address(), client_id=f"s-{time.monotonic_ns()}", filters=heard)
    return [link.run, ServerSide(link, store, SYSTEM).run]


def settings_in(folder: Path, **more: str) -> EdgeSettings:
    return msgspec.convert(
        {"node": "n1", "spool": str(folder / "n1.spool"), "campaigns": "on", **more}, EdgeSettings
    )


def node(broker: SecuredMosquitto, settings: EdgeSettings, seconds: float = 0.05) -> NodeSide:
    given = msgspec.json.encode(settings).decode()

    def child(id_: str) -> list[str]:
        return [sys.executable, str(CHILD), given, id_, str(seconds)]

    async def ready() -> None:
        return None

    return NodeSide(settings, broker.common("n1").address(), child, ready)


async def wished(broker: SecuredMosquitto, store: Store, campaign: Campaign) -> dict[str, Reply]:
    async with teller(broker.common(SERVER).address(), campaign) as telling:
        await telling.tell(store, 0.5)
    return telling.heard


def fresh() -> Campaign:
    return new_campaign(PLAN, ("n1",), time.time_ns())


async def part(store: Store, campaign: Campaign, fact: Callable[[CampaignPart], object]) -> CampaignPart:
    """The node's part in the store, once the fact is true of it."""
    found: CampaignPart | None = None
    with anyio.fail_after(WITHIN_S):
        while found is None or not fact(found):
            await anyio.sleep(0.05)
            found = (await parts_of(store)).get(f"{campaign.id}/n1")
    return found


def is_over(found: CampaignPart) -> bool:
    return found.state == "ended"


async def test_a_node_carries_out_a_plan_and_the_store_has_its_last_word(
    broker: SecuredMosquitto, store: Store, tmp_path: Path
) -> None:
    campaign = fresh()
    async with at_work(*server(broker, store), node(broker, settings_in(tmp_path)).run):
        await wished(broker, store, campaign)
        over = await part(store, campaign, is_over)
    assert (over.revision, over.trials, over.done, over.doing) == (0, 4, 4, None)
    history = await store.history("campaign_part", f"{campaign.id}/n1")
    told = [msgspec.json.decode(each.doc, type=CampaignPart) for each in history]
    assert [each.said for each in told] == sorted({each.said for each in told})


async def test_a_node_that_was_away_is_told_when_it_is_back(
    broker: SecuredMosquitto, store: Store, tmp_path: Path
) -> None:
    campaign = fresh()
    async with at_work(*server(broker, store)):
        assert await wished(broker, store, campaign) == {}
        async with at_work(node(broker, settings_in(tmp_path)).run):
            state = b'{"v": 1, "state": "ready", "boot": "b", "since": 1, "software": "s"}'
            speaker = Link(broker.common("n1").address(), client_id="n1-speaker")
            async with at_work(speaker.run):
                await speaker.until_connected()
                await speaker.publish("e3p/v1/n1/state", state)
                await part(store, campaign, is_over)


async def test_what_a_node_said_while_no_collector_ran_is_known_once_one_does(
    broker: SecuredMosquitto, store: Store, tmp_path: Path
) -> None:
    campaign = fresh()
    settings = settings_in(tmp_path)
    async with at_work(node(broker, settings).run):
        while not await wished(broker, store, campaign):
            pass  # it is not connected yet
        await until(lambda: not Keeping(settings).parts()[campaign.id].is_open)
        assert await parts_of(store) == {}
        async with at_work(*server(broker, store)):
            assert (await part(store, campaign, is_over)).done == 4


async def test_a_node_that_is_stopped_in_the_middle_goes_on_with_what_is_left(
    broker: SecuredMosquitto, store: Store, tmp_path: Path
) -> None:
    campaign = fresh()
    settings = settings_in(tmp_path)
    async with at_work(*server(broker, store)):
        async with at_work(node(broker, settings, seconds=0.5).run):
            await wished(broker, store, campaign)
            await part(store, campaign, lambda found: found.done >= 1)
        begun = {each.trial for each in Keeping(settings).shelf.find(campaign.id).ended}
        async with at_work(node(broker, settings).run):
            await part(store, campaign, is_over)
    ended = Keeping(settings).shelf.find(campaign.id).ended
    assert begun <= {each.trial for each in ended}
    assert len({each.key for each in ended}) == len(ended) == 4


async def test_a_campaign_is_cancelled_in_the_middle_and_resumed(
    broker: SecuredMosquitto, store: Store, tmp_path: Path
) -> None:
    campaign = fresh()
    async with at_work(*server(broker, store), node(broker, settings_in(tmp_path), seconds=0.5).run):
        await wished(broker, store, campaign)
        await part(store, campaign, lambda found: found.done >= 1)
        cancelled = wishing(campaign, "cancel", time.time_ns())
        await wished(broker, store, cancelled)
        stopped = await part(store, campaign, lambda found: found.state == "cancelled")
        assert stopped.done < 4
        await wished(broker, store, wishing(cancelled, "run", time.time_ns()))
        assert (await part(store, campaign, is_over)).done == 4


async def test_another_nodes_certificate_reads_no_command_and_forges_neither_command_nor_reply(
    broker: SecuredMosquitto, store: Store, tmp_path: Path
) -> None:
    campaign = fresh()
    filters = ["e3p/v1/n1/command", "e3p/v1/+/command", "e3p/v1/n2/pong"]
    thief = Link(broker.common("n2").address(), client_id="n2-thief", filters=filters)
    settings = settings_in(tmp_path, campaigns="off")
    async with at_work(*server(broker, store), node(broker, settings).run, thief.run):
        await thief.until_connected()
        forged = Command(id="forged", revision=0, wish="run", plan=PLAN)
        await thief.publish("e3p/v1/n1/command", encode(forged, "json"))
        await wished(broker, store, campaign)
        ended = Reply(id=campaign.id, revision=9, said=2**62, state="ended", trials=4, done=4)
        await thief.publish("e3p/v1/n1/reply", encode(ended, "json"))
        refused = await part(store, campaign, lambda found: found.state == "refused")
        assert "has not let campaigns in" in (refused.reason or "")
        speaker = Link(broker.common(SERVER).address(), client_id="s-last")
        async with at_work(speaker.run):
            await speaker.until_connected()
            await speaker.publish("e3p/v1/n2/pong", b"last")
            with anyio.fail_after(WITHIN_S):
                async for message in thief.inbox():
                    assert message.topic == "e3p/v1/n2/pong", "a command was read by another"
                    break
        assert (await parts_of(store))[f"{campaign.id}/n1"] == refused
    assert set(Keeping(settings).parts()) == {campaign.id}
