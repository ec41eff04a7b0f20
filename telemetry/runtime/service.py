"""Services: what runs until it is told to stop, and how a program runs several of them."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

import anyio

from telemetry.runtime import logs

if sys.version_info < (3, 11):
    from exceptiongroup import BaseExceptionGroup

GRACE_S = 10.0
"""How long one service may clean up before it is cut short."""
CUT_S = 1.0

log = logs.get("service")


class Service(Protocol):
    """A part of a program that runs until it is cancelled; it cleans up in `finally`."""

    @property
    def name(self) -> str:
        """For logs."""

    async def run(self) -> None:
        """Works until cancelled. An error of it stops the whole program."""


class _Running(NamedTuple):
    name: str
    scope: anyio.CancelScope
    task: asyncio.Task[None]


async def run_services(
    services: Sequence[Service], *, stop: anyio.Event | None = None, grace_s: float = GRACE_S
) -> None:
    """Runs all until `stop` is set, SIGINT or SIGTERM comes, all have returned, or one fails.

    Then the services are stopped one by one, the last started first; each has `grace_s` seconds for its
    clean-up, and a second signal cuts it short. The first error is raised as it is, others are logged.
    """
    stop = stop or anyio.Event()
    hurry = asyncio.Event()

    def on_signal() -> None:
        hurry.set() if stop.is_set() else stop.set()

    with _signals(on_signal):
        running = [_start(service) for service in services]
        cause: _Running | None = None
        try:
            cause = await _until_over(stop, running)
        finally:
            with anyio.CancelScope(shield=True):
                await _stop(running, grace_s, hurry)
    failed = [entry for entry in running if entry is not cause and _error(entry.task)]
    failed = [cause, *failed] if cause else failed
    for entry in failed[1:]:
        log.error("service failed as well", service=entry.name, error=repr(_error(entry.task)))
    if failed and (error := _error(failed[0].task)):
        raise error


def _start(service: Service) -> _Running:
    scope = anyio.CancelScope()

    async def run() -> None:
        with scope:
            await service.run()

    return _Running(service.name, scope, asyncio.create_task(run(), name=service.name))


async def _until_over(stop: anyio.Event, running: Sequence[_Running]) -> _Running | None:
    """Returns the service that failed, or None when the end has another reason."""
    stopped = asyncio.create_task(stop.wait())
    try:
        while not stopped.done() and (waiting := {entry.task for entry in running if not entry.task.done()}):
            await asyncio.wait({stopped, *waiting}, return_when=asyncio.FIRST_COMPLETED)
            for entry in running:
                if _error(entry.task):
                    return entry
    finally:
        stopped.cancel()
    return next((entry for entry in running if _error(entry.task)), None)


async def _stop(running: Sequence[_Running], grace_s: float, hurry: asyncio.Event) -> None:
    hurried = asyncio.create_task(hurry.wait())
    for entry in reversed(running):
        entry.scope.cancel()
        if not entry.task.done():
            await asyncio.wait({entry.task, hurried}, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
        if not entry.task.done():
            log.error("clean-up cut short", service=entry.name)
            entry.task.cancel()
            await asyncio.wait({entry.task}, timeout=CUT_S)
    hurried.cancel()


def _error(task: asyncio.Task[None]) -> BaseException | None:
    """A finished task's own error."""
    error = task.exception() if task.done() and not task.cancelled() else None
    return alone(error) if error else None


def alone(error: BaseException) -> BaseException:
    """The error itself, out of the groups of one that task groups wrap it in."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error


@contextlib.contextmanager
def _signals(on_signal: Callable[[], None]) -> Iterator[None]:
    """Calls `on_signal` at SIGINT and SIGTERM; only the main thread of a process can be asked to."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
