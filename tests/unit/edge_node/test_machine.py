"""What a manifest says of the machine, from trees of files."""

from __future__ import annotations

from pathlib import Path

from edge_node.machine import read_machine


def put(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")


def test_clock_limits_span_all_processors_and_name_the_gpu(tmp_path: Path) -> None:
    for number, (low, high) in enumerate([(345600, 2035200), (499200, 1190400)]):
        folder = f"sys/devices/system/cpu/cpu{number}/cpufreq"
        put(tmp_path, **{f"{folder}/scaling_min_freq": str(low), f"{folder}/scaling_max_freq": str(high)})
    gpu = "sys/class/devfreq/17000000.gp10b"
    put(tmp_path, **{f"{gpu}/min_freq": "114750000", f"{gpu}/max_freq": "1300500000"})
    limits = read_machine(tmp_path).clock_limits_mhz
    assert limits == {"cpu": (345.6, 2035.2), "gpu": (114.75, 1300.5)}


def test_processors_that_are_governed_differently_show_every_governor(tmp_path: Path) -> None:
    for number, name in enumerate(["schedutil", "performance", "schedutil"]):
        put(tmp_path, **{f"sys/devices/system/cpu/cpu{number}/cpufreq/scaling_governor": name})
    assert read_machine(tmp_path).governor == "performance, schedutil"


def test_the_processor_and_its_memory_are_named(tmp_path: Path) -> None:
    put(tmp_path, **{"proc/cpuinfo": "processor : 0\nmodel name\t: Fast One 9000", "proc/meminfo": ""})
    put(tmp_path, **{"proc/meminfo": "MemTotal:        8048636 kB"})
    machine = read_machine(tmp_path)
    assert (machine.cpu, machine.memory_mib) == ("Fast One 9000", 7859)


def test_what_nothing_tells_is_absent(tmp_path: Path) -> None:
    machine = read_machine(tmp_path)
    assert (machine.cpu, machine.memory_mib, machine.governor, machine.clock_limits_mhz) == (None,) * 4
