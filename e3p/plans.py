"""Runs of plans that outlive their command: what was asked for, and which trials have ended, in a file each.

A run whose every trial has ended with a result that counts is forgotten; the others can be resumed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from telemetry.contract.commands import LeftOut
from telemetry.contract.documents import Result, ResultState
from telemetry.contract.errors import UserError
from telemetry.contract.frames import VERSION
from telemetry.contract.plan import CampaignPlan, Configuration, Key, Planned, trials_of
from telemetry.contract.units import MAX_TEXT

GROUP = re.compile(r"[A-Za-z0-9_-]{1,64}")


WORTH: tuple[ResultState, ...] = ("valid", "degraded", "invalid")
"""A trial is worth its best stream: it is run again only if no stream gave a number."""


class Ended(msgspec.Struct, frozen=True):
    """A trial that ran to its end, and what came of it as far as is known; it took `seconds` to measure."""

    key: Key
    trial: str
    results: tuple[Result, ...] = ()
    seconds: float | None = None

    @property
    def state(self) -> ResultState | None:
        """That of its best stream; None while no result is known."""
        return min((result.state for result in self.results), key=WORTH.index, default=None)

    def having(self, result: Result) -> Ended:
        """With another stream's result, or a new one of the same stream."""
        others = tuple(each for each in self.results if each.source != result.source)
        return msgspec.structs.replace(self, results=(*others, result))


class Run(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A plan that is carried out on this device, and what has ended of it.

    `python` is the interpreter of the runner, `module` a file of models it loads, and `accuracy_refs` what
    is published, by data set and model. With `goes_on` a configuration that the runner refuses is `left_out`,
    and the others run all the same.
    """

    v: int = VERSION
    group: str
    python: str
    plan: CampaignPlan
    accuracy_refs: Mapping[str, Mapping[str, Mapping[str, Any]]] = {}
    ended: tuple[Ended, ...] = ()
    goes_on: bool = False
    module: str | None = None
    left_out: tuple[LeftOut, ...] = ()

    @cached_property
    def trials(self) -> tuple[Planned, ...]:
        """Every trial of the plan, in order."""
        return tuple(trials_of(self.plan))

    @property
    def done(self) -> frozenset[Key]:
        """The trials that are not run again: ended, and not found invalid."""
        return frozenset(each.key for each in self.ended if each.state != "invalid")

    @property
    def left(self) -> tuple[Planned, ...]:
        """The trials that are still to be run, in order."""
        done, without = self.done, {each.configuration for each in self.left_out}
        return tuple(
            planned
            for planned in self.trials
            if planned.key not in done and planned.key.configuration not in without
        )

    def having(self, ended: Ended) -> Run:
        """The run with a trial that has ended."""
        return msgspec.structs.replace(self, ended=(*self.ended, ended))

    def judged(self, result: Result) -> Run:
        """The run with what came of a trial."""
        told = [each.having(result) if each.trial == result.trial else each for each in self.ended]
        return msgspec.structs.replace(self, ended=tuple(told))

    def without(self, one: Configuration, why: str) -> Run:
        """The run without a configuration, which is named."""
        left_out = LeftOut(**one._asdict(), why=why[:MAX_TEXT] or "no reason is known")
        return msgspec.structs.replace(self, left_out=(*self.left_out, left_out))

    @property
    def results(self) -> list[Result]:
        """The results of every trial that counts, in the order in which the trials ran."""
        counted = {each.key: each for each in self.ended if each.state != "invalid"}
        last = {each.key: each for each in self.ended}
        return [result for each in {**last, **counted}.values() for result in each.results]

    def spec(self) -> dict[str, Any]:
        """What the runner is asked for: the trials that are left."""
        plan = self.plan
        return {
            "group": self.group,
            "device": plan.device,
            "pretrained": "never" if plan.weights == "random" else plan.weights,
            "idle_s": plan.protocol.idle_s,
            "seed": plan.seed,
            "num_threads": plan.threads,
            "goes_on": self.goes_on,
            "module": self.module,
            "plan": [self._asked(planned) for planned in self.left],
        }

    def _asked(self, planned: Planned) -> dict[str, Any]:
        """One trial, by the runner's names."""
        one, dataset = planned.key.configuration, planned.dataset
        steps = msgspec.structs.asdict(planned.steps)
        del steps["idle_s"]  # the whole campaign's
        return {
            **one._asdict(),
            **steps,
            "images_dir": dataset.data,
            "checkpoint": dataset.checkpoints.get(one.model),
            "labels": "auto" if dataset.labels else "none",
            "images": dataset.images,
            "index": planned.key.index,
            "order": planned.order,
            "accuracy_ref": self.accuracy_refs.get(one.dataset, {}).get(one.model),
        }


class Shelf:
    """The folder where runs rest; one that `forgets` keeps the unfinished ones only."""

    def __init__(self, folder: Path, *, forgets: bool = True) -> None:
        self.folder = folder
        self._forgets = forgets

    def find(self, group: str) -> Run:
        """An unfinished run. Raises `UserError` where there is none, or one that cannot be read."""
        path = self._path(group)
        try:
            return msgspec.json.decode(path.read_bytes(), type=Run)
        except FileNotFoundError:
            raise UserError(f"--resume {group}: {_there(self._groups(), self.folder)}") from None
        except (OSError, msgspec.DecodeError) as error:
            raise UserError(f"--resume {group}: {path} cannot be read ({error})") from None

    def unfinished(self, plan: CampaignPlan) -> Run | None:
        """The newest unfinished run of this very plan; one that cannot be read is none."""
        for group in self._groups():
            try:
                run = self.find(group)
            except UserError:
                continue
            if run.plan == plan:
                return run
        return None

    def keep(self, run: Run) -> None:
        """Writes it whole or not at all; a run with nothing left may be forgotten. Raises `OSError`."""
        path = self._path(run.group)
        if self._forgets and not run.left and all(each.state for each in run.ended):
            path.unlink(missing_ok=True)
            return
        write_whole(path, msgspec.json.encode(run))

    def _path(self, group: str) -> Path:
        if not GROUP.fullmatch(group):
            raise UserError(f"--resume {group!r}: a group is 1 to 64 letters, digits, _ or -")
        return self.folder / f"{group}.json"

    def _groups(self) -> list[str]:
        """The unfinished ones, the newest first."""
        paths = self.folder.glob("*.json") if self.folder.is_dir() else ()
        return [path.stem for path in sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)]


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all, and durably. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".half")
    with half.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)


def _there(groups: Sequence[str], folder: Path) -> str:
    found = f"unfinished are {', '.join(groups[:5])}" if groups else "none is unfinished"
    return f"no such plan in {folder}; {found}"
