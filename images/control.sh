#!/bin/sh
# Disturbs the server beside entry.sh for a test, or puts it right. Each action returns when it is done; the error output says why
# one has failed.
#
#   control.sh pause      stops every process of the server by a signal
#   control.sh resume     continues them
#   control.sh stop       ends the server; entry.sh waits, and its data stays
#   control.sh start      starts it again, and waits until it accepts connections
#   control.sh promote    replica: makes it a primary of its own
#   control.sh cut_off    replica: takes its primary away
#   control.sh put_right  undoes all of these but promote
#
# server.sh is the engine's part.
# shellcheck disable=SC2034,SC2153,SC2154  # some variables are used in server.sh, or set there
set -eu
home=${HARNESS_HOME:-/srv/harness}
parts=${HARNESS_PARTS:-/opt/harness}
seed=$home/data
memory=$home/memory
replicator=harness_replication
server=
read -r data <"$home/place"
host=

is_local() {
    [ -n "${HARNESS_HOME:-}" ]
}

is_replica() {
    [ "$HARNESS_ROLE" = replica ]
}

# shellcheck source=/dev/null
. "$parts/server.sh"
prepare

fail() {
    echo "$1" >&2
    exit 1
}

# Runs the command until it succeeds, for $1 seconds.
await() {
    tries=$(($1 * 50))
    shift
    until "$@"; do
        tries=$((tries - 1))
        [ "$tries" -gt 0 ] || return 1
        sleep 0.02
    done
}

# Sends the signal $1 to the server's processes: its own first, which then starts no other.
signal_all() {
    find_server || return 0
    kill "-$1" "$server"
    for stat in /proc/[0-9]*/stat; do
        { read -r line <"$stat"; } 2>/dev/null || continue
        pid=${line%% *}
        rest=${line##*) }
        rest=${rest#* }
        if [ "${rest%% *}" = "$server" ]; then
            kill "-$1" "$pid" 2>/dev/null || true
        fi
    done
}

has_ended() {
    ! kill -0 "$server" 2>/dev/null
}

end() {
    [ ! -e "$home/stopped" ] || return 0
    find_server || fail "the server does not run"
    signal_all CONT
    : >"$home/stopped"
    end_cleanly
    await "$patience_s" has_ended && return
    end_at_once
    await 10 has_ended || fail "the server does not end"
}

begin() {
    [ -e "$home/stopped" ] || return 0
    rm "$home/stopped"
    await 20 is_up || fail "the server did not start within 20 s: the end of its log says why"
    welcome
}

case $1 in
    pause) signal_all STOP ;;
    resume) signal_all CONT ;;
    stop) end ;;
    start) begin ;;
    promote) promote ;;
    cut_off)
        find_server
        cut_off
        ;;
    put_right)
        signal_all CONT
        begin
        if is_replica && find_server; then
            reconnect
        fi
        ;;
esac
