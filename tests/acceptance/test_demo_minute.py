"""The demo of docker-compose.yml fills the dashboards: every panel but those that have nothing to say yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.demo_minute import Shown, demo, fill

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]

LATER = {
    Shown("e3p-node", "Temperature"),  # where the host tells one
    Shown("e3p-node", "Clocks"),
    Shown("e3p-node", "Power for years"),
    Shown("e3p-soak", "Drift"),
}
WHEN_SOMETHING_HAPPENS = {
    Shown("e3p-fleet", "Findings that last, by kind"),
    Shown("e3p-fleet", "Findings that last"),
    Shown("e3p-trials", "Gaps"),
    Shown("e3p-soak", "Steps"),
    Shown("e3p-soak", "Episodes"),
    Shown("e3p-quality", "Holes"),
    Shown("e3p-quality", "Dead letters by stream"),
    Shown("e3p-quality", "Dead letters by reason"),
    Shown("e3p-quality", "Results that were revised"),
    Shown("e3p-quality", "Results with a bad clock"),
    Shown("e3p-quality", "Results with doubts about their sensor"),
}


def test_all_six_dashboards_are_filled(tmp_path: Path) -> None:
    may_wait = LATER | WHEN_SOMETHING_HAPPENS
    with demo(tmp_path) as influx:
        found = fill(influx, "e3p", 180.0, enough=lambda empty: empty <= may_wait)
    assert {shown for shown, after_s in found.items() if after_s is None} <= may_wait
