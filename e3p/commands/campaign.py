"""``e3p campaign``: a plan on many nodes, from the server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from e3p import options

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from e3p.campaigns.standing import Standing
    from e3p.settings import Settings
    from telemetry.contract.commands import Campaign, CampaignPart, Reply, Wish

    Choose = Callable[[list[Campaign], Mapping[str, CampaignPart]], Campaign]

app = typer.Typer(help="A plan on many nodes, from the server.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The plan's name (its newest campaign), or an id.")]
WaitS = Annotated[float, typer.Option(help="How long to wait for the nodes' answers.")]


@app.callback()
def campaign() -> None:
    """A plan on many nodes, from the server."""


@app.command()
def start(
    plan: Annotated[Path, typer.Argument(metavar="PLAN", help="The plan in TOML (docs/campaigns.md).")],
    nodes: Annotated[str, typer.Option(metavar="A,B", help="The nodes that carry it out.")],
    again: Annotated[
        bool, typer.Option("--again", help="Begin anew beside one of that name that is not over.")
    ] = False,
    wait_s: WaitS = 5.0,
    store: options.Store = None,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Sends a plan to nodes, each of which carries it out as its owner allows; see `e3p campaign status`.

    A node that is away gets it when it is back. Exit code 1 when a node refuses.
    """
    import time

    from e3p.campaigns.asking import lawful_nodes, new_campaign, plan_that_travels
    from e3p.settings import load

    asked = new_campaign(plan_that_travels(plan), lawful_nodes(nodes), time.time_ns())
    settings = load(config, level="error", store=store, mqtt=mqtt)
    return _wish(settings, lambda known, parts: _new(known, parts, asked, again=again), wait_s, json=json)


@app.command()
def status(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One of them; else all that are not over.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    store: options.Store = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Prints how far every node is, what it is at, and the results so far.

    Exit code 1 when a node has refused or failed, or left a configuration out.
    """
    import anyio

    from e3p.campaigns.standing import as_document, print_standings
    from e3p.output import print_json, say
    from e3p.settings import load

    found = anyio.run(_standings, load(config, level="error", store=store), name, all_)
    if json:
        print_json({"campaigns": [as_document(each) for each in found]})
    else:
        print_standings(found)
    if not found and not json:
        say("no campaign is under way: `e3p campaign start PLAN --nodes A,B`; --all has those that are over")
    return 1 if any(each.is_bad for each in found) else 0


@app.command()
def cancel(
    name: Name,
    wait_s: WaitS = 5.0,
    store: options.Store = None,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Has its nodes leave a campaign: the trial that runs is aborted, and no other begins."""
    from e3p.settings import load

    settings = load(config, level="error", store=store, mqtt=mqtt)
    return _wish(settings, lambda known, _: _again(known, name, "cancel"), wait_s, json=json)


@app.command()
def resume(
    name: Name,
    wait_s: WaitS = 5.0,
    store: options.Store = None,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
    json: options.Json = False,
) -> int:
    """Has its nodes go on with a campaign: with what was cancelled, failed, left out, or came out invalid.

    Trials that have ended with a result that counts are not repeated.
    """
    from e3p.settings import load

    settings = load(config, level="error", store=store, mqtt=mqtt)
    return _wish(settings, lambda known, _: _again(known, name, "run"), wait_s, json=json)


@app.command(hidden=True)
def part(
    id_: Annotated[str, typer.Argument(metavar="ID")],
    node: Annotated[str | None, typer.Option()] = None,
    mqtt: options.Mqtt = None,
    config: options.Config = None,
) -> int:
    """What the agent starts to have a node's part carried out; not for people."""
    from e3p.campaigns.child import carry_out
    from e3p.settings import load

    return carry_out(load(config, mqtt=mqtt, edge__node=node), id_)


def _wish(settings: Settings, choose: Choose, wait_s: float, *, json: bool) -> int:
    """Stores and sends a wish, and prints what the nodes answer; 1 where one refuses."""
    import anyio
    import msgspec

    from e3p.output import answer, print_json, say

    asked, heard = anyio.run(_tell, settings, choose, wait_s)
    if json:
        replies = {node: msgspec.to_builtins(heard[node]) for node in asked.nodes if node in heard}
        print_json({"id": asked.id, "revision": asked.revision, "nodes": asked.nodes, "replies": replies})
    else:
        answer(f"{asked.id}: {asked.wish}")
        for node in asked.nodes:
            answer(f"  {node}: {_words(heard.get(node))}")
        say(f"e3p campaign status {asked.id} tells how far it is")
    return 1 if any(reply.state == "refused" for reply in heard.values()) else 0


async def _tell(settings: Settings, choose: Choose, wait_s: float) -> tuple[Campaign, dict[str, Reply]]:
    from e3p.campaigns.asking import campaigns_of, teller
    from e3p.campaigns.standing import parts_of

    async with settings.opened_store(create=False) as opened:
        asked = choose(await campaigns_of(opened), await parts_of(opened))
        async with teller(settings.common.address(), asked) as telling:
            await telling.tell(opened, wait_s)
    return asked, telling.heard


def _words(reply: Reply | None) -> str:
    if reply is None:
        return "no answer yet: it is told again when it is there"
    return f"{reply.state}: {reply.reason}" if reply.reason else reply.state


def _new(
    known: list[Campaign], parts: Mapping[str, CampaignPart], asked: Campaign, *, again: bool
) -> Campaign:
    """A new campaign, unless one of its name is not over on one of its nodes."""
    from telemetry.contract.commands import is_open, part_id
    from telemetry.contract.errors import UserError

    rivals = [each for each in known if each.plan.name == asked.plan.name and each.wish == "run"]
    for each in rivals if not again else ():
        busy = [n for n in each.nodes if n in asked.nodes and is_open(each, parts.get(part_id(each.id, n)))]
        if busy:
            words = f"{each.id} is not over on {', '.join(busy)}; cancel it first, or begin beside it"
            raise UserError(f"{words} with --again")
    return asked


def _again(known: list[Campaign], name: str, wish: Wish) -> Campaign:
    """A campaign that is known, with a new wish."""
    import time

    from e3p.campaigns.asking import named, wishing

    return wishing(named(known, name), wish, time.time_ns())


async def _standings(settings: Settings, name: str | None, every: bool) -> list[Standing]:
    from e3p.campaigns.asking import campaigns_of, named
    from e3p.campaigns.standing import parts_of, results_of, standing
    from telemetry.contract.commands import is_open, part_id

    async with settings.opened_store(create=False) as opened:
        known, parts = await campaigns_of(opened), await parts_of(opened)
        if name is not None:
            known = [named(known, name)]
        elif not every:
            known = [c for c in known if any(is_open(c, parts.get(part_id(c.id, n))) for n in c.nodes)]
        results = await results_of(opened)
    return [standing(each, parts, results) for each in known]
