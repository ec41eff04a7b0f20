"""What the trial runner makes of data, plans and precisions, with fakes in place of torch and timm."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.running import SPEC, Done, run_runner


def folder_of(root: Path, classes: list[str], images: int = 4) -> str:
    for name in classes:
        (root / name).mkdir(parents=True)
        for number in range(images):
            (root / name / f"{number}.png").write_text("1")
    return str(root)


def refusal(done: Done) -> dict[str, Any]:
    """The one error of a run that ended at once."""
    assert done.code == 2
    assert not [mark for mark in done.marks if mark["kind"] == "trial_begin"]
    assert "Traceback" not in done.errors
    return done.event("error")


def test_labels_of_more_classes_than_the_model_tells_apart_are_refused(tmp_path: Path) -> None:
    data = folder_of(tmp_path / "images", ["ape", "bee", "cat"])
    error = refusal(run_runner(tmp_path, {**SPEC, "images_dir": data}))
    assert error["where"] == "tiny_one"
    assert "3 classes (ape, bee, cat) for 2 outputs" in error["what"]
    assert "--no-labels" in error["right"]


def test_without_its_labels_the_same_folder_gives_energy_alone(tmp_path: Path) -> None:
    data = folder_of(tmp_path / "images", ["ape", "bee", "cat"])
    done = run_runner(tmp_path, {**SPEC, "images_dir": data, "labels": "none"})
    assert done.code == 0
    assert done.mark("trial_end")["images"] == 10
    assert "correct" not in done.mark("trial_end")


def test_a_split_in_parts_is_measured_on_its_validation_part(tmp_path: Path) -> None:
    folder_of(tmp_path / "images" / "train", ["ape", "bee"], 9)
    folder_of(tmp_path / "images" / "val", ["ape", "bee"])
    done = run_runner(tmp_path, {**SPEC, "images_dir": str(tmp_path / "images")})
    assert done.event("data")["found"] == 8


def test_generated_images_are_said_to_be_generated(tmp_path: Path) -> None:
    done = run_runner(tmp_path, SPEC)
    assert done.event("data")["layout"] == "generated"
    assert done.mark("trial_begin")["protocol"]["data"] == "generated"


def test_one_image_in_a_hundred_may_be_unreadable_and_is_named(tmp_path: Path) -> None:
    data = folder_of(tmp_path / "images", ["ape", "bee"], 50)
    (tmp_path / "images" / "bee" / "broken.png").write_text("no picture")
    done = run_runner(tmp_path, {**SPEC, "images_dir": data, "images": 101, "batch_size": 50})
    assert done.code == 0
    assert done.event("unreadable")["names"] == ["bee/broken.png"]
    assert done.mark("trial_end")["images"] == done.mark("trial_begin")["protocol"]["images"] == 100


def test_more_unreadable_images_are_counted_and_the_first_ones_named(tmp_path: Path) -> None:
    data = folder_of(tmp_path / "images", ["ape", "bee"], 50)
    for number in range(7):
        (tmp_path / "images" / "bee" / f"{number}.png").write_text("no picture")
    error = refusal(run_runner(tmp_path, {**SPEC, "images_dir": data, "images": 100}))
    assert "7 of 100 images cannot be read" in error["what"]
    assert error["where"].count(".png") == 3


def test_a_class_without_images_keeps_its_number_and_is_named(tmp_path: Path) -> None:
    data = folder_of(tmp_path / "images", ["bee"])
    (tmp_path / "images" / "ape").mkdir()
    done = run_runner(tmp_path, {**SPEC, "images_dir": data})
    assert done.event("data")["empty"] == ["ape"]
    assert done.mark("trial_end")["correct"] == 4  # the fake sees class 1 in each: bee, as ape is 0


def test_a_folder_of_empty_folders_is_refused_with_their_count(tmp_path: Path) -> None:
    data = folder_of(tmp_path / "images", ["ape", "bee"], 0)
    error = refusal(run_runner(tmp_path, {**SPEC, "images_dir": data}))
    assert error["what"] == "no images are there (2 empty folders: ape, bee)"


def test_a_batch_larger_than_all_images_is_refused(tmp_path: Path) -> None:
    error = refusal(run_runner(tmp_path, {**SPEC, "batch_size": 11}))
    assert (error["where"], error["right"]) == ("spec.batch_size", "at most 10")


def test_a_model_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    error = refusal(run_runner(tmp_path, {**SPEC, "models": ["tiny_one", "tiny_one"]}))
    assert error["what"] == "tiny_one is named twice"


def test_a_precision_that_the_device_lacks_is_refused_in_clear_words(tmp_path: Path) -> None:
    error = refusal(run_runner(tmp_path, {**SPEC, "precision": "fp16"}, FAKE_NO_HALF="1"))
    assert error["what"].startswith("cpu has no fp16 with torch 0.fake")
    assert "fp32" in error["right"]


def test_a_gpu_that_only_imitates_bf16_is_not_measured_with_it(tmp_path: Path) -> None:
    asked = {**SPEC, "precision": "bf16", "device": "cuda"}
    error = refusal(run_runner(tmp_path, asked, FAKE_CUDA="1"))
    assert "fp16" in error["right"]


def test_a_resumed_plan_runs_what_is_left_of_it_in_the_same_order(tmp_path: Path) -> None:
    plan = {**SPEC, "models": ["tiny_one", "tiny_two"], "trials": 3, "group": "g"}
    whole = run_runner(tmp_path, plan).event("plan")["order"]
    left = [{"model": model, "index": index, "order": 4 + at} for at, (model, index) in enumerate(whole[4:])]
    done = run_runner(tmp_path, {**plan, "plan": left})
    assert done.event("plan")["order"] == whole[4:]
    begun = [(mark["model"], mark["index"]) for mark in done.marks if mark["kind"] == "trial_begin"]
    assert begun == [tuple(each) for each in whole[4:]]
    assert done.mark("trial_begin")["group"] == "g"
