#!/bin/sh
# Makes the seed of PostgreSQL $1, when the image is built, or before the first local server of a version.
set -eu
PATH=$PATH:$(echo /usr/lib/postgresql/*/bin | tr ' ' ':')
home=${HARNESS_HOME:-/srv/harness}
parts=${HARNESS_PARTS:-/opt/harness}
data=$home/data

case $(postgres --version) in
"postgres (PostgreSQL) $1"[.a-z]*) ;;
*)
    echo "PostgreSQL $1 is wanted, and the image has: $(postgres --version)" >&2
    exit 1
    ;;
esac

options="--username=postgres --encoding=UTF8 --auth-local=trust --auth-host=scram-sha-256 --no-sync --wal-segsize=1"
if initdb --help | grep -q -- --no-data-checksums; then
    options="$options --no-data-checksums"
fi

# The official images' locale where it exists, so that text sorts as it does there.
for locale in en_US.UTF-8 C.UTF-8 C; do
    # shellcheck disable=SC2086
    if initdb --pgdata="$data" --locale="$locale" $options; then
        break
    fi
    rm -rf "$data"
done

# Before the first start: the control file records some of the settings. Of the file that initdb makes, the settings alone: every
# process reads the whole when it is to read it again.
grep '^[[:space:]]*[a-z]' "$data/postgresql.conf" >"$home/settings"
cat "$home/settings" "$parts/postgresql.conf" >"$data/postgresql.conf"
rm "$home/settings"
cp "$parts/pg_hba.conf" "$data/pg_hba.conf"

# One start and a clean stop: a setting that this version does not know fails the build, and not a run.
pg_ctl --pgdata="$data" --wait --options="-c listen_addresses= -c unix_socket_directories='$home'" start
pg_ctl --pgdata="$data" --wait --mode=fast stop

# Segments of the WAL that were prepared for later: every start would copy them.
used=$(LC_ALL=C pg_controldata "$data" | sed -n 's/^.*REDO WAL file: *//p')
for segment in "$data"/pg_wal/0*; do
    if [ -n "$used" ] && [ "${segment##*/}" != "$used" ]; then
        rm "$segment"
    fi
done

# Free-space and visibility maps, a quarter of the files: the server makes them again where it writes.
find "$data/base" "$data/global" -type f \( -name '*_fsm' -o -name '*_vm' \) -exec rm {} +
