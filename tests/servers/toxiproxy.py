"""A toxiproxy of the test's own: connections that are slow, cut, reset or half open."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from tests.servers.http import ask
from tests.servers.process import ServerProcess


class Proxy:
    """One port that stands for another one, and what is wrong with the way there."""

    def __init__(self, server: Toxiproxy, name: str, port: int) -> None:
        self._server, self._path, self.port = server, f"/proxies/{name}", port
        self.host = server.host

    def toxic(
        self, kind: str, *, stream: Literal["upstream", "downstream"] = "downstream", **attributes: int
    ) -> None:
        """Adds a fault, as toxiproxy names them.

        `latency` (latency=ms, jitter=ms), `bandwidth` (rate=kB/s), `timeout` (timeout=ms; 0 holds everything
        back: half open), `reset_peer` (timeout=ms), `limit_data` (bytes=n), `slow_close` (delay=ms).
        """
        fault = {"name": f"{kind}-{stream}", "type": kind, "stream": stream, "attributes": attributes}
        self._server.call("POST", f"{self._path}/toxics", fault)

    def heal(self, kind: str, stream: Literal["upstream", "downstream"] = "downstream") -> None:
        """Takes a fault away."""
        self._server.call("DELETE", f"{self._path}/toxics/{kind}-{stream}")

    def cut(self) -> None:
        """Ends every connection and takes no new one."""
        self._server.call("POST", self._path, {"enabled": False})

    def mend(self) -> None:
        """Takes connections again."""
        self._server.call("POST", self._path, {"enabled": True})


class Toxiproxy(ServerProcess):
    """One toxiproxy-server process."""

    def __init__(self, binary: str, folder: Path) -> None:
        super().__init__("toxiproxy", folder)
        self._binary = binary
        self._count = 0

    def command(self) -> list[str]:
        return [self._binary, "-host", self.host, "-port", str(self.port)]

    def proxy(self, port: int, host: str = "127.0.0.1") -> Proxy:
        """A healthy way to a port; the system chooses the proxy's own."""
        self._count += 1
        name = f"to-{port}-{self._count}"
        asked = {"name": name, "listen": f"{self.host}:0", "upstream": f"{host}:{port}", "enabled": True}
        listen = self.call("POST", "/proxies", asked)["listen"]
        return Proxy(self, name, int(listen.rpartition(":")[2]))

    def call(self, method: str, path: str, body: object | None = None) -> Any:
        """One request of its HTTP interface, and the JSON it answers with."""
        return ask(method, f"http://{self.host}:{self.port}{path}", body)
