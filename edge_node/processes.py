"""Processes of this machine, as /proc tells them."""

from __future__ import annotations

import os
from pathlib import Path

from edge_node.markers import Process

UNSEEN = -1
"""Stands for the start of a process in a place that this one cannot look into."""


def identify(pid: int, proc: Path = Path("/proc")) -> Process:
    """The process that has this number now."""
    return Process(pid, started(pid, proc))


def identify_sender(sender_pid: int, named_pid: int, proc: Path = Path("/proc")) -> Process:
    """The process that a line speaks of; see `speaker`. The kernel says 0 of a sender it must not show us."""
    if sender_pid == 0:
        return Process(named_pid, UNSEEN)
    return identify(speaker(sender_pid, named_pid, proc), proc)


def started(pid: int, proc: Path = Path("/proc")) -> int | None:
    """When a process started, in the kernel's ticks; None when it is gone or only its exit code is left."""
    try:
        stat = (proc / str(pid) / "stat").read_bytes()
    except OSError:
        return None
    # The name in parentheses may hold anything, so the fields are counted from its end: state is the third.
    fields = stat[stat.rfind(b")") + 1 :].split()
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def is_running(process: Process, proc: Path = Path("/proc")) -> bool:
    """Whether it still runs, and is not another one that got its number."""
    if process.started is None or process.started == UNSEEN:
        return process.started == UNSEEN
    return started(process.pid, proc) == process.started


def speaker(sender_pid: int, named_pid: int, proc: Path = Path("/proc")) -> int:
    """Whom a line speaks of: `sender_pid` by the kernel, `named_pid` by the line itself.

    They differ when the sender sits in a container, where it has another number, and when a helper such as
    `nc` sends for the process that it names.
    """
    if sender_pid == named_pid:
        return named_pid
    try:
        status = (proc / str(sender_pid) / "status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return named_pid
    numbers = next((line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:")), [])
    return sender_pid if numbers and int(numbers[-1]) == named_pid else named_pid


def usage(pids: list[int], proc: Path = Path("/proc")) -> tuple[float, float]:
    """CPU seconds used and memory resident (MiB) of these processes together."""
    tick_s, page_bytes = 1 / os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    cpu_s, resident_bytes = 0.0, 0
    for pid in pids:
        try:
            fields = (proc / str(pid) / "stat").read_bytes().rsplit(b")", 1)[1].split()
        except OSError:
            continue
        cpu_s += (int(fields[11]) + int(fields[12])) * tick_s
        resident_bytes += int(fields[21]) * page_bytes
    return cpu_s, resident_bytes / 2**20
