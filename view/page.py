"""From material to what the templates fill in: sentences, tables and figures. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from analyzer.checks import Check, check_all
from telemetry.contract.documents import Result
from telemetry.contract.ranking import Ranking, RankingRow
from view import tables
from view.answer import Answer, answer, labels, place, setting
from view.checked import checks_table
from view.comparison import Figure, pareto, repeats
from view.material import Material, Shown
from view.numbers import energy, fixed, moment, net, number, percent, seconds, unit, with_u95
from view.power import power
from view.reasons import REASONS
from view.tables import Facts, Table
from view.wider import Wider, wider

MOST_SURE = 12
"""A matrix of more rows than that is for a machine to read: ranking.json has it."""


@dataclass(frozen=True)
class Row:
    """A row of the ranking; `bar` is its interval on a scale from 0 to 100: low, value, high."""

    rank: int
    tie: int
    colour: int
    model: str
    setting: str
    sam: str
    interval: str
    bar: tuple[float, float, float]
    energy: str
    accuracy: str
    accuracy_origin: str
    trials: int
    state: str
    nodes: str


@dataclass(frozen=True)
class Section:
    """One ranking with all that belongs to it."""

    title: str
    origin: str
    score: str
    unit: str
    answer: Answer
    rows: tuple[Row, ...]
    pareto: Figure | None
    more: tuple[Table, ...]
    repeats: Figure | None
    repeated: Table


@dataclass(frozen=True)
class Window:
    """One window: its key figures, its picture, its budgets."""

    id: str
    title: str
    state: str
    energy: str | None
    facts: tuple[tuple[str, str], ...]
    doubts: tuple[str, ...]
    power: Figure | None
    caption: str
    budgets: tuple[Table, ...]


@dataclass(frozen=True)
class Page:
    """All of the report."""

    title: str
    summary: str
    made: str
    answer: Answer
    sections: tuple[Section, ...]
    windows: tuple[Window, ...]
    left_out: int
    instruments: tuple[Facts, ...]
    changes: tuple[Table, ...]
    letters: int
    equation: Table
    ranges: Table
    closed: bool
    wider: Wider


def page(material: Material, now_ns: int) -> Page:
    """The report of what was gathered."""
    ranked = [ranking for ranking in material.rankings if ranking.rows]
    checks = check_all(material.results, material.excluded, material.refused_events)
    changes = (
        tables.refused_table(material.rankings),
        tables.revisions_table(material.histories),
        tables.events_table(material.refused_events),
        tables.letters_table(material.letters),
    )
    return Page(
        title=_title(material, ranked),
        summary=_summary(material.results),
        made=moment(now_ns) or "",
        answer=answer(material.rankings, material.results),
        sections=tuple(_section(ranking, material, checks) for ranking in ranked),
        windows=tuple(
            _window(shown, at, material.excluded) for at, shown in enumerate(_ordered(material.windows))
        ),
        left_out=len(material.results) - len(material.windows),
        instruments=tuple(tables.instruments(material.results, material.manifests)),
        changes=tuple(table for table in changes if table.rows),
        letters=len(material.letters),
        equation=tables.equation_table(material.ledger),
        ranges=tables.ranges_table(material.ledger),
        closed=all(row.closed for row in material.ledger),
        wider=wider(material.findings, {result.model for result in material.results if result.model}),
    )


def _title(material: Material, ranked: Sequence[Ranking]) -> str:
    if ranked and ranked[0].group.device:
        return f"Which model should {ranked[0].group.device} run?"
    devices = sorted({result.device or result.node for result in material.results})
    return f"Energy of {', '.join(devices[:3])}{' and others' if len(devices) > 3 else ''}"


def _summary(results: Sequence[Result]) -> str:
    trials = [result for result in results if result.kind == "trial"]
    others = len(results) - len(trials)
    parts = []
    if trials:
        models = len({result.model for result in trials})
        parts.append(f"{_count(len(trials), 'trial')} of {_count(models, 'model')}")
    if others:
        parts.append(_count(others, "other window"))
    nodes = sorted({result.node for result in results})
    return f"{', '.join(parts)}, on {', '.join(nodes[:5])}{' and others' if len(nodes) > 5 else ''}"


def _count(number_of: int, what: str) -> str:
    return f"{number_of} {what}{'' if number_of == 1 else 's'}"


def _ordered(windows: Sequence[Shown]) -> list[Shown]:
    """Trials by model, then the windows that are no trials."""
    return sorted(
        windows, key=lambda shown: (not shown.result.model, shown.result.model or "", shown.result.begin)
    )


def _section(ranking: Ranking, material: Material, checks: Sequence[Check]) -> Section:
    own = [result for result in material.results if result.model and _belongs(result, ranking)]
    more = [tables.sureness_table(ranking)] if 1 < len(ranking.rows) <= MOST_SURE else []
    more += [t for t in (tables.sensitivity_table(ranking), tables.netscore_table(ranking)) if t]
    more.append(checks_table(checks, ranking.group))
    return Section(
        title=place(ranking),
        origin=ranking.group.origin or "unknown origin",
        score=score(ranking),
        unit=ranking.unit,
        answer=answer([ranking], own),
        rows=ranking_rows(ranking),
        pareto=pareto(ranking, own) if len(ranking.rows) > 1 else None,
        more=tuple(more),
        repeats=repeats(own),
        repeated=tables.repeats_table(own, material.excluded),
    )


def _belongs(result: Result, ranking: Ranking) -> bool:
    group = ranking.group
    return (result.device, result.power_mode, result.dataset, result.origin, result.sensor) == (
        group.device,
        group.power_mode,
        group.dataset,
        group.origin,
        group.sensor,
    )


def score(ranking: Ranking) -> str:
    """The formula that a ranking is by."""
    return f"SAM = {ranking.b:g} · accuracy^{ranking.a:g} / log₁₀({ranking.unit} for 1,000 images)"


def ranking_rows(ranking: Ranking) -> tuple[Row, ...]:
    """The rows of a ranking as text, with their intervals on one scale."""
    names = labels(ranking.rows)
    low = min(row.sam_lo for row in ranking.rows)
    high = max(row.sam_hi if math.isfinite(row.sam_hi) else 2 * row.sam for row in ranking.rows)
    return tuple(
        _row(row, name, ranking, (low, max(high - low, 1e-12)))
        for name, row in zip(names, ranking.rows, strict=True)
    )


def _row(row: RankingRow, name: str, ranking: Ranking, scale: tuple[float, float]) -> Row:
    low, width = scale
    bar = [100 * (value - low) / width for value in (row.sam_lo, row.sam, row.sam_hi)]
    high = fixed(row.sam_hi) if math.isfinite(row.sam_hi) else "no limit"
    return Row(
        rank=row.rank,
        tie=row.tie_group,
        colour=(row.tie_group - 1) % 8,
        model=name,
        setting=setting(row),
        sam=fixed(row.sam),
        interval=f"{fixed(row.sam_lo)} to {high}",
        bar=(bar[0], bar[1], min(bar[2], 100.0)),
        energy=f"{with_u95(row.energy, row.energy_u95)} {ranking.unit}",
        accuracy=percent(row.accuracy, 2) or "",
        accuracy_origin=row.accuracy_origin or "unknown origin",
        trials=row.trials,
        state=row.state,
        nodes=", ".join(row.nodes),
    )


def _window(shown: Shown, at: int, excluded: Mapping[str, str]) -> Window:
    result = shown.result
    kind = "a recorded window" if result.origin == "replayed" else "a window"
    title = f"{result.model}, trial {result.index}" if result.model else f"{result.node}, {kind}"
    stream = f" ({result.source})" if result.source != "main" else ""
    picture = shown.power
    return Window(
        id=f"window-{at}",
        title=title + stream,
        state=result.state,
        energy=energy(result),
        facts=tuple((term, value) for term, value in facts(result) if value),
        doubts=tuple(_doubts(result, excluded)),
        power=power(picture, shown.rest, result.idle_w) if picture else None,
        caption=_caption(shown),
        budgets=tables.budgets_of(result),
    )


def _doubts(result: Result, excluded: Mapping[str, str]) -> Iterable[str]:
    if result.window in excluded:
        yield f"Left out of the ranking by a person: {excluded[result.window]}"
    yield from (REASONS[each] for each in (*result.reasons, *result.flags))


def facts(result: Result) -> list[tuple[str, str | None]]:
    """What is known of a window, as terms and values with units."""
    late = result.latency_ms
    warm = result.temp_c or {}
    return [
        ("for 1,000 images", unit(result.j_per_1000, "J")),
        ("comparable ±", unit(result.energy_u95_comparable_j or None, "J", 2)),
        ("above idle", net(result)),
        ("counter says", unit(result.counter_j, "J", 6)),
        ("mean power", unit(result.mean_w, "W")),
        ("highest", unit(result.max_w, "W")),
        ("idle", unit(result.idle_w, "W")),
        ("length", seconds(result.end - result.begin)),
        ("speed", unit(result.images_per_s, "images/s", 3)),
        (
            "latency, p50 / p95",
            f"{number(late.p50, 3)} / {number(late.p95, 3)} ms" if late else None,
        ),
        ("accuracy", _accuracy(result)),
        ("covered", percent(result.coverage)),
        ("temperature", ", ".join(f"{name} {value:.0f} °C" for name, value in sorted(warm.items())[:3])),
        ("throttled", ", ".join(result.throttle) if result.throttle else None),
        ("begin", moment(result.begin)),
        ("node", result.node),
    ]


def _accuracy(result: Result) -> str | None:
    if result.accuracy is None:
        return None
    return f"{percent(result.accuracy, 2)} ({result.accuracy_origin})"


def _caption(shown: Shown) -> str:
    """What a trace shows, in words: for who cannot see it too."""
    picture, result = shown.power, shown.result
    if picture is None:
        return "No power reading is stored near this window."
    parts = [f"{picture.samples:,} readings in {seconds(result.end - result.begin)}"]
    if result.missed:
        parts.append(f"{result.missed:,} missed")
    if picture.batches:
        parts.append("batches below the curve")
    for gaps, words in ((picture.gaps, "short gap"), (picture.long_gaps, "long gap")):
        if gaps:
            parts.append(f"{len(gaps)} {words}{'s' if len(gaps) > 1 else ''}")
    if max((line.points for line in picture.lines), default=0) < picture.samples:
        parts.append("drawn by the lowest and highest reading of each bucket")
    return "; ".join(parts) + "."
