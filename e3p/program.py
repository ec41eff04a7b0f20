"""Any program as one measured window: marked from begin to end, its signals and its exit code passed on."""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import NamedTuple

import anyio
import anyio.to_thread

from e3p.output import energy, number, say, state
from e3p.watch import Watch
from edge_node import mark
from edge_node.runner_device import Device, Load
from telemetry.contract.documents import Result
from telemetry.contract.errors import UserError
from telemetry.contract.marks import PROGRAM
from telemetry.contract.nodetime import NS_PER_S
from telemetry.runtime.address import Address
from telemetry.runtime.common import without_secrets
from view.numbers import net

PREPARE_S = 1.0
PASSED_ON = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
)
FROM_A_KEYBOARD = (signal.SIGINT, signal.SIGQUIT)
MOST_WORDS = 200


class NotStarted(UserError):
    """The command is there and cannot be started."""


class Asked(NamedTuple):
    """A command, the name of its windows, and how it is measured."""

    command: Sequence[str]
    name: str
    dataset: str
    group: str
    trials: int
    images: int
    idle_s: float
    quiet_stdout: bool


class Ran(NamedTuple):
    """What came of it: the command's exit code, as a shell tells it, and the results that came in time."""

    status: int
    results: list[Result]


async def measure(asked: Asked, address: Address | None, wait_s: float) -> Ran:
    """Runs the command as often as asked, or until it fails; then waits for the results.

    Without an address nobody is asked for them: they come when the agent's server has them.
    """
    if address is None:
        status, _ = await _run_all(asked)
        return Ran(status, [])
    watch = Watch(address)
    async with watch.listening():
        status, trials = await _run_all(asked)
        results = await watch.of_trials(trials, wait_s)
    return Ran(status, results)


def print_windows(results: Sequence[Result], name: str) -> None:
    """A line or two for each window, on standard error: standard output is the command's own."""
    for result in sorted(results, key=lambda result: (result.begin, result.stream)):
        stream = "" if result.stream == "main" else f" ({result.stream})"
        seconds = (result.end - result.begin) / NS_PER_S
        what = energy(result) or "no energy"
        mean = f", {number(result.mean_w)} W on average" if result.mean_w is not None else ""
        say(f"e3p: {name}{stream}: {what}{mean} over {seconds:.3f} s, {state(result)}")
        if result.net_j is not None:
            say(f"e3p:   {net(result)} above idle ({number(result.idle_w)} W)")
        if result.j_per_1000 is not None:
            each, speed = number(result.j_per_1000), number(result.images_per_s)
            say(f"e3p:   {each} J for 1,000 images, {speed} a second")


async def _run_all(asked: Asked) -> tuple[int, list[str]]:
    mark.prepare(asked.group)
    await anyio.sleep(PREPARE_S)
    device, before = Device(), None
    if asked.idle_s:
        say(f"e3p: {asked.idle_s:g} s of rest, for the idle power")
        others = Load(device)
        with mark.idle(group=asked.group):
            await anyio.sleep(asked.idle_s)
        before = others.share()
    trials: list[str] = []
    status = 0
    for index in range(asked.trials):
        trial = _trial(asked, index, device, before)
        trials.append(trial.id)
        status = await _run_one(asked, trial, device)
        if status:
            break
    return status, trials


async def _run_one(asked: Asked, trial: mark.Trial, device: Device) -> int:
    """One window; a command that a signal ended leaves it aborted."""
    others = Load(device, _own_s)
    begin_ns = mark.now_ns()
    try:
        with trial:
            try:
                status = await _run(asked)
            finally:
                trial.load = others.share()
            if asked.images:
                trial.batch(begin_ns, mark.now_ns(), asked.images)
    except _Killed as killed:
        return killed.status
    return status


class _Killed(Exception):
    """The command was ended by a signal; `status` is what a shell makes of that."""

    def __init__(self, number_of: int) -> None:
        super().__init__(number_of)
        self.status = 128 + number_of


def _trial(asked: Asked, index: int, device: Device, load: float | None) -> mark.Trial:
    temp_c, clock_mhz = device.read()
    context: dict[str, object] = {"temp_c": temp_c, "clock_mhz": clock_mhz, "load": load}
    covers = f"the whole program {Path(asked.command[0]).name}"[:MOST_WORDS]  # its words may hold secrets
    return mark.trial(
        trial=secrets.token_hex(8),
        model=asked.name,
        dataset=asked.dataset,
        batch_size=max(1, asked.images),
        group=asked.group,
        index=index,
        backend=PROGRAM,
        protocol={"idle_s": asked.idle_s, "covers": covers},
        context={name: value for name, value in context.items() if value not in (None, {})},
    )


async def _run(asked: Asked) -> int:
    """The command's return code. Raises `_Killed` where a signal ended it, `NotStarted` where nothing ran."""
    out = sys.stderr if asked.quiet_stdout else None
    # Heard from before its first breath: a command that says it is up may be signalled at once.
    with anyio.open_signal_receiver(*PASSED_ON) as received:
        try:
            process = await anyio.open_process(
                list(asked.command), stdin=None, stdout=out, stderr=None, env=without_secrets(os.environ)
            )
        except OSError as error:
            raise NotStarted(f"{asked.command[0]}: cannot be started ({error.strerror})") from None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_pass_on, received, process)
            status = await process.wait()
            tasks.cancel_scope.cancel()
    if status < 0:
        raise _Killed(-status)
    return status


async def _pass_on(received: AsyncIterator[signal.Signals], process: anyio.abc.Process) -> None:
    async for number_of in received:
        if number_of in FROM_A_KEYBOARD and _has_the_terminal():
            continue  # the terminal has sent it to the command too
        if process.returncode is None:
            process.send_signal(number_of)


def _has_the_terminal() -> bool:
    """Whether this process, and the command with it, is what a terminal's keys speak to."""
    for descriptor in (0, 1, 2):
        try:
            return os.tcgetpgrp(descriptor) == os.getpgrp()
        except OSError:
            continue
    return False


def _own_s() -> float:
    """Processor seconds of this process and of all that it has waited for."""
    times = os.times()
    return time.process_time() + times.children_user + times.children_system
