"""The views as pieces of HTML, by the id of their place: a page is made of them and renewed by them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote

from telemetry.contract.nodetime import NS_PER_S
from view.answer import answer, place
from view.live import events, words
from view.live.buckets import BUCKET_NS
from view.live.hub import LIVELY_NS
from view.live.paper import fill
from view.material import by_origin
from view.numbers import moment
from view.page import facts, ranking_rows, score
from view.tables import ranges_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from telemetry.contract.documents import LedgerRow, Result
    from telemetry.contract.ranking import Ranking
    from telemetry.store.interface import Letter
    from view.live.hub import Hub, Node

Pieces = dict[str, str]

MOST_TRIALS = 30
MOST_EVENTS = 40
SPARK_S = 30
SPARK_POINTS = 60


@dataclass
class Books:
    """What was last read from the store for the fleet's view; None: not read yet."""

    ledger: Sequence[LedgerRow] | None = None
    letters: Sequence[Letter] = ()
    letter_count: int = 0
    by_node: dict[str, list[LedgerRow]] = field(default_factory=dict)

    def keep(self, ledger: Sequence[LedgerRow]) -> None:
        """Takes a ledger that was read."""
        self.ledger = ledger
        self.by_node = {}
        for row in ledger:
            self.by_node.setdefault(row.node, []).append(row)


def live(hub: Hub, now_ns: int) -> Pieces:
    """Every node with what it draws and runs now, and the windows that ended last."""
    bad = events.troubles(hub.events)
    nodes = [
        (words.node_row(node, now_ns, bad.get(node.name, ())), _spark(node, now_ns)) for node in _sorted(hub)
    ]
    running = [(node.name, each) for node in _sorted(hub) for each in _progress(node)]
    rows = [words.trial_row(result) for result in words.newest(hub.results.values(), MOST_TRIALS)]
    return {
        "running": fill("_running", running=running, named=True),
        "nodes": fill("_nodes", nodes=nodes),
        "trials": fill("_trials", rows=rows, total=len(hub.results), node=None),
    }


def node(hub: Hub, name: str, now_ns: int) -> Pieces:
    """One node: its state, what it runs, its last windows."""
    held = hub.node(name)
    own = [result for result in hub.results.values() if result.node == name]
    rows = [words.trial_row(result) for result in words.newest(own, MOST_TRIALS)]
    running = [(name, each) for each in _progress(held)]
    bad = events.troubles(hub.events)
    return {
        "state": fill("_state", row=words.node_row(held, now_ns, bad.get(name, ()))),
        "running": fill("_running", running=running, named=False),
        "trials": fill("_trials", rows=rows, total=len(own), node=name),
    }


def ranking(hub: Hub, device: str | None, dataset: str | None) -> Pieces:
    """The rankings of a device and a data set, or of all."""
    chosen = [each for each in _ranked(hub) if _is_of(each, device, dataset)]
    sections = [
        (each, place(each), answer([each], []), ranking_rows(each) if each.rows else (), score(each))
        for each in chosen
    ]
    return {"rankings": fill("_rankings", sections=sections, asked=bool(device or dataset))}


def places(hub: Hub) -> list[tuple[str, str]]:
    """The links to the rankings there are, and what they are of."""
    found = dict.fromkeys((each.group.device, each.group.dataset) for each in _ranked(hub))
    return [
        (ranking_link(device, dataset), f"{device or 'unknown device'}, {dataset or 'no data set'}")
        for device, dataset in found
    ]


def ranking_link(device: str | None, dataset: str | None) -> str:
    """The page of the rankings of a device and a data set."""
    return f"/ranking/{quote(device or '-', safe='')}/{quote(dataset or '-', safe='')}"


def fleet(hub: Hub, books: Books, now_ns: int) -> Pieces:
    """Every node with its state and its ledger; events, soak tests, dead letters."""
    bad = events.troubles(hub.events)
    rows = [
        words.node_row(each, now_ns, bad.get(each.name, ()), books.by_node.get(each.name, ()))
        for each in _sorted(hub)
    ]
    told = sorted(hub.events, key=lambda event: (events.lasts(event), event.at), reverse=True)
    soaks = sorted(hub.soaks.values(), key=lambda soak: soak.at, reverse=True)
    ledger = books.ledger
    return {
        "summary": fill("_summary", rows=rows, books=books, lasting=sum(map(events.lasts, told))),
        "nodes": fill("_fleet", rows=rows),
        "ledger": fill("_ledger", ledger=ledger, ranges=ranges_table(ledger or ())),
        "events": fill(
            "_events", rows=[events.event_row(each) for each in told[:MOST_EVENTS]], total=len(told)
        ),
        "soaks": fill("_soaks", rows=[events.soak_row(soak) for soak in soaks]),
        "letters": fill("_letters", letters=_letters(books), count=books.letter_count),
    }


def siblings(hub: Hub, result: Result) -> str:
    """The other trials of the same configuration and run."""
    same = [r for r in hub.results.values() if r.group and (r.group, r.model) == (result.group, result.model)]
    rows = [words.trial_row(each) for each in sorted(same, key=lambda each: each.index or 0)]
    return fill("_trials", rows=rows, total=len(rows), node=None) if len(rows) > 1 else ""


def _letters(books: Books) -> list[tuple[str, str | None, str, str]]:
    return [(each.key, moment(each.at), each.topic, each.reason) for each in books.letters]


def _ranked(hub: Hub) -> list[Ranking]:
    return by_origin(list(hub.rankings.values()))


def _is_of(ranking: Ranking, device: str | None, dataset: str | None) -> bool:
    group = ranking.group
    return device in (None, group.device or "-") and dataset in (None, group.dataset or "-")


def _sorted(hub: Hub) -> list[Node]:
    return sorted(hub.nodes.values(), key=lambda each: each.name)


def _progress(node: Node) -> list[words.Progress]:
    return [words.progress(trial, node.seen_ns) for trial in node.bench.running.values()]


def _spark(node: Node, now_ns: int) -> str | None:
    """The last half minute as the points of a polygon, 0 to 100 wide and 0 (high) to 20 (low)."""
    lead = node.lead
    if lead is None or now_ns - lead.heard_ns > LIVELY_NS:
        return None
    step = SPARK_S * NS_PER_S // BUCKET_NS // SPARK_POINTS
    newest = lead.ring.newest
    shown = lead.ring.read(newest - step * SPARK_POINTS, newest + 1, step)
    if len(shown.at_ns) < 2:
        return None
    low, high = shown.low_w[lead.total], shown.high_w[lead.total]
    top = float(high.max()) or 1.0
    across = (shown.at_ns / BUCKET_NS - (newest - step * SPARK_POINTS)) / (step * SPARK_POINTS) * 100
    ups, downs = 20 - 19 * high / top, 20.4 - 19 * low / top
    upper = [f"{x:.1f},{y:.1f}" for x, y in zip(across, ups, strict=True)]
    lower = [f"{x:.1f},{y:.1f}" for x, y in zip(across, downs, strict=True)][::-1]
    return " ".join([*upper, *lower])


def window(hub: Hub, link: str | None) -> Pieces:
    """The result that has this page, in its newest revision, and its repeats."""
    result = next((each for each in hub.results.values() if words.window_link(each) == link), None)
    if result is None:
        return {}
    pairs = [(term, value) for term, value in facts(result) if value]
    doubts = words.selection(result).doubts
    told = words.trial_row(result)
    head = fill("_head", energy=told.energy, state=result.state, doubts=doubts, pairs=pairs)
    return {"head": head, "siblings": siblings(hub, result)}
