#!/usr/bin/env bash
# The results file for others: every group opens in xarray with both engines and in ncdump,
# and analysis/kadanoff.py reads it. Prints TAP; skipped without the Python packages.
#
# Environment, set by make: KAD_SRCDIR, KAD_BUILDDIR.
set -u
top=$(cd "${KAD_SRCDIR:-.}" && pwd)
program=$(cd "${KAD_BUILDDIR:-.}" && pwd)/kadanoff
python=
for candidate in ${KAD_PYTHON:-python3 /usr/bin/python3}; do
    "$candidate" -c 'import h5py, h5netcdf, netCDF4, pandas, xarray' 2>/dev/null &&
        python=$candidate && break
done
if [ -z "$python" ]; then
    echo "1..0 # SKIP no python3 with h5py, xarray, h5netcdf, netCDF4, pandas"
    exit 0
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/kadanoff-reader.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 99
echo "0 1 0.5" >bonds.txt
cat >small.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1, temperature: 3.0}
flow: {recipe: custom, hierarchy: mera, haar: true, couplings: 1, decimation: false}
train: {steps: 8, batch: 64, eval_samples: 256, eval_final: 256, ladder: true}
sample:
  - {name: mis, draws: 600}
  - {name: cluster, draws: 100, chains: 2, keep_first: 20}
  - {name: direct, draws: 200}
  - {name: cycle, steps: "mis 1, metropolis 2", chains: 2, draws: 50}
bulk: {configs: 100, null: 100, receptive: 2}
END
sed -e 's/temperature: 3.0/beta: 0.5, couplings: bonds.txt/' -e '/bulk/d' -e '/direct/d' \
    -e '/cycle/d' -e '/cluster/d' -e 's/ladder: true/ladder: false/' small.yaml >bonds.yaml
sed -e 's/, temperature: 3.0//' -e '/bulk/d' -e '/- {/d' -e 's/sample:/sample: []/' \
    -e 's/ladder: true/ladder: false/' small.yaml >family.yaml
echo "family: {along: temperature, range: [2, 2.5], values: 3, draws: 200}" >>family.yaml
for name in small bonds family; do
    if ! "$program" run "$name.yaml" -o "run-$name" >log 2>&1; then
        echo "1..1"
        echo "not ok 1 - reader: the run $name"
        sed 's/^/# /' log
        exit 1
    fi
done
cat >sweep.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1, temperature: 3.0}
train: {steps: 8, batch: 64, eval_samples: 64, eval_final: 64}
sample: [{name: mis, draws: 100}, {name: cluster, draws: 400, chains: 4}]
sweep:
  grid: {lattice.shape: [[2, 4], [4, 4]], action.temperature: [2.5, 3.0]}
END
if ! { "$program" sweep run sweep.yaml -o run-sweep && "$program" sweep analyse sweep.yaml -o run-sweep; } >log 2>&1; then
    echo "1..1"
    echo "not ok 1 - reader: the sweep"
    sed 's/^/# /' log
    exit 1
fi
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$top/analysis "$python" "$top/tests/analysis/reader.py"
