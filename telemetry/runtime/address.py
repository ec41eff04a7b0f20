"""Where the broker is: a URL such as ``mqtts://user@host:8883``, and what TLS and a password add to it."""

from __future__ import annotations

import ssl
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from telemetry.contract.errors import UserError
from telemetry.contract.secret import Secret

PORTS = {"mqtt": 1883, "mqtts": 8883}


class Tls(NamedTuple):
    """PEM files: who is trusted (else the system's authorities), and who we are (else nobody)."""

    ca: str | None = None
    cert: str | None = None
    key: str | None = None

    def context(self) -> ssl.SSLContext:
        """The settings as OpenSSL takes them. Raises `UserError` that names the file at fault."""
        if self.key and not self.cert:
            raise UserError(f"mqtt_key {self.key}: a key needs its certificate, mqtt_cert")
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except (OSError, ssl.SSLError) as error:
            raise UserError(f"mqtt_ca {self.ca}: no readable PEM file ({_words(error)})") from None
        if self.cert:
            try:
                context.load_cert_chain(self.cert, self.key, password=_no_passphrase)
            except (OSError, ssl.SSLError, ValueError) as error:
                pair = f"mqtt_cert {self.cert} with mqtt_key {self.key or self.cert}"
                raise UserError(f"{pair}: no readable PEM pair ({_words(error)})") from None
        return context


class Address(NamedTuple):
    """A broker. `tls` is None for ``mqtt://``; the password never shows."""

    host: str
    port: int
    tls: Tls | None = None
    user: str | None = None
    password: Secret | None = None

    @classmethod
    def parse(cls, url: str, *, tls: Tls | None = None, password: Secret | None = None) -> Address:
        """From ``mqtt://[USER@]HOST[:PORT]`` or ``mqtts://…``. Raises `UserError` that says what is wrong."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise _bad(url, str(error)) from None
        if parts.scheme not in PORTS:
            raise _bad(url, "it begins with mqtt:// or mqtts://")
        if parts.password is not None:
            raise _bad(url, "a password stands in E3P_MQTT_PASSWORD, or in mqtt_password_file's file")
        if not parts.hostname or not is_host(parts.hostname):
            raise _bad(url, "a host name or IP address is expected")
        if port == 0:
            raise _bad(url, "a port from 1 to 65535 is expected")
        if parts.path not in ("", "/") or parts.query or parts.fragment:
            raise _bad(url, "nothing follows the port")
        secure = parts.scheme == "mqtts"
        if tls is not None and any(tls) and not secure:
            raise _bad(url, "certificates are used with mqtts:// only")
        user = unquote(parts.username) if parts.username else None
        if password is not None and user is None:
            raise _bad(url, "a password needs its user: mqtt://USER@HOST")
        number = PORTS[parts.scheme] if port is None else port
        return cls(parts.hostname, number, (tls or Tls()) if secure else None, user, password)

    @property
    def url(self) -> str:
        """The address for people and logs, without the password."""
        user = f"{self.user}@" if self.user else ""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"mqtt{'s' if self.tls else ''}://{user}{host}:{self.port}"


def is_host(name: str) -> bool:
    """Whether a resolver can be asked for this name at all."""
    try:
        return bool(name.encode("idna")) and not any(sign.isspace() for sign in name)
    except UnicodeError:
        return False


def _bad(url: str, right: str) -> UserError:
    return UserError(f"broker address {url!r}: {right}, such as mqtt://localhost:1883")


def _no_passphrase() -> str:
    """Asked for when a key is encrypted: a service has nobody who could type a passphrase."""
    raise ValueError("the key is encrypted")


def _words(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
