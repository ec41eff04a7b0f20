"""Soaks that outlive their command: what runs on this device, and how much of it is left, in a file each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from e3p.plan_file import place
from telemetry.contract.errors import UserError
from telemetry.contract.frames import VERSION
from telemetry.contract.nodetime import NS_PER_S
from telemetry.contract.soak_plan import SoakPlan, seconds_of_day


class Moment(NamedTuple):
    """Now, by each clock of the device: the kernel's boot, its monotonic clock, and the wall clock (ns)."""

    os_boot: str
    monotonic_ns: int
    wall_ns: int


class State(msgspec.Struct, frozen=True, kw_only=True):
    """A soak that is not over: `left_s` was left of it when that was noted, at `noted`.

    `starts` counts how often it went on after it was interrupted.
    """

    v: int = VERSION
    soak: str
    python: str
    plan: SoakPlan
    left_s: float
    noted: Moment
    starts: int = 0

    def left_at(self, now: Moment) -> float:
        """How much is left: within one boot of the kernel by its own clock, beyond it by the wall clock.

        A wall clock that went back since counts for nothing: the soak becomes longer, never shorter.
        """
        if now.os_boot == self.noted.os_boot:
            passed_ns = now.monotonic_ns - self.noted.monotonic_ns
        else:
            passed_ns = max(0, now.wall_ns - self.noted.wall_ns)
        return self.left_s - passed_ns / NS_PER_S

    def noted_at(self, now: Moment, *, starts: int | None = None) -> State:
        """The same soak, as of now."""
        starts = self.starts if starts is None else starts
        return msgspec.structs.replace(self, left_s=self.left_at(now), noted=now, starts=starts)

    def spec(self, left_s: float, beside: Path) -> dict[str, Any]:
        """What the runner is asked for. A data set's folder lies beside the plan."""
        work = self.plan.work
        if work is None:
            raise ValueError("a soak that only watches has no work of its own")
        trial = {
            "model": work.model,
            "dataset": "soak",
            "images_dir": place(work.data, beside),
            "labels": "none",
            "images": work.images,
            "batch_size": work.batch_size,
            "precision": work.precision,
        }
        return {
            "plan": [trial],
            "device": work.device,
            "pretrained": "never" if work.weights == "random" else work.weights,
            "num_threads": work.threads,
            "soak": {"app": self.plan.app, "left_s": left_s, "duty": _duty(self.plan)},
        }


class SoakShelf:
    """The folder where soaks that are not over rest, by the name of their plan."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, plan: SoakPlan) -> State | None:
        """The soak of this plan that is not over. Raises `UserError` where its file cannot be read."""
        path = self._path(plan.name)
        try:
            state = msgspec.json.decode(path.read_bytes(), type=State)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise UserError(f"{path} cannot be read ({error}); remove it to begin anew") from None
        if state.plan != plan:
            raise UserError(
                f"a soak {plan.name!r} of another plan is not over ({path}): give this one another name, "
                "or end that one with --again"
            )
        return state

    def keep(self, state: State) -> None:
        """Writes it whole or not at all. Raises `OSError`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._path(state.plan.name)
        half = path.with_suffix(".half")
        with half.open("wb") as file:
            file.write(msgspec.json.encode(state))
            file.flush()
            os.fsync(file.fileno())
        half.replace(path)

    def forget(self, name: str) -> None:
        """The soak is over."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.folder / f"{name}.json"


def _duty(plan: SoakPlan) -> Mapping[str, int]:
    """The duty as the runner reads it."""
    duty = plan.duty
    if duty.on_s and duty.off_s:
        return {"on_s": duty.on_s, "off_s": duty.off_s}
    if duty.day_from and duty.day_to:
        return {"from_s": seconds_of_day(duty.day_from), "to_s": seconds_of_day(duty.day_to)}
    return {}
