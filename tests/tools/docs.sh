#!/bin/bash
# What the program can print about itself is what the tree ships; the guide's map has every
# folder. Prints TAP.
cd "${KAD_SRCDIR:-.}" || exit 1
program=${KAD_BUILDDIR:-.}/kadanoff
echo 1..5
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

# Every folder has a row in the map of doc/developer.md, whose link leads to a header that
# begins with what the folder is and names all its other headers, but for their insides.
unexplained() {
    local folder header head file name
    find src models analysis -name '*.h' -printf '%h\n' | sort -u | while read -r folder; do
        [ "$folder" = src ] && continue # kadanoff.h
        header=$(sed -nE "s,^\| \[\`$folder\`\]\(\.\./($folder/[a-z_]+\.h)\).*,\1,p" \
            doc/developer.md)
        [ -n "$header" ] || { echo "$folder is not in the map" && continue; }
        head=$(sed '/\*\//q' "$header")
        grep -q 'This folder' <<<"$head" || echo "$header does not say what $folder is"
        for file in "$folder"/*.h; do
            name=$(basename "$file" .h)
            [ "$file" = "$header" ] || [[ $name == *_impl ]] || grep -qw "$name" <<<"$head" ||
                echo "$header does not name $name"
        done
    done
}
number=$((number + 1))
bad=$(unexplained)
if [ -z "$bad" ]; then
    echo "ok $number - docs: the map has every folder, and its first header explains it"
else
    echo "not ok $number - docs: the map has every folder, and its first header explains it"
    printf '%s\n' "$bad" | sed 's/^/# /'
fi
