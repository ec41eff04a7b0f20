"""The study itself: it can fail, it repeats itself, and its page shows the figures that are stored."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from studies.energy.__main__ import chosen
from studies.energy.cells import LENGTHS_S, Cell, Tally, all_cells, run
from studies.energy.conditions import CONDITIONS
from studies.energy.gates import gates
from studies.energy.sensors import SENSORS
from studies.energy.study import conduct, load, save
from studies.energy.waves import FAMILIES

QUICK = [
    Cell("telegraph", "tx2@10", 10.0, "clean"),
    Cell("bursts", "h100", 10.0, "clean"),
    Cell("ramps", "rtx-instant", 3.0, "rough"),
    Cell("recorded", "rtx-counter", 10.0, "rough"),
]


def made(**more: object) -> Tally:
    """A valid cell in which all is well, but for what is said."""
    well = Tally(
        wave="bursts",
        sensor="h100",
        length_s=10.0,
        condition="clean",
        repeats=400,
        states=(400, 0, 0),
        counted=400,
        covered=380,
        bias=0.0,
        spread=0.01,
        error95=0.02,
        u95=0.02,
        ratio_counted=400,
        ratio_covered=380,
        ratio_plain_covered=390,
        ratio_error95=0.02,
        ratio_u95=0.02,
        naive=(),
    )
    return msgspec.structs.replace(well, **more)


def missed(*tallies: Tally) -> list[str]:
    return [gate.name for gate in gates(tallies) if not gate.is_met]


def test_a_study_in_which_all_is_well_misses_nothing() -> None:
    assert missed(made(), made(covered=377)) == []


@pytest.mark.parametrize(
    ("wrong", "gate"),
    [
        ({"covered": 365}, "energy_u95_j holds the truth: overall"),
        ({"covered": 395}, "energy_u95_j holds the truth: overall"),
        ({"covered": 355}, "energy_u95_j in each valid cell: lowest"),
        ({"ratio_covered": 399}, "energy_u95_comparable_j, ratio of two models: overall"),
        ({"ratio_covered": 355}, "energy_u95_comparable_j in each valid cell: lowest"),
        ({"u95": 0.031}, "u95 over the error that 95 % stay below: widest"),
        ({"states": (100, 300, 0)}, "cells with trials of 10 s or more that are valid"),
        (
            {"sensor": "rtx-average", "length_s": 1.0, "states": (1, 399, 0)},
            "cells that cannot be: 1 s at 1 Hz, or on a mean of 1 s",
        ),
    ],
)
def test_each_gate_can_be_missed(wrong: dict[str, object], gate: str) -> None:
    assert gate in missed(made(**wrong))


def test_a_narrow_interval_may_be_wide_for_its_error() -> None:
    assert missed(made(u95=0.0009, error95=0.0001)) == []


def test_what_is_not_called_valid_proves_and_spoils_nothing() -> None:
    bad = made(states=(0, 400, 0), covered=0, length_s=1.0)
    assert missed(made(), bad) == []


def test_a_cell_is_valid_when_most_of_its_repeats_are() -> None:
    assert made(states=(201, 199, 0)).is_valid
    assert not made(states=(200, 200, 0)).is_valid


def test_every_wave_sensor_length_and_condition_is_a_cell() -> None:
    whole = len(FAMILIES) * len(SENSORS) * len(LENGTHS_S) * (len(CONDITIONS) - 1)
    assert len(all_cells()) == whole + len(FAMILIES) * len(SENSORS)
    assert len(set(map(str, all_cells()))) == len(all_cells())


def test_cells_are_chosen_by_their_words() -> None:
    assert [str(cell) for cell in chosen("h100 bursts 10 clean")] == ["h100 bursts 10 s clean"]
    assert len(chosen("h100 1 clean,tx2@1 1 clean")) == 2 * len(FAMILIES)


def test_the_same_seed_gives_the_same_figures_and_another_seed_others() -> None:
    cell = Cell("bursts", "tx2@10", 10.0, "gaps")
    assert run(cell, seed=5, repeats=4) == run(cell, seed=5, repeats=4)
    assert run(cell, seed=5, repeats=4).bias != run(cell, seed=6, repeats=4).bias


def test_a_quick_study_holds_about_what_it_states() -> None:
    """A few cells, sixty repeats each: enough to see an interval that is wrong by half."""
    study = conduct(QUICK, seed=17, repeats=60)  # one whose loads keep step with no sensor
    assert all(tally.is_valid for tally in study.tallies)
    covered = sum(tally.covered for tally in study.tallies) / sum(tally.counted for tally in study.tallies)
    ratios = sum(tally.ratio_covered for tally in study.tallies)
    assert 0.90 <= covered <= 0.99
    assert 0.88 <= ratios / sum(tally.ratio_counted for tally in study.tallies) <= 1.0
    for tally in study.tallies:
        assert tally.width is not None
        assert 0.6 < tally.width < 1.8


def test_figures_survive_their_file(tmp_path: Path) -> None:
    study = conduct(QUICK[2:3], seed=11, repeats=5)
    save(study, tmp_path / "study.json")
    save(load(tmp_path / "study.json"), tmp_path / "again.json")
    assert (tmp_path / "study.json").read_bytes() == (tmp_path / "again.json").read_bytes()
    assert load(tmp_path / "study.json").tallies[0].name == study.tallies[0].name
