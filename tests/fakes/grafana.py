"""A Grafana as its HTTP interface is documented, as far as a push goes: in a thread, on a port of its own.

After https://grafana.com/docs/grafana/v11.6/developers/http_api/ (annotations, dashboard,
dashboard_versions, folder, data_source, alerting_provisioning): what is made, and what each status says.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
EDITOR, ADMIN, VIEWER = "glsa_editor", "glsa_admin", "glsa_viewer"
ROLES = {EDITOR: 2, ADMIN: 3, VIEWER: 1}


class FakeGrafana:
    """What it holds is there to be looked at and changed; `requests` are those that wrote."""

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.folders: dict[str, Json] = {}
        self.sources: dict[str, Json] = {}
        self.dashboards: dict[str, Json] = {}
        self.groups: dict[tuple[str, str], Json] = {}
        self.annotations: dict[int, Json] = {}
        self.requests: list[tuple[str, str]] = []
        self.failing: dict[str, tuple[int, object]] = {}
        """The answer to whatever asks below this path."""
        self.before_save: Callable[[], None] = lambda: None
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.prefix}"

    def __enter__(self) -> FakeGrafana:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *exception: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def save(self, model: Json, folder: str, message: str = "", by: str = "alice") -> None:
        """As somebody saves a dashboard in the browser: another version of it."""
        held = self.dashboards.get(model["uid"])
        version = held["model"]["version"] + 1 if held else 1
        number = held["model"]["id"] if held else len(self.dashboards) + 1
        self.dashboards[model["uid"]] = {
            "model": {**model, "id": number, "version": version},
            "folder": folder,
            "by": by,
            "messages": [message, *(held["messages"] if held else [])],
        }

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        runner = self._loop.run_until_complete(self._serve())
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()

    async def _serve(self) -> web.AppRunner:
        app = web.Application(middlewares=[self._admit])
        api = f"{self.prefix}/api"
        app.add_routes(
            [
                web.get(f"{api}/health", self._health),
                web.get(f"{api}/folders", self._all_folders),
                web.post(f"{api}/folders", self._make_folder),
                web.get(f"{api}/folders/{{uid}}", self._folder),
                web.get(f"{api}/datasources/uid/{{uid}}", self._source),
                web.post(f"{api}/datasources", self._make_source),
                web.put(f"{api}/datasources/uid/{{uid}}", self._change_source),
                web.get(f"{api}/dashboards/uid/{{uid}}", self._dashboard),
                web.get(f"{api}/dashboards/uid/{{uid}}/versions", self._versions),
                web.post(f"{api}/dashboards/db", self._save),
                web.get(f"{api}/annotations", self._find_annotations),
                web.post(f"{api}/annotations", self._annotate),
                web.patch(f"{api}/annotations/{{number}}", self._patch_annotation),
                web.get(f"{api}/v1/provisioning/folder/{{folder}}/rule-groups/{{group}}", self._group),
                web.put(f"{api}/v1/provisioning/folder/{{folder}}/rule-groups/{{group}}", self._save_group),
            ]
        )
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.port = runner.addresses[0][1]
        self._ready.set()
        return runner

    @web.middleware
    async def _admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        for path, (status, answer) in self.failing.items():
            if request.path.startswith(f"{self.prefix}{path}"):
                return web.json_response(answer, status=status) if isinstance(answer, dict) else _html(answer)
        if not request.path.endswith("/health"):
            role = ROLES.get(request.headers.get("Authorization", "").removeprefix("Bearer "), 0)
            if role == 0:
                return _says(401, "Invalid API key")
            if role < _needed(request):
                return _says(403, "You'll need additional permissions to perform this action.")
            if request.method != "GET":
                self.requests.append((request.method, request.path))
        return await handler(request)

    async def _health(self, request: web.Request) -> web.Response:
        return web.json_response({"commit": "abc", "database": "ok", "version": "11.6.0"})

    async def _all_folders(self, request: web.Request) -> web.Response:
        rows = [{"uid": each["uid"], "title": each["title"]} for each in self.folders.values()]
        return web.json_response(rows)

    async def _folder(self, request: web.Request) -> web.Response:
        held = self.folders.get(request.match_info["uid"])
        return web.json_response(held) if held else _says(404, "folder not found")

    async def _make_folder(self, request: web.Request) -> web.Response:
        said = await request.json()
        if said["uid"] in self.folders:
            return _says(409, "a folder with the same name already exists")
        self.folders[said["uid"]] = {**said, "id": len(self.folders) + 1, "canSave": True, "version": 1}
        return web.json_response(self.folders[said["uid"]])

    async def _source(self, request: web.Request) -> web.Response:
        held = self.sources.get(request.match_info["uid"])
        if held is None:
            return _says(404, "Data source not found")
        shown = {key: value for key, value in held.items() if key != "secureJsonData"}
        return web.json_response({**shown, "secureJsonFields": dict.fromkeys(held["secureJsonData"], True)})

    async def _make_source(self, request: web.Request) -> web.Response:
        said = await request.json()
        self.sources[said["uid"]] = {"basicAuth": False, **said, "id": 1}
        return web.json_response({"datasource": {}, "message": "Datasource added"})

    async def _change_source(self, request: web.Request) -> web.Response:
        self.sources[request.match_info["uid"]] = {"basicAuth": False, **await request.json(), "id": 1}
        return web.json_response({"datasource": {}, "message": "Datasource updated"})

    async def _dashboard(self, request: web.Request) -> web.Response:
        held = self.dashboards.get(request.match_info["uid"])
        if held is None:
            return _says(404, "Dashboard not found")
        meta = {"folderUid": held["folder"], "updatedBy": held["by"], "provisioned": held.get("file", False)}
        return web.json_response({"dashboard": held["model"], "meta": meta})

    async def _versions(self, request: web.Request) -> web.Response:
        held = self.dashboards[request.match_info["uid"]]
        rows = [{"message": words, "createdBy": held["by"]} for words in held["messages"]]
        return web.json_response(
            {"continueToken": "", "versions": rows[: int(request.query.get("limit", 10))]}
        )

    async def _save(self, request: web.Request) -> web.Response:
        self.before_save()
        said = await request.json()
        model, held = said["dashboard"], self.dashboards.get(said["dashboard"]["uid"])
        if said["folderUid"] not in self.folders:
            return _says(400, "folder not found")
        if held is not None and not said["overwrite"]:
            if "id" not in model:
                words = "A dashboard with the same uid already exists"
                return _says(412, words, status="name-exists")
            if model.get("version") != held["model"]["version"]:
                words = "The dashboard has been changed by someone else"
                return _says(412, words, status="version-mismatch")
        self.save(model, said["folderUid"], said["message"], by="sa-1-e3p")
        return web.json_response({"status": "success", "uid": model["uid"]})

    async def _find_annotations(self, request: web.Request) -> web.Response:
        """Those with all of the tags."""
        tags = set(request.query.getall("tags"))
        rows = [{"id": each, **held} for each, held in self.annotations.items() if tags <= set(held["tags"])]
        return web.json_response(rows[: int(request.query["limit"])])

    async def _annotate(self, request: web.Request) -> web.Response:
        number = len(self.annotations) + 1
        self.annotations[number] = await request.json()
        return web.json_response({"message": "Annotation added", "id": number})

    async def _patch_annotation(self, request: web.Request) -> web.Response:
        self.annotations[int(request.match_info["number"])].update(await request.json())
        return web.json_response({"message": "Annotation patched"})

    async def _group(self, request: web.Request) -> web.Response:
        held = self.groups.get((request.match_info["folder"], request.match_info["group"]))
        return web.json_response(held) if held else web.Response(status=404)

    async def _save_group(self, request: web.Request) -> web.Response:
        """A rule comes back with what Grafana adds to it."""
        folder, title = request.match_info["folder"], request.match_info["group"]
        said = await request.json()
        added = {"id": 7, "updated": "2026-01-01T00:00:00Z", "provenance": "api", "record": None}
        rules = [
            {**rule, **added, "data": [_prepared(each) for each in rule["data"]]} for rule in said["rules"]
        ]
        self.groups[folder, title] = {**said, "title": title, "folderUid": folder, "rules": rules}
        return web.json_response(said)


def _needed(request: web.Request) -> int:
    """Whose role a request needs, as in Grafana without Enterprise: data sources are an Admin's."""
    if "/api/datasources" in request.path:
        return 3
    return 1 if request.method == "GET" else 2


def _prepared(query: Json) -> Json:
    model = {"intervalMs": 1000, "maxDataPoints": 43200, **query["model"]}
    return {"queryType": "", **query, "model": model}


def _says(code: int, words: str, **more: str) -> web.Response:
    return web.json_response({"message": words, **more}, status=code)


def _html(text: object) -> web.Response:
    return web.Response(text=str(text), content_type="text/html")


def copy_of(model: Json) -> Json:
    """A dashboard that a test may change."""
    copied: Json = json.loads(json.dumps(model))
    return copied
