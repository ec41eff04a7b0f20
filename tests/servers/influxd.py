"""An InfluxDB 2 of the test's own, set up with an organisation and a token."""

from __future__ import annotations

import os
import secrets
import urllib.parse
from pathlib import Path
from typing import Any, NamedTuple

from tests.servers.http import ask
from tests.servers.process import ServerProcess

ORG = "e3p"
FRESH_WAL = Path(__file__).parents[2] / "deploy" / "influxdb" / "fresh-wal.sh"


class Influx(NamedTuple):
    """Where an InfluxDB 2 is, and who may do anything there."""

    url: str
    org: str
    token: str

    @classmethod
    def named(cls, url: str) -> Influx:
        """The one in `E3P_TEST_INFLUX`, with `E3P_TEST_INFLUX_ORG` and `E3P_TEST_INFLUX_TOKEN`."""
        org = os.environ.get("E3P_TEST_INFLUX_ORG", ORG)
        return cls(url.rstrip("/"), org, os.environ.get("E3P_TEST_INFLUX_TOKEN", ""))

    def store(self, bucket: str) -> str:
        """As the store's setting: `influxdb://HOST:PORT/?org=…&bucket=…`; the token is given apart."""
        place = urllib.parse.urlsplit(self.url).netloc
        return f"influxdb://{place}/?{urllib.parse.urlencode({'org': self.org, 'bucket': bucket})}"

    def call(self, method: str, path: str, body: object | None = None) -> Any:
        """One request of its HTTP interface, and the JSON it answers with. Raises `OSError`."""
        return ask(method, f"{self.url}{path}", body, Authorization=f"Token {self.token}")


class Influxd(ServerProcess):
    """One influxd process; what it holds is in a folder, so a restart finds it again, and so does a kill.

    It is started as it is deployed, with a fresh write-ahead log; `bare` leaves that out.
    """

    def __init__(self, binary: str, folder: Path, *, bare: bool = False) -> None:
        super().__init__("influxd", folder)
        self.engine = folder / "engine"
        self._binary = binary
        self._folder = folder
        self._bare = bare
        self._token = secrets.token_hex(16)

    @property
    def influx(self) -> Influx:
        """Where it is."""
        return Influx(f"http://{self.host}:{self.port}", ORG, self._token)

    def command(self) -> list[str]:
        files = {
            "bolt-path": self._folder / "influxd.bolt",
            "sqlite-path": self._folder / "influxd.sqlite",
            "engine-path": self.engine,
        }
        where = [f"--{name}={path}" for name, path in files.items()]
        address = f"--http-bind-address={self.host}:{self.port}"
        before = [] if self._bare else ["sh", "-c", '"$0" "$1" && shift && exec "$@"', str(FRESH_WAL)]
        engine = [] if self._bare else [str(self.engine)]
        return [*before, *engine, self._binary, *where, address, "--reporting-disabled", "--log-level=error"]

    def answers(self) -> bool:
        """Whether it is ready and set up; the first time this sets it up."""
        try:
            if self.influx.call("GET", "/api/v2/setup")["allowed"]:
                first = {"username": "tests", "password": self._token, "token": self._token}
                self.influx.call("POST", "/api/v2/setup", {**first, "org": ORG, "bucket": "first"})
            return bool(self.influx.call("GET", "/health")["status"] == "pass")
        except (OSError, ValueError):
            return False
