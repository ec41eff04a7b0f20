"""Files of sysfs that are read again and again: opened once, read at offset 0."""

from __future__ import annotations

import os
from pathlib import Path

from edge_node.power.sensor import SensorError


class NumberFile:
    """A file with one whole number. Raises `SensorError` that names the file and what is wrong with it.

    A `patient` one may be absent: it is opened when it is there, also after its driver was loaded anew.
    """

    def __init__(self, path: Path, *, patient: bool = False) -> None:
        self.path = path
        self._patient = patient
        self._fd = -1
        if not patient:
            self._open()

    def __repr__(self) -> str:
        return f"NumberFile({self.path})"

    def read(self) -> int:
        """The number as it is now."""
        if self._fd < 0:
            self._open()
        try:
            return int(os.pread(self._fd, 32, 0))
        except ValueError:
            raise SensorError(f"{self.path}: a whole number is expected") from None
        except OSError as error:
            if self._patient:
                self.close()
            raise SensorError(f"{self.path}: {error.strerror}") from None

    def close(self) -> None:
        """Closes the file. Twice is once."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> None:
        try:
            self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise SensorError(f"{self.path}: {error.strerror}") from None


def read_text(path: Path) -> str | None:
    """A small file's text without its newline; None where it is absent or may not be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None


def read_number(path: Path) -> int:
    """A file's whole number, read once. Raises `SensorError`."""
    file = NumberFile(path)
    try:
        return file.read()
    finally:
        file.close()
