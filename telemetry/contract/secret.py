"""A text that no log, table or traceback may show."""

from __future__ import annotations

from pathlib import Path

from telemetry.contract.errors import UserError


class Secret:
    """A password or token. It prints as ``hidden``; only `reveal` gives it away."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one call that needs it."""
        return self._text

    def __repr__(self) -> str:
        return "hidden"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)


def read_secret(key: str, file: str) -> Secret:
    """The text on the first line of the file that the setting `key` names. Raises `UserError`."""
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        words = getattr(error, "strerror", None) or "no UTF-8 text"
        raise UserError(f"{key} {file}: cannot be read ({words})") from None
    if not lines or not lines[0]:
        raise UserError(f"{key} {file}: the secret is expected on its first line")
    return Secret(lines[0])


def given(key: str, secret: Secret | None, file: str | None) -> Secret | None:
    """The secret where it was set, else that in the `file` which the setting `key` names, else None."""
    return secret if secret is not None or not file else read_secret(key, file)
