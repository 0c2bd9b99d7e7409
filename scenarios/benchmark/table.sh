#!/bin/sh
# Prints the tables of docs/benchmark.md. `SEEDS=3 MIXES="two-loops six" table.sh` is a small form;
# arguments go to each sweep, such as `--jobs 1`. BALLOONIST names the program.
set -eu
balloonist=${BALLOONIST:-balloonist}
cd "$(dirname "$0")"
for mix in ${MIXES:-*.toml}; do
    mix=${mix%.toml}.toml
    "$balloonist" sweep "$mix" --seeds "1..${SEEDS:-20}" --quiet --format csv "$@"
    sizes=$("$balloonist" sweep "$mix" --list --seeds 1..1 --policies static --quiet --format csv |
        awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "param_host_memory") size = i }
                 NR > 1 { print $size }')
    for frames in $sizes; do
        "$balloonist" compare "$mix" --set "host.memory=$frames" --seed 1 --policies static \
            --quiet --format csv |
            awk -F, -v point="${mix%.toml}, $frames" '$1 == "bound" { faults[$2] = $3 }
                END { printf "min\t%s\t%.6f\n", point, faults["min"] / faults["global-lru"] }'
    done
done | awk -f table.awk
