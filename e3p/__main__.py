"""``e3p``: parses, runs one command, exits: 0 is done, 1 done and the answer is no, 2 wrong input."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from e3p.cli import app
from telemetry.contract.errors import UserError

INTERRUPTED = 130
EXTRAS = {
    **dict.fromkeys(("aiohttp", "amqtt", "cryptography", "numpy", "orjson", "prometheus_client"), "server"),
    **dict.fromkeys(("jinja2", "plotly"), "report"),
}
"""What brings a package that a command may lack; the other extras are explained where they are needed."""


def main() -> NoReturn:
    """Runs the command of this process. Wrong input is one clear line, never a traceback."""
    try:
        status = app(standalone_mode=False)
    except TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # nothing is wrong: the help was asked for
            sys.stderr.write(f"{error}\n")
            sys.exit(2)
        _refuse(_one_line(error))
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - what is not known here is raised again
        _explain(error)
    sys.exit(status if isinstance(status, int) else 0)


def _explain(error: BaseException) -> NoReturn:
    """One line for what a person or time can mend; anything else is a fault of ours, and shows where."""
    from telemetry.runtime.service import alone
    from telemetry.store.interface import StoreUnavailable

    error = alone(error)
    if isinstance(error, UserError):
        _refuse(str(error))
    if isinstance(error, StoreUnavailable):
        sys.stderr.write(f"e3p: the store is not available: {error}\n")
        sys.exit(1)
    if isinstance(error, ModuleNotFoundError) and (extra := EXTRAS.get((error.name or "").partition(".")[0])):
        _refuse(f'{error.name} is not installed: pip install "e3p-fleet[{extra}]"')
    raise error


def _refuse(words: str) -> NoReturn:
    sys.stderr.write(f"e3p: {' '.join(words.split())}\n")
    sys.exit(2)


def _one_line(error: TyperException) -> str:
    """The library's own words, and which command's help tells more."""
    words = getattr(error, "format_message", lambda: str(error))().replace("Value error, ", "")
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "e3p"
    return f"{words.rstrip('.')} (see {path} --help)"


if __name__ == "__main__":
    main()
