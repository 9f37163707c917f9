#!/bin/sh
# Warm power flow solves beside lightsim2grid's, on the same cases with the same loads, in alternation:
#   sh benches/compare.sh [rounds]
# Needs python3 with venv, and a package registry for the first run. Run it on a quiet machine.
set -eu
cd "$(dirname "$0")/.."
rounds=${1:-3}
venv=target/bench-venv
results=target/bench-compare.jsonl
cargo=${CARGO:-cargo}

if [ ! -x "$venv/bin/python" ] || ! "$venv/bin/python" -c 'import lightsim2grid' 2>/dev/null; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet 'lightsim2grid==1.2.*' numpy scipy
fi
"$cargo" bench --locked --bench powerflow --no-run
: >"$results"
for round in $(seq "$rounds"); do
    for case in default5:20000 case118:5000 case2869pegase:150 case9241pegase:50; do
        name=${case%:*}
        "$cargo" bench --quiet --locked --bench powerflow -- --noplot --warm-up-time 1 --measurement-time 3 \
            "^warm/$name\$" >/dev/null
        "$venv/bin/python" benches/compare.py record "$name" "$results" \
            "$("$venv/bin/python" benches/lightsim2grid_warm.py "$name" "${case#*:}")"
    done
    echo "round $round of $rounds done" >&2
done
"$venv/bin/python" benches/compare.py report "$results"
