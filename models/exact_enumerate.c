/* Ising spins with arbitrary couplings by enumeration in Gray code: one spin flips per
 * state, the local fields follow in O(n). The last spin is fixed (global Z2). */
#include "base/memory.h"
#include "models/exact.h"

#include <math.h>
#include <stdbool.h>

typedef struct walk {
    int n;
    const double *K;
    double *s, *field; /* [n]: spins, field_i = sum_j K_ij s_j */
    double exponent;   /* 1/2 s^T K s */
    int m;             /* sum of the spins */
} walk;

/* Fields and exponent from scratch, which also sweeps away accumulated rounding. */
static void refresh(walk *w)
{
    w->exponent = 0;
    for (int i = 0; i < w->n; i++) {
        double f = 0;
        for (int j = 0; j < w->n; j++)
            if (j != i) f += w->K[(size_t)i * (size_t)w->n + (size_t)j] * w->s[j];
        w->field[i] = f;
        w->exponent += 0.5 * w->s[i] * f;
    }
}

static void start(walk *w)
{
    for (int i = 0; i < w->n; i++)
        w->s[i] = 1;
    w->m = w->n;
    refresh(w);
}

/* Go to state number `state` (1, 2, ...) of the Gray code. */
static void advance(walk *w, uint64_t state)
{
    const int k = __builtin_ctzll(state);
    const double *row = w->K + (size_t)k * (size_t)w->n;
    const double change = -2 * w->s[k];
    w->exponent += change * w->field[k];
    for (int j = 0; j < w->n; j++)
        if (j != k) w->field[j] += change * row[j];
    w->s[k] = -w->s[k];
    w->m += (int)change;
    if (state % 64 == 0) refresh(w);
}

static void add_correlations(const walk *w, double weight, double *corr)
{
    for (int i = 0; i < w->n; i++)
        for (int j = 0; j < w->n; j++)
            corr[i * w->n + j] += weight * w->s[i] * w->s[j];
}

kad_status kad_exact_enumerate(kad_ctx *ctx, int n, const double *K, kad_exact_spins *out,
                               double *corr)
{
    kad_status status = KAD_OK;
    walk w = {.n = n, .K = K};
    double *block = NULL;
    if (n < 1 || n > 25)
        return kad_fail(ctx, KAD_ECONFIG, "enumeration: expected 1 to 25 spins, got %d",
                        n);
    const size_t sites = (size_t)n;
    KAD_TRY(kad_new(ctx, 2 * sites + sites * sites, sizeof(double), &block));
    w.s = block;
    w.field = block + n;
    double *corr_part = block + 2 * n;
    const uint64_t n_states = UINT64_C(1) << (n - 1);
    start(&w);
    double top = w.exponent;
    for (uint64_t i = 1; i < n_states; i++) {
        advance(&w, i);
        top = fmax(top, w.exponent);
    }
    for (size_t i = 0; corr && i < sites * sites; i++)
        corr[i] = 0;
    /* partial sums over 256 states: equal weights in one long sum round the same way */
    double sum[6] = {0}, part[6] = {0};
    start(&w);
    for (uint64_t i = 0; i < n_states; i++) {
        if (i) advance(&w, i);
        const double p = exp(w.exponent - top), m = (double)w.m / n;
        part[0] += p;
        part[1] -= p * w.exponent;
        part[2] += p * w.exponent * w.exponent;
        part[3] += p * m * m;
        part[4] += p * m * m * m * m;
        part[5] += p * fabs(m);
        if (corr) add_correlations(&w, p, corr_part);
        if (i % 256 != 255 && i + 1 != n_states) continue;
        for (int k = 0; k < 6; k++) {
            sum[k] += part[k];
            part[k] = 0;
        }
        for (size_t k = 0; corr && k < sites * sites; k++) {
            corr[k] += corr_part[k];
            corr_part[k] = 0;
        }
    }
    const double z = sum[0];
    for (size_t i = 0; corr && i < sites * sites; i++)
        corr[i] /= z;
    *out = (kad_exact_spins){top + log(z) + M_LN2, sum[1] / z, sum[2] / z,
                             sum[3] / z,           sum[4] / z, sum[5] / z};
done:
    kad_free(block);
    return status;
}
