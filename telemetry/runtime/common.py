"""The settings that every program shares: broker, store, logs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec

from telemetry.contract.secret import Secret, given
from telemetry.runtime.address import Address, Tls
from telemetry.runtime.logs import Format, Level

Days = Annotated[int, msgspec.Meta(ge=0, le=36_500)]
Mib = Annotated[int, msgspec.Meta(ge=0)]
LOCAL_BROKER = "mqtt://127.0.0.1:1883"


def without_secrets(env: Mapping[str, str]) -> dict[str, str]:
    """The environment for a program that is not e3p: it needs none of our passwords and tokens."""
    secret = ("_TOKEN", "_PASSWORD")
    return {
        name: value for name, value in env.items() if not (name.startswith("E3P_") and name.endswith(secret))
    }


class Common(msgspec.Struct, frozen=True, kw_only=True):
    """The top level of ``e3p.toml``. `mqtt` None: the command's own choice (`serve` brings a broker).

    The `store_…` keys are for a store on a server: its token, who is trusted with TLS, whether what is
    written is compressed, and how many days a raw bucket that is made here keeps its points (0: for ever).
    A store in a file keeps raw frames for as many days, and windows of work for `store_window_days`.
    In any store dead letters keep their bodies up to `store_letter_mib` in all.

    The parts answer /healthz and /metrics on `metrics_host`, each at its own `metrics_port`; `http_password`
    is asked for there and by `e3p serve`.
    """

    mqtt: str | None = None
    mqtt_ca: str | None = None
    mqtt_cert: str | None = None
    mqtt_key: str | None = None
    mqtt_password: Secret | None = None
    mqtt_password_file: str | None = None
    store: str = "sqlite:///e3p.db"
    store_token: Secret | None = None
    store_token_file: str | None = None
    store_ca: str | None = None
    store_gzip: bool = False
    store_raw_days: Days = 30
    store_window_days: Days = 1826
    store_letter_mib: Mib = 256
    log: Format = "text"
    log_level: Level = "info"
    metrics_host: str = "127.0.0.1"
    http_password: Secret | None = None
    http_password_file: str | None = None

    def address(self, default: str = LOCAL_BROKER) -> Address:
        """The broker's address with its TLS files and password. Raises `UserError`."""
        password = given("mqtt_password_file", self.mqtt_password, self.mqtt_password_file)
        tls = Tls(self.mqtt_ca, self.mqtt_cert, self.mqtt_key)
        return Address.parse(self.mqtt or default, tls=tls, password=password)

    def store_secret(self) -> Secret | None:
        """The token of the store's server. Raises `UserError`."""
        return given("store_token_file", self.store_token, self.store_token_file)

    def page_password(self) -> Secret | None:
        """What /metrics and the facts of /healthz are locked with. Raises `UserError`."""
        return given("http_password_file", self.http_password, self.http_password_file)
