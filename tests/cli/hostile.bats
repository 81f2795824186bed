#!/usr/bin/env bats
# Files and folders that are damaged, prepared or of somebody else.

load util

@test "hostile: a damaged results file is 65" {
    kadanoff train tiny.yaml -q train.steps=5
    printf 'damage' >tiny/run.h5
    fails_with 65 kadanoff info tiny
}

@test "hostile: hostile files are refused in one line" {
    kadanoff run tiny.yaml -q train.steps=5 'sample[0].draws=200'
    # without its digest the file reaches the checks behind it
    head -c -64 tiny/run.h5 >plain.h5
    size=$(stat -c %s plain.h5)
    for i in $(seq 8); do
        cp plain.h5 bad.h5
        yes "noise $i" | head -c 96 |
            dd of=bad.h5 bs=1 seek=$((size * i / 9)) conv=notrunc 2>/dev/null
        head -c $((size - 50 * i * i)) bad.h5 >cut.h5
        for file in bad.h5 cut.h5; do
            cp $file tiny/run.h5
            for command in "info tiny" "report tiny" \
                "train tiny.yaml -q -o other train.steps=1 action.couplings=$file" \
                "train tiny.yaml -q -o other train.steps=1 train.data=$file \
                    train.data_set=/samplers/mis/configs"; do
                got=0
                kadanoff $command >out.txt 2>err.txt || got=$?
                case $got in 0 | 65 | 66 | 78) ;; *) false ;; esac
                [ "$(wc -l <err.txt)" -le 1 ]
                rm -rf other
            done
        done
    done
}

@test "hostile: links, cycles and escapes in a results file do no harm" {
    kadanoff run tiny.yaml -q train.steps=5
    cp -r tiny whole
    for trick in links cycle escapes names; do
        for command in info analyse report; do
            rm -rf tiny
            cp -r whole tiny
            "$KAD_BUILDDIR/tests/cli/h5_tricks" tiny/run.h5 $trick
            got=0
            timeout 60 kadanoff $command tiny >out.txt 2>err.txt || got=$?
            case $trick.$command.$got in
            links.*.0 | escapes.*.0) ;;
            cycle.*.65) grep -q 'several names' err.txt ;;
            names.*.65) grep -q 'cannot be printed' err.txt ;;
            *) echo "$trick $command: $got" && false ;;
            esac
            [ "$(grep -v 'link left out' err.txt | wc -l)" -le 1 ]
            # no control characters but newlines and tabs, no bytes that are not UTF-8
            [ -z "$(cat out.txt err.txt | tr -d '\n\t\040-\176\200-\377')" ]
            cat out.txt err.txt tiny/report.html | iconv -f UTF-8 -t UTF-8 >/dev/null
        done
    done
}

@test "hostile: a folder that is no run stays as it is" {
    mkdir photos
    echo holiday >photos/beach
    for command in info analyse report diagnose compare couplings bulk sample; do
        fails_with 66 kadanoff $command photos
        [ "$(ls -A photos)" = beach ]
    done
    echo holiday >photos/run.h5
    for command in analyse report bulk; do
        fails_with 65 kadanoff $command photos
        [ "$(ls -A photos | wc -l)" -eq 2 ]
    done
    fails_with 66 kadanoff info photos/beach
}

@test "hostile: a prepared folder empties no file elsewhere" {
    kadanoff run tiny.yaml -q train.steps=5
    seq 1000 >thesis
    cp thesis copy
    for name in checkpoint/lock progress.jsonl report.html report.html.tmp run.h5.tmp; do
        for how in -s ''; do
            rm -f "tiny/$name"
            ln $how "$PWD/thesis" "tiny/$name"
            kadanoff report tiny >/dev/null 2>err.txt || grep -q 'remove it' err.txt
            kadanoff run tiny >/dev/null 2>err.txt || grep -q 'remove it' err.txt
            cmp thesis copy
            rm -f "tiny/$name"
        done
    done
    rm -r tiny/checkpoint
    mkdir elsewhere
    ln -s "$PWD/elsewhere" tiny/checkpoint
    fails_with 73 kadanoff report tiny
    [ -z "$(ls -A elsewhere)" ]
}

@test "hostile: the results of another run in a folder are refused, and stay" {
    kadanoff run tiny.yaml -q -o one train.steps=5
    kadanoff train tiny.yaml -q -o two seed=2 train.steps=5
    cp two/run.h5 one/run.h5
    for command in sample run train "bulk bulk.configs=4"; do
        set -- $command
        fails_with 65 kadanoff "$1" one "${@:2}"
        grep -q 'belongs to another run: seed is 2 in it, but 42' err.txt
        cmp one/run.h5 two/run.h5
    done
}
