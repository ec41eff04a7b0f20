"""A node's part of a campaign: commands, trials, and children that end in every way."""

from __future__ import annotations

import msgspec

from e3p.campaigns import part as parts
from e3p.campaigns.part import Over, Part, take
from e3p.plans import Ended, Run
from telemetry.contract.commands import Command, Wish
from telemetry.contract.documents import Result
from telemetry.contract.plan import CampaignPlan, DataSet

PLAN = CampaignPlan(name="p", models=("a", "b"), datasets=(DataSet(name="d"),), trials=1)
RUN = Run(group="c", python="", plan=PLAN, goes_on=True)
KILLED = Over(-9)
DONE = Over(0)


def command(revision: int, wish: Wish = "run", plan: CampaignPlan = PLAN) -> Command:
    return Command(id="c", revision=revision, wish=wish, plan=plan)


def taken(*commands: Command, refusal: str | None = None) -> Part:
    part: Part | None = None
    for now_ns, each in enumerate(commands, start=100):
        part = take(part, each, refusal if each.wish == "run" else None, 0, now_ns)
    assert part is not None
    return part


def ended(run: Run, *orders: int) -> Run:
    for order in orders:
        run = run.having(Ended(run.trials[order].key, f"t{order}"))
    return run


def at_first(part: Part) -> Part:
    return parts.busy(parts.running(part, RUN, 200), RUN.trials[0], 201)


def test_a_new_command_waits_to_be_carried_out() -> None:
    assert (taken(command(0)).state, taken(command(0)).is_open) == ("waiting", True)


def test_a_repeated_command_changes_nothing() -> None:
    part = at_first(taken(command(0)))
    assert take(part, command(0), None, 1, 999) is part


def test_a_cancel_that_overtakes_its_start_holds() -> None:
    part = taken(command(1, "cancel"), command(0))
    assert (part.state, part.revision) == ("cancelled", 1)


def test_a_start_that_comes_again_while_it_runs_leaves_it_running() -> None:
    part = take(at_first(taken(command(0))), command(1), None, 0, 300)
    assert (part.state, part.revision, part.doing is None) == ("running", 1, False)


def test_what_the_owner_does_not_allow_is_refused_with_the_reason() -> None:
    part = taken(command(0), refusal="not here")
    assert (part.state, part.reason, part.is_open) == ("refused", "not here", False)


def test_a_cancel_is_never_refused_and_leaves_what_has_ended_as_it_is() -> None:
    whole = parts.over(taken(command(0)), RUN, ended(RUN, 0, 1), DONE, 0, 300).part
    assert take(whole, command(1, "cancel"), None, 0, 400).state == "ended"


def test_another_plan_under_the_same_id_is_refused() -> None:
    other = msgspec.structs.replace(PLAN, trials=7)
    part = taken(command(0), command(1, plan=other))
    assert (part.state, part.plan) == ("refused", PLAN)


def test_each_word_is_said_later_than_the_last_whatever_the_clock_says() -> None:
    part = taken(command(0))
    later = parts.running(part, RUN, now_ns=1)
    assert later.said == part.said + 1


def test_a_child_that_was_killed_is_followed_by_another() -> None:
    step = parts.over(at_first(taken(command(0))), RUN, RUN, KILLED, 0, 300)
    assert (step.again, step.part.state, step.part.doing) == (True, "waiting", None)
    assert step.part.reason == "its trials ended with signal 9 before they were done"


def test_a_configuration_at_which_the_child_is_killed_twice_is_left_out_and_the_next_one_runs() -> None:
    step = parts.over(at_first(taken(command(0))), RUN, RUN, KILLED, 0, 300)
    step = parts.over(at_first(step.part), RUN, step.run, KILLED, step.strikes, 400)
    (left,) = step.part.left_out
    assert (step.again, left.model) == (True, RUN.trials[0].key.configuration.model)
    assert "too big" in left.why


def test_a_kill_after_some_progress_is_the_first_again() -> None:
    step = parts.over(at_first(taken(command(0))), RUN, ended(RUN, 0), KILLED, 1, 300)
    assert (step.strikes, step.part.left_out) == (0, ())


def test_a_child_that_never_gets_to_a_trial_fails_the_part() -> None:
    part = parts.running(taken(command(0)), RUN, 200)
    step = parts.over(part, RUN, RUN, Over(1, "no disk"), 1, 300)
    assert (step.again, step.part.state, step.part.reason) == (False, "failed", "no disk")


def test_what_can_never_run_fails_at_once() -> None:
    step = parts.over(taken(command(0)), RUN, RUN, Over(2, "torch cannot be imported"), 0, 300)
    assert (step.part.state, step.part.reason) == ("failed", "torch cannot be imported")


def test_without_a_broker_a_part_waits_as_long_as_it_takes() -> None:
    part, strikes = taken(command(0)), 0
    for _ in range(10):
        step = parts.over(part, RUN, RUN, Over(1, "no broker answers", away=True), strikes, 300)
        part, strikes = step.part, step.strikes
        assert step.again
    assert (part.state, part.reason) == ("waiting", "no broker answers")


def test_a_part_ends_when_every_trial_has_ended_or_is_left_out() -> None:
    run = ended(RUN.without(RUN.trials[0].key.configuration, "too big"), 1)
    step = parts.over(at_first(taken(command(0))), RUN, run, Over(1), 0, 300)
    assert (step.part.state, step.part.done, step.part.trials) == ("ended", 1, 2)
    assert [each.why for each in step.part.left_out] == ["too big"]


def test_an_invalid_result_ends_its_trial_and_is_said() -> None:
    bad = Result(node="n", window="t0", trial="t0", kind="trial", stream="m", begin=0, end=1, state="invalid")
    step = parts.over(taken(command(0)), RUN, ended(RUN, 0, 1).judged(bad), DONE, 0, 300)
    assert (step.part.state, step.again) == ("ended", False)
    assert "1 results are invalid" in (step.part.reason or "")


def test_a_part_that_was_cancelled_stays_so_when_its_child_is_gone() -> None:
    part = take(at_first(taken(command(0))), command(1, "cancel"), None, 0, 300)
    step = parts.over(part, RUN, ended(RUN, 0), Over(-2), 0, 400)
    assert (step.part.state, step.part.done, step.again) == ("cancelled", 1, False)


def test_resuming_tries_again_what_was_left_out() -> None:
    run = ended(RUN.without(RUN.trials[0].key.configuration, "too big"), 1)
    part = parts.over(at_first(taken(command(0))), RUN, run, Over(1), 0, 300).part
    again = take(part, command(1), None, 0, 400)
    assert (again.state, again.left_out) == ("waiting", ())


def test_a_reply_says_all_of_a_part() -> None:
    reply = at_first(taken(command(0))).reply()
    assert (reply.id, reply.revision, reply.state, reply.trials) == ("c", 0, "running", 2)
    assert reply.doing is not None
    assert reply.doing.model == RUN.trials[0].key.configuration.model
