"""A node's part of a campaign: what commands, trials and the end of its child make of it. Pure.

The run on the shelf is the truth about trials; a part is the truth about what is wanted, and how it stands.
Whatever is asked of it, a part says it in one reply.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from e3p.plans import Run
from telemetry.contract.commands import SETTLED, Command, Doing, PartState, Reply
from telemetry.contract.plan import CampaignPlan, Configuration, Planned
from telemetry.contract.units import MAX_TEXT

REFUSED = 2
"""The exit code of a child whose plan cannot be carried out at all: it would be the same again."""
MOST_STRIKES = 2
"""So often in a row the child may end without having done anything, before that is taken for a failure."""


class Part(Reply, frozen=True, kw_only=True, omit_defaults=True):
    """What a node keeps of a campaign: what it says of it, its plan, and its place among the node's."""

    order: int
    plan: CampaignPlan

    @property
    def is_open(self) -> bool:
        """Whether there is something to do."""
        return self.state not in SETTLED

    def reply(self) -> Reply:
        """All of it in one message."""
        return Reply(**{name: getattr(self, name) for name in Reply.__struct_fields__})

    def saying(self, now_ns: int, **changed: object) -> Part:
        """With something changed, and said: later than all before it."""
        return msgspec.structs.replace(self, **changed, said=max(self.said + 1, now_ns))


class Over(NamedTuple):
    """How a child ended: its exit code, and what it said about it.

    `away`: it could not begin, because the broker or the agent was not there.
    """

    status: int
    why: str | None = None
    away: bool = False


class Next(NamedTuple):
    """What follows the end of a child. With `again`, another one; a configuration may be left out of that."""

    part: Part
    run: Run
    strikes: int
    again: bool


def take(part: Part | None, command: Command, refusal: str | None, order: int, now_ns: int) -> Part:
    """The part after a command; the same where the command says nothing new."""
    if part is None:
        part = Part(
            id=command.id, order=order, revision=-1, plan=command.plan, state="cancelled", said=now_ns - 1
        )
    if command.revision <= part.revision:
        return part
    if part.plan != command.plan:
        refusal = refusal or f"another plan came under the id {command.id}"
    asked = part.saying(now_ns, revision=command.revision)
    if command.wish == "cancel":
        return asked if part.state == "ended" else _settled(asked, "cancelled")
    if refusal:
        return _settled(asked, "refused", refusal[:MAX_TEXT])
    if part.is_open:
        return asked
    return msgspec.structs.replace(asked, state="waiting", reason=None, left_out=())


def refused(part: Part, why: str, now_ns: int) -> Part:
    """Its node's owner no longer allows it."""
    return _settled(part.saying(now_ns), "refused", why[:MAX_TEXT])


def running(part: Part, run: Run, now_ns: int) -> Part:
    """Its child is at work."""
    return part.saying(now_ns, state="running", reason=None, doing=None, **_counts(run))


def busy(part: Part, planned: Planned, now_ns: int) -> Part:
    """It is at a trial."""
    doing = Doing(**planned.key.configuration._asdict(), index=planned.key.index)
    return part if part.doing == doing else part.saying(now_ns, doing=doing)


def progressed(part: Part, run: Run, now_ns: int) -> Part:
    """A trial has ended, or a configuration was left out."""
    return part.saying(now_ns, doing=None, **_counts(run))


def over(part: Part, before: Run, run: Run, ended: Over, strikes: int, now_ns: int) -> Next:
    """A child has ended that began at `before`, and left `run`.

    What has not ended is tried again, unless that has led nowhere twice: then the configuration it was at is
    left out, and without one the part has failed. A trial whose result is invalid has ended: it is repeated
    when a person resumes the campaign, or with what is tried again.
    """
    if not part.is_open:
        return Next(part.saying(now_ns, **_counts(run)), run, 0, again=False)
    has_moved = (run.ended, run.left_out) != (before.ended, before.left_out)
    strikes = 0 if has_moved else strikes + (not ended.away)
    is_hopeless = ended.status == REFUSED or strikes >= MOST_STRIKES
    if unfinished(run) and is_hopeless and part.doing and ended.status != REFUSED:
        run, strikes = run.without(_at(part.doing), f"{_words(ended)}; is it too big for this device?"), 0
        is_hopeless = False
    said = part.saying(now_ns, doing=None, reason=None, **_counts(run))
    if not unfinished(run):
        return Next(_settled(said, "ended", _repeatable(run)), run, 0, again=False)
    if is_hopeless:
        return Next(_settled(said, "failed", _words(ended)), run, 0, again=False)
    waiting = msgspec.structs.replace(said, state="waiting", reason=_words(ended))
    return Next(waiting, run, strikes, again=True)


def unfinished(run: Run) -> list[Planned]:
    """The trials that have not ended yet, whatever came of the others."""
    ended = {each.key for each in run.ended}
    return [planned for planned in run.left if planned.key not in ended]


def _settled(part: Part, state: PartState, reason: str | None = None) -> Part:
    return msgspec.structs.replace(part, state=state, reason=reason, doing=None)


def _repeatable(run: Run) -> str | None:
    invalid = len(run.left)
    return f"{invalid} results are invalid: `e3p campaign resume` repeats them" if invalid else None


def _at(doing: Doing) -> Configuration:
    return Configuration(doing.model, doing.dataset, doing.batch_size, doing.precision)


def _counts(run: Run) -> dict[str, object]:
    return {"trials": len(run.trials), "done": len(run.done), "left_out": run.left_out}


def _words(ended: Over) -> str:
    if ended.why:
        return ended.why[:MAX_TEXT]
    how = f"signal {-ended.status}" if ended.status < 0 else f"exit code {ended.status}"
    return f"its trials ended with {how} before they were done"
