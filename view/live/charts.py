"""ECharts, as the installed nicegui brings it: nothing is fetched from another host."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from telemetry.contract.errors import UserError


def charts_folder() -> Path:
    """The folder with ECharts' module `index.js`. nicegui itself is not loaded. Raises `UserError`."""
    spec = find_spec("nicegui")
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent / "elements" / "echart" / "dist"
        if (folder / "index.js").is_file():
            return folder
    raise UserError('the live page needs ECharts, which nicegui 3 brings: pip install "e3p-fleet[live]"')
