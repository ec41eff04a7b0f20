"""Findings, events and soak tests as the live page says them."""

from __future__ import annotations

from msgspec.structs import replace

from telemetry.contract.events import FleetEvent
from tests.grafana_said import soak
from tests.live_scene import CAMERA, FAR, GROWN, OVER, SILENT
from view.live.events import event_row, soak_row, troubles
from view.live.hub import MOST_EVENTS, Hub, Node
from view.live.words import node_row


def test_what_lasts_says_since_when_and_what_is_over_for_how_long() -> None:
    assert str(event_row(GROWN).when).startswith("since ")
    assert str(event_row(OVER).when).endswith(" UTC, for 3.0 min")
    assert (event_row(GROWN).lasts, event_row(OVER).lasts) == (True, False)


def test_an_event_of_an_unknown_kind_shows_its_words() -> None:
    row = event_row(FleetEvent(kind="moon_phase", node="n", at=1, words="it is full"))
    assert (row.kind, row.tone, row.node, row.words) == ("moon phase", "quiet", "n", ": it is full")


def test_a_node_that_the_words_name_is_not_named_twice() -> None:
    row = event_row(SILENT)
    assert (row.node, row.words) == (CAMERA, " is silent: nothing came of it")


def test_a_node_has_what_lasts_of_it_the_worst_first() -> None:
    found = troubles([FAR, GROWN, OVER, SILENT])
    assert [each.kind for each in found[CAMERA]] == ["regression", "silent", "outlier"]
    assert troubles([OVER]) == {}


def test_a_node_that_is_silent_is_not_ready_whatever_it_said_last() -> None:
    row = node_row(Node(CAMERA), 0, troubles([SILENT, FAR])[CAMERA])
    assert (row.state, row.tone, row.well) == ("silent", "invalid", False)
    assert [each.kind for each in row.troubles] == ["outlier"]


def test_what_lasts_is_not_forgotten_for_newer_events() -> None:
    hub = Hub()
    hub.tell([GROWN])
    later = [FleetEvent(kind="x", node=None, at=GROWN.at + at, words="") for at in range(1, 2 * MOST_EVENTS)]
    hub.tell(later)
    assert hub.events[0] == GROWN
    assert len(hub.events) == MOST_EVENTS + 1
    hub.tell([OVER])
    assert troubles(hub.events) == {}


def test_a_soak_that_runs_says_how_far_it_is_and_its_drift_with_one_unit() -> None:
    whole = soak(0)
    half = replace(whole, end=(whole.begin + whole.end) // 2, is_over=False, verdict="inconclusive")
    row = soak_row(half)
    assert (row.share, row.progress, row.state) == (50.0, "90.0 min of 3.0 h", "runs, inconclusive so far")
    assert row.drift == "9.0 ± 2.0 %/day"
    assert soak_row(whole).progress == "over after 3.0 h"
