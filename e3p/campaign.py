"""A plan's trials on this device, from the first to the last, with what they cost told as it arrives."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import NamedTuple

from e3p.output import energy, number, say, state
from e3p.plans import Ended, Run, Shelf
from e3p.progress import Progress
from e3p.sight import judge, streams_here
from e3p.trialing import Event, OnEvent, Trials, Where, is_listening
from e3p.watch import Watch
from telemetry.contract.documents import Result
from telemetry.contract.plan import Configuration, Key
from telemetry.runtime.address import Address


class AgentGone(Exception):
    """Nobody listens for marks any more: what runs now is measured by nobody."""


class Outcome(NamedTuple):
    """The results of the run, earlier ones too, and whether all that was asked for was done."""

    results: list[Result]
    is_whole: bool


class Campaign:
    """Carries out a run, and keeps on the shelf what has ended of it.

    `where` tells where a person wrote what the runner refuses; `on_event` hears what the runner tells, once
    it is kept.
    """

    def __init__(
        self,
        run: Run,
        shelf: Shelf,
        marks: str,
        where: Where,
        on_event: OnEvent = lambda _: None,
    ) -> None:
        self.kept = run
        self._shelf = shelf
        self._marks = marks
        self._where = where
        self._on_event = on_event
        self._begun: dict[str, Key] = {each.trial: each.key for each in run.ended}
        self._before: set[str] = set()
        self._is_begun = False
        self._is_kept = True
        self._told: set[str] = set()
        self._progress = Progress()

    async def run(self, address: Address, wait_s: float) -> Outcome:
        """To the end, or as far as it comes; then waits `wait_s` for the last results."""
        self._before = {each.trial for each in self.kept.ended}
        watch = Watch(address, on_result=self._take)
        try:
            async with watch.listening():
                sight = judge(await streams_here(address), self.kept.plan.device, os.environ)
                for words in sight.warnings:
                    say(words)
                status = await self._run_trials(sight.env)
                await watch.until(lambda: not self._absent(), wait_s)
        finally:
            self._say_what_is_left()
        if absent := self._absent():
            say(f"no result of {absent} trials in {wait_s:g} s: is `e3p serve` on the agent's broker?")
        return Outcome(self.kept.results, status == 0 and not absent)

    def _absent(self) -> int:
        """How many trials have ended now, of which no result is known."""
        return sum(1 for each in self.kept.ended if each.state is None and each.trial not in self._before)

    async def _run_trials(self, env: Mapping[str, str]) -> int:
        """The runner's exit code; 1 where the agent went away."""
        if not self.kept.left:
            say("every trial of this plan has ended")
            return 0
        with self._progress:
            try:
                trials = Trials(self.kept.spec(), self.kept.python, self._marks, self._where, env)
                return await trials.run(self._follow)
            except AgentGone as gone:
                say(str(gone))
                return 1

    def _follow(self, event: Event) -> None:
        name = event.get("event")
        if name in ("trial_begin", "trial_end") and not is_listening(self._marks):
            gone = f"the agent is gone: nobody listens at {self._marks}"
            raise AgentGone(f"{gone}; the trial that ran does not count, and no other begins")
        self._progress.show(event)
        if name == "plan":
            self._is_begun = True
            self._keep(self.kept)
        elif name == "trial_begin":
            self._begun[event["trial"]] = self.kept.trials[event["order"]].key
        elif name == "trial_end":
            key = self._begun[event["trial"]]
            self._keep(self.kept.having(Ended(key, event["trial"], seconds=event["seconds"])))
        elif name == "error" and "configuration" in event and self.kept.goes_on:
            why = f"{event['what']}; right is: {event['right']}"
            self._keep(self.kept.without(Configuration(*event["configuration"]), why))
        self._on_event(event)

    def _take(self, result: Result) -> None:
        """A line for each result of this run, as it comes and when it changes."""
        line = _line(result)
        if result.trial is None or result.trial not in self._begun or line in self._told:
            return
        self._told.add(line)
        self._progress.tell(line)
        self._keep(self.kept.judged(result))

    def _keep(self, run: Run) -> None:
        self.kept = run
        try:
            self._shelf.keep(run)
        except OSError as error:
            if self._is_kept:
                say(f"this plan cannot be resumed: {self._shelf.folder} cannot be written ({error.strerror})")
            self._is_kept = False

    def _say_what_is_left(self) -> None:
        left = len(self.kept.left)
        if self._is_begun and self._is_kept and left and not self.kept.goes_on:
            words = f"{left} of {len(self.kept.trials)} trials are left"
            say(f"{words}: go on with `e3p trial --resume {self.kept.group}`")


def _line(result: Result) -> str:
    name = f"{result.model} trial {result.index}" + ("" if result.stream == "main" else f" ({result.stream})")
    if result.energy_j is None:
        return f"  {name}: {state(result)}"
    each = f", {number(result.j_per_1000)} J per 1,000 images" if result.j_per_1000 is not None else ""
    return f"  {name}: {energy(result)}{each}, {state(result)}"
