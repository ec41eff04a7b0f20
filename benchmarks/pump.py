"""``python -m benchmarks.pump HOST PORT NODES FRAMES PREFIX``: sends a backlog as fast as it goes.

Each node has at most 64 frames on their way, as the contract says; nothing is sent twice. It waits for a
line, sends, and prints the seconds from its first frame to the last `stored`, and how many were stored. Its
MQTT is the least there can be, so that the sender takes little of the machine that it measures.
"""

from __future__ import annotations

import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator

import msgspec
from msgspec.structs import replace

from benchmarks import made
from edge_node.delivery import MAX_FRAMES
from telemetry.contract.encode import encode
from telemetry.contract.intervals import IntervalSet
from telemetry.contract.replies import Stored

PATIENCE_S = 30.0
QOS_1 = 0x32
PUBLISH = 0x30


class Pump:
    """One connection of MQTT 3.1.1. `in_flight` are frames sent and not stored, by node."""

    def __init__(self, host: str, port: int, nodes: int, prefix: str) -> None:
        self.stored = 0
        self._socket = socket.create_connection((host, port))
        self._seen = [IntervalSet()] * nodes
        self._in_flight = [0] * nodes
        self._names = {f"{prefix}-{at}": at for at in range(nodes)}
        self._change = threading.Condition()
        self._socket.sendall(_packet(0x10, b"\0\4MQTT\4\2\2\x58" + _text(f"{prefix}-pump")))
        self._socket.sendall(_packet(0x82, b"\0\1" + _text("e3p/v1/+/stored") + b"\0"))
        threading.Thread(target=self._listen, daemon=True).start()

    def send(self, node: int, packet: bytes) -> None:
        """Sends a frame of a node as soon as there is room for it."""
        with self._change:
            self._change.wait_for(lambda: self._in_flight[node] < MAX_FRAMES, PATIENCE_S)
            self._in_flight[node] += 1
        self._socket.sendall(packet)

    def wait(self, frames: int) -> None:
        """Until so many are stored, or none more comes."""
        with self._change:
            while self.stored < frames and self._change.wait(PATIENCE_S):
                pass

    def _listen(self) -> None:
        for kind, body in _packets(self._socket):
            if kind & 0xF0 == PUBLISH:
                length = struct.unpack_from(">H", body)[0]
                topic = body[2 : 2 + length].decode()
                self._settle(topic.split("/")[2], msgspec.msgpack.decode(body[2 + length :], type=Stored))

    def _settle(self, name: str, stored: Stored) -> None:
        if name not in self._names:
            return
        node = self._names[name]
        with self._change:
            for stream in stored.streams:
                now = self._seen[node] | IntervalSet.below(stream.through + 1) | IntervalSet(stream.ranges)
                fresh = len(now) - len(self._seen[node])
                self._seen[node] = now
                self._in_flight[node] -= fresh
                self.stored += fresh
            self._change.notify_all()


def packets(nodes: int, frames: int, prefix: str) -> list[tuple[int, bytes]]:
    """Every frame as it is sent, and its node; the nodes take turns. The last ones end now."""
    anchor = time.time_ns() - frames // nodes * made.SAMPLES * made.TICK
    packed = []
    for at in range(frames):
        node, seq = at % nodes, at // nodes
        payload = encode(replace(made.power(seq), anchor=anchor, boot=f"{prefix}-{node}"))
        head = _text(f"e3p/v1/{prefix}-{node}/power/main") + struct.pack(">H", at % 65_535 + 1)
        packed.append((node, _packet(QOS_1, head + payload)))
    return packed


def main(host: str, port: int, nodes: int, frames: int, prefix: str) -> None:
    """Made first, sent at the first line."""
    load = packets(nodes, frames, prefix)
    pump = Pump(host, port, nodes, prefix)
    print("ready", flush=True)
    sys.stdin.readline()
    begin_s = time.monotonic()
    for node, packet in load:
        pump.send(node, packet)
    pump.wait(frames)
    print(time.monotonic() - begin_s, pump.stored, flush=True)


def _packets(line: socket.socket) -> Iterator[tuple[int, bytes]]:
    file = line.makefile("rb")
    while head := file.read(1):
        length = shift = 0
        while True:
            (byte,) = file.read(1)
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        yield head[0], file.read(length)


def _packet(kind: int, body: bytes) -> bytes:
    length, left = bytearray(), len(body)
    while True:
        left, digit = left >> 7, left & 0x7F
        length.append(digit | (0x80 if left else 0))
        if not left:
            return bytes([kind]) + bytes(length) + body


def _text(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
