"""The page in the documents shows the figures that are stored."""

from __future__ import annotations

from pathlib import Path

from studies.energy import page
from studies.energy.__main__ import JSON
from studies.energy.cells import all_cells
from studies.energy.gates import gates
from studies.energy.study import GATE_SEED, REPEATS, TUNING, load

PAGE = Path(__file__).parents[3] / "docs" / "uncertainty.md"


def test_the_page_shows_the_stored_figures() -> None:
    study = load(JSON)
    expected = page.render(study, gates(study.tallies))
    assert PAGE.read_text(encoding="utf-8") == expected, (
        "python -m studies.energy --read studies/energy/result.json --write docs/uncertainty.md"
    )


def test_the_stored_study_is_of_a_seed_that_nothing_was_made_with() -> None:
    study = load(JSON)
    assert {tally.name for tally in study.tallies} <= {str(cell) for cell in all_cells()}
    assert study.seed == GATE_SEED
    assert study.seed not in TUNING
    assert study.repeats >= REPEATS
