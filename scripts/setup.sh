#!/bin/sh
# Makes .venv hold the project and the locked versions of all that it needs. Does nothing, in no time, while
# pyproject.toml and requirements/ are what they were the last time.
#   PYTHON         the interpreter to build on (default python3; 3.10 or newer)
#   TORCH_BACKEND  cpu, cu126, …: which build of torch; empty keeps the one that is installed
set -eu
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
backend=${TORCH_BACKEND:-}
stamp=.venv/.e3p-setup
backend_file=.venv/.e3p-torch-backend

say() { echo "e3p: $*"; }
fail() { echo "e3p: $*" >&2; exit 2; }

installed_backend=$(cat "$backend_file" 2>/dev/null || true)
backend=${backend:-$installed_backend}
# The place counts too: a virtual environment that was moved or copied points to where it was made.
key=$( { cat pyproject.toml requirements/lock.txt requirements/uv.txt; pwd; echo "$backend"; } | sha256sum)
[ "$(cat "$stamp" 2>/dev/null || true)" != "$key" ] || exit 0

if [ ! -x .venv/bin/uv ] || ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    command -v "$python" >/dev/null 2>&1 || fail "no $python here; install Python 3.10 or newer, or name one: make PYTHON=/path/to/python3"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
        || fail "$python is $("$python" -V 2>&1); 3.10 or newer is needed: make PYTHON=/path/to/python3"
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        scripts/debian-packages.sh python3-venv || fail "without python3-venv there is no virtual environment"
    fi
    say "making the virtual environment .venv ($("$python" -V 2>&1))"
    "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/uv.txt
fi

if [ -z "$installed_backend$backend" ] && ! .venv/bin/python -c 'import importlib.metadata as m; m.version("torch")' 2>/dev/null; then
    say "installing into .venv: torch with its CUDA libraries is 3 GB to download and 5.3 GB on disk, all else 0.5 GB"
    say "(a small build without CUDA, about 0.2 GB to download: stop this and add TORCH_BACKEND=cpu)"
else
    say "installing into .venv what changed"
fi

set -- --python .venv/bin/python --constraint requirements/lock.txt --reinstall-package e3p-fleet
if [ -n "$backend" ]; then
    set -- "$@" --torch-backend "$backend"
    [ "$backend" = "$installed_backend" ] || set -- "$@" --reinstall-package torch --reinstall-package torchvision
fi
.venv/bin/uv pip install "$@" --group dev --editable '.[all]'

echo "$backend" >"$backend_file"
echo "$key" >"$stamp"
say "ready: .venv/bin/e3p"
