"""One request, with a body and an answer in JSON."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

ANSWER_S = 30.0


def ask(method: str, url: str, body: object | None = None, **headers: str) -> Any:
    """What the server answers (None: nothing). Raises `OSError`, for refusals too."""
    data = None if body is None else json.dumps(body).encode()
    kind = {"Content-Type": "application/json"}
    request = urllib.request.Request(url, method=method, data=data, headers=kind | headers)
    with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
        held = answer.read()
    return json.loads(held) if held else None
