from __future__ import annotations

from pathlib import Path

import pytest

from e3p.published import accuracy_refs, candidates, netscores, published
from telemetry.contract.errors import UserError

HEADER = "timm_name,top1_imagenet1k,params_m,gmacs"
VIT_S = "vit_small_patch16_224.augreg_in21k_ft_in1k"


def table(folder: Path, *lines: str) -> Path:
    file = folder / "mine.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def refusal(folder: Path, *lines: str) -> str:
    with pytest.raises(UserError) as caught:
        candidates(table(folder, *lines))
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder) in message
    return message


def test_the_packaged_table_has_404_candidates() -> None:
    assert len(candidates()) == 404


def test_a_table_of_ones_own_needs_four_columns_in_any_order(tmp_path: Path) -> None:
    file = table(tmp_path, "gmacs,note,top1,model,params_m", "0.66,fast,79.86,mine,10.95")
    (only,) = candidates(file)
    assert (only.model, only.top1_percent, only.params_m, only.macs_g) == ("mine", 79.86, 10.95, 0.66)
    assert (only.distilled, only.image_size) == (None, None)


def test_a_byte_order_mark_does_not_hide_the_first_column(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(f"{HEADER}\nmine,80,10,1\n", encoding="utf-8-sig")
    assert candidates(file)[0].model == "mine"


def test_missing_columns_are_named_with_what_they_hold(tmp_path: Path) -> None:
    words = refusal(tmp_path, "model,accuracy,params_m", "mine,80,10")
    assert "no column top1_imagenet1k (Top-1 accuracy in percent), gmacs" in words
    assert "it has model, accuracy, params_m" in words


def test_a_column_of_flops_is_no_column_of_macs(tmp_path: Path) -> None:
    assert "1 MAC is 2 FLOPs" in refusal(tmp_path, "model,top1,params_m,gflops", "mine,80,10,9.2")


def test_flops_under_the_name_of_macs_are_found_by_what_is_published(tmp_path: Path) -> None:
    words = refusal(tmp_path, HEADER, f"{VIT_S},81.4,22.05,9.22")
    assert "the MACs are twice those of" in words
    assert "1 MAC is 2 of them" in words


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (f"{VIT_S},0.814,22.05,4.61", "looks like a fraction; percent is expected"),
        (f"{VIT_S},814,22.05,4.61", "percent up to 100 is expected"),
        (f"{VIT_S},81.4,22050000,4.61", "divide it by 1e6"),
        (f"{VIT_S},81.4,22.05,4610000000", "divide MACs by 1e9, FLOPs by 2e9"),
        (f"{VIT_S},81.4,22.05,9220000000", "divide MACs by 1e9, FLOPs by 2e9"),
        ("mine,81.4,22.05,4610", "look like millions"),
        ("mine,81.4,2205,0.00461", "fewer than one for each"),
        (f"{VIT_S},81.4,9000,4610", "a thousand times"),
        (f"{VIT_S},81.4,22.05,", "gmacs is 'empty'"),
        (f"{VIT_S},81.4,many,4.61", "params_m is 'many'"),
        (f"{VIT_S},81.4,-22,4.61", "above 0, is expected"),
        (f"{VIT_S},nan,22,4.61", "top1_imagenet1k is 'nan'"),
        (",81.4,22.05,4.61", "names no model"),
    ],
)
def test_a_number_in_units_that_cannot_be_right_is_refused(tmp_path: Path, row: str, words: str) -> None:
    assert words in refusal(tmp_path, HEADER, row)


def test_the_line_of_the_fault_is_named(tmp_path: Path) -> None:
    assert "line 3 (worse)" in refusal(tmp_path, HEADER, "good,80,10,1", "worse,0.8,10,1")


def test_macs_counted_with_or_without_attention_are_both_taken(tmp_path: Path) -> None:
    assert candidates(table(tmp_path, HEADER, f"{VIT_S},81.4,22.05,4.25"))[0].macs_g == 4.25


def test_another_image_size_may_well_take_twice_the_macs(tmp_path: Path) -> None:
    file = table(tmp_path, f"{HEADER},img_size", f"{VIT_S},81.4,22.05,9.3,320")
    assert candidates(file)[0].image_size == 320


def test_a_model_stands_there_once_for_each_image_size(tmp_path: Path) -> None:
    sizes = f"{HEADER},img_size"
    assert len(candidates(table(tmp_path, sizes, "mine,80,10,1,224", "mine,81,10,1.5,288"))) == 2
    assert "stands there twice" in refusal(tmp_path, sizes, "mine,80,10,1,224", "mine,80,10,1,224")


def test_a_table_without_rows_is_refused(tmp_path: Path) -> None:
    assert "has no candidates" in refusal(tmp_path, HEADER)


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x01")
    for name in ("nowhere.csv", "binary.csv", "."):
        with pytest.raises(UserError, match="a CSV file in UTF-8 is expected"):
            candidates(tmp_path / name)


def test_what_is_published_of_a_model_holds_at_the_size_it_was_trained_at() -> None:
    assert published()["mobilenetv4_hybrid_medium.e500_r224_in1k"].image_size == 224
    reference = accuracy_refs(["mobilenetv4_hybrid_medium.e500_r224_in1k", "unknown"])
    assert reference == {
        "mobilenetv4_hybrid_medium.e500_r224_in1k": {"value": 0.80432, "n": 50_000, "origin": "timm"}
    }


def test_every_published_model_has_a_netscore() -> None:
    assert netscores().keys() == published().keys()
