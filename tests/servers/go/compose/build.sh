#!/bin/sh
# Builds docker-compose (Compose v2) into the folder named as the argument. 3 minutes and 96 MB.
set -eu
exec go build -o "$1/docker-compose" github.com/docker/compose/v2/cmd
