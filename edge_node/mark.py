"""Tell the e3p agent on this machine what your program is doing.

One file, standard library only, Python 3.6 and up: copy it beside your program, and `import mark`.
`docs/marks.md` has the line format for other languages.

    mark.prepare("my-campaign")
    with mark.trial(model="my_vit", dataset="imagenet", batch_size=8, group="my-campaign", index=0) as trial:
        for images in batches:
            begin = mark.now_ns()
            model(images)
            torch.cuda.synchronize()
            trial.batch(begin, mark.now_ns(), len(images))

Nothing here raises into the application or blocks it, with an agent or without one. The one wait: the end
of a trial, and of the process, gives a busy agent up to `END_WAIT_S` for the lines it has refused so far.
"""

import atexit
import collections
import contextlib
import errno
import json
import logging
import os
import socket
import threading
import time
from typing import Callable, Deque, Dict, Iterator, List, Optional, Sequence, Set, SupportsInt, Tuple

__all__ = ["Batches", "Trial", "idle", "now_ns", "prepare", "trial", "work"]

GATHER_NS = 1000000000  # at least this between two lines of batches: each costs its call fifty times as much
END_WAIT_S = 0.2
KEPT_LINES = 4096
KEPT_BYTES = 16 << 20  # a small device must not lose its memory to an agent that is not there
LINE_BYTES = 60000
COLUMN_BYTES = 54000  # leaves room in a line for what stands before the columns
DRAIN_LINES = 32  # a call never sends a whole backlog: that would take milliseconds

_BUSY = (errno.EAGAIN, errno.ENOBUFS)
_UNFIT = (TypeError, ValueError, OverflowError, RuntimeError)  # what strange values raise when converted
_Row = Tuple[int, int, int, Optional[int], Optional[List[int]]]
_Hits = Optional[Sequence[object]]
_log = logging.getLogger("e3p.mark")

now_ns: Callable[[], int] = getattr(time, "monotonic_ns", lambda: int(time.monotonic() * 1e9))


def prepare(group: str) -> None:
    """A trial of `group` is near: the agent goes to the trial rate. Send it a second before."""
    _sender().say("prepare", {"group": group})


@contextlib.contextmanager
def idle(group: Optional[str] = None, trial: Optional[str] = None) -> Iterator[None]:
    """The device rests inside this block: the idle baseline of a group, or of one trial's id."""
    if (group is None) == (trial is None):
        raise TypeError("idle() takes either group= or trial=")
    fields: Dict[str, object] = {"group": group} if trial is None else {"trial": trial}
    _sender().say("idle_begin", fields)
    try:
        yield
    finally:
        _sender().say("idle_end", fields)


def trial(  # noqa: PLR0913  (one parameter for each field of the mark)
    *,
    model: str,
    dataset: str,
    batch_size: int,
    group: str,
    index: int,
    trial: Optional[str] = None,
    precision: Optional[str] = None,
    backend: Optional[str] = None,
    subset: Optional[str] = None,
    protocol: Optional[Dict[str, object]] = None,
    context: Optional[Dict[str, object]] = None,
    accuracy_ref: Optional[Dict[str, object]] = None,
) -> "Trial":
    """One measured trial: its window is the `with` block, and an exception there ends it as `aborted`.

    `group` names the trials of one campaign and configuration, `index` counts them from 0. `trial` is the
    id, unique in the fleet, made where none is given. docs/marks.md has the fields of the three maps.
    """
    given = dict(locals(), trial=trial or os.urandom(8).hex())
    return Trial({name: value for name, value in given.items() if value is not None})


def work(app: str, model: str) -> "Batches":
    """Continuous operation without trials: make one, keep it, and call its `batch` for each batch."""
    return Batches("work", {"app": app, "model": model})


class Batches:
    """Batches on their way to the agent, gathered into columns; `images` and `correct` count them all."""

    def __init__(self, kind: str, head: Dict[str, object]) -> None:
        self.images = 0
        self.correct: Optional[int] = 0  # None once a batch did not say
        self._kind = kind
        self._head = head
        self._pid = os.getpid()
        self._rows: List[_Row] = []
        self._rows_bytes = 0
        self._sent_ns = now_ns()

    def batch(
        self,
        begin_ns: SupportsInt,
        end_ns: SupportsInt,
        images: SupportsInt,
        correct: Optional[SupportsInt] = None,
        hits: _Hits = None,
    ) -> None:
        """One batch, its times from `now_ns()`, the second one read after the device was synchronised.

        `hits`: true or false for each image, in the order of the subset; `correct` follows from it.
        """
        sender = _sender()
        if sender.pid != self._pid:  # a forked child does not speak for its parent
            return
        with sender.lock:
            try:
                row = _row((begin_ns, end_ns, images), correct, hits)
            except _UNFIT as fault:
                sender.leave_out(self._kind, fault)
                return
            self._add(row)
            sender.unsent.add(self)
            if now_ns() - self._sent_ns >= GATHER_NS:
                self.flush()

    def flush(self, t: Optional[int] = None) -> None:
        """Send what is gathered now."""
        sender = _sender()
        with sender.lock:
            if self._rows and sender.pid == self._pid:
                rows, self._rows, self._rows_bytes, self._sent_ns = self._rows, [], 0, now_ns()
                sender.unsent.discard(self)
                sender.say(self._kind, dict(self._head, **_columns(rows)), t)

    def _add(self, row: _Row) -> None:
        size = 64 + 2 * len(row[4] or ())
        if self._rows_bytes + size > COLUMN_BYTES:
            self.flush()
        self._rows.append(row)
        self._rows_bytes += size
        self.images += row[2]
        self.correct = None if self.correct is None or row[3] is None else self.correct + row[3]


class Trial(Batches):
    """A trial between its two marks, with its `id`."""

    def __init__(self, fields: Dict[str, object]) -> None:
        self.id = str(fields["trial"])
        self.load: Optional[float] = None  # set it before the end: what share of the processors others used
        self._fields = fields
        super().__init__("batches", {"trial": self.id})

    def __enter__(self) -> "Trial":
        _sender().say("trial_begin", self._fields)
        return self

    def __exit__(self, kind: object, fault: object, trace: object) -> None:
        t, sender = now_ns(), _sender()
        if sender.pid != self._pid:
            return
        self.flush(t)
        end = dict(self._head, status="aborted" if kind else "ok", images=self.images)
        more = {"correct": self.correct if self.images else None, "load": self.load}
        end.update({name: value for name, value in more.items() if value is not None})
        sender.say("trial_end", end, t)
        sender.wait(END_WAIT_S)


def _row(numbers: Tuple[SupportsInt, ...], correct: Optional[SupportsInt], hits: _Hits) -> _Row:
    begin, end, images = map(int, numbers)
    counted = None if correct is None else int(correct)
    if hits is None:
        return begin, end, images, counted, None
    bits = [1 if hit else 0 for hit in hits]
    if len(bits) != images:
        raise ValueError("%d hits for %d images" % (len(bits), images))
    fits = 2 * len(bits) + 64 < COLUMN_BYTES  # a batch is never split: a huge one keeps its count alone
    return begin, end, images, sum(bits) if counted is None else counted, bits if fits else None


def _columns(rows: List[_Row]) -> Dict[str, object]:
    begin, end, images, correct, hits = zip(*rows)
    columns: Dict[str, object] = {"begin": begin, "end": end, "images": images}
    if None not in correct:
        columns["correct"] = correct
    if None not in hits:
        columns["hits"] = [bit for bits in hits for bit in bits]
    return columns


class _Sender:
    """The numbered lines of one process, sent in order; refused ones wait for the next call."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.lock = threading.RLock()  # re-entrant: a signal handler that marks must not hang the program
        self.unsent: Set[Batches] = set()
        self._n = 0
        self._kept: Deque[bytes] = collections.deque()
        self._kept_bytes = 0
        self._socket: Optional[socket.socket] = None
        self._complained = False

    def say(self, kind: str, fields: Dict[str, object], t: Optional[int] = None) -> None:
        """Number one mark, and send it behind those that were refused before it."""
        t = now_ns() if t is None else t
        with self.lock:
            n, self._n = self._n, self._n + 1
            try:
                self._keep(_encode(dict({"v": 1, "pid": self.pid, "n": n, "kind": kind, "t": t}, **fields)))
            except _UNFIT as fault:
                self._n = n
                self.leave_out(kind, fault)
            self._drain(DRAIN_LINES)

    def leave_out(self, kind: str, fault: Exception) -> None:
        """A mark that cannot be said uses up its number: the hole tells the agent."""
        with self.lock:
            self._n += 1
            if not self._complained:
                _log.warning("a mark (%s) is left out, later ones without a word: %s", kind, fault)
            self._complained = True

    def wait(self, wait_s: float) -> None:
        """Give an agent that is there, but busy, this long to take the kept lines."""
        deadline = time.monotonic() + wait_s
        while self._drain(KEPT_LINES) in _BUSY and time.monotonic() < deadline:
            time.sleep(0.002)

    def _keep(self, line: bytes) -> None:
        self._kept.append(line)
        self._kept_bytes += len(line)
        while len(self._kept) > KEPT_LINES or self._kept_bytes > KEPT_BYTES:
            self._kept_bytes -= len(self._kept.popleft())

    def _drain(self, most: int) -> Optional[int]:
        """Send up to `most` lines, oldest first: 0, or the error number of a refusal."""
        with self.lock:
            for _ in range(min(most, len(self._kept))):
                line = self._kept.popleft()  # before it is sent: a signal handler may mark in between
                refused = self._send(line)
                if refused not in (0, errno.EMSGSIZE):  # what the socket can never carry leaves a hole
                    self._kept.appendleft(line)
                    return refused
                self._kept_bytes -= len(line)
            return 0

    def _send(self, line: bytes) -> Optional[int]:
        refused: Optional[int] = errno.ENOENT
        for path in _paths():
            try:
                self._socket = self._socket or socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                self._socket.sendto(line, socket.MSG_DONTWAIT, path)
                return 0
            except OSError as error:
                refused = error.errno
                if refused in _BUSY:
                    break
        return refused


def _encode(line: Dict[str, object]) -> bytes:
    text = json.dumps(line, separators=(",", ":"), allow_nan=False, default=str).encode("ascii")
    if len(text) > LINE_BYTES:
        raise ValueError("%d bytes, and a datagram takes %d" % (len(text), LINE_BYTES))
    return text


def _paths() -> List[str]:
    if not hasattr(socket, "AF_UNIX"):
        return []
    personal = [os.environ["XDG_RUNTIME_DIR"] + "/e3p/marks.sock"] if "XDG_RUNTIME_DIR" in os.environ else []
    return [os.environ["E3P_SOCKET"]] if os.environ.get("E3P_SOCKET") else ["/run/e3p/marks.sock", *personal]


_senders: Dict[int, _Sender] = {}


def _sender() -> _Sender:
    """The sender of this process: a forked child starts anew, at 0 and with a lock that nobody holds."""
    pid = os.getpid()
    return _senders.get(pid) or _senders.setdefault(pid, _Sender(pid))


@atexit.register
def _finish() -> None:
    sender = _sender()
    for batches in list(sender.unsent):
        batches.flush()
    sender.wait(END_WAIT_S)
