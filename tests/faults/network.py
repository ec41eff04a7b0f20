"""A loopback of one's own, whose sockets hold next to nothing: what is not read stays with the sender."""

from __future__ import annotations

import ctypes
import subprocess
from pathlib import Path

from tests.faults.row import Unpermitted

CLONE_NEWNET = 0x40000000
BUFFER_BYTES = 8192


def shrink_buffers() -> None:
    """For this process and what it starts from now on. Raises `Unpermitted`."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET):
        raise Unpermitted("a network of its own takes root")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for name in ("tcp_rmem", "tcp_wmem"):
        Path("/proc/sys/net/ipv4", name).write_text(" ".join([str(BUFFER_BYTES)] * 3))
