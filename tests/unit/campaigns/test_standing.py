"""How campaigns stand: nodes by their last word, results joined so that no planned trial counts twice."""

from __future__ import annotations

from typing import Any

from e3p.campaigns.standing import joined, standing
from telemetry.contract.commands import Campaign, PartState, Reply, part_of
from telemetry.contract.documents import Result, ResultState
from telemetry.contract.plan import CampaignPlan

PLAN = CampaignPlan(name="night", models=("a", "b"), trials=2)
CAMPAIGN = Campaign(id="c", revision=1, wish="run", nodes=("n1", "n2"), began=0, at=0, plan=PLAN)


def result(trial: str, *, state: ResultState = "valid", begin: int = 0, **more: Any) -> Result:
    said = {"node": "n1", "model": "a", "index": 0, "group": "c", "stream": "main", "j_per_1000": 2.0, **more}
    return Result(window=trial, trial=trial, kind="trial", begin=begin, end=begin + 1, state=state, **said)


def part(node: str, state: PartState, revision: int = 1) -> Any:
    return part_of(node, Reply(id="c", revision=revision, said=1, state=state, trials=4, done=1), 9)


def test_a_trial_that_ran_twice_counts_once_and_the_first_that_counts_does() -> None:
    twice = [result("late", begin=5), result("bad", state="invalid"), result("first", begin=3)]
    assert [each.trial for each in joined(twice, "c")] == ["first"]


def test_an_invalid_trial_that_was_not_repeated_is_still_there() -> None:
    assert [each.trial for each in joined([result("bad", state="invalid")], "c")] == ["bad"]


def test_every_stream_of_a_trial_that_counts_stays() -> None:
    both = [result("t", stream="main"), result("t", stream="board"), result("u", begin=3)]
    assert [(each.trial, each.stream) for each in joined(both, "c")] == [("t", "board"), ("t", "main")]


def test_other_nodes_indexes_and_configurations_are_other_trials() -> None:
    others = [result("t"), result("u", node="n2"), result("v", index=1), result("w", batch_size=8)]
    assert {each.trial for each in joined(others, "c")} == {"t", "u", "v", "w"}


def test_other_campaigns_are_left_alone() -> None:
    assert joined([result("t", group="d")], "c") == []


def test_a_node_that_has_not_answered_the_newest_wish_was_only_sent_it() -> None:
    stands = standing(CAMPAIGN, {"c/n1": part("n1", "cancelled", revision=0)}, [])
    assert [(node.node, node.state, node.of) for node in stands.nodes] == [
        ("n1", "sent", 4),
        ("n2", "sent", 4),
    ]


def test_a_refusal_or_a_failure_is_bad_news_and_the_rest_is_not() -> None:
    assert standing(CAMPAIGN, {"c/n1": part("n1", "failed")}, []).is_bad
    assert not standing(CAMPAIGN, {"c/n1": part("n1", "running")}, []).is_bad


def test_results_so_far_are_counted_by_trial_and_averaged_by_configuration() -> None:
    found = [result("t", j_per_1000=2.0), result("u", index=1, j_per_1000=4.0)]
    found += [result("v", model="b", state="invalid", j_per_1000=None)]
    stands = standing(CAMPAIGN, {"c/n1": part("n1", "running")}, found)
    assert (stands.nodes[0].results, stands.nodes[0].invalid) == (3, 1)
    assert [(row["model"], row["trials"], row["j_per_1000"]) for row in stands.energies] == [("a", 2, 3.0)]


def test_a_stream_that_does_not_lead_is_in_no_mean() -> None:
    found = [result("t", leads=True), result("t", stream="board", leads=False, j_per_1000=9.0)]
    (row,) = standing(CAMPAIGN, {}, found).energies
    assert row["j_per_1000"] == 2.0
