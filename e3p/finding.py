"""One line of `e3p doctor`."""

from __future__ import annotations

import msgspec

from telemetry.contract.hiding import hide_secrets


class Finding(msgspec.Struct, frozen=True):
    """`well` says whether it can be used as it is; one that nobody `needs` here may be otherwise."""

    topic: str
    name: str
    well: bool
    words: str
    needed: bool = True

    @property
    def is_in_the_way(self) -> bool:
        """Whether something has to be done about it."""
        return self.needed and not self.well

    def unneeded(self) -> Finding:
        """The same where nobody asked for it."""
        return msgspec.structs.replace(self, needed=False)

    def without_secrets(self) -> Finding:
        """As it may be shown: an address in it may hold what does not belong there."""
        name, words = hide_secrets(self.name), hide_secrets(self.words)
        return msgspec.structs.replace(self, name=name, words=words)
