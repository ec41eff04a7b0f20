"""The energy above idle of simulated trials lies in its stated interval as often as it should."""

from __future__ import annotations

import pytest

from studies.energy.net import WIDEST, conduct

REPEATS = 120
# Of 120 trials whose intervals hold in 95 % of cases, fewer hold than this once in a thousand.
FEWEST = 0.88


@pytest.mark.parametrize("sensor", ["tx2@200", "rtx-counter"])
def test_the_interval_holds_the_truth_and_is_not_fat(sensor: str) -> None:
    held = conduct(sensor, 3, REPEATS)
    assert held.counted > REPEATS / 2
    assert held.coverage >= FEWEST
    assert held.width <= WIDEST


def test_what_both_windows_share_makes_the_interval_narrower() -> None:
    assert conduct("tx2@200", 3, 30).apart > 2.0
