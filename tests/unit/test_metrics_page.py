from __future__ import annotations

from pathlib import Path

from e3p.metrics_page import page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"


def test_the_page_of_metrics_is_fresh() -> None:
    assert PAGE.read_text() == page(), "python -m e3p.metrics_page > docs/metrics.md"
