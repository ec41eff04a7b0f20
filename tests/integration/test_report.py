"""The report of a real store: frames, marks, computed results, a ranking; every part of it on the page."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import anyio
import pytest

from analyzer.scoring import Score
from e3p.reporting import write_report
from telemetry.contract.errors import UserError
from telemetry.store.open import opened_store
from tests.commands import e3p
from tests.reporting import BEST, HOSTILE, MISSING, NOW, TIED, TORN, WORSE, fill, rank
from view.gather import gather
from view.material import Choice, Material
from view.page import Page, Window, page
from view.render import render


def gathered(url: str, choice: Choice) -> Material:
    async def ask() -> Material:
        async with opened_store(url) as store:
            return await gather(store, choice, rank)

    return anyio.run(ask)


def filled(folder: Path) -> str:
    """The URL of a store with everything in it."""

    async def work(url: str) -> None:
        async with opened_store(url) as store:
            await fill(store)

    url = f"sqlite:///{folder / 'e3p.db'}"
    anyio.run(work, url)
    return url


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return filled(tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def material(url: str) -> Material:
    return gathered(url, Choice())


@pytest.fixture(scope="module")
def shown(material: Material) -> Page:
    return page(material, NOW)


def window(shown: Page, title: str) -> Window:
    return next(each for each in shown.windows if each.title == title)


def test_the_ranking_stands_with_its_ties(shown: Page) -> None:
    (section,) = shown.sections
    assert [(row.model, row.tie) for row in section.rows] == [(BEST, 1), (TIED, 1), (WORSE, 2)]
    assert f"{BEST} and {TIED} cannot be told apart" in shown.answer.sentence


def test_every_trial_has_its_power_from_the_stored_frames(shown: Page, material: Material) -> None:
    assert len(shown.windows) == 10
    for each in material.windows:
        assert each.power is not None
        assert each.rest is not None
        assert [line.name for line in each.power.lines] == ["total", "gpu"]
        assert len(each.power.batches) == 20
    assert {each.result.idle_w for each in material.windows if each.result.idle_w} != set()


def test_a_gap_is_drawn_and_told_in_words(shown: Page, material: Material) -> None:
    torn = window(shown, f"{TIED}, trial 1")
    assert "1 long gap" in torn.caption
    assert torn.state == "degraded"
    assert any("five spacings" in doubt for doubt in torn.doubts)
    gaps = [each.power.long_gaps for each in material.windows if each.power and each.power.long_gaps]
    assert len(gaps) == 2, f"one at {TORN} s, one where frame {MISSING} is missing"


def test_every_energy_has_its_budget_and_the_shares_add_up(shown: Page) -> None:
    for each in shown.windows:
        of_energy, of_net = each.budgets
        assert of_energy.rows[0][0] == "gain"
        assert "idle drift" in {row[0] for row in of_net.rows}
        for budget in each.budgets:
            shares = [float(row[2].split()[0]) for row in budget.rows if row[2]]
            assert sum(shares) == pytest.approx(100, abs=3)


def test_an_excluded_trial_stays_visible_with_its_reason(shown: Page) -> None:
    assert window(shown, f"{WORSE}, trial 0").doubts == (
        "Left out of the ranking by a person: the fan was off",
    )
    (section,) = shown.sections
    assert any("(excluded)" in str(cell) for row in section.repeated.rows for cell in row)


def test_what_changed_or_was_refused_is_told(shown: Page) -> None:
    refused, revisions, events, letters = shown.changes
    assert {(row[1], row[2]) for row in refused.rows} == {
        (HOSTILE, "trial t9: invalid: aborted"),
        (WORSE, "trial t2: excluded: the fan was off"),
    }
    assert [row[1] for row in revisions.rows] == ["1", "2"]
    assert "frames_missing" in str(revisions.rows[0][4])
    assert events.rows[0][3] == "a second trial_begin with this id"
    assert letters.rows[0][2] == "decode: no map"
    assert shown.letters == 1


def test_the_ledger_names_the_frame_that_is_missing(shown: Page) -> None:
    assert not shown.closed
    assert [row for row in shown.ranges.rows if row[3] == "missing"] == [
        ("tx2", "b1", "power/main", "missing", str(MISSING))
    ]


def test_it_tells_what_was_measured_with_what(shown: Page) -> None:
    (instrument,) = shown.instruments
    told = dict(instrument.pairs)
    assert (told["device"], told["sensor"], told["origin"]) == ("jetson-tx2", "ina3221", "measured")
    assert (told["new value every"], told["channels"]) == ("50 ms", "total, gpu")
    assert "±" in str(told["clock against UTC"])


class Reader(HTMLParser):
    """What a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[dict[str, str | None]] = []
        self.addresses: list[str] = []
        self.headings: list[int] = []
        self.tables = self.captions = self.labels = self.plots = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = dict(attrs)
        self.addresses += [held[name] or "" for name in ("src", "href", "action") if name in held]
        if tag == "script":
            self.scripts.append(held)
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.tables += tag == "table"
        self.captions += tag == "caption"
        if held.get("class") == "plot":
            self.plots += 1
            self.labels += bool(held.get("aria-label"))


@pytest.fixture(scope="module")
def html(shown: Page) -> str:
    return render(shown)


def test_it_is_one_file_that_points_nowhere(html: str) -> None:
    reader = Reader()
    reader.feed(html)
    assert {address[0] for address in reader.addresses if address != "data:,"} == {"#"}
    assert "default-src 'none'" in html
    assert html.count("plotly.js v") == 1


def test_a_name_cannot_become_a_script(html: str) -> None:
    reader = Reader()
    reader.feed(html)
    figures = [script for script in reader.scripts if script.get("type") == "application/json"]
    assert len(reader.scripts) == len(figures) + 2, "Plotly, ours, and a figure in each plot"
    assert HOSTILE not in html


def test_headings_go_down_one_by_one_tables_have_captions_and_plots_have_words(html: str) -> None:
    reader = Reader()
    reader.feed(html)
    assert reader.headings[0] == 1
    assert reader.headings.count(1) == 1
    assert all(b - a <= 1 for a, b in zip(reader.headings, reader.headings[1:], strict=False))
    assert reader.tables == reader.captions > 10
    assert reader.plots == reader.labels == 12


def test_figures_are_json_without_numbers_that_json_has_not(html: str) -> None:
    found = re.findall(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)
    assert len(found) == 12
    for text in found:
        assert json.loads(text)["data"]


def test_a_store_without_results_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no results yet: run `e3p trial` or `e3p import` first"):
        gathered(f"sqlite:///{tmp_path}/empty.db", Choice())


def test_a_choice_that_nothing_fits_says_what_there_is(url: str) -> None:
    with pytest.raises(UserError, match=r"no results of origin replayed; it has jetson-tx2/imagenet"):
        gathered(url, Choice(origin="replayed"))


def test_a_choice_shows_what_fits(url: str) -> None:
    assert len(gathered(url, Choice(device="jetson-tx2", origin="measured")).results) == 10


def test_a_folder_that_is_not_there_is_one_clear_line(url: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="name a file in a folder that exists"):
        anyio.run(write_report, url, tmp_path / "nowhere" / "report.html", Choice(), Score())


def test_the_command_says_what_is_wrong_in_one_line(tmp_path: Path) -> None:
    done = e3p("report", "--store", f"sqlite:///{tmp_path}/none.db", "--out", tmp_path / "r.html")
    assert done.status == 2
    assert len(done.err.splitlines()) == 1


def test_the_command_writes_the_report_and_says_the_answer(url: str, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    done = e3p("report", "--store", url, "--out", file)
    assert done.status == 0
    assert "cannot be told apart" in done.out
    assert str(file) in done.out
    assert "</html>" in file.read_text()
