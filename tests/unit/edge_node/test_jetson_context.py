"""What a Jetson is set to and what it runs, from its files and from jetson-stats."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_node import jetson_context, jtop
from edge_node.context import read_context, read_device
from edge_node.jtop import Told

MACHINES = Path(__file__).parents[2] / "data" / "sys"
FAKE = """
class jtop:
    board = {"hardware": {"Module": "NVIDIA Jetson Orin NX (16GB ram)", "Jetpack": "5.1.2", "L4T": "35.4.1"}}
    nvpmodel = "MAXN"
    def __enter__(self):
        return self
    def __exit__(self, *_):
        pass
"""


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file that a test writes to stand for the package."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=":")
    jtop.ask.cache_clear()
    yield tmp_path / "jtop.py"
    jtop.ask.cache_clear()
    sys.modules.pop("jtop", None)


@pytest.mark.parametrize(
    ("machine", "mode", "jetpack"),
    [
        ("jetson-agx-xavier", "nvpmodel-2 MODE_15W_DESKTOP", "JetPack 5.1.2 (L4T 35.4.1)"),
        ("jetson-orin-nano", "nvpmodel-1 25W", "JetPack 6.2 (L4T 36.4.3)"),
        ("jetson-orin-nx", None, "JetPack 5.1.2 (L4T 35.4.1)"),
        ("rapl-laptop", None, None),
    ],
)
def test_a_jetsons_files_tell_its_power_mode_and_jetpack(
    machine: str, mode: str | None, jetpack: str | None
) -> None:
    assert jetson_context.power_mode(MACHINES / machine) == mode
    assert jetson_context.jetpack(MACHINES / machine) == jetpack


@pytest.mark.parametrize(
    ("machine", "kind"),
    [
        ("jetson-agx-xavier", "jetson-agx-xavier"),
        ("jetson-orin-nx", "jetson-orin-nano-nx"),
        ("jetson-orin-nano", "jetson-orin-nano-nx"),
        ("jetson-tx2", "jetson-tx2"),
    ],
)
def test_each_board_has_its_kind(machine: str, kind: str) -> None:
    assert read_device(MACHINES / machine).kind == kind


def test_a_release_that_is_newer_than_this_program_is_told_by_its_number(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/nv_tegra_release").write_text("# R99 (release), REVISION: 1.2, GCID: 1\n")
    assert jetson_context.jetpack(tmp_path) == "L4T 99.1.2"


def test_jetson_stats_tells_the_module(put: Path) -> None:
    put.write_text(FAKE)
    told = Told(module="NVIDIA Jetson Orin NX (16GB ram)", jetpack="5.1.2", power_mode="MAXN")
    assert jtop.ask() == told
    assert read_device(MACHINES / "jetson-orin-nx", told).model == told.module


@pytest.mark.parametrize(
    "source",
    [
        "raise ImportError('smbus2')",
        "class jtop:\n    def __init__(self):\n        raise OSError('no service')",
    ],
)
def test_a_package_that_fails_tells_nothing(put: Path, source: str) -> None:
    put.write_text(source)
    assert jtop.ask() == Told()


def test_a_service_that_hangs_is_left_behind(put: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put.write_text("import time\ntime.sleep(60)")
    monkeypatch.setattr(jtop, "WITHIN_S", 0.5)
    assert jtop.ask() == Told()


def test_without_the_package_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    jtop.ask.cache_clear()
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("asked"))
    assert jtop.ask() == Told()


def test_another_machines_tree_is_never_mixed_with_this_machines_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jtop, "ask", lambda: pytest.fail("asked"))
    assert read_context((), MACHINES / "jetson-orin-nx").jetpack == "JetPack 5.1.2 (L4T 35.4.1)"
