"""The result page: tables and plots from the figures of one study, words from `uncertainty.md.in`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from string import Template

from studies.energy import plots
from studies.energy.cells import LENGTHS_S, Tally, all_cells
from studies.energy.conditions import CONDITIONS
from studies.energy.gates import NARROW, Gate
from studies.energy.naive import NAMES
from studies.energy.sensors import SENSORS
from studies.energy.study import Study
from studies.energy.waves import FAMILIES

WORDS = Path(__file__).with_name("uncertainty.md.in")
IMAGES = "images"


def write(study: Study, judged: Sequence[Gate], path: Path) -> None:
    """Write the page to `path` and its plots to the folder `images` beside it."""
    path.write_text(render(study, judged), encoding="utf-8")
    plots.draw(study, path.parent / IMAGES)


def render(study: Study, judged: Sequence[Gate]) -> str:
    """The page as Markdown."""
    tallies = study.tallies
    valid = [tally for tally in tallies if tally.is_ratio_valid]
    return Template(WORDS.read_text(encoding="utf-8")).substitute(
        seed=study.seed,
        repeats=study.repeats,
        cells=_cells(study),
        gates=_gates(judged),
        misses=_misses(judged),
        by_sensor=by_sensor(tallies),
        plain=_share(sum(t.ratio_plain_covered for t in valid), sum(t.ratio_counted for t in valid)),
        coverage=plots.COVERAGE,
        width=plots.WIDTH,
        by_wave=_by(tallies, "wave", FAMILIES, lambda tally: tally.wave),
        by_condition=_by(tallies, "condition", CONDITIONS, lambda tally: tally.condition),
        naive=_naive(tallies),
        naive_plot=plots.NAIVE,
        sensors=_sensors(),
    )


def _cells(study: Study) -> str:
    every = len(all_cells())
    if len(study.tallies) == every:
        return f"all {every} cells"
    return f"{len(study.tallies)} cells, drawn by chance, of {every}: the rest of this run is still to come"


def by_sensor(tallies: Sequence[Tally]) -> str:
    """One row for each sensor and length: how many cells are valid, and what those hold."""
    rows = []
    for sensor in SENSORS:
        for length in LENGTHS_S:
            cells = [tally for tally in tallies if (tally.sensor, tally.length_s) == (sensor, length)]
            if cells:
                rows.append((sensor, f"{length:g} s", *_figures(cells)))
    return table(("sensor", "trial", *_FIGURES), rows)


_FIGURES = ("valid cells", "holds", "lowest", "u95, median", "width", "ratio holds", "lowest", "ratio u95")


def _by(tallies: Sequence[Tally], name: str, values: Iterable[str], of: Callable[[Tally], str]) -> str:
    grouped = [(value, [tally for tally in tallies if of(tally) == value]) for value in values]
    return table((name, *_FIGURES), [(value, *_figures(cells)) for value, cells in grouped if cells])


def _figures(cells: Sequence[Tally]) -> tuple[str, ...]:
    valid = [tally for tally in cells if tally.is_valid]
    pairs = [tally for tally in valid if tally.is_ratio_valid]
    widths = [tally.width for tally in valid if tally.width is not None and (tally.u95 or 0) > NARROW]
    return (
        f"{len(valid)} of {len(cells)}",
        _share(sum(tally.covered for tally in valid), sum(tally.counted for tally in valid)),
        _least(tally.coverage for tally in valid),
        _middle(tally.u95 for tally in valid),
        f"{min(widths):.2f}–{max(widths):.2f}" if widths else "",
        _share(sum(tally.ratio_covered for tally in pairs), sum(tally.ratio_counted for tally in pairs)),
        _least(tally.ratio_coverage for tally in valid),
        _middle(tally.ratio_u95 for tally in pairs),
    )


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns line up."""
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def _gates(judged: Sequence[Gate]) -> str:
    rows = [(gate.name, gate.asked, gate.found, "yes" if gate.is_met else "**no**") for gate in judged]
    return table(("what", "asked", "found", "met"), rows)


def _misses(judged: Sequence[Gate]) -> str:
    missed = [f"- {gate.name}: {miss}" for gate in judged for miss in gate.misses]
    return "\n\n" + "\n".join(missed) if missed else "none."


def _naive(tallies: Sequence[Tally]) -> str:
    rows = []
    for sensor in SENSORS:
        clean = [t for t in tallies if t.sensor == sensor and t.condition == "clean" and t.length_s >= 3]
        if clean:
            ways = [_worst(tally.naive[way] for tally in clean) for way in range(len(NAMES))]
            rows.append(
                (sensor, _signed([t.bias for t in clean if t.is_valid and t.bias is not None]), *ways)
            )
    return table(("sensor", "ours (valid cells)", *NAMES), rows)


def _worst(found: Iterable[tuple[float, float] | None]) -> str:
    return _signed([each[0] for each in found if each is not None])


def _signed(biases: list[float]) -> str:
    return f"{max(biases, key=abs):+.1%}" if biases else ""


def _sensors() -> str:
    rows = []
    for sensor in SENSORS.values():
        info = sensor.info
        offset = "" if info.offset_w_uncertainty is None else f"{info.offset_w_uncertainty:.3g} W"
        rows.append(
            (
                sensor.name,
                sensor.words,
                f"{info.period_ms:g} ms",
                f"{info.averaging_window_ms or 0:g} ms",
                f"{info.resolution_w:g} W",
                f"{info.noise_w or 0:g} W",
                f"{info.gain_uncertainty or 0:.2%}",
                offset,
            )
        )
    return table(("name", "sensor", "T", "W", "step", "noise", "gain u", "offset u"), rows)


def _share(covered: int, counted: int) -> str:
    return f"{covered / counted:.1%}" if counted else ""


def _least(values: Iterable[float | None]) -> str:
    return f"{min(found):.1%}" if (found := [value for value in values if value is not None]) else ""


def _middle(values: Iterable[float | None]) -> str:
    return f"{median(found):.2%}" if (found := [value for value in values if value is not None]) else ""
