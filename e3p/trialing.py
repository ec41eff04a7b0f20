"""Trials on this device: the runner as a child process, its progress, and the results that come of it."""

from __future__ import annotations

import contextlib
import json
import secrets
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import anyio
import msgspec

import edge_node
from telemetry.contract.documents import Result
from telemetry.contract.errors import UserError
from telemetry.contract.topics import every_node
from telemetry.runtime.address import Address
from telemetry.runtime.mqtt import Link

RUNNER = Path(edge_node.__file__).with_name("runner.py")
GRACE_S = 10.0

Event = dict[str, Any]
OnEvent = Callable[[Event], None]


class Trials:
    """One run of the runner. `ended` are the ids of the trials that came to their end."""

    def __init__(self, spec: dict[str, object], python: str) -> None:
        self.ended: list[str] = []
        self.left_out: list[Event] = []
        self._spec = spec
        self._python = python

    async def run(self, on_event: OnEvent) -> int:
        """Runs to the end; the runner's exit code. Raises `UserError` where it refuses its input."""
        try:
            process = await anyio.open_process(
                [self._python, str(RUNNER)], stdin=subprocess.PIPE, stderr=None, start_new_session=True
            )
        except OSError as error:
            raise UserError(f"--python {self._python}: cannot be started ({error.strerror})") from None
        async with _ended_with_us(process):
            await _feed(process, json.dumps(self._spec).encode())
            async for event in _events(process):
                self._note(event)
                on_event(event)
            status = await process.wait()
        if status == 2:
            fault = (
                self.left_out[-1] if self.left_out else {"what": "the runner failed", "where": str(RUNNER)}
            )
            raise UserError(
                f"{fault['what']} (at {fault['where']}); right is: {fault.get('right', 'see above')}"
            )
        return status

    def _note(self, event: Event) -> None:
        if event.get("event") == "trial_end":
            self.ended.append(event["trial"])
        elif event.get("event") == "error":
            self.left_out.append(event)


class Awaited:
    """Results as the analyzer publishes them, kept by trial; several streams of a trial make several."""

    def __init__(self, address: Address) -> None:
        self._link = Link(
            address, client_id=f"e3p-trial-{secrets.token_hex(4)}", filters=[every_node("result")]
        )
        self._results: dict[tuple[str, str], Result] = {}
        self._news = anyio.Event()

    async def listen(self) -> None:
        """Collects until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._link.run)
            async for message in self._link.inbox():
                with contextlib.suppress(msgspec.ValidationError):
                    result = msgspec.json.decode(message.payload, type=Result)
                    if result.trial:
                        self._results[result.trial, result.stream] = result
                        self._news.set()

    async def connected(self, within_s: float) -> None:
        """Waits for the broker; `UserError` when it does not answer."""
        try:
            with anyio.fail_after(within_s):
                await self._link.until_connected()
        except TimeoutError:
            raise UserError(
                f"no broker answers at {self._link.address.url}: start `e3p serve`, or name it with --mqtt"
            ) from None

    async def results(self, trials: list[str], within_s: float) -> list[Result]:
        """The results of these trials, as far as they come in time."""
        with anyio.move_on_after(within_s):
            while not set(trials) <= {trial for trial, _ in self._results}:
                await self._news.wait()
                self._news = anyio.Event()
        return [result for (trial, _), result in self._results.items() if trial in trials]


def check_agent(path: str) -> None:
    """Raises `UserError` when no agent listens for marks there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(path)
        except OSError as error:
            right = "start `e3p edge`, or set E3P_SOCKET to its socket"
            raise UserError(f"no agent listens at {path} ({error.strerror}): {right}") from None


@contextlib.asynccontextmanager
async def _ended_with_us(process: anyio.abc.Process) -> AsyncIterator[None]:
    """The child never outlives its parent's interest: asked to stop, then made to."""
    try:
        yield
    finally:
        with anyio.CancelScope(shield=True):
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
                with anyio.move_on_after(GRACE_S):
                    await process.wait()
            if process.returncode is None:
                process.kill()
            await process.aclose()


async def _feed(process: anyio.abc.Process, spec: bytes) -> None:
    if process.stdin is None:
        raise TypeError("the runner takes its spec on standard input")
    with contextlib.suppress(anyio.BrokenResourceError):  # it ended already, and its exit code says why
        await process.stdin.send(spec)
        await process.stdin.aclose()


async def _events(process: anyio.abc.Process) -> AsyncIterator[Event]:
    """The runner's JSON lines; anything else it prints is not ours to understand."""
    if process.stdout is None:
        raise TypeError("the runner tells its events on standard output")
    rest = b""
    async for chunk in process.stdout:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            with contextlib.suppress(json.JSONDecodeError):
                event = json.loads(line)
                if isinstance(event, dict):
                    yield event
