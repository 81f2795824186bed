#include "train/loss_kern.h"

#include "base/vmath.h"

#include <string.h>

/* Eight entries at a time, whatever the machine's width; the compiler splits them. */
enum { LANES = 8 };
typedef double vsum __attribute__((vector_size(8 * LANES)));
typedef real vpart __attribute__((vector_size(sizeof(real) * LANES)));

/* Entries i .. i + LANES - 1 of the sum; a group that is not there adds nothing. */
KAD_VINLINE vsum tree(int n_groups, const void *const *group, size_t i)
{
    vsum sum[KAD_LOSS_GROUPS];
    KAD_UNROLL(16)
    for (int k = 0; k < KAD_LOSS_GROUPS; k++) {
        sum[k] = (vsum){0};
        if (k < n_groups) {
            vpart part;
            memcpy(&part, (const real *)group[k] + i, sizeof part);
            sum[k] = __builtin_convertvector(part, vsum);
        }
    }
    KAD_UNROLL(4)
    for (int m = KAD_LOSS_GROUPS / 2; m > 0; m /= 2)
        KAD_UNROLL(8)
    for (int k = 0; k < m; k++)
        sum[k] += sum[k + m];
    return sum[0];
}

void KR(kad_loss_sum)(int n_groups, const void *const *group, size_t n, double norm,
                      double *out)
{
    const size_t whole = n - n % LANES;
    for (size_t i = 0; i < whole; i += LANES) {
        const vsum sum = norm * tree(n_groups, group, i);
        memcpy(out + i, &sum, sizeof sum);
    }
    if (whole == n) return;
    real rest[KAD_LOSS_GROUPS][LANES] = {{0}};
    const void *rests[KAD_LOSS_GROUPS];
    for (int k = 0; k < n_groups; k++) {
        memcpy(rest[k], (const real *)group[k] + whole, (n - whole) * sizeof(real));
        rests[k] = rest[k];
    }
    const vsum sum = norm * tree(n_groups, rests, 0);
    memcpy(out + whole, &sum, (n - whole) * sizeof *out);
}

void KR(kad_loss_add)(size_t n_rows, const void *h, void *g)
{
    const vreal *from = h;
    vreal *to = g;
    for (size_t i = 0; i < n_rows * KAD_NV; i++)
        to[i] += from[i];
}

void KR(kad_loss_subtract)(size_t n, double factor, const void *b, void *a)
{
    const real *from = b;
    real *to = a;
    for (size_t i = 0; i < n; i++)
        to[i] -= (real)factor * from[i];
}

void KR(kad_loss_zeros)(size_t n_rows, const void *x, double *sum)
{
    const vreal *row = x;
    vreal zero[KAD_NV] = {{0}};
    for (size_t i = 0; i < n_rows; i++, row += KAD_NV)
        for (int v = 0; v < KAD_NV; v++)
            zero[v] += row[v] * RC(0.0);
    for (int lane = 0; lane < KAD_W; lane++)
        sum[lane] += (double)((const real *)zero)[lane];
}
