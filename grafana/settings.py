"""The `[grafana]` section of the configuration: a Grafana that is there already."""

from __future__ import annotations

from typing import Annotated

import msgspec

from telemetry.contract.secret import Secret, given

Title = Annotated[str, msgspec.Meta(min_length=1, max_length=189)]


class GrafanaSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where it is, the token of a service account there, who is trusted with https, and the folder's name.

    `annotate`: whether the analyzer writes trials and findings into its annotations.
    """

    url: str | None = None
    token: Secret | None = None
    token_file: str | None = None
    ca: str | None = None
    folder: Title = "e3p"
    annotate: bool = False

    def secret(self) -> Secret | None:
        """The token. Raises `UserError`."""
        return given("grafana.token_file", self.token, self.token_file)
