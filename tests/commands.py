"""The command line inside the test's own process: quick, and everything it says is there to be read."""

from __future__ import annotations

import contextlib
import io
import sys
from typing import NamedTuple
from unittest import mock

from e3p.__main__ import main


class Said(NamedTuple):
    """What a command left: its exit code, standard output and standard error."""

    status: int
    out: str
    err: str


def e3p(*words: object) -> Said:
    """Runs `e3p` with these arguments."""
    out, err = io.StringIO(), io.StringIO()
    argv = ["e3p", *map(str, words)]
    with (
        mock.patch.object(sys, "argv", argv),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as end:
            return Said(int(end.code or 0), out.getvalue(), err.getvalue())
    raise AssertionError("a command ends by leaving")
