from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from benchmarks.__main__ import BENCHMARKS, Report, load, main
from benchmarks.harness import Effort

SIGNED = {"memory.slope"}  # memory may shrink
OR_NONE = {"agent.late_p50_200", "agent.late_p50_1k", "agent.missed_200", "agent.missed_1k"}


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_gives_the_figures_that_it_names(name: str) -> None:
    benchmark = load(name)
    figures = benchmark.run(Effort(quick=True))
    assert tuple(figure.name for figure in figures) == benchmark.NAMES
    for figure in figures:
        assert figure.value > 0 or figure.name in SIGNED or (figure.value == 0 and figure.name in OR_NONE)
        assert figure.other is None or figure.other > 0


def test_the_command_writes_the_figures_and_the_page(tmp_path: Path) -> None:
    document, page = tmp_path / "figures.json", tmp_path / "page.md"
    assert main(["--quick", "--only", "disk", "--json", str(document), "--write", str(page)]) == 0
    report = msgspec.json.decode(document.read_bytes(), type=Report)
    assert [figure.name for figure in report.figures] == ["disk.bytes"]
    assert report.machine.cores > 0
    assert "## disk" in page.read_text(encoding="utf-8")
