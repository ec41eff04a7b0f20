"""A Mosquitto of the test's own."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.servers.process import ServerProcess, missing_server

OPEN = ("allow_anonymous true",)


def find_mosquitto() -> str | None:
    """Debian puts it into /usr/sbin, which is not on everybody's PATH."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def need_mosquitto() -> str:
    """The same; without one the test is skipped, or fails where CI is set."""
    return find_mosquitto() or missing_server(
        "no Mosquitto: apt-get install mosquitto, or name a running one in E3P_TEST_MQTT"
    )


class Mosquitto(ServerProcess):
    """One Mosquitto process: nothing on disk but its log; anonymous clients, unless `lines` say otherwise."""

    def __init__(self, binary: str, folder: Path, lines: Sequence[str] = OPEN) -> None:
        super().__init__("mosquitto", folder)
        self._binary = binary
        self._config = folder / "mosquitto.conf"
        self._lines = lines

    @property
    def url(self) -> str:
        return f"mqtt://{self.host}:{self.port}"

    def command(self) -> list[str]:
        ours = [f"listener {self.port} {self.host}", "persistence false"]
        self._config.write_text("\n".join([*ours, *self._lines]) + "\n")
        return [self._binary, "-c", str(self._config)]
