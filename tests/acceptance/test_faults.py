"""A few rows of the fault table (`make faults`, docs/reliability.md), with a few tries of each."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from tests.faults.order import EVERY_ROW
from tests.faults.row import Unpermitted, play
from tests.faults.shelf import StoreName

TRIES = 2
CHOSEN: list[tuple[str, StoreName]] = [
    ("agent-killed", "sqlite"),
    ("disk-full-node", "sqlite"),
    ("spool-flipped", "sqlite"),
    ("disorder", "sqlite"),
    ("influxd-killed", "influx"),
]


@pytest.mark.parametrize(("name", "store"), CHOSEN)
def test_nothing_is_lost_or_doubled_and_every_energy_is_the_undisturbed_one(
    name: str, store: StoreName, tmp_path: Path
) -> None:
    try:
        outcome = anyio.run(play, EVERY_ROW[name], store, TRIES, 7, tmp_path, print)
    except Unpermitted as why:
        pytest.skip(str(why))
    assert outcome.faults == []
    assert len(outcome.tries) == TRIES
    assert min(each.in_flight for each in outcome.tries) > 0
    assert outcome.account.results >= TRIES
