"""The files beside the certificates: rights and settings of the broker, settings of its clients."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

SERVER = "e3p-server"
"""The common name that the rights give the server's topics to."""

ACL = (files(__package__) / "acl").read_text(encoding="utf-8")
_MOSQUITTO = (files(__package__) / "mosquitto.conf").read_text(encoding="utf-8")


def mosquitto_settings(folder: Path, port: int) -> str:
    """Mosquitto's settings, with its files in `folder`."""
    return _MOSQUITTO.replace("@FOLDER@", str(folder)).replace("@PORT@", str(port))


def client_settings(url: str, folder: str, name: str, unit: str) -> str:
    """The settings of a program whose files lie in `folder`."""
    lines = [
        f"# For {folder}/e3p.toml, with the files beside it; the key belongs to the user that e3p runs as.",
        f'mqtt = "{url}"',
        f'mqtt_ca = "{folder}/ca.pem"',
        f'mqtt_cert = "{folder}/cert.pem"',
        f'mqtt_key = "{folder}/key.pem"',
    ]
    if unit == "node":
        lines += ["", "[edge]", f'node = "{name}"']
    return "\n".join(lines) + "\n"
