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

@test "bulk: infer gives configurations of one's own the weights that sampling gives them" {
    cat > phi4.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: phi4, components: 2, form: hopping, kappa: 0.3, lambda: 1}
train: {steps: 20, batch: 64, eval_samples: 64, eval_final: 64}
sample:
  - {name: mis, draws: 100}
  - {name: hmc, draws: 50, chains: 4, burn_in: 5, tuning: 5, store_configs: 40}
END
    kadanoff run phi4.yaml -q
    before=$(sha256sum <phi4/run.h5)
    kadanoff infer phi4 phi4/run.h5:/samplers/hmc/configs -o mine.h5 >out.txt
    grep -q '^48 configurations' out.txt # every 4th of 50 draws, of 40 asked for
    values() { # FILE NAME
        h5dump -d "$2" -m %.17g -y -w 1 "$1" |
            awk '/ATTRIBUTE/ { exit } /^ *[-0-9]/ { print $1 }' | tr -d ,
    }
    values phi4/run.h5 /samplers/hmc/map_log_weight >then.txt
    values mine.h5 /log_weight >now.txt
    [ "$(wc -l <then.txt)" -eq 48 ]
    diff then.txt now.txt
    h5dump -H -d /latents mine.h5 | grep -q '( 48, 2, 4, 4 )'
    [ "$(h5dump -A mine.h5 | grep -c 'ATTRIBUTE "DIMENSION_LIST"')" -eq 3 ] # a scale on every axis
    # and back, but for the odd sites, which are integrated out and drawn anew
    kadanoff generate phi4 mine.h5 -q -o back.h5
    paste -d ' ' <(values phi4/run.h5 /samplers/hmc/configs) <(values back.h5 /configs) |
        awk '{ s = (NR - 1) % 16; odd = (int(s / 4) + s % 4) % 2; d = $1 - $2
            if (!odd && d * d > 1e-18) bad = 1; if (odd && d != 0) n++ } END { exit bad || NR != 48 * 2 * 16 || n < 720 }'
    fails_with 65 kadanoff generate phi4 mine.h5:/log_q
    fails_with 64 kadanoff generate phi4 mine.h5 --pictures here
    [ "$before" = "$(sha256sum <phi4/run.h5)" ]
    fails_with 66 kadanoff infer phi4 absent.h5
    fails_with 65 kadanoff infer phi4 phi4/run.h5:/samplers/hmc/accepted
    fails_with 65 kadanoff infer phi4 phi4/config.yaml
    fails_with 66 kadanoff infer . mine.h5
    kadanoff run phi4.yaml -q -o other 'lattice.shape=[4, 6]' 'sample=[{name: hmc, draws: 5, chains: 2}]'
    fails_with 65 kadanoff infer phi4 other/run.h5:/samplers/hmc/configs
    grep -q 'expected samples \[n, 2, 4, 4\], found \[2, 5, 2, 4, 6\]' err.txt
}
