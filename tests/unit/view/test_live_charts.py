from __future__ import annotations

import re

from view.live.charts import charts_folder


def test_the_installed_nicegui_brings_echarts_as_one_module_with_what_it_needs() -> None:
    folder = charts_folder()
    entry = (folder / "index.js").read_text(encoding="utf-8")
    assert "as echarts" in entry
    needed = re.findall(r'from"\./([^"]+)"', entry)
    assert needed
    assert all((folder / name).is_file() for name in needed)
