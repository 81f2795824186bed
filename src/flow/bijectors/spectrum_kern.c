/* Kernels of the learned Fourier base (spectrum.h). The tile is copied to scratch (for
 * the sublattice with odd rows zero), transformed, filtered mode by mode, transformed
 * back, and the rows the stage owns are copied home. */
#include "flow/bijectors/spectrum.h"

#include "flow/lanes_kern.h"

#include <math.h>
#include <string.h>

typedef struct packed_view {
    double *ld;
    real *up, *down; /* [n_sites] e^theta, e^-theta */
} packed_view;

static packed_view view(const kad_stage *stage, const void *packed)
{
    const kad_spectrum *s = stage->self;
    packed_view p;
    p.ld = (double *)(uintptr_t)packed;
    p.up = (real *)(p.ld + 1);
    p.down = p.up + s->n_sites;
    return p;
}

/* Modes that count in ld, times components, for an orbit. */
static double n_counted(const kad_stage *stage, int orbit)
{
    const kad_spectrum *s = stage->self;
    const double n =
        (double)(s->modes.first[orbit + 1] - s->modes.first[orbit]) * stage->n_comp;
    return s->sublattice ? 0.5 * n : n;
}

static void pack(const kad_stage *stage, const double *theta, void *packed)
{
    const kad_spectrum *s = stage->self;
    const packed_view p = view(stage, packed);
    *p.ld = 0.0;
    for (int o = 0; o < s->modes.n_orbits; o++) {
        *p.ld += theta[o] * n_counted(stage, o);
        for (int i = s->modes.first[o]; i < s->modes.first[o + 1]; i++) {
            p.up[s->modes.mode[i]] = (real)exp(theta[o]);
            p.down[s->modes.mode[i]] = (real)exp(-theta[o]);
        }
    }
}

static void transform(const kad_spectrum *s, real *x, void *scratch)
{
#if KAD_PREC == 32
    kad_hartley_apply_f32(s->hartley, x, scratch);
#else
    kad_hartley_apply_f64(s->hartley, x, scratch);
#endif
}

/* The three parts of the scratch. */
static real *buffer(const kad_stage *stage, void *scratch, int which)
{
    return (real *)scratch + (size_t)which * (size_t)stage->n_rows * KAD_W;
}

/* to = F x, x with odd rows zero for the sublattice. */
static void analyse(const kad_stage *stage, const real *x, real *to, void *scratch)
{
    const kad_spectrum *s = stage->self;
    const size_t site_reals = (size_t)stage->n_comp * KAD_W;
    memcpy(to, x, (size_t)stage->n_rows * KAD_ROW_BYTES);
    if (s->sublattice)
        for (int i = 0; i < s->n_sites; i++)
            if (s->parity[i])
                memset(to + (size_t)i * site_reals, 0, site_reals * sizeof(real));
    transform(s, to, buffer(stage, scratch, 2));
}

/* x = F from, on the rows the stage owns. */
static void synthesise(const kad_stage *stage, real *from, real *x, void *scratch)
{
    const kad_spectrum *s = stage->self;
    const size_t site_reals = (size_t)stage->n_comp * KAD_W;
    transform(s, from, buffer(stage, scratch, 2));
    for (int i = 0; i < s->n_sites; i++)
        if (!s->sublattice || !s->parity[i])
            memcpy(x + (size_t)i * site_reals, from + (size_t)i * site_reals,
                   site_reals * sizeof(real));
}

static void filter(const kad_stage *stage, const real *factor, real *modes)
{
    const kad_spectrum *s = stage->self;
    const int n = stage->n_comp * KAD_NV;
    vreal *row = (vreal *)modes;
    for (int k = 0; k < s->n_sites; k++, row += n)
        for (int v = 0; v < n; v++)
            row[v] *= factor[k];
}

static void apply(const kad_stage *stage, const real *factor, void *x, void *scratch)
{
    real *modes = buffer(stage, scratch, 0);
    analyse(stage, x, modes, scratch);
    filter(stage, factor, modes);
    synthesise(stage, modes, x, scratch);
}

static void generate(const kad_stage *stage, const void *packed, void *x, double *ld,
                     void *scratch)
{
    const packed_view p = view(stage, packed);
    apply(stage, p.up, x, scratch);
    kad_lanes_ld_all(ld, *p.ld);
}

static void infer(const kad_stage *stage, const void *packed, void *x, double *ld,
                  void *scratch)
{
    const packed_view p = view(stage, packed);
    apply(stage, p.down, x, scratch);
    kad_lanes_ld_all(ld, -*p.ld);
}

/* dtheta_o += sign (sum over the orbit's modes, components and lanes of gy_k y_k + gl).
 */
static void add_gradient(const kad_stage *stage, real sign, double gl, const real *gy,
                         const real *y, real *dtheta)
{
    const kad_spectrum *s = stage->self;
    const int n = stage->n_comp * KAD_NV;
    for (int o = 0; o < s->modes.n_orbits; o++) {
        vreal sum = {0};
        for (int i = s->modes.first[o]; i < s->modes.first[o + 1]; i++) {
            const vreal *a = (const vreal *)gy + (ptrdiff_t)s->modes.mode[i] * n;
            const vreal *b = (const vreal *)y + (ptrdiff_t)s->modes.mode[i] * n;
            for (int v = 0; v < n; v++)
                sum += a[v] * b[v];
        }
        const double log_det = gl * n_counted(stage, o) * KAD_W;
        dtheta[o] += sign * (kad_lanes_sum(&sum) + (real)log_det);
    }
}

static void generate_adjoint(const kad_stage *stage, const void *packed, void *x, void *g,
                             double gl, void *dtheta, double *ld, void *scratch)
{
    const packed_view p = view(stage, packed);
    real *y = buffer(stage, scratch, 0), *gy = buffer(stage, scratch, 1);
    analyse(stage, x, y, scratch);
    analyse(stage, g, gy, scratch);
    if (dtheta) add_gradient(stage, RC(1.0), gl, gy, y, dtheta);
    filter(stage, p.down, y);
    filter(stage, p.up, gy);
    synthesise(stage, y, x, scratch);
    synthesise(stage, gy, g, scratch);
    kad_lanes_ld_all(ld, -*p.ld);
}

static void infer_adjoint(const kad_stage *stage, const void *packed, void *x, void *g,
                          double gl, void *dtheta, double *ld, void *scratch)
{
    const packed_view p = view(stage, packed);
    real *y = buffer(stage, scratch, 0), *gy = buffer(stage, scratch, 1);
    analyse(stage, x, y, scratch);
    analyse(stage, g, gy, scratch);
    filter(stage, p.up, y);
    filter(stage, p.down, gy);
    if (dtheta) add_gradient(stage, RC(-1.0), gl, gy, y, dtheta);
    synthesise(stage, y, x, scratch);
    synthesise(stage, gy, g, scratch);
    kad_lanes_ld_all(ld, *p.ld);
}

const kad_bijector_kern KR(kad_spectrum_kern) = {
    .pack = pack,
    .generate = generate,
    .infer = infer,
    .generate_adjoint = generate_adjoint,
    .infer_adjoint = infer_adjoint,
};
