"""A real Chromium without a window, spoken to over two pipes: what a page asks for, says and looks like.

The pipes carry the DevTools protocol (https://chromedevtools.github.io/devtools-protocol), one JSON message
after the other with a zero byte behind each.
"""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE_S = 60.0
FLAGS = (
    "--headless=new",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
    "--remote-debugging-pipe",
)


def find_chromium() -> str | None:
    """The browser that `E3P_TEST_CHROMIUM` names, else the one on the path."""
    named = os.environ.get("E3P_TEST_CHROMIUM")
    return named or next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page of one browser. `events` are all that it told: requests, console lines, exceptions."""

    def __init__(self, binary: str, folder: Path) -> None:
        self._command = [binary, *FLAGS, f"--user-data-dir={folder}"]
        if os.geteuid() == 0:  # Chromium's own sandbox does not run as root
            self._command.append("--no-sandbox")
        self.events: list[dict[str, Any]] = []
        self._number = 0
        self._session: str | None = None
        self._rest = b""

    def __enter__(self) -> Browser:
        (theirs_in, self._out), (self._in, theirs_out) = os.pipe(), os.pipe()
        # It reads descriptor 3 and writes descriptor 4; the shell puts ours there.
        words = ["sh", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "sh", *self._command]
        self._process = subprocess.Popen(
            ["bash", *words[1:]], pass_fds=(theirs_in, theirs_out), stderr=subprocess.DEVNULL
        )
        os.close(theirs_in)
        os.close(theirs_out)
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        os.close(self._out)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """One command and its answer."""
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        answer = self._until(lambda told: told.get("id") == self._number)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return dict(answer["result"])

    def look(self, width: int, height: int, *, dark: bool = False, media: str = "screen") -> None:
        """Makes the page so wide, a phone's where it is narrow, light or dark."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", media=media, features=[scheme])

    def open(self, url: str) -> float:
        """Loads a page; the seconds until it had loaded."""
        begin = time.monotonic()
        self.ask("Page.navigate", url=url)
        self._until(lambda told: told.get("method") == "Page.loadEventFired")
        return time.monotonic() - begin

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript comes to; of a promise, what it keeps."""
        done = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in done:
            raise AssertionError(f"{expression}: {done['exceptionDetails']}")
        return done["result"].get("value")

    def screenshot(self, *, whole: bool = False) -> bytes:
        """A PNG of what is in view, or of the whole page."""
        shot = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        return base64.b64decode(shot["data"])

    def pdf(self) -> bytes:
        """The page as it is printed."""
        self.ask("Emulation.setEmulatedMedia", media="")
        return base64.b64decode(self.ask("Page.printToPDF", printBackground=True)["data"])

    def told(self, method: str) -> list[dict[str, Any]]:
        """The parameters of every event of this name so far."""
        self.value("1")  # what was told before the answer has arrived with it
        return [event["params"] for event in self.events if event.get("method") == method]

    def _until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        give_up = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up:
            while b"\0" in self._rest:
                text, _, self._rest = self._rest.partition(b"\0")
                told = json.loads(text)
                if wanted(told):
                    return dict(told)
                self.events.append(told)
            if not select.select([self._in], [], [], give_up - time.monotonic())[0]:
                break
            more = os.read(self._in, 1 << 20)
            if not more:
                raise AssertionError("the browser ended")
            self._rest += more
        raise AssertionError(f"no answer of the browser within {PATIENCE_S:g} s")
