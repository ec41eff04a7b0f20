"""Bringing what was built to a Grafana that is there already: first what would change, then that.

A second push finds everything as it is. What a person saved over a pushed dashboard is kept and said, and
alert rules that a person added to the group stay in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from grafana.bundle import Bundle, Json
from grafana.site import NotAllowed, Site
from telemetry.contract.errors import UserError

MESSAGE = "e3p grafana push"
"""How a version of a dashboard says that it is ours."""
OURS = "e3p-"
"""How the uids of our alert rules begin."""

Action = Literal["create", "update", "unchanged", "kept"]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What becomes of one thing; `kept`: a person changed it there, and it stays as it is."""

    what: str
    name: str
    action: Action
    words: str = ""


class Step(NamedTuple):
    """A change, and how it is made; None where nothing is to be done."""

    change: Change
    act: Callable[[], None] | None = None


class Asked(NamedTuple):
    """The folder's name; the uid of the data source, and itself where it is to be made; whether ours wins."""

    folder: str
    source_uid: str
    source: Json | None = None
    overwrite: bool = False


def plan(site: Site, bundle: Bundle, asked: Asked) -> list[Step]:
    """What a push would do. It only reads."""
    folder, uid = _folder(site, asked.folder)
    steps = [folder, _source(site, asked)]
    bundle = bundle.on(asked.source_uid)
    steps += [_dashboard(site, model, uid, overwrite=asked.overwrite) for model in bundle.dashboards]
    steps += [_group(site, group, uid) for group in bundle.groups]
    return steps


def carry_out(steps: Iterable[Step], tell: Callable[[Change], None]) -> None:
    """Does what is to be done, in order, and tells each once it is done. Raises what `Site` does."""
    for step in steps:
        if step.act is not None:
            step.act()
        tell(step.change)


def _folder(site: Site, title: str) -> tuple[Step, str]:
    """By its title, else the one that an earlier push made and a person renamed, else a new one."""
    uid = folder_uid(title)
    named = next((each["uid"] for each in site.folders() if each["title"] == title), uid)
    held = site.folder(named)
    if held is None:
        made = Change(what="folder", name=title, action="create")
        return Step(made, lambda: site.make_folder(title, uid)), uid
    if held.get("canSave") is False:
        right = "give its service account the role Editor, or the right to edit this folder"
        raise UserError(f"{site.url}: this token may not save into the folder {held['title']!r}; {right}")
    return Step(Change(what="folder", name=held["title"], action="unchanged")), named


def _source(site: Site, asked: Asked) -> Step:
    """An Editor's token may not read data sources: then it is the person's word that it is there."""
    name = asked.source_uid
    if asked.source is None:
        try:
            held = site.source(name)
        except NotAllowed:
            words = "not looked at: this token may not read data sources"
            return Step(Change(what="data source", name=name, action="unchanged", words=words))
        if held is None:
            right = "--with-data-source makes it from the store's settings, --data-source UID names another"
            raise UserError(f"{site.url}: no data source {name!r} there; {right}")
        return Step(Change(what="data source", name=name, action="unchanged"))
    wanted, held = asked.source, site.source(name)
    same = held is not None and contains(held, {k: v for k, v in wanted.items() if k != "secureJsonData"})
    if held is not None and same and held.get("secureJsonFields", {}).get("token") and not asked.overwrite:
        return Step(Change(what="data source", name=name, action="unchanged"))
    change = Change(what="data source", name=name, action="create" if held is None else "update")
    return Step(change, lambda: site.save_source(wanted, new=held is None))


def _dashboard(site: Site, model: Json, folder: str, *, overwrite: bool) -> Step:
    uid, title = model["uid"], model["title"]
    held = site.dashboard(uid)
    if held is None:
        change = Change(what="dashboard", name=title, action="create")
        return Step(change, lambda: site.save_dashboard(_plain(model), folder, MESSAGE))
    if held.meta.get("provisioned"):
        words = "comes from a provisioned file there, which only who runs that Grafana can change"
        raise UserError(f"{site.url}: the dashboard {title!r} {words}")
    if _plain(held.model) == _plain(model) and held.meta.get("folderUid") == folder:
        return Step(Change(what="dashboard", name=title, action="unchanged"))
    if not overwrite and not site.last_message(uid).startswith(MESSAGE):
        who = held.meta.get("updatedBy") or "somebody"
        words = f"changed there by {who} (version {held.model.get('version')}); --overwrite takes ours"
        return Step(Change(what="dashboard", name=title, action="kept", words=words))
    over = {**_plain(model), "id": held.model["id"], "version": held.model["version"]}
    change = Change(what="dashboard", name=title, action="update")
    return Step(change, lambda: site.save_dashboard(over, folder, MESSAGE))


def _group(site: Site, group: Json, folder: str) -> Step:
    wanted = as_rule_group(group, folder)
    title, held = wanted["title"], site.group(folder, wanted["title"])
    if held is None or not held.get("rules"):
        words = f"{len(wanted['rules'])} rules"
        change = Change(what="alert rules", name=title, action="create", words=words)
        return Step(change, lambda: site.save_group(folder, wanted))
    theirs = [rule for rule in held["rules"] if not str(rule["uid"]).startswith(OURS)]
    before = {rule["uid"]: rule for rule in held["rules"]}
    changed = [rule["title"] for rule in wanted["rules"] if not contains(before.get(rule["uid"]), rule)]
    gone = before.keys() - {rule["uid"] for rule in [*wanted["rules"], *theirs]}
    if not changed and not gone and held.get("interval") == wanted["interval"]:
        return Step(Change(what="alert rules", name=title, action="unchanged"))
    changed += [f"{before[uid]['title']} (removed)" for uid in sorted(gone)]
    change = Change(what="alert rules", name=title, action="update", words=", ".join(changed))
    return Step(change, lambda: site.save_group(folder, {**wanted, "rules": [*wanted["rules"], *theirs]}))


def folder_uid(title: str) -> str:
    """The uid of a folder that a push makes: of 1-40 signs that Grafana takes."""
    return f"e3p-{re.sub(r'[^a-zA-Z0-9_-]+', '-', title)}"[:40]


def as_rule_group(group: Json, folder: str) -> Json:
    """A group of a provisioning file as the interface takes it."""
    rules = [_as_rule(rule, group["name"], folder) for rule in group["rules"]]
    interval = {"s": 1, "m": 60, "h": 3_600}[group["interval"][-1]] * int(group["interval"][:-1])
    return {"title": group["name"], "folderUid": folder, "interval": interval, "rules": rules}


def _as_rule(rule: Json, group: str, folder: str) -> Json:
    """The link to a panel is an annotation there."""
    kept = {key: value for key, value in rule.items() if key not in ("dashboardUid", "panelId")}
    links = {"dashboardUid": "__dashboardUid__", "panelId": "__panelId__"}
    linked = {links[key]: str(rule[key]) for key in links if key in rule}
    place = {"folderUID": folder, "ruleGroup": group, "orgID": 1}
    return {**kept, **place, "annotations": {**rule.get("annotations", {}), **linked}}


def contains(held: Any, wanted: Any) -> bool:  # noqa: ANN401 - JSON of any shape
    """Whether all that is wanted is held: Grafana adds fields of its own to what it was given."""
    if isinstance(wanted, dict):
        return isinstance(held, dict) and all(contains(held.get(key), wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        pairs = zip(held, wanted, strict=False) if isinstance(held, list) else ()
        return isinstance(held, list) and len(held) == len(wanted) and all(contains(*pair) for pair in pairs)
    return bool(held == wanted)


def _plain(model: Json) -> Json:
    """A dashboard without what each Grafana numbers for itself."""
    return {key: value for key, value in model.items() if key not in ("id", "version", "iteration")}


def refused(changes: Sequence[Change]) -> bool:
    """Whether something was kept from us."""
    return any(change.action == "kept" for change in changes)
