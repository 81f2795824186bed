#!/usr/bin/env bash
# An action, a prior, a transform, a sampler and an observable of somebody else's: each is a
# file of this folder and a name in its registry, and nothing else. With them the program
# and the conformance tests are linked again. Prints TAP.
#
#   extension.sh       make check
#   extension.sh all   also the tests that take long (make check-long)
#
# Environment, set by make: KAD_SRCDIR, KAD_BUILDDIR, KAD_CC, KAD_CPPFLAGS, KAD_CFLAGS,
# KAD_KERNEL_CFLAGS, KAD_TEST_LIBS.
set -u
source=$(cd "${KAD_SRCDIR:?}" && pwd)
build=$(cd "${KAD_BUILDDIR:?}" && pwd)
here=$source/tests/extension
library=$build/.libs/libkad.a
work=$(mktemp -d "${TMPDIR:-/tmp}/kadanoff-extension.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
export CMOCKA_MESSAGE_OUTPUT=TAP
if [ ! -e "$library" ]; then
    echo "1..0 # SKIP the inner library was not built"
    exit 0
fi

n=0
result() { # RC NAME
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $n - extension: $2"
    else
        echo "not ok $n - extension: $2"
        grep -A3 "^not ok" log | sed "s/^/# /"
        tail -n 20 log | sed "s/^/# /"
    fi
}

objects=()
compile() { # FILE FLAGS...
    local object=${#objects[@]}.o file=$1
    shift
    # shellcheck disable=SC2086 # flags are lists of words
    $KAD_CC -DHAVE_CONFIG_H -I"$source/src" -I"$source" -I"$build" $KAD_CPPFLAGS \
        $KAD_CFLAGS "$@" -c "$file" -o "$object" && objects+=("$object")
}

# extend FAMILY REGISTRY FIRST NAME: tests/extension/NAME*.c, and a name before FIRST's.
extend() {
    local family=$1 registry=$2 first=$3 name=$4 file prec
    sed "s/X($first)/X($name) X($first)/" "$source/$registry" >"$family.c"
    if [ "$(diff "$source/$registry" "$family.c" | grep -c '^>')" -ne 1 ]; then
        echo "a line of $registry should have changed" >log
        result 1 "$family: one line of its registry"
        return
    fi
    {
        compile "$family.c" -I"$source/$(dirname "$registry")"
        for file in "$here/$name"*.c; do
            case $file in
            *_kern.c)
                for prec in 32 64; do
                    # shellcheck disable=SC2086
                    compile "$file" $KAD_KERNEL_CFLAGS -DKAD_PREC=$prec
                done
                ;;
            *) compile "$file" ;;
            esac
        done
    } >log 2>&1
    [ ! -s log ]
    result $? "$family: a file, and a name in $registry"
}

link() { # PROGRAM OBJECTS...
    local program=$1
    shift
    # shellcheck disable=SC2086
    $KAD_CC $KAD_CFLAGS "$@" "${objects[@]}" "$build/tests/libtest.a" "$library" \
        $KAD_TEST_LIBS -o "$program" >log 2>&1
}

# conform PROGRAM [VARIABLE=VALUE...]: that conformance test passes with the extension.
conform() {
    local program=$1 folder
    shift
    folder=$(basename "$(dirname "$source"/tests/*/"$program.c")")
    link conform "$build/tests/$folder/$program.o" && env "$@" ./conform >log 2>&1
    result $? "$program passes $*"
}

extend action models/registry.c dual double_well
extend prior src/flow/priors/registry.c normal quartic
extend transform src/flow/transforms/registry.c affine additive
extend sampler src/sample/registry.c mis walk
extend observable src/measure/registry.c energy phi6

conform test_actions KAD_ACTION=double-well
# This one has a registry of its own, which counts instead of the program's.
sed 's/&kad_prior_laplace, /&\&kad_prior_quartic, /; s/^extern const kad_prior_ops /&kad_prior_quartic, /' \
    "$source/tests/flow/test_priors.c" >priors.c
compile priors.c >log 2>&1 && test_priors=${objects[-1]} && unset 'objects[-1]' &&
    link conform -Wl,-z,muldefs "$test_priors" && ./conform >log 2>&1
result $? "test_priors passes with one more"
conform test_observables
conform test_sampler_bits KAD_SAMPLER=walk
if [ "${1-}" = all ]; then
    conform test_samplers KAD_SAMPLER=walk
    conform test_bijectors
fi

link kadanoff "$build"/src/cli/*.o
result $? "the program links"
cat >all.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: double-well, height: 0.5}
flow: {prior: quartic, generator: additive, refinement: additive}
train: {steps: 100, batch: 64, eval_samples: 256, eval_final: 512}
sample:
  - {name: mis, draws: 4000}
  - {name: walk, draws: 200, chains: 16, stride: 0.3}
END
./kadanoff run all.yaml >log 2>&1
result $? "a run of all of them"
./kadanoff analyse all >log 2>&1

# near SECTION ROW: the exact value is known and within 5 errors.
near() {
    awk -v section="$1" -v row="$2" 'NF == 1 { here = $1 == section }
        here && $1 == row { found = 1; exit !($3 != "-" && $4 * $4 < 25) }
        END { if (!found) exit 1 }' log
}
near log_z log_z
result $? "ln Z of the wells by the map's weights"
near mis phi6 && near mis_reweighted phi6 && near walk phi6
result $? "<phi^6> of the wells by both samplers"
# S of the wells is no declared sum of observables.
cat >sweep.yaml <<'END'
lattice: {shape: [2, 2]}
action: {name: double-well}
sample: [{name: walk, draws: 200, chains: 4, stride: 0.3}]
sweep:
  grid: {action.height: [0.4, 0.5]}
END
./kadanoff sweep run sweep.yaml -q >log 2>&1 && ! ./kadanoff sweep analyse sweep.yaml -q >log 2>&1 &&
    [ "$(wc -l <log)" -eq 1 ] && grep -q 'double-well does not say which observables' log
result $? "its points are not reweighted together, in one line"
for what in actions double-well samplers walk observables phi6; do
    case $what in
    *s) family=$what ;;
    *) ./kadanoff list "$family" | grep -q "^$what " || echo "$what is missing" ;;
    esac
done >log 2>&1
[ ! -s log ]
result $? "they are listed"
echo "1..$n"
