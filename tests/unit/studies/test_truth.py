from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from studies.energy.truth import Truth
from studies.energy.waves import FAMILIES, Levels, load_of

STEPS = Truth.of(np.array([0.0, 1.0, 3.0]), np.array([5.0, 10.0]))
SLOPES = Truth.through(np.array([0.0, 2.0, 3.0]), np.array([0.0, 4.0, 1.0]))
times = st.floats(-5, 8)


@given(times, times, times)
def test_splitting_a_stretch_changes_no_energy(a: float, b: float, c: float) -> None:
    for truth in (STEPS, SLOPES):
        parts = truth.energy_j(a, b) + truth.energy_j(b, c)
        assert parts == pytest.approx(float(truth.energy_j(a, c)), abs=1e-9)


def test_steps_and_slopes_have_the_energy_of_their_areas() -> None:
    assert STEPS.energy_j(0.0, 3.0) == pytest.approx(25.0)
    assert STEPS.energy_j(-1.0, 4.0) == pytest.approx(40.0)
    assert SLOPES.energy_j(0.0, 3.0) == pytest.approx(6.5)
    assert SLOPES.power_w(np.array([1.0, 2.5])).tolist() == pytest.approx([2.0, 2.5])


@pytest.mark.parametrize("family", FAMILIES)
def test_each_load_fills_its_trial_and_falls_to_idle(family: str) -> None:
    load = load_of(family, np.random.default_rng(4), Levels(3.0, 6.0, 15.0), 10.0)
    run = load.draw(np.random.default_rng(5))
    assert 0 < run.power.energy_j(0.0, 10.0) < 10 * 20.0
    assert run.power.power_w(np.array([14.0]))[0] == pytest.approx(load.idle_w)
    assert run.batches_s[0] == 0.0
    assert np.all(np.diff(run.batches_s) > 0)
    assert run.batches_s[-1] < 10.0
    assert np.all(np.diff(run.power.edges_s) > 0)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_seed_draws_the_same_load(family: str) -> None:
    def energy_j() -> float:
        rng = np.random.default_rng(9)
        return float(load_of(family, rng, Levels(3.0, 6.0, 15.0), 3.0).draw(rng).power.energy_j(0.0, 3.0))

    assert energy_j() == energy_j()
