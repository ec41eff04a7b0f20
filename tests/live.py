"""A page in a real Chromium, driven by Playwright: what it says, asks for and complains of."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import urlsplit

import anyio
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.browser import find_chromium
from tests.servers import missing_server

T = TypeVar("T")

DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
PATIENCE_S = 60.0
LOOK_MS = 50


@dataclass
class Seen:
    """One page; `complaints` are its console's lines and errors, `hosts` all that it asked."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def open(self, path: str) -> Page:
        self.page.goto(f"{self.base}{path}")
        return self.page

    def until(self, expression: str) -> None:
        """Waits until an expression of JavaScript is true: the limit is for broken pages, not for slow ones.

        Playwright's own waiting evaluates text inside the page, which the page's policy forbids.
        """
        deadline = time.monotonic() + PATIENCE_S
        while not self.page.evaluate(expression):
            assert time.monotonic() < deadline, f"never true: {expression}\n{self.page.inner_text('main')}"
            self.page.wait_for_timeout(LOOK_MS)

    def says(self, words: str, where: str = "main") -> None:
        """Waits until these words stand somewhere, without a reload."""
        self.until(f"document.querySelector({where!r})?.innerText.includes({json.dumps(words)})")


def beside(work: Callable[[], Awaitable[T]]) -> T:
    """Asynchronous work, on a thread of its own: Playwright has a loop running on this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(anyio.run, work).result()


@contextmanager
def chromium() -> Iterator[Browser]:
    binary = find_chromium()
    if binary is None:
        missing_server("no Chromium: apt-get install chromium, or name one in E3P_TEST_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=binary, args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def seen(browser: Browser, base: str, *, dark: bool = False, size: ViewportSize = DESK) -> Iterator[Seen]:
    context = browser.new_context(color_scheme="dark" if dark else "light", viewport=size)
    context.set_default_timeout(1000 * PATIENCE_S)
    found = Seen(context.new_page(), base)
    found.page.on("console", lambda line: found.complaints.append(line.text))
    found.page.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.page.on("request", lambda request: found.hosts.add(urlsplit(request.url).netloc))
    found.page.on("websocket", lambda socket: found.hosts.add(urlsplit(socket.url).netloc))
    try:
        yield found
    finally:
        context.close()
