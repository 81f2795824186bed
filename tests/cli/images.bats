#!/usr/bin/env bats
# Runs on images: what they record, that they go on to the bit, and what they refuse.
load util

small() {
    cat >small.yaml <<'END'
data: {source: msds1, limit: 64}
flow: {hidden: 8}
train: {seconds: 0, steps: 40, batch: 64, eval_samples: 16, eval_final: 32}
images: {samples: 8}
END
}

# All that a run learnt and drew.
learnt() {
    h5dump -A 0 -m '%.17g' -d /images/map/theta -d /images/samples -d /images/levels/bits \
        "$1/run.h5" | tail -n +2 | sha256sum
}

attribute() { # attribute FOLDER NAME
    h5dump -m '%.17g' -a "/images/$2" "$1/run.h5" | sed -n 's/.*(0): //p'
}

@test "images: a run trains, says its bits per dimension, and shows samples" {
    small
    kadanoff run small.yaml -o run >out.txt
    grep -q 'bits per dimension on 32 held out' out.txt
    grep -q 'data: msds1: 64 images + 64 held out, 3 x 32 x 32' out.txt
    # below the 8 bits of an image that is stored without thought, in these few steps
    awk -v b="$(attribute run bpd_test)" -v e="$(attribute run bpd_test_err)" \
        -v t="$(attribute run bpd_train)" \
        'BEGIN { exit !(b > 0.2 && b < 8 && e > 0 && e < 1 && t > 0.2 && t < 8) }'
    h5dump -H -d /images/samples run/run.h5 | grep -q '( 8, 32, 32, 3 )'
    # levels add up to the whole
    h5dump -A 0 -m '%.17g' -d /images/levels/bpd run/run.h5 | sed -n 's/.*([0-9]*): //p' |
        tr -d , | tr ' ' '\n' | awk -v b="$(attribute run bpd_test)" \
        '{ s += $1 } END { exit !(s - b < 1e-9 && b - s < 1e-9) }'
    for title in 'Images to train on' Samples 'Information by level'; do
        grep -q "<h2>$title</h2>" run/report.html
    done
    kadanoff run run >out.txt
    grep -q 'complete: nothing to do' out.txt
    kadanoff info run >out.txt
}

@test "images: stopped anywhere and with other threads, the same to the bit" {
    small
    kadanoff run small.yaml -q -o whole -t 2
    kadanoff run small.yaml -q -o single -t 1
    [ "$(learnt whole)" = "$(learnt single)" ]
    stops=0
    for _ in 1 2 3 4 5 6; do
        rc=0
        kadanoff run small.yaml -q -o pieces --max-hours 2e-5 2>err.txt || rc=$?
        [ $rc -eq 75 ] || [ $rc -eq 0 ]
        [ $rc -eq 0 ] || stops=$((stops + 1))
        if [ $rc -eq 75 ]; then [ "$(wc -l <err.txt)" -eq 1 ]; fi
    done
    [ $stops -gt 0 ]
    kadanoff run pieces -q
    [ "$(learnt whole)" = "$(learnt pieces)" ]
}

@test "images: other data, and keys of fields, are refused in a line" {
    small
    fails_with 78 kadanoff run small.yaml -o a lattice.shape='[4, 4]'
    grep -q 'lattice.shape: has no effect on images' err.txt
    fails_with 78 kadanoff run small.yaml -o a sample='[{name: mis}]'
    fails_with 78 kadanoff run small.yaml -o a data.held_out=0 data.source=msds2
    fails_with 66 kadanoff run small.yaml -o c data.source=/nowhere
    fails_with 78 kadanoff run tiny.yaml -o b flow.blocks=1
    fails_with 78 kadanoff run tiny.yaml -o b flow.recipe=pixels
    fails_with 78 kadanoff run tiny.yaml -o b data.kind=image
    [ ! -e b ]
    kadanoff run small.yaml -q -o run --max-hours 1e-6 || [ $? -eq 75 ]
    fails_with 78 kadanoff run small.yaml -o run data.seed=2
    kadanoff run small.yaml -q -o run
    fails_with 78 kadanoff bulk run
    grep -q 'a run on images' err.txt
}

@test "images: a folder with bad files is refused, or read without them" {
    mkdir -p pictures
    echo hello >pictures/odd.txt
    : >pictures/empty.png
    fails_with 65 kadanoff run - -o a <<<'data: {source: pictures}' || grep -q . err.txt
    grep -q 'pictures' err.txt
    ! ls a/images.h5* 2>/dev/null
}

@test "images: list data names what can be read" {
    kadanoff list data >out.txt
    for name in msds1 msds2 pinwheel fashion cifar idx npy hdf5 folder; do
        grep -q "^$name " out.txt
    done
}
