#!/bin/sh
# Prints how long a server takes from its start to the first successful Engine.IO handshake, and its
# resident memory when idle without clients. Needs curl. Usage: benches/startup.sh [BINARY] [RUNS]
set -eu
binary=${1:-target/release/gridcast}
runs=${2:-10}
port=${PORT:-3999}
url="http://127.0.0.1:$port/socket.io/?EIO=4&transport=polling"

now_ms() { echo $(($(date +%s%N) / 1000000)); }

run=0
while [ "$run" -lt "$runs" ]; do
    run=$((run + 1))
    begin=$(now_ms)
    HOST=127.0.0.1 PORT=$port RUST_LOG=error "$binary" &
    server=$!
    until curl -sf -o /dev/null "$url"; do :; done
    end=$(now_ms)
    kill "$server"
    wait "$server" || true
    echo "start to handshake: $((end - begin)) ms (curl's own start included)"
done

HOST=127.0.0.1 PORT=$port RUST_LOG=error "$binary" &
server=$!
until curl -sf -o /dev/null "http://127.0.0.1:$port/healthz"; do :; done
sleep 2
grep VmRSS "/proc/$server/status"
kill "$server"
wait "$server" || true
