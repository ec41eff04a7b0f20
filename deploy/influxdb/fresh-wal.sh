#!/bin/sh
# fresh-wal.sh ENGINE: to be run before each start of influxd, on its engine folder.
#
# influxd (tried: 2.7.12) opens the last file of each write-ahead log at its end, and then cuts a torn entry off
# that very file: what it writes and confirms from then on lies behind a hole, and is dropped at the start after
# next. Full disks, power cuts and kills leave torn entries. Where the last file is an empty one, influxd removes
# it and begins another, and nothing is written behind what is torn.
set -eu
engine=${1:?usage: fresh-wal.sh ENGINE, such as /var/lib/influxdb/engine}

for shard in "$engine"/wal/*/*/*/; do
    last=
    for segment in "$shard"_*.wal; do
        last=$segment # the pattern's files come sorted, as influxd sorts them
    done
    [ -s "$last" ] || continue
    number=${last##*/_}
    number=${number%.wal}
    number=$(echo "$number" | sed 's/^0*//')
    : > "$shard$(printf '_%05d.wal' $((number + 1)))"
done
