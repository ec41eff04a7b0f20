"""Fake machines whose files a test may change."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

MACHINES = Path(__file__).parents[2] / "data" / "sys"


@pytest.fixture
def machine(tmp_path: Path) -> Callable[[str], Path]:
    """A copy of the fake machine of that name: the folder that stands for `/`."""

    def copied(name: str) -> Path:
        return Path(shutil.copytree(MACHINES / name, tmp_path / name))

    return copied
