"""One row on one store, as a job of its own: played in a folder that is gone afterwards."""

from __future__ import annotations

import logging
import tempfile
import traceback
from pathlib import Path
from typing import NamedTuple

import anyio
import pytest

from telemetry.runtime import logs
from tests.faults.network import shrink_buffers
from tests.faults.row import Outcome, Unpermitted, play
from tests.faults.rows import LONG, ROWS
from tests.faults.shelf import StoreName

LAST_LINES = 12

EVERY_ROW = {row.name: row for row in (*ROWS, *LONG)}


class Order(NamedTuple):
    """One row on one store."""

    row: str
    store: StoreName
    tries: int
    seed: int
    talk: bool


class Failure(NamedTuple):
    """A row that could not be played to its end."""

    order: Order
    words: str
    missing: bool = False


def perform(order: Order) -> Outcome | Failure:
    """Plays a row in a folder that is gone afterwards."""
    logs.configure("text", "critical")  # links break here on purpose, and say so
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)

    def say(words: str) -> None:
        if order.talk:
            print(words, flush=True)

    with tempfile.TemporaryDirectory(prefix=f"e3p-{order.row}-") as folder:
        try:
            row = EVERY_ROW[order.row]
            if row.setting.small_buffers:
                shrink_buffers()
            return anyio.run(play, row, order.store, order.tries, order.seed, Path(folder), say)
        except (Unpermitted, pytest.skip.Exception, pytest.fail.Exception) as missing:
            return Failure(order, f"not played: {missing}", missing=True)
        except Exception:  # noqa: BLE001 - a story that breaks is a fault of its row, and is told with it
            return Failure(order, f"{traceback.format_exc()}\n{last_words(Path(folder))}")


def last_words(folder: Path) -> str:
    """The end of every program's log."""
    told = []
    for log in sorted(folder.rglob("*.log")):
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
        told.append("\n".join([f"--- {log.relative_to(folder)}", *lines]))
    return "\n".join(told)
