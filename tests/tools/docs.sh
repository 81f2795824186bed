#!/bin/bash
# What the program can print about itself is what the tree ships. Prints TAP.
cd "${KAD_SRCDIR:-.}" || exit 1
program=${KAD_BUILDDIR:-.}/kadanoff
echo 1..4
number=0
same() { # NAME FILE COMMAND...
    local name=$1 file=$2 difference
    shift 2
    number=$((number + 1))
    if difference=$(diff <("$program" "$@") "$file" 2>&1); then
        echo "ok $number - docs: $name is up to date"
    else
        echo "not ok $number - docs: $name is up to date (remake it: make docs)"
        printf '%s\n' "$difference" | head -5 | sed 's/^/# /'
    fi
}
same "the reference" doc/reference.md list --markdown
same "the man page" doc/kadanoff.1 help --man
same "the completion" doc/kadanoff.bash help --completion
number=$((number + 1))
bad=$(grep -RnoE '\]\([^)#: ]+\)' README.md doc/*.md | while IFS=: read -r file _ link; do
    target=${link#*(}
    target=${target%)}
    [ -e "$(dirname "$file")/$target" ] || echo "$file: $target"
done)
if [ -z "$bad" ]; then
    echo "ok $number - docs: every relative link leads somewhere"
else
    echo "not ok $number - docs: every relative link leads somewhere"
    printf '%s\n' "$bad" | sed 's/^/# /'
fi
