"""How campaigns stand: what every node made of its part, and the results so far, from the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec

from e3p.output import answer, number, print_table
from e3p.times import show_time
from telemetry.contract.commands import PART, Campaign, CampaignPart, Doing, LeftOut, is_open, part_id
from telemetry.contract.documents import Result
from telemetry.contract.plan import trials_of
from telemetry.store.interface import Store

BAD = ("refused", "failed")


class NodeStanding(NamedTuple):
    """A node's part: what it last said, `heard` then (UTC ns), and the trials of it that have a result.

    `state` is `sent` until the node has answered the newest wish.
    """

    node: str
    state: str
    reason: str | None
    done: int
    of: int
    results: int
    invalid: int
    doing: Doing | None
    left_out: tuple[LeftOut, ...]
    heard: int | None


class Standing(NamedTuple):
    """A campaign with its nodes, and the mean energy of its configurations so far, by node."""

    campaign: Campaign
    nodes: list[NodeStanding]
    energies: list[dict[str, object]]

    @property
    def is_bad(self) -> bool:
        """Whether a node has refused or failed, or left something out."""
        return any(each.state in BAD or each.left_out for each in self.nodes)


async def parts_of(store: Store) -> dict[str, CampaignPart]:
    """Every part, by id."""
    return {each.id: msgspec.json.decode(each.doc, type=CampaignPart) for each in await store.latest(PART)}


async def results_of(store: Store) -> list[Result]:
    """Every trial's newest result."""
    found = [msgspec.json.decode(each.doc, type=Result) for each in await store.latest("result")]
    return [result for result in found if result.trial]


def joined(results: Iterable[Result], campaign: str) -> list[Result]:
    """The results of a campaign, one trial for each that is planned: the first that counts.

    A trial whose end nobody could write down any more before a crash is run again, and one that was invalid
    is; neither counts twice.
    """
    order = {"valid": 0, "degraded": 0, "invalid": 1}
    chosen: dict[tuple[object, ...], str | None] = {}
    mine = sorted(
        (result for result in results if result.group == campaign),
        key=lambda result: (order[result.state], result.begin, result.stream),
    )
    for each in mine:
        chosen.setdefault(_planned(each), each.trial)
    return [each for each in mine if chosen[_planned(each)] == each.trial]


def standing(campaign: Campaign, parts: Mapping[str, CampaignPart], results: Iterable[Result]) -> Standing:
    """How one campaign stands."""
    mine = joined(results, campaign.id)
    planned = len(trials_of(campaign.plan))
    nodes = [
        _node(campaign, name, parts.get(part_id(campaign.id, name)), planned, mine) for name in campaign.nodes
    ]
    return Standing(campaign, nodes, list(_energies(mine)))


def as_document(standing_of: Standing) -> dict[str, object]:
    """For `--json`."""
    campaign = standing_of.campaign
    said = {name: getattr(campaign, name) for name in ("id", "revision", "wish", "began", "at")}
    nodes = [each._asdict() for each in standing_of.nodes]
    return {**said, "name": campaign.plan.name, "nodes": nodes, "results": standing_of.energies}


def print_standings(standings: Iterable[Standing]) -> None:
    """A table for each campaign, and below it what was left out, and the energies so far."""
    for each in standings:
        campaign = each.campaign
        answer(f"{campaign.id}: {campaign.wish}, since {show_time(campaign.began)}")
        head = ("node", "state", "trials", "results", "invalid", "doing", "last word", "")
        print_table(head, [_row(node) for node in each.nodes], wrap=True)
        for node in each.nodes:
            for left in node.left_out:
                answer(f"  {node.node} left out {left.configuration}: {left.why}")
        if each.energies:
            print_table(
                ("model", "data set", "batch", "precision", "node", "trials", "J per 1,000"),
                [(*list(row.values())[:-1], number(row["j_per_1000"])) for row in each.energies],  # type: ignore[arg-type]
            )
        answer("")


def _node(
    campaign: Campaign, name: str, part: CampaignPart | None, planned: int, results: list[Result]
) -> NodeStanding:
    trials = {result.trial: result.state for result in results if result.node == name}
    is_answered = part is not None and part.revision >= campaign.revision
    return NodeStanding(
        node=name,
        state=part.state if part and is_answered else "sent",
        reason=part.reason if part and is_answered else None,
        done=part.done if part else 0,
        of=(part.trials if part else 0) or planned,
        results=len(trials),
        invalid=sum(state == "invalid" for state in trials.values()),
        doing=part.doing if part and is_open(campaign, part) else None,
        left_out=part.left_out if part else (),
        heard=part.at if part else None,
    )


def _row(node: NodeStanding) -> tuple[object, ...]:
    doing = f"{node.doing.model} trial {node.doing.index}" if node.doing else None
    heard = show_time(node.heard) if node.heard else None
    trials = f"{node.done} of {node.of}"
    return (node.node, node.state, trials, node.results, node.invalid, doing, heard, node.reason or "")


def _planned(result: Result) -> tuple[object, ...]:
    """Which trial of its campaign a result is of."""
    return (*_configuration(result), result.index)


def _configuration(result: Result) -> tuple[object, ...]:
    return (result.model, result.dataset, result.batch_size, result.precision, result.node)


def _energies(results: list[Result]) -> Iterable[dict[str, object]]:
    """Of the streams that lead, where a manifest says which do."""
    found: dict[tuple[object, ...], list[float]] = {}
    for result in results:
        if result.state != "invalid" and result.j_per_1000 is not None and result.leads is not False:
            found.setdefault(_configuration(result), []).append(result.j_per_1000)
    names = ("model", "dataset", "batch_size", "precision", "node")
    for key, values in sorted(found.items(), key=lambda item: str(item[0])):
        mean = sum(values) / len(values)
        yield {**dict(zip(names, key, strict=True)), "trials": len(values), "j_per_1000": mean}
