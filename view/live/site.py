"""The page's addresses: views that can be linked to, and what they ask for behind the scenes."""

from __future__ import annotations

import time
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from telemetry.contract.errors import UserError
from telemetry.store.interface import StoreUnavailable
from view.live import views, words
from view.live.charts import charts_folder
from view.live.paper import fill
from view.live.questions import Asked
from view.live.socket import Look, Page
from view.live.window import answered
from view.numbers import moment

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.requests import Request
    from starlette.websockets import WebSocket

    from telemetry.contract.documents import Result
    from view.live.hub import Hub
    from view.live.keeper import Keeper
    from view.live.metrics import Metrics
    from view.live.questions import Questions
    from view.live.views import Pieces

SCRIPTS = ("live.js", "power.js", "explorer.js", "colours.js")
ASSETS = {"live.css": "text/css", "report.css": "text/css"} | dict.fromkeys(SCRIPTS, "text/javascript")
MOST_PAGES = 64
POINTS = 2_000
FRESH_S = 0.4
MAIN = "main"
MADE_HERE = "x-e3p"
"""A header that a page of another host cannot send here: what changes something asks for it."""


class Site:
    """The views over a hub."""

    def __init__(self, hub: Hub, keeper: Keeper, questions: Questions, metrics: Metrics) -> None:
        self._hub = hub
        self._keeper = keeper
        self._questions = questions
        self._metrics = metrics
        self._pages = 0
        self._made: dict[tuple[str | None, ...], tuple[float, Pieces]] = {}

    def app(self) -> Starlette:
        """All addresses."""
        get = partial(Route, methods=["GET"])
        return Starlette(
            routes=[
                get("/", self._live),
                get("/node/{node}", self._node),
                get("/node/{node}/window", self._stretch),
                get("/trial/{trial:path}", self._trial),
                get("/ranking", self._ranking),
                get("/ranking/{device}/{dataset}", self._ranking),
                get("/fleet", self._fleet),
                get("/api/window", self._window),
                Route("/api/letters/{key}/replay", self._replay, methods=["POST"]),
                get("/live/{name}", _asset),
                Mount("/charts", StaticFiles(directory=charts_folder())),
                WebSocketRoute("/ws", self._socket),
            ],
            exception_handlers={404: self._nowhere},
        )

    async def _live(self, _: Request) -> Response:
        return self._page("live", Look(view="live"), "Live")

    async def _node(self, request: Request) -> Response:
        name = request.path_params["node"]
        held = self._hub.nodes.get(name)
        if held is None:
            return self._unknown_node(name)
        streams = sorted(held.streams)
        chosen = request.query_params.get("stream", held.lead_name or MAIN)
        more = {"streams": streams, "data": {"node": name, "stream": chosen}}
        return self._page("node", Look(view="node", node=name), name, **more)

    async def _ranking(self, request: Request) -> Response:
        device, dataset = request.path_params.get("device"), request.path_params.get("dataset")
        here = views.ranking_link(device, dataset) if device else None
        known = views.places(self._hub)
        if here and here not in dict(known):
            sentence = f"Nothing is ranked of {device} with {dataset}."
            return _message(404, "No such ranking", sentence, links=known, tab="ranking")
        look = Look(view="ranking", args=(device, dataset))
        data = {"device": device, "dataset": dataset} if device else {}
        return self._page("ranking", look, "Ranking", places=known, here=here, data=data)

    async def _fleet(self, _: Request) -> Response:
        return self._page("fleet", Look(view="fleet"), "Fleet")

    async def _trial(self, request: Request) -> Response:
        trial = request.path_params["trial"]
        found = [result for result in self._hub.results.values() if result.trial == trial]
        if not found:
            newest = words.newest((r for r in self._hub.results.values() if r.trial), 8)
            links = [(words.window_link(each), words.trial_row(each).title) for each in newest]
            sentence = f"There is no result of trial {trial!r}."
            right = "A trial has one as soon as it is over and all its frames have come."
            return _message(404, "No such trial", sentence, right, links=links)
        leading = min(found, key=lambda each: (not each.leads, each.source))
        heading = words.trial_row(leading).title
        return self._window_page(leading, heading, {"trial": trial})

    async def _stretch(self, request: Request) -> Response:
        """Any window of a node: of a result that is no trial, or one that somebody linked to."""
        name = request.path_params["node"]
        if name not in self._hub.nodes:
            return self._unknown_node(name)
        try:
            asked = _asked(name, request, self._hub.nodes[name].lead_name or MAIN)
        except UserError as wrong:
            return _message(400, "No such window", str(wrong))
        told = next((r for r in self._hub.results.values() if _is_of(r, asked)), None)
        if told is not None:
            return self._window_page(told, words.trial_row(told).title, {})
        data = _data(asked)
        return HTMLResponse(
            fill(
                "window",
                view="window",
                tab="live",
                title=name,
                heading=f"{name}, {moment(asked.begin)}",
                trial=None,
                data=data,
                pieces={"head": "", "siblings": ""},
            )
        )

    def _window_page(self, result: Result, heading: str, more: dict[str, str]) -> Response:
        asked = Asked(result.node, result.stream, result.begin, result.end)
        look = Look(view="window", node=result.node, args=(words.window_link(result), None))
        data = {**_data(asked), "link": words.window_link(result), **more}
        return self._page("window", look, heading, heading=heading, trial=result.trial, data=data)

    def _page(self, view: str, look: Look, title: str, **more: Any) -> Response:  # noqa: ANN401 - a template's
        tab = view if view in ("ranking", "fleet") else "live"
        facts = {"data": {}, **more, "view": view, "tab": tab, "title": title, "pieces": self._pieces(look)}
        return HTMLResponse(fill(view, **facts))

    def _pieces(self, look: Look) -> Pieces:
        """The pieces of a view; pages that look at the same share them."""
        key = (look.view, look.node, *look.args)
        now_s = time.monotonic()
        made_s, pieces = self._made.get(key, (0.0, {}))
        if now_s - made_s > FRESH_S or not pieces:
            pieces = self._make(look)
            self._made = {k: held for k, held in self._made.items() if now_s - held[0] < FRESH_S}
            self._made[key] = (now_s, pieces)
        return pieces

    def _make(self, look: Look) -> Pieces:
        now_ns = time.monotonic_ns()
        if look.view == "live":
            return views.live(self._hub, now_ns)
        if look.view == "node" and look.node in self._hub.nodes:
            return views.node(self._hub, look.node, now_ns)
        if look.view == "ranking":
            return views.ranking(self._hub, *look.args)
        if look.view == "fleet":
            self._keeper.look()
            return views.fleet(self._hub, self._keeper.books, now_ns)
        if look.view == "window":
            return views.window(self._hub, look.args[0])
        return {}

    async def _window(self, request: Request) -> Response:
        """A stretch for the eye and its energy, as JSON."""

        async def work() -> Response:
            asked = _asked(request.query_params.get("node", ""), request)
            told = await self._questions.window(asked, POINTS)
            return JSONResponse(answered(told, asked))

        return await _kindly(work)

    async def _replay(self, request: Request) -> Response:
        if MADE_HERE not in request.headers:
            return JSONResponse({"error": "only this page's own button may ask for that"}, 403)

        async def work() -> Response:
            done = await self._questions.replay(request.path_params["key"])
            await self._keeper.read_letters()
            said = "taken: it is stored now" if done.taken else f"still bad: {done.reason}"
            return JSONResponse({"taken": done.taken, "words": said})

        return await _kindly(work)

    async def _socket(self, socket: WebSocket) -> None:
        own = socket.headers.get("origin", "").partition("://")[2]
        if own != socket.headers.get("host") or self._pages >= MOST_PAGES:
            await socket.close(1013)
            return
        self._pages += 1
        try:
            await Page(socket, self._hub, self._pieces, self._metrics).run()
        finally:
            self._pages -= 1

    async def _nowhere(self, request: Request, _: Exception) -> Response:
        return _message(404, "No such page", f"There is nothing at {request.url.path}.")

    def _unknown_node(self, name: str) -> Response:
        known = [(f"/node/{each}", each) for each in sorted(self._hub.nodes)]
        right = "These nodes are known:" if known else "No node has been heard yet."
        return _message(404, "No such node", f"No node is called {name!r}.", right, links=known)


async def _asset(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in ASSETS:
        return Response(status_code=404)
    folder = files("view") / "templates" if name == "report.css" else files("view.live") / "assets"
    return Response(
        (folder / name).read_bytes(), media_type=ASSETS[name], headers={"cache-control": "no-cache"}
    )


async def _kindly(work: Callable[[], Awaitable[Response]]) -> Response:
    """What went wrong for reasons that a person can mend, in one line."""
    try:
        return await work()
    except UserError as wrong:
        return JSONResponse({"error": str(wrong)}, 404)
    except StoreUnavailable as away:
        return JSONResponse({"error": f"the store cannot be reached now: {away}"}, 503)


def _asked(node: str, request: Request, stream: str = MAIN) -> Asked:
    given = request.query_params
    try:
        begin, end = int(given["begin"]), int(given["end"])
    except (KeyError, ValueError):
        raise UserError("a window has `begin` and `end` in nanoseconds of the node's time") from None
    if end <= begin:
        raise UserError(f"the window ends at {end} ns, not after its begin at {begin} ns")
    return Asked(node, given.get("stream", stream), begin, end)


def _data(asked: Asked) -> dict[str, str]:
    return {name: str(value) for name, value in asked._asdict().items()}


def _is_of(result: Result, asked: Asked) -> bool:
    return (result.node, result.stream, result.begin, result.end) == asked


def _message(
    status: int,
    title: str,
    sentence: str,
    right: str | None = None,
    *,
    links: Sequence[tuple[str, str]] = (),
    tab: str = "live",
) -> Response:
    facts: dict[str, Any] = {
        "view": "message",
        "data": {},
        "title": title,
        "sentence": sentence,
        "right": right,
    }
    return HTMLResponse(fill("message", tab=tab, links=links, **facts), status)
