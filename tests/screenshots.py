"""`make screenshots`: the demo's report and the live page as people see them, into docs/images."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.browser import Browser, find_chromium
from tests.screenshots_live import take_live


class Shot(NamedTuple):
    """One picture: a file's name, the size of the window, light or dark."""

    name: str
    width: int
    height: int
    dark: bool


SHOTS = (
    Shot("report-light", 1280, 1360, dark=False),
    Shot("report-dark", 1280, 1360, dark=True),
    Shot("report-phone", 390, 1360, dark=False),
)


def main() -> int:
    """0; 2 where there is no browser or no report."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("report", nargs="?", type=Path, default=Path("e3p-demo/report.html"))
    words.add_argument("--out", type=Path, default=Path("docs/images"))
    asked = words.parse_args()
    binary = find_chromium()
    if binary is None:
        sys.stderr.write("no Chromium: apt-get install chromium, or name one in E3P_TEST_CHROMIUM\n")
        return 2
    if not asked.report.is_file():
        sys.stderr.write(f"no report {asked.report}: run `make demo` first, or name another one\n")
        return 2
    asked.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, Browser(binary, Path(folder)) as browser:
        for shot in SHOTS:
            take(browser, asked.report.resolve().as_uri(), shot, asked.out / f"{shot.name}.png")
        if (store := asked.report.with_name("e3p.db")).is_file():
            take_live(browser, store, asked.out)
    return 0


def take(browser: Browser, address: str, shot: Shot, file: Path) -> None:
    """One picture, once the plots in view are drawn."""
    browser.look(shot.width, shot.height, dark=shot.dark)
    browser.open(address)
    browser.value(
        "new Promise((done) => { const look = () =>"
        " [...document.querySelectorAll('.plot:not(.js-plotly-plot)')]"
        ".some((plot) => plot.getBoundingClientRect().top < innerHeight)"
        " ? setTimeout(look, 50) : setTimeout(done, 500); look(); })"
    )
    file.write_bytes(browser.screenshot())
    sys.stdout.write(f"{file}: {shot.width} × {shot.height}, {file.stat().st_size // 1024} KiB\n")


if __name__ == "__main__":
    sys.exit(main())
