#!/bin/sh
# Builds influxd (InfluxDB 2, without its web pages) into the folder named as the argument. 5 minutes and 132 MB.
#
# Its query language is a Rust library. The pkg-config of InfluxData builds that on the way, with cargo; it asks
# the real pkg-config, which has to come later on PATH, for all else.
set -eu
out=$1
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT

go build -o "$tools/pkg-config" github.com/influxdata/pkg-config

# The library turns warnings into errors, and a compiler newer than it has new warnings.
cat >"$tools/rustc-wrapper" <<'WRAPPER'
#!/bin/sh
exec "$@" --cap-lints warn
WRAPPER
chmod +x "$tools/rustc-wrapper"

# The library also names the toolchain that it wants, which rustup would download: take the one that is here.
if [ -z "${RUSTUP_TOOLCHAIN:-}" ] && command -v rustup >/dev/null 2>&1; then
    RUSTUP_TOOLCHAIN=$(cd / && { rustup show active-toolchain 2>/dev/null || rustup toolchain list; } | awk 'NR == 1 { print $1 }')
    export RUSTUP_TOOLCHAIN
fi

PATH="$tools:$PATH" PKG_CONFIG="$tools/pkg-config" RUSTC_WRAPPER="$tools/rustc-wrapper" CGO_ENABLED=1 \
    go build -tags sqlite_foreign_keys,sqlite_json,noassets -o "$out/influxd" github.com/influxdata/influxdb/v2/cmd/influxd
