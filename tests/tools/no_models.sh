#!/bin/bash
# src/ and analysis/ stand without the models: every object of theirs links with a registry
# that lists none, and pulls none in from the library. Prints TAP.
cd "${KAD_BUILDDIR:-.}" || exit 1
source=$(cd "${KAD_SRCDIR:-.}" && pwd)
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
echo 1..3
number=0
result() { # NAME TROUBLE
    number=$((number + 1))
    if [ -z "$2" ]; then
        echo "ok $number - no models: $1"
    else
        echo "not ok $number - no models: $1"
        printf '%s\n' "$2" | head -5 | sed 's/^/# /'
    fi
}

cat >"$scratch/registry.c" <<'END'
#include "models/action.h"
const kad_action_ops *const kad_actions[] = {NULL};
END
# The objects of the sources, not what an older build may have left.
objects=()
for file in $(cd "$source" && find src analysis -name '*.c'); do
    name=$(basename "$file" .c)
    folder=$(dirname "$file")
    [ -e "$folder/$name.o" ] && objects+=("$folder/$name.o") # the program's commands
    for library in libkad libkad32 libkad64; do
        for object in "$folder/.libs/${library}_la-$name.o" "$folder/${library}_la-$name.o"; do
            [ -e "$object" ] && objects+=("$object") && break
        done
    done
done
# shellcheck disable=SC2086 # lists of flags
link() {
    ${KAD_CC:-cc} $KAD_CFLAGS $KAD_CPPFLAGS -I"$source/src" -I"$source" -I. \
        -o "$scratch/kadanoff" "$scratch/registry.c" "${objects[@]}" .libs/libkad.a \
        $KAD_TEST_LIBS
}
message=$(link 2>&1)
result "the program links" "$message"
# Files of actions, by the operations tables that the registry lists.
names=$(grep -oE '\bX\([a-z0-9_]+\)' "$source/models/registry.c" | tr -d 'X()' | paste -sd'|')
result "nothing of an action is in it" \
    "$(nm "$scratch/kadanoff" 2>&1 | grep -E " kad_(action_)?($names)(_|$)|nm:")"
listed=$("$scratch/kadanoff" list actions 2>&1) || listed="it fails: $names"
result "it runs, and lists no action" "$(printf '%s' "$listed" | grep -E "$names")"
