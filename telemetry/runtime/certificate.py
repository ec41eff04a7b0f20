"""What a certificate says of itself: read from its DER by hand, because an agent has no library for it.

The layout is RFC 5280's: a certificate is a sequence whose first part holds version, serial number,
algorithm, issuer, validity, subject.
"""

from __future__ import annotations

import math
import ssl
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from telemetry.contract.errors import UserError

DAY_S = 86_400
VERSION, UTC_TIME = 0xA0, 0x17
COMMON_NAME, UNIT = b"\x55\x04\x03", b"\x55\x04\x0b"
END = "-----END CERTIFICATE-----"
METRIC = "e3p_certificate_expires_timestamp_seconds"
METRIC_WORDS = "When the certificate that this program shows expires, Unix time, by its name"


class Certificate(NamedTuple):
    """Whose it is: `name` (a broker's user name) and `unit`; and from when to when, in Unix seconds."""

    name: str
    unit: str
    begins_s: float
    expires_s: float

    def days_left(self, now_s: float) -> int:
        """Whole days until it expires; negative when it has."""
        return math.floor((self.expires_s - now_s) / DAY_S)


def read_certificate(path: str) -> Certificate:
    """The first certificate of a PEM file. Raises `UserError` that names the file."""
    try:
        text = Path(path).read_text(encoding="ascii")
        head, end, _ = text[text.index("-----BEGIN CERTIFICATE") :].partition(END)
        return parse_certificate(ssl.PEM_cert_to_DER_cert(head + end))
    except (OSError, ValueError) as error:
        words = getattr(error, "strerror", None) or "no PEM file with a certificate"
        raise UserError(f"certificate {path}: cannot be read ({words})") from None


def parse_certificate(der: bytes) -> Certificate:
    """A certificate from its DER bytes; ``ValueError`` for what is none."""
    try:
        (_, whole), *_ = _parts(der)
        (_, signed), *_ = _parts(whole)
        parts = [content for tag, content in _parts(signed) if tag != VERSION]
        _, _, _, validity, subject = parts[:5]
        begins, expires = _parts(validity)
        names = dict(_names(subject))
        times = (_time_s(*begins), _time_s(*expires))
    except (IndexError, ValueError) as error:
        raise ValueError(f"no certificate: {error}") from None
    return Certificate(names.get(COMMON_NAME, ""), names.get(UNIT, ""), *times)


def exposition(path: str | None) -> bytes:
    """The metric of this program's certificate as Prometheus reads it; nothing where there is none.

    It is read again each time, so that a renewed one shows without a restart.
    """
    try:
        certificate = read_certificate(path) if path else None
    except UserError:
        certificate = None
    if certificate is None:
        return b""
    return (
        f"# HELP {METRIC} {METRIC_WORDS}\n"
        f"# TYPE {METRIC} gauge\n"
        f'{METRIC}{{name="{_escaped(certificate.name)}"}} {certificate.expires_s}\n'
    ).encode()


def _parts(content: bytes) -> list[tuple[int, bytes]]:
    """The elements that lie side by side in `content`, as (tag, content)."""
    found = []
    at = 0
    while at < len(content):
        tag, length = content[at], content[at + 1]
        at += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(content[at : at + size], "big")
            at += size
        if at + length > len(content):
            raise ValueError("an element is longer than what holds it")
        found.append((tag, content[at : at + length]))
        at += length
    return found


def _names(subject: bytes) -> Iterator[tuple[bytes, str]]:
    for _, group in _parts(subject):
        for _, pair in _parts(group):
            (_, kind), (_, value) = _parts(pair)
            if kind in (COMMON_NAME, UNIT):
                yield kind, value.decode()


def _time_s(tag: int, content: bytes) -> float:
    """Two digits of a year up to 2049 (RFC 5280, 4.1.2.5), four after it."""
    text = content.decode("ascii")
    if tag == UTC_TIME:
        text = f"{'20' if text[:2] < '50' else '19'}{text}"
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc).timestamp()


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
