#!/usr/bin/env bats
# The bulk of a run.

load util

@test "bulk: more than there is cannot be kept or read, and one line says so" {
    kadanoff sample tiny.yaml -o none 'sample[0].store_configs=64' 2>err.txt || true
    not grep -q 'asked for' err.txt
    kadanoff run tiny.yaml -o caps train.steps=1 'sample[0].draws=100' \
        'sample[0].store_configs=300' 'sample[0].keep_first=5000' 2>err.txt
    cat err.txt
    grep -q 'mis: 100 configurations are kept, one a draw, of 300 asked for' err.txt
    grep -q 'mis: keep_first: 200 draws are all there are, of 5000 asked for' err.txt
    kadanoff bulk caps bulk.configs=150 2>err.txt
    cat err.txt
    grep -q 'bulk: 100 configurations are read, of 150 that bulk.configs asks for: mis has 100 stored' err.txt
}

@test "bulk: bulk reads the latents, again after a run, and draws pictures" {
    kadanoff run tiny.yaml -q -o deep bulk.configs=2000
    h5dump -n deep/run.h5 >names.txt
    grep -q '/correlators/bulk' names.txt
    grep -q '/bulk/couplings' names.txt
    kadanoff bulk deep -q --pictures pictures
    ls pictures/*.png
    kadanoff couplings deep -q
    grep -qF 'deep: Ising, T = 3 (beta 0.33333), 4 x 4' couplings.html
    grep -q 'download="flow-of-the-couplings.csv"' couplings.html
}
