#!/bin/sh
# Builds Compose v2 into the folder named as the argument. 3 minutes and 96 MB. Its name has a version, because
# `docker-compose` on somebody's PATH may be the old one in Python.
set -eu
exec go build -o "$1/docker-compose-v2" github.com/docker/compose/v2/cmd
