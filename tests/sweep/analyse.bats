#!/usr/bin/env bats
# Curves between the points of a sweep, against exact ones.

setup() {
    unset SLURM_JOB_ID SLURM_ARRAY_TASK_ID
    cd "$BATS_TEST_TMPDIR"
    cat > s.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1, temperature: 2.3}
sample:
  - {name: cluster, draws: 2000, burn_in: 100, chains: 8}
sweep:
  grid:
    action.temperature: {from: 2.0, to: 2.8, points: 5}
END
}

# refused CODE TEXT: `sweep analyse s.yaml` ends so, with one line.
refused() {
    got=0
    kadanoff sweep analyse s.yaml -q 2>err.txt || got=$?
    cat err.txt
    [ "$got" -eq "$1" ]
    [ "$(wc -l <err.txt)" -eq 1 ]
    grep -q -- "$2" err.txt
}

# The 4 x 4 Ising model has 2^16 states: every curve at every value, and ln Z less that of
# the first point. 400 correlated pulls below 4.8; no error twice that of its point's own.
@test "analyse: curves of 4 x 4 spins are the enumerated ones" {
    kadanoff sweep run s.yaml -q
    kadanoff sweep analyse s.yaml >screen.txt
    grep -q '^all, cluster: 5 of 5 points, temperature 2 to 2.8, 80000 draws$' screen.txt
    python3 - <<'END'
import collections, csv, math
states = collections.Counter()
neighbours = [((i // 4 * 4 + (i + 1) % 4), (i + 4) % 16) for i in range(16)]
right = [sum(1 << a for a in (n[0],)) for n in neighbours]
for bits in range(1 << 15):  # the last spin down: the sign is free
    x = (bits & 0x7777) << 1 | (bits >> 3 & 0x1111)
    y = (bits << 4 | bits >> 12) & 0xffff
    bonds = 32 - 2 * (bin(bits ^ x).count("1") + bin(bits ^ y).count("1"))
    states[-bonds, abs(2 * bin(bits).count("1") - 16)] += 2
def exact(T):
    w = {s: n * math.exp(-s[0] / T - 32 / T) for s, n in states.items()}
    Z = sum(w.values())
    mean = lambda f: sum(w[s] * f(s[0] / 16, s[1] / 16) for s in w) / Z
    e, e2, m2, m4 = (mean(f) for f in (lambda e, m: e, lambda e, m: e * e,
                                       lambda e, m: m * m, lambda e, m: m ** 4))
    return {"log_z": math.log(Z) + 32 / T, "energy": e, "specific_heat": 16 * (e2 - e * e) / T ** 2,
            "abs_m": mean(lambda e, m: m), "m2": m2, "m4": m4, "chi": 16 * m2,
            "binder": 1 - m4 / (3 * m2 * m2)}
worst, n = 0, 0
errors = collections.defaultdict(list)
first = exact(2.0)["log_z"]
for row in csv.DictReader(open("s/curves.csv")):
    known = exact(float(row["action.temperature"]))
    known["log_z"] -= first
    if row["observable"] not in known or not row["err"]:
        continue
    if abs(float(row["mean"]) - known[row["observable"]]) < 1e-9:
        continue  # ln Z of the first point less itself
    pull = (float(row["mean"]) - known[row["observable"]]) / float(row["err"])
    if row["exact"]:
        assert abs(float(row["exact"]) - known[row["observable"]]) < 1e-9, row
    errors[row["observable"]].append(float(row["err"]))
    worst, n = max(worst, abs(pull)), n + 1
assert n > 340 and worst < 4.8, (n, worst)
own = [float(r["err"]) for r in csv.DictReader(open("s/table.csv")) if r["observable"] == "abs_m"]
assert len(errors["abs_m"]) == 50 and max(errors["abs_m"]) < 2 * max(own), (errors["abs_m"], own)
END
    h5dump -d /curves/all/cluster/abs_m_blocks s/sweep.h5 | grep -q '( 50, 40 )'
    for axis in /curves/all/cluster/abs_m_blocks /points/folder /results/cluster/mean; do
        h5dump -A -d $axis s/sweep.h5 | grep -q DIMENSION_LIST
    done
    [ "$(h5dump -d /points/curve s/sweep.h5 | grep -o '"all"' | wc -l)" -eq 5 ]
    grep -q 'Overlap of the points' s/sweep.html
    grep -q 'Do maps and chains agree' s/sweep.html
    ncdump -h s/sweep.h5 >/dev/null || [ -z "$(command -v ncdump)" ]
}

# The free field is known for any mass, and needs all three sums.
@test "analyse: a free field over its mass, in three statistics" {
    cat > s.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: phi4, components: 2, form: albergo, m2: 1, lambda: 0}
sample:
  - {name: hmc, draws: 1000, chains: 16, burn_in: 100}
sweep:
  grid:
    action.m2: {from: 0.8, to: 1.2, points: 3}
  analysis: {values: [0.85, 0.9, 1.0, 1.1]}
END
    kadanoff sweep run s.yaml -q
    kadanoff sweep analyse s.yaml -q
    python3 - <<'END'
import csv
pulls = {}
for row in csv.DictReader(open("s/curves.csv")):
    if row["exact"]:
        pulls.setdefault(row["observable"], []).append(
            (float(row["mean"]) - float(row["exact"])) / float(row["err"]))
assert set(pulls) >= {"log_z", "energy", "phi2", "bond", "m2", "chi"}, pulls
assert all(abs(x) < 4.5 for row in pulls.values() for x in row), pulls
END
}

# Angles on a ring of two sites are a double sum. The energies of a field's points are those of
# different models, and without the field there is a symmetry that it breaks.
@test "analyse: angles over a field, from none" {
    cat > s.yaml <<'END'
lattice: {shape: [2]}
action: {name: xy, beta: 0.8}
sample:
  - {name: cluster, draws: 2000, chains: 8, burn_in: 50}
sweep:
  grid:
    action.field: {from: 0, to: 1.2, points: 4}
  analysis: {values: [0, 0.2, 0.5, 0.8, 1.2]}
END
    kadanoff sweep run s.yaml -q
    kadanoff sweep analyse s.yaml -q
    python3 - <<'END'
import csv, math
angle = [2 * math.pi * i / 40 for i in range(40)]
def exact(h):
    sums = [0, 0, 0]
    for a in angle:
        for b in angle:
            E = -2 * math.cos(a - b) - h * (math.cos(a) + math.cos(b))
            for k in range(3):
                sums[k] += math.exp(-0.8 * E) * (E / 2) ** k
    e, e2 = sums[1] / sums[0], sums[2] / sums[0]
    return {"energy": e, "specific_heat": 0.64 * 2 * (e2 - e * e)}
pulls = {}
for row in csv.DictReader(open("s/curves.csv")):
    if row["observable"] in ("energy", "specific_heat"):
        known = exact(float(row["action.field"]))[row["observable"]]
        assert 0 < float(row["err"]) < 0.05, row
        pulls.setdefault(row["observable"], []).append((float(row["mean"]) - known) / float(row["err"]))
assert [len(pulls[q]) for q in ("energy", "specific_heat")] == [5, 5], pulls
assert all(abs(x) < 4.5 for row in pulls.values() for x in row), pulls
END
}

@test "analyse: refuses in one line" {
    refused 65 'no curve: 0 of 5 points are complete'
    kadanoff sweep run s.yaml -q --point 2
    refused 65 'no curve: cluster: 1 of 5 points can be used'
    kadanoff sweep run s.yaml -q --point 3
    kadanoff sweep analyse s.yaml | grep -q 'cluster: 2 of 5 points'
    sed -i 's/^  grid:/  analysis: {values: [2.5, 2.7]}\n  grid:/' s.yaml
    refused 78 'sweep.analysis.values: 2.5 is outside of the points of all, 2.2 to 2.4'
    sed -i 's/^  analysis.*/  analysis: {along: action.beta}/' s.yaml
    refused 78 'sweep.analysis.along: action.beta is no key of the sweep'
    sed -i '/^  analysis/d; s/action.temperature: {/action.epsilon: [0.01, 0.02]\n    &/' s.yaml
    refused 78 'sweep.analysis.along: 2 couplings vary'
    sed -i 's/action.epsilon: .*/action.coupling: [1, 1.1]/; /action.temperature: {/d' s.yaml
    kadanoff sweep run s.yaml -q -o t
    mv t/* s/ && rm -r t
    refused 78 'action.coupling: cannot be changed'
}

# table, curves of two samplers and finite-size scaling: the folder's lock and the end of its
# file say how far a run is, its head that it is whole, and all of it is read once.
@test "analyse: the results of a point are read once, whoever wants them" {
    command -v strace >/dev/null || skip "no strace"
    cat >r.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: on-dual, components: 1}
sample:
  - {name: cluster, draws: 400, chains: 8, store_configs: 0}
  - {name: metropolis, draws: 400, chains: 8, store_configs: 0}
sweep:
  grid: {"lattice.shape": [[4, 4], [6, 6]], action.temperature: [2.2, 2.4, 2.6]}
END
    kadanoff sweep run r.yaml -q
    strace -f -e trace=openat -o opens.txt kadanoff sweep analyse r.yaml >screen.txt || skip "no ptrace"
    grep -q "^finite-size scaling" screen.txt
    [ "$(grep -c '^shape=.*, metropolis: 3 of 3 points, temp' screen.txt)" -eq 2 ]
    grep -o '"r/shape=[^"]*/run.h5"' opens.txt | sort | uniq -c >counts.txt
    cat counts.txt
    [ "$(wc -l <counts.txt)" -eq 6 ]
    [ "$(awk '$1 != 3' counts.txt | wc -l)" -eq 0 ]
}

@test "analyse: of two couplings it must be said which is tuned" {
    cat >t.yaml <<'END'
lattice: {shape: [4, 4]}
action: {name: phi4, form: hopping}
sample: [{name: metropolis, draws: 200, chains: 4}]
sweep:
  grid: {"lattice.shape": [[2, 2], [4, 4]], action.kappa: [0.1, 0.2], action.lambda: [0.5, 1]}
  analysis: {mbar: false}
END
    kadanoff sweep run t.yaml -q
    kadanoff sweep analyse t.yaml >out.txt
    grep -q '^finite-size scaling: 2 couplings vary: sweep.analysis.fss.tune names' out.txt
}
