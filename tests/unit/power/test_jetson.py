"""Jetson rails: found by name, added up or not, with the steps of the chip that measures them."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_node.power.jetson.boards import LAYOUTS, layout_of
from edge_node.power.jetson.sensor import JetsonSensor, Options, find, open_rails
from edge_node.power.sensor import SensorError

S = 1_000_000_000
TX2 = "jetson-tx2"
IIO = "sys/bus/i2c/drivers/ina3221x"
Machine = Callable[[str], Path]


def _open(root: Path, rail: str | None = None) -> JetsonSensor:
    return JetsonSensor(Options(root=str(root), rail=rail))


def _power(root: Path, name: str) -> Path:
    """The file of a rail's power, wherever the chip is."""
    label = next(path for path in root.glob(f"{IIO}/*/*/rail_name_*") if path.read_text().strip() == name)
    return label.with_name(f"in_power{label.name[-1]}_input")


def _current(root: Path, name: str) -> Path:
    label = next(p for p in root.glob("sys/class/hwmon/*/in[1-3]_label") if p.read_text().strip() == name)
    return label.with_name(f"curr{label.name[2]}_input")


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        (TX2, ("VDD_IN", "VDD_SYS_GPU", "VDD_SYS_CPU", "VDD_SYS_SOC", "VDD_SYS_DDR", "VDD_4V0_WIFI")),
        ("jetson-nano", ("POM_5V_IN", "POM_5V_GPU", "POM_5V_CPU")),
        ("jetson-xavier-nx", ("VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC")),
        ("jetson-orin-nx", ("VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC")),
        ("jetson-orin-nano", ("VDD_IN", "VDD_CPU_GPU_CV", "VDD_SOC")),
        ("jetson-agx-xavier", ("total", "GPU", "CPU", "SOC", "CV", "VDDRQ", "SYS5V")),
        ("jetson-agx-orin", ("total", "VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0")),
    ],
)
def test_each_board_has_its_total_and_the_parts_inside_it(
    machine: Machine, name: str, channels: tuple[str, ...]
) -> None:
    info = _open(machine(name)).info
    assert info.channels == channels
    assert info.total == channels[0]
    assert info.role == "device"


# Volts × amperes of the tree's files, or its watts where the driver computes them (IIO).
WATTS = {
    TX2: [7.814, 3.217, 1.378, 0.919, 1.171, 0.057],
    "jetson-nano": [2.316, 0.040, 0.568],
    "jetson-xavier-nx": [4.976 * 1.016, 4.968 * 0.240, 4.968 * 0.216],
    "jetson-orin-nx": [19.624 * 0.320, 19.624 * 0.072, 19.624 * 0.080],
    "jetson-orin-nano": [4.920 * 1.040, 4.920 * 0.128, 4.920 * 0.288],
    "jetson-agx-xavier": [
        19.048 * (0.048 + 0.096 + 0.120 + 0.008 + 0.024) + 5.024 * 0.360,
        19.048 * 0.048, 19.048 * 0.096, 19.048 * 0.120, 19.048 * 0.008, 19.048 * 0.024, 5.024 * 0.360,
    ],
    "jetson-agx-orin": [
        19.752 * (0.220 + 0.060) + 4.968 * 0.953, 19.752 * 0.220, 19.752 * 0.060, 4.968 * 0.953
    ],
}  # fmt: skip


@pytest.mark.parametrize(("name", "watts"), WATTS.items(), ids=WATTS.keys())
def test_each_boards_rails_are_read_in_watts(machine: Machine, name: str, watts: list[float]) -> None:
    assert _open(machine(name)).read(0) == pytest.approx(watts)


@pytest.mark.parametrize(
    "name", [TX2, "jetson-nano", "jetson-xavier-nx", "jetson-orin-nx", "jetson-orin-nano"]
)
def test_a_total_that_is_a_rail_is_never_summed_with_its_parts(machine: Machine, name: str) -> None:
    total_w, *parts_w = _open(machine(name)).read(0)
    assert total_w == pytest.approx(WATTS[name][0])
    assert sum(parts_w) < total_w


def test_a_tx1_is_told_by_its_own_rails_and_has_its_own_shunt(machine: Machine) -> None:
    root = machine("jetson-nano")
    for label, name in zip(
        sorted(root.glob(f"{IIO}/*/*/rail_name_*")), ("VDD_IN", "VDD_GPU", "VDD_CPU"), strict=True
    ):
        label.write_text(f"{name}\n")
    info = _open(root).info
    assert info.channels == ("VDD_IN", "VDD_GPU", "VDD_CPU")
    assert info.resolution_w == pytest.approx(0.002 * 5.08)


def test_the_carrier_board_is_no_part_of_the_module(machine: Machine) -> None:
    assert {"VDD_MUX", "VDD_5V0_IO_SYS"} <= set(open_rails(machine(TX2)))
    assert not {"VDD_MUX", "VDD_5V0_IO_SYS"} & set(_open(machine("jetson-nano")).info.channels)


def test_a_rail_that_is_named_is_measured_alone(machine: Machine) -> None:
    sensor = _open(machine(TX2), "VDD_MUX")
    assert sensor.info.channels == ("VDD_MUX",)
    assert sensor.read(0) == pytest.approx([8.548])


def test_a_rail_that_is_not_the_total_is_no_device(machine: Machine) -> None:
    tx2, orin = machine(TX2), machine("jetson-agx-orin")
    assert _open(tx2).info.role == _open(orin).info.role == "device"
    assert _open(tx2, "VDD_IN").info.role == "device"
    assert _open(tx2, "VDD_MUX").info.role == _open(orin, "VDD_GPU_SOC").info.role == "part"


def test_a_rail_named_on_an_unknown_board_is_its_total(machine: Machine) -> None:
    root = machine("jetson-nano")
    for number, label in enumerate(sorted(root.glob(f"{IIO}/*/*/rail_name_*"))):
        label.write_text(f"VDD_NEW_{number}\n")
    assert _open(root, "VDD_NEW_0").info.role == "device"


def test_a_rail_that_is_not_there_is_refused_with_those_that_are(machine: Machine) -> None:
    with pytest.raises(SensorError, match=r"no rail 'VDD_CV'; there are: POM_5V_IN, POM_5V_GPU"):
        _open(machine("jetson-nano"), "VDD_CV")


def test_where_no_rail_feeds_the_module_the_total_is_the_sum_of_its_inputs(machine: Machine) -> None:
    total_w, *parts_w = _open(machine("jetson-agx-orin")).read(0)
    assert total_w == pytest.approx(sum(parts_w))
    assert parts_w == pytest.approx([19.752 * 0.220, 19.752 * 0.060, 4.968 * 0.953])


def test_memory_inside_another_rail_is_not_added(machine: Machine) -> None:
    assert "VDDQ_VDD2_1V8AO" not in _open(machine("jetson-agx-orin")).info.channels


def test_channels_that_nothing_is_connected_to_and_the_sum_of_shunts_are_no_rails(machine: Machine) -> None:
    assert set(open_rails(machine("jetson-agx-orin"))) == {
        "VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0", "VDDQ_VDD2_1V8AO",
    }  # fmt: skip


def test_another_chip_with_the_same_label_is_not_taken(machine: Machine) -> None:
    root = machine("jetson-xavier-nx")
    assert (root / "sys/class/hwmon/hwmon0/in1_label").read_text().strip() == "VDD_IN"
    assert _open(root).read(0)[0] == pytest.approx(4.976 * 1.016)


def test_devices_that_are_numbered_anew_at_a_reboot_are_the_same_rails(machine: Machine) -> None:
    root = machine(TX2)
    for chip, other in (("0-0041", "7-0041"), ("0-0040", "7-0040")):
        (root / IIO / chip).rename(root / IIO / other)
    (root / IIO / "7-0041/iio:device1").rename(root / IIO / "7-0041/iio:device0.new")
    (root / IIO / "7-0040/iio:device0").rename(root / IIO / "7-0040/iio:device3")
    (root / IIO / "7-0041/iio:device0.new").rename(root / IIO / "7-0041/iio:device0")
    assert _open(root).read(0) == pytest.approx(WATTS[TX2])


@pytest.mark.parametrize("name", ["jetson-agx-xavier", "jetson-agx-orin"])
def test_chips_that_change_places_are_the_same_rails(machine: Machine, name: str) -> None:
    root = machine(name)
    one, other = sorted(path.parent for path in root.glob("sys/class/hwmon/*/in3_label"))
    one.rename(one.with_name("hwmon9"))
    other.rename(one)
    assert _open(root).read(0) == pytest.approx(WATTS[name])


def test_a_rail_that_is_unreadable_from_the_start_is_nan_and_has_its_channel(machine: Machine) -> None:
    root = machine(TX2)
    _power(root, "VDD_SYS_CPU").unlink()
    sensor = _open(root)
    watts = dict(zip(sensor.info.channels, sensor.read(0), strict=True))
    assert math.isnan(watts.pop("VDD_SYS_CPU"))
    assert watts["VDD_IN"] == pytest.approx(7.814)
    assert not any(map(math.isnan, watts.values()))


def test_a_rail_that_comes_back_is_read_again(machine: Machine) -> None:
    root = machine(TX2)
    power = _power(root, "VDD_SYS_CPU")
    power.rename(power.with_suffix(".gone"))
    sensor = _open(root)
    assert math.isnan(sensor.read(0)[2])
    power.with_suffix(".gone").rename(power)
    assert sensor.read(S)[2] == pytest.approx(1.378)


def test_a_board_whose_total_cannot_be_read_is_passed_over(machine: Machine) -> None:
    tx2, xavier = machine(TX2), machine("jetson-agx-xavier")
    _power(tx2, "VDD_IN").unlink()
    _current(xavier, "CV").with_name("in1_input").unlink()
    assert "in_power0_input: No such file" in find(tx2).reason
    assert "in1_input: No such file" in find(xavier).reason


def test_a_part_that_cannot_be_read_is_nan_while_the_source_lives(machine: Machine) -> None:
    root = machine(TX2)
    sensor = _open(root)
    _power(root, "VDD_SYS_GPU").write_text("")
    total_w, gpu_w, *others_w = sensor.read(0)
    assert math.isnan(gpu_w)
    assert not any(map(math.isnan, [total_w, *others_w]))


def test_a_sum_with_a_rail_missing_is_no_sum(machine: Machine) -> None:
    root = machine("jetson-agx-orin")
    sensor = _open(root)
    _current(root, "VDD_CPU_CV").write_text("")
    total_w, gpu_w, cpu_w, _ = sensor.read(0)
    assert math.isnan(total_w)
    assert math.isnan(cpu_w)
    assert gpu_w > 0


def test_chips_that_all_fail_are_an_error_with_the_file(machine: Machine) -> None:
    root = machine("jetson-nano")
    sensor = _open(root)
    for path in root.glob(f"{IIO}/*/*/in_power*_input"):
        path.write_text("")
    with pytest.raises(SensorError, match=r"in_power2_input: a whole number is expected"):
        sensor.read(0)


def test_a_failure_is_over_when_the_chip_answers_again(machine: Machine) -> None:
    root = machine("jetson-nano")
    sensor = _open(root)
    files = {path: path.read_text() for path in root.glob(f"{IIO}/*/*/in_power*_input")}
    for path in files:
        path.write_text("")
    with pytest.raises(SensorError):
        sensor.read(0)
    for path, text in files.items():
        path.write_text(text)
    assert sensor.read(S)[0] == pytest.approx(2.316)


def test_a_chip_that_renews_slowly_is_asked_ten_times_a_period(machine: Machine) -> None:
    root = machine(TX2)
    sensor = _open(root)
    period_ns = round(sensor.info.period_ms * 1e6)
    sensor.read(0)
    _power(root, "VDD_IN").write_text("9000\n")
    assert sensor.read(period_ns // 11)[0] == pytest.approx(7.814)
    assert sensor.read(period_ns // 9)[0] == pytest.approx(9.0)


def test_no_two_layouts_can_be_meant_by_the_same_rails() -> None:
    for layout in LAYOUTS:
        rails = {*((layout.total,) if layout.total else ()), *layout.parts}
        found = layout_of(rails)
        assert found is not None
        assert found.boards == layout.boards


def test_unknown_rails_are_named_and_none_is_guessed_to_be_the_total(machine: Machine) -> None:
    root = machine("jetson-nano")
    for number, label in enumerate(sorted(root.glob(f"{IIO}/*/*/rail_name_*"))):
        label.write_text(f"VDD_NEW_{number}\n")
    found = find(root)
    assert found.spec is None
    assert "there are: VDD_NEW_0, VDD_NEW_1, VDD_NEW_2" in found.reason


def test_what_was_found_says_the_total_and_that_the_carrier_is_not_in_it(machine: Machine) -> None:
    assert "VDD_IN, with its parts VDD_SYS_GPU" in find(machine(TX2)).reason
    assert "the sum of VDD_GPU_SOC, VDD_CPU_CV, VIN_SYS_5V0" in find(machine("jetson-agx-orin")).reason
    assert "carrier board is not in it" in find(machine("jetson-nano")).reason


def test_a_machine_that_is_no_jetson_is_told_so(tmp_path: Path) -> None:
    found = find(tmp_path)
    assert found.spec is None
    assert found.reason.startswith("no INA3221 below")
