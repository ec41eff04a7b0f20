"""What a node says of itself, and when the broker says it wrong."""

from __future__ import annotations

import pytest

from edge_node.boots import Boot
from edge_node.presence import Presence
from telemetry.contract.replies import State, StateName


def _presence(state: StateName = "ready") -> Presence:
    presence = Presence(Boot("mine", 0, ""), "e3p", 1)
    presence.become(state, 2)
    return presence


def _seen(state: StateName, boot: str = "mine") -> State:
    return State(state=state, boot=boot, since=0, software="e3p")


def test_a_boot_begins_as_init_and_its_will_is_lost_with_the_same_boot() -> None:
    presence = Presence(Boot("mine", 0, ""), "e3p", 1)
    assert presence.state.state == "init"
    assert (presence.will.state, presence.will.boot) == ("lost", "mine")


@pytest.mark.parametrize(
    ("seen", "retained", "wrong"),
    [
        (_seen("ready"), False, False),
        (_seen("init"), False, False),  # an echo of what was said before
        (_seen("lost"), False, True),  # the will of an earlier connection
        (_seen("lost"), True, True),
        (_seen("ready", "other"), True, True),  # left behind
        (_seen("gone", "other"), False, True),
        (_seen("lost", "other"), False, True),
        (_seen("ready", "other"), False, False),  # alive, with our name: not to be fought
    ],
)
def test_only_what_nobody_alive_says_is_corrected(seen: State, retained: bool, wrong: bool) -> None:
    assert _presence().is_wrong(seen, retained=retained) == wrong
