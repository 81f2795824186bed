/* Long axes of the Hartley transform by FFTW's discrete Hartley transform, lanes
 * interleaved. The only file that includes fftw3.h. FFTW_ESTIMATE: the same plan, hence
 * the same bits, in every process. */
#include "base/memory.h"
#include "lattice/hartley_plan.h"

#include <fftw3.h>

kad_status kad_hartley_fftw_plan(kad_ctx *ctx, kad_hartley_axis *axis)
{
    KAD_SCOPE(scope, ctx);
    void *x;
    const size_t rows = axis->n_outer * (size_t)axis->extent * axis->n_inner;
    KAD_CALL(kad_scope_take(&scope, rows, KAD_ROW_BYTES, &x));
    const fftw_r2r_kind kind = FFTW_DHT;
    for (int prec = 0; prec < 2; prec++) {
        const int lanes = kad_lanes((kad_prec)prec);
        const int stride = (int)axis->n_inner * lanes;
        const int dist = axis->extent * stride;
        const fftw_iodim dim = {axis->extent, stride, stride};
        const fftw_iodim many[2] = {{(int)axis->n_outer, dist, dist}, {stride, 1, 1}};
        const fftwf_iodim dim_f = {axis->extent, stride, stride};
        const fftwf_iodim many_f[2] = {{(int)axis->n_outer, dist, dist}, {stride, 1, 1}};
        axis->fftw[prec] = prec == KAD_SINGLE
                               ? (void *)fftwf_plan_guru_r2r(1, &dim_f, 2, many_f, x, x,
                                                             &kind, FFTW_ESTIMATE)
                               : (void *)fftw_plan_guru_r2r(1, &dim, 2, many, x, x, &kind,
                                                            FFTW_ESTIMATE);
        if (!axis->fftw[prec])
            return kad_fail(ctx, KAD_EINTERNAL, "fftw: no plan for an axis of %d sites",
                            axis->extent);
    }
    return KAD_OK;
}

void kad_hartley_fftw_destroy(kad_hartley_axis *axis)
{
    if (axis->fftw[KAD_SINGLE]) fftwf_destroy_plan(axis->fftw[KAD_SINGLE]);
    if (axis->fftw[KAD_DOUBLE]) fftw_destroy_plan(axis->fftw[KAD_DOUBLE]);
    axis->fftw[KAD_SINGLE] = axis->fftw[KAD_DOUBLE] = NULL;
}

void kad_hartley_fftw_apply_f32(const kad_hartley_axis *axis, float *x)
{
    fftwf_execute_r2r((const fftwf_plan)axis->fftw[KAD_SINGLE], x, x);
}

void kad_hartley_fftw_apply_f64(const kad_hartley_axis *axis, double *x)
{
    fftw_execute_r2r((const fftw_plan)axis->fftw[KAD_DOUBLE], x, x);
}
