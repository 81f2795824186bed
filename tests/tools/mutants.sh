#!/usr/bin/env bash
# Planted bugs: every line below changes one line of the sources, rebuilds that file
# against the built library, and the named test program must fail; unchanged it passes.
#
#   mutants.sh          a few that take a second each, and whether all patches still fit
#                       (make check)
#   mutants.sh all      all of them (make check-long)
#   mutants.sh NAME...  these
#
# Environment, set by make: KAD_SRCDIR, KAD_BUILDDIR, KAD_CC, KAD_CPPFLAGS, KAD_CFLAGS,
# KAD_KERNEL_CFLAGS, KAD_TEST_LIBS.
set -u
. "${KAD_SRCDIR:?}/tests/tools/mutants.list"

library=$KAD_BUILDDIR/.libs/libkad.a
work=$(mktemp -d "${TMPDIR:-/tmp}/kadanoff-mutants.XXXXXX")
trap 'rm -rf "$work"' EXIT
export CMOCKA_MESSAGE_OUTPUT=TAP
n=0

result() { # result RC TEXT
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

# compile FILE OBJECT FLAGS...
compile() {
    local file=$1 object=$2
    shift 2
    # shellcheck disable=SC2086 # flags are lists of words
    $KAD_CC -DHAVE_CONFIG_H -I"$(dirname "$origin")" -I"$KAD_SRCDIR/src" -I"$KAD_SRCDIR" \
        -I"$KAD_BUILDDIR" $KAD_CPPFLAGS $KAD_CFLAGS -w "$@" -c "$file" -o "$object"
}

# built NAME: what tests/FOLDER/NAME is, in whichever folder its source is.
built() {
    local source
    source=$(echo "$KAD_SRCDIR"/tests/*/"${1%.o}.c")
    echo "$KAD_BUILDDIR/tests/$(basename "$(dirname "$source")")/$1"
}

# build SOURCE PROGRAM: link PROGRAM.o with SOURCE in place of the library's own.
build() {
    local source=$1 program=$2 objects=() prec object
    case $source in
    *_kern.c)
        for prec in 32 64; do
            object=$work/mutant$prec.o
            # shellcheck disable=SC2086
            compile "$source" "$object" $KAD_KERNEL_CFLAGS -DKAD_PREC=$prec || return 1
            objects+=("$object")
        done
        ;;
    *)
        compile "$source" "$work/mutant.o" || return 1
        objects=("$work/mutant.o")
        ;;
    esac
    for object in "$program" $(helpers "$program"); do
        objects+=("$(built "$object.o")")
    done
    # shellcheck disable=SC2086
    $KAD_CC $KAD_CFLAGS "${objects[@]}" "$KAD_BUILDDIR/tests/libtest.a" "$library" \
        $KAD_TEST_LIBS -o "$work/program"
}

# mutant NAME FILE SED PROGRAM [VARIABLE=VALUE...]
mutant() {
    local name=$1 origin=$KAD_SRCDIR/$2 program=$4 source lines
    source=$work/$(basename "$2")
    sed "$3" "$origin" >"$source"
    lines=$(diff "$origin" "$source" | grep -c '^>')
    if [ "$lines" -ne 1 ]; then
        result 1 "$name: the patch changes $lines lines of $2, not one"
        return 0
    fi
    n_patches=$((n_patches + 1))
    wanted "$name" || return 0
    if ! build "$source" "$program" >"$work/log" 2>&1; then
        result 1 "$name: cannot be built"
        sed 's/^/# /' "$work/log" | tail -n 20
        return 0
    fi
    shift 4
    env "$@" timeout 600 "$work/program" >"$work/log" 2>&1
    grep -q '^not ok' "$work/log"
    result $? "$name is caught by $program: $(grep -m1 '^not ok' "$work/log" |
        sed 's/^not ok [0-9]* - //')"
}

# What is run with a bug, each once: PROGRAM [VARIABLE=VALUE...]
programs() (
    mutant() {
        shift 3
        echo "$*"
    }
    mutants | sort -u
)

# clean PROGRAM [VARIABLE=VALUE...]: what is run here passes unchanged.
clean() {
    local program=$1
    shift
    env "$@" timeout 600 "$(built "$program")" >"$work/log" 2>&1
    result $? "$program passes without bugs"
}

wanted() {
    local name
    case $selection in
    all) return 0 ;;
    esac
    for name in $selection; do
        [ "$name" = "$1" ] && return 0
    done
    return 1
}

selection=${*:-$quick}
if [ ! -e "$library" ]; then
    echo "1..0 # SKIP the inner library was not built"
    exit 0
fi
if [ "$selection" = all ]; then
    programs >"$work/programs"
    while read -r line; do
        # shellcheck disable=SC2086
        clean $line
    done <"$work/programs"
fi
n_patches=0
mutants
result 0 "$n_patches patches change one line each"
echo "1..$n"
