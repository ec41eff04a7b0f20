"""A soak on this device, from its begin or from where it was interrupted, to its planned end."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import anyio
import msgspec

import edge_node
from e3p.output import say
from e3p.soaks import Moment, SoakShelf, State
from e3p.trialing import Event, Trials, is_listening
from edge_node.boots import read_os_boot
from telemetry.contract.errors import UserError
from telemetry.contract.frames import VERSION

NOTE_S = 30.0
TOLD_S = 600.0
REST_S = 5.0
LONGEST_REST_S = 300.0
STEADY_S = 600.0
"""A program that ran so long before it failed begins again at once."""

Tell = Callable[[float], None]


class SoakWork(Trials):
    """The runner of a soak."""

    program = Path(edge_node.__file__).with_name("runner_soak.py")


def now() -> Moment:
    """This moment, by each clock of the device."""
    return Moment(read_os_boot(), time.monotonic_ns(), time.time_ns())


class Soaking:
    """Carries out a soak; `marks` is the agent's socket, `beside` the folder of the plan.

    `tell` gets the share of 1 that is over.
    """

    def __init__(
        self, state: State, shelf: SoakShelf, marks: str, beside: Path, env: Mapping[str, str], tell: Tell
    ) -> None:
        self.state = state
        self._shelf = shelf
        self._marks = marks
        self._beside = beside
        self._env = env
        self._tell = tell
        self._lines = 0
        self._images = 0
        self._told_s = time.monotonic()
        self._is_heard = True
        self._is_announced = False

    async def run(self) -> None:
        """Until the planned end. Raises `UserError` where the work cannot begin at all."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._note)
            self._announce()
            if self.state.plan.work:
                await self._work()
            else:
                await anyio.sleep(max(0.0, self.left_s))
            tasks.cancel_scope.cancel()
        self._shelf.forget(self.state.plan.name)

    @property
    def left_s(self) -> float:
        """What is left now, seconds."""
        return self.state.left_at(now())

    async def _work(self) -> None:
        """The runner, begun again whenever it fails: that counts, and it is said."""
        rest_s, is_first = REST_S, self.state.starts == 0
        while (left_s := self.left_s) > 0:
            begun_s = time.monotonic()
            work = SoakWork(
                self.state.spec(left_s, self._beside), self.state.python, self._marks, env=self._env
            )
            try:
                status = await work.run(self._follow)
            except UserError as error:
                if is_first:
                    raise
                say(str(error))
                status = 2
            if self.left_s <= 0:
                return
            is_first = False
            rest_s = REST_S if time.monotonic() - begun_s > STEADY_S else min(2 * rest_s, LONGEST_REST_S)
            say(f"the work's program ended ({status}), which counts; it begins again in {rest_s:.0f} s")
            await anyio.sleep(rest_s)
            self._keep(self.state.noted_at(now(), starts=self.state.starts + 1))
            self._announce()

    def _announce(self) -> None:
        """The mark that tells the server of this soak; said again later where no agent takes it now."""
        fields = {
            "soak": self.state.soak,
            "app": self.state.plan.app,
            "plan": msgspec.to_builtins(self.state.plan),
            "left_s": max(0.0, self.left_s),
            "starts": self.state.starts,
        }
        head = {"v": VERSION, "pid": os.getpid(), "n": self._lines, "kind": "soak", "t": time.monotonic_ns()}
        line = json.dumps({**head, **fields}, separators=(",", ":")).encode()
        self._lines += 1
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            try:
                sender.sendto(line, self._marks)
                self._is_announced = True
            except OSError:
                self._is_announced = False

    async def _note(self) -> None:
        """What is left is noted, so that a power cut costs no more than half a minute of the account."""
        whole_s = self.state.plan.duration_s
        while True:
            self._keep(self.state.noted_at(now()))
            self._tell(min(1.0, 1 - self.left_s / whole_s))
            self._listen()
            if time.monotonic() - self._told_s > TOLD_S:
                self._told_s = time.monotonic()
                left_h = max(0.0, self.left_s) / 3600
                say(f"{left_h:.1f} h of {whole_s / 3600:.1f} h are left, {self._images:,} images")
            await anyio.sleep(NOTE_S)

    def _listen(self) -> None:
        """An agent that is gone is said once: the work goes on, and what it marks is kept for a while."""
        is_heard = is_listening(self._marks)
        if is_heard != self._is_heard:
            say(
                f"an agent listens at {self._marks} again" if is_heard else f"nobody listens at {self._marks}"
            )
        self._is_heard = is_heard
        if is_heard and not self._is_announced:
            self._announce()

    def _keep(self, state: State) -> None:
        self.state = state
        try:
            self._shelf.keep(state)
        except OSError as error:
            say(f"this soak could not go on after a reboot: {self._shelf.folder} ({error.strerror})")

    def _follow(self, event: Event) -> None:
        name = event.get("event")
        if name == "progress":
            self._images = event["images"]
        elif name == "warmup":
            say(f"{event['model']} is warm: the work goes on for {self.left_s / 60:.0f} min")
        elif name == "weights" and event.get("reason"):
            say(f"random weights for {event['model']}: {event['reason']}")
        elif name == "error":
            say(f"{event['where']}: {event['what']}")
