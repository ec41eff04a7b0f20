"""Parameters and MACs counted by torch from timm's own models."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from analyzer.candidates import Candidate
from e3p.recounting import recounted
from telemetry.contract.errors import UserError

pytest.importorskip("timm")

VIT_TINY = Candidate(
    model="vit_tiny_patch16_224", top1_percent=75.0, params_m=5.717416, macs_g=1.2538, image_size=224
)


def told(*chosen: Candidate, python: str = sys.executable) -> object:
    return recounted(chosen, python)


def test_a_vision_transformer_has_the_parameters_and_macs_that_its_shape_implies() -> None:
    # 12 blocks of 197 tokens and width 192: 12·(12·192²·197 + 2·197²·192), the patches and the head.
    by_hand = 12 * (12 * 192**2 * 197 + 2 * 197**2 * 192) + 196 * 768 * 192 + 192 * 1000
    ([counted], failed) = told(VIT_TINY)  # type: ignore[misc]
    assert counted.macs_g * 1e9 == pytest.approx(by_hand, rel=1e-6)
    assert counted.attention_macs_g * 1e9 == pytest.approx(12 * 2 * 197**2 * 192, rel=1e-6)
    assert counted.params_m == pytest.approx(VIT_TINY.params_m)
    assert (counted.why, failed) == ((), [])


def test_a_model_that_timm_lacks_is_named_and_the_others_are_counted() -> None:
    unknown = Candidate(model="no_such_vit", top1_percent=80.0, params_m=5.0, macs_g=1.0)
    (found, [failed]) = told(unknown, VIT_TINY)  # type: ignore[misc]
    assert [each.model for each in found] == [VIT_TINY.model]
    assert failed.model == "no_such_vit"
    assert "Unknown model" in failed.error


def test_an_interpreter_that_is_none_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--python .*cannot be started"):
        told(VIT_TINY, python=str(tmp_path / "python"))
