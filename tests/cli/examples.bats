#!/usr/bin/env bats
# The examples in one and three dimensions, shortened, against what is known of them.
load util

# row NAME SAMPLER FILE: mean and error of an observable's row; "0.7287(5)" is 0.7287 +- 0.0005.
row() {
    awk -v name="$1" -v sampler="$2" '
        NF == 1 { here = $1 }
        NF > 1 && here == sampler && $1 == name {
            split($2, part, /[()]/)
            digits = index(part[1], ".") ? length(part[1]) - index(part[1], ".") : 0
            print part[1], index(part[2], ".") ? part[2] : part[2] * 10 ^ -digits
        }' "$3"
}

# near VALUE ERROR EXACT: within five errors, which are worth having.
near() {
    awk -v v="$1" -v e="$2" -v x="$3" \
        'BEGIN { d = v - x; exit !(e > 0 && e < 0.02 * (1 + x) && d * d < 25 * e * e) }'
}

# The ring of 32 sites by its transfer matrix on a grid, S = sum -2 x x' + mu x^2 + lambda x^4:
# ln Z, <x^2>, <x x'>.
ring() {
    awk -v mu="$1" -v lambda="$2" '
        function times(a, b, c, i, j, k, s) {
            for (i = 0; i < n; i++)
                for (j = 0; j < n; j++) {
                    s = 0
                    for (k = 0; k < n; k++) s += a[i, k] * b[k, j]
                    c[i, j] = s
                }
        }
        BEGIN {
            n = 56
            h = 8 / n
            for (i = 0; i < n; i++) x[i] = (i + 0.5) * h - 4
            for (i = 0; i < n; i++)
                for (j = 0; j < n; j++)
                    T[i, j] = h * exp(2 * x[i] * x[j] - (mu * (x[i] ^ 2 + x[j] ^ 2) + \
                        lambda * (x[i] ^ 4 + x[j] ^ 4)) / 2)
            times(T, T, A); times(A, A, B); times(B, B, C); times(C, C, D)
            times(D, C, E); times(E, B, F); times(F, A, G); times(G, T, P); times(P, T, Q)
            for (i = 0; i < n; i++) {
                Z += Q[i, i]
                square += x[i] ^ 2 * Q[i, i]
                for (j = 0; j < n; j++) bond += x[i] * T[i, j] * x[j] * P[j, i]
            }
            printf "%.8f %.8f %.8f\n", log(Z), square / Z, bond / Z
        }'
}

@test "examples: phi^4 on a chain agrees with its transfer matrix" {
    kadanoff run "$KAD_SRCDIR/examples/chain-phi4.yaml" -o chain train.steps=600 \
        'sample=[{name: mis, draws: 20000}, {name: hmc, draws: 300, chains: 64}]' >screen.txt
    read -r log_z square bond <<<"$(ring -1 1.5)"
    local sampler
    for sampler in mis hmc; do
        # shellcheck disable=SC2046 # two numbers
        near $(row phi2 $sampler screen.txt) "$square"
        # shellcheck disable=SC2046
        near $(row bond $sampler screen.txt) "$bond"
    done
    # shellcheck disable=SC2046
    near $(row log_z log_z screen.txt) "$log_z"
    grep -q "ln Z is known exactly: ${log_z%??}" screen.txt
}

# E = -I_1(2)/I_0(2) of the endless chain; at 32 sites the ring adds (I_1/I_0)^31 = 1e-5.
@test "examples: angles on a ring have the energy of Bessel functions" {
    kadanoff run "$KAD_SRCDIR/examples/chain-xy.yaml" -o ring train.steps=600 \
        'sample=[{name: mis, draws: 20000}, {name: cluster, draws: 300, chains: 64}]' >screen.txt
    local sampler
    for sampler in mis cluster; do
        # shellcheck disable=SC2046
        near $(row bond $sampler screen.txt) 0.69777
    done
}

@test "examples: phi^4 in three dimensions, the map against clusters" {
    kadanoff run "$KAD_SRCDIR/examples/cube-phi4.yaml" -o cube train.steps=300 lattice.shape='[4, 4, 4]' \
        'sample=[{name: mis, draws: 20000}, {name: cluster, draws: 1000, chains: 64}]' >screen.txt
    local name a e b f
    for name in phi2 bond m2; do
        read -r a e <<<"$(row $name mis screen.txt)"
        read -r b f <<<"$(row $name cluster screen.txt)"
        near "$a" "$(awk -v e="$e" -v f="$f" 'BEGIN { print sqrt(e * e + f * f) }')" "$b"
    done
    grep -q '0 of [0-9]* rows disagree' screen.txt
}
