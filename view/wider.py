"""What goes beyond one ranking: Stage 1 on paper, devices against each other, families of models. Pure."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from view.comparison import Figure
from view.devices import comparison_tables, conclusions, device_names
from view.families import families_table, family_lines
from view.numbers import number, percent
from view.stage_one import scatter
from view.tables import Table

if TYPE_CHECKING:
    from analyzer.devices import Comparison
    from analyzer.families import Families
    from analyzer.screening import Screening
    from view.material import Findings

MOST_ON_PAPER = 25
"""The full list is what `e3p screen` prints."""


@dataclass(frozen=True)
class Part:
    """One comparison: a heading, what it comes to, its tables."""

    title: str
    origin: str
    lines: tuple[str, ...]
    tables: tuple[Table, ...]


@dataclass(frozen=True)
class Wider:
    """The parts of a report beside its rankings; what nothing is known for is empty."""

    scatter: Figure | None
    paper: Table | None
    caption: str
    devices: tuple[Part, ...]
    families: tuple[Part, ...]


def wider(findings: Findings | None, models: Collection[str]) -> Wider:
    """The parts for what was found out; `models` are those that were measured."""
    if findings is None:
        return Wider(None, None, "", (), ())
    on_paper = any(row.model in models for row in findings.screening.rows)
    return Wider(
        scatter=scatter(findings.screening, models) if on_paper else None,
        paper=_paper(findings.screening, models) if on_paper else None,
        caption=_caption(findings.screening),
        devices=tuple(map(_devices, findings.comparisons)),
        families=tuple(_families(each) for each in findings.families if each.effects),
    )


def _caption(screening: Screening) -> str:
    limits = screening.thresholds
    return (
        f"Every candidate on paper: {len(screening.passing)} of {len(screening.rows)} have Top-1 of at least "
        f"{limits.min_top1:g} %, fewer than {limits.max_params:g} million parameters and fewer than "
        f"{limits.max_macs:g} billion MACs (dashed). A point's area is its parameters; a ring with "
        "its place by NetScore marks what was measured here."
    )


def _paper(screening: Screening, models: Collection[str]) -> Table:
    """Those measured, and the best of those that pass, by NetScore."""
    shown = [row for row in screening.rows if row.model in models]
    shown += [row for row in screening.passing if row.model not in models][
        : max(MOST_ON_PAPER - len(shown), 0)
    ]
    rows = tuple(
        (
            row.model,
            None if row.rank is None else str(row.rank),
            f"{row.netscore:.2f}",
            percent(row.top1_percent / 100, 2),
            number(row.params_m),
            number(row.macs_g),
            "yes" if row.model in models else "no",
        )
        for row in sorted(shown, key=lambda row: -row.netscore)
    )
    head = ("model", "place", "NetScore", "Top-1", "10⁶ parameters", "10⁹ MACs", "measured")
    caption = "By NetScore: what was measured, and the best others that pass"
    return Table(caption, head, rows, frozenset(range(1, 6)))


def _devices(comparison: Comparison) -> Part:
    return Part(
        title=f"{', '.join(device_names(comparison))} with {comparison.dataset or 'unnamed data'}",
        origin=comparison.origin or "unknown origin",
        lines=tuple(conclusions(comparison)),
        tables=tuple(comparison_tables(comparison)),
    )


def _families(families: Families) -> Part:
    group = families.group
    return Part(
        title=f"{group.device or 'a device of unknown kind'} with {group.dataset or 'unnamed data'}",
        origin=group.origin or "unknown origin",
        lines=tuple(family_lines(families)),
        tables=(families_table(families),),
    )
