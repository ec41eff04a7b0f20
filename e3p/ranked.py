"""What is there to rank in a store: every table's trials, by a person's choice of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from analyzer.book import Book
from analyzer.ranking import by_group
from analyzer.standings import first_streams

if TYPE_CHECKING:
    from e3p.settings import Settings
    from telemetry.contract.documents import Result
    from telemetry.contract.ranking import RankingGroup


class Tables(NamedTuple):
    """The trials of each table, and those that a person left out of them, with the reason."""

    trials: Mapping[RankingGroup, Sequence[Result]]
    excluded: Mapping[str, str]

    def of(self, dataset: str | None, origin: str, devices: Sequence[str] = ()) -> Tables:
        """The tables of this data set, origin (`any`: all) and these devices (none: all)."""
        kept = {
            group: trials
            for group, trials in self.trials.items()
            if dataset in (None, group.dataset)
            and origin in ("any", group.origin)
            and (not devices or group.device in devices)
        }
        return self._replace(trials=kept)

    @property
    def words(self) -> str:
        """What there is: device/data set (origin)."""
        return ", ".join(sorted({f"{g.device}/{g.dataset} ({g.origin})" for g in self.trials})) or "nothing"


async def read_tables(settings: Settings) -> Tables:
    """Every table of the store that the settings name."""
    async with settings.opened_store(create=False) as opened:
        book = Book(opened)
        await book.open()
        groups = by_group(book.results.values())
        return Tables({group: first_streams(trials) for group, trials in groups.items()}, book.excluded)
