"""What is wrong with built dashboards: names that the store does not write, silent panels, stale files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from grafana.build import files
from grafana.bundle import Json, read_bundle
from telemetry.store.influx.catalogue import HOLDINGS, Holding

MEASUREMENT = re.compile(r'_measurement == "([^"]+)"')
FIELD = re.compile(r'_field == "([^"]+)"')
FAMILY = re.compile(r"_field =~ /\^([^/]*)/")
COLUMN = re.compile(r"\br\.(?!_)(\w+)")
MADE = re.compile(r"[{,(]\s*(?:r with )?(\w+)\s*:")
RENAMED = re.compile(r'rename\(columns: \{\w+: "(\w+)"\}\)')
PARAMETERS = frozenset({"fn", "every", "column", "columns", "on", "tables", "key", "value"})
LEAST_WORDS = 20
LEAST_SPAN = 6
"""Of 24: narrower than a quarter nothing can be read."""


def faults(folder: Path) -> Iterator[str]:
    """One line for each fault of the files in a folder. Raises `UserError` for what is no JSON."""
    yield from _stale(folder)
    for dashboard in read_bundle(folder).dashboards:
        yield from of_dashboard(dashboard)


def of_dashboard(dashboard: Json) -> Iterator[str]:
    """The faults of one dashboard."""
    name = dashboard.get("title", "a dashboard without a title")
    yield from (f"{name}: {words}" for words in _shape(dashboard))
    for each in (*_variables(dashboard), *_notes(dashboard)):
        yield from (f"{name}, {each[0]}: {words}" for words in of_query(each[1]))
    for panel in dashboard.get("panels", ()):
        where = f"{name}, panel {panel.get('title')!r}"
        yield from (f"{where}: {words}" for words in of_panel(panel))


def of_panel(panel: Json) -> Iterator[str]:
    """A panel says what it shows, in which unit, and why there may be nothing; and asks for what there is."""
    defaults = panel.get("fieldConfig", {}).get("defaults", {})
    if not defaults.get("unit"):
        yield "it has no unit"
    if len(panel.get("description") or "") < LEAST_WORDS:
        yield "its description does not say what it shows"
    if len(defaults.get("noValue") or "") < LEAST_WORDS:
        yield "it does not say why there may be no data"
    if panel.get("gridPos", {}).get("w", 0) < LEAST_SPAN:
        yield f"it is narrower than {LEAST_SPAN} of 24"
    if "labels.boot" in str(defaults.get("displayName")):
        yield "its legend names the boot"
    queries = [target.get("query", "") for target in panel.get("targets", ())]
    if not queries:
        yield "it asks for nothing"
    for query in queries:
        yield from of_query(query)
        if panel.get("type") == "timeseries":
            yield from _over_time(query)


def of_query(query: str) -> Iterator[str]:
    """Names that the store does not write."""
    asked = MEASUREMENT.findall(query)
    holdings = [HOLDINGS[name] for name in asked if name in HOLDINGS]
    yield from (f"the store has no measurement {name!r}" for name in asked if name not in HOLDINGS)
    if not holdings:
        yield "it asks for no measurement of the store"
        return
    made = {*MADE.findall(query), *RENAMED.findall(query)} - PARAMETERS
    for name in dict.fromkeys((*FIELD.findall(query), *FAMILY.findall(query))):
        if name not in made and not _anywhere(holdings, name):
            yield f"the store has no field {name!r} in {', '.join(dict.fromkeys(asked))}"
    tags = {tag for holding in holdings for tag in holding.tags}
    for name in dict.fromkeys(COLUMN.findall(query)):
        if name not in tags | made and not _anywhere(holdings, name):
            yield f"the store has no tag or field {name!r} in {', '.join(dict.fromkeys(asked))}"


def _anywhere(holdings: list[Holding], name: str) -> bool:
    return any(holding.has(name) or name in holding.families for holding in holdings)


def _over_time(query: str) -> Iterator[str]:
    """Raw power may be a thousand points a second: it is folded by the panel's width, and no peak is lost."""
    if re.search(r'_measurement == "power(_1[sm])?"', query):
        if "v.windowPeriod" not in query:
            yield "power is asked for without the window period"
        if not ("fn: min" in query and "fn: max" in query):
            yield "power is asked for without its minimum and maximum"
    kept = re.findall(r"\|> (?:keep|group)\(columns: \[([^\]]*)\]", query)
    if any('"boot"' in columns for columns in kept[-1:]):
        yield "its series are told apart by their boot"


def _shape(dashboard: Json) -> Iterator[str]:
    """Whether the SDK's types hold all of it; it has no type for the query of an annotation."""
    from grafana.sdk import read_back  # noqa: PLC0415 - it cannot be imported on Python 3.10

    try:
        back = read_back(dashboard)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        yield f"it is no dashboard to the SDK: {type(error).__name__} {error}"
        return
    lost = [key for key in dashboard if key != "annotations" and back.get(key) != dashboard[key]]
    yield from (f"the SDK's types do not hold its {key}" for key in lost)


def _variables(dashboard: Json) -> Iterator[tuple[str, str]]:
    for each in dashboard.get("templating", {}).get("list", ()):
        yield f"variable {each.get('name')!r}", each.get("query", {}).get("query", "")


def _notes(dashboard: Json) -> Iterator[tuple[str, str]]:
    for each in dashboard.get("annotations", {}).get("list", ()):
        yield f"annotation {each.get('name')!r}", each.get("target", {}).get("query", "")


def _stale(folder: Path) -> Iterator[str]:
    made = files()
    for place, text in made.items():
        path = folder / place
        if not path.is_file():
            yield f"{path}: missing; e3p grafana build makes it"
        elif path.read_text(encoding="utf-8") != text:
            yield f"{path}: not what this e3p builds; e3p grafana build makes it anew"
    for path in sorted((folder / "dashboards").glob("*.json")):
        if f"dashboards/{path.name}" not in made:
            yield f"{path}: this e3p builds no such dashboard"
