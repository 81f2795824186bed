/* Plans of the separable Hartley transform: tables of dense axes, FFTW plans of long
 * ones. */
#include "lattice/hartley.h"
#include "base/memory.h"
#include "lattice/hartley_plan.h"

#include <math.h>

/* cos and sin of 2 pi p / L, p reduced modulo L so that long tables stay accurate. */
static double cosine(int64_t p, int extent)
{
    return cos(2 * M_PI * (double)(p % extent) / extent);
}

static double sine(int64_t p, int extent)
{
    return sin(2 * M_PI * (double)(p % extent) / extent);
}

static kad_status plan_dense(kad_ctx *ctx, kad_hartley_axis *axis)
{
    const int L = axis->extent;
    const size_t nc = (size_t)(L / 2 + 1), ns = (size_t)((L - 1) / 2);
    const double scale = 1 / sqrt((double)L);
    axis->n_cos = (int)nc;
    axis->n_sin = (int)ns;
    KAD_CALL(kad_new(ctx, nc * nc, sizeof(double), &axis->cos_f64));
    KAD_CALL(kad_new(ctx, nc * nc, sizeof(float), &axis->cos_f32));
    KAD_CALL(kad_new(ctx, ns * ns, sizeof(double), &axis->sin_f64));
    KAD_CALL(kad_new(ctx, ns * ns, sizeof(float), &axis->sin_f32));
    for (size_t k = 0; k < nc; k++)
        for (size_t n = 0; n < nc; n++) {
            axis->cos_f64[k * nc + n] = scale * cosine((int64_t)(k * n), L);
            axis->cos_f32[k * nc + n] = (float)axis->cos_f64[k * nc + n];
        }
    for (size_t k = 0; k < ns; k++)
        for (size_t n = 0; n < ns; n++) {
            axis->sin_f64[k * ns + n] = scale * sine((int64_t)((k + 1) * (n + 1)), L);
            axis->sin_f32[k * ns + n] = (float)axis->sin_f64[k * ns + n];
        }
    return KAD_OK;
}

kad_status kad_hartley_create(kad_ctx *ctx, const kad_lattice *lattice, int n_comp,
                              kad_hartley **out)
{
    KAD_LOCAL(kad_hartley, plan);
    int longest = 0;
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *plan, &plan));
    plan->d = lattice->d;
    plan->n_rows = (size_t)lattice->n_sites * (size_t)n_comp;
    size_t inner = (size_t)n_comp;
    for (int a = lattice->d - 1; a >= 0; a--) {
        kad_hartley_axis *axis = &plan->axis[a];
        axis->extent = lattice->shape[a];
        axis->n_inner = inner;
        inner *= (size_t)axis->extent;
        axis->n_outer = plan->n_rows / inner;
        if (axis->extent > KAD_HARTLEY_DENSE_MAX) {
            KAD_CALL(kad_hartley_fftw_plan(ctx, axis));
        } else {
            KAD_CALL(plan_dense(ctx, axis));
            if (axis->extent > longest) longest = axis->extent;
        }
    }
    /* the folded line and its two transforms */
    for (int prec = 0; prec < 2; prec++)
        plan->scratch_bytes[prec] = 2 * (size_t)(longest + 2) * KAD_ROW_BYTES;
    *out = plan;
    plan = NULL;
    return KAD_OK;
}

void kad_hartley_destroy(kad_hartley *plan)
{
    if (!plan) return;
    for (int a = 0; a < plan->d; a++) {
        kad_hartley_axis *axis = &plan->axis[a];
        kad_hartley_fftw_destroy(axis);
        kad_free(axis->cos_f64);
        kad_free(axis->sin_f64);
        kad_free(axis->cos_f32);
        kad_free(axis->sin_f32);
    }
    kad_free(plan);
}

size_t kad_hartley_scratch_bytes(const kad_hartley *plan, kad_prec prec)
{
    return plan->scratch_bytes[prec];
}
