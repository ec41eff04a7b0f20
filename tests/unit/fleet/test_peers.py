"""Nodes of one kind against each other."""

from __future__ import annotations

import numpy as np
import pytest

from analyzer.fleet.course import Job
from analyzer.fleet.peers import Kind, Peers
from analyzer.fleet.signs import Sign

MINUTE = 60 * 1_000_000_000


def looked_at(levels: list[float], looks: int = 5) -> list[Sign]:
    """What is found of nodes with these levels, each looked at so often."""
    peers = Peers(Kind("jetson", "MAXN", "cam", "vit"))
    found = (
        peers.take(Job(f"n{at}", "cam", "vit", "main"), level, look * MINUTE)
        for look in range(looks)
        for at, level in enumerate(levels)
    )
    return [sign for sign in found if sign is not None and sign.turn == "begin"]


@pytest.mark.parametrize("count", [6, 10, 30])
def test_of_healthy_fleets_fewer_than_one_in_a_hundred_has_an_outlier(count: int) -> None:
    rng = np.random.default_rng(count)
    fleets = 300
    alarmed = sum(bool(looked_at(rng.normal(8.5, 0.04, count).tolist(), 3)) for _ in range(fleets))
    assert alarmed / fleets <= 0.01


def test_a_node_that_takes_half_as_much_again_is_found_by_name() -> None:
    levels = np.random.default_rng(1).normal(8.5, 0.02, 20).tolist()
    levels[7] += np.log(1.5)
    (sign,) = looked_at(levels)
    assert (sign.kind, sign.node, sign.subject) == ("outlier", "n7", "cam vit")
    assert "more energy for an image than 19 others" in sign.words


def test_a_sensor_that_shows_too_little_is_found_too() -> None:
    levels = np.random.default_rng(1).normal(8.5, 0.02, 20).tolist()
    levels[3] -= np.log(2)
    assert ["less" in sign.words for sign in looked_at(levels)] == [True]


def test_five_nodes_are_too_few_to_tell() -> None:
    assert looked_at([8.5, 8.5, 8.5, 8.5, 12.0]) == []


def test_a_node_that_says_nothing_for_an_hour_is_no_peer_any_more() -> None:
    peers = Peers(Kind("jetson", None, "cam", "vit"))
    for at in range(6):
        peers.take(Job(f"n{at}", "cam", "vit", "main"), 8.5, at * 30 * MINUTE)
    signs = [peers.take(Job("n0", "cam", "vit", "main"), 12.0, (200 + look) * MINUTE) for look in range(5)]
    assert signs == [None] * 5
