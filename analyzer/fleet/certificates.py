"""Certificates that expire soon: those that this program itself reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from analyzer.fleet.signs import Sign
from telemetry.contract.errors import UserError
from telemetry.contract.nodetime import NS_PER_S, to_ns
from telemetry.runtime.certificate import read_certificate

if TYPE_CHECKING:
    from collections.abc import Iterable

SOON_DAYS = 30


def certificate_signs(paths: Iterable[str], now_ns: int) -> list[Sign]:
    """A sign for each file: it begins `SOON_DAYS` before the end, and ends with a new certificate."""
    signs = []
    for path in paths:
        try:
            found = read_certificate(path)
        except UserError:
            continue  # a program that needs it says so itself
        days = found.days_left(now_ns / NS_PER_S)
        name = found.name or path
        words = f"the certificate of {name} expires in {days} days" if days >= 0 else f"{name}'s has expired"
        signs.append(
            Sign(
                turn="begin" if days < SOON_DAYS else "end",
                kind="certificate",
                subject=name,
                at=to_ns(found.expires_s - SOON_DAYS * 86_400) if days < SOON_DAYS else now_ns,
                severity="alarm" if days < SOON_DAYS / 4 else "warning",
                words=words,
                value=float(days),
                expected=float(SOON_DAYS),
                unit="days",
            )
        )
    return signs
