"""Devices compared, for people and for spreadsheets."""

from __future__ import annotations

import csv
import sys
from typing import TYPE_CHECKING

from e3p.output import answer, origin_note, print_table
from view.devices import comparison_tables, conclusions, device_names, row_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from analyzer.devices import Comparison

COLUMNS = (
    "dataset",
    "origin",
    "a",
    "b",
    "unit",
    "of",
    "device",
    "other",
    "model",
    "figure",
    "value",
    "lo",
    "hi",
)


def print_comparison(comparison: Comparison) -> None:
    """The tables, and what they come to."""
    where = f"{comparison.dataset}{origin_note(comparison.origin)}"
    answer(f"\n{', '.join(device_names(comparison))} with {where}: SAM with a = {comparison.a:g}")
    for table in comparison_tables(comparison):
        answer(f"\n{table.caption}")
        print_table(table.head, table.rows)
    answer("")
    for line in conclusions(comparison):
        answer(line)


def print_csv(comparisons: Sequence[Comparison]) -> None:
    """One line for each figure; `of` is what it is of: a row, a pair of devices, a pick, an added device."""
    table = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
    table.writeheader()
    for each in comparisons:
        common = {name: getattr(each, name) for name in COLUMNS[:5]}
        table.writerows({**common, **dict(zip(COLUMNS[5:], line, strict=True))} for line in _lines(each))


def _lines(comparison: Comparison) -> Iterator[tuple[object, ...]]:
    devices, rows = device_names(comparison), row_names(comparison)
    for name, row in zip(rows, comparison.rows, strict=True):
        for figure, values in (("place", row.places), ("sam", row.sams), ("energy", row.energies)):
            for device, value in zip(devices, values, strict=True):
                yield "row", device, None, name, figure, value, None, None
    for one in comparison.agreements:
        yield "pair", devices[one.one], devices[one.other], None, "tau", one.tau, one.tau_lo, one.tau_hi
    for pick in comparison.carried:
        place = ("pick", devices[pick.to], devices[pick.source], rows[pick.pick])
        yield *place, "regret", pick.regret, pick.regret_lo, pick.regret_hi
        yield *place, "regret_energy", pick.regret_energy, pick.regret_energy_lo, pick.regret_energy_hi
    for added in comparison.added:
        name = rows[added.pick_without]
        regret = (added.regret, added.regret_lo, added.regret_hi)
        yield "added", devices[added.device], None, name, "regret", *regret
        yield "added", devices[added.device], None, name, "p_changes", added.p_changes, None, None
