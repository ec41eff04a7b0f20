"""What the trial runner can read of the device it runs on: temperatures, clocks, the load of others.

It lies beside `runner.py` and runs where that runs: Python 3.6 and up, standard library only. What cannot be
read is absent, never 0.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, Optional, Tuple

THERMAL = "sys/class/thermal"
FREQUENCIES = "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq"
SMI = ["nvidia-smi", "--query-gpu=temperature.gpu,clocks.sm", "--format=csv,noheader,nounits"]
SMI_S = 10
LIBRARIES = ("torch", "torchvision", "timm", "numpy", "PIL")


class Device:
    """Reads below `root`. `uses_gpu` asks the NVIDIA driver's own tool too, where there is one."""

    def __init__(self, root: Path = Path("/"), *, uses_gpu: bool = False) -> None:
        self.root, self.uses_gpu = root, uses_gpu

    def read(self) -> Tuple[Dict[str, float], Dict[str, float]]:
        """Temperatures in degrees Celsius and clocks in MHz, by name."""
        temp_c: Dict[str, float] = {}
        for zone in sorted((self.root / THERMAL).glob("thermal_zone*")):
            name, milli = text(zone / "type"), number(zone / "temp")
            # Tegra's PMIC zone always says 100 °C, and zones that are off say something far below zero.
            if name and milli is not None and -50000 < milli < 200000 and name != "PMIC-Die":
                temp_c[name[:64]] = milli / 1000
        khz = [value for value in map(number, self.root.glob(FREQUENCIES)) if value]
        clock_mhz = {"cpu": sum(khz) / len(khz) / 1000} if khz else {}
        gpu_c, gpu_mhz = self._gpu()
        temp_c.update({"gpu": gpu_c} if gpu_c is not None else {})
        clock_mhz.update({"gpu": gpu_mhz} if gpu_mhz is not None else {})
        return temp_c, clock_mhz

    def ticks(self) -> Optional[Tuple[float, float]]:
        """Busy seconds and all seconds of all processors since the machine started."""
        words = text(self.root / "proc/stat").split("\n", 1)[0].split()[1:9]
        if len(words) < 5 or not all(word.isdigit() for word in words):
            return None
        ticks = [int(word) / os.sysconf("SC_CLK_TCK") for word in words]
        return sum(ticks) - ticks[3] - ticks[4], sum(ticks)

    def _gpu(self) -> Tuple[Optional[float], Optional[float]]:
        if not self.uses_gpu:
            return None, None
        chosen = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")[0] or "0"
        try:
            told = subprocess.check_output(
                [*SMI, "-i", chosen], stderr=subprocess.DEVNULL, timeout=SMI_S, universal_newlines=True
            )
        except (OSError, subprocess.SubprocessError):
            self.uses_gpu = False  # a Jetson has no such tool, and its thermal zones tell of its GPU
            return None, None
        temp_c, clock_mhz = [*told.strip().split("\n")[0].split(","), "", ""][:2]
        return as_number(temp_c), as_number(clock_mhz)


class Load:
    """How much of all processors others than this process used since it was made, 0 to 1.

    `own_s` are the processor seconds that do not count as others'.
    """

    def __init__(self, device: Device, own_s: Optional[Callable[[], float]] = None) -> None:
        self._device, self._read_own_s = device, own_s or time.process_time
        self._ticks, self._own_s = device.ticks(), self._read_own_s()

    def share(self) -> Optional[float]:
        """None where nothing tells, or too little time has passed."""
        now, before = self._device.ticks(), self._ticks
        if now is None or before is None or now[1] - before[1] < 0.2:
            return None
        others_s = now[0] - before[0] - (self._read_own_s() - self._own_s)
        return min(1.0, max(0.0, others_s / (now[1] - before[1])))


def above(
    temp_c: Dict[str, float], base_c: Dict[str, float], band_c: float, to_c: Optional[float]
) -> Dict[str, float]:
    """The temperatures that are too high to begin: more than `band_c` above `base_c`, or above `to_c`."""
    return {
        name: value
        for name, value in temp_c.items()
        if (name in base_c and value > base_c[name] + band_c) or (to_c is not None and value > to_c)
    }


def libraries(torch: Any) -> Dict[str, str]:  # noqa: ANN401  (a module)
    """Versions by name, of what is loaded."""
    found = {"python": "%d.%d.%d" % sys.version_info[:3]}
    for name in LIBRARIES:
        version = getattr(sys.modules.get(name), "__version__", None)
        if version:
            found[name] = str(version)
    cuda = getattr(getattr(torch, "version", None), "cuda", None)
    cudnn = getattr(getattr(torch, "backends", None), "cudnn", None)
    told = {"cuda": cuda, "cudnn": cudnn.version() if cuda and cudnn else None}
    found.update({name: str(value) for name, value in told.items() if value})
    return found


def number(path: Path) -> Optional[float]:
    """What a small file holds, if that is a number."""
    return as_number(text(path))


def as_number(words: str) -> Optional[float]:
    """A text as a number, if it is one."""
    try:
        return float(words)
    except ValueError:
        return None


def text(path: Path) -> str:
    """What a small file holds; nothing where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
