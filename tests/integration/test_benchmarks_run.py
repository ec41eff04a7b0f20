from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from benchmarks import agent
from benchmarks.__main__ import BENCHMARKS, Report, load, main
from benchmarks.harness import Effort, LeftOut
from tests.servers import missing_server

SIGNED = {"memory.slope", "scale.slope"}  # memory may shrink
OR_NONE = {f"agent.{kind}_{rate}" for kind in ("late_p50", "missed") for rate in agent.RATES}
OR_NONE |= {"scale.missing", "live.missing", "live.late"}


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_gives_the_figures_that_it_names(name: str) -> None:
    benchmark = load(name)
    try:
        figures = benchmark.run(Effort(quick=True))
    except LeftOut as words:
        missing_server(str(words))
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


def test_runs_of_single_benchmarks_become_one_page(tmp_path: Path) -> None:
    disk, spool = tmp_path / "disk.json", tmp_path / "spool.json"
    joined, page = tmp_path / "joined.json", tmp_path / "page.md"
    assert main(["--quick", "--only", "disk", "--json", str(disk)]) == 0
    assert main(["--quick", "--only", "spool", "--json", str(spool)]) == 0
    reads = ["--read", str(spool), "--read", str(disk)]
    assert main([*reads, "--json", str(joined), "--write", str(page)]) == 0
    runs = [msgspec.json.decode(file.read_bytes(), type=Report) for file in (spool, disk, joined)]
    assert runs[2].figures == [*runs[0].figures, *runs[1].figures]
    assert runs[1].command in runs[2].command
    headings = [line for line in page.read_text().splitlines() if line.startswith("## ")]
    assert headings == ["## spool", "## disk"]
