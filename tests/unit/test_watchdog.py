"""What a service manager hears of a program, on a socket of the test's own."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread
import pytest

from telemetry.runtime.watchdog import Manager, Watchdog

pytestmark = pytest.mark.anyio

SHORT_USEC = "40000"


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(10)
        yield listener


def environment(ear: socket.socket, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": ear.getsockname(), **more}


async def next_word(ear: socket.socket) -> str:
    return (await anyio.to_thread.run_sync(ear.recv, 1000)).decode()


async def next_that_is(ear: socket.socket, *words: str) -> str:
    while (word := await next_word(ear)) not in words:
        pass
    return word


@asynccontextmanager
async def watching(
    ear: socket.socket, trouble: Callable[[], str | None], **more: str
) -> AsyncIterator[anyio.abc.TaskGroup]:
    manager = Manager(environment(ear, WATCHDOG_USEC=SHORT_USEC, **more))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(Watchdog(trouble, manager).run)
        yield tasks
        tasks.cancel_scope.cancel()


async def test_ready_is_the_first_word_and_stopping_the_last(ear: socket.socket) -> None:
    async with watching(ear, lambda: None):
        assert await next_word(ear) == "READY=1"
    assert await next_that_is(ear, "STOPPING=1") == "STOPPING=1"
    ear.setblocking(False)
    with pytest.raises(BlockingIOError):
        ear.recv(1000)


async def test_the_watchdog_is_fed_again_and_again(ear: socket.socket) -> None:
    async with watching(ear, lambda: None):
        assert [await next_word(ear) for _ in range(4)] == ["READY=1", *["WATCHDOG=1"] * 3]


async def test_a_program_in_trouble_says_what_it_is_and_feeds_no_watchdog(ear: socket.socket) -> None:
    troubles: list[str | None] = [None, "the sampler is silent", "the sampler is silent", None]
    async with watching(ear, lambda: troubles.pop(0) if len(troubles) > 1 else troubles[0]):
        assert [await next_word(ear) for _ in range(5)] == [
            "READY=1",
            "WATCHDOG=1",
            "STATUS=the sampler is silent",
            "WATCHDOG=1",
            "STATUS=well again",
        ]


def test_a_name_with_an_at_is_in_the_abstract_namespace() -> None:
    name = f"e3p-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind("\0" + name)
        listener.settimeout(10)
        Manager({"NOTIFY_SOCKET": "@" + name}).tell("READY=1")
        assert listener.recv(1000) == b"READY=1"


def test_without_a_manager_nothing_is_told() -> None:
    Manager({}).tell("READY=1")


def test_a_manager_that_is_gone_is_no_error(tmp_path: Path) -> None:
    Manager({"NOTIFY_SOCKET": str(tmp_path / "gone")}).tell("READY=1")


def test_patience_is_what_the_manager_says() -> None:
    assert Manager({"WATCHDOG_USEC": "60000000"}).patience_s == 60.0
    assert Manager({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}).patience_s == 60.0


@pytest.mark.parametrize("env", [{}, {"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}])
def test_who_is_not_watched_has_no_patience_to_mind(env: dict[str, str]) -> None:
    assert Manager(env).patience_s == 0.0
