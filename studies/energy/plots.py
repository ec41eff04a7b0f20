"""The plots of the page: the same figures give the same files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt

from studies.energy.cells import Tally
from studies.energy.gates import NARROW, WIDEST
from studies.energy.naive import NAMES
from studies.energy.sensors import SENSORS
from studies.energy.study import Study

COVERAGE, WIDTH, NAIVE = "uncertainty-coverage.png", "uncertainty-width.png", "uncertainty-naive.png"
_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_COLOURS = {1.0: "#9ecae1", 3.0: "#6baed6", 10.0: "#2171b5", 60.0: "#08306b"}


def draw(study: Study, folder: Path) -> None:
    """Draw every plot into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    valid = [tally for tally in study.tallies if tally.is_valid]
    with mpl.rc_context(_STYLE):
        _cells(
            valid,
            lambda tally: tally.coverage,
            lambda tally: tally.ratio_coverage,
            _frame_coverage,
            folder / COVERAGE,
        )
        _cells(valid, _wide, _wide_ratio, _frame_width, folder / WIDTH)
        _naive(study, folder / NAIVE)


def _wide(tally: Tally) -> float | None:
    return tally.width if tally.u95 is not None and tally.u95 > NARROW else None


def _wide_ratio(tally: Tally) -> float | None:
    return tally.ratio_width if tally.is_ratio_valid else None


def _cells(
    valid: list[Tally],
    left: Callable[[Tally], float | None],
    right: Callable[[Tally], float | None],
    frame: Callable[[Any], None],
    path: Path,
) -> None:
    """Draw a point for each valid cell by sensor and length: of an energy, and of a ratio of two."""
    figure, axes = plt.subplots(1, 2, figsize=(9.0, 3.4), sharey=True, layout="constrained")
    for axis, of, title in zip(
        axes, (left, right), ("energy_u95_j", "energy_u95_comparable_j (ratio)"), strict=True
    ):
        for row, sensor in enumerate(SENSORS):
            for place, (length, colour) in enumerate(_COLOURS.items()):
                found = [of(tally) for tally in valid if (tally.sensor, tally.length_s) == (sensor, length)]
                values = [value for value in found if value is not None]
                level = row + 0.27 - 0.18 * place
                axis.plot(values, [level] * len(values), "|", color=colour, ms=7, mew=1.2)
        axis.set_title(title, fontsize=9)
        frame(axis)
    axes[0].set_yticks(range(len(SENSORS)), list(SENSORS))
    axes[0].invert_yaxis()
    for length, colour in _COLOURS.items():
        axes[1].plot([], [], "|", color=colour, ms=7, mew=1.2, label=f"{length:g} s")
    figure.legend(loc="outside lower center", ncols=4, frameon=False)
    _save(figure, path)


def _frame_coverage(axis: Any) -> None:  # noqa: ANN401 - matplotlib's axes have no types of use
    axis.axvline(0.95, color="#888", lw=0.8)
    axis.axvline(0.90, color="#c33", lw=0.8, ls=":")
    axis.set_xlim(0.85, 1.003)
    axis.set_xlabel("share of repeats with the truth inside")


def _frame_width(axis: Any) -> None:  # noqa: ANN401 - as above
    axis.axvline(1.0, color="#888", lw=0.8)
    axis.axvline(WIDEST, color="#c33", lw=0.8, ls=":")
    axis.set_xlim(0.5, 4.0)
    axis.set_xlabel("stated u95 / error that 95 % stay below")


def _naive(study: Study, path: Path) -> None:
    """Draw the mean error of each naive way on every wave: clean trials of 10 s."""
    cells = [t for t in study.tallies if t.condition == "clean" and t.length_s == 10.0]
    figure, axes = plt.subplots(1, len(SENSORS), figsize=(11.0, 2.9), sharey=True, layout="constrained")
    for axis, sensor in zip(axes, SENSORS, strict=True):
        here = [tally for tally in cells if tally.sensor == sensor]
        ours = [100 * tally.bias for tally in here if tally.is_valid and tally.bias is not None]
        axis.axhline(0, color="#888", lw=0.8)
        axis.plot([0] * len(ours), ours, "_", color="#08306b", ms=9, mew=1.6)
        for way in range(len(NAMES)):
            biases = [100 * found[0] for tally in here if (found := tally.naive[way]) is not None]
            axis.plot([way + 1] * len(biases), biases, "_", color="#c33", ms=9, mew=1.2)
        axis.set_title(sensor, fontsize=9)
        axis.set_xlim(-0.7, len(NAMES) + 0.7)
        axis.set_xticks(range(len(NAMES) + 1), ["ours", *NAMES], rotation=90, fontsize=7)
        axis.set_yscale("symlog", linthresh=1.0)
    axes[0].set_ylabel("mean error, %")
    _save(figure, path)


def _save(figure: Any, path: Path) -> None:  # noqa: ANN401 - as above
    figure.savefig(path, dpi=130, metadata={"Software": None})
    plt.close(figure)
