#!/bin/sh
# Writes requirements/lock.txt anew: the exact versions for Python 3.10 to 3.13, from pyproject.toml.
# Run it after a change of the dependencies; `scripts/lock.sh --upgrade` takes the newest versions.
set -eu
cd "$(dirname "$0")/.."
exec .venv/bin/uv pip compile pyproject.toml \
    --universal --python-version 3.10 --all-extras --group dev \
    --no-emit-package e3p-fleet --no-header --no-annotate --quiet \
    --output-file requirements/lock.txt "$@"
