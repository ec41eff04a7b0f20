"""The proof of the ledger on a few seeds; all of it is `make prove-ledger`."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from tests.ledger.removal import SITES, Site
from tests.ledger.scene import play
from tests.prove_ledger import faults_of, faults_of_command


@pytest.mark.parametrize("site", SITES)
def test_a_frame_taken_away_is_named_and_no_other(site: Site) -> None:
    assert not [fault for seed in (1, 2) for fault in faults_of(seed, site, ask=False)]


def test_a_line_left_alone_closes() -> None:
    assert not [fault for seed in (1, 2, 3) for fault in faults_of(seed, None, ask=False)]


@pytest.mark.parametrize("site", ["store", None])
def test_the_command_says_what_the_ledger_says(site: Site | None, tmp_path: Path) -> None:
    assert not faults_of_command(anyio.run(play, 4, site, tmp_path))
