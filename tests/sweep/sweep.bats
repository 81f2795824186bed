#!/usr/bin/env bats
# Sweeps from outside: workers that share a folder, kills, the state of every point.

setup() {
    unset SLURM_JOB_ID SLURM_ARRAY_TASK_ID
    cd "$BATS_TEST_TMPDIR"
    cat > s.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: phi4, form: hopping, kappa: 0.2, lambda: 1}
sample:
  - {name: metropolis, draws: 100, burn_in: 10, chains: 2}
sweep:
  grid:
    action.kappa: {from: 0.2, to: 0.3, points: 3}
    seed: {repeat: 2}
END
}

# that it fails
not() {
    ! "$@"
}

# Numbers of a run, without times.
numbers() {
    h5dump -A 0 -m '%.17g' -d /analysis/metropolis/mean -d /analysis/metropolis/err \
        -d /samplers/metropolis/action "$1/run.h5" | tail -n +2 | sha256sum
}

@test "sweep: plan changes nothing, run refuses the file and names sweep" {
    kadanoff sweep plan s.yaml --no-timing >out.txt
    [ "$(grep -c 's/kappa=' out.txt)" -eq 6 ]
    [ ! -e s ]
    got=0
    kadanoff run s.yaml 2>err.txt || got=$?
    [ "$got" -eq 78 ]
    grep -q 'kadanoff sweep run s.yaml' err.txt
    [ "$(wc -l <err.txt)" -eq 1 ]
}

@test "sweep: plan names the point that cannot run" {
    sed -i 's/to: 0.3/to: -1e9/' s.yaml
    got=0
    kadanoff sweep plan s.yaml 2>err.txt || got=$?
    [ "$got" -eq 78 ]
    grep -q 'action.kappa.*point' err.txt
    [ ! -e s ]
}

@test "sweep: three workers, one killed with -9: every point once, bytes as in a row" {
    kadanoff sweep run s.yaml -q -t 1 -o alone
    for worker in 1 2 3; do
        kadanoff sweep run s.yaml -t 1 >"$worker.log" 2>&1 &
        pid[$worker]=$!
    done
    for _ in $(seq 600); do
        grep -q complete 2.log && break
        sleep 0.05
    done
    kill -9 "${pid[2]}" || true # it may have ended
    wait "${pid[1]}"
    wait "${pid[3]}"
    kadanoff sweep status s >status.txt
    grep -q '^s: 6 complete$' status.txt
    for point in alone/kappa=*; do
        [ "$(numbers "$point")" = "$(numbers "s/${point#alone/}")" ]
    done
    # each was begun by one worker alone, or again after the kill
    [ "$(cat ./*.log | grep -o '^point [0-9]*' | sort -u | wc -l)" -ge 5 ]
}

@test "sweep: a point held by another is 69, an array's task does its own" {
    kadanoff sweep run s.yaml -q --point 3 sample[0].draws=10000000 &
    pid=$!
    for _ in $(seq 600); do
        [ -s s/kappa=0.25_seed=42/run.h5 ] && break
        sleep 0.05
    done
    got=0
    kadanoff sweep run s.yaml -q --point 3 2>err.txt || got=$?
    [ "$got" -eq 69 ]
    grep -q 'in use' err.txt
    got=0
    kadanoff sweep status s >status.txt 2>err.txt || got=$?
    [ "$got" -eq 75 ]
    grep -q '3  running' status.txt
    kill -USR1 "$pid"
    got=0
    wait "$pid" || got=$?
    [ "$got" -eq 75 ]
    SLURM_ARRAY_TASK_ID=5 kadanoff sweep run s.yaml -q
    got=0
    kadanoff sweep status s --json >status.json || got=$?
    [ "$got" -eq 75 ]
    python3 - <<'END'
import json
state = {p["point"]: p["state"] for p in json.load(open("status.json"))}
assert state == {1: "missing", 2: "missing", 3: "stopped", 4: "missing", 5: "complete",
                 6: "missing"}, state
END
}

@test "sweep: a point that fails is said, the others are done" {
    mkdir -p s/kappa=0.25_seed=43
    echo hello >s/kappa=0.25_seed=43/run.h5
    got=0
    kadanoff sweep run s.yaml >out.txt 2>err.txt || got=$?
    [ "$got" -eq 65 ]
    [ "$(grep -c ': complete' out.txt)" -eq 5 ]
    [ "$(wc -l <err.txt)" -eq 2 ]
    got=0
    kadanoff sweep status s.yaml >out.txt 2>err.txt || got=$?
    [ "$got" -eq 65 ]
    grep -q '4  unusable' out.txt
}

@test "sweep: points that are no longer asked for keep nobody waiting" {
    kadanoff sweep run s.yaml -q --points 1-2
    sed -i 's/from: 0.2, to: 0.3, points: 3/from: 0.2, to: 0.2, points: 1/' s.yaml
    kadanoff sweep run s.yaml -q
    for what in s.yaml s; do
        kadanoff sweep status $what >status.txt
        grep -q '^s: 2 complete$' status.txt
        [ "$(grep -c 'missing .*no longer asked for$' status.txt)" -eq 4 ]
    done
    SLURM_ARRAY_TASK_ID=4 kadanoff sweep run s.yaml >out.txt
    grep -qx 's.yaml: no longer asks for this: nothing to do' out.txt
    got=0
    kadanoff sweep run s.yaml --point 7 2>err.txt || got=$?
    [ "$got" -eq 64 ]
    got=0
    kadanoff sweep run s -o other 2>err.txt || got=$?
    [ "$got" -eq 64 ]
    grep -q -- "--out other: s is the sweep's folder" err.txt
}

@test "sweep: the job script is clean, and a task of it does its point" {
    kadanoff sweep slurm s.yaml -q
    bash -n s/job.sh
    [ -z "$(command -v shellcheck)" ] || shellcheck s/job.sh
    grep -q -- '--array=1-6%32' s/job.sh
    SLURM_CPUS_PER_TASK=1 SLURM_ARRAY_JOB_ID=1 SLURM_ARRAY_TASK_ID=2 s/job.sh
    h5dump -a /sweep_point s/kappa=0.2_seed=43/run.h5 | grep -q '(0): 2'
    kadanoff sweep slurm s.yaml -q --pack 4
    grep -q -- '--ntasks=4 --exact' s/job.sh
    [ -z "$(command -v shellcheck)" ] || shellcheck s/job.sh
}

@test "sweep: more points than an array has tasks are several a task, each point of one" {
    cat >scontrol <<'END'
#!/bin/sh
[ "$*" != "show config" ] || echo "MaxArraySize            = 5"
END
    chmod +x scontrol
    PATH=$PWD:$PATH kadanoff sweep slurm s.yaml >out.txt
    grep -q 'at most 4 tasks: 3 of 2 points each' out.txt
    grep -q -- '--array=1-3%32' s/job.sh
    bash -n s/job.sh
    [ -z "$(command -v shellcheck)" ] || shellcheck s/job.sh
    # who does what, by a program that says it
    sed "s|'[^']*kadanoff' sweep run|echo|" s/job.sh >says.sh
    for task in 1 2 3; do
        SLURM_CPUS_PER_TASK=1 SLURM_ARRAY_JOB_ID=1 SLURM_ARRAY_TASK_ID=$task bash says.sh
    done | sed 's/.*--points \([^ ]*\) .*/\1/' | tr '\n' ' ' >ranges.txt
    grep -qx '1-2 3-4 5-6 ' ranges.txt
    sed -i 's/repeat: 2/repeat: 5/' s.yaml # 15 points: 4 tasks of 4, the last of 3
    PATH=$PWD:$PATH kadanoff sweep slurm s.yaml -q
    sed "s|'[^']*kadanoff' sweep run|echo|" s/job.sh >says.sh
    SLURM_CPUS_PER_TASK=1 SLURM_ARRAY_JOB_ID=1 SLURM_ARRAY_TASK_ID=4 bash says.sh | grep -q -- '--points 13-15 '
    printf '#!/bin/sh\nexit 1\n' >scontrol # nobody to ask: the usual limit
    sed -i 's/repeat: 5/repeat: 900/' s.yaml
    PATH=$PWD:$PATH kadanoff sweep slurm s.yaml -q
    grep -q -- '--array=1-900%32' s/job.sh
    SLURM_CPUS_PER_TASK=1 SLURM_ARRAY_JOB_ID=1 SLURM_ARRAY_TASK_ID=1 s/job.sh
    [ "$(find s -name run.h5 | wc -l)" -eq 3 ]
}

@test "sweep: a job that is told to stop comes back by itself" {
    cat >scontrol <<'END'
#!/bin/sh
echo "$@" >>requeued
END
    chmod +x scontrol
    sed -i 's/draws: 100,/draws: 10000000,/' s.yaml
    kadanoff sweep slurm s.yaml -q
    PATH=$PWD:$PATH SLURM_CPUS_PER_TASK=1 SLURM_ARRAY_JOB_ID=17 SLURM_ARRAY_TASK_ID=2 \
        s/job.sh >out.txt 2>&1 &
    pid=$!
    for _ in $(seq 600); do
        [ -s s/kappa=0.2_seed=43/run.h5 ] && break
        sleep 0.05
    done
    kill -USR1 "$pid"
    got=0
    wait "$pid" || got=$?
    [ "$got" -eq 75 ]
    grep -qx 'requeue 17_2' requeued
}

# Every series of the points of two sweeps, and the table made of them.
same_points() {
    local point
    for point in "$1"/*=*/; do
        for folder in "$1" "$2"; do
            h5dump -A 0 -m '%.17g' -g /samplers "$folder/$(basename "$point")/run.h5" |
                grep -v 'OBJECTID\|ATTRIBUTE' | sed -n '/GROUP/,$p' >"$folder.dump"
        done
        [ "$(wc -l <"$1.dump")" -gt 100 ]
        cmp "$1.dump" "$2.dump"
    done
    kadanoff sweep table "$1" >"$1.screen"
    kadanoff sweep table "$2" >"$2.screen"
    cmp "$1/table.csv" "$2/table.csv"
}

@test "sweep: more draws asked for of complete points: status says so, a worker appends them" {
    sed 's/draws: 100, burn_in: 10/draws: 400, burn_in: 10/' s.yaml >long.yaml
    kadanoff sweep run s.yaml -q
    kadanoff sweep run long.yaml -q
    sed -i 's/draws: 100,/draws: 400,/' s.yaml
    got=0
    kadanoff sweep status s.yaml >status.txt 2>err.txt || got=$?
    [ "$got" -eq 75 ]
    [ "$(grep -c 'stopped .*sample\[0\]: 100 of 400 draws$' status.txt)" -eq 6 ]
    kadanoff sweep table s.yaml >screen.txt
    grep -q '^6 of 6 points are complete' screen.txt
    grep -q '^6 of them have fewer draws than s.yaml asks for' screen.txt
    kadanoff sweep run s.yaml >out.txt
    [ "$(grep -c '^point .*: complete' out.txt)" -eq 6 ]
    kadanoff sweep status s.yaml | grep -q '^s: 6 complete$'
    same_points s long
    # nothing is left to do, and nothing is done; --point of a Slurm array neither
    sha256sum s/*/run.h5 >before.txt
    kadanoff sweep run s.yaml >out.txt
    [ "$(grep -c '^point' out.txt)" -eq 0 ]
    SLURM_ARRAY_TASK_ID=2 kadanoff sweep run s.yaml -q
    sha256sum -c --quiet before.txt
    # as an override of the command line, of one point
    kadanoff sweep run s.yaml -q --point 4 'sample[0].draws=500'
    h5dump -a /samplers/metropolis/n_draws s/kappa=0.25_seed=43/run.h5 | grep -q '(0): 500$'
}

@test "sweep: a worker killed while it appends loses nothing, the next one goes on" {
    sed 's/draws: 100,/draws: 20000,/' s.yaml >long.yaml
    kadanoff sweep run s.yaml -q
    kadanoff sweep run long.yaml -q -t 1
    sed -i 's/draws: 100,/draws: 20000,/' s.yaml
    for delay in 0.05 0.2 0.4 0.6; do
        kadanoff sweep run s.yaml -q -t 1 2>/dev/null &
        pid=$!
        sleep "$delay"
        kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    kadanoff sweep run s.yaml -q -t 1
    same_points s long
}

@test "sweep: complete points are refused when another key has changed, and named" {
    kadanoff sweep run s.yaml -q --points 1-2
    sha256sum s/*/run.h5 >before.txt
    sed -i 's/lambda: 1/lambda: 2/' s.yaml
    kadanoff sweep status s.yaml >status.txt || [ $? -eq 75 ]
    [ "$(grep -c 'complete by another config' status.txt)" -eq 2 ]
    got=0
    kadanoff sweep run s.yaml --points 1-2 >out.txt 2>err.txt || got=$?
    [ "$got" -eq 78 ]
    [ "$(grep -c 'action.lambda is 1.0 in this run folder' err.txt)" -ge 2 ]
    sha256sum -c --quiet before.txt
    # each is said with its own folder
    grep -q '^kadanoff: point 2, kappa=0.2 seed=43: s/kappa=0.2_seed=43/config.yaml' err.txt
    # a change that decides nothing is passed over, but what is asked for is looked at
    sed -i 's/lambda: 2/lambda: 1/; s/^lattice/# three by two\nlattice/' s.yaml
    kadanoff sweep run s.yaml -q --points 1-2
    sha256sum -c --quiet before.txt
}

@test "sweep: a complete run of the same config that no sweep made is a point, and known as one" {
    sed '/^sweep:/,$d' s.yaml >one.yaml
    kadanoff run one.yaml -q -o s/kappa=0.2_seed=42 action.kappa=0.2 seed=42
    kadanoff sweep run s.yaml -q --points 1-2
    kadanoff sweep status s.yaml >status.txt || [ $? -eq 75 ]
    [ "$(grep -c 'complete' status.txt)" -eq 3 ]
    [ "$(grep -c 'another config' status.txt)" -eq 0 ]
    sha256sum s/*/run.h5 >before.txt
    kadanoff sweep run s.yaml -q --points 1-2
    sha256sum -c --quiet before.txt
}

@test "sweep: its folder stands for the config that it was last run with" {
    mkdir configs elsewhere
    awk 'BEGIN { for (i = 0; i < 16; i++) print i, (i + 1) % 16, 1 }' >configs/bonds.txt
    cat >configs/c.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1, couplings: bonds.txt}
sample: [{name: metropolis, draws: 100, chains: 2}]
sweep: {grid: {action.temperature: [2.2, 2.4]}, analysis: {values: 3}}
END
    cp configs/c.yaml before.yaml
    kadanoff sweep run configs/c.yaml -q -o c 'sample[0].draws=
        200' seed=5
    sed -e 's/, couplings: bonds.txt//' configs/c.yaml >configs/d.yaml
    kadanoff sweep run configs/d.yaml -q -o d action.couplings=configs/bonds.txt
    rm configs/c.yaml
    cd elsewhere
    kadanoff sweep status ../c/ >status.txt # nothing about another config
    not grep -q 'another config' status.txt
    grep -q '^../c: .*/configs/c.yaml, with seed=5$' status.txt
    kadanoff sweep status ../d >status.txt
    not grep -q 'another config' status.txt
    kadanoff sweep status ../d --json | python3 -c 'import json, sys; json.load(sys.stdin)'
    kadanoff sweep table ../c >/dev/null
    kadanoff sweep analyse ../c >out.txt
    grep -q 'metropolis: 2 of 2 points, temperature 2.2 to 2.4' out.txt
    kadanoff sweep plan --no-timing ../c >out.txt
    sha256sum ../[cd]/*/run.h5 >runs.txt
    kadanoff sweep run ../c -q
    kadanoff sweep run ../d -q --point 2
    sha256sum -c --quiet runs.txt
    # more draws, by the folder; twice the same is once
    kadanoff sweep run ../c -q 'sample[0].draws=300'
    kadanoff sweep run ../c/ -q 'sample[0].draws=300'
    [ "$(grep -c '^# kadanoff sweep: sample\[0\].draws=300$' ../c/sweep.yaml)" -eq 1 ]
    h5dump -a /samplers/metropolis/n_draws ../c/temperature=2.4/run.h5 | grep -q '(0): 300$'
    kadanoff sweep status ../c >status.txt
    # what is kept is a config, and only the config
    sed '/^# kadanoff sweep:/d' ../c/sweep.yaml | cmp - ../before.yaml
    cd ..
    rm c/sweep.yaml
    kadanoff sweep status c >status.txt # of the points alone
    got=0
    kadanoff sweep analyse c 2>err.txt || got=$?
    [ "$got" -eq 66 ]
    grep -q 'c: no config is there (sweep.yaml)' err.txt
}

@test "sweep: a job script passes on what the command line changed" {
    kadanoff sweep slurm s.yaml -q "title=a'b" 'sample[0].draws=120'
    [ -z "$(command -v shellcheck)" ] || shellcheck s/job.sh
    mkdir -p elsewhere
    cd elsewhere
    SLURM_CPUS_PER_TASK=1 SLURM_ARRAY_JOB_ID=1 SLURM_ARRAY_TASK_ID=2 ../s/job.sh
    h5dump -a /samplers/metropolis/n_draws ../s/kappa=0.2_seed=43/run.h5 | grep -q '(0): 120$'
    h5dump -a /title ../s/kappa=0.2_seed=43/run.h5 | grep -q "a'b"
}

@test "sweep: the table has every estimate of every complete point" {
    kadanoff sweep run s.yaml -q --points 1-4
    kadanoff sweep table s >screen.txt
    grep -q '^4 of 6 points are complete' screen.txt
    grep -q '^point  (means by metropolis) .* energy .* abs_m .* chi$' screen.txt
    python3 - <<'END'
import csv
rows = [r for r in csv.DictReader(open("s/table.csv")) if r["observable"] == "phi2"]
assert [r["point"] for r in rows] == ["1", "2", "3", "4"], rows
assert rows[0]["action.kappa"] == "0.2" and rows[3]["seed"] == "43"
END
    h5dump -d /analysis/metropolis/mean -m %.17g -y -w 1 s/kappa=0.25_seed=43/run.h5 |
        grep -E '^ *[-0-9]' | tr -d ' ,' >point.txt
    h5dump -d /results/metropolis/mean -s 3,0 -c "1,$(wc -l <point.txt)" -m %.17g -y -w 1 \
        s/sweep.h5 | grep -E '^ *[-0-9]' | tr -d ' ,' >table.txt
    diff point.txt table.txt
    h5dump -d /points/action.kappa s/sweep.h5 | grep -q '0.2, 0.2, 0.25, 0.25, 0.3, 0.3'
    ncdump -h s/sweep.h5 >/dev/null || [ -z "$(command -v ncdump)" ]
}

family_sweep() {
    cat > f.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1}
train: {steps: 60, batch: 256, eval_samples: 256, eval_final: 512}
sample: [{name: mis, draws: 200}]
sweep:
  grid:
    action.temperature: {from: 2.0, to: 2.6, points: 3}
  map: family
  along: action.temperature
END
}

@test "sweep: points of one family share its map, and train nothing" {
    family_sweep
    sed -i 's/steps: 60/steps: 150/; s/draws: 200/draws: 1000/' f.yaml
    kadanoff sweep run f.yaml -t 1 >1.log 2>&1 &
    pid=$!
    kadanoff sweep run f.yaml -t 1 >2.log 2>&1 || [ $? -eq 75 ] # waits for the map
    wait "$pid" || [ $? -eq 75 ]
    kadanoff sweep run f.yaml -q
    kadanoff sweep status f | grep -q '^f: 3 complete$'
    [ "$(cat 1.log 2.log | grep -c 'a map for all values of action.temperature')" -eq 1 ]
    kadanoff sweep table f >screen.txt # weights come first in the files, and are no sampler's
    grep -q '^point  (means by mis) .* log_z .* ess .* energy .* abs_m .* chi$' screen.txt
    # more draws of the same map
    sed 's/draws: 1000/draws: 3000/' f.yaml >long.yaml
    kadanoff sweep run long.yaml -q
    kadanoff sweep run f.yaml -q 'sample[0].draws=3000'
    same_points f long
    for point in f/temperature=*; do
        h5dump -a /training/steps "$point/run.h5" | grep -q '(0): 0$'
    done
    sed -i '/along/d' f.yaml
    got=0
    kadanoff sweep run f.yaml -q -o g 2>err.txt || got=$?
    [ "$got" -eq 78 ]
    grep -q 'sweep.along' err.txt
}

@test "sweep: a key whose effect depends on the recipe is looked at when it changes" {
    family_sweep
    sed -i '/^  map/,$d; s/points: 3/points: 2/' f.yaml
    kadanoff sweep run f.yaml -q
    got=0
    kadanoff sweep run f.yaml -q flow.hidden=11 2>err.txt || got=$?
    [ "$got" -eq 78 ]
    grep -q 'flow.hidden is 12 in this run folder, 11 is asked for' err.txt
    kadanoff sweep run f.yaml -q flow.hidden=12
}

@test "sweep: a family's map of another config is refused, by the key that differs" {
    family_sweep
    kadanoff sweep run f.yaml -q
    sha256sum f/maps/all/run.h5 >before.txt
    for change in train.steps=61 train.optimiser=adam flow.hidden=11 family.order=3 family.scale=inverse; do
        for points in 1-3 2-2; do
            got=0
            kadanoff sweep run f.yaml -q --points $points $change 2>err.txt || got=$?
            [ "$got" -eq 78 ]
            grep -q "f/maps/all/config.yaml: ${change%=*} is .* in this run folder, .* is asked for" err.txt
        done
    done
    # what comes to the same, more draws, values within the range: the map is as it was
    kadanoff sweep run f.yaml -q family.order=2 train.beta1=0.9 'sample[0].thin=1'
    sed -i 's/points: 3/points: 5/; s/draws: 200/draws: 300/' f.yaml
    kadanoff sweep run f.yaml -q
    kadanoff sweep status f.yaml | grep -q '^f: 5 complete$'
    # and values outside of it are refused
    sed -i 's/to: 2.6/to: 2.9/' f.yaml
    got=0
    kadanoff sweep run f.yaml -q 2>err.txt || got=$?
    [ "$got" -eq 78 ]
    grep -q 'action.temperature: 2.9, but the family of maps is trained from 2 to 2.6' err.txt
    sha256sum -c --quiet before.txt
}

@test "sweep: section family says how the maps are made, and no point has it" {
    family_sweep
    sed -i 's/^train/family: {order: 3, scale: inverse, strata: 2}\n&/' f.yaml
    kadanoff sweep plan f.yaml >out.txt
    grep -q '^1 map that points share' out.txt
    kadanoff sweep run f.yaml -q
    h5dump -d /config/resolved f/maps/all/run.h5 >out.txt
    grep -q 'order.*3' out.txt
    not grep -q family f/temperature=2/config.yaml
    sed -i 's/order: 3/order: 9/' f.yaml
    got=0
    kadanoff sweep plan f.yaml --no-timing 2>err.txt || got=$?
    [ "$got" -eq 78 ]
    grep -q 'family.order' err.txt
    family_sweep
    sed -i '/along/d' f.yaml
    got=0
    kadanoff sweep plan f.yaml --no-timing 2>err.txt || got=$?
    [ "$got" -eq 78 ]
    grep -q 'sweep.along' err.txt
}

@test "sweep: a family along two couplings: a map for all pairs, one a lattice" {
    cat > two.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: phi4, form: hopping}
train: {steps: 200, rate: 2.5e-3, batch: 256, eval_samples: 256, eval_final: 512}
sample: [{name: mis, draws: 300}]
sweep:
  grid:
    lattice.shape: [[2, 4], [4, 4]]
    action.kappa: [0.1, 0.15, 0.2]
    action.lambda: [0.5, 1.0]
  map: family
  along: [action.kappa, action.lambda]
  analysis: {along: action.kappa, values: 5}
END
    kadanoff sweep plan two.yaml >out.txt
    grep -q '^2 maps that points share' out.txt
    kadanoff sweep run two.yaml >out.txt
    [ "$(grep -c 'a map for all values of' out.txt)" -eq 2 ]
    kadanoff sweep status two.yaml | grep -q '^two: 12 complete$'
    for point in two/shape=*; do
        h5dump -a /training/steps "$point/run.h5" | grep -q '(0): 0$'
    done
    grep -A1 'along' two/maps/shape=2x4/config.yaml >out.txt
    grep -q 'along: .*kappa.*lambda' out.txt
    grep -q 'range: \[0.1, 0.2, 0.5, 1\]' out.txt
    kadanoff sweep table two.yaml >/dev/null
    python3 - <<'END'
import csv
ess = [float(r["mean"]) for r in csv.DictReader(open("two/table.csv"))
       if r["series"] == "log_z" and r["observable"] == "ess"]
assert len(ess) == 12 and min(ess) > 0.7, ess
END
    got=0
    kadanoff sweep run two.yaml -q train.steps=201 2>err.txt || got=$?
    [ "$got" -eq 78 ]
    grep -q 'train.steps is 200' err.txt
    kadanoff sweep analyse two.yaml >out.txt
    grep -q 'shape=4x4_lambda=0.5, mis: 3 of 3 points, kappa 0.1 to 0.2' out.txt
    sed -i '/analysis/d' two.yaml
    got=0
    kadanoff sweep analyse two.yaml 2>err.txt || got=$?
    [ "$got" -eq 78 ]
    grep -q 'sweep.analysis.along: 2 couplings vary' err.txt
    sed -i 's/map: family/map: chain/' two.yaml
    got=0
    kadanoff sweep plan --no-timing two.yaml 2>err.txt || got=$?
    [ "$got" -eq 78 ]
    grep -q 'a chain goes along one coupling' err.txt
}

# Processor seconds, largest resident set in bytes and exit code of a command, as used[].
used='import json, resource, subprocess, sys
code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL)
u = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([u.ru_utime + u.ru_stime, 1024 * u.ru_maxrss, code]))'

@test "sweep: plan says time within 2, memory and disk within 1.3 of what a point takes" {
    cat >e.yaml <<'END'
lattice: {shape: [8, 8]}
action: {name: on-dual, components: 1}
train: {steps: 500, eval_samples: 256, eval_final: 512}
sample: [{name: mis, draws: 30000}, {name: metropolis, draws: 400}]
sweep: {grid: {action.temperature: [2.2, 2.5]}}
END
    kadanoff sweep plan e.yaml -q -t 1 --json >plan.json
    [ ! -e e ]
    python3 -c "$used" kadanoff sweep run e.yaml -q -t 1 --point 2 >used.json
    python3 - <<'END'
import json, os
plan = json.load(open("plan.json"))["points"]
cpu, memory, code = json.load(open("used.json"))
path = "e/temperature=2.5"
files = [os.path.join(d, f) for d, ds, fs in os.walk(path) for f in ds + fs] + [path]
disk = sum(512 * os.lstat(f).st_blocks for f in files)
p = plan[1]
print(p, cpu, memory, disk, len(files))
assert code == 0 and [q["point"] for q in plan] == [1, 2]
assert cpu / 2 < p["cpu_seconds"] < 2 * cpu
assert memory / 1.3 < p["memory"] < 1.3 * memory
assert disk / 1.3 < p["disk"] < 1.3 * disk
assert p["files"] == len(files)
END
}

@test "sweep: plan of 10,000 points, status and run of 1000 finished ones: each below 2 s" {
    sed -i 's/points: 3/points: 1000/; s/repeat: 2/repeat: 10/' s.yaml
    python3 -c "$used" kadanoff sweep plan s.yaml -q --no-timing >used.json
    python3 -c 'import json; assert json.load(open("used.json"))[0] < 2'
    sed -i '/action.kappa:/d; s/repeat: 10/repeat: 1000/' s.yaml
    kadanoff sweep run s.yaml -q -t 1 --point 1
    "$KAD_BUILDDIR/tests/sweep/copies" s.yaml
    for command in "status s" "run s.yaml -q"; do
        # shellcheck disable=SC2086
        python3 -c "$used" kadanoff sweep $command >used.json
        cat used.json
        python3 -c 'import json; u = json.load(open("used.json")); assert u[0] < 2 and u[2] == 0'
    done
}

@test "sweep: a chain gives the same bytes with any number of workers" {
    cat >c.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1}
train: {steps: 100, batch: 64, eval_samples: 256, eval_final: 512}
sample: [{name: mis, draws: 500}]
sweep:
  grid:
    seed: {repeat: 2}
    action.temperature: [2.6, 2.4, 2.2]
  map: chain
  along: action.temperature
END
    numbers_of_chain() {
        h5dump -A 0 -m '%.17g' -d /training/loss -d /samplers/mis/proposals/log_weight \
            "$1/run.h5" | tail -n +2 | sha256sum
    }
    kadanoff sweep run c.yaml -q -t 1 -o alone
    # the last of a chain waits for the others of it: continue me
    got=0
    kadanoff sweep run c.yaml -q -t 1 --point 3 2>err.txt || got=$?
    [ "$got" -eq 75 ]
    grep -q '1 wait for maps' err.txt
    for _ in 1 2 3; do
        kadanoff sweep run c.yaml -q -t 1 2>/dev/null &
    done
    wait
    kadanoff sweep run c.yaml -q -t 1
    for point in alone/seed=*; do
        [ "$(numbers_of_chain "$point")" = "$(numbers_of_chain "c/${point#alone/}")" ]
    done
    steps() { h5dump -a /training/steps "c/$1/run.h5" | sed -n 's/^ *(0): //p'; }
    [ "$(steps seed=42_temperature=2.6)" -eq 100 ]
    [ "$(steps seed=42_temperature=2.4)" -eq 20 ]
    [ "$(h5dump -A 0 -d /inputs/path c/seed=43_temperature=2.2/run.h5 |
        sed -n 's/^ *(0): //p')" = '"c/seed=43_temperature=2.4"' ]
}

@test "sweep: the job script of the examples does a sweep as it is, recipes are well formed" {
    local cluster=$KAD_SRCDIR/examples/cluster
    SLURM_CPUS_PER_TASK=1 SLURM_ARRAY_JOB_ID=1 SLURM_ARRAY_TASK_ID=7 bash "$cluster/job.sh" s.yaml
    kadanoff sweep status s | grep -q '^s: 6 complete$'
    [ -z "$(command -v shellcheck)" ] || shellcheck "$cluster/job.sh"
    python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' "$cluster/package.py"
    sed -n '/^%post/,/^%environment/{/^ /p}' "$cluster/kadanoff.def" | bash -n
    # what is asked for here is what the quickstart installs
    for package in gsl fftw3 hdf5 random123 yaml jansson; do
        grep -q "lib$package-dev" "$cluster/kadanoff.def"
    done
    [ "$(tr -cd '(' <"$cluster/manifest.scm" | wc -c)" -eq \
        "$(tr -cd ')' <"$cluster/manifest.scm" | wc -c)" ]
}
