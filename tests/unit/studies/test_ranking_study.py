from __future__ import annotations

import pytest

from studies.ranking.__main__ import Share, misses, share
from studies.ranking.held import of_table
from studies.ranking.worlds import drawn


def test_the_error_of_a_share_is_that_of_independent_worlds() -> None:
    """Ten cases that are all so or all not, in each of two hundred worlds, are two hundred cases."""
    found = share([(10, 10)] * 150 + [(0, 10)] * 50)
    assert (found.value, found.cases) == (0.75, 2000)
    assert found.error == pytest.approx((0.75 * 0.25 / 200) ** 0.5)


def test_an_interval_that_covers_too_seldom_or_too_often_is_named() -> None:
    shares = {
        "SAM of a model": Share(0.92, 0.004, 9_000),
        "regret in SAM of a carried pick": Share(0.95, 0.004, 9_000),
        "energy of a model": Share(0.98, 0.004, 9_000),
        "tau of two devices": Share(0.975, 0.004, 9_000),
        "two models of different tie groups stand in their true order": Share(0.5, 0.004, 9_000),
    }
    assert misses(shares) == ["SAM of a model", "energy of a model"]


def test_a_world_is_held_against_its_own_truth() -> None:
    table = drawn(1)
    names = [name for name, _ in of_table(table)]
    assert names.count("SAM of a model") == len(table.ranking.rows) == len(table.truths)
    assert names.count("the truly best model is in the first tie group") == 1


def test_a_seed_gives_one_world() -> None:
    assert drawn(2) == drawn(2)
