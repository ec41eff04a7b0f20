"""The live page for `make screenshots`: over the demo's store, with made-up nodes that are live."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import anyio

from analyzer.revisions import result_of
from e3p.children import Child
from telemetry.store.open import opened_store
from tests.browser import Browser

NODES = 6
SECONDS = 120
SETTLE_S = 12.0


class Shot(NamedTuple):
    """One picture of one address."""

    name: str
    path: str
    width: int
    height: int
    dark: bool


def take_live(browser: Browser, store: Path, out: Path) -> None:
    """The pictures of the live page, over a copy of a store: its own is not written to."""
    with tempfile.TemporaryDirectory(prefix="e3p-shots-") as name:
        copy = Path(name) / "e3p.db"
        shutil.copy(store, copy)
        url = f"sqlite:///{copy}"
        trial = anyio.run(_newest_trial, url)
        serve = ["serve", "--store", url, "--broker-port", "0", "--port", "0"]
        with Child(serve, Path(name) / "serve.log", os.environ) as server:
            ready = anyio.run(server.ready)
            command = [sys.executable, "-m", "e3p", "simulate", "fleet", "--nodes", str(NODES)]
            command += ["--seconds", str(SECONDS), "--mqtt", ready["mqtt"]]
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as fleet:
                time.sleep(SETTLE_S)  # half a strip of power
                for shot in _shots(trial):
                    _take(browser, ready["page"], shot, out / f"{shot.name}.png")
                fleet.kill()


def _shots(trial: str) -> list[Shot]:
    return [
        Shot("live-light", "/", 1280, 900, dark=False),
        Shot("live-dark", "/", 1280, 900, dark=True),
        Shot("live-node", "/node/sim-1", 1280, 800, dark=False),
        Shot("live-trial", f"/trial/{trial}", 1280, 1100, dark=False),
        Shot("live-ranking-phone", "/ranking", 390, 1100, dark=False),
    ]


def _take(browser: Browser, base: str, shot: Shot, file: Path) -> None:
    browser.look(shot.width, shot.height, dark=shot.dark)
    browser.open(f"{base}{shot.path}")
    # Drawn: a stretch was read, or enough pictures of power that goes on.
    drawn = "document.body.dataset.view === 'window' ? document.body.dataset.shown : window.updates > 20"
    waits = "document.querySelector('#chart')"
    browser.value(
        "new Promise((done) => { const look = () => "
        f"!{waits} || ({drawn}) ? setTimeout(done, 1500) : setTimeout(look, 100); look(); }})"
    )
    file.write_bytes(browser.screenshot())
    sys.stdout.write(f"{file}: {shot.width} × {shot.height}, {file.stat().st_size // 1024} KiB\n")


async def _newest_trial(url: str) -> str:
    async with opened_store(url, create=False) as store:
        results = [result_of(revision) for revision in await store.latest("result")]
    trials = [result for result in results if result.trial]
    return str(max(trials, key=lambda result: result.end).trial) if trials else ""
