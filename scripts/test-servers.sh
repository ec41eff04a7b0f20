#!/bin/sh
# Sees that what the tests start is here: Mosquitto (1 MB), on ports of its own; the service that Debian may
# start on port 1883 is not used. systemd (10 MB), which looks at our units. Chromium (about 400 MB on disk), which
# looks at the report: only where CI is set, or where nobody has to be asked.
# InfluxDB 2, toxiproxy and Compose are built by go-servers.sh, which takes minutes once: where CI is set, or with
# the argument `build` (`make servers`). Tests without their server are skipped, or fail when CI is set.
set -eu
cd "$(dirname "$0")/.."
PATH="$PATH:/usr/sbin:/usr/local/sbin"

here() { command -v "$1" >/dev/null 2>&1; }
without() { echo "e3p: going on without $1: the tests that need it are skipped" >&2; }

if [ -z "${E3P_TEST_MQTT:-}" ] && ! here mosquitto; then
    scripts/debian-packages.sh mosquitto || without Mosquitto
fi
if ! here systemd-analyze; then
    SIZE="about 10 MB" scripts/debian-packages.sh systemd || without "systemd, which looks at our units"
fi
if [ -z "${E3P_TEST_CHROMIUM:-}" ] && ! here chromium && ! here chromium-browser && ! here google-chrome; then
    if [ -n "${CI:-}" ] || [ "$(id -u)" -eq 0 ]; then
        SIZE="about 400 MB on disk" scripts/debian-packages.sh chromium fonts-dejavu-core || without Chromium
    else
        without Chromium
    fi
fi

[ -z "${CI:-}" ] || set -- build
exec scripts/go-servers.sh "$@"
