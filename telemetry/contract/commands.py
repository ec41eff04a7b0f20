"""Campaigns: a plan that many nodes carry out. Commands to them, their replies, and the documents of both.

Both messages tell the whole of what they are about, so that any of them may be lost, come twice or late: a
command is in force until one of a higher revision comes, a reply until one that was `said` later.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from telemetry.contract.documents import VERSIONED
from telemetry.contract.plan import CampaignPlan, Configuration, Number, Plain
from telemetry.contract.units import Count, Name, Ns, Seq

CAMPAIGN = "campaign"
"""The kind under which stores keep what is asked of nodes."""
PART = "campaign_part"
"""The kind under which stores keep what each node made of it."""
MAX_COMMAND_BYTES = 256 * 1024

Wish = Literal["run", "cancel"]
PartState = Literal["refused", "waiting", "running", "ended", "cancelled", "failed"]
SETTLED: tuple[PartState, ...] = ("refused", "ended", "cancelled", "failed")
"""States that last until a person asks for something else."""


class Command(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the server wants of a node: to carry out a plan, or to leave it.

    The same `id` and `revision` are the same command, however often it comes. In `plan` the `data` of a data
    set is no folder, but a name that the node's owner gave to one.
    """

    v: int = VERSIONED
    id: Plain
    revision: Seq
    wish: Wish
    plan: CampaignPlan


class Doing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The trial that a node is busy with: loading, warm-up or measurement."""

    model: Name
    dataset: Name
    batch_size: Number
    precision: Name
    index: Count


class LeftOut(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A configuration that a node cannot run, and why."""

    model: Name
    dataset: Name
    batch_size: Number
    precision: Name
    why: Name

    @property
    def configuration(self) -> Configuration:
        """Which one."""
        return Configuration(self.model, self.dataset, self.batch_size, self.precision)


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where a node stands with a campaign: the answer to every command, and news whenever there are any.

    `revision` is that of the newest command it has taken in. `said` rises with each of its words: its wall
    clock in ns, or one more than the last. Of `trials`, `done` have ended.
    """

    v: int = VERSIONED
    id: Plain
    revision: Seq
    said: Ns
    state: PartState
    reason: Name | None = None
    trials: Count = 0
    done: Count = 0
    doing: Doing | None = None
    left_out: tuple[LeftOut, ...] = ()


class Campaign(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A document: a plan, the nodes it is for, and what is wanted now. `at` is when it was (UTC ns)."""

    v: int = VERSIONED
    kind: Literal["campaign"] = msgspec.field(default_factory=lambda: "campaign")
    id: Plain
    revision: Seq
    wish: Wish
    nodes: tuple[Plain, ...]
    began: Ns
    at: Ns
    plan: CampaignPlan

    def command(self) -> Command:
        """What its nodes are told."""
        return Command(id=self.id, revision=self.revision, wish=self.wish, plan=self.plan)


class CampaignPart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A document: what a node last said of a campaign; `at` is when that was heard (UTC ns)."""

    v: int = VERSIONED
    kind: Literal["campaign_part"] = msgspec.field(default_factory=lambda: "campaign_part")
    campaign: Plain
    node: Plain
    at: Ns
    revision: Seq
    said: Ns
    state: PartState
    reason: Name | None = None
    trials: Count = 0
    done: Count = 0
    doing: Doing | None = None
    left_out: tuple[LeftOut, ...] = ()


def part_of(node: str, reply: Reply, heard_ns: int) -> CampaignPart:
    """A node's reply as a document."""
    said = {name: getattr(reply, name) for name in CampaignPart.__struct_fields__ if hasattr(reply, name)}
    return CampaignPart(**said, campaign=reply.id, node=node, at=heard_ns)


def part_id(campaign: str, node: str) -> str:
    """The id of a part in the store."""
    return f"{campaign}/{node}"


def is_open(campaign: Campaign, part: CampaignPart | None) -> bool:
    """Whether a node still has something to do or to say, as far as the server has heard."""
    return part is None or part.revision < campaign.revision or part.state not in SETTLED
