"""A marks socket that only listens, as the agent's does: lines in the order of their arrival."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import Any

from edge_node import mark


class Inbox:
    """Drains `path` in a thread of its own between `with` and its end; then everything is in `lines`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.datagrams: list[bytes] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._thread = threading.Thread(target=self._drain)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(datagram) for datagram in self.datagrams]

    def kinds(self) -> list[str]:
        return [line["kind"] for line in self.lines]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["kind"] == kind]

    def __enter__(self) -> Inbox:
        self._socket.bind(str(self.path))
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", str(self.path))
        self._thread.join()
        self._socket.close()
        self.path.unlink()

    def _drain(self) -> None:
        while datagram := self._socket.recv(1 << 17):
            self.datagrams.append(datagram)


def forget_senders() -> None:
    """Whoever marked in this process before, another test too, left a sender with its socket."""
    for sender in mark._senders.values():
        if sender._socket is not None:
            sender._socket.close()
    mark._senders.clear()
