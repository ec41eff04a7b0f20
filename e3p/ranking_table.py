"""A ranking's rows as a table; what all of them share is said once above it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from view.numbers import fixed, origin_note, with_u95

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from telemetry.contract.ranking import Ranking, RankingRow


DIGITS = 4


class Column(NamedTuple):
    """`shared` is how a value is told that all rows have; without it the column always stands there."""

    head: str
    cell: Callable[[RankingRow], object]
    shared: str | None = None


class Table(NamedTuple):
    """Its title, its headings and cells, and what all rows share."""

    title: str
    head: tuple[str, ...]
    rows: list[tuple[object, ...]]
    shared: str


def table_of(ranking: Ranking) -> Table:
    """The ranking as it is printed."""
    kept, shared = [], []
    for column in _columns(ranking):
        values = {column.cell(row) for row in ranking.rows}
        if column.shared is None or len(values) > 1:
            kept.append(column)
        elif value := next(iter(values), None):
            shared.append(column.shared.format(value))
    head = tuple(column.head for column in kept)
    rows = [tuple(column.cell(row) for column in kept) for row in ranking.rows]
    return Table(_title(ranking), head, rows, ", ".join(shared))


def _title(ranking: Ranking) -> str:
    group = ranking.group
    where = f"{group.device or 'unknown device'}, {group.dataset}{origin_note(group.origin)}"
    mode = f", {group.power_mode}" if group.power_mode else ""
    return f"{where}{mode}, sensor {group.sensor}: SAM with a = {ranking.a:g}, b = {ranking.b:g}"


def _columns(ranking: Ranking) -> Iterator[Column]:
    origin = origin_note(ranking.group.origin)
    yield Column("rank", lambda row: row.rank)
    yield Column("tie", lambda row: row.tie_group)
    yield Column("model", lambda row: row.model)
    yield Column("precision", lambda row: row.precision, "{}")
    yield Column("batch", lambda row: row.batch_size, "batch {}")
    yield Column("backend", lambda row: row.backend, "{}")
    yield Column("SAM", lambda row: fixed(row.sam, DIGITS))
    yield Column("95 % interval", lambda row: f"{fixed(row.sam_lo, DIGITS)} - {fixed(row.sam_hi, DIGITS)}")
    yield Column(f"{ranking.unit} per 1,000", lambda row: f"{with_u95(row.energy, row.energy_u95)}{origin}")
    yield Column("accuracy", lambda row: f"{100 * row.accuracy:.2f}% ({row.accuracy_origin})")
    yield Column("front", lambda row: "yes" if row.rank in ranking.pareto else "")
    yield Column("trials", lambda row: row.trials, "{} trials each")
    yield Column("state", lambda row: row.state, "{}")
