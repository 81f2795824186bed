/* Ising spins with arbitrary couplings by enumeration in Gray code: one spin flips per
 * state, the local fields follow in O(n). The last spin is fixed (global Z2).
 *
 * With e = 1/2 s^T J s, weights are exp(-beta (top - e)), top the largest e, so nothing
 * overflows. The sum of e over all states vanishes: <e> is the sum of e (exp(beta e) - 1),
 * whose terms are all positive, and is as good at high temperature as at low. */
#include "base/memory.h"
#include "base/sum.h"
#include "models/exact.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

typedef struct walk {
    int n;
    const double *J;
    double *s, *field; /* [n]: spins, field_i = sum_j J_ij s_j */
    double e;          /* 1/2 s^T J s */
    int m;             /* sum of the spins */
    bool ghost;        /* the last one is none */
} walk;

/* Fields and e from scratch, which also sweeps away accumulated rounding. */
static void refresh(walk *w)
{
    w->e = 0;
    for (int i = 0; i < w->n; i++) {
        double f = 0;
        for (int j = 0; j < w->n; j++)
            if (j != i) f += w->J[(size_t)i * (size_t)w->n + (size_t)j] * w->s[j];
        w->field[i] = f;
        w->e += 0.5 * w->s[i] * f;
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
    const double *row = w->J + (size_t)k * (size_t)w->n;
    const double change = -2 * w->s[k];
    w->e += change * w->field[k];
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

/* How far e may be off: nothing where all sums are exact (multiples of 2^-20), else the
 * rounding of up to 64 changes. */
static double rounding_of_e(int n, const double *J)
{
    double sum = 0;
    bool exact = true;
    for (int i = 0; i < n * n; i++) {
        sum += fabs(J[i]);
        exact &= ldexp(J[i], 20) == nearbyint(ldexp(J[i], 20));
    }
    return exact && sum < 0x1p30 ? 0 : 70 * DBL_EPSILON * sum;
}

enum { WEIGHT, ENERGY, GAP, GAP2, M2, M4, ABS_M, M1, N_SUMS };

/* Add a state to the sums: its weight, -e (exp(beta e) - 1), top - e, ... */
static double add_state(const walk *w, double beta, double top, kad_sum *sum)
{
    const double gap = top - w->e, p = exp(-beta * gap);
    const double m = (double)(w->m - w->ghost) / (w->n - w->ghost);
    const double p0 = exp(-beta * top), x = beta * w->e;
    kad_sum_add(&sum[WEIGHT], p);
    kad_sum_add(&sum[ENERGY], -w->e * (fabs(x) < 1 ? p0 * expm1(x) : p - p0));
    kad_sum_add(&sum[GAP], p * gap);
    kad_sum_add(&sum[GAP2], p * gap * gap);
    kad_sum_add(&sum[M2], p * m * m);
    kad_sum_add(&sum[M4], p * m * m * m * m);
    kad_sum_add(&sum[ABS_M], p * fabs(m));
    kad_sum_add(&sum[M1], p * m);
    return p;
}

/* Values and what rounding may have done to them; de: error of e, weights are off by
 * their exponents' rounding, at most 40 where they count. */
static void finish(const kad_sum *sums, bool ghost, double beta, double top, double de,
                   kad_exact_spins *out)
{
    double sum[N_SUMS];
    for (int i = 0; i < N_SUMS; i++)
        sum[i] = kad_sum_get(&sums[i]);
    const double z = sum[WEIGHT], unit = 64 * DBL_EPSILON + 2 * beta * de;
    const double gap = sum[GAP] / z, gap2 = sum[GAP2] / z;
    const double ln_z = beta * top + log(z) + (ghost ? 0 : M_LN2);
    const double c = beta * beta * (gap2 - gap * gap);
    out->ln_z =
        (kad_exact_value){ln_z, unit + 4 * DBL_EPSILON * (beta * top + fabs(ln_z))};
    out->energy = (kad_exact_value){sum[ENERGY] / z,
                                    unit * fabs(sum[ENERGY] / z) + (de > 0 ? de : 0)};
    out->specific_heat =
        (kad_exact_value){c, beta * beta * (unit * gap2 + de * (2 * gap + de))};
    kad_exact_value *moment[] = {&out->m2, &out->m4, &out->abs_m};
    for (int i = 0; i < 3; i++) {
        const double value = sum[M2 + i] / z;
        *moment[i] = (kad_exact_value){value, unit * value};
    }
    out->m = (kad_exact_value){sum[M1] / z, unit * out->abs_m.value};
}

static kad_status enumerate(kad_ctx *ctx, int n, bool ghost, const double *J, double beta,
                            kad_exact_spins *out, double *corr)
{
    KAD_SCOPE(scope, ctx);
    walk w = {.n = n, .J = J, .ghost = ghost};
    double *block;
    if (n < 1 || n > 25)
        return kad_fail(ctx, KAD_ECONFIG, "enumeration: expected 1 to 25 spins, got %d",
                        n);
    const size_t sites = (size_t)n;
    KAD_CALL(kad_take(&scope, 2 * sites + sites * sites, &block));
    w.s = block;
    w.field = block + n;
    double *corr_part = block + 2 * n;
    const uint64_t n_states = UINT64_C(1) << (n - 1);
    start(&w);
    double top = w.e;
    for (uint64_t i = 1; i < n_states; i++) {
        advance(&w, i);
        top = fmax(top, w.e);
    }
    for (size_t i = 0; corr && i < sites * sites; i++)
        corr[i] = 0;
    kad_sum sum[N_SUMS] = {0};
    start(&w);
    for (uint64_t i = 0; i < n_states; i++) {
        if (i) advance(&w, i);
        const double p = add_state(&w, beta, top, sum);
        if (!corr) continue;
        add_correlations(&w, p, corr_part);
        /* partial sums over 256 states: equal weights in one long sum round the same way */
        if (i % 256 != 255 && i + 1 != n_states) continue;
        for (size_t k = 0; k < sites * sites; k++) {
            corr[k] += corr_part[k];
            corr_part[k] = 0;
        }
    }
    for (size_t i = 0; corr && i < sites * sites; i++)
        corr[i] /= kad_sum_get(&sum[WEIGHT]);
    finish(sum, ghost, beta, top, rounding_of_e(n, J), out);
    return KAD_OK;
}

kad_status kad_exact_enumerate(kad_ctx *ctx, int n, const double *J, double beta,
                               kad_exact_spins *out, double *corr)
{
    return enumerate(ctx, n, false, J, beta, out, corr);
}

kad_status kad_exact_enumerate_in_field(kad_ctx *ctx, int n, const double *J, double beta,
                                        kad_exact_spins *out)
{
    return enumerate(ctx, n, true, J, beta, out, NULL);
}
