#!/bin/bash
# Tests that hang. Prints TAP.
source=$(cd "${KAD_SRCDIR:-.}" && pwd)
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
cd "$scratch" || exit 1
echo 1..4
number=0
result() { # NAME RC
    number=$((number + 1))
    if [ "$2" -eq 0 ]; then
        echo "ok $number - limit: $1"
    else
        echo "not ok $number - limit: $1"
        sed 's/^/# /' log trs 2>/dev/null
    fi
}

# check SECONDS NAME: as make runs it, into log and trs.
check() {
    KAD_LIMIT=$1 AM_TAP_AWK=awk bash "$source/build-aux/tap-driver.sh" --test-name "$2" \
        --log-file log --trs-file trs -- "$source/tests/tools/limit" bash "./$2" >said
}

printf 'echo 1..2\necho ok 1 - first\nsleep 600 & wait\necho ok 2 - second\n' >hangs
check 1 hangs
grep -q '^ERROR: hangs.*still ran after 1 s' said && grep -q '^:recheck: yes' trs
result "a test that hangs is an error of that name" $?

printf 'trap "" TERM\necho 1..1\nsleep 600\nsleep 600\n' >deaf
KAD_LIMIT=1 timeout 60 "$source/tests/tools/limit" bash ./deaf >log 2>/dev/null
[ $? -eq 137 ] && grep -q '^Bail out! ./deaf' log
result "one that is deaf to SIGTERM is killed" $?

printf 'echo 1..1\necho ok 1 - first\nexit 3\n' >fails
KAD_LIMIT=60 "$source/tests/tools/limit" bash ./fails >log
[ $? -eq 3 ] && [ "$(wc -l <log)" -eq 2 ]
result "exit codes and output pass" $?

printf 'trap "touch heard; exit" TERM\ntouch begun\nsleep 600 & wait\n' >stopped
arrives() { # FILE: within a minute
    for _ in $(seq 600); do
        [ -e "$1" ] && return 0
        sleep 0.1
    done
    return 1
}
KAD_LIMIT=60 "$source/tests/tools/limit" bash ./stopped >log 2>&1 &
arrives begun && kill -TERM $! && arrives heard
result "an interrupt ends the test too" $?
