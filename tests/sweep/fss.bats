#!/usr/bin/env bats
# Finite-size scaling of a small sweep, and its page.

setup() {
    unset SLURM_JOB_ID SLURM_ARRAY_TASK_ID
    cd "$BATS_TEST_TMPDIR"
    cat > s.yaml <<'YAML'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1}
sample:
  - {name: cluster, draws: 100, burn_in: 50, chains: 16, store_configs: 0}
sweep:
  grid:
    lattice.shape: [[4, 4], [6, 6], [8, 8]]
    action.temperature: {centre: 2.27, width: 3, points: 4, scale: 1/L}
  folder: "L={lattice.shape}/T={action.temperature}"
  analysis: {mbar: false, fss: {scale: L, tune: action.temperature, omega: 1.75}}
YAML
}

refused() { # CODE TEXT: `sweep analyse s.yaml` ends so, with one line
    got=0
    kadanoff sweep analyse s.yaml -q 2>err.txt || got=$?
    cat err.txt
    [ "$got" -eq "$1" ]
    [ "$(wc -l <err.txt)" -eq 1 ]
    grep -q -- "$2" err.txt
}

@test "fss: crossings, collapses and their page from three small lattices" {
    kadanoff sweep run s.yaml -q
    kadanoff sweep analyse s.yaml >screen.txt
    grep -q '^finite-size scaling: 12 points of 3 lattice sizes by cluster$' screen.txt
    grep -q 'crossings of binder' screen.txt
    grep -q 'collapse of chi' screen.txt
    # 2.269 within what lattices of 4 to 8 sites can be off
    awk '/crossings of xi.L/ {if ($4 > 2.0 && $4 < 2.6) ok = 1} END {exit !ok}' screen.txt
    h5dump -d /fss/all/points/size s/sweep.h5 | grep -q '4, 4, 4, 4, 6, 6, 6, 6, 8, 8, 8, 8'
    h5dump -a /fss/all/tune s/sweep.h5 | grep -q action.temperature
    h5dump -A s/sweep.h5 | grep -q DIMENSION_LIST
    # one page without anything from elsewhere, that leads to every point's own
    [ "$(grep -c 'http' s/sweep.html)" -eq 0 ]
    for point in s/L=*/T=*; do
        grep -q "href=\"${point#s/}/report.html\"" s/sweep.html
        [ -s "$point/report.html" ]
    done
    grep -q '<h1>Ising: shape 4x4 to 8x8' s/sweep.html
    grep -q 'Data collapse' s/sweep.html
}

@test "fss: what is missing is said in one line" {
    kadanoff sweep run s.yaml -q --points 1-4
    refused 65 'one lattice size (L = 4): it needs two'
    kadanoff sweep run s.yaml -q --points 5-6
    refused 65 'L = 6 has 2 complete points: it needs 3'
    sed -i 's/tune: action.temperature/tune: action.coupling/' s.yaml
    refused 78 'action.coupling is no key of the sweep'
}

@test "fss: a point without an error bar is named" {
    sed -i 's/draws: 100/draws: 8/; s/chains: 16/chains: 1/' s.yaml
    kadanoff sweep run s.yaml -q
    refused 65 'finite-size scaling: point 1 .*has no error bar'
}
