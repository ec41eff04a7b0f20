"""What every reader of a recorded log needs: its lines, its time zone, its stamps as UTC."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from telemetry.contract.errors import UserError
from telemetry.contract.nodetime import INT64_MAX

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def text_lines(path: Path, expected: str) -> list[str]:
    """The lines of a text file that is there, is text and is not empty, else `UserError`."""
    if path.is_char_device() or path.is_fifo():
        raise UserError(f"{path}: a device or a pipe, which may never end; a file is expected")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise UserError(
            f"{path}: not text (byte {error.start}); lines like {expected} are expected"
        ) from None
    if "\0" in text:
        raise UserError(f"{path}: binary, not text; lines like {expected} are expected")
    if not text.strip():
        raise UserError(f"{path}: empty; lines like {expected} are expected")
    return text.rstrip().splitlines()


def zone_of(name: str) -> tzinfo:
    """The time zone of that name (IANA). Raises `UserError`."""
    if name.upper() == "UTC":
        return timezone.utc
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UserError(f"time zone {name!r} is unknown; right would be UTC or Europe/Berlin") from None


def utc_ns(moment: datetime) -> int:
    """Unix ns of a moment with a zone. Raises ``ValueError`` beyond 64 bits (the year 2262)."""
    t_ns = (moment - _EPOCH) // timedelta(microseconds=1) * 1000
    if abs(t_ns) > INT64_MAX:
        raise ValueError(f"{moment} does not fit 64 bits of nanoseconds")
    return t_ns


def stamp_ns(text: str, form: str, zone: tzinfo) -> int:
    """UTC ns of a stamp of the form that ``strptime`` takes. Raises ``ValueError`` when it is none."""
    return utc_ns(datetime.strptime(text, form).replace(tzinfo=zone))
