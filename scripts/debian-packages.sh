#!/bin/sh
# Installs the Debian packages named as arguments, those that are missing, and says so before it does.
# Exit 1 when it may not or cannot; it has then printed the one line to type. SIZE says how big they are.
set -eu

missing=""
for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

line="apt-get install -y --no-install-recommends$missing"
if ! command -v apt-get >/dev/null 2>&1; then
    echo "e3p: missing:$missing. This is no Debian or Ubuntu: please install them with your package manager." >&2
    exit 1
elif [ "$(id -u)" -eq 0 ]; then
    as_root=""
elif sudo -n true 2>/dev/null; then
    as_root="sudo -n"
else
    echo "e3p: missing:$missing. Please type:  sudo $line" >&2
    exit 1
fi

echo "e3p: installing the Debian packages$missing (${SIZE:-a few MB})"
install() {
    # shellcheck disable=SC2086  # words, not one word: a command, its options, the packages
    $as_root env DEBIAN_FRONTEND=noninteractive $line >/dev/null
}
install 2>/dev/null || { $as_root apt-get update -q >/dev/null && install; } || {
    echo "e3p: that failed. Please type:  sudo apt-get update && sudo $line" >&2
    exit 1
}
