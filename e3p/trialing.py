"""Trials on this device: the runner as a child process, and what it tells."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio

import edge_node
from telemetry.contract.errors import UserError
from telemetry.runtime.common import without_secrets

RUNNER = Path(edge_node.__file__).with_name("runner.py")
GRACE_S = 10.0

Event = dict[str, Any]
OnEvent = Callable[[Event], None]
Where = Callable[[Event], str]


def by_its_own_name(fault: Event) -> str:
    """Where a fault is, in the runner's words: for a spec that no person wrote."""
    return str(fault["where"])


class NoAgent(UserError):
    """No agent listens for marks here now."""


class Trials:
    """One run of the runner, its marks sent to the socket `marks`; `ended` are the trials that ended.

    `where` tells where the person wrote what a fault is about; `env` is set beside what is set here.
    """

    program = RUNNER

    def __init__(
        self,
        spec: Mapping[str, object],
        python: str,
        marks: str,
        where: Where = by_its_own_name,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.ended: list[str] = []
        self.left_out: list[Event] = []
        self._where = where
        self._spec = spec
        self._python = python
        self._env = {**without_secrets(os.environ), **(env or {}), "E3P_SOCKET": marks}

    async def run(self, on_event: OnEvent) -> int:
        """Runs to the end; the runner's exit code. Raises `UserError` where it refuses its input."""
        try:
            process = await anyio.open_process(
                [self._python, str(self.program)],
                stdin=subprocess.PIPE,
                stderr=None,
                env=self._env,
                start_new_session=True,
            )
        except OSError as error:
            raise UserError(f"--python {self._python}: cannot be started ({error.strerror})") from None
        async with ended_with_us(process):
            await _feed(process, json.dumps(dict(self._spec)).encode())
            last: Event | None = None
            async for event in events_of(process):
                self._note(event)
                if last is not None:
                    on_event(last)
                # What may be why the runner refuses all is told once, by whoever takes the `UserError`.
                last = event if event.get("event") == "error" else None
                if last is None:
                    on_event(event)
            status = await process.wait()
        if last is not None and status != 2:
            on_event(last)
        if status == 2:
            fault = (
                self.left_out[-1] if self.left_out else {"what": "the runner failed", "where": str(RUNNER)}
            )
            raise UserError(
                f"{self._where(fault)}: {fault['what']}; right is: {fault.get('right', 'see above')}"
            )
        return status

    def _note(self, event: Event) -> None:
        if event.get("event") == "trial_end":
            self.ended.append(event["trial"])
        elif event.get("event") == "error":
            self.left_out.append(event)


def is_listening(path: str | Path) -> bool:
    """Whether an agent listens for marks there."""
    return _refusal(Path(path)) is None


def _refusal(path: Path) -> str | None:
    """Why nobody can be reached at a socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(str(path))
        except OSError as error:
            return f"{path} ({error.strerror or error})"
    return None


def find_agent(paths: Sequence[Path]) -> str:
    """The socket of the agent that listens for marks. Raises `NoAgent` when none does."""
    reasons = []
    for path in paths:
        refusal = _refusal(path)
        if refusal is None:
            return str(path)
        reasons.append(refusal)
    right = "start `e3p edge`, or set E3P_SOCKET to its socket"
    raise NoAgent(f"no agent listens for marks at {' or '.join(reasons)}: {right}")


@contextlib.asynccontextmanager
async def ended_with_us(
    process: anyio.abc.Process, by: signal.Signals = signal.SIGTERM
) -> AsyncIterator[None]:
    """The child never outlives its parent's interest: asked to stop, then made to."""
    try:
        yield
    finally:
        with anyio.CancelScope(shield=True):
            if process.returncode is None:
                process.send_signal(by)
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


async def events_of(process: anyio.abc.Process) -> AsyncIterator[Event]:
    """A child's JSON lines; anything else it prints is not ours to understand."""
    if process.stdout is None:
        raise TypeError("a child tells its events on standard output")
    rest = b""
    async for chunk in process.stdout:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            with contextlib.suppress(json.JSONDecodeError):
                event = json.loads(line)
                if isinstance(event, dict):
                    yield event
