"""The live page of a server with a real node on it, in a real Chromium."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import anyio
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from telemetry.store.open import opened_store
from tests.influx import access, drop_buckets, new_bucket
from tests.live import DESK, PHONE, Seen, beside, chromium, seen
from tests.live_scene import CAMERA, OVER, SILENT, Scene, copy, ranking, running_soak, staged
from tests.processes import NODE, finish
from tests.servers import Influx

NOWHERE = "/node/nobody"
PATHS = ("/", f"/node/{NODE}", "/trial/live-0", "/ranking", "/fleet", NOWHERE)
LOOKS = [(dark, size) for size in (DESK, PHONE) for dark in (False, True)]
NAMES = [f"{'phone' if size is PHONE else 'desk'}-{'dark' if dark else 'light'}" for dark, size in LOOKS]
ROW_OF_CAMERA = f"document.querySelector('#nodes tr[data-key={CAMERA}]')?.innerText"
COUNT_MOVES = """() => {
  const animate = Element.prototype.animate;
  window.moves = 0;
  Element.prototype.animate = function (...how) { window.moves += 1; return animate.apply(this, how); };
}"""
STILL = "document.getAnimations().every((each) => each.playState !== 'running')"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with staged(tmp_path_factory.mktemp("live")) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def view(scene: Scene, browser: Browser) -> Iterator[Seen]:
    with seen(browser, scene.base) as found:
        yield found


def test_the_first_view_has_every_node_with_what_it_draws_now(view: Seen) -> None:
    view.open("/")
    view.says(NODE, "#nodes")
    view.until("/^\\d+(\\.\\d+)? W$/.test(document.querySelector('.node .watts').innerText)")


def test_a_window_that_ended_is_listed_with_its_energy_and_unit(view: Seen) -> None:
    view.open("/")
    view.says("toy, trial 0", "#trials")
    assert " J" in view.page.inner_text("#trials tr:has-text('toy, trial 0')")


def test_a_nodes_power_goes_on_being_drawn_without_a_reload(view: Seen) -> None:
    view.open(f"/node/{NODE}")
    view.until("window.updates > 20")
    before = view.page.inner_text("#chart-words")
    view.until(f"document.querySelector('#chart-words').innerText !== {before!r} || window.updates > 60")
    assert "W" in view.page.inner_text("#now")


def test_a_longer_stretch_of_power_can_be_chosen(view: Seen) -> None:
    view.open(f"/node/{NODE}")
    view.page.check("input[name=window][value='10']")
    view.says("Last 10 s", "#chart-words")


def test_a_trial_shows_while_it_runs_and_is_listed_once_it_is_over(scene: Scene, view: Seen) -> None:
    view.open(f"/node/{NODE}")
    application = beside(lambda: scene.line.application("live-now", index=2))
    view.says("toy", "#running")
    view.until("/[1-9]\\d* images/.test(document.querySelector('#running').innerText)")
    view.until("/energy so far\\s+[1-9][\\d.]* J/.test(document.querySelector('#running').innerText)")
    beside(lambda: finish(application))
    view.says("toy, trial 2", "#trials")
    view.until("document.querySelector('#running').innerText.trim() === ''")


def test_a_trials_page_has_the_energy_of_its_result(view: Seen) -> None:
    view.open("/trial/live-0")
    view.until("document.body.dataset.shown")
    whole = view.page.inner_text("#head .sentence")
    assert "±" in whole
    assert whole.split(" (")[0] in view.page.inner_text("#selection .lead")


def test_a_stretch_chosen_by_keys_has_its_own_energy_with_a_budget(view: Seen) -> None:
    view.open("/trial/live-0")
    view.until("document.body.dataset.shown")
    whole = view.page.inner_text("#selection .lead strong")
    view.page.keyboard.press("+")
    view.until(f"document.querySelector('#selection .lead strong').innerText !== {whole!r}")
    part = view.page.inner_text("#selection .lead strong")
    assert float(part.split()[0]) < float(whole.split()[0])
    view.page.click("#selection summary")
    assert view.page.locator("#selection details tbody tr").count() > 1
    assert "from=" in view.page.url
    view.page.keyboard.press("0")
    view.until(f"document.querySelector('#selection .lead strong').innerText === {whole!r}")


def test_a_stretch_can_be_linked_to(view: Seen) -> None:
    view.open("/trial/live-0?from=0.5&to=1.5")
    view.until("document.body.dataset.shown")
    assert "1 s" in view.page.inner_text("#selection .facts")
    assert float(view.page.input_value("input[name=from]")) == 0.5


def test_a_stretch_can_be_dragged(view: Seen) -> None:
    view.open("/trial/live-0")
    view.until("document.body.dataset.shown")
    box = view.page.locator("#chart").bounding_box()
    assert box is not None
    view.page.mouse.move(box["x"] + 300, box["y"] + 150)
    view.page.mouse.down()
    view.page.mouse.move(box["x"] + 600, box["y"] + 160, steps=5)
    view.page.mouse.up()
    view.until("location.search.includes('from=')")
    view.until("Number(document.body.dataset.shown) > 1")
    assert "J" in view.page.inner_text("#selection .lead")


def test_two_figures_the_wrong_way_round_are_answered_in_words(view: Seen) -> None:
    view.open("/trial/live-0")
    view.until("document.body.dataset.shown")
    view.page.fill("input[name=from]", "2")
    view.page.fill("input[name=to]", "1")
    view.page.keyboard.press("Enter")
    view.says("the second above the first", "#selection")


def test_the_ranking_names_its_models_and_why_others_are_not_in_it(view: Seen) -> None:
    view.open("/ranking")
    view.says("toy", "#rankings")


def test_a_ranking_takes_another_order_while_it_is_looked_at(scene: Scene, view: Seen) -> None:
    models = "[...document.querySelectorAll('tbody th')].map((each) => each.firstChild.data).join()"
    view.open("/ranking/jetson-tx2/imagenet-1k")
    view.until(f"{models} === 'swift,slow'")
    view.page.evaluate(COUNT_MOVES)
    beside(lambda: scene.tell(ranking(900, 500)))
    view.until(f"{models} === 'slow,swift'")
    assert view.page.evaluate("window.moves") == 2
    view.says("slow and swift cannot be told apart", "#rankings")


def test_a_finding_stands_with_its_node_until_it_is_over(scene: Scene, view: Seen) -> None:
    view.open("/fleet")
    view.says("needs 12.0 % more energy", "#events")
    view.until(f"/ready\\s+regression\\s+outlier/.test({ROW_OF_CAMERA})")
    beside(lambda: scene.tell(OVER, SILENT))
    view.until(f"/silent\\s+outlier/.test({ROW_OF_CAMERA})")
    view.says("for 3.0 min", "#events")


def test_a_soak_test_goes_on_while_it_is_looked_at(scene: Scene, view: Seen) -> None:
    done = "document.querySelector('#soaks progress').value"
    view.open("/fleet")
    view.until(f"{done} === 30")
    view.says("drift of J per image 9.0 ± 2.0 %/day", "#soaks")
    beside(lambda: scene.keep(running_soak(0.6)))
    view.until(f"{done} === 60")


def test_the_fleet_has_the_nodes_state_and_a_ledger_that_closes(view: Seen) -> None:
    view.open("/fleet")
    view.says("ready", "#nodes")
    view.says("closes", "#summary")
    view.says("made = stored + dead + lost + spooled + missing", "#ledger")


def test_a_dead_letter_comes_with_its_reason_and_can_be_sent_again(scene: Scene, view: Seen) -> None:
    async def poison() -> None:
        from telemetry.runtime.address import Address
        from telemetry.runtime.mqtt import Link

        link = Link(Address.parse(scene.line.mqtt or ""), client_id="poison")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(link.run)
            await link.until_connected()
            await link.publish(f"e3p/v1/{NODE}/power/main", b"no map at all")
            await anyio.sleep(0.2)
            tasks.cancel_scope.cancel()

    view.open("/fleet")
    beside(poison)
    view.says("decode", "#letters")
    view.page.click("#letters button")
    view.says("still bad: decode", "#replayed")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (NOWHERE, "No node is called 'nobody'."),
        ("/trial/never", "There is no result of trial 'never'."),
        ("/ranking/tx9/nothing", "Nothing is ranked of tx9 with nothing."),
        (f"/node/{NODE}/window?begin=5&end=3", "the window ends at 3 ns"),
        (f"/node/{NODE}/window?begin=now", "a window has `begin` and `end`"),
        ("/what", "There is nothing at /what."),
    ],
)
def test_what_is_not_there_is_said_in_words(view: Seen, path: str, words: str) -> None:
    view.open(path)
    assert words in view.page.inner_text("main")


def test_a_window_without_data_says_so(view: Seen) -> None:
    view.open(f"/node/{NODE}/window?begin=1000000000&end=2000000000")
    view.until("document.querySelector('#selection-part').getAttribute('aria-busy') === 'false'")
    assert "no energy" in view.page.inner_text("#selection")


@pytest.mark.parametrize("path", PATHS)
def test_a_page_asks_no_other_host_and_complains_of_nothing(view: Seen, path: str) -> None:
    view.open(path)
    view.page.wait_for_timeout(1500)
    assert view.hosts <= {urlsplit(view.base).netloc, ""}
    assert [words for words in view.complaints if "404" not in words] == []


@pytest.mark.parametrize(("dark", "size"), LOOKS, ids=NAMES)
def test_nothing_stands_in_the_way_of_anybody(scene: Scene, browser: Browser, dark: bool, size: Any) -> None:
    with seen(browser, scene.base, dark=dark, size=size) as view:
        for path in PATHS:
            view.open(path)
            view.until("!document.querySelector('#line.quiet') || document.body.dataset.view === 'message'")
            view.until(STILL)
            found = Axe().run(view.page)
            assert found.violations_count == 0, f"{path}: {found.generate_report()}"
            wide = view.page.evaluate("document.documentElement.scrollWidth")
            assert wide <= size["width"], path


def test_the_whole_page_can_be_walked_by_keyboard(view: Seen) -> None:
    view.open("/")
    view.page.keyboard.press("Tab")
    assert view.page.evaluate("document.activeElement.className") == "skip"
    for _ in range(3):
        view.page.keyboard.press("Tab")
    assert view.page.evaluate("document.activeElement.innerText") == "Ranking"
    view.page.keyboard.press("Enter")
    view.page.wait_for_url("**/ranking")


def test_a_page_by_itself_shows_the_same_of_an_influxdb(
    scene: Scene, browser: Browser, influx: Influx
) -> None:
    url = influx.store(bucket := new_bucket("live"))

    async def begin() -> str:
        async with scene.line.opened() as held, opened_store(url, access=access(influx)) as other:
            await copy(held, other)
        scene.line.env["E3P_STORE_TOKEN"] = influx.token
        program = scene.line.run("live", "--port", "0", "--mqtt", scene.line.mqtt or "", "--store", url)
        await program.says(re.compile("ready mqtt="))
        return program.text.partition("page=")[2].split()[0]

    with seen(browser, beside(begin)) as view:
        view.open("/")
        view.says("toy, trial 0", "#trials")
        view.until("/\\d W$/.test(document.querySelector('.node .watts').innerText)")
        view.open(f"/node/{NODE}")
        view.until("window.updates > 20")
        view.open("/trial/live-0")
        view.until("document.body.dataset.shown")
        whole = view.page.inner_text("#head .sentence").split(" (")[0]
        assert whole in view.page.inner_text("#selection .lead")
        view.open("/fleet")
        view.says("made = stored + dead + lost + spooled + missing", "#ledger")
        view.says("nightly", "#soaks")
    drop_buckets(influx, bucket)
