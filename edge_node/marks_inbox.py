"""The marks socket: a thread of its own drains it and checks each line; nothing else can hold it up."""

from __future__ import annotations

import errno
import socket
import stat
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from edge_node.markers import Process
from edge_node.marks_lines import BadLine, Line, parse_line
from edge_node.processes import identify_sender
from telemetry.contract.errors import UserError
from telemetry.runtime import logs

LINE_BYTES = 256 * 1024
QUEUE_BYTES = 8 * 1024 * 1024
MODE = 0o666
SAY_EVERY_S = 10.0

_CREDENTIALS = struct.Struct("3i")

log = logs.get("marks")


class Arrival(NamedTuple):
    """A good line, and the process that it speaks of."""

    line: Line
    process: Process


class MarksInbox:
    """Lines that came and were not taken yet.

    `bad` counts lines that were refused, `shed` those that came while nobody took any.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self.path, self._socket = bind(paths)
        self._inode = self.path.stat().st_ino
        self._wake: Callable[[], object] = lambda: None
        self._lock = threading.Lock()
        self._arrivals: deque[Arrival] = deque()
        self._bytes = 0
        self._closing = False
        self._said_s = float("-inf")
        self.bad = 0
        self.shed = 0
        self._thread = threading.Thread(target=self._drain, name="marks", daemon=True)

    def start(self, wake: Callable[[], object]) -> None:
        """Begins to listen. `wake` is called, from the thread, when there are new lines."""
        self._wake = wake
        self._thread.start()

    def take(self) -> list[Arrival]:
        """Everything that came since the last time."""
        with self._lock:
            arrivals, self._arrivals, self._bytes = list(self._arrivals), deque(), 0
        return arrivals

    def close(self) -> None:
        """Takes in what the kernel holds, ends the thread, and removes the socket."""
        self._closing = True
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:  # a platform that only ends it when it is closed
            self._socket.close()
        if self._thread.is_alive():
            self._thread.join()
        self._socket.close()
        if self.path.exists() and self.path.stat().st_ino == self._inode:
            self.path.unlink()

    def _drain(self) -> None:
        while True:
            try:
                datagram, ancillary, _, _ = self._socket.recvmsg(
                    LINE_BYTES, socket.CMSG_SPACE(_CREDENTIALS.size)
                )
            except OSError:
                return
            if not datagram and self._closing:
                return
            self._judge(datagram, _sender(ancillary))

    def _judge(self, datagram: bytes, sender_pid: int) -> None:
        try:
            # A line that was cut off is no JSON, and that is what is said of it.
            line = parse_line(datagram, time.monotonic_ns())
        except BadLine as reason:
            self.bad += 1
            self._say("mark refused", why=str(reason), pid=sender_pid, refused=self.bad)
            return
        arrival = Arrival(line, identify_sender(sender_pid, line.pid))
        with self._lock:
            room = self._bytes + line.size_bytes <= QUEUE_BYTES
            if room:
                self._arrivals.append(arrival)
                self._bytes += line.size_bytes
            else:
                self.shed += 1
        if not room:
            self._say("marks come faster than they can be written", shed=self.shed)
        self._wake()

    def _say(self, event: str, **facts: object) -> None:
        """The log of a storm is one line every ten seconds, with counts."""
        now_s = time.monotonic()
        if now_s >= self._said_s + SAY_EVERY_S:
            self._said_s = now_s
            log.warning(event, **facts)


def bind(paths: Sequence[Path]) -> tuple[Path, socket.socket]:
    """A socket at the first place where one can be made.

    Raises `UserError` where there is none, or where another agent listens.
    """
    refusals = []
    for path in paths:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _clear(path)
            return path, _bound(path)
        except OSError as error:
            refusals.append(f"{path} ({error.strerror or error})")
    words = ", ".join(refusals) or "/run/e3p is not ours and XDG_RUNTIME_DIR is not set"
    raise UserError(f"marks socket: cannot be made at {words}; name a place with E3P_SOCKET")


def _clear(path: Path) -> None:
    """Removes a socket that a dead agent left. Raises `UserError` when it is a living one's, or no socket."""
    if not path.exists():
        return
    if not stat.S_ISSOCK(path.stat().st_mode):
        raise UserError(f"marks socket {path}: a file that is no socket stands there; remove it")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        refused = probe.connect_ex(str(path))
    if refused == 0:
        raise UserError(f"marks socket {path}: another agent listens there; stop it, or set E3P_SOCKET")
    if refused != errno.ECONNREFUSED:
        raise OSError(refused, errno.errorcode.get(refused, "unknown"))
    path.unlink()


def _bound(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        listener.bind(str(path))
        path.chmod(MODE)  # applications run as anybody
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    except OSError:
        listener.close()
        raise
    return listener


def _sender(ancillary: Sequence[tuple[int, int, bytes]]) -> int:
    """The sender's process by the kernel; 0 when it must not show it."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
            return int(_CREDENTIALS.unpack(data[: _CREDENTIALS.size])[0])
    return 0
