"""Figures as a table: for a terminal, and as the page docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.harness import Figure
from benchmarks.machine import Machine

HEADS = ("what", "figure", "CPU alone", "the alternative", "its figure", "better", "target", "reached")

PAGE = """# Benchmarks

Made by `{command}`, which writes this page. `make bench` prints
the same table and writes `benchmarks.json`. `ARGS="--only NAME"` takes one benchmark, `ARGS=--long` lets the
collector run for ten minutes.

The machine: {machine}

*figure* is the median of several rounds on the wall clock. *CPU alone* is the same figure from CPU time:
where it is much better, the disk was waited for, or other programs ran on the machine. Alternatives are
measured in the same run, in turn with ours (A B A B …); *better* is the median of the rounds' ratios: above
1 ours is better. A target is a promise of the project; an empty cell means that none was made.
{sections}"""


def markdown(figures: Sequence[Figure], titles: dict[str, str], machine: Machine, command: str) -> str:
    """The page, a section for each benchmark that was run."""
    sections = []
    for name, title in titles.items():
        of_it = [each for each in figures if each.name.startswith(f"{name}.")]
        if of_it:
            lines = [_line(HEADS), _line(["---"] * len(HEADS)), *(_line(cells(each)) for each in of_it)]
            sections.append("\n".join(["", f"## {name}", "", title, "", *lines]))
    return PAGE.format(command=command, machine=machine, sections="\n".join(sections))


def terminal(figures: Sequence[Figure]) -> str:
    """The same lines, aligned."""
    rows = [HEADS, *(cells(each) for each in figures)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(HEADS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def cells(figure: Figure) -> tuple[str, ...]:
    """One figure's cells, in the order of `HEADS`."""
    target = figure.target
    return (
        figure.what,
        f"{number(figure.value)} {figure.unit}",
        _number(figure.cpu),
        figure.against or "",
        _number(figure.other),
        f"{number(figure.better)} ×" if figure.better is not None else "",
        f"{'≤' if target.at_most else '≥'} {number(target.limit)}" if target else "",
        "" if figure.reached is None else ("yes" if figure.reached else "**no**"),
    )


def number(value: float) -> str:
    """A number with three digits that mean something."""
    if abs(value) >= 1000:
        return f"{round(value, -max(0, len(str(int(abs(value)))) - 3)):,.0f}"
    return f"{value:.3g}"


def _number(value: float | None) -> str:
    return "" if value is None else number(value)


def _line(texts: Sequence[str]) -> str:
    return f"| {' | '.join(texts)} |"
