#include "local_naive.h"

#include <math.h>
#include <stdlib.h>

struct kad_naive {
    const kad_lattice *lattice;
    bool field;
    double width, lambda, beta;
    double *phi; /* [n_sites], +-1 for spins */
    bool *seen;
    int *stack;
    uint64_t state;
};

/* xorshift64*, 53 bits on (0, 1). */
static double uniform(kad_naive *naive)
{
    uint64_t x = naive->state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    naive->state = x;
    return ((double)(x * UINT64_C(2685821657736338717) >> 11) + 0.5) * 0x1p-53;
}

kad_naive *kad_naive_create(const kad_lattice *lattice, bool field, double width,
                            double coupling)
{
    const size_t n = (size_t)lattice->n_sites;
    kad_naive *naive = calloc(1, sizeof *naive);
    if (naive == NULL) abort();
    *naive = (kad_naive){.lattice = lattice,
                         .field = field,
                         .width = width,
                         .lambda = coupling,
                         .beta = coupling,
                         .phi = calloc(n, sizeof(double)),
                         .seen = calloc(n, sizeof(bool)),
                         .stack = calloc(n, sizeof(int))};
    if (naive->phi == NULL || naive->seen == NULL || naive->stack == NULL) abort();
    return naive;
}

void kad_naive_destroy(kad_naive *naive)
{
    if (naive == NULL) return;
    free(naive->phi);
    free(naive->seen);
    free(naive->stack);
    free(naive);
}

void kad_naive_start(kad_naive *naive, uint64_t seed)
{
    naive->state = (seed + 1) * UINT64_C(0x9e3779b97f4a7c15);
    for (int i = 0; i < naive->lattice->n_sites; i++)
        naive->phi[i] = naive->field ? 0.6 : 1;
    for (int k = 0; k < 16; k++)
        uniform(naive);
}

static double neighbours(const kad_naive *naive, int i)
{
    const int *nbr = naive->lattice->nbr + 4 * i;
    return naive->phi[nbr[0]] + naive->phi[nbr[1]] + naive->phi[nbr[2]] +
           naive->phi[nbr[3]];
}

void kad_naive_sweep(kad_naive *naive)
{
    for (int i = 0; i < naive->lattice->n_sites; i++) {
        const double old = naive->phi[i], h = neighbours(naive, i);
        if (naive->field) {
            const double now = old + naive->width * (2 * uniform(naive) - 1);
            const double dS =
                naive->lambda * (now * now * now * now - old * old * old * old) -
                2 * h * (now - old);
            if (uniform(naive) < exp(-dS)) naive->phi[i] = now;
        } else if (uniform(naive) < exp(-2 * naive->beta * old * h)) {
            naive->phi[i] = -old;
        }
    }
}

/* 1 - exp(-2 K phi_i phi_j) for like signs. */
static bool joins(kad_naive *naive, int i, int j)
{
    const double K = naive->field ? 2 : naive->beta;
    const double a = K * fabs(naive->phi[i] * naive->phi[j]);
    return uniform(naive) < 1 - exp(-2 * a);
}

void kad_naive_clusters(kad_naive *naive)
{
    const int N = naive->lattice->n_sites;
    for (int i = 0; i < N; i++)
        naive->seen[i] = false;
    for (int first = 0; first < N; first++) {
        if (naive->seen[first]) continue;
        const bool flip = uniform(naive) < 0.5;
        const bool up = naive->phi[first] > 0;
        int n = 0;
        naive->seen[first] = true;
        naive->stack[n++] = first;
        while (n > 0) {
            const int i = naive->stack[--n];
            for (int b = 0; b < 4; b++) {
                const int j = naive->lattice->nbr[4 * i + b];
                if (naive->seen[j] || (naive->phi[j] > 0) != up) continue;
                if (!joins(naive, i, j)) continue;
                naive->seen[j] = true;
                naive->stack[n++] = j;
            }
            if (flip) naive->phi[i] = -naive->phi[i];
        }
    }
}

void kad_naive_measure(const kad_naive *naive, double out[2])
{
    const int N = naive->lattice->n_sites;
    double sum = 0, total = 0;
    for (int i = 0; i < N; i++) {
        total += naive->phi[i];
        sum += naive->field ? naive->phi[i] * naive->phi[i]
                            : -0.5 * naive->phi[i] * neighbours(naive, i);
    }
    out[0] = sum / N;
    out[1] = total * total / ((double)N * N);
}
