#!/usr/bin/env bash
# Every run can be continued and repeated: whatever its config says, `train` and then `run
# CONFIG`, `run FOLDER` and `run FOLDER/config.yaml` into a new folder succeed, also after
# stops at random places, and the config that a run records, read again, is the same to the
# byte and gives the same map.
#
#   resume.sh          a few configs, the worst of each kind (make check)
#   resume.sh all      every key of every section, every demo and example (make check-long)
#   resume.sh TEXT...  the cases of `all` whose name contains TEXT
#
# Environment, set by make: KAD_SRCDIR, PATH. SEED: of the places of stops (printed).
set -u
src=$(cd "${KAD_SRCDIR:?}" && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/kadanoff-resume.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset SLURM_JOB_ID
RANDOM=${SEED:=$$}
n=0

result() { # result RC TEXT
    n=$((n + 1))
    if [ "$1" -eq 0 ]; then echo "ok $n - $2"; else echo "not ok $n - $2"; fi
}

# --- inputs of the cases --------------------------------------------------------------

mkdir configs
cat >configs/base.yaml <<'END'
lattice: {shape: [2, 4]}
train: {steps: 4, batch: 16, eval_samples: 32, eval_final: 64, checkpoint_seconds: 0}
sample:
  - {name: mis, draws: 40, batch: 8, burn_in: 2, store_configs: 4}
  - {name: metropolis, draws: 40, chains: 4, burn_in: 2, tuning: 2, store_configs: 4}
END
cat >configs/images.yaml <<'END'
data: {source: msds1, limit: 24}
flow: {hidden: 8}
train: {seconds: 0, steps: 3, batch: 64, eval_samples: 16, eval_final: 16, checkpoint_seconds: 0}
images: {samples: 4, coding: 2, inpaint: 2, sweeps: 2, receptive: 1, rows: 1,
  attribute_images: 8, latents: 12}
END
# spins of 32 such lattices
head="{'descr': '|i1', 'fortran_order': False, 'shape': (32, 2, 4), }"
{
    printf '\223NUMPY\1\0'
    # shellcheck disable=SC2059
    printf "\\$(printf %o ${#head})\\0%s" "$head"
    for i in $(seq 256); do
        if [ $((i * i * i / 7 % 3)) -eq 0 ]; then printf '\377'; else printf '\1'; fi
    done
} >configs/spins.npy
# bonds of 2 x 4 sites; found beside the config, not here
awk 'BEGIN { for (i = 0; i < 8; i++) print i, (i + 1) % 8, (i * 7) % 3 - 1.5
    print 0, 4, 0.25 }' >configs/bonds.txt
ising='action={name: on-dual, components: 1, temperature: 2.5}'
glass='action={name: on-dual, components: 1, beta: 0.7}'
phi4='action={name: phi4, components: 1, m2: -1, lambda: 1}'
angles='action={name: xy, components: 2, beta: 0.7}'

# Runs whose couplings, configurations and map the cases use.
inputs() {
    kadanoff run configs/base.yaml -q -o configs/other "$phi4" &&
        kadanoff train configs/base.yaml -q -o configs/glass "$glass" \
            action.couplings=configs/bonds.txt &&
        cp configs/glass/run.h5 configs/bonds.h5 &&
        cat >configs/files.yaml <<'END'
lattice: {shape: [2, 4]}
action: {name: phi4, components: 1, m2: -1, lambda: 1}
train: {steps: 4, batch: 16, eval_samples: 32, eval_final: 64, checkpoint_seconds: 0,
  data: other/run.h5, data_set: /samplers/mis/configs, from: other}
sample: [{name: mis, draws: 40}]
END
    cat >configs/glass.yaml <<'END'
lattice: {shape: [2, 4]}
action: {name: on-dual, components: 1, beta: 0.7, couplings: bonds.txt}
train: {steps: 4, batch: 16, eval_samples: 32, eval_final: 64, checkpoint_seconds: 0}
sample: [{name: mis, draws: 40}]
END
}

# --- the property ---------------------------------------------------------------------

# quietly COMMAND...: its exit code; what it says only if it fails.
quietly() {
    "$@" >log.txt 2>&1 && return 0
    local rc=$?
    [ $rc -eq 75 ] || {
        echo "# exit $rc: $*"
        sed 's/^/#   /' log.txt
    }
    return $rc
}

# The parameters' digest, "" where nothing is trained.
map_of() {
    h5dump -a /flow/sha256 "$1/run.h5" 2>/dev/null | grep '(0)' ||
        h5dump -a /images/map_sha256 "$1/run.h5" 2>/dev/null | grep '(0)'
}

same_as() { # same_as FOLDER OTHER
    cmp "$1/config.yaml" "$2/config.yaml" || return 1
    local map other
    map=$(map_of "$1")
    other=$(map_of "$2")
    # `train` trains always, `run` where a sampler needs a map
    [ -z "$map" ] || [ -z "$other" ] || [ "$map" = "$other" ] || {
        echo "# $1 and $2 hold different maps"
        return 1
    }
    local attribute=/config/sha256
    [ "$(h5dump -a $attribute "$1/run.h5" | grep '(0)')" = \
        "$(h5dump -a $attribute "$2/run.h5" | grep '(0)')" ] || {
        echo "# $1 and $2 record different configs"
        return 1
    }
}

# Stopped at random times, by the clock, by a signal, or by nothing any more.
stopped() { # stopped FOLDER COMMAND...
    local folder=$1 rc pid
    shift
    for _ in $(seq "$stops"); do
        local delay=$((RANDOM % 400))
        if [ $((RANDOM % 2)) -eq 0 ]; then
            quietly "$@" --max-hours "$(awk "BEGIN { print 1e-6 + $delay / 3.6e6 }")"
            rc=$?
        else
            "$@" >log.txt 2>&1 &
            pid=$!
            sleep "0.$(printf %03d $delay)"
            kill -TERM $pid 2>/dev/null
            wait $pid
            rc=$?
            [ $rc -eq 143 ] && rc=75 # before the program had its handlers
        fi
        [ $rc -eq 0 ] || [ $rc -eq 75 ] || return 1
        [ ! -e "$folder/config.yaml" ] || set -- kadanoff run "$folder" -q
    done
}

holds() { # holds CONFIG OVERRIDES...
    local config=$1
    shift
    rm -rf once again new pieces anew
    quietly kadanoff train "$config" -q -o once "$@" || return 1
    quietly kadanoff run "$config" -q -o once "$@" || return 1
    quietly kadanoff run once -q || return 1
    quietly kadanoff run once/config.yaml -q -o new || return 1
    same_as once new || return 1
    stopped pieces kadanoff run "$config" -q -o pieces "$@" || return 1
    quietly kadanoff run "$config" -q -o pieces "$@" || return 1
    same_as once pieces || return 1
    mkdir anew && mv new anew/moved # folders may be moved
    quietly kadanoff run anew/moved -q || return 1
}

try() { # try NAME CONFIG OVERRIDES...
    local name=$1 wanted
    shift
    if [ ${#only[@]} -gt 0 ]; then
        for wanted in "${only[@]}"; do
            case $name in *"$wanted"*) ;; *) return 0 ;; esac
        done
    fi
    holds "$@"
    result $? "resume: $name"
}

# --- every key ------------------------------------------------------------------------

mera='flow.recipe=wavelet'
alone="data={source: configs/other/run.h5, dataset: /samplers/mis/configs, held_out: 0.5}|sample=[]"
family="$ising|family={along: temperature, range: [2, 2.6], values: 2, draws: 100}|sample=[]"
tempering='sample=[{name: tempering, draws: 20, chains: 4, burn_in: 2, tuning: 2}]'
annealed='sample=[{name: annealed, draws: 20, burn_in: 2, tuning: 6}]'
mcmc='sample=[{name: hmc, draws: 20, chains: 4, burn_in: 2, tuning: 2}]'

# keys: "KEY VALUE OVERRIDES...", separated by |. A key may come several times. @images: of a
# run on images.
keys() {
    cat <<END
seed|7|$ising
title|"A title: '1', ü"|$ising
lattice.shape|[3, 6]|$ising
lattice.shape|[4]|$phi4
lattice.shape|[4, 2, 2]|$phi4
action.name|on-dual
action.name|phi4
action.coupling|-1|$ising
action.components|2|action={name: on-dual, beta: 0.5}
action.components|3|action={name: on-dual, beta: 0.5}
action.components|2|$phi4|action.components=2
action.beta|0.3|action.name=on-dual
action.temperature|2|action.name=on-dual
action.epsilon|0.05|$ising
action.beta|0.5|$angles
action.components|3|$angles
action.coupling|-1|$angles
action.clock|0.3|$angles
action.flux|0.25|$angles
action.clock_states|6|$angles|action.clock=0.3
action.field|0.2|$angles
action.field|0.3|$phi4
action.field|-0.3|$ising
action.epsilon|0.05|$ising|$mera
action.couplings|uniform|$ising
action.couplings|configs/bonds.txt|$glass
action.couplings|configs/bonds.h5|$glass
action.couplings|configs/bonds.txt|$glass|flow.recipe=neuralrg
action.couplings|configs/bonds.txt|$glass|flow.recipe=wavelet
action.couplings|configs/bonds.txt|$glass|action.components=2
action.couplings_sha256|$(sha256sum <configs/bonds.txt | cut -c 1-64)|$glass|action.couplings=configs/bonds.txt
action.representation|field|$ising
action.representation|field|$ising|$mera
action.form|albergo|action={name: phi4, m2: 1, lambda: 0.5}
action.form|hopping|action={name: phi4, kappa: 0.2, lambda: 0.5}
action.form|nicoli|action={name: phi4, kappa: 0.2, lambda: 0.5}
action.form|seed|action={name: phi4, mu: 3, lambda: 0}
action.t|0.5|action={name: phi4, mu: 3, lambda: 0.1}
action.mu|3|action={name: phi4, lambda: 0.1}
action.lambda|0|action={name: phi4, m2: 0.5}
action.m2|0.5|action={name: phi4, lambda: 0.1}
action.kappa|0.1|action={name: phi4, lambda: 0.1}
flow.recipe|auto|$phi4
flow.recipe|stencil|$phi4
flow.recipe|wavelet|$phi4
flow.recipe|neuralrg|$phi4
flow.recipe|fourier|$phi4
flow.recipe|ode|$phi4
flow.recipe|custom|$phi4|flow.decimation=false
flow.hierarchy|mera|$ising|flow.couplings=1
flow.hierarchy|decimator|$ising|flow.couplings=1
flow.hierarchy|disentangler|$ising|flow.couplings=1
flow.hierarchy|conditional|$ising|flow.recipe=custom
flow.hierarchy|none|$ising
flow.hierarchy|ode|$ising
flow.features|3|$ising|flow.hierarchy=ode
flow.rg_layers|true|$ising|flow.hierarchy=ode
flow.time_modes|2|$ising|flow.hierarchy=ode
flow.tolerance|1e-3|$ising|flow.hierarchy=ode
flow.steps|4|$ising|flow.hierarchy=ode
train.kinetic|0.1|$ising|flow.hierarchy=ode
train.jacobian|0.1|$ising|flow.hierarchy=ode
flow.kernel|4|$ising|$mera
flow.repeat|2|$ising|$mera|flow.couplings=1
flow.depth|1|$ising
flow.passes|eo|$ising|$mera
flow.couplings|2|$ising|$mera
flow.widths|[3, 5]|$ising|$mera
flow.activation|tanh|$ising|$mera
flow.split|true|$ising|$mera
flow.scale_init|0.5|$ising|$mera
flow.zero_last|false|$ising|$mera
flow.haar|false|$ising|$mera
flow.rotation|true|$ising|$mera
flow.level_scale|true|$ising|$mera
flow.ring|false|$ising
flow.spectrum|none|$ising
flow.spectrum_mass2|0.3|$ising
flow.spectrum_stiffness|3|$ising|flow.spectrum_mass2=0.3
flow.details|wavelet|$ising
flow.top|raster|$ising|lattice.shape=[6, 6]
flow.generator|q4t|$ising
flow.transform|lfa|$ising|$mera
flow.refinement|affine|$ising
flow.quartic|2|$ising|flow.refinement=q4t
flow.hidden|4|$ising
flow.sources|5|$ising
flow.refinements|1|$ising
flow.refinements_finest|12|$ising
flow.shared|false|$ising
flow.symmetry|none|$ising|$mera
flow.symmetry|mixture|$ising|$mera
flow.symmetry|equivariant|$ising|$mera
flow.average|2|$ising
flow.translation|false|$ising
flow.decimation|true|$phi4
flow.prior|laplace|$ising
flow.temperature|1.2|$ising
flow.precision|double|$ising
train.steps|0|$ising
train.batch|32|$ising
train.batch_final|32|$ising
train.batch_final_fraction|0.5|$ising|train.batch_final=32
train.rate|1e-3|$ising
train.rate_final|1e-4|$ising
train.warmup|2|$ising
train.schedule|exponential|$ising
train.schedule|constant|$ising
train.schedule|plateau|$ising
train.optimiser|adam|$ising
train.optimiser|adamw|$ising|train.weight_decay=0.1
train.beta1|0.8|$ising
train.beta2|0.9|$ising
train.eps|1e-6|$ising
train.weight_decay|0.1|$ising
train.precondition_every|2|$ising
train.precondition_max|8|$ising
train.clip|0|$ising
train.clip_absolute|10|$ising
train.gradient|plain|$ising
train.loss|likelihood|$phi4|train.data=configs/other/run.h5|train.data_set=/samplers/mis/configs
train.data|configs/other/run.h5|$phi4|train.data_set=/samplers/mis/configs
train.data_sha256|$(sha256sum <configs/other/run.h5 | cut -c 1-64)|$phi4|train.data=configs/other/run.h5|train.data_set=/samplers/mis/configs
train.data_set|/samplers/metropolis/configs|$phi4|train.data=configs/other/run.h5
train.data_weight|0.2|$phi4|train.data=configs/other/run.h5|train.data_set=/samplers/mis/configs
action.name|none|$alone
family.along|kappa|action={name: phi4, form: hopping, components: 1, lambda: 1}|family={range: [0.1, 0.2], values: 2, draws: 100}|sample=[]
family.range|[2, 3]|$family
family.order|3|$family
family.strata|2|$family
family.scale|inverse|$family
family.values|[2, 2.3, 2.5]|$family
family.values|3|$family
family.draws|150|$family
family.sample_at|[2.2]|$family|sample=[{name: mis, draws: 50}]
data.source|configs/other/run.h5|$phi4|data.held_out=0.5|data.dataset=/samplers/mis/configs
data.source_sha256|$(sha256sum <configs/other/run.h5 | cut -c 1-64)|$alone
data.dataset|/samplers/metropolis/configs|$phi4|data.held_out=0.5|data.source=configs/other/run.h5
data.held_out|0.4|$alone
data.block|2|$alone|data.held_out=0.7
data.components|1|$alone
flow.symmetry|none|$alone
data.draws|20|$alone|data.source=configs/spins.npy|bulk={configs: 12}
data.dequantise|0.5|$alone|data.source=configs/spins.npy
data.validation|0.2|$alone|train.patience=1
data.kind|field|$alone
data.kind|image|@images
data.source|msds2|@images
data.held_out|0.5|@images
data.size|8|@images
data.crop|16|@images
data.crops|2|@images|data.size=8
data.crop_scales|2|@images|data.size=8|data.crops=2
data.pad|2|@images
data.flip|true|@images
data.grey|true|@images
data.limit|20|@images
data.seed|2|@images
data.validation|0.2|@images|train.patience=2
train.patience|2|@images
data.on_error|skip|@images
data.cache|configs/cache|@images
flow.recipe|rgflow|@images|flow.layers=[1]
flow.recipe|realnvp|@images|flow.layers=[1]
flow.layers|[1]|@images|flow.recipe=rgflow
flow.prior|normal|@images|flow.recipe=rgflow
flow.blocks|0|@images
flow.components|2|@images
flow.radius|1|@images
flow.causal|4|@images
flow.window|3|@images
flow.reach|4|@images
flow.origin|[1, 1]|@images
flow.position|false|@images
flow.tint|false|@images
flow.overview|false|@images
flow.nets|bfloat16|@images
flow.hidden|16|@images
train.seconds|0|@images
train.steps|4|@images
train.batch|128|@images
train.optimiser|adam|@images
train.ema|0.9|@images
images.samples|2|@images
images.coding|4|@images
images.inpaint|2|@images
images.hole|3|@images
images.sweeps|2|@images
images.receptive|1|@images
images.rows|2|@images
images.attribute|0.red|@images
images.attribute_images|12|@images
images.outliers|msds2|@images|images.outlier_images=9
images.outlier_images|7|@images|images.outliers=msds1
images.latents|10|@images
images.frechet|9|@images
images.fid|configs/other/run.h5|@images|images.samples=4
images.fid_images|9|@images
images.temperature|[0.5, 1]|@images
train.symmetrise_last|0.5|$ising|$mera
train.symmetrise_last|0.5|$ising|flow.average=2
train.ema|0|$ising
train.anneal_key|temperature|$ising|train.anneal_start=4
train.anneal_start|4|$ising|train.anneal_key=temperature
train.anneal_fraction|0.5|$ising|train.anneal_key=temperature|train.anneal_start=4
train.from|configs/other|$phi4
train.from|configs/other|$phi4|lattice.shape=[4, 8]
train.from_sha256|$(map_of configs/other | cut -d'"' -f 2)|$phi4|train.from=configs/other
train.ladder|true|$phi4|lattice.shape=[8, 8]
train.ladder_fractions|[0.5, 0.5]|$phi4|lattice.shape=[8, 16]|train.ladder=true
train.ladder_rate|0.5|$phi4|lattice.shape=[8, 16]|train.ladder=true
train.eval_every|2|$ising
train.eval_samples|64|$ising
train.eval_final|32|$ising
train.checkpoint_seconds|1|$ising
train.patience|2|$ising
train.max_nonfinite|0|$ising
train.log_every|2|$ising
sample[0].name|direct|$phi4|sample[0].burn_in=auto
sample[0].name|latent-hmc|$phi4
sample[0].name|latent-metropolis|$phi4
sample[0].draws|50|$ising
sample[0].chains|2|$ising
sample[0].burn_in|0|$ising
sample[1].tuning|0|$ising
sample[1].thin|2|$ising
sample[1].start|cold|$ising
sample[1].keep_first|3|$ising
sample[0].store_configs|0|$ising
sample[0].store_latents|true|$ising
sample[0].batch|4|$ising
sample[0].exact|false|$ising
sample[0].step_size|0.1|$ising|$mcmc
sample[0].trajectory|0.5|$ising|$mcmc
sample[0].n_leapfrog|3|$ising|$mcmc
sample[0].integrator|leapfrog|$ising|$mcmc
sample[0].target_acceptance|0.7|$ising|$mcmc
sample[1].sweeps|2|$ising
sample[1].overrelaxation|0|$phi4
sample[1].cluster_moves|2|$phi4|sample[1].name=cluster
sample[1].width|0.5|$phi4
sample[0].steps|mis 1, metropolis 2|$ising|sample=[{name: cycle, draws: 20, chains: 4, burn_in: 2}]
sample[0].along|beta|$ising|$tempering
sample[0].values|[2.5, 4, 3]|$ising|$tempering
sample[0].from|2|$ising|$tempering
sample[0].to|4|$ising|$tempering
sample[0].replicas|3|$ising|$tempering
sample[0].base|hmc|$phi4|$tempering|sample[0].trajectory=0.5
sample[0].swap_every|2|$phi4|$tempering|sample[0].base=cluster
sample[0].updates|2|$ising|$annealed
sample[0].kicks|0|$ising|$annealed|sample[0].updates=2
sample[0].angle|0.4|$phi4|$annealed|sample[0].updates=1
bulk.configs|64|$ising
bulk.sampler|metropolis|$ising|bulk.configs=64
bulk.null|16|$ising|bulk.configs=64
bulk.bins|2|$ising|bulk.configs=64
bulk.noise|2|$ising|bulk.configs=64
bulk.normalise|true|$ising|bulk.configs=64
bulk.mutual_range|2|$ising|bulk.configs=64
bulk.receptive|2|$ising|bulk.configs=64
END
}

every_key() {
    local line key fields
    while IFS= read -r line; do
        IFS='|' read -r -a fields <<<"$line"
        key=${fields[0]}
        if [ "${fields[2]-}" = @images ]; then
            try "$line" configs/images.yaml "${fields[@]:3}" "$key=${fields[1]}"
        else
            try "$line" configs/base.yaml "${fields[@]:2}" "$key=${fields[1]}"
        fi
    done < <(keys)
    # a key without a case would escape
    local missing
    missing=$(comm -13 <(keys | sed 's/|.*//; s/\[[0-9]*\]/[]/' | sort -u) \
        <(kadanoff list keys | awk '{ print $1 }' | grep -v '^sweep\.' | sort -u))
    [ -z "$missing" ] || echo "# no case for: $missing"
    [ -z "$missing" ]
    result $? "resume: every key has a case"
}

# Two keys at a time, chosen at random among those of one action; many pairs are refused,
# in one line and with nothing made.
pairs() {
    local lines a b i
    mapfile -t lines < <(keys)
    for i in $(seq 40); do
        IFS='|' read -r -a a <<<"${lines[RANDOM % ${#lines[@]}]}"
        IFS='|' read -r -a b <<<"${lines[RANDOM % ${#lines[@]}]}"
        [ "${a[2]-}" = "${b[2]-}" ] && [ "${a[0]}" != "${b[0]}" ] || continue
        [ "${a[2]-}" != @images ] || continue
        set -- "${a[@]:2}" "${b[@]:3}" "${a[0]}=${a[1]}" "${b[0]}=${b[1]}"
        rm -rf once
        if kadanoff train configs/base.yaml -q -o once "$@" >log.txt 2>&1; then
            try "$*" configs/base.yaml "$@"
        else
            [ ! -e once ] && [ "$(wc -l <log.txt)" -eq 1 ]
            result $? "resume: refused: $*"
        fi
    done
}

# --- demos and examples ---------------------------------------------------------------

# Their numbers made small.
every_example() {
    local file pictures
    cp "$src"/examples/*.txt configs/ # couplings beside them
    for file in "$src"/examples/*.yaml; do
        ! grep -q '^sweep:' "$file" || continue
        # photographs of a package that need not be installed
        pictures=$(sed -n 's/.*source: \(\/[^,}]*\).*/\1/p' "$file")
        [ -e "${pictures:-/}" ] || continue
        sed -E 's/seconds: [0-9]+/seconds: 0, steps: 2/; s/(source: [a-z0-9]+)/\1, limit: 24/
            s/crops: [0-9]+/crops: 5/
            s/steps: [1-9][0-9]*/steps: 2/; s/(draws|configs|keep_first): [0-9]+/\1: 20/
            s/burn_in: [0-9]+/burn_in: 2/; s/chains: [0-9]+/chains: 4/
            s/(range: \[[^]]*\])/\1, values: 2, draws: 100/' \
            "$file" >configs/example.yaml
        try "${file#"$src"/}" configs/example.yaml train.eval_samples=32 \
            train.eval_final=64 train.batch=16
    done
    for file in $(kadanoff list demos | awk '{ print $1 }'); do
        [ -e "$src/examples/$file.yaml" ]
        result $? "resume: the demo $file is an example"
    done
}

# --- which ----------------------------------------------------------------------------

only=()
stops=3
inputs
result $? 'resume: inputs'
if [ $# -eq 0 ]; then
    stops=1
    try 'couplings beside the config' configs/glass.yaml
    try 'data and map beside the config' configs/files.yaml
else
    [ "$1" = all ] || only=("$@")
    try 'couplings beside the config' configs/glass.yaml
    try 'data and map beside the config' configs/files.yaml
    every_key
    every_example
    pairs
fi
echo "# stops from SEED=$SEED"
echo "1..$n"
