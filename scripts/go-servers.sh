#!/bin/sh
# Builds the servers that are no Debian packages, from the sources that tests/servers/go/*/go.mod pins: InfluxDB 2,
# toxiproxy, Compose v2. Each once, into a cache that a change of its go.mod, go.sum or build.sh makes anew:
#   ${XDG_CACHE_HOME:-~/.cache}/e3p-test-servers/TOOL-HASH/bin
# `go-servers.sh build` builds what is missing; without `build` it says what that would be. Never fails.
set -eu
cd "$(dirname "$0")/../tests/servers/go"
PATH="$PATH:/usr/local/go/bin:$HOME/.cargo/bin"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/e3p-test-servers

# Tool, program, the variable that names a running one, how long it takes on two slow cores.
tools='influxd:influxd:E3P_TEST_INFLUX:about 5 minutes
toxiproxy:toxiproxy-server::half a minute
compose:docker-compose-v2::about 3 minutes'

say() { echo "e3p: $*" >&2; }

# The folder of a tool in the cache; tests/servers/process.py computes the same.
place() { echo "$cache/$1-$(cat "$1/go.mod" "$1/go.sum" "$1/build.sh" | sha256sum | cut -c1-12)/bin"; }

lacking() {
    command -v go >/dev/null 2>&1 || { echo "go (https://go.dev/dl, 1.24 or newer)"; return; }
    [ "$1" = influxd ] || return 0
    command -v cargo >/dev/null 2>&1 || { echo "cargo (https://rustup.rs)"; return; }
    ../../../scripts/debian-packages.sh gcc libc6-dev pkg-config >&2 || echo "a C compiler and pkg-config"
}

build() { # TOOL BINARY TIME
    need=$(lacking "$1")
    if [ -n "$need" ]; then
        say "going on without $2, which is built with $need: the tests that need it are skipped, or fail when CI is set"
        return
    fi
    bin=$(place "$1")
    mkdir -p "$(dirname "$bin")"
    new=$(mktemp -d "$(dirname "$bin")/new.XXXXXX")
    say "building $2 once, $3: $bin"
    began=$(date +%s)
    if (cd "$1" && ./build.sh "$new") >"$new/log" 2>&1; then
        rm "$new/log"
        rm -rf "$bin"
        mv "$new" "$bin"
        say "built $2 in $(($(date +%s) - began)) s"
    else
        tail -n 20 "$new/log" >&2
        rm -rf "$new"
        say "going on without $2, which did not build (see above): the tests that need it are skipped, or fail when CI is set"
    fi
}

mkdir -p "$cache"
exec 9>"$cache/lock"
flock -n 9 2>/dev/null || { say "waiting for another build"; flock 9 2>/dev/null || true; }

echo "$tools" | while IFS=: read -r tool binary address time; do
    eval "named=\${${address:-NONE}:-}"
    if [ -n "$named" ] || command -v "$binary" >/dev/null 2>&1 || [ -x "$(place "$tool")/$binary" ]; then
        continue
    elif [ "${1:-}" = build ]; then
        build "$tool" "$binary" "$time" </dev/null
    else
        say "no $binary: the tests that need it are skipped (\`make servers\` builds it once, $time)"
    fi
done
