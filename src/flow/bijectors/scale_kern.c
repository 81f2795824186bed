/* Kernels of the learned scale (scale.h). */
#include "flow/bijectors/scale.h"

#include "flow/lanes_kern.h"

#include <math.h>

/* Packed parameters: the log-determinant, then [n_comp] each. */
typedef struct packed_view {
    double *ld;
    real *up, *down, *shift;
} packed_view;

static packed_view view(const kad_stage *stage, const void *packed)
{
    const size_t n = (size_t)stage->n_comp;
    packed_view p;
    p.ld = (double *)(uintptr_t)packed;
    p.up = (real *)(p.ld + 1);
    p.down = p.up + n;
    p.shift = p.down + n;
    return p;
}

static void pack(const kad_stage *stage, const double *theta, void *packed)
{
    const kad_scale *s = stage->self;
    const packed_view p = view(stage, packed);
    const int n = s->per_component ? stage->n_comp : 1;
    *p.ld = 0.0;
    for (int c = 0; c < stage->n_comp; c++) {
        const int i = s->per_component ? c : 0;
        p.up[c] = (real)exp(theta[i]);
        p.down[c] = (real)exp(-theta[i]);
        p.shift[c] = s->shift ? (real)theta[n + i] : RC(0.0);
        *p.ld += theta[i] * s->n_sites;
    }
}

static vreal *row_of(const kad_stage *stage, void *x, int i, int c)
{
    const kad_scale *s = stage->self;
    const size_t row = (size_t)s->sites[i] * (size_t)stage->n_comp + (size_t)c;
    return (vreal *)((real *)x + row * KAD_W);
}

static void generate(const kad_stage *stage, const void *packed, void *x, double *ld,
                     void *scratch)
{
    const kad_scale *s = stage->self;
    const packed_view p = view(stage, packed);
    (void)scratch;
    for (int i = 0; i < s->n_sites; i++)
        for (int c = 0; c < stage->n_comp; c++) {
            vreal *row = row_of(stage, x, i, c);
            for (int v = 0; v < KAD_NV; v++)
                row[v] = p.up[c] * row[v] + p.shift[c];
        }
    kad_lanes_ld_all(ld, *p.ld);
}

static void infer(const kad_stage *stage, const void *packed, void *x, double *ld,
                  void *scratch)
{
    const kad_scale *s = stage->self;
    const packed_view p = view(stage, packed);
    (void)scratch;
    for (int i = 0; i < s->n_sites; i++)
        for (int c = 0; c < stage->n_comp; c++) {
            vreal *row = row_of(stage, x, i, c);
            for (int v = 0; v < KAD_NV; v++)
                row[v] = p.down[c] * (row[v] - p.shift[c]);
        }
    kad_lanes_ld_all(ld, -*p.ld);
}

/* Parameter gradients of one component: ds = sum gy (y - b) + gl per site, db = sum gy,
 * both times `sign`. */
static void add_gradient(const kad_stage *stage, int c, real sign, real gl, vreal ds,
                         vreal db, real *dtheta)
{
    const kad_scale *s = stage->self;
    const int n = s->per_component ? stage->n_comp : 1;
    const int i = s->per_component ? c : 0;
    dtheta[i] += sign * (kad_lanes_sum(&ds) + gl * (real)s->n_sites * (real)KAD_W);
    if (s->shift) dtheta[n + i] += sign * kad_lanes_sum(&db);
}

static void generate_adjoint(const kad_stage *stage, const void *packed, void *x, void *g,
                             double gl, void *dtheta, double *ld, void *scratch)
{
    const kad_scale *s = stage->self;
    const packed_view p = view(stage, packed);
    (void)scratch;
    for (int c = 0; c < stage->n_comp; c++) {
        vreal ds = {0}, db = {0};
        for (int i = 0; i < s->n_sites; i++) {
            vreal *xr = row_of(stage, x, i, c), *gr = row_of(stage, g, i, c);
            for (int v = 0; v < KAD_NV; v++) {
                const vreal gy = gr[v], f = xr[v] - p.shift[c];
                ds += gy * f;
                db += gy;
                xr[v] = p.down[c] * f;
                gr[v] = p.up[c] * gy;
            }
        }
        if (dtheta) add_gradient(stage, c, RC(1.0), (real)gl, ds, db, dtheta);
    }
    kad_lanes_ld_all(ld, -*p.ld);
}

static void infer_adjoint(const kad_stage *stage, const void *packed, void *x, void *g,
                          double gl, void *dtheta, double *ld, void *scratch)
{
    const kad_scale *s = stage->self;
    const packed_view p = view(stage, packed);
    (void)scratch;
    for (int c = 0; c < stage->n_comp; c++) {
        vreal ds = {0}, db = {0};
        for (int i = 0; i < s->n_sites; i++) {
            vreal *xr = row_of(stage, x, i, c), *gr = row_of(stage, g, i, c);
            for (int v = 0; v < KAD_NV; v++) {
                const vreal gy = p.down[c] * gr[v], f = p.up[c] * xr[v];
                ds += gy * f;
                db += gy;
                xr[v] = f + p.shift[c];
                gr[v] = gy;
            }
        }
        if (dtheta) add_gradient(stage, c, RC(-1.0), (real)gl, ds, db, dtheta);
    }
    kad_lanes_ld_all(ld, *p.ld);
}

const kad_bijector_kern KR(kad_scale_kern) = {
    .pack = pack,
    .generate = generate,
    .infer = infer,
    .generate_adjoint = generate_adjoint,
    .infer_adjoint = infer_adjoint,
};
