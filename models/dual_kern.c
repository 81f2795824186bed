/* Kernels of the O(n) dual (see dual.h). With F(s) = ln w_n(sqrt s) and m_i = 2 F'(s_i)
 * x_i = <s_i | x>: whitened  x = A^1/2 y,  S = 1/2 y.y - sum F(|x_i|^2),  dS/dy = y -
 * A^1/2 m field     S = 1/2 x.A^-1 x - sum F(|x_i|^2),           dS/dx = A^-1 x - m
 * In an external field S has a constant and -l.y^1 besides. */
#include "base/matrix_kern.h"
#include "models/dual.h"
#include "models/radial_kern.h"
#include "models/sum_kern.h"

#include <string.h>

static void scale_rows(const kad_dual *dual, const real *diagonal, real *x)
{
    const int n_sites = dual->action.lattice->n_sites;
    const size_t per_site = (size_t)dual->action.n_comp * KAD_NV;
    for (int k = 0; k < n_sites; k++) {
        vreal *row = (vreal *)x + (size_t)k * per_site;
        for (size_t v = 0; v < per_site; v++)
            row[v] *= diagonal[k];
    }
}

/* out = (basis) diagonal (basis)^T in; scratch: Hartley's, or one tile. */
void KR(kad_dual_apply)(const kad_dual *dual, const real *diagonal,
                        const real *restrict in, real *restrict out, void *scratch_)
{
    const size_t N = (size_t)dual->action.lattice->n_sites;
    const size_t n = (size_t)dual->action.n_comp;
    real *scratch = scratch_;
    if (dual->hartley) {
        memcpy(out, in, N * n * KAD_ROW_BYTES);
        KR(kad_hartley_apply)(dual->hartley, out, scratch);
        scale_rows(dual, diagonal, out);
        KR(kad_hartley_apply)(dual->hartley, out, scratch);
        return;
    }
    const real *basis = KR(dual->basis);
    const size_t stride = n * KAD_W;
    for (size_t a = 0; a < n; a++)
        matrix_rows((int)N, (int)N, basis, 1, N, in + a * KAD_W, stride,
                    scratch + a * KAD_W, stride);
    scale_rows(dual, diagonal, scratch);
    for (size_t a = 0; a < n; a++)
        matrix_rows((int)N, (int)N, basis, N, 1, scratch + a * KAD_W, stride,
                    out + a * KAD_W, stride);
}

/* S = sum_i (1/2 u_i.w_i - l_i u_i^1 - F(|x_i|^2)) + constant (overwrites), u = y; x becomes m
 * when wanted. */
static inline __attribute__((always_inline)) void
local_terms(const kad_dual *dual, const int n, const int want_mean, const vreal *u,
            const vreal *w, vreal *x, double *restrict S)
{
    const int n_sites = dual->action.lattice->n_sites;
    const size_t row = KAD_NV, site_size = (size_t)n * row;
    const real *linear = KR(dual->linear);
    vreal acc[KAD_NV];
    sum_clear(acc);
    for (int lane = 0; lane < KAD_W; lane++)
        S[lane] = dual->constant;
    for (int i = 0; i < n_sites; i++) {
        const size_t here = (size_t)i * site_size;
        for (size_t v = 0; v < row; v++) {
            vreal s = {0}, q = {0}, f, df;
            for (int a = 0; a < n; a++) {
                const size_t at = here + (size_t)a * row + v;
                s += x[at] * x[at];
                q += u[at] * w[at];
            }
            radial_eval(dual->weight, s, &f, &df);
            acc[v] += (real)0.5 * q - f;
            if (linear) acc[v] -= linear[i] * u[here + v];
            if (!want_mean) continue;
            df *= 2;
            for (int a = 0; a < n; a++)
                x[here + (size_t)a * row + v] *= df;
        }
        if (sum_due(i, n_sites)) sum_flush(S, acc, 1);
    }
}

static void dispatch(const kad_dual *dual, int want_mean, const real *u, const real *w,
                     real *x, double *S)
{
    const vreal *U = (const vreal *)u, *W = (const vreal *)w;
    vreal *X = (vreal *)x;
    switch (dual->action.n_comp) {
    case 1:
        local_terms(dual, 1, want_mean, U, W, X, S);
        break;
    case 2:
        local_terms(dual, 2, want_mean, U, W, X, S);
        break;
    default:
        local_terms(dual, 3, want_mean, U, W, X, S);
        break;
    }
}

static size_t tile_size(const kad_action *action)
{
    return (size_t)action->lattice->n_sites * (size_t)action->n_comp * KAD_W;
}

static void value(const kad_action *action, const void *y, double *S, void *scratch)
{
    const kad_dual *dual = action->self;
    real *x = scratch, *work = x + tile_size(action);
    if (dual->whitened) {
        KR(kad_dual_apply)(dual, KR(dual->forward), y, x, work);
        dispatch(dual, 0, y, y, x, S);
    } else {
        KR(kad_dual_apply)(dual, KR(dual->forward), y, x, work); /* A^-1 y */
        /* x = y is only read */
        dispatch(dual, 0, y, x, (real *)y, S);
    }
}

/* g = y - g */
static void subtract_from(const real *restrict y, real *restrict g, size_t size)
{
    for (size_t i = 0; i < size / (size_t)KAD_V; i++)
        ((vreal *)g)[i] = ((const vreal *)y)[i] - ((vreal *)g)[i];
}

/* g -= l along the first component. */
static void pull(const kad_dual *dual, real *g)
{
    const real *linear = KR(dual->linear);
    const int n_sites = dual->action.lattice->n_sites;
    vreal *row = (vreal *)g;
    for (int i = 0; linear && i < n_sites; i++, row += dual->action.n_comp * KAD_NV)
        for (int v = 0; v < KAD_NV; v++)
            row[v] -= linear[i];
}

static void gradient(const kad_action *action, const void *y, void *g, double *S,
                     void *scratch)
{
    const kad_dual *dual = action->self;
    const size_t size = tile_size(action);
    real *x = scratch, *work = x + size;
    if (dual->whitened) {
        KR(kad_dual_apply)(dual, KR(dual->forward), y, x, work);
        dispatch(dual, 1, y, y, x, S);
        KR(kad_dual_apply)(dual, KR(dual->forward), x, g, work);
        subtract_from(y, g, size);
    } else {
        memcpy(x, y, size * sizeof(real));
        KR(kad_dual_apply)(dual, KR(dual->forward), y, g, work);
        dispatch(dual, 1, y, g, x, S);
        real *out = g;
        for (size_t i = 0; i < size / (size_t)KAD_V; i++)
            ((vreal *)out)[i] -= ((const vreal *)x)[i];
    }
    pull(dual, g);
}

static void to_boundary(const kad_action *action, const void *y, void *x, void *scratch)
{
    const kad_dual *dual = action->self;
    if (dual->whitened)
        KR(kad_dual_apply)(dual, KR(dual->forward), y, x, scratch);
    else
        memcpy(x, y, tile_size(action) * sizeof(real));
}

static void from_boundary(const kad_action *action, const void *x, void *y, void *scratch)
{
    const kad_dual *dual = action->self;
    if (dual->whitened)
        KR(kad_dual_apply)(dual, KR(dual->inverse), x, y, scratch);
    else
        memcpy(y, x, tile_size(action) * sizeof(real));
}

const kad_action_kern KR(kad_dual_kern) = {.value = value,
                                           .gradient = gradient,
                                           .to_boundary = to_boundary,
                                           .from_boundary = from_boundary};
