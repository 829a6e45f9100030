#!/bin/sh
# Makes a migrated seed of a running primary, beside entry.sh, when the tests have ended.
#
#   save.sh state SINCE TEMPLATE...   prints what the server has besides the workers' clones, in a form that can be compared: a
#                                     difference means that the tests have changed something that a seed would keep, and so
#                                     does a line that begins with "changed": newer than SINCE, or than the first clone.
#                                     The first line is the time, which is the next call's SINCE.
#   save.sh seed SLOTS TEMPLATE...    makes new clones for that many slots, takes away the run's users and passwords, ends the
#                                     server, and writes its data directory to standard output, as a tar. The number of slots
#                                     that have clones is the last line of the error output: a template whose clones would not
#                                     be equal to it gets none.
#
# server.sh and save_engine.sh are the engine's part. The latter defines:
#
#   state SINCE TEMPLATE...     prints the state
#   make_clone TEMPLATE CLONE   makes the clone, which does not exist; fails if it is not equal
#   remove_clones TEMPLATE...   removes every clone
#   remove_users                takes away users and passwords
#   end_server                  ends the server cleanly
#   trim                        removes the files that a server makes anew
#   tar_options                 further options of tar
# shellcheck disable=SC2034,SC2154  # some variables are used in the files below, or set there
set -eu
home=${HARNESS_HOME:-/srv/harness}
parts=${HARNESS_PARTS:-/opt/harness}
seed=$home/data
memory=$home/memory
replicator=harness_replication
server=
read -r data <"$home/place"
host=
tar_options=

is_local() {
    [ -n "${HARNESS_HOME:-}" ]
}

is_replica() {
    false
}

# shellcheck source=/dev/null
. "$parts/server.sh"
# shellcheck source=/dev/null
. "$parts/save_engine.sh"
prepare

purpose=$1
first=$2
shift 2
if [ "$purpose" = state ]; then
    state "$first" "$@"
    exit
fi

exec 3>&1 >&2
: >"$home/saving"

make_clones() {
    for template in "$@"; do
        slot=1
        while [ "$slot" -le "$slots" ]; do
            make_clone "$template" "${template}_$slot" || return 1
            slot=$((slot + 1))
        done
    done
}

slots=$first
remove_clones "$@"
if ! make_clones "$@"; then
    remove_clones "$@"
    slots=0
fi
remove_users
end_server
trim
# shellcheck disable=SC2086
tar -C "$data" --dereference $tar_options -cf - . >&3
echo "$slots" >&2
