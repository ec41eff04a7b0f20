"""What InfluxDB's answers mean here: try again, refuse these lines, or have a person act."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import aiohttp
import msgspec

from telemetry.contract.errors import UserError
from telemetry.store.influx.address import Address
from telemetry.store.interface import StoreUnavailable

LONGEST_WAIT_S = 900.0
"""No server is waited for longer than this because it said so once."""
WORDS = 300
WRONG = re.compile(
    r"^(database|retention policy) (not found|name required)|^undefined function|^invalid operation"
    r"|is not supported$|cannot be (combined|used)"
)
"""What InfluxQL says, with status 200, of a query that will be as wrong the next time."""


class LinesRefused(Exception):
    """The server read the lines and will not have some of them, now or later."""


class BodyTooLarge(LinesRefused):
    """The server, or a proxy before it, takes no body of this size; a smaller one may do."""


class NotThere(UserError):
    """The server knows no such thing; `what` is the first word of its answer, as `bucket`."""

    def __init__(self, words: str, what: str) -> None:
        super().__init__(words)
        self.what = what


class _Refusal(msgspec.Struct):
    message: str = ""
    error: str = ""


def decision(address: Address, status: int, body: bytes, headers: Mapping[str, str]) -> Exception:
    """The error of an answer that is none of the 2xx."""
    words = _words(body)
    if status == 413:
        return BodyTooLarge(words or f"status {status}")
    if status in (400, 422):
        return LinesRefused(words or f"status {status}")
    if status in (401, 403):
        return UserError(
            f"{who(address)}: the token is not accepted ({words or status}); "
            "it needs read and write on this organisation's buckets (E3P_STORE_TOKEN or store_token_file)"
        )
    if status in (408, 429) or status >= 500:  # 408: a proxy's patience ended
        wait_s = retry_after_s(headers.get("Retry-After"), time.time())
        return StoreUnavailable(f"{address.place}: status {status} {words}".rstrip(), retry_after_s=wait_s)
    if status == 404 and words:
        return NotThere(f"{who(address)}: {words}; influx bucket list shows what is there", words.split()[0])
    return nobody(address, f"status {status}")


def failed_query(address: Address, words: str) -> Exception:
    """The error of a query that the server took, and could not answer."""
    if WRONG.search(words):
        return wrong_query(address, words)
    return StoreUnavailable(f"{address.place}: a query failed: {words}")


def wrong_query(address: Address, words: str) -> UserError:
    """The error of a query that the server will never answer, such as one of a bucket that is gone."""
    right = "is its bucket still there, may the token read it, is it an InfluxDB 2?"
    return UserError(f"{who(address)}: a query is refused ({words}); {right}")


def nobody(address: Address, why: str) -> UserError:
    """The error where something else answers."""
    return UserError(f"{address.base}: no InfluxDB 2 answers there ({why}); is the port right?")


def trouble(address: Address, error: Exception) -> Exception:
    """The error where no answer came at all."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        words = f"its certificate is not trusted ({error.certificate_error}); name its authority in store_ca"
        return UserError(f"{who(address)}: {words}")
    if isinstance(error, aiohttp.ClientConnectorSSLError) and "WRONG_VERSION" in str(error.os_error):
        return UserError(f"{who(address)}: no TLS is spoken there; without it, it is influxdb://")
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno or 0
        words = os.strerror(number) if number > 0 else str(error.os_error.strerror)
        return StoreUnavailable(f"{address.place}: {words}")
    return StoreUnavailable(f"{address.place}: {str(error) or 'no answer in time'}")


def retry_after_s(header: str | None, now_s: float) -> float | None:
    """The seconds that a server asks for, as a number or as a date; None where it says nothing readable."""
    if header is None:
        return None
    try:
        wait_s = float(header) if header.strip().isdigit() else _until(header) - now_s
    except (ValueError, TypeError):
        return None
    return min(max(wait_s, 0.0), LONGEST_WAIT_S)


def _until(date: str) -> float:
    return parsedate_to_datetime(date).timestamp()


def who(address: Address) -> str:
    """The store, for messages."""
    return f"store at {address.place}, org {address.org!r}, bucket {address.bucket!r}"


def _words(body: bytes) -> str:
    try:
        refusal = msgspec.json.decode(body, type=_Refusal)
    except msgspec.DecodeError:
        return ""
    return " ".join((refusal.message or refusal.error).split())[:WORDS]
