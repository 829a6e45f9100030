#!/bin/sh
# Makes the seed when the server starts, as the official images make their data directory, then like a seeded server.
# The data is made where it is used: nothing is copied.
set -eu
if [ -d /srv/harness/memory ]; then
    ln -s /srv/harness/memory/data /srv/harness/data
    mkdir /srv/harness/memory/data
fi
sh /opt/harness/seed.sh "$BENCH_VERSION" </dev/null >/dev/null 2>&1
exec sh /opt/harness/entry-as-it-is.sh
