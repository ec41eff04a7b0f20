"""The whole server side in one process, with a fleet of 1 kHz on it and its live page open in a browser."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import urllib.request
from pathlib import Path
from typing import NamedTuple

import anyio
import anyio.to_thread
import msgspec

from benchmarks.harness import Effort, Figure, LeftOut, Target, aiming
from benchmarks.processes import Look, looking
from e3p.children import Child

TITLE = (
    "`e3p simulate fleet` at 1 kHz × 4 into one `e3p serve` (its own broker, SQLite, analyzer, live page), "
    "with the page of one node open in a Chromium, all on this machine. Updates are counted in the browser, "
    "each one a new picture; late ones by the server, which skips them."
)
NAMES = ("live.updates", "live.late", "live.missing", "live.latency", "live.cpu", "live.rss")
GOAL_HZ = 10.0
NODE = "sim-1"
START_S = 120.0


class Run(NamedTuple):
    """What came of a run: the simulator's outcome, the server's cost, pictures drawn in so many seconds."""

    outcome: dict[str, float]
    looks: list[Look]
    drawn: int
    seconds: float
    sent: float
    late: float


def run(effort: Effort) -> list[Figure]:
    """How often the page was renewed, what was late or missing, and what it all cost the server."""
    nodes, seconds = effort.pick(50, 2), effort.pick(60, 12)
    with tempfile.TemporaryDirectory(prefix="e3p-bench-") as folder:
        done = anyio.run(_watched, Path(folder), nodes, seconds)
    first, last = done.looks[0], done.looks[-1]
    cpu = (last.cpu_s - first.cpu_s) / (last.at_s - first.at_s)
    updates = _figure("live.updates", f"pictures of one of {nodes} nodes", done.drawn / done.seconds, "/s")
    late = 100 * done.late / max(1.0, done.sent + done.late)
    return [
        msgspec.structs.replace(updates, target=Target(GOAL_HZ, at_most=False)),
        _figure("live.late", "updates that were late, and skipped", late, "%"),
        aiming(_figure("live.missing", "frames missing", done.outcome["missing"], "frames"), 0.0),
        _figure("live.latency", "from sent to stored, p99", done.outcome["latency_p99_s"], "s"),
        _figure("live.cpu", "the server's CPU", 100 * cpu, "% of a core"),
        _figure("live.rss", "its memory at most", max(look.mib for look in done.looks), "MiB"),
    ]


def _figure(name: str, what: str, value: float, unit: str) -> Figure:
    return Figure(name=name, what=what, value=value, unit=unit)


async def _watched(folder: Path, nodes: int, seconds: int) -> Run:
    store = f"sqlite:///{folder}/e3p.db"
    serve = ["serve", "--store", store, "--broker-port", "0", "--port", "0"]
    with Child(serve, folder / "serve.log", os.environ) as server:
        ready = await server.ready()
        command = [sys.executable, "-m", "e3p", "simulate", "fleet", "--nodes", str(nodes), "--json"]
        command += ["--rate", "1000", "--seconds", str(seconds), "--mqtt", ready["mqtt"]]
        said = bytearray()

        async def simulate() -> None:
            said.extend((await anyio.run_process(command, check=False)).stdout)

        async with looking(server.pid) as looks, anyio.create_task_group() as tasks:
            tasks.start_soon(simulate)
            drawn, watched_s = await _drawn(f"{ready['page']}/node/{NODE}", seconds - 8)
            sent, late = await anyio.to_thread.run_sync(_counted, f"{ready['page']}/metrics")
    return Run(msgspec.json.decode(said)["outcome"], looks, drawn, watched_s, sent, late)


async def _drawn(address: str, seconds: float) -> tuple[int, float]:
    """How many pictures a browser drew, once the node is there, and in how many seconds."""
    from playwright.async_api import async_playwright

    from tests.browser import find_chromium

    binary = find_chromium()
    if binary is None:
        raise LeftOut("no Chromium: apt-get install chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        page = await browser.new_page()
        with anyio.fail_after(START_S):
            while (answer := await page.goto(address, wait_until="commit")) is None or answer.status != 200:
                await page.wait_for_timeout(500)
            while not await page.evaluate("window.updates > 5"):
                await page.wait_for_timeout(100)
        first = await page.evaluate("[window.updates, performance.now()]")
        await anyio.sleep(max(2.0, seconds))
        last = await page.evaluate("[window.updates, performance.now()]")
        await browser.close()
    return last[0] - first[0], (last[1] - first[1]) / 1000


def _counted(address: str) -> tuple[float, float]:
    """Updates that were sent, and those that were late."""
    with urllib.request.urlopen(address) as answer:  # noqa: S310 - our own server
        text = answer.read().decode()
    sent, late = (
        re.search(rf"^e3p_live_{name}_total (\S+)$", text, re.MULTILINE) for name in ("updates", "late")
    )
    return float(sent[1]) if sent else 0.0, float(late[1]) if late else 0.0
