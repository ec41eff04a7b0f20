"""Trial plans that outlive their command: what was asked for, and which trials have ended, in a file each.

A plan whose every trial has ended with a result that counts is forgotten; the others can be resumed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from telemetry.contract.documents import ResultState
from telemetry.contract.errors import UserError
from telemetry.contract.frames import VERSION

GROUP = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Ended(msgspec.Struct, frozen=True):
    """A trial that ran to its end, and what came of it as far as is known."""

    model: str
    index: int
    trial: str
    state: ResultState | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What the runner is asked for, and what has ended of it."""

    v: int = VERSION
    group: str
    python: str
    spec: Mapping[str, Any]
    ended: tuple[Ended, ...] = ()

    @property
    def size(self) -> int:
        """How many trials were asked for."""
        return len(self.spec["models"]) * int(self.spec["trials"])

    @property
    def done(self) -> tuple[tuple[str, int], ...]:
        """Model and index of the trials that are not run again: ended, and not found invalid."""
        return tuple({(each.model, each.index): None for each in self.ended if each.state != "invalid"})

    @property
    def left(self) -> int:
        """How many trials are still to be run."""
        return self.size - len(self.done)

    def having(self, ended: Ended) -> Plan:
        """The plan with a trial that has ended."""
        return msgspec.structs.replace(self, ended=(*self.ended, ended))

    def judged(self, trial: str, state: ResultState) -> Plan:
        """The plan with what came of a trial."""
        told = [msgspec.structs.replace(e, state=state) if e.trial == trial else e for e in self.ended]
        return msgspec.structs.replace(self, ended=tuple(told))


class Shelf:
    """The folder where unfinished plans rest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, group: str) -> Plan:
        """An unfinished plan. Raises `UserError` where there is none, or one that cannot be read."""
        path = self._path(group)
        try:
            return msgspec.json.decode(path.read_bytes(), type=Plan)
        except FileNotFoundError:
            raise UserError(f"--resume {group}: {_there(self._groups(), self.folder)}") from None
        except (OSError, msgspec.DecodeError) as error:
            raise UserError(f"--resume {group}: {path} cannot be read ({error})") from None

    def keep(self, plan: Plan) -> None:
        """Writes it whole or not at all; a plan with nothing left is forgotten. Raises `OSError`."""
        path = self._path(plan.group)
        if not plan.left and all(each.state for each in plan.ended):
            path.unlink(missing_ok=True)
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        half = path.with_suffix(".half")
        with half.open("wb") as file:
            file.write(msgspec.json.encode(plan))
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)

    def _path(self, group: str) -> Path:
        if not GROUP.fullmatch(group):
            raise UserError(f"--resume {group!r}: a group is 1 to 64 letters, digits, _ or -")
        return self.folder / f"{group}.json"

    def _groups(self) -> list[str]:
        """The unfinished ones, the newest first."""
        paths = self.folder.glob("*.json") if self.folder.is_dir() else ()
        return [path.stem for path in sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)]


def _there(groups: Sequence[str], folder: Path) -> str:
    found = f"unfinished are {', '.join(groups[:5])}" if groups else "none is unfinished"
    return f"no such plan in {folder}; {found}"
