#!/bin/sh
# The first process of a server, in its container or on this machine: starts the server on the seed, has the run's users made,
# passes signals on, and ends with the server's exit status.
#
#   HARNESS_ROLE       primary or replica
#   HARNESS_PASSWORD   the password of every user
#   HARNESS_USERS      primary: the users with all privileges, one a line
#   HARNESS_PRIMARY    replica: the host that it replicates
#   HARNESS_REPLICATION  MySQL: gtid or position, how a replica finds its place in the primary's log
#   HARNESS_HELD       1: the harness holds the container's standard input open. The server ends with that input, so that it
#                      does not outlive a run that was killed. A replica connects to its primary when a first line says that
#                      the primary serves. Before, its name would be asked of other name servers, and a connection that is
#                      refused would be tried again only after a second.
#   HARNESS_SEED       the tar of a data directory to start on, in place of the image's own: a migrated seed
#   HARNESS_SEED_BYTES  the size of that file, where it may be torn or still be written
#
# A server that is a process of this machine, and in no container, has these too:
#
#   HARNESS_HOME       the folder of the server, which is empty: its data, its sockets and its logs are there
#   HARNESS_PARTS      the folder of this script and of the files that it reads
#   HARNESS_SEED       always: there is no image
#   HARNESS_HOST       the name of the server in the run
#   HARNESS_ADDRESS    the address that it listens on, and HARNESS_PORT its port
#   HARNESS_OPTIONS    MySQL, MariaDB: further options of the server's command line
#   HARNESS_PRIMARY_PORT  replica: the port of HARNESS_PRIMARY
#
# server.sh beside this script is the engine's part. It reads seed, memory and replicator, and defines:
#
#   move_to_memory     puts data into the folder memory, and sets data
#   settle             puts those parts of an unpacked seed in their places that are not with the data
#   prepare            makes what the server needs in home besides the data
#   start              starts the server in the background, and sets server to its process
#   await_server       waits until the server accepts connections; fails if the server has ended
#   make_users         primary: makes the users, and last the replicator: a replica that has it has every user
#   await_users        replica: waits for the replicator, which comes by replication alone: the replica streams then
#   follow_primary     replica: connects to the primary
#   stop               ends the server
#
# and for control.sh, which a test calls by harness.testing.topology():
#
#   find_server        sets server to the process of the server that runs; fails if there is none
#   end_cleanly        asks the server to end, which may take patience_s seconds
#   end_at_once        ends it
#   is_up              whether a server that starts accepts connections
#   welcome            repeats what the users need after each start
#   promote            makes a replica a primary of its own
#   cut_off            takes the primary of a replica away, and returns when it receives nothing
#   reconnect          ends cut_off
# shellcheck disable=SC2034,SC2153,SC2329  # some variables and functions are used in server.sh
set -eu
home=${HARNESS_HOME:-/srv/harness}
parts=${HARNESS_PARTS:-/opt/harness}
seed=$home/data
memory=$home/memory
data=$seed
address=${HARNESS_ADDRESS:-*}
replicator=harness_replication
server=
host=${HARNESS_HOST:-}
[ -n "$host" ] || read -r host </etc/hostname

is_local() {
    [ -n "${HARNESS_HOME:-}" ]
}

is_replica() {
    [ "$HARNESS_ROLE" = replica ]
}

is_held() {
    [ "${HARNESS_HELD:-}" = 1 ]
}

announce() {
    if is_replica; then
        users=await_users
    else
        users=make_users
    fi
    if await_server && "$users"; then
        echo "harness: ready"
    else
        echo "harness: the server ended, or its users could not be made" >&2
        kill -TERM $$
    fi
}

hold() {
    if is_replica && { ! is_held || read -r _; }; then
        follow_primary
    fi
    if is_held; then
        while read -r _; do :; done
        kill -TERM $$
    fi
}

# The seed is unpacked for each server: it is one file in a cache.
unpack() {
    if [ -d "$memory" ]; then
        data=$memory/data
    elif ! is_local; then
        data=$home/migrated
    fi
    mkdir -m 700 "$data"
    if [ -n "${HARNESS_SEED_BYTES:-}" ] && [ "$(stat -c %s "$HARNESS_SEED")" != "$HARNESS_SEED_BYTES" ]; then
        echo "harness: the migrated seed is not complete" >&2
        exit 1
    fi
    # GNU tar: larger reads and writes, and no times of files, which no server reads
    if ! TAR_OPTIONS='--blocking-factor=512 --touch' tar -xf "$HARNESS_SEED" -C "$data"; then
        echo "harness: the seed could not be unpacked into $data: $(df -h "$data" | tail -n 1)" >&2
        exit 1
    fi
}

# shellcheck source=/dev/null
. "$parts/server.sh"

is_ending=
trap 'is_ending=1; stop' TERM INT
if [ -n "${HARNESS_SEED:-}" ]; then
    unpack
    settle
elif [ -d "$memory" ]; then
    move_to_memory
fi
prepare
echo "$data" >"$home/place"
start
announce &
exec 3<&0
hold <&3 &
holder=$!

# A signal ends the wait and not the server: wait again for the server's own status.
await_end() {
    status=0
    wait "$server" || status=$?
    while kill -0 "$server" 2>/dev/null; do
        status=0
        wait "$server" || status=$?
    done
}

await_end
# control.sh has ended the server, and removes the file to have it started again.
while [ -e "$home/stopped" ]; do
    while [ -e "$home/stopped" ] && [ -z "$is_ending" ]; do
        sleep 0.02
    done
    if [ -n "$is_ending" ]; then
        break
    fi
    start
    await_end
done
# save.sh has ended the server, and reads its data.
if [ -e "$home/saving" ]; then
    wait "$holder" || true
fi
exit "$status"
