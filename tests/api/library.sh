#!/bin/bash
# The library as it is installed: into a folder, and used from there. Prints TAP.
build=${KAD_BUILDDIR:-.}
source=$(cd "${KAD_SRCDIR:-.}" && pwd)
cc=${KAD_CC:-cc}
work=$(mktemp -d "${TMPDIR:-/tmp}/kadanoff-library.XXXXXX")
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS MFLAGS MAKELEVEL # of the make that runs the tests
echo 1..12
number=0
result() { # NAME COMPLAINT
    number=$((number + 1))
    if [ -z "$2" ]; then
        echo "ok $number - library: $1"
    else
        echo "not ok $number - library: $1"
        printf '%s\n' "$2" | head -20 | sed 's/^/# /'
    fi
}

cd "$build" || exit 1
make -s install DESTDIR="$work/root" >"$work/log" 2>&1 || {
    sed 's/^/# /' "$work/log"
    echo "Bail out! make install failed"
    exit 1
}
pc=$(find "$work/root" -name kadanoff.pc)
variable() { pkg-config --variable="$1" "$pc"; }
include=$work/root$(variable includedir)
lib=$work/root$(variable libdir)
header=$include/kadanoff.h

result "one header is installed" \
    "$(find "$work/root" -name '*.h' ! -path "$header"; [ -e "$header" ] || echo "no $header")"

declared=$(grep -v typedef "$header" | grep -oE '\bkad_[a-z_]+\(' | tr -d '(' | sort -u)
exported=$(nm -D --defined-only "$lib/libkadanoff.so" | awk '{print $3}' | sort -u)
result "it exports what the header declares, and nothing else" \
    "$(diff <(echo "$declared") <(echo "$exported"))"
soname=$(readelf -d "$lib/libkadanoff.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
result "it has a soname with a number" \
    "$([ "$soname" = libkadanoff.so.0 ] && [ -e "$lib/$soname" ] || echo "$soname")"
calls=$(nm -D --undefined-only "$lib/libkadanoff.so" | awk '{sub(/@.*/, "", $2); print $2}')
result "it neither prints nor ends the process" \
    "$(grep -xE '(__)?(v?printf(_chk)?|puts|putchar|perror|stdout|exit|abort)' <<<"$calls")"

# A processor without the kernels' instruction set is told so by code that needs none.
looks=
if [[ " $KAD_CFLAGS " != *" -m"* ]]; then
    looks=$(objdump -d src/base/.libs/libkad_la-isa.o | grep -E '[%][xyz]mm')
fi
looks+=$(objdump -d src/base/.libs/libkad{32,64}_la-isa_kern.o | grep '>:$')
result "what checks the processor runs on any" "$looks"

compiles() { # COMPILER LANGUAGE STANDARD
    echo '#include <kadanoff.h>
        int main(void) { return kad_status_text(KAD_OK) == 0; }' |
        $1 -x "$2" -std="$3" -Wall -Wextra -Wpedantic -Werror -I"$include" \
            -fsyntax-only - 2>&1
}
# shellcheck disable=SC2086 # a compiler may have options
result "the header compiles alone as C" "$(compiles "$cc" c c99)"
cxx=$(command -v c++ || command -v g++ || command -v clang++)
if [ -n "$cxx" ]; then
    result "the header compiles alone as C++" "$(compiles "$cxx" c++ c++11)"
else
    number=$((number + 1))
    echo "ok $number # SKIP no C++ compiler"
fi

# pkg-config puts the root before the folders; what is there already has none.
export PKG_CONFIG_PATH=${pc%/*}:$PKG_CONFIG_PATH
flags=$(pkg-config --cflags --libs kadanoff 2>&1)
flags=${flags//"-I$(variable includedir)"/"-I$include"}
flags=${flags//"-L$(variable libdir)"/"-L$lib"}
# shellcheck disable=SC2086 # lists of words
result "the example is built with pkg-config" \
    "$($cc -std=c11 -Wall -Wextra -Werror -o "$work/ising" "$source/examples/library/ising.c" \
        -I"$include" -L"$lib" $flags -lm 2>&1)"
result "the example takes no more than 45 lines" \
    "$(awk 'END {if (NR > 45) print NR}' "$source/examples/library/ising.c")"
output=$(cd "$work" && LD_LIBRARY_PATH=$lib "$work/ising" run 2>errors)
status=$?
bad=
[ $status -eq 0 ] || bad="exit status $status: $(cat "$work/errors")"
# five standard errors, and roundings of a net's layers
awk '/exact/ {far = $4 - $8; if (far < 0) far = -far; ok = $6 > 0 && far < 5 * $6 + 1e-4}
    /generate/ {ok = ok && $NF < 1e-11} END {exit !ok}' <<<"$output" ||
    bad+=${bad:+$'\n'}$output
result "the example runs, and finds the exact ln Z" "$bad"

# ln Z of 4 x 4 Ising spins at 2.6, 2.8, ...: exact by the program's own enumeration
# shellcheck disable=SC2086 # lists of words
result "the example of a family is built" \
    "$($cc -std=c11 -Wall -Wextra -Werror -o "$work/range" "$source/examples/library/range.c" \
        -I"$include" -L"$lib" $flags -lm 2>&1)"
output=$(cd "$work" && LD_LIBRARY_PATH=$lib "$work/range" run2 2>errors)
exact=$(for T in 2.6 2.8 3.0 3.2 3.4; do
    printf 'lattice: {shape: [4, 4]}\naction: {name: on-dual, temperature: %s}\ntrain: {steps: 0}\n' $T |
        ./kadanoff train - -o "$work/exact-$T" 2>/dev/null | awk '/ln Z is known/ {print $6}'
done)
bad=$(paste <(echo "$output") <(echo "$exact") |
    awk '{far = $7 - $10; if (far < 0) far = -far; n++
        if (!($9 > 0 && far < 5 * $9 + 1e-4)) print} END {if (n != 5) print n, "lines"}')
result "it runs, and finds the exact ln Z at every temperature" \
    "${bad:+$bad $(cat "$work/errors")}"
