#!/usr/bin/env bats
# Runs on images: what they record, that they go on to the bit, and what they refuse.
load util

small() {
    cat >small.yaml <<'END'
data: {source: msds1, limit: 64}
flow: {hidden: 8}
train: {seconds: 0, steps: 40, batch: 64, eval_samples: 16, eval_final: 32}
images: {samples: 8, coding: 32, inpaint: 4, sweeps: 4, receptive: 1, rows: 2,
  attribute_images: 32, latents: 32}
END
}

# values FILE DATASET: one a line.
values() {
    h5dump -d "$2" -m %.17g -y -w 1 "$1" |
        awk '/ATTRIBUTE/ { exit } /^ *[-0-9]/ { print $1 }' | tr -d ,
}

# What its latents were put to.
shown() {
    h5dump -A 0 -m '%.17g' -d /images/inpaint/sheet -d /images/inpaint/mse \
        -d /images/receptive/map -d /images/walk/sheet -d /images/attribute/sheet \
        -d /images/frechet/distance -d /images/independence/beyond -d /images/independence/mutual_neighbours \
        "$1/run.h5" >shown.txt
    tail -n +2 shown.txt | sha256sum
}

# All that a run learnt and drew.
learnt() {
    h5dump -A 0 -m '%.17g' -d /images/map/theta -d /images/samples -d /images/levels/bits \
        "$1/run.h5" | tail -n +2 | sha256sum
}

attribute() { # attribute FOLDER NAME
    h5dump -m '%.17g' -a "/images/$2" "$1/run.h5" | sed -n 's/.*(0): //p'
}

# npy FILE SHAPE LEAST N [LEVELS]: noise, N bytes of LEAST and so many levels on.
npy() {
    { printf '\223NUMPY\1\0v\0'
        printf "%-117s\n" "{'descr': '|u1', 'fortran_order': False, 'shape': $2, }"
        awk -v a="$3" -v n="$4" -v r="${5-60}" \
            'BEGIN { srand(1); for (i = 0; i < n; i++) printf "%c", a + int(r * rand()) }'
    } >"$1"
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

@test "images: what comes out of latents is what went in, counted" {
    small
    kadanoff run small.yaml -q -o run
    [ "$(values run/run.h5 /images/coding/n_exact | tr '\n' ' ')" = '32 32 ' ]
    # bits from the latents of either prior are those of the masses
    values run/run.h5 /images/coding/bpd_latents | awk -v b="$(h5dump -m '%.17g' \
        -a /images/coding/bpd run/run.h5 | sed -n 's/.*(0): //p')" \
        '{ d = $1 / b - 1; if (d * d > 1e-16) bad = 1 } END { exit bad || NR != 2 }'
    before=$(sha256sum <run/run.h5)
    kadanoff infer run msds1 data.limit=20 -o latents.h5 >out.txt
    grep -q '^20 images of msds1, held out by it' out.txt
    grep -q '^20 of 20 come back exactly' out.txt
    h5dump -H -d /latents latents.h5 | grep -q '( 20, 32, 32, 3 )'
    # levels add up to the bits per dimension, and these to ln P
    values latents.h5 /bits >bits.txt
    [ "$(wc -l <bits.txt)" -eq $((20 * 6 * 3)) ]
    paste -d ' ' <(awk '{ s += $1 } NR % 18 == 0 { printf "%.17g\n", s; s = 0 }' bits.txt) \
        <(values latents.h5 /bpd) <(values latents.h5 /log_p) |
        awk '{ a = $1 / 3072 / $2 - 1; b = -$3 / log(2) / 3072 / $2 - 1
            if (a * a > 1e-20 || b * b > 1e-20) bad = 1 } END { exit bad || NR != 20 }'
    kadanoff generate run latents.h5 -o back.h5 --pictures sheet >out.txt
    grep -q '^20 images' out.txt
    kadanoff infer run back.h5:/images -q -o again.h5
    diff <(values latents.h5 /bits) <(values again.h5 /bits)
    # a picture that was written is one that can be read
    kadanoff infer run sheet/image_0007.png -q -o one.h5
    diff <(values again.h5 /bpd | sed -n 8p) <(values one.h5 /bpd)
    # the latents of the samples give the samples
    kadanoff generate run run/run.h5:/images/latents -q -o samples.h5
    diff <(values samples.h5 /images) <(values run/run.h5 /images/samples)
    [ "$before" = "$(sha256sum <run/run.h5)" ]
    [ -z "$(find . -name '.images-*')" ]
}

@test "images: a hole is filled with the latents it touches, and better than with others" {
    small
    # (the hole's latents are counted for lattices from the corner, as in the table beside)
    kadanoff run small.yaml -q -o run 'flow.origin=[0, 0]' images.inpaint=32 train.steps=200
    [ "$(values run/run.h5 /images/inpaint/touched | tr '\n' ' ')" = '255 401 475 522 ' ]
    [ "$(values run/run.h5 /images/inpaint/touched_parallel | tr '\n' ' ')" = \
        '209 282 322 362 ' ]
    [ "$(values run/run.h5 /images/inpaint/latents | tr '\n' ' ')" = \
        '0 64 401 401 1024 401 401 ' ]
    [ "$(h5dump -a /images/inpaint/n_cone_differs run/run.h5 | sed -n 's/.*(0): //p')" = 0 ]
    # bits of the whole picture: blind, at random, with the cone's latents
    read -r _ blind random cone all _ best <<<"$(values run/run.h5 /images/inpaint/bpd | tr '\n' ' ')"
    awk -v a="$blind" -v b="$cone" -v c="$all" -v d="$best" \
        'BEGIN { exit !(b < a && b == c && d < b) }'
    values run/run.h5 /images/inpaint/mse | tr '\n' ' ' | awk '{ exit !($6 < $3 && $6 < $4) }'
    for title in Inpainting 'What fills a hole' 'Latents that a hole touches'; do
        grep -q "<h2>$title</h2>" run/report.html
    done
    kadanoff bulk run images.inpaint=0 images.coding=8 >out.txt
    grep -q '8 of 8 images come back' out.txt
    not grep -q inpainting out.txt
    not grep -q '<h2>Inpainting</h2>' run/report.html
    fails_with 64 kadanoff bulk run flow.hidden=8
}

@test "images: what latents do, and whether they are what they should be" {
    small
    kadanoff run small.yaml -q -o run images.rows=3 images.attribute=3.red
    # a cone is smaller than the picture at the finest level alone, and the whole at the top
    values run/run.h5 /images/receptive/cone | tr '\n' ' ' |
        awk '{ exit !($1 < 30 && $1 < $2 && $2 <= $3 && $6 == 1024) }'
    values run/run.h5 /images/receptive/histogram |
        awk '{ s += $1 } END { exit !(NR == 6 * 18 && (s - 6) ^ 2 < 1e-18) }'
    # sites of the coarse levels are the picture's; with all levels it is the picture
    [ "$(h5dump -a /images/progressive/n_coarse_differ run/run.h5 | sed -n 's/.*(0): //p')" = 0 ]
    picture() { # GROUP ROW COLUMN
        h5dump -d "/images/$1/sheet" -s "$2,$3,0,0,0" -c 1,1,32,32,3 -y -w 1 run/run.h5 |
            awk '/ATTRIBUTE/ { exit } /^ *[0-9]+,?$/' | tr -d ' ,'
    }
    [ "$(picture progressive 1 5 | wc -l)" -eq 3072 ]
    for where in 'mix 1 0' 'walk 1 0' 'attribute 1 2'; do
        diff <(picture progressive 1 5) <(picture $where)
    done
    diff <(picture mix 2 6) <(picture walk 2 8)
    # no noise at all is one picture; the draw itself is the first sample
    diff <(picture temperature 4 4) <(h5dump -d /images/samples -s 0,0,0,0 -c 1,32,32,3 \
        -y -w 1 run/run.h5 | awk '/ATTRIBUTE/ { exit } /^ *[0-9]+,?$/' | tr -d ' ,')
    # half a step moves less than a step, back is the other way
    values run/run.h5 /images/attribute/moved | tr '\n' ' ' |
        awk '{ exit !($1 < $2 && $2 < 0 && $3 == 0 && $4 > 0 && $5 > $4) }'
    values run/run.h5 /images/independence/variance |
        awk '{ if ($1 < 0.2 || $1 > 3) bad = 1 } END { exit bad || NR != 6 }'
    for title in 'Receptive fields' 'From coarse to fine' Walks 'Mixing of scales' \
        'Mixed temperatures' Arithmetic 'Latents of held-out images'; do
        grep -q "<h2>$title</h2>" run/report.html
    done
    not grep -q '<h2>Outliers</h2>' run/report.html
    fails_with 78 kadanoff bulk run images.attribute=colour
    grep -q 'the data have no label "colour"' err.txt
}

@test "images: another source stands out by its bits, the same source does not" {
    small
    kadanoff run small.yaml -q -o run train.steps=300
    mkdir noise
    npy noise.npy '(40, 32, 32, 3)' 65 122880 # bright
    kadanoff bulk run images.outliers=noise.npy images.outlier_images=40 >out.txt
    values run/run.h5 /images/outliers/auroc | tail -1 | awk '{ exit !($1 > 0.99) }'
    kadanoff bulk run images.outliers=msds1 images.outlier_images=64 -q
    # the very same images: every score ties with itself
    values run/run.h5 /images/outliers/auroc | awk '{ if ($1 != 0.5) bad = 1 }
        END { exit bad || NR != 7 }'
    grep -q '<h2>Outliers</h2>' run/report.html
    fails_with 66 kadanoff bulk run images.outliers=nowhere
    fails_with 65 kadanoff bulk run images.outliers=pinwheel
    [ -z "$(find . -name '.images-*')" ]
}

@test "images: samples stand beside images held out, and these beside those trained on" {
    small
    kadanoff run small.yaml -q -o run images.samples=64
    # a map of 40 steps is far away; images of one source are near each other
    values run/run.h5 /images/frechet/distance | tr '\n' ' ' |
        awk '{ exit !($1 > 3 * $2 && $1 > 3 * $3 && $2 > 0 && $3 > 0) }'
    [ "$(values run/run.h5 /images/frechet/n | tr '\n' ' ')" = '64 32 32 ' ]
    grep -q '<h2>Samples against images</h2>' run/report.html
    kadanoff bulk run images.frechet=20 >out.txt
    grep -q 'of 20 samples to those held out' out.txt
    kadanoff bulk run images.frechet=0 -q
    not grep -q '<h2>Samples against images</h2>' run/report.html
    # halves of those trained on share no picture: mirror images and squares are no second ones
    for more in data.flip=true 'data.crops=8 data.size=24'; do
        # shellcheck disable=SC2086
        kadanoff run small.yaml -q -o halves images.samples=64 data.limit=512 $more
        values halves/run.h5 /images/frechet/distance | tr '\n' ' ' >distances.txt
        cat distances.txt
        awk '{ exit !($3 > 0.95 * $2) }' distances.txt
        rm -r halves
    done
    fails_with 78 kadanoff run small.yaml -o no images.fid_images=20
    # errors want eight images of a set, and nine of latents: fewer are refused, not left out
    for key in frechet=7 frechet=1 latents=8; do
        fails_with 78 kadanoff run small.yaml -o no images.$key
        grep -q "images.${key%=*}: ${key#*=}, but" err.txt
        [ "$(wc -l <err.txt)" -eq 1 ]
    done
    # too few samples to compare are no failure
    kadanoff run small.yaml -o few images.samples=4 >out.txt
    grep -q 'fixed features): none of 4 samples' out.txt
    not h5dump -H -d /images/frechet/distance few/run.h5 >/dev/null 2>&1
}

@test "images: a picture of one's own, with a mask, is filled in" {
    small
    kadanoff run small.yaml -q -o run
    kadanoff generate run run/run.h5:/images/latents -q -o samples.h5 --pictures own
    # a mask: what is bright in another sample
    kadanoff inpaint run own/image_0001.png --mask own/image_0002.png -o sheet.png \
        --pictures each >out.txt
    grep -q 'sites are missing; filling them touches' out.txt
    [ "$(od -An -tx1 -N4 sheet.png | tr -d ' ')" = 89504e47 ]
    [ "$(find each -name '*.png' | wc -l)" -eq 9 ]
    kadanoff infer run each -q -o each.h5 data.held_out=0
    h5dump -H -d /latents each.h5 | grep -q '( 9, 32, 32, 3 )'
    fails_with 64 kadanoff inpaint run own/image_0001.png
    fails_with 66 kadanoff inpaint run own/image_0001.png --mask nowhere.png
    fails_with 65 kadanoff inpaint run small.yaml --mask own/image_0001.png
    fails_with 73 kadanoff inpaint run own/image_0001.png --mask own/image_0002.png -o no/such.png
    fails_with 64 kadanoff inpaint run own/image_0001.png --mask own/image_0002.png data.size=3
    fails_with 66 kadanoff inpaint nowhere own/image_0001.png --mask own/image_0002.png
}

@test "images: infer and generate refuse what is not theirs in a line" {
    small
    kadanoff run small.yaml -q -o run
    kadanoff infer run msds1 data.limit=2 -q -o latents.h5
    fails_with 66 kadanoff infer run nowhere
    fails_with 65 kadanoff infer run small.yaml
    fails_with 65 kadanoff infer run pinwheel
    grep -q 'but the map is one of 3 x 32 x 32' err.txt
    fails_with 65 kadanoff infer run latents.h5:/log_p
    fails_with 64 kadanoff infer run msds1 flow.hidden=3
    fails_with 73 kadanoff infer run msds1 data.limit=2 -o no/such/folder.h5
    fails_with 65 kadanoff generate run latents.h5:/bits
    fails_with 66 kadanoff generate run latents.h5:/absent
    fails_with 65 kadanoff generate run small.yaml
    fails_with 64 kadanoff generate run latents.h5 flow.hidden=3
    fails_with 66 kadanoff generate nowhere latents.h5
    [ -z "$(find . -name '.images-*')" ]
}

@test "images: stopped anywhere and with other threads, the same to the bit" {
    small
    kadanoff run small.yaml -q -o whole -t 2
    kadanoff run small.yaml -q -o single -t 1
    [ "$(learnt whole)" = "$(learnt single)" ]
    [ "$(shown whole)" = "$(shown single)" ]
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
    [ "$(shown whole)" = "$(shown pieces)" ]
}

chosen() { # chosen FOLDER
    h5dump -A 0 -m '%.17g' -d /images/curve/bpd_validation "$1/run.h5" | tail -n +2
    attribute "$1" chosen_share
}

@test "images: training ends by images set aside, keeps the best, and goes on to the bit" {
    small
    few='data.limit=24 flow.hidden=16 train.steps=1500 images.coding=0 images.inpaint=0
        images.receptive=0 images.rows=0 images.attribute_images=0 images.latents=0'
    kadanoff run small.yaml -q -o whole -t 2 $few >out.txt train.patience=3
    kadanoff run small.yaml -q -o to_the_end $few
    # so few images are learnt by heart: the end is worse than what was kept
    awk -v a="$(attribute whole bpd_test)" -v b="$(attribute to_the_end bpd_test)" \
        'BEGIN { exit !(a < b - 0.2) }'
    [ "$(attribute whole stopped_early)" = 1 ]
    # it is that of the least bits, three evaluations before the end
    values whole/run.h5 /images/curve/bpd_validation | awk -v s="$(attribute whole chosen_share)" \
        -v v="$(attribute whole bpd_validation)" 'NR == 1 || $1 < least { least = $1; at = NR }
        END { exit !(at / 20 == s && NR == at + 4 && least == v && $1 == v) }'
    kadanoff run small.yaml -o again -t 1 $few train.patience=3 >out.txt
    grep -q '^weights: those after' out.txt
    [ "$(learnt whole)" = "$(learnt again)" ]
    [ "$(chosen whole)" = "$(chosen again)" ]
    stops=0
    for _ in 1 2 3 4 5 6; do
        rc=0
        kadanoff run small.yaml -q -o pieces $few train.patience=3 train.checkpoint_seconds=0 \
            --max-hours 4e-5 2>err.txt || rc=$?
        [ $rc -eq 75 ] || [ $rc -eq 0 ]
        [ $rc -eq 0 ] || stops=$((stops + 1))
    done
    [ $stops -gt 0 ]
    kadanoff run pieces -q
    [ "$(learnt whole)" = "$(learnt pieces)" ]
    [ "$(chosen whole)" = "$(chosen pieces)" ]
    # weights are averaged every eighth step: what has not moved has not failed to be better
    kadanoff run small.yaml -q -o short $few train.steps=24 train.patience=2
    [ "$(attribute short stopped_early)" = 0 ]
    [ "$(values short/run.h5 /images/curve/bpd_validation | wc -l)" -eq 21 ]
    fails_with 78 kadanoff run small.yaml -o no data.validation=0.2
    fails_with 78 kadanoff run small.yaml -o no train.patience=3 data.validation=0
    grep -q 'data.validation: 0, but train.patience wants images' err.txt
    fails_with 65 kadanoff run small.yaml -o no train.patience=3 data.validation=1e-9
}

couplings() { # couplings RECIPE
    cat >couplings.yaml <<END
data: {source: msds1, limit: 64, grey: true, cache: cache}
flow: {recipe: $1, hidden: 8, layers: [1], blocks: 1, prior: normal}
train: {seconds: 0, steps: 12, batch: 16, ema: 0, eval_samples: 16, eval_final: 32}
images: {samples: 8, coding: 20, receptive: 1, rows: 2, attribute_images: 32, latents: 24,
  outliers: msds2, outlier_images: 8}
END
}

@test "images: what latents do is shown of rgflow and realnvp too" {
    for recipe in rgflow realnvp; do
        couplings $recipe
        kadanoff run couplings.yaml -q -o $recipe flow.prior=laplace data.size=32
        for view in receptive/cone progressive/sheet walk/sheet mix/sheet temperature/sheet \
            attribute/moved outliers/auroc independence/rms coding/n_exact; do
            values $recipe/run.h5 "/images/$view" | grep -q . || { echo "no $view"; false; }
        done
        # in single precision a few levels may come back as their neighbours
        h5dump -m %.17g -a /images/coding/levels_differ $recipe/run.h5 |
            awk '/\(0\):/ { exit !($2 < 1e-3) }'
        # ends of a walk are the pictures themselves, the last column of mixing the other picture
        h5dump -A 0 -d /images/walk/bpd $recipe/run.h5 | grep -q .
        kadanoff bulk $recipe images.rows=1 -q
        h5dump -H -d /images/walk/sheet $recipe/run.h5 | grep -q '( 1, 9, 32, 32, 1 )'
        kadanoff infer $recipe msds1 data.limit=10 -o latents.h5 >out.txt
        grep -q '1[0-9]* of 10 come back exactly\|[89] of 10 come back exactly' out.txt
        kadanoff generate $recipe latents.h5 -o back.h5 >out.txt
        h5dump -H -d /images back.h5 | grep -q '( 10, 32, 32, 1 )'
        # holes are filled where that is asked for, by trajectories: the cone's latents suffice
        not h5dump -H -g /images/inpaint $recipe/run.h5 >/dev/null 2>&1
        kadanoff bulk $recipe images.inpaint=2 images.sweeps=4 images.hole=4 >out.txt
        grep -q 'inpainting: 2 holes of 16 sites' out.txt
        [ "$(h5dump -a /images/inpaint/n_cone_differs $recipe/run.h5 | sed -n 's/.*(0): //p')" = 0 ]
        h5dump -H -d /images/inpaint/sheet $recipe/run.h5 | grep -q '( 2, 8, 32, 32, 1 )'
        if [ $recipe = rgflow ]; then # as many for every doubling
            values $recipe/run.h5 /images/inpaint/touched | tr '\n' ' ' |
                awk '{ exit !($1 > 16 && $4 - $3 == $3 - $2 && $3 - $2 == $2 - $1) }'
        fi
        kadanoff generate $recipe $recipe/run.h5:/images/latents -q -o own.h5 --pictures own
        kadanoff inpaint $recipe own/image_0001.png --mask own/image_0002.png -o sheet.png \
            images.sweeps=4 >out.txt
        grep -q 'sites are missing; filling them touches' out.txt
        [ -s sheet.png ]
        rm -r $recipe
    done
}

@test "images: rgflow and realnvp train too, and go on to the bit with other threads" {
    for recipe in rgflow realnvp; do
        couplings $recipe
        kadanoff run couplings.yaml -q -o $recipe -t 2
        # about 9.5 bits at the start: a normal prior on logits of many zeros
        awk -v b="$(attribute $recipe bpd_test)" -v e="$(attribute $recipe bpd_test_err)" \
            'BEGIN { exit !(b > 2 && b < 11 && e > 0 && e < 1) }'
        values $recipe/run.h5 /images/frechet/distance | head -1 | awk '{ exit !($1 > 0) }'
        h5dump -a /images/map/theta/recipe $recipe/run.h5 | grep -q "\"$recipe"
        for _ in 1 2 3; do
            rc=0
            kadanoff run couplings.yaml -q -t 1 -o $recipe-pieces --max-hours 2e-5 2>err.txt || rc=$?
            [ $rc -eq 75 ] || [ $rc -eq 0 ]
        done
        kadanoff run $recipe-pieces -q -t 1
        [ "$(learnt $recipe)" = "$(learnt $recipe-pieces)" ]
        # what only pixels have is refused, and so are sides without blocks
        fails_with 78 kadanoff run couplings.yaml flow.radius=2 -o no
        grep -q 'flow.radius' err.txt
        fails_with 78 kadanoff run couplings.yaml data.pad=1 -o no-$recipe
        grep -q 'multiples of 4' err.txt
    done
    small
    fails_with 78 kadanoff run small.yaml flow.layers=[1] -o no
    # who looks no further than he sees anyway
    fails_with 78 kadanoff run small.yaml flow.reach=2 -o no-reach
    grep -q 'flow.reach: 2 has no effect' err.txt
}

@test "images: of large pictures latents of a thousand sites a level are correlated" {
    small
    kadanoff run small.yaml -q -o run data.size=64 data.grey=true data.limit=40 images.coding=0 \
        images.inpaint=0 images.receptive=0 images.rows=0 images.attribute_images=0 images.latents=12
    # levels 0: 1024 of 3072 sites and some whose pairs are looked at; 1 and up: all 1024
    n=$(h5dump -a /images/independence/n_latents run/run.h5 | sed -n 's/.*(0): //p')
    [ "$n" -ge 2048 ] && [ "$n" -le 2120 ]
    values run/run.h5 /images/independence/mutual_neighbours | awk '$1 == "nan" { exit 1 }'
}

@test "images: what could not be done is said before the training, and the folder stays free" {
    small
    npy grey.npy '(40, 8, 8)' 33 2560
    npy colour.npy '(40, 8, 8, 3)' 33 7680
    fails_with 66 kadanoff run small.yaml -o a data.source=nowhere
    fails_with 78 kadanoff run small.yaml -o a data.source=grey.npy data.held_out=0
    fails_with 78 kadanoff run small.yaml -o a data.source=grey.npy data.crops=3
    fails_with 78 kadanoff run small.yaml -o a data.source=grey.npy data.crop=4 data.crops=3 data.size=2
    fails_with 78 kadanoff run small.yaml -o a data.source=grey.npy flow.origin='[9, 0]'
    fails_with 78 kadanoff run small.yaml -o a data.source=grey.npy images.attribute=colour
    fails_with 66 kadanoff run small.yaml -o a data.source=grey.npy images.outliers=nowhere
    grep -q 'images.outliers: nowhere' err.txt
    fails_with 65 kadanoff run small.yaml -o a data.source=grey.npy images.outliers=colour.npy
    grep -q 'colour.npy: images of 3 x 8 x 8' err.txt
    fails_with 66 kadanoff run small.yaml -o a data.source=grey.npy images.fid=nowhere.h5
    fails_with 78 kadanoff run small.yaml -o a data.source=grey.npy images.samples=1000000 \
        data.size=512
    grep -q 'images.samples' err.txt
    [ ! -e a/config.yaml ]
    kadanoff run small.yaml -q -o a data.source=grey.npy images.outliers=grey.npy
    # read once, however the source is spelled
    before=$(stat -c %i a/images.h5)
    kadanoff bulk a -q images.rows=1
    [ "$(stat -c %i a/images.h5)" = "$before" ]
    kadanoff run small.yaml -q -o b data.source=./grey.npy --max-hours 1e-6 || [ $? -eq 75 ]
    before=$(stat -c %i b/images.h5)
    kadanoff run b -q
    [ "$(stat -c %i b/images.h5)" = "$before" ]
    # what this command knows nothing of
    fails_with 66 kadanoff compare a
    fails_with 66 kadanoff analyse a
    fails_with 64 kadanoff sample small.yaml -o c
}

@test "images: few of them, and those that are all alike, make a complete run" {
    small
    npy black.npy '(60, 8, 8)' 33 3840 1
    kadanoff run small.yaml -o alike data.source=black.npy >out.txt
    grep -q 'arithmetic: left out: brightness is the same of all' out.txt
    kadanoff run alike >out.txt
    grep -q 'complete: nothing to do' out.txt
    npy few.npy '(30, 4, 4)' 33 480
    kadanoff run small.yaml -o few data.source=few.npy data.held_out=0.1 images.frechet=0 >out.txt
    [ "$(attribute few n_test)" -lt 8 ]
    attribute few bpd_train | awk '{ ok = $1 > 0 && $1 < 20 } END { exit !ok }'
    npy one.npy '(40, 1, 1)' 33 40
    kadanoff run small.yaml -o one data.source=one.npy data.held_out=0.5 >out.txt
    grep -q 'latents: none that could be correlated' out.txt
    not grep -q nan out.txt
    # as many steps as were asked for, of every group
    kadanoff run small.yaml -q -o step train.steps=1 train.batch=64 data.source=few.npy data.held_out=0.5
    attribute step images_seen | awk '{ ok = $1 > 0 && $1 < 64 } END { exit !ok }'
}

@test "images: files that a killed run was reading do not stay, those that others read do" {
    small
    npy grey.npy '(40, 8, 8)' 33 2560
    mkdir run cache
    touch run/images.h5.tmp.999999 run/images.h5.tmp.x run/images.h5.tmp.
    kadanoff run small.yaml -q -o run data.source=grey.npy --max-hours 1e-6 || [ $? -eq 75 ]
    [ ! -e run/images.h5.tmp.999999 ]
    [ -e run/images.h5.tmp.x ]
    [ -e run/images.h5.tmp. ]
    touch run/images.h5.tmp.999999 # killed later, beside a file that is whole
    kadanoff run run -q
    [ ! -e run/images.h5.tmp.999999 ]
    # in a folder that runs share only what is old and held by nobody
    kadanoff run small.yaml -q -o one data.source=grey.npy data.cache=cache
    file=$(echo cache/images-*.h5)
    touch "$file.tmp.999998"
    touch -d '2 days ago' "$file.tmp.999999"
    kadanoff run small.yaml -q -o two data.source=grey.npy data.cache=cache
    [ -e "$file.tmp.999998" ]
    [ ! -e "$file.tmp.999999" ]
}

@test "images: an HDF5 file needs no name of its data set, infer's errors are over pictures" {
    small
    kadanoff run small.yaml -q -o run data.limit=24
    h5copy -i run/images.h5 -s /train/pixels -o one.h5 -d /pixels
    kadanoff run small.yaml -o h5 data.source=one.h5 >out.txt
    grep -q '^data: one.h5: ' out.txt
    # squares of two pictures, one plain and one of noise: far from independent
    mkdir two:
    kadanoff generate run run/run.h5:/images/latents --pictures two: -o made.h5 >out.txt
    find two: -name '*.png' | sort | tail -n +3 | xargs rm
    kadanoff run small.yaml -q -o crops data.source=msds1 data.size=8 data.crops=20 data.limit=40
    kadanoff infer crops two: -o inferred.h5 >out.txt
    grep -q '^40 images of two:' out.txt
    values inferred.h5 /bpd | awk '{ s[int((NR - 1) / 20)] += $1 / 20 }
        END { m = (s[0] + s[1]) / 2; d = s[0] - s[1]; printf "%.17g\n", (d < 0 ? -d : d) / 2 }' >error.txt
    grep '^bits per dimension' out.txt >said.txt
    awk -v e="$(cat error.txt)" '{ split($4, p, "[()]"); n = split(p[1], q, ".")
        unit = n > 1 && p[2] !~ /\./ ? 10 ^ -length(q[2]) : 1; r = p[2] * unit / e
        exit !(r > 0.9 && r < 1.1) }' said.txt
}

@test "images: a sweep's table has the bits of its points" {
    small
    npy grey.npy '(40, 8, 8)' 33 2560
    sed 's/msds1, limit: 64/grey.npy/' small.yaml >sweep.yaml
    echo 'sweep: {grid: {train.steps: [20, 40]}}' >>sweep.yaml
    fails_with 64 kadanoff sweep plan sweep.yaml
    grep -q 'runs on images' err.txt
    kadanoff sweep run sweep.yaml -q
    kadanoff sweep table sweep >out.txt
    grep -q bpd_test out.txt
    [ "$(grep -c ',images,bpd_test,[0-9]' sweep/table.csv)" -eq 2 ]
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
