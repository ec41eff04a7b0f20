"""What is read of the device, from trees of files that stand for machines."""

from __future__ import annotations

from pathlib import Path

from edge_node.context import read_context, read_device
from edge_node.health import Vital, fields_of
from edge_node.recorder import Stamp
from telemetry.contract.manifest import StreamInfo


def _tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


TX2 = {
    "proc/device-tree/model": "quill\0",
    "proc/device-tree/compatible": "nvidia,p2771-0000\0nvidia,tegra186\0",
    "proc/device-tree/serial-number": "0123456789\0",
    "etc/nv_tegra_release": "# R32 (release), REVISION: 5.1, GCID: 26202423, BOARD: t186ref\n",
    "var/lib/nvpmodel/status": "pmode:0003 fmode:quiet",
    "etc/os-release": 'NAME="Ubuntu"\nPRETTY_NAME="Ubuntu 18.04.5 LTS"\n',
    "sys/class/thermal/thermal_zone0/type": "GPU-therm",
    "sys/class/thermal/thermal_zone0/temp": "41500",
    "sys/class/thermal/thermal_zone1/type": "PMIC-Die",
    "sys/class/thermal/thermal_zone1/temp": "100000",
    "sys/class/thermal/cooling_device0/type": "gpu-balanced",
    "sys/class/thermal/cooling_device0/cur_state": "2",
    "sys/class/thermal/cooling_device1/type": "pwm-fan",
    "sys/class/thermal/cooling_device1/cur_state": "3",
    "sys/class/devfreq/17000000.gp10b/cur_freq": "1300500000",
    "sys/devices/gpu.0/load": "730",
    "proc/meminfo": "MemTotal: 8388608 kB\nMemFree: 1 kB\nMemAvailable: 4194304 kB\n",
}
LAPTOP = {
    "sys/class/dmi/id/sys_vendor": "ACME",
    "sys/class/dmi/id/product_name": "Book 5",
    "etc/machine-id": "f00d",
    "proc/driver/nvidia/gpus/0000:01:00.0/information": (
        "Model: \t\t NVIDIA GeForce RTX 3050 Laptop GPU\nIRQ: 1\n"
    ),
    "proc/driver/nvidia/version": "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun\n",
    "sys/firmware/acpi/platform_profile": "balanced\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "2000000",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "3000000",
    "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "5",
    "proc/stat": "cpu 100 0 0 900 0 0 0 0 0 0\n",
}


def test_a_jetson_is_known_by_its_board(tmp_path: Path) -> None:
    context = read_context((), _tree(tmp_path, TX2))
    assert (context.device.kind, context.device.model) == ("jetson-tx2", "quill")
    assert (context.jetpack, context.power_mode, context.os) == (
        "JetPack 4.5.1 (L4T 32.5.1)",
        "nvpmodel-3",
        "Ubuntu 18.04.5 LTS",
    )


def test_a_laptop_is_known_by_its_gpu(tmp_path: Path) -> None:
    context = read_context((), _tree(tmp_path, LAPTOP))
    assert (context.device.kind, context.device.model) == ("rtx-3050-laptop", "ACME Book 5")
    assert (context.driver, context.power_mode) == ("nvidia 535.183.01", "balanced")


def test_a_machine_that_says_nothing_is_its_processor(tmp_path: Path) -> None:
    device = read_device(tmp_path)
    assert device.kind.endswith("-cpu")
    assert device.model is None
    assert device.serial_hash is None


def test_a_serial_number_stays_on_the_device(tmp_path: Path) -> None:
    device = read_device(_tree(tmp_path, TX2))
    assert device.serial_hash
    assert "0123456789" not in repr(device)


def test_another_power_mode_is_another_context(tmp_path: Path) -> None:
    before = read_context((), _tree(tmp_path, TX2))
    assert read_context((), tmp_path).hash == before.hash
    _tree(tmp_path, {"var/lib/nvpmodel/status": "pmode:0000"})
    assert read_context((), tmp_path).hash != before.hash


def test_another_kernel_boot_is_the_same_context(tmp_path: Path) -> None:
    before = read_context((), _tree(tmp_path, TX2))
    after = read_context((), _tree(tmp_path, {"proc/sys/kernel/random/boot_id": "anew"}))
    assert (after.os_boot, after.hash) == ("anew", before.hash)


def test_the_manifest_says_what_was_read(tmp_path: Path) -> None:
    info = StreamInfo(stream="main", sensor="s", channels=("a",), total="a", origin="measured", period_ms=1.0)
    context = read_context((info,), _tree(tmp_path, TX2))
    manifest = context.manifest(Stamp("b", 0, 1, 2))
    assert (manifest.streams, manifest.hash, manifest.device) == ((info,), context.hash, context.device)


def test_a_jetsons_vitals(tmp_path: Path) -> None:
    vitals = fields_of(Vital(_tree(tmp_path, TX2)).read())
    assert vitals == {
        "temp_c": {"GPU-therm": 41.5},
        "clock_mhz": {"gpu": 1300.5},
        "util": {"gpu": 0.73},
        "throttle": ("gpu-balanced",),
        "mem_used_mib": 4096.0,
    }


def test_utilisation_and_throttling_are_of_the_time_since_the_last_look(tmp_path: Path) -> None:
    vital = Vital(_tree(tmp_path, LAPTOP))
    assert fields_of(vital.read())["throttle"] == ()
    throttled = {"sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "6"}
    _tree(tmp_path, {**throttled, "proc/stat": "cpu 130 0 0 970 0 0 0 0 0 0\n"})
    vitals = fields_of(vital.read())
    assert (vitals["util"], vitals["throttle"]) == ({"cpu": 0.3}, ("cpu",))
    assert vitals["clock_mhz"] == {"cpu": 2500.0}
    assert fields_of(vital.read())["throttle"] == ()


def test_what_cannot_be_read_is_absent(tmp_path: Path) -> None:
    bad = {
        "proc/stat": "nonsense",
        "sys/class/thermal/thermal_zone0/type": "x",
        "proc/meminfo": "MemTotal: ?",
    }
    assert fields_of(Vital(_tree(tmp_path, bad)).read()) == {"throttle": ()}
