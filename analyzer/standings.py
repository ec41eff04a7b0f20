"""Rankings that follow the results: each group is ranked anew when one of its trials changes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from analyzer.ranking import NO_NETSCORES, NOTHING, by_group, rank
from analyzer.scoring import Score
from telemetry.contract.manifest import ORIGINS
from telemetry.contract.topics import ranking_topic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from analyzer.book import Book
    from telemetry.contract.documents import Result
    from telemetry.contract.ranking import Ranking, RankingGroup

State = tuple[tuple[tuple[str, int], ...], dict[str, str]]
"""What a ranking was made of: the revisions of its trials, the exclusions among them."""


class Announcement(NamedTuple):
    """A ranking that changed, and where it is told."""

    topic: str
    document: Ranking


class Standings:
    """Ranks the groups whose trials, or exclusions of them, changed since the last look."""

    def __init__(self, book: Book, score: Score, netscores: Mapping[str, float] = NO_NETSCORES) -> None:
        self._book = book
        self._score = score
        self._netscores = netscores
        self._seen: dict[RankingGroup, State] = {}
        self._looked_at = -1
        self._spoken: dict[str, Announcement] = {}
        self._untold: list[Announcement] = []

    @property
    def announced(self) -> list[Announcement]:
        """What was last told on each topic: to be told again to a broker that forgot."""
        return list(self._spoken.values())

    async def renew(self) -> list[Announcement]:
        """Stores every ranking that says something new; those to announce come back.

        One topic speaks for a device and a data set, so the best origin known of them speaks there.
        """
        if self._looked_at == self._book.changes:
            return []
        changes = self._book.changes
        groups = by_group(self._book.results.values())
        names = {group: {trial.window for trial in trials} for group, trials in groups.items()}
        for group, trials in groups.items():
            excluded = {name: why for name, why in self._book.excluded.items() if name in names[group]}
            state = (_revisions(trials), excluded)
            if self._seen.get(group) == state:
                continue
            ranking = rank(first_streams(trials), self._score, excluded, self._netscores)
            changed = await self._book.rank(group_id(group), ranking)
            topic = _topic(group)
            if group == _speaker(group, groups) and (changed or topic not in self._spoken):
                self._spoken[topic] = Announcement(topic, ranking)
                self._untold.append(self._spoken[topic])
            self._seen[group] = state
        self._looked_at = changes
        told, self._untold = self._untold, []
        return told


def rank_all(
    results: Iterable[Result],
    score: Score,
    excluded: Mapping[str, str] = NOTHING,
    netscores: Mapping[str, float] = NO_NETSCORES,
) -> list[Ranking]:
    """The ranking of every group among the results, without the trials that are excluded."""
    groups = by_group(results).values()
    return [rank(first_streams(trials), score, excluded, netscores) for trials in groups]


def group_id(group: RankingGroup) -> str:
    """The id of a group's ranking in the store."""
    parts = (group.device, group.dataset, group.origin, group.power_mode, group.sensor)
    return "/".join(part or "-" for part in parts)


def first_streams(trials: list[Result]) -> list[Result]:
    """One result for each trial: its first stream by name, where no manifest said which one leads."""
    chosen: dict[tuple[str, str], Result] = {}
    for trial in sorted(trials, key=lambda trial: trial.stream):
        chosen.setdefault((trial.node, trial.window), trial)
    return list(chosen.values())


def _revisions(trials: list[Result]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted((trial.window + trial.stream, trial.revision) for trial in trials))


def _speaker(group: RankingGroup, groups: dict[RankingGroup, list[Result]]) -> RankingGroup:
    rivals = [other for other in groups if (other.device, other.dataset) == (group.device, group.dataset)]
    best = min(ORIGINS.index(other.origin or "measured") for other in rivals)
    spoken = [other for other in rivals if ORIGINS.index(other.origin or "measured") == best]
    return group if group in spoken else min(spoken, key=group_id)


def _topic(group: RankingGroup) -> str:
    device, dataset = (
        re.sub(r"[^A-Za-z0-9_-]", "-", name or "unknown") for name in (group.device, group.dataset)
    )
    return ranking_topic(device[:64], dataset[:64])
