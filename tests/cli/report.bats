#!/usr/bin/env bats
# info, report and compare: what came out.

load util

@test "report: info begins with what came out" {
    kadanoff run tiny.yaml -q
    kadanoff info tiny | sed '/^$/,$d' >summary.txt
    grep -q '^model .*Ising.* 4 x 4$' summary.txt
    grep -q '^state  *complete$' summary.txt
    grep -q '^log_z .*(exact 13.' summary.txt
    grep -q '^samplers  *mis: 2000 draws, acceptance 0' summary.txt
    kadanoff info tiny | grep -q '^commit '
    kadanoff info tiny | grep -q '/samplers/mis/proposals/log_weight \[1, 2000\]'
}

@test "report: a report can be written elsewhere, without touching the run" {
    kadanoff run tiny.yaml -q
    rm tiny/report.html
    chmod -R a-w tiny
    kadanoff report tiny -q -o page.html
    grep -q '</html>' page.html
    [ ! -e tiny/report.html ]
}

@test "report: the model is named with its couplings wherever it stands" {
    local name='Ising, T = 3 (beta 0.33333), 4 x 4'
    kadanoff train tiny.yaml train.steps=5 >first.txt
    grep -qF "model: $name" first.txt
    kadanoff report tiny
    grep -qF "<title>$name - kadanoff</title>" tiny/report.html
    grep -qF "<h1>$name</h1>" tiny/report.html
    grep -qF '>temperature = 3, beta = 0.3333333333333333<' tiny/report.html
    kadanoff info tiny | grep -qF "$name"
    h5dump -a /model/name tiny/run.h5 | grep -qF "$name"
    h5dump -m '%.17g' -a temperature tiny/run.h5 | grep -q '(0): 3$'
    printf '0 1 0.7\n1 2 -1.1\n' >bonds.txt
    kadanoff train tiny.yaml train.steps=5 action.couplings=bonds.txt -o bonds |
        grep -qF "Ising, couplings $(sha256sum bonds.txt | cut -c 1-8), T = 3"
    kadanoff train tiny.yaml -q train.steps=5 title='cold & dry' -o titled
    kadanoff report titled
    grep -qF "<h1>cold &amp; dry: $name</h1>" titled/report.html
}

@test "report: compare has a column for every coupling" {
    local sample='sample=[{name: cluster, draws: 200, chains: 8}]'
    kadanoff run tiny.yaml -q -o warm "$sample"
    kadanoff run tiny.yaml -q -o free "$sample" action.temperature=auto \
        action.name=phi4 action.kappa=0.1 action.lambda=0.5
    kadanoff compare warm | grep -qF 'Ising, T = 3 (beta 0.33333), 4 x 4'
    kadanoff compare warm free >table.txt
    cat table.txt
    grep -qE '^run +lattice +temperature +beta +kappa +lambda +sampler' table.txt
    grep -qE '^warm +4 x 4 +3 +0.33333333 +- +- +cluster' table.txt
    grep -qE '^free +4 x 4 +- +- +0.1 +0.5 +cluster' table.txt
}

@test "report: compare calls runs by the parts of their paths that differ" {
    local sample='sample=[{name: cluster, draws: 200, chains: 8}]'
    mkdir -p a/L=4
    kadanoff run tiny.yaml -q -o a/L=4/T=3/s=1 "$sample"
    cp -r a/L=4/T=3 a/L=4/T=4
    cp -r a b
    kadanoff compare a/L=4/T=3/s=1 a/L=4/T=4/s=1/ >table.txt
    grep -q '^T=3 ' table.txt
    grep -q '^T=4 ' table.txt
    kadanoff compare a/L=4/T=3/s=1 ./b//L=4/T=4/s=1 >table.txt
    grep -q '^a/T=3 ' table.txt
    grep -q '^b/T=4 ' table.txt
    kadanoff compare a/L=4/T=3/s=1 a/L=4/T=3/s=1 | grep -q '^s=1 '
}

# Figures of a page that draw or tabulate, and those of them with their numbers.
count_figures() {
    grep -o '<figure><h2>[^<]*' "$1" | grep -cvE '(This run|Warnings|Symbols)$'
}

@test "report: the report of every kind of model is whole" {
    local small='train.steps=5 train.batch=64 train.eval_samples=64 train.eval_final=64'
    local sample='sample=[{name: mis, draws: 400},{name: hmc, chains: 4, draws: 200}]'
    # shellcheck disable=SC2086
    for kind in "xy [4,4] {name: on-dual, components: 2, beta: 1}" \
        "phi4 [4,4] {name: phi4, m2: -1, lambda: 0.5}" \
        "ring [8] {name: phi4, components: 3, kappa: 0.2, lambda: 1}"; do
        read -r name shape action <<<"$kind"
        printf 'lattice: {shape: %s}\naction: %s\n' "$shape" "$action" >"$name.yaml"
        kadanoff run "$name.yaml" -q $small "$sample" bulk.configs=200 bulk.null=100
        page=$name/report.html
        grep -q '<dt>' "$page" # symbols are explained
        grep -qF "<h1>$(h5dump -a model "$name/run.h5" | sed -n 's/.*(0): "\(.*\)"/\1/p')</h1>" \
            "$page"
        not grep -qiE '>(nan|inf|-)<|[^a-z]nan[^a-z]|aria-label="[^"]*"></svg>' "$page"
        [ "$(count_figures "$page")" -eq "$(grep -c 'download="[a-z0-9-]*.csv"' "$page")" ]
        [ "$(count_figures "$page")" -gt 15 ]
        [ "$(stat -c %s "$page")" -lt 1000000 ]
    done
    grep -q 'odd sites are integrated out exactly' phi4/report.html
    grep -q '<span>.*exact</span>' phi4/report.html
    not grep -q 'keeps one sign' xy/report.html ring/report.html
    # S = -2 sum phi.phi + (m2 + 2d) phi^2 + lambda phi^4
    h5dump -y -w 0 -d /bulk/couplings/exact phi4/run.h5 | grep -q '^ *-2, 0, 0, 3, 0.5, 0'
    h5dump -d /bulk/couplings/exact_unit phi4/run.h5 >unit.txt
    not grep -q nan unit.txt
    run h5dump -d /bulk/couplings/exact xy/run.h5 # no finite sum of operators
    [ "$status" -ne 0 ]
}
