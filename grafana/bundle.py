"""What is brought to a Grafana: the built dashboards and alert rules, read from the files beside this one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from telemetry.contract.errors import UserError

PROVISIONING = Path(__file__).parent / "provisioning"
SOURCE = "e3p-influxdb"
"""The data source that every query names, by its uid."""

Json = dict[str, Any]


class Bundle(NamedTuple):
    """Dashboards as Grafana stores them; groups of rules as its provisioning files have them."""

    dashboards: tuple[Json, ...]
    groups: tuple[Json, ...]

    def on(self, source: str) -> Bundle:
        """The same, with queries that go to another data source."""
        if source == SOURCE:
            return self
        dashboards, groups = _renamed([list(self.dashboards), list(self.groups)], {SOURCE: source})
        return Bundle(tuple(dashboards), tuple(groups))


def read_bundle(folder: Path = PROVISIONING) -> Bundle:
    """Everything that was built. Raises `UserError` where nothing was."""
    dashboards = [_read(path) for path in sorted((folder / "dashboards").rglob("*.json"))]
    files = [_read(path) for path in sorted((folder / "alerting").glob("*.json"))]
    groups = [group for file in files for group in file.get("groups", ())]
    if not dashboards and not groups:
        raise UserError(f"{folder}: neither dashboards nor alert rules there; e3p grafana build makes them")
    return Bundle(tuple(dashboards), tuple(groups))


def written(document: Json) -> str:
    """A document as its file has it."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _read(path: Path) -> Json:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: cannot be read ({error}); e3p grafana build makes it anew") from None
    if not isinstance(found, dict):
        raise UserError(f"{path}: one JSON object is expected; e3p grafana build makes it anew")
    return found


def _renamed(value: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - JSON of any shape
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, list):
        return [_renamed(each, names) for each in value]
    if isinstance(value, dict):
        return {key: _renamed(each, names) for key, each in value.items()}
    return value
