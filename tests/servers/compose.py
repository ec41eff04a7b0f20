"""The real Compose v2, for `docker compose config`: it reads files and needs no Docker."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.servers.process import find


def configured(file: Path, env: Mapping[str, str], profiles: Sequence[str] = ()) -> dict[str, Any]:
    """What Compose makes of a file and of `env` alone. Raises `AssertionError` with its words."""
    command = [find("docker-compose-v2", "compose"), "--file", str(file), "--env-file", os.devnull]
    command += [word for name in profiles for word in ("--profile", name)]
    done = subprocess.run(
        [*command, "config", "--format", "json"],
        env={"PATH": os.environ["PATH"], **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document
