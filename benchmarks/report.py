"""How fast a report of many trials opens in a browser, how large it is, and how long it takes to make."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import anyio

from analyzer.query import reanalyze
from analyzer.scoring import Score
from benchmarks.harness import Effort, Figure, LeftOut, Unit, aiming, cost_of, figure
from benchmarks.trials import frames_of
from e3p.reporting import write_report
from telemetry.store.open import opened_store
from view.material import Choice

if TYPE_CHECKING:
    from playwright.sync_api import Page

TITLE = (
    "`e3p report` of 100 trials of ten seconds at 200 Hz × 4, five models, opened from the disk in a fresh "
    "page of a Chromium without a window: its first contentful paint, the end of its load event, and when "
    "every plot in view is drawn."
)
NAMES = ("report.painted", "report.complete", "report.drawn", "report.size", "report.made")
GOAL_MS = 1_000.0
ACCURACIES = (0.81, 0.80, 0.78, 0.75, 0.72)
SECONDS = Unit("s", lambda seconds: seconds)
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
COMPLETE = "performance.getEntriesByType('navigation')[0].loadEventEnd"
DRAWN = (
    "[...document.querySelectorAll('.plot')].every((plot) => plot.matches('.js-plotly-plot') ||"
    " plot.getBoundingClientRect().top > innerHeight) && performance.now()"
)


class Opened(NamedTuple):
    """Milliseconds since the page was asked for."""

    painted: float
    complete: float
    drawn: float


def run(effort: Effort) -> list[Figure]:
    """What a person waits for, and what it costs to make."""
    with tempfile.TemporaryDirectory(prefix="e3p-bench-") as folder:
        url, file = f"sqlite:///{folder}/store.db", Path(folder) / "report.html"
        anyio.run(_fill, url, effort.pick(100, 5))
        making = cost_of(lambda: anyio.run(write_report, url, file, Choice(), Score()))
        opened = _opened(file, effort.rounds)
        size_mb = file.stat().st_size / 1e6
    painted, complete, drawn = (median(each) for each in zip(*opened, strict=True))
    complete_ms = Figure(name="report.complete", what="until it is complete", value=complete, unit="ms")
    return [
        Figure(name="report.painted", what="until it can be read", value=painted, unit="ms"),
        aiming(complete_ms, GOAL_MS),
        Figure(name="report.drawn", what="until its first plots are drawn", value=drawn, unit="ms"),
        Figure(name="report.size", what="the file", value=size_mb, unit="MB"),
        figure("report.made", "`e3p report` of the store", SECONDS, [making]),
    ]


async def _fill(url: str, trials: int) -> None:
    async with opened_store(url) as store:
        for number in range(trials):
            of = number % len(ACCURACIES)
            await store.write(frames_of(number, f"model-{of}", 8 + 2 * of, ACCURACIES[of]))
        await reanalyze(store, 0, time.time_ns())


def _opened(file: Path, rounds: int) -> list[Opened]:
    """Each time a new page, after one that is not counted."""
    from playwright.sync_api import sync_playwright

    from tests.browser import find_chromium

    binary = find_chromium()
    if binary is None:
        raise LeftOut("no Chromium: apt-get install chromium")
    found = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        for _ in range(rounds + 1):
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto(file.as_uri(), wait_until="commit")
            painted, complete = _until(page, PAINTED), _until(page, COMPLETE)
            found.append(Opened(painted, complete, _until(page, DRAWN)))
            page.close()
        browser.close()
    return found[1:]


def _until(page: Page, expression: str) -> float:
    """What an expression comes to, once it does. The page's policy forbids Playwright's own waiting."""
    while not (value := page.evaluate(expression)):
        page.wait_for_timeout(20)
    return float(value)
