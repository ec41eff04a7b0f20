"""Plans as people write them: TOML files, with every error at its line."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from e3p.toml_lines import line_of
from telemetry.contract.errors import UserError
from telemetry.contract.plan import CampaignPlan, Fault, faults
from telemetry.contract.wording import wrong

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

P = TypeVar("P")

TORCHVISION = "torchvision:"
_AT_LINE = re.compile(r" \(at line (\d+), column \d+\)$")


class TomlFile(Generic[P]):
    """A plan and the text it was read from, so that what is found wrong later has its line too."""

    def __init__(
        self, path: Path, kind: type[P], faults: Callable[[P], Iterable[Fault]], option: str
    ) -> None:
        """`faults` tells what no type can; `option` is where the file was named. Raises `UserError`."""
        self.path = path
        self._kind = kind
        self.text = _read(path, option)
        self.plan = self._checked(self._converted(), faults)

    def at(self, key: str) -> str:
        """Where a key stands: ``plan.toml, line 4 (models[1])``; or that its default is meant."""
        line = line_of(self.text, key)
        return f"{self.path}, line {line} ({key})" if line else f"{self.path} ({key}, by default)"

    def _converted(self) -> P:
        try:
            raw: dict[str, Any] = tomllib.loads(self.text)
        except tomllib.TOMLDecodeError as error:
            words = str(error)
            found = _AT_LINE.search(words)
            line = int(found[1]) if found else self.text.count("\n") + 1
            what = words[: found.start()] if found else words
            raise UserError(f"{self.path}, line {line}: no valid TOML: {what}") from None
        try:
            return msgspec.convert(raw, self._kind)
        except msgspec.ValidationError as error:
            found_wrong = wrong(error, self._kind)
            path = _unknown(found_wrong.path, found_wrong.words)
            where = self.at(path) if path else str(self.path)
            raise UserError(f"{where}: {found_wrong.words}") from None

    def _checked(self, plan: P, faults: Callable[[P], Iterable[Fault]]) -> P:
        for fault in faults(plan):
            where = self.at(fault.path) if fault.path else str(self.path)
            raise UserError(f"{where}: {fault.words}")
        return plan


class PlanFile(TomlFile[CampaignPlan]):
    """A campaign's plan."""

    def __init__(self, path: Path) -> None:
        """Raises `UserError` naming file and line."""
        super().__init__(path, CampaignPlan, faults, "--plan")


def with_whole_paths(plan: CampaignPlan, beside: Path) -> CampaignPlan:
    """The plan with the folders of its data sets and its checkpoints written out, relative ones beside it."""
    sets = [
        msgspec.structs.replace(
            data,
            data=place(data.data, beside),
            checkpoints={model: _beside(file, beside) for model, file in data.checkpoints.items()},
        )
        for data in plan.datasets
    ]
    return msgspec.structs.replace(plan, datasets=tuple(sets))


def place(data: str | None, beside: Path) -> str | None:
    """A folder of images with its whole path: the runner may stand elsewhere."""
    if data is None:
        return None
    path = data.removeprefix(TORCHVISION)
    return data[: len(data) - len(path)] + _beside(path, beside)


def _beside(path: str, folder: Path) -> str:
    return str((folder / Path(path).expanduser()).absolute())


def _unknown(path: str, words: str) -> str:
    """The path of an unknown key itself, not of the table around it."""
    found = re.match(r"there is no (.+?);", words)
    return ".".join(filter(None, (path, found[1]))) if found else path


def _read(path: Path, option: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UserError(f"{option} {path}: cannot be read ({why}); a TOML file is expected") from None
