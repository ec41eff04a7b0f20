"""What a node keeps of its campaigns on the disk: a file for each part, and the runs on a shelf beside it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from e3p.campaigns.part import Part
from e3p.plans import Run, Shelf, write_whole
from edge_node.settings import EdgeSettings
from telemetry.contract.errors import UserError
from telemetry.runtime import logs

MOST_KEPT = 100
"""So many parts that are over are kept, to answer repeats of their commands."""

log = logs.get("campaigns")


class Keeping:
    """The folder of a node's campaigns: `parts/ID.json` is what is wanted, `runs/ID.json` what was done."""

    def __init__(self, settings: EdgeSettings) -> None:
        self.folder = settings.spool_path().with_suffix(".campaigns")
        self.shelf = Shelf(self.folder / "runs", forgets=False)
        self._parts = self.folder / "parts"

    def parts(self) -> dict[str, Part]:
        """Every part, by id; one that cannot be read is named, and no part."""
        found = sorted(self._readable(), key=lambda part: part.order)
        return {part.id: part for part in found}

    def keep(self, part: Part) -> None:
        """Writes a part, whole and durably. Raises `OSError`."""
        write_whole(self._parts / f"{part.id}.json", msgspec.json.encode(part))

    def forget_old(self, parts: dict[str, Part]) -> None:
        """Leaves only so many parts that are over, the newest ones; open parts stay."""
        settled = [part for part in parts.values() if not part.is_open]
        for part in settled[: max(0, len(settled) - MOST_KEPT)]:
            for path in (self._parts, self.shelf.folder):
                (path / f"{part.id}.json").unlink(missing_ok=True)
            del parts[part.id]

    def run(self, part: Part) -> Run:
        """What has been done of a part; nothing, where there is no run of it yet."""
        try:
            return self.shelf.find(part.id)
        except UserError:
            return Run(group=part.id, python="", plan=part.plan)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """For one child at a time; another one waits until the first has ended, however it did."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _readable(self) -> Iterator[Part]:
        for path in self._parts.glob("*.json") if self._parts.is_dir() else ():
            try:
                yield msgspec.json.decode(path.read_bytes(), type=Part)
            except (OSError, msgspec.DecodeError) as error:
                log.warning("a campaign's file cannot be read", file=path, why=str(error))
