#!/bin/bash
# Modules form a ladder: a file includes only its own module and those above it in the
# list. Registries are the only back arrows. Prints TAP.
cd "${KAD_SRCDIR:-.}" || exit 1
ladder=(base io image wide features lattice models measure flow train pixel affine sample record bulk views run sweep api cli)

# Folder of a module, and the module of an include path.
folder() {
    case $1 in
    models | analysis) echo "$1" ;;
    report) echo analysis/report ;;
    *) echo "src/$1" ;;
    esac
}

rank() {
    local i
    for i in "${!ladder[@]}"; do
        [ "${ladder[$i]}" = "$1" ] && echo "$i" && return
    done
    echo -1
}

# May a file of module $1 include a header of module $2?
allowed() {
    [ "$1" = "$2" ] && return 0
    case $1 in
    analysis) [ "$2" = base ] || [ "$2" = io ] ;;
    report) [ "$2" = analysis ] || [ "$2" = base ] || [ "$2" = io ] ;;
    cli) return 0 ;;
    run | sweep | api) [ "$2" = analysis ] || [ "$2" = report ] || stands_above "$1" "$2" ;;
    *) stands_above "$1" "$2" ;;
    esac
}

stands_above() {
    [ "$(rank "$2")" -ge 0 ] && [ "$(rank "$2")" -lt "$(rank "$1")" ]
}

# Folders in which, with those in them, no files include one another in a circle.
straight=(src/base src/io src/image src/wide src/features src/lattice src/measure src/flow src/train src/pixel src/affine src/sample src/record src/bulk src/views
    src/run src/sweep src/api src/cli models analysis analysis/report)

tests=$((${#ladder[@]} + ${#straight[@]} + 8))
echo "1..$tests"
number=0
result() {
    number=$((number + 1))
    if [ -z "$2" ]; then
        echo "ok $number - $1"
    else
        echo "not ok $number - $1"
        printf '%s\n' "$2" | sed 's/^/# /'
    fi
}

for module in "${ladder[@]}" analysis report; do
    bad=
    while IFS=: read -r file included; do
        other=${included%%/*}
        [ "$other" = "$included" ] && continue # config.h, build_info.h
        [[ $included == analysis/report/* ]] && other=report
        [[ $module == analysis && $file == analysis/report/* ]] && continue
        if ! allowed "$module" "$other"; then
            bad+="$file includes $included"$'\n'
        fi
    done < <(grep -RnoE --include='*.[ch]' '#include "[^"]+"' "$(folder "$module")" |
        sed -E 's/^([^:]+):[0-9]+:#include "([^"]+)"$/\1:\2/')
    result "ladder: $module includes only what stands above it" "${bad%$'\n'}"
done

# A source file and its header count as one.
circles() { # FOLDER
    grep -roHE --include='*.[ch]' '^#include "[^"]+"' "$1" |
        sed -E 's/^([^:]+)\.[ch]:#include "([^"]+)\.h"$/\1 \2/' |
        while read -r file other; do
            [ -e "$other.h" ] || other=src/$other
            [[ $other == "$1"/* ]] && [ "$other" != "$file" ] && echo "$file $other"
        done | sort -u | tsort 2>&1 >/dev/null | sed -n 's/^tsort: \(.*\/.*\)/\1/p'
}
for folder in "${straight[@]}"; do
    result "ladder: no files of $folder include one another in a circle" \
        "$(circles "$folder")"
done

only() { # HEADER ALLOWED-REGEX
    grep -RlE --include='*.[ch]' "#include <$1>" src models analysis | grep -vE "$2"
}
models=$(grep -oE '\bX\([a-z0-9_]+\)' models/registry.c | sed 's/X(\(.*\))/models\/\1.h/')
result "ladder: only models and their tests include a model's header" \
    "$(grep -rnF --include='*.[ch]' "$models" src analysis)"
result "ladder: only src/io/h5*.c include hdf5.h" \
    "$(only 'hdf5(_hl)?\.h' '^src/io/h5[a-z_]*\.[ch]$')"
result "ladder: only src/lattice includes fftw3.h" "$(only 'fftw3\.h' '^src/lattice/')"
result "ladder: no file calls a BLAS" "$(only '(gsl/gsl_c?|c)blas\.h' '^$')"
result "ladder: below src/run nothing reads the configuration, but structs of options" \
    "$(grep -RnE --include='*.[ch]' '#include "io/config(_impl)?\.h"|\bkad_config\b' \
        src models analysis | grep -vE '^src/(io|run|sweep|api|cli)/')"
result "ladder: src/base/parallel.c alone starts threads" \
    "$(grep -rnE --include='*.[ch]' '#pragma omp parallel|omp\.h' src models analysis |
        grep -vE '^src/base/(parallel|context)\.c:|^src/base/thread\.h:')"
