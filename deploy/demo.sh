#!/bin/sh
# Makes what `docker compose --profile demo up` mounts: keys, with three made-up nodes, secrets, and .env.
# What is there already stays as it is. Without an e3p here the keys are made by its image.
set -eu
cd "$(dirname "$0")/.."
deploy/secrets.sh

if command -v e3p >/dev/null; then
    pki() { e3p pki "$@"; }
else
    docker compose build collector
    pki() {
        docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/here" --workdir /here e3p-server:0.1.0 pki "$@"
    }
fi

[ -e pki/ca.pem ] || pki init pki --host localhost --host mosquitto
for node in demo-1 demo-2 demo-3; do
    [ -d "pki/nodes/$node" ] || pki node "$node"
done
