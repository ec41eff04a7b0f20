"""What campaigns ask of nodes, and what those have answered: who is to be told what, and when. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from telemetry.contract.commands import (
    Campaign,
    CampaignPart,
    Command,
    Reply,
    is_open,
    part_id,
    part_of,
)

AGAIN_S = 60.0
"""A node that has something left to do or to say is asked again so often: what it said may have been lost."""


class Order(NamedTuple):
    """A command, and the node it is for."""

    node: str
    command: Command


class Orders:
    """Every campaign and part that is known, by id; `sent_s` is when a node was last told of a campaign."""

    def __init__(self) -> None:
        self.campaigns: dict[str, Campaign] = {}
        self.parts: dict[str, CampaignPart] = {}
        self._sent_s: dict[tuple[str, str], float] = {}

    def learn(self, campaigns: Iterable[Campaign], parts: Iterable[CampaignPart] = ()) -> None:
        """What the store has: newer wishes are told at once, and what was said later counts."""
        for campaign in campaigns:
            known = self.campaigns.get(campaign.id)
            if known is None or campaign.revision > known.revision:
                self.campaigns[campaign.id] = campaign
                for node in campaign.nodes:
                    self._sent_s.pop((node, campaign.id), None)
        for part in parts:
            id_ = part_id(part.campaign, part.node)
            if id_ not in self.parts or part.said > self.parts[id_].said:
                self.parts[id_] = part

    def knows(self, command: Command) -> bool:
        """Whether a command that was heard is none that the store knows more of."""
        known = self.campaigns.get(command.id)
        return known is not None and known.revision >= command.revision

    def heard(self, node: str, reply: Reply, now_ns: int, now_s: float) -> CampaignPart | None:
        """A node's reply: the part as it now stands, or None where that says nothing new."""
        campaign = self.campaigns.get(reply.id)
        if campaign is None or node not in campaign.nodes:
            return None
        self._sent_s[node, reply.id] = now_s
        id_ = part_id(reply.id, node)
        known = self.parts.get(id_)
        if known is not None and reply.said <= known.said:
            return None
        self.parts[id_] = part_of(node, reply, now_ns)
        if reply.revision < campaign.revision:
            self._sent_s.pop((node, reply.id), None)
        return self.parts[id_]

    def back(self, node: str | None = None) -> None:
        """A node is there again, or the line to all: what is not settled is told at once."""
        for key in [key for key in self._sent_s if node in (key[0], None)]:
            del self._sent_s[key]

    def due(self, now_s: float) -> Iterator[Order]:
        """What is to be told now; what was taken counts as told."""
        for campaign in self.campaigns.values():
            for node in campaign.nodes:
                key = (node, campaign.id)
                told_s = self._sent_s.get(key)
                if not is_open(campaign, self.parts.get(part_id(campaign.id, node))):
                    continue
                if told_s is None or now_s - told_s >= AGAIN_S:
                    self._sent_s[key] = now_s
                    yield Order(node, campaign.command())
