"""Text and figures as templates put them into a page."""

from __future__ import annotations

import json
import re
from typing import Any

from markupsafe import Markup, escape


def embedded(figure: dict[str, Any]) -> Markup:
    """JSON that may stand inside a script element, whatever names it holds."""
    text = json.dumps(figure, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))  # noqa: S704


def soft(text: str) -> Markup:
    """A name that may be broken after its dots and underscores, and nowhere else."""
    return Markup(re.sub(r"([_/]|\.(?=[A-Za-z]))(?=\w)", r"\1<wbr>", str(escape(text))))  # noqa: S704 - escaped
