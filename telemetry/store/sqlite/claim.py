"""Who collects into a store's file: one program at a time, by a lock that ends with it however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from telemetry.contract.errors import UserError

WHO_BYTES = 200


class Claim:
    """The lock on a file beside the store, and whose it is: SQLite shares its own among all that write."""

    def __init__(self, path: Path, who: str) -> None:
        """Raises `UserError` where another program has it."""
        self._file = path.with_name(f"{path.name}.collector")
        self._held = self._locked(path)
        os.ftruncate(self._held, 0)
        os.write(self._held, who.encode()[:WHO_BYTES])

    def release(self) -> None:
        self._file.unlink(missing_ok=True)
        os.close(self._held)

    def _locked(self, path: Path) -> int:
        while True:
            file = _opened(self._file)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                whose = _said(file)
                raise UserError(
                    f"{path}: {whose} collects into this store; stop it first, or name another with --store"
                ) from None
            if _is_still(file, self._file):
                return file
            os.close(file)


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        right = "a store needs a folder that this user may write"
        raise UserError(f"{path}: cannot be made ({error.strerror}); {right}") from None


def _said(file: int) -> str:
    """Whose claim it is; the file is not needed any more."""
    whose = os.read(file, WHO_BYTES).decode(errors="replace")
    os.close(file)
    return whose or "another program"


def _is_still(file: int, path: Path) -> bool:
    """Whether an open file is the one of that name: who had it before may have taken it away just now."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
