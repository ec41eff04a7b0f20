"""A plan's trials on this device, from the first to the last, with what they cost told as it arrives."""

from __future__ import annotations

from typing import NamedTuple

from e3p.output import energy, number, say, state
from e3p.plans import Ended, Plan, Shelf
from e3p.progress import Progress
from e3p.trialing import Event, Trials, is_listening
from e3p.watch import Watch
from telemetry.contract.documents import Result, ResultState
from telemetry.runtime.address import Address

WORTH: tuple[ResultState, ...] = ("valid", "degraded", "invalid")
"""A trial is worth its best stream: it is run again only if no stream gave a number."""


class AgentGone(Exception):
    """Nobody listens for marks any more: what runs now is measured by nobody."""


class Outcome(NamedTuple):
    """The results that came, and whether all that was asked for was done."""

    results: list[Result]
    is_whole: bool


class Campaign:
    """Runs a plan, and keeps on the shelf what has ended of it."""

    def __init__(self, plan: Plan, shelf: Shelf, marks: str) -> None:
        self.plan = plan
        self._shelf = shelf
        self._marks = marks
        self._begun: dict[str, tuple[str, int]] = {}
        self._is_begun = False
        self._is_kept = True
        self._told: set[str] = set()
        self._states: dict[tuple[str, str], ResultState] = {}
        self._progress = Progress()

    async def run(self, address: Address, wait_s: float) -> Outcome:
        """To the end, or as far as it comes; then waits `wait_s` for the last results."""
        before = {each.trial for each in self.plan.ended}
        watch = Watch(address, on_result=self._take)
        try:
            async with watch.listening():
                status = await self._run_trials()
                ended = [each.trial for each in self.plan.ended if each.trial not in before]
                results = await watch.of_trials(ended, wait_s)
        finally:
            self._say_what_is_left()
        absent = set(ended) - {result.trial for result in results}
        if absent:
            say(f"no result of {len(absent)} trials in {wait_s:g} s: is `e3p serve` on the agent's broker?")
        return Outcome(results, status == 0 and not absent)

    async def _run_trials(self) -> int:
        """The runner's exit code; 1 where the agent went away."""
        if not self.plan.left:
            say("every trial of this plan has ended")
            return 0
        spec = {**self.plan.spec, "group": self.plan.group, "done": [list(each) for each in self.plan.done]}
        with self._progress:
            try:
                return await Trials(spec, self.plan.python, self._marks).run(self._follow)
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
            self._keep(self.plan)
        elif name == "trial_begin":
            self._begun[event["trial"]] = event["model"], event["index"]
        elif name == "trial_end":
            self._keep(self.plan.having(Ended(*self._begun[event["trial"]], event["trial"])))

    def _take(self, result: Result) -> None:
        """A line for each result of this plan, as it comes and when it changes."""
        line = _line(result)
        if result.trial is None or result.trial not in self._begun or line in self._told:
            return
        self._told.add(line)
        self._progress.tell(line)
        if result.meter:
            return  # whether a trial is run again, the device's own sensors decide
        self._states[result.trial, result.stream] = result.state
        states = [state for (trial, _), state in self._states.items() if trial == result.trial]
        self._keep(self.plan.judged(result.trial, min(states, key=WORTH.index)))

    def _keep(self, plan: Plan) -> None:
        self.plan = plan
        try:
            self._shelf.keep(plan)
        except OSError as error:
            if self._is_kept:
                say(f"this plan cannot be resumed: {self._shelf.folder} cannot be written ({error.strerror})")
            self._is_kept = False

    def _say_what_is_left(self) -> None:
        if self._is_begun and self._is_kept and self.plan.left:
            words = f"{self.plan.left} of {self.plan.size} trials are left"
            say(f"{words}: go on with `e3p trial --resume {self.plan.group}`")


def _line(result: Result) -> str:
    name = f"{result.model} trial {result.index}" + ("" if result.source == "main" else f" ({result.source})")
    if result.energy_j is None:
        return f"  {name}: {state(result)}"
    each = f", {number(result.j_per_1000)} J per 1,000 images" if result.j_per_1000 is not None else ""
    return f"  {name}: {energy(result)}{each}, {state(result)}"
