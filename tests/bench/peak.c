/* Peaks by independent chains in registers (FMA) and over a row in the first-level cache (the
 * library's vector exponential and reciprocal root). */
#define KAD_PREC 32
#include "peak.h"

#include "base/signals.h"
#include "base/vmath.h"
#include "flow/lanes_kern.h"

enum { CHAINS = 12, ROUNDS = 2000000, ROW = 32, SWEEPS = 60000 };

/* a <- a b + c on CHAINS vectors, each from a value of its own: equal ones would be computed
 * once. */
static __attribute__((noinline)) float fma_loop(float seed)
{
    const vreal b = seed * 0.5f + (vreal){0}, c = seed + (vreal){0};
    vreal a0 = c, a1 = c + 1, a2 = c + 2, a3 = c + 3, a4 = c + 4, a5 = c + 5, a6 = c + 6,
          a7 = c + 7, a8 = c + 8, a9 = c + 9, a10 = c + 10, a11 = c + 11;
    for (int k = 0; k < ROUNDS; k++) {
        a0 = a0 * b + c, a1 = a1 * b + c, a2 = a2 * b + c, a3 = a3 * b + c;
        a4 = a4 * b + c, a5 = a5 * b + c, a6 = a6 * b + c, a7 = a7 * b + c;
        a8 = a8 * b + c, a9 = a9 * b + c, a10 = a10 * b + c, a11 = a11 * b + c;
    }
    const vreal s = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11;
    return s[0] + s[7];
}

/* One sweep of the exponential over a row. */
static __attribute__((noinline)) void exp_row(const vreal *x, vreal *y)
{
    for (int i = 0; i < ROW; i++)
        y[i] = kad_vexp_fast(x[i]);
}

static __attribute__((noinline)) void root_row(const vreal *x, vreal *y)
{
    for (int i = 0; i < ROW; i++)
        y[i] = kad_lanes_rsqrt(x[i]);
}

static float row_loop(float seed, void (*sweep)(const vreal *, vreal *))
{
    vreal x[ROW], y[ROW];
    for (int i = 0; i < ROW; i++)
        x[i] = seed * (float)(i + 1) / ROW + (vreal){0};
    for (int k = 0; k < SWEEPS; k++)
        sweep(x, y);
    return y[ROW - 1][0];
}

static float exp_loop(float seed)
{
    return row_loop(-seed, exp_row);
}

static float root_loop(float seed)
{
    return row_loop(seed, root_row);
}

/* Evaluations a second over n_threads threads. */
static double rate(float (*loop)(float), double per_call, int n_threads)
{
    volatile float sink;
    float total = 0;
    const double start = kad_wall_seconds();
#pragma omp parallel for num_threads(n_threads) schedule(static) reduction(+ : total)
    for (int t = 0; t < n_threads; t++)
        total += loop(0.9f + 0.01f * (float)t);
    const double seconds = kad_wall_seconds() - start;
    sink = total;
    (void)sink;
    return n_threads * per_call / seconds;
}

kad_peak kad_peak_measure(int n_threads)
{
    return (kad_peak){
        .fma_per_s = rate(fma_loop, (double)CHAINS * ROUNDS * KAD_V, n_threads),
        .exp_per_s = rate(exp_loop, (double)ROW * SWEEPS * KAD_V, n_threads),
        .root_per_s = rate(root_loop, (double)ROW * SWEEPS * KAD_V, n_threads),
    };
}
