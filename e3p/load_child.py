"""A load that is switched on and off at known times: `python load_child.py cpu|cuda`, a process of its own.

It says `ready`, reads one line `BEGIN PERIOD END` (ns of the monotonic clock), and from BEGIN to END works in
the first half of each period and rests in the second. It runs on the interpreter that has torch, down to
Python 3.6, and imports nothing of e3p.
"""

import importlib
import sys
import time
from typing import Callable

SIZE = 1024


def main() -> None:
    """Prepares, says so, and works when it is told to."""
    work = _on_gpu() if sys.argv[1:] == ["cuda"] else _on_cpu
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    begin, period, end = (int(word) * 1e-9 for word in sys.stdin.readline().split())
    while begin < end:
        _sleep_until(begin)
        off = begin + period / 2
        while time.monotonic() < off:
            work()
        begin += period


def _on_cpu() -> None:
    for _ in range(2000):
        pass


def _on_gpu() -> Callable[[], None]:
    torch = importlib.import_module("torch")
    matrix = torch.rand(SIZE, SIZE, device="cuda")

    def work() -> None:
        torch.mm(matrix, matrix)
        torch.cuda.synchronize()

    work()
    return work


def _sleep_until(t_s: float) -> None:
    wait_s = t_s - time.monotonic()
    if wait_s > 0:
        time.sleep(wait_s)


if __name__ == "__main__":
    main()
