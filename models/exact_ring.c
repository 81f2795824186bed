/* Rings of O(n) spins in closed form, and what they share with rings of O(n) fields. */
#include "models/exact_ring.h"

#include "base/memory.h"
#include "models/single_site.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { MAX_SPIN_CHANNELS = 512 };

/* Where the downward recurrence may start: it forgets its start like r_l^2 per step, r_l
 * about exp(-l/x), and starts at its own fixed point. */
static int first_channel(double x, int n_channels)
{
    return n_channels + 40 + (int)sqrt(40 * x);
}

void kad_exact_channels(int n, double x, int n_channels, double *q)
{
    const int start = first_channel(x, n_channels);
    const double a = x > 0 ? (2 * start + n) / x : 0;
    double r = x > 0 ? 2 / (a + sqrt(a * a + 4)) : 0;
    if (n == 1) { /* (1 +- e^{-2x}) / 2 */
        for (int l = 2; l < n_channels; l++)
            q[l] = 0;
        q[0] = 0.5 * (1 + exp(-2 * x));
        if (n_channels > 1) q[1] = -0.5 * expm1(-2 * x);
        return;
    }
    for (int l = start; l >= 1; l--) {
        r = x > 0 ? 1 / ((2 * l + n - 2) / x + r) : 0;
        if (l < n_channels) q[l] = r;
    }
    q[0] = exp(kad_spin_ln_weight_scaled(n, x));
    for (int l = 1; l < n_channels; l++)
        q[l] *= q[l - 1];
}

int kad_exact_multiplicity(int n, int l)
{
    switch (n) {
    case 1:
        return l < 2 ? 1 : 0;
    case 2:
        return l ? 2 : 1;
    default:
        return 2 * l + 1;
    }
}

double kad_exact_channel_sign(double coupling, int l, int L)
{
    return coupling < 0 && l % 2 && L % 2 ? -1 : 1;
}

/* 1 + (-1)^L tanh^L of a frustrated Ising ring without cancellation: 1 - tanh^L. */
static double ising_ring_rest(double x, int L, double sign)
{
    const double ln_tanh =
        x < 0.3 ? log(tanh(x)) : log1p(-exp(-2 * x)) - log1p(exp(-2 * x));
    return sign > 0 ? log1p(exp(L * ln_tanh)) : log(-expm1(L * ln_tanh));
}

kad_exact_value kad_exact_spin_ring(int n, int L, double beta)
{
    const double x = fabs(beta), first = L * kad_spin_ln_weight(n, x);
    double q[MAX_SPIN_CHANNELS], sum = 0, size = 0, rest;
    if (n == 1) {
        rest = ising_ring_rest(x, L, kad_exact_channel_sign(beta, 1, L));
    } else {
        kad_exact_channels(n, x, MAX_SPIN_CHANNELS, q);
        for (int l = 1; l < MAX_SPIN_CHANNELS; l++) {
            const double term = kad_exact_multiplicity(n, l) * pow(q[l] / q[0], L);
            sum += kad_exact_channel_sign(beta, l, L) * term;
            size += (1 + 2 * sqrt((double)l * L)) * term;
        }
        rest = log1p(sum);
    }
    /* what alternating channels cancel is lost */
    const double unit = 8 * DBL_EPSILON;
    return (kad_exact_value){first + rest, unit * (first + fabs(rest)) +
                                               unit * size / fmax(1 + sum, DBL_MIN)};
}

/* C = A B / c of symmetric [n][n] that commute, c the largest element's size; adds ln c. */
static void product(size_t n, const double *A, const double *B, double *C, double *ln)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t k = 0; k < n; k++)
                sum += A[i * n + k] * B[j * n + k];
            C[i * n + j] = sum;
            most = fmax(most, sum);
        }
    for (size_t i = 0; i < n * n; i++)
        C[i] /= most;
    *ln += log(most);
}

kad_status kad_exact_ring_trace(kad_ctx *ctx, size_t n, const double *T, int L,
                                double *ln_trace)
{
    KAD_SCOPE(scope, ctx);
    double *power, *next, ln = 0;
    KAD_CALL(kad_take(&scope, n * n, &power));
    KAD_CALL(kad_take(&scope, n * n, &next));
    memcpy(power, T, n * n * sizeof *T);
    int top = 0;
    while (L >> (top + 1))
        top++;
    for (int bit = top - 1; bit >= 0; bit--) {
        double *swap = next;
        ln *= 2;
        product(n, power, power, next, &ln);
        next = power;
        power = swap;
        if (!(L >> bit & 1)) continue;
        swap = next;
        product(n, power, T, next, &ln);
        next = power;
        power = swap;
    }
    double trace = 0;
    for (size_t i = 0; i < n; i++)
        trace += power[i * n + i];
    *ln_trace = log(trace) + ln;
    return KAD_OK;
}

int kad_exact_ring_length(const kad_lattice *lattice, double *factor)
{
    *factor = 1;
    if (lattice->d == 1) return lattice->n_sites;
    if (lattice->d == 2 && lattice->n_sites == 4) {
        *factor = 2;
        return 4;
    }
    return 0;
}
