"""Everything that a report is made of, as it was read from the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from telemetry.contract.manifest import ORIGINS

if TYPE_CHECKING:
    from analyzer.devices import Comparison
    from analyzer.families import Families
    from analyzer.screening import Screening
    from telemetry.contract.documents import EventRefused, LedgerRow, Result
    from telemetry.contract.frames import ManifestFrame
    from telemetry.contract.ranking import Ranking
    from telemetry.store.interface import Letter
    from view.trace import Picture


class Choice(NamedTuple):
    """Which results a report is of; None is all. What is not chosen is not shown anywhere."""

    device: str | None = None
    dataset: str | None = None
    origin: str | None = None

    def takes(self, result: Result) -> bool:
        """Whether a result is one of them."""
        return (
            self.device in (None, result.device)
            and self.dataset in (None, result.dataset)
            and self.origin in (None, result.origin)
        )


class Shown(NamedTuple):
    """One window with its power: `rest` is the idle window that its idle power comes from."""

    result: Result
    power: Picture | None
    rest: Picture | None = None


class Findings(NamedTuple):
    """What goes beyond one ranking: the candidates on paper, devices compared, families compared."""

    screening: Screening
    comparisons: Sequence[Comparison]
    families: Sequence[Families]


@dataclass(frozen=True)
class Material:
    """What a report shows. `windows` are the newest results in time order; `results` are all of them.

    `excluded` are the trials that a person left out of the rankings, with the reason. `histories` has every
    revision of the results that have more than one. `manifests` are by their hash.
    """

    results: Sequence[Result]
    windows: Sequence[Shown]
    rankings: Sequence[Ranking]
    manifests: dict[str, ManifestFrame]
    histories: Sequence[Sequence[Result]]
    excluded: dict[str, str]
    refused_events: Sequence[EventRefused]
    letters: Sequence[Letter]
    ledger: Sequence[LedgerRow]
    findings: Findings | None = None


def by_origin(rankings: Sequence[Ranking]) -> list[Ranking]:
    """Rankings, the most trustworthy origin first, then the longest."""
    return sorted(
        rankings,
        key=lambda ranking: (
            not ranking.rows,
            ORIGINS.index(ranking.group.origin) if ranking.group.origin in ORIGINS else len(ORIGINS),
            -len(ranking.rows),
        ),
    )
