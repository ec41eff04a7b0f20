"""What is wrong with a run and shows without torch is told before torch is loaded: here it cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.running import SPEC, run_runner

MODELS = """
default_cfgs = {'tiny_one.in1k': _cfg()}

@register_model
def tiny_one(**how):
    return None
"""


@pytest.fixture
def without_torch(tmp_path: Path) -> dict[str, str]:
    """An interpreter whose timm shows its source, and whose torch ends everything."""
    models = tmp_path / "installed" / "timm" / "models"
    models.mkdir(parents=True)
    (models.parent / "__init__.py").write_text("")
    (models / "tiny.py").write_text(MODELS)
    (tmp_path / "installed" / "torch.py").write_text("raise SystemExit('torch was loaded')\n")
    return {"PYTHONPATH": str(tmp_path / "installed")}


@pytest.mark.parametrize(
    ("wrong", "what", "right"),
    [
        ({"models": ["tiny_won"]}, "timm has no model 'tiny_won'", "tiny_one"),
        ({"models": ["tiny_won.in1k"]}, "timm has no model 'tiny_won.in1k'", "tiny_one.in1k"),
        ({"batch_size": 11}, "a batch of 11 cannot come from 10 images", "at most 10"),
        ({"images_dir": "/nowhere"}, "there is no such folder", "a folder with images"),
        ({"checkpoint": "/nowhere.safetensors"}, "it cannot be read: No such file", "a safetensors file"),
    ],
)
def test_it_is_refused_before_torch_is_loaded(
    tmp_path: Path, without_torch: dict[str, str], wrong: dict[str, Any], what: str, right: str
) -> None:
    done = run_runner(tmp_path, {**SPEC, **wrong}, **without_torch)
    assert done.code == 2
    assert done.event("error")["what"].startswith(what)
    assert right in done.event("error")["right"]
    assert "torch was loaded" not in done.errors


@pytest.mark.parametrize(
    "goes_on", [{"goes_on": True, "models": ["tiny_won"]}, {"module": "own.py", "models": ["own"]}]
)
def test_what_may_be_left_out_or_registered_is_looked_at_later(
    tmp_path: Path, without_torch: dict[str, str], goes_on: dict[str, Any]
) -> None:
    done = run_runner(tmp_path, {**SPEC, **goes_on}, **without_torch)
    assert "torch was loaded" in done.errors
