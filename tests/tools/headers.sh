#!/bin/bash
# Every header compiles alone, in both precisions where it is a kernel's. Prints TAP.
cd "${KAD_SRCDIR:-.}" || exit 1
cc=${KAD_CC:-cc}
mapfile -t headers < <(find src models analysis -name '*.h' | sort)
echo "1..${#headers[@]}"
number=0
for header in "${headers[@]}"; do
    number=$((number + 1))
    flags=()
    # Kernel headers are for files compiled with a precision.
    grep -qE '(\bvreal\b|\bKR\(|/v(math|trig)\.h"|_kern\.h")' "$header" && flags=(-DKAD_PREC=32)
    # shellcheck disable=SC2086 # KAD_CPPFLAGS is a list
    if message=$(echo "#include \"$header\"" | $cc -std=gnu11 -fsyntax-only -fopenmp -x c \
        "${flags[@]}" $KAD_CPPFLAGS -Isrc -I. -I"${KAD_BUILDDIR:-.}" - 2>&1); then
        echo "ok $number - headers: $header compiles alone"
    else
        echo "not ok $number - headers: $header compiles alone"
        printf '%s\n' "$message" | head -5 | sed 's/^/# /'
    fi
done
