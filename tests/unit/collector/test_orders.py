"""Who is told what in campaigns, and when."""

from __future__ import annotations

import msgspec

from collector.orders import AGAIN_S, Orders
from telemetry.contract.commands import Campaign, PartState, Reply
from telemetry.contract.plan import CampaignPlan

PLAN = CampaignPlan(name="night", models=("a",))
CAMPAIGN = Campaign(id="c", revision=0, wish="run", nodes=("n1", "n2"), began=0, at=0, plan=PLAN)


def orders() -> Orders:
    made = Orders()
    made.learn([CAMPAIGN])
    return made


def told(made: Orders, now_s: float) -> list[str]:
    return [order.node for order in made.due(now_s)]


def reply(state: PartState = "running", *, revision: int = 0, said: int = 1) -> Reply:
    return Reply(id="c", revision=revision, said=said, state=state)


def cancelled() -> Campaign:
    return msgspec.structs.replace(CAMPAIGN, revision=1, wish="cancel")


def test_every_node_is_told_at_once_and_then_once_a_minute() -> None:
    made = orders()
    assert (told(made, 0), told(made, AGAIN_S - 1), told(made, AGAIN_S)) == (["n1", "n2"], [], ["n1", "n2"])


def test_a_node_that_ended_its_part_is_told_no_more() -> None:
    made = orders()
    told(made, 0)
    assert made.heard("n1", reply("ended"), 5, 1) is not None
    assert told(made, 10 * AGAIN_S) == ["n2"]


def test_a_node_that_is_back_is_told_at_once_what_it_has_not_settled() -> None:
    made = orders()
    told(made, 0)
    made.heard("n2", reply("refused"), 5, 1)
    made.back("n1")
    made.back("n2")
    assert told(made, 2) == ["n1"]


def test_after_the_line_was_down_everybody_who_has_not_settled_is_asked_again() -> None:
    made = orders()
    told(made, 0)
    made.heard("n2", reply("ended"), 5, 1)
    made.back()
    assert told(made, 2) == ["n1"]


def test_a_newer_wish_is_told_at_once_even_to_who_had_ended() -> None:
    made = orders()
    told(made, 0)
    made.heard("n1", reply("ended"), 5, 1)
    made.learn([cancelled()])
    assert [(order.node, order.command.wish) for order in made.due(2)] == [("n1", "cancel"), ("n2", "cancel")]


def test_a_reply_to_an_older_wish_has_the_newer_one_told_at_once() -> None:
    made = orders()
    made.learn([cancelled()])
    told(made, 0)
    made.heard("n1", reply("running", revision=0), 5, 1)
    assert told(made, 2) == ["n1"]


def test_of_two_replies_the_one_said_later_counts_whichever_comes_first() -> None:
    made = orders()
    assert made.heard("n1", reply("ended", said=9), 5, 1) is not None
    assert made.heard("n1", reply("running", said=8), 6, 2) is None
    assert made.parts["c/n1"].state == "ended"


def test_who_was_not_asked_is_not_heard() -> None:
    made = orders()
    assert made.heard("n3", reply(), 5, 1) is None
    assert made.heard("n1", msgspec.structs.replace(reply(), id="other"), 5, 1) is None
    assert made.parts == {}


def test_an_older_wish_from_a_store_changes_nothing() -> None:
    made = orders()
    made.learn([cancelled()])
    made.learn([CAMPAIGN])
    assert made.campaigns["c"].wish == "cancel"


def test_a_command_of_a_wish_that_is_not_known_is_a_sign_to_look() -> None:
    made = orders()
    assert (made.knows(CAMPAIGN.command()), made.knows(cancelled().command())) == (True, False)
