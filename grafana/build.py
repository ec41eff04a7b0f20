"""Every file that Grafana is provisioned with, made from what is said in this package."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from grafana import alerts
from grafana.bundle import PROVISIONING, written
from grafana.catalogue import DASHBOARDS
from telemetry.contract.errors import UserError

PROVIDER = """\
# Where Grafana finds the dashboards; made by `e3p grafana build`.
apiVersion: 1
providers:
  - name: e3p
    folder: e3p
    type: file
    disableDeletion: true
    allowUiUpdates: false
    options:
      path: /etc/grafana/provisioning/dashboards
"""
SDK = "grafana_foundation_sdk"


def files() -> dict[str, str]:
    """The text of each file, by its place below `provisioning`. Raises `UserError` without the SDK."""
    if importlib.util.find_spec(SDK) is None:
        raise UserError(
            'dashboards are built with Python 3.11 or newer and pip install "e3p-fleet[grafana]"; '
            "the built ones are part of e3p"
        )
    from grafana.sdk import rendered  # noqa: PLC0415 - it cannot be imported on Python 3.10

    made = {"dashboards/e3p.yml": PROVIDER}
    for dashboard in DASHBOARDS:
        others = tuple(other for other in DASHBOARDS if other is not dashboard)
        made[f"dashboards/{dashboard.uid}.json"] = written(rendered(dashboard, others))
    return made | {place: written(document) for place, document in alerts.files().items()}


def write(folder: Path = PROVISIONING) -> list[Path]:
    """Writes what differs; what was written."""
    changed = []
    for place, text in files().items():
        path = folder / place
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            changed.append(path)
    return changed
