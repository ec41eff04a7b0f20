"""What the pages say, from what is known: rows and facts as text, with units. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

from telemetry.contract.nodetime import NS_PER_S
from view.live.events import AWAY, Trouble
from view.live.hub import LIVELY_NS
from view.numbers import energy, fixed, moment, percent, seconds, unit
from view.reasons import REASONS
from view.tables import budgets_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from telemetry.contract.documents import LedgerRow, Result
    from view.live.hub import Node
    from view.live.tally import Running
    from view.tables import Table

STATE_CLASS = {"ready": "valid", "init": "degraded", "draining": "degraded", "lost": "invalid"}


class NodeRow(NamedTuple):
    """A node of the fleet. `tone` is the class of its state: valid, degraded, invalid or quiet.

    `troubles` last of it, beside its state; `well`: it is there, and none of them is a warning or worse.
    """

    name: str
    state: str
    tone: str
    troubles: tuple[Trouble, ...]
    well: bool
    device: str | None
    watts: str | None
    runs: str | None
    seen: str | None
    temperature: str | None
    throttle: str | None
    spooled: str | None
    ledger: str | None
    closed: bool | None
    software: str | None
    origin: str | None


class Progress(NamedTuple):
    """A trial that runs: `share` from 0 to 100, None where its end is not known."""

    trial: str
    model: str
    setting: str
    share: float | None
    images: str
    length: str | None
    energy: str | None
    note: str | None


class TrialRow(NamedTuple):
    """A result in a list."""

    link: str
    title: str
    node: str
    state: str
    energy: str | None
    per_1000: str | None
    length: str
    ended: str | None


class Selection(NamedTuple):
    """The energy of a stretch that somebody chose."""

    energy: str | None
    state: str
    doubts: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    budgets: tuple[Table, ...]


def node_row(
    node: Node, now_ns: int, troubles: Sequence[Trouble] = (), ledger: Sequence[LedgerRow] = ()
) -> NodeRow:
    """One line of the fleet's table; `now_ns` is the hub's clock, `troubles` are the findings that last."""
    state, tone = _state(node, now_ns, troubles)
    told = node.about
    lead = node.lead
    missing = sum(row.missing_count for row in ledger)
    made, stored = (sum(getattr(row, f"{name}_count") for row in ledger) for name in ("made", "stored"))
    health = node.health
    running = next(iter(node.bench.running.values()), None)
    return NodeRow(
        name=node.name,
        state=state,
        tone=tone,
        troubles=tuple(each for each in troubles if each.kind not in AWAY),
        well=tone == "valid" and all(each.tone == "quiet" for each in troubles),
        device=told.device.kind if told else None,
        watts=_watts(lead.mean_w) if lead and now_ns - lead.heard_ns < LIVELY_NS else None,
        runs=running.model or running.trial if running else None,
        seen=moment(node.seen_ns or (node.state.since if node.state else None)),
        temperature=_hottest(health.temp_c if health else None),
        throttle=", ".join(health.throttle) if health and health.throttle else None,
        spooled=_spool(node),
        ledger=_account(made, stored, missing) if ledger else None,
        closed=all(row.closed for row in ledger) if ledger else None,
        software=node.state.software if node.state else (told.software if told else None),
        origin=told.streams[0].origin if told and told.streams else None,
    )


def _state(node: Node, now_ns: int, troubles: Sequence[Trouble]) -> tuple[str, str]:
    """Its state in a word, and the class of that; a node that is away has none but that."""
    away = next((each for each in troubles if each.kind in AWAY), None)
    if away is not None:
        return away
    live = node.heard_ns is not None and now_ns - node.heard_ns < LIVELY_NS
    if node.state is None:
        return ("sending", "valid") if live else ("not heard", "quiet")
    return node.state.state, STATE_CLASS.get(node.state.state, "quiet")


def _account(made: int, stored: int, missing: int) -> str:
    lacks = f", {missing:,} missing" if missing else ""
    return f"{stored:,} of {made:,} frames{lacks}"


def _hottest(temp_c: dict[str, float] | None) -> str | None:
    if not temp_c:
        return None
    name = max(temp_c, key=lambda key: temp_c[key])
    return f"{temp_c[name]:.0f} °C ({name})"


def _spool(node: Node) -> str | None:
    if node.health is None or node.health.spool_bytes is None:
        return None
    return f"{node.health.spool_bytes / 2**20:.1f} MiB"


def progress(trial: Running, seen_ns: int | None) -> Progress:
    """A running trial in words."""
    share = trial.share
    length_ns = max(0, (seen_ns or 0) - trial.begin) if trial.begin is not None else None
    setting = (
        trial.dataset,
        trial.precision,
        f"batch {trial.batch_size}" if trial.batch_size else None,
        f"trial {trial.index}" if trial.index is not None else None,
    )
    counted, begin = trial.counted_from, trial.begin
    late = counted is not None and begin is not None and counted > begin + NS_PER_S
    note = "without what it drew before this page's server listened" if late else None
    return Progress(
        trial=trial.trial,
        model=trial.model or trial.trial,
        setting=", ".join(part for part in setting if part),
        share=None if share is None else 100 * share,
        images=f"{trial.images:,} of {trial.wanted:,} images" if trial.wanted else f"{trial.images:,} images",
        length=seconds(length_ns) if length_ns is not None else None,
        energy=unit(trial.joules, "J") if trial.through is not None else None,
        note=note,
    )


def trial_row(result: Result) -> TrialRow:
    """A result as a line; its link leads to the page of its trial or window."""
    title = result.model or "a window"
    if result.index is not None:
        title = f"{title}, trial {result.index}"
    return TrialRow(
        link=window_link(result),
        title=title,
        node=result.node,
        state=result.state,
        energy=energy(result),
        per_1000=unit(result.j_per_1000, "J"),
        length=seconds(result.end - result.begin),
        ended=moment(result.end),
    )


def window_link(result: Result) -> str:
    """The page of a result: a trial has its own, another window is a stretch of its node."""
    if result.trial:
        return f"/trial/{quote(result.trial, safe='')}"
    return f"/node/{result.node}/window?stream={result.stream}&begin={result.begin}&end={result.end}"


def selection(result: Result) -> Selection:
    """The energy of a chosen stretch with its budget."""
    pairs = (
        ("mean power", unit(result.mean_w, "W")),
        ("highest", unit(result.max_w, "W")),
        ("length", seconds(result.end - result.begin)),
        ("readings", f"{result.samples:,}" if result.samples is not None else None),
        ("covered", percent(result.coverage)),
        ("comparable ±", unit(result.energy_u95_comparable_j or None, "J", 2)),
    )
    return Selection(
        energy=energy(result),
        state=result.state,
        doubts=tuple(REASONS[each] for each in (*result.reasons, *result.flags)),
        facts=tuple((term, value) for term, value in pairs if value),
        budgets=budgets_of(result),
    )


def _watts(value: float | None) -> str | None:
    """Power with zeros at its end kept: it changes all the time, and its place should not."""
    return None if value is None else f"{fixed(value)} W"


def newest(results: Iterable[Result], most: int) -> list[Result]:
    """The results that ended last, the newest first."""
    return sorted(results, key=lambda result: result.end, reverse=True)[:most]
