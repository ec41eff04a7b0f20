from __future__ import annotations

import json
from pathlib import Path

import pytest

from e3p.published import published
from telemetry.contract.documents import Result
from tests.integration.test_rank_command import Kept
from tests.unit.ranking.made import trials


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def the_13() -> list[Result]:
    """The preset's models with an energy of 300 J for 10⁹ MACs of an image, hybrids at half of it."""
    found = []
    for model, each in published().items():
        if each.preset:
            energy = 300.0 * each.macs_g * (0.5 if each.hybrid else 1.0)
            found += trials(model, [energy, 1.01 * energy], accuracy=each.top1_percent / 100)
    return found


def test_families_are_told_with_their_effects(kept: Kept) -> None:
    kept.put(the_13())
    said = kept.e3p("families")
    assert said.status == 0
    assert "hybrid     9 / 4   energy" in said.out
    assert "hybrid models take 0." in said.out


def test_the_energy_of_one_mac_shows_what_size_hides(kept: Kept) -> None:
    kept.put(the_13())
    [found] = json.loads(kept.e3p("families", "--json").out)["families"]
    hybrid = next(each for each in found["effects"] if each["family"] == "hybrid")
    assert hybrid["log_energy_per_gmac"]["difference"] == pytest.approx(-0.693147, abs=1e-5)


def test_without_trials_it_says_what_there_is(kept: Kept) -> None:
    kept.put(trials("one", [400.0, 404.0], origin="synthetic"))
    said = kept.e3p("families")
    assert said.status == 1
    assert "no trials to compare; the store has jetson-tx2/imagenet-1k (synthetic)" in said.err
