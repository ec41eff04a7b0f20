#!/bin/sh
# Makes what docker-compose.yml reads beside ./pki: ./secrets with passwords and a token, and .env.
# What is there already stays as it is.
set -eu
cd "$(dirname "$0")/.."

if [ "$(id -u)" -eq 0 ]; then
    echo "e3p: you are root, so the containers will run as root; better be the user who owns ./pki" >&2
fi

mkdir -p -m 700 secrets
for name in influxdb_password influxdb_token grafana_password; do
    [ -s "secrets/$name" ] && continue
    # No line's end: it would become part of the password. The folder keeps others out, not the file's mode,
    # because each container reads it as a user of its own.
    od -An -N 32 -t x1 /dev/urandom | tr -d ' \n' >"secrets/$name"
    chmod 644 "secrets/$name"
    echo "e3p: made secrets/$name"
done

# Where `store-setup` keeps the tokens of the programs, which run as the owner, and of Grafana, which does not.
mkdir -p -m 700 secrets/programs
mkdir -p -m 755 secrets/grafana
if [ ! -e secrets/grafana/influxdb_token ]; then
    : >secrets/grafana/influxdb_token
    chmod 644 secrets/grafana/influxdb_token
fi

if [ ! -e .env ]; then
    sed "s/^RUN_AS=.*/RUN_AS=$(id -u):$(id -g)/" .env.example >.env
    echo "e3p: made .env: look through it"
fi
