"""What the collector makes of a store that will not have a frame, or asks to be left alone for a while."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import anyio
import pytest

from telemetry.contract.decode import Received
from telemetry.contract.intervals import IntervalSet
from telemetry.runtime.mqtt import Retry
from telemetry.store.interface import Outcome, Rejected, StoreUnavailable
from telemetry.store.sqlite import SqliteStore
from tests.collecting import KEY, Line, Moody, running

pytestmark = pytest.mark.anyio


class Picky(SqliteStore):
    """A store whose server will not have frame 2."""

    async def write(self, frames: Sequence[Received]) -> list[Outcome]:  # type: ignore[override]
        taken = iter(await super().write([each for each in frames if each.frame.seq != 2]))
        return [Rejected("field type conflict") if each.frame.seq == 2 else next(taken) for each in frames]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Picky]:
    opened = Picky(tmp_path / "e3p.db")
    await opened.open()
    yield opened
    await opened.close()


async def test_a_frame_that_the_server_refuses_is_a_letter_with_the_server_s_words(store: Picky) -> None:
    async with running(store) as line:
        for seq in range(5):
            await line.send(seq)
        await line.until_settled(IntervalSet.below(5))
        (letter,) = await store.letters()
        assert (letter.stream, letter.seq) == (KEY, 2)
        assert letter.reason == "store frame: field type conflict"
        (account,) = await store.accounts()
        assert (list(account.stored), list(account.dead)) == ([0, 1, 3, 4], [2])
        assert line.counted("letters_total", code="store") == 1


async def test_a_store_is_left_alone_as_long_as_it_asks(store: Picky) -> None:
    moody = Moody(store)
    line, waits = Line(moody), list[float]()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            moody.come_back()

    line.writer._retry = Retry(sleep=sleep)
    moody.mood = StoreUnavailable("busy", retry_after_s=33.0)
    with anyio.fail_after(20):
        await line.writer._load()
    assert [wait_s >= 33.0 for wait_s in waits] == [True] * 3
