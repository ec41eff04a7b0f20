"""A Mosquitto with TLS as `e3p pki` sets it up: its certificates, its rights, its own settings file."""

from __future__ import annotations

import os
import signal
from datetime import datetime, timedelta, timezone
from pathlib import Path

from e3p.pki.folder import Pki
from e3p.pki.templates import SERVER, mosquitto_settings
from telemetry.runtime.common import Common
from tests.servers import Mosquitto, find_mosquitto, missing_server

HOSTS = ("localhost", "127.0.0.1")
DAYS = 30


def at(days: float = 0) -> datetime:
    """So many days from now."""
    return datetime.now(timezone.utc) + timedelta(days=days)


def made_pki(folder: Path, *nodes: str, now: datetime | None = None, hosts: tuple[str, ...] = HOSTS) -> Pki:
    """An authority with certificates for a broker, the server and these nodes."""
    pki = Pki(folder, now or at())
    pki.create(hosts, 8883, DAYS, 10 * DAYS)
    for node in nodes:
        pki.issue_client(node, "node", DAYS)
    return pki


def client_folder(pki: Pki, name: str) -> Path:
    return pki.folder / "server" if name == SERVER else pki.folder / "nodes" / name


def common(pki: Pki, url: str, name: str | None, ca: Path | None = None) -> Common:
    """The settings of a client with this name's certificate, or with none."""
    folder = client_folder(pki, name) if name else None
    return Common(
        mqtt=url,
        mqtt_ca=str(ca or pki.folder / "ca.pem"),
        mqtt_cert=str(folder / "cert.pem") if folder else None,
        mqtt_key=str(folder / "key.pem") if folder else None,
    )


class SecuredMosquitto(Mosquitto):
    """Runs on the very file that `e3p pki init` writes, on a free port."""

    def __init__(self, pki: Pki, folder: Path) -> None:
        binary = find_mosquitto()
        if binary is None:
            missing_server("no Mosquitto: apt-get install mosquitto")
        super().__init__(binary, folder)
        self._pki = pki

    @property
    def url(self) -> str:
        return f"mqtts://localhost:{self.port}"

    def command(self) -> list[str]:
        # Started by root it would become a user who may not enter the test's folder.
        lines = [mosquitto_settings(self._pki.broker, self.port), "user root"]
        self._config.write_text("\n".join(lines) + "\n")
        return [self._binary, "-c", str(self._config)]

    def reload(self) -> None:
        """What a person does after a change of files."""
        os.kill(self.pid, signal.SIGHUP)

    def common(self, name: str | None, ca: Path | None = None) -> Common:
        """The settings of one of its clients."""
        return common(self._pki, self.url, name, ca)
