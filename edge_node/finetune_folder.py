"""The folder of a fine-tuning: its checkpoint, what it resumes from, its card; each whole or not at all."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
from pathlib import Path
from typing import Any, Dict

if __package__:
    from edge_node.finetune_card import markdown
    from edge_node.images import Fault
else:  # alone on a device, beside the others
    from finetune_card import markdown  # type: ignore[import-not-found,no-redef]
    from images import Fault  # type: ignore[import-not-found,no-redef]

MODEL, STATE, CARD, PAGE = "model.safetensors", "resume.pt", "model.json", "model.md"
OTHER = "the same options as before, another --out, or --again to begin anew"
DAMAGED = "--again to begin anew"

Asked = Dict[str, Any]  # what makes a fine-tuning the same one, by name


class Folder:
    """Where a fine-tuning writes; `asked` is what it is asked for."""

    def __init__(self, path: str, asked: Asked) -> None:
        self.path, self.asked = Path(path), asked
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as fault:
            raise Fault("it cannot be made: %s" % fault.strerror, path, "a folder to write to") from None

    def clear(self) -> None:
        """Begins anew."""
        for name in (STATE, CARD, PAGE, MODEL):
            if (self.path / name).exists():
                (self.path / name).unlink()

    def check_room(self, need_bytes: int) -> None:
        """There is room for all that will be written. Raises `Fault`."""
        free = shutil.disk_usage(str(self.path)).free
        if free < need_bytes:
            what = "%.0f MB are free there, and checkpoints need %.0f MB" % (free / 1e6, need_bytes / 1e6)
            raise Fault(what, str(self.path), "room, or another --out")

    def write(self, name: str, body: bytes) -> None:
        """A file, whole or as it was before. Raises `Fault`."""
        place, half = self.path / name, self.path / (name + ".half")
        try:
            with half.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            half.replace(place)
        except OSError as fault:
            if half.is_file():
                half.unlink()
            what = "it cannot be written (%s); what was written before is whole" % fault.strerror
            raise Fault(what, str(place), "room, then the same command goes on") from None

    def keep(self, torch: Any, state: dict[str, Any]) -> None:  # noqa: ANN401  (a module)
        """What a later run goes on from."""
        file = io.BytesIO()
        torch.save(dict(state, asked=self.asked), file)
        self.write(STATE, file.getvalue())

    def kept(self, torch: Any) -> dict[str, Any] | None:  # noqa: ANN401  (a module)
        """What an earlier run left to go on from. Raises `Fault` where that was another fine-tuning."""
        place = self.path / STATE
        if not place.exists():
            return None
        try:
            state: dict[str, Any] = torch.load(str(place), map_location="cpu", weights_only=True)
            before = dict(state["asked"])
        except (RuntimeError, EOFError, KeyError, TypeError, OSError, ValueError, pickle.UnpicklingError):
            raise Fault("it is no whole state of a fine-tuning", str(place), DAMAGED) from None
        self._check(before)
        return state

    def finished(self) -> dict[str, Any] | None:
        """The card of a fine-tuning that came to its end here. Raises `Fault` where that was another one."""
        place = self.path / CARD
        if not place.exists():
            return None
        try:
            card: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
            before = dict(card["asked"])
        except (OSError, ValueError, KeyError, TypeError):
            raise Fault("it is no card of a fine-tuning", str(place), DAMAGED) from None
        self._check(before)
        return card

    def finish(self, card: dict[str, Any]) -> dict[str, Any]:
        """Writes the card in two ways, as it is returned; nothing is left to go on from."""
        card = dict(card, asked=self.asked)
        self.write(PAGE, markdown(card).encode())
        self.write(CARD, (json.dumps(card, indent=2) + "\n").encode())
        (self.path / STATE).unlink()
        return card

    def _check(self, before: Asked) -> None:
        for name, value in self.asked.items():
            if before.get(name) != value:
                what = "another fine-tuning is there: its %s is %s, not %s" % (name, before.get(name), value)
                raise Fault(what, str(self.path), OTHER)
