#!/usr/bin/env bash
# The Kosterlitz-Thouless transition of the XY model: the helicity modulus Y through
# T_KT = 0.8929 on 8 x 8 and 16 x 16 sites, by independent proposals of trained maps (mis)
# and by clusters, which know nothing of the maps.
#
#   xy-kt.sh [PROGRAM [FOLDER]]        default: kadanoff, ./xy-kt
#
# Writes FOLDER/xy-kt.txt (T, L, Y of mis and its error, of cluster and its error, both in
# units of their difference's error, ESS) and FOLDER/xy-kt.svg. About five minutes on two
# cores. The runs lie in FOLDER; running the script again continues.
#
# Only the first map starts from nothing. Each colder one starts from the one before
# (train.from), each 16 x 16 one from that of 8 x 8 at its temperature: a few hundred steps
# are then enough. See README.md for what one learns.
set -euo pipefail
program=${1-kadanoff}
folder=${2-xy-kt}
here=$(cd "$(dirname "$0")" && pwd)
temperatures=${TEMPERATURES-"1.20 1.06 0.98 0.93 0.89 0.85 0.80 0.70"}
mkdir -p "$folder"

# run L T STEPS FROM
run() {
    local from=()
    [ -n "$4" ] && from=("train.from=$4")
    "$program" run "$here/xy-kt.yaml" "lattice.shape=[$1, $1]" "action.temperature=$2" \
        "train.steps=$3" "${from[@]}" -o "$folder/L$1-T$2" >"$folder/L$1-T$2.log" 2>&1 || {
        tail -n 5 "$folder/L$1-T$2.log" >&2
        exit 1
    }
}

# Line "T L Y err Y err pull ESS" of a run, from what `analyse` prints: 0.660(4) is a value
# with its error in the last digits.
read_off() {
    "$program" analyse "$folder/L$1-T$2" | awk -v L="$1" -v T="$2" '
        function number(text, out, parts, digits) {
            split(text, parts, /[()]/)
            digits = parts[1] ~ /\./ && parts[2] !~ /\./ ? length(parts[1]) - index(parts[1], ".") : 0
            out[0] = parts[1]
            out[1] = parts[2] * 10^(-digits)
        }
        NF == 1 { table = $1 }
        $1 == "helicity" && (table == "mis" || table == "cluster") { value[table] = $2 }
        $1 == "ess" { ess = $2 }
        END {
            number(value["mis"], a)
            number(value["cluster"], b)
            sub(/\(.*/, "", ess)
            printf "%s %d %.5f %.5f %.5f %.5f %+.2f %s\n", T, L, a[0], a[1], b[0], b[1],
                   (a[0] - b[0]) / sqrt(a[1]^2 + b[1]^2), ess
        }'
}

before=''
for T in $temperatures; do
    run 8 "$T" "$([ -n "$before" ] && echo 200 || echo 600)" "$before"
    run 16 "$T" 400 "$folder/L8-T$T"
    before=$folder/L8-T$T
done
{
    echo "# T  L  Y(mis)  error  Y(cluster)  error  pull  ESS"
    for L in 8 16; do
        for T in $temperatures; do
            read_off "$L" "$T"
        done
    done
} | tee "$folder/xy-kt.txt"
awk -f "$here/plot.awk" "$folder/xy-kt.txt" >"$folder/xy-kt.svg"
echo "$folder/xy-kt.svg"
