"""Fake machines whose files a test may change."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.nvml import FakeGpu, FakeNvml, Put

MACHINES = Path(__file__).parents[2] / "data" / "sys"


@pytest.fixture
def machine(tmp_path: Path) -> Callable[[str], Path]:
    """A copy of the fake machine of that name: the folder that stands for `/`."""

    def copied(name: str) -> Path:
        return Path(shutil.copytree(MACHINES / name, tmp_path / name))

    return copied


@pytest.fixture
def put(monkeypatch: pytest.MonkeyPatch) -> Put:
    """Puts GPUs into this machine."""

    def gpus(*gpus: FakeGpu, **more: object) -> FakeNvml:
        library = FakeNvml(*gpus, **more)
        monkeypatch.setitem(sys.modules, "pynvml", library)
        return library

    return gpus
