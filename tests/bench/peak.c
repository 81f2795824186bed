/* Peaks by independent chains in registers: FMA, and the library's vector exponential. */
#define KAD_PREC 32
#include "peak.h"

#include "base/signals.h"
#include "base/vmath.h"

enum { CHAINS = 12, ROUNDS = 200000 };

/* a <- a b + c on CHAINS vectors. */
static __attribute__((noinline)) float fma_loop(float seed)
{
    const vreal b = seed * 0.5f + (vreal){0}, c = seed + (vreal){0};
    vreal a0 = c, a1 = c, a2 = c, a3 = c, a4 = c, a5 = c, a6 = c, a7 = c, a8 = c, a9 = c,
          a10 = c, a11 = c;
    for (int k = 0; k < ROUNDS; k++) {
        a0 = a0 * b + c, a1 = a1 * b + c, a2 = a2 * b + c, a3 = a3 * b + c;
        a4 = a4 * b + c, a5 = a5 * b + c, a6 = a6 * b + c, a7 = a7 * b + c;
        a8 = a8 * b + c, a9 = a9 * b + c, a10 = a10 * b + c, a11 = a11 * b + c;
    }
    const vreal s = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11;
    return s[0] + s[7];
}

static __attribute__((noinline)) float exp_loop(float seed)
{
    vreal row[CHAINS];
    for (int i = 0; i < CHAINS; i++)
        row[i] = -seed * (float)(i + 1) + (vreal){0};
    for (int k = 0; k < ROUNDS / 8; k++)
        for (int i = 0; i < CHAINS; i++)
            row[i] = -kad_vexp_fast(row[i]);
    float s = 0;
    for (int i = 0; i < CHAINS; i++)
        s += row[i][0];
    return s;
}

static double rate(float (*loop)(float), double per_call, int n_threads)
{
    double best = 0;
    volatile float sink = 0;
    for (int repeat = 0; repeat < 7; repeat++) {
        float total = 0;
        const double start = kad_wall_seconds();
#pragma omp parallel for num_threads(n_threads) schedule(static) reduction(+ : total)
        for (int t = 0; t < n_threads; t++)
            total += loop(0.9f + 0.01f * (float)t);
        const double seconds = kad_wall_seconds() - start;
        sink += total;
        if (n_threads * per_call / seconds > best) best = n_threads * per_call / seconds;
    }
    return best;
}

kad_peak kad_peak_measure(int n_threads)
{
    return (kad_peak){
        .fma_per_s = rate(fma_loop, (double)CHAINS * ROUNDS * KAD_V, n_threads),
        .exp_per_s = rate(exp_loop, (double)CHAINS * (ROUNDS / 8) * KAD_V, n_threads),
    };
}
