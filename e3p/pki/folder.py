"""The folder that `e3p pki` keeps: the authority, and beside it one folder to copy for each that uses e3p.

ca.pem, ca.key         the authority; its key signs everything and is copied nowhere
broker/                broker.pem, broker.key, ca.pem, crl.pem, acl, mosquitto.conf
server/                cert.pem, key.pem, ca.pem, e3p.toml: collector, analyzer, commands on the server
nodes/NAME/            the same for a node
revoked/NAME-SERIAL/   what was taken back
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, TypeVar

from e3p.pki.authority import Authority, Pair, Unit, hosts_of, serial_of, serials_of
from e3p.pki.templates import ACL, SERVER, client_settings, mosquitto_settings
from telemetry.contract.errors import UserError
from telemetry.contract.topics import is_node
from telemetry.runtime.certificate import Certificate, read_certificate

T = TypeVar("T")

SECRET, OPEN = 0o600, 0o644
CLIENT_AT = "/etc/e3p"


class Entry(NamedTuple):
    """A certificate of the folder, and where it lies."""

    path: Path
    certificate: Certificate


class Pki:
    """The folder at one moment. Every method raises `UserError` where something is missing or in the way."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self.folder = folder
        self._now = now

    @property
    def broker(self) -> Path:
        """What the broker needs."""
        return self.folder / "broker"

    def create(self, hosts: Sequence[str], port: int, days: int, authority_days: int) -> None:
        """The authority, the broker's folder and the server's."""
        if (self.folder / "ca.key").exists() or (self.folder / "ca.pem").exists():
            raise UserError(
                f"{self.folder}: an authority is here already, and all its certificates would be void; "
                "`e3p pki node NAME` adds a node, another DIR makes another authority"
            )
        _check_hosts(hosts)
        authority = Authority.made("e3p authority", authority_days, self._now)
        _write(self.folder / "ca.pem", authority.pair.certificate, OPEN)
        _write(self.folder / "ca.key", authority.pair.key, SECRET)
        _write(self.broker / "crl.pem", authority.taken_back([]), OPEN)
        _write(self.broker / "acl", ACL.encode(), OPEN)
        _write(self.broker / "mosquitto.conf", mosquitto_settings(self.broker.resolve(), port).encode(), OPEN)
        self.issue_broker(hosts, days)
        self.issue_client(SERVER, "server", days)

    def issue_broker(self, hosts: Sequence[str], days: int, *, renew: bool = False) -> Path:
        """The broker's certificate, for the names that clients know it by; renewed, for those of before."""
        path = self.broker / "broker.pem"
        self._refuse_to_overwrite(path, renew=renew)
        hosts = hosts or (_held(path, hosts_of) if path.exists() else ())
        _check_hosts(hosts)
        pair = self._signer().issue(hosts[0][:64], "broker", days, hosts)
        self._lay_down(self.broker, pair, ("broker.pem", "broker.key"))
        return self.broker

    def issue_client(self, name: str, unit: Unit, days: int, *, renew: bool = False) -> Path:
        """A folder to copy to a node, or to the server: certificate, key, authority and settings."""
        folder = self._client(name)
        if unit == "node" and (not is_node(name) or name == SERVER):
            raise UserError(
                f"node {name!r}: 1-64 of A-Z a-z 0-9 _ - expected, and neither fleet nor {SERVER}"
            )
        self._refuse_to_overwrite(folder / "cert.pem", renew=renew)
        pair = self._signer().issue(name, unit, days)
        settings = client_settings(self._url(), CLIENT_AT, name, unit)
        self._lay_down(folder, pair, ("cert.pem", "key.pem"))
        _write(folder / "e3p.toml", settings.encode(), OPEN)
        return folder

    def revoke(self, name: str) -> Path:
        """Takes a client's certificate back; its folder goes to `revoked`, its name is free for another."""
        folder, revocations = self._client(name), self.broker / "crl.pem"
        if not (folder / "cert.pem").exists():
            known = ", ".join(sorted(each.name for each in (self.folder / "nodes").glob("*"))) or "none"
            raise UserError(f"{folder}: no certificate of {name!r} here; nodes are: {known}")
        serial = _held(folder / "cert.pem", serial_of)
        listed = self._signer().taken_back([*_held(revocations, serials_of), serial])
        _write(revocations, listed, OPEN)
        kept = self.folder / "revoked" / f"{name}-{serial:x}"
        kept.parent.mkdir(mode=0o700, exist_ok=True)
        shutil.move(folder, kept)
        return kept

    def entries(self) -> Iterator[Entry]:
        """Every certificate in use, the authority first."""
        self._authority()
        for pattern in ("ca.pem", "broker/broker.pem", "server/cert.pem", "nodes/*/cert.pem"):
            for path in sorted(self.folder.glob(pattern)):
                yield Entry(path, read_certificate(str(path)))

    def _authority(self) -> Authority:
        certificate, key = self.folder / "ca.pem", self.folder / "ca.key"
        try:
            return Authority(Pair(certificate.read_bytes(), key.read_bytes()), self._now)
        except OSError as error:
            right = "`e3p pki init` makes one, --dir names another folder"
            raise UserError(f"{error.filename}: no authority here ({error.strerror}); {right}") from None
        except (ValueError, TypeError) as error:
            raise UserError(f"{self.folder}: ca.pem and ca.key are no authority of ours ({error})") from None

    def _signer(self) -> Authority:
        """The authority, while it may sign."""
        authority = self._authority()
        if authority.ends <= self._now:
            right = "what it signs is void; `e3p pki init` with another DIR makes another"
            raise UserError(
                f"{self.folder / 'ca.pem'}: the authority expired {authority.ends:%Y-%m-%d}: {right}"
            )
        return authority

    def _client(self, name: str) -> Path:
        return self.folder / "server" if name == SERVER else self.folder / "nodes" / name

    def _url(self) -> str:
        """The broker's address as its certificate and its settings say."""
        try:
            host = _held(self.broker / "broker.pem", hosts_of)[0]
            settings = (self.broker / "mosquitto.conf").read_text(encoding="utf-8").split()
            port = settings[settings.index("listener") + 1]
        except (OSError, ValueError, IndexError):
            raise UserError(f"{self.broker}: no broker.pem and mosquitto.conf of ours any more") from None
        return f"mqtts://{f'[{host}]' if ':' in host else host}:{port}"

    def _lay_down(self, folder: Path, pair: Pair, names: tuple[str, str]) -> None:
        _write(folder / names[0], pair.certificate, OPEN)
        _write(folder / names[1], pair.key, SECRET)
        _write(folder / "ca.pem", (self.folder / "ca.pem").read_bytes(), OPEN)

    def _refuse_to_overwrite(self, path: Path, *, renew: bool) -> None:
        if path.exists() and not renew:
            raise UserError(f"{path}: is here already; --renew puts another in its place")
        if renew and not path.exists():
            raise UserError(f"{path}: nothing to renew; leave out --renew to make it")


def _held(path: Path, read: Callable[[bytes], T]) -> T:
    """What a file of the folder holds, as `read` understands it."""
    try:
        return read(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError:
        raise UserError(f"{path}: damaged, or none of ours; put back a copy of it") from None


def _check_hosts(hosts: Sequence[str]) -> None:
    if not hosts:
        raise UserError("--host: name the broker as clients do, such as --host broker.lan --host 192.0.2.7")


def _write(path: Path, content: bytes, mode: int) -> None:
    """A file that has its mode from its first byte on, in folders that only their owner enters."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.part")
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
        part.replace(path)
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from None
