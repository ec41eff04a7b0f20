"""Where an InfluxDB 2 is, as a store's URL says it: ``influxdb://HOST[:PORT]/?org=ORG&bucket=BUCKET``."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

from telemetry.contract.errors import UserError

SCHEMES = {"influxdb": "http", "influxdbs": "https"}
PORT = 8086
LAWFUL = "influxdb://HOST:8086/?org=ORG&bucket=BUCKET (influxdbs:// with TLS)"
TOKEN = "the token stands in E3P_STORE_TOKEN, or in store_token_file's file"  # noqa: S105 - no token


class Address(NamedTuple):
    """A server, an organisation, and the bucket after which the others are named."""

    host: str
    port: int
    secure: bool
    org: str
    bucket: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """Raises `UserError` that says what is wrong, and repeats nothing that may be secret."""
        try:
            parts = urlsplit(url)
            port = PORT if parts.port is None else parts.port
        except ValueError as error:
            raise UserError(f"store: {error}; use {LAWFUL}") from None
        asked = dict(parse_qsl(parts.query, keep_blank_values=True))
        if parts.username is not None or parts.password is not None or "token" in asked:
            raise UserError(f"store: {TOKEN}, not in the URL; use {LAWFUL}")
        if not parts.hostname or port == 0 or parts.path not in ("", "/") or parts.fragment:
            raise _wrong(url, "a host, a port and nothing else come before the ?")
        if odd := sorted(asked.keys() - {"org", "bucket"}):
            raise _wrong(url, f"{odd[0]!r} is no part of it")
        for name in ("org", "bucket"):
            if not asked.get(name):
                raise _wrong(url, f"{name}= is missing")
        if any(sign in asked["bucket"] for sign in '/"') or asked["bucket"].startswith("_"):
            raise _wrong(url, 'a bucket is named without / and ", and does not begin with _')
        return cls(parts.hostname, port, parts.scheme == "influxdbs", asked["org"], asked["bucket"])

    @property
    def place(self) -> str:
        """Host and port, for messages."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def base(self) -> str:
        """What every request's URL begins with."""
        return f"http{'s' if self.secure else ''}://{self.place}"

    @property
    def url(self) -> str:
        """The store's URL."""
        asked = urlencode({"org": self.org, "bucket": self.bucket})
        return f"influxdb{'s' if self.secure else ''}://{self.place}/?{asked}"

    @property
    def buckets(self) -> Buckets:
        """The buckets that belong together."""
        return Buckets(self.bucket, f"{self.bucket}-results", f"{self.bucket}-archive", f"{self.bucket}-long")


class Buckets(NamedTuple):
    """`raw` may expire; the others never do. `long` is made and filled by `e3p store setup` alone."""

    raw: str
    results: str
    archive: str
    long: str


def _wrong(url: str, words: str) -> UserError:
    return UserError(f"store {url!r}: {words}; use {LAWFUL}")
