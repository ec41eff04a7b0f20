#!/bin/sh
# Sees that the servers which the tests start are here: Mosquitto (1 MB). The tests run it on ports of their
# own; the service that Debian may start on port 1883 is not used. Without it those tests are skipped, or
# fail when CI is set.
set -eu
cd "$(dirname "$0")/.."

[ -z "${E3P_TEST_MQTT:-}" ] || exit 0
PATH="$PATH:/usr/sbin:/usr/local/sbin"
command -v mosquitto >/dev/null 2>&1 && exit 0
scripts/debian-packages.sh mosquitto || echo "e3p: going on without Mosquitto: the tests that need it are skipped" >&2
