"""The report in a real Chromium: what it asks for, what it says, how it fits and follows light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from analyzer.scoring import Score
from e3p.reporting import write_report
from telemetry.store.open import opened_store
from tests.browser import Browser, find_chromium
from tests.reporting import fill
from tests.servers import missing_server
from view.material import Choice

WIDTHS = (1280, 390)
PLOTS = 13
DRAWN = "document.querySelectorAll('.js-plotly-plot').length"
# Each text against the first ground below it that is not clear: what WCAG 2 calls the contrast ratio.
FAINT = """
(() => {
  const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = (colour) => {
    const [r, g, b] = parts(colour).slice(0, 3).map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (parts(colour)[3] !== 0) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const own = (element) => [...element.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  const found = [];
  for (const element of document.querySelectorAll("body :not(script, svg, svg *, noscript, noscript *)")) {
    if (!own(element) || element.closest("script, .plot")) continue;
    const [a, b] = [light(getComputedStyle(element).color), light(ground(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(`${element.tagName} ${element.className} ${ratio.toFixed(2)}`);
  }
  return [...new Set(found)];
})()
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("report")
    url, file = f"sqlite:///{folder}/e3p.db", folder / "report.html"

    async def work() -> None:
        async with opened_store(url) as store:
            await fill(store)
        await write_report(url, file, Choice(), Score())

    anyio.run(work)
    return file.as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    binary = find_chromium()
    if binary is None:
        missing_server("no Chromium: apt-get install chromium, or name one in E3P_TEST_CHROMIUM")
    with Browser(binary, tmp_path_factory.mktemp("browser")) as opened:
        yield opened


def see_all(browser: Browser) -> None:
    """Scrolls to the end: a plot is drawn when it comes near the view."""
    browser.value(
        "(async () => { for (let y = 0; y < document.body.scrollHeight; y += 400)"
        " { scrollTo(0, y); await new Promise((next) => setTimeout(next, 20)); } })()"
    )
    browser.value(
        "new Promise((done) => { const look = () =>"
        f" {DRAWN} >= {PLOTS} ? done() : setTimeout(look, 50); look(); }})"
    )


@pytest.mark.parametrize("width", WIDTHS)
def test_it_asks_no_host_and_complains_of_nothing(browser: Browser, report: str, width: int) -> None:
    browser.events.clear()
    browser.look(width, 900)
    browser.open(report)
    see_all(browser)
    asked = [event["request"]["url"] for event in browser.told("Network.requestWillBeSent")]
    assert set(asked) <= {report} | {url for url in asked if url.startswith(("data:", "blob:"))}
    for complaint in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
        assert browser.told(complaint) == []
    assert browser.told("Page.javascriptDialogOpening") == []


@pytest.mark.parametrize("width", WIDTHS)
def test_nobody_has_to_scroll_sideways(browser: Browser, report: str, width: int) -> None:
    browser.look(width, 900)
    browser.open(report)
    see_all(browser)
    assert browser.value("document.documentElement.scrollWidth") == width


def test_every_plot_is_drawn_as_wide_as_its_place(browser: Browser, report: str) -> None:
    browser.look(390, 900)
    browser.open(report)
    see_all(browser)
    widths = browser.value(
        "[...document.querySelectorAll('.plot')].map((p) =>"
        " [p.clientWidth, p.querySelector('.main-svg').clientWidth])"
    )
    assert len(widths) == PLOTS
    assert all(place == plot for place, plot in widths)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_text_stands_out_from_its_ground(browser: Browser, report: str, width: int, dark: bool) -> None:
    browser.look(width, 900, dark=dark)
    browser.open(report)
    assert browser.value(FAINT) == []


def test_plots_follow_from_light_to_dark(browser: Browser, report: str) -> None:
    ink = "getComputedStyle(document.querySelector('.plot .xtick text')).fill"
    browser.look(1280, 900)
    browser.open(report)
    see_all(browser)
    light = browser.value(ink)
    browser.look(1280, 900, dark=True)
    browser.value("new Promise((next) => setTimeout(next, 200))")
    assert browser.value(ink) != light


def test_on_paper_every_plot_is_drawn_and_every_budget_open(browser: Browser, report: str) -> None:
    browser.look(390, 900, dark=True)
    browser.open(report)
    browser.value(
        f"addEventListener('beforeprint', () => {{ window.printed = [{DRAWN},"
        " document.querySelectorAll('details:not([open])').length,"
        " getComputedStyle(document.body).backgroundColor] })"
    )
    pages = browser.pdf()
    assert pages.startswith(b"%PDF")
    assert browser.value("window.printed")[:2] == [PLOTS, 0]
    assert browser.value("document.querySelectorAll('details[open]').length") == 0


def test_without_javascript_the_tables_and_the_answer_are_there(report: str) -> None:
    html = Path(report.removeprefix("file://")).read_text()
    body = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
    assert "cannot be told apart" in body
    assert body.count("<table") > 10
