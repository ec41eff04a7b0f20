from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest

from telemetry.contract.errors import UserError
from telemetry.runtime.service import run_services

pytestmark = pytest.mark.anyio


class Part:
    """A service made of a function; writes down that it began and ended."""

    def __init__(
        self,
        name: str,
        diary: list[str],
        work: Callable[[], Awaitable[None]] = anyio.sleep_forever,
        clean_up: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.name = name
        self._diary, self._work, self._clean_up = diary, work, clean_up

    async def run(self) -> None:
        self._diary.append(f"{self.name} began")
        try:
            await self._work()
        finally:
            if self._clean_up is not None:
                with anyio.CancelScope(shield=True):
                    await self._clean_up()
            self._diary.append(f"{self.name} ended")


async def fail() -> None:
    raise UserError("no such sensor")


async def pause() -> None:
    await anyio.sleep(0.01)


async def test_services_are_stopped_one_by_one_the_last_started_first() -> None:
    diary: list[str] = []
    stop = anyio.Event()
    parts = [Part("link", diary, clean_up=pause), Part("intake", diary, clean_up=pause)]

    async def begun() -> None:
        while len(diary) < 2:
            await anyio.lowlevel.checkpoint()
        stop.set()

    with anyio.fail_after(10):
        await run_services([*parts, Part("watch", [], begun)], stop=stop)
    assert diary == ["link began", "intake began", "intake ended", "link ended"]


async def test_a_clean_up_may_still_use_the_services_started_before() -> None:
    diary: list[str] = []
    stop = anyio.Event()

    async def say_goodbye() -> None:
        assert "link ended" not in diary
        await pause()

    async def begun() -> None:
        stop.set()

    with anyio.fail_after(10):
        await run_services(
            [Part("link", diary), Part("agent", diary, begun, clean_up=say_goodbye)], stop=stop
        )
    assert diary[-2:] == ["agent ended", "link ended"]


async def test_a_failing_service_stops_all_with_its_own_error() -> None:
    diary: list[str] = []
    with pytest.raises(UserError, match="no such sensor"), anyio.fail_after(10):
        await run_services([Part("link", diary), Part("sampler", diary, fail), Part("http", diary)])
    assert {"link ended", "http ended"} <= set(diary)


async def test_an_error_inside_a_services_task_group_is_raised_as_it_is() -> None:
    async def grouped() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(fail)

    with pytest.raises(UserError), anyio.fail_after(10):
        await run_services([Part("sampler", [], grouped)])


async def test_the_first_error_is_raised_when_a_clean_up_fails_as_well() -> None:
    async def break_down() -> None:
        raise OSError("the disk is gone")

    with pytest.raises(UserError), anyio.fail_after(10):
        await run_services([Part("spool", [], clean_up=break_down), Part("sampler", [], fail)])


async def test_an_error_in_a_clean_up_alone_is_raised() -> None:
    stop = anyio.Event()

    async def break_down() -> None:
        raise OSError("the disk is gone")

    parts = [Part("spool", [], clean_up=break_down), Part("end", [], stop_of(stop))]
    with pytest.raises(OSError, match="disk"), anyio.fail_after(10):
        await run_services(parts, stop=stop)


async def test_a_stop_that_is_already_set_ends_the_program_at_once() -> None:
    stop = anyio.Event()
    stop.set()
    with anyio.fail_after(10):
        await run_services([Part("one", []), Part("two", [])], stop=stop)


def stop_of(stop: anyio.Event) -> Callable[[], Awaitable[None]]:
    async def set_it() -> None:
        await anyio.lowlevel.checkpoint()
        stop.set()

    return set_it


async def test_when_all_services_have_returned_the_program_is_over() -> None:
    diary: list[str] = []
    with anyio.fail_after(10):
        await run_services([Part("one", diary, pause), Part("two", diary, pause)])
    assert sorted(diary[2:]) == ["one ended", "two ended"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_stops_the_services_and_is_no_error(number: signal.Signals) -> None:
    diary: list[str] = []

    async def send() -> None:
        os.kill(os.getpid(), number)
        await anyio.sleep_forever()

    with anyio.fail_after(10):
        await run_services([Part("one", diary), Part("two", diary, send)])
    assert diary[2:] == ["two ended", "one ended"]


async def test_a_second_signal_cuts_the_clean_up_short() -> None:
    async def send() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await anyio.sleep_forever()

    async def dawdle() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await anyio.sleep_forever()

    with anyio.fail_after(10):
        await run_services([Part("slow", [], send, clean_up=dawdle)], grace_s=3600)


async def test_a_clean_up_without_end_is_cut_short() -> None:
    diary: list[str] = []
    stop = anyio.Event()
    parts = [Part("link", diary), Part("slow", diary, stop_of(stop), clean_up=anyio.sleep_forever)]
    with anyio.fail_after(10):
        await run_services(parts, stop=stop, grace_s=0.01)
    assert "link ended" in diary


async def test_cancelling_the_program_cleans_up_in_order_too() -> None:
    diary: list[str] = []
    with anyio.move_on_after(0.05):
        await run_services([Part("link", diary, clean_up=pause), Part("agent", diary, clean_up=pause)])
    assert diary == ["link began", "agent began", "agent ended", "link ended"]


async def test_signals_are_handled_as_before_when_it_is_over() -> None:
    await run_services([Part("one", [], pause)])
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


async def test_services_run_in_a_thread_where_no_signal_can_be_asked_for() -> None:
    diary: list[str] = []

    def in_a_thread() -> None:
        anyio.run(run_services, [Part("one", diary, pause)])

    await anyio.to_thread.run_sync(in_a_thread)
    assert diary == ["one began", "one ended"]
