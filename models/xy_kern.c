/* Kernels of O(n) spins lifted to R^n (xy.h). The action of the directions s = y/|y| is
 * evaluated first, with its gradient g_s; then dS/dy = y + (g_s - s (s.g_s)) / |y|. */
#include "base/vmath.h"
#include "models/phi4_shapes.h"
#include "models/radial_kern.h"
#include "models/spins.h"
#include "models/sum_kern.h"
#include "models/xy.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

/* Directions [site][n] and inverse lengths [site] of a tile's active sites. */
typedef struct lifted {
    vreal *s, *inverse;
} lifted;

static lifted cut(const kad_xy *xy, void *scratch)
{
    const size_t rows = (size_t)xy->action.lattice->n_sites * (size_t)xy->action.n_comp;
    lifted l = {scratch, (vreal *)scratch + rows * KAD_NV};
    return l;
}

static int n_active(const kad_xy *xy, bool half)
{
    return half ? xy->n_half : xy->action.lattice->n_sites;
}

static size_t active_site(const kad_xy *xy, bool half, int i)
{
    return (size_t)(half ? xy->even[i] : i);
}

/* Directions; S += sum |y|^2 / 2. */
static inline __attribute__((always_inline)) void
lift(const kad_xy *xy, const int n, bool half, const vreal *y, lifted *l, double *S)
{
    const int sites = n_active(xy, half);
    vreal acc[KAD_NV];
    sum_clear(acc);
    for (int i = 0; i < sites; i++) {
        const size_t site = active_site(xy, half, i), here = site * (size_t)n * KAD_NV;
        for (size_t v = 0; v < KAD_NV; v++) {
            vreal r2 = {0};
            for (size_t a = 0; a < (size_t)n; a++)
                r2 += y[here + a * KAD_NV + v] * y[here + a * KAD_NV + v];
            const vreal inverse = 1 / kad_vsqrt(kad_vmax(r2, kad_vset((real)1e-30)));
            for (size_t a = 0; a < (size_t)n; a++)
                l->s[here + a * KAD_NV + v] = y[here + a * KAD_NV + v] * inverse;
            l->inverse[site * KAD_NV + v] = inverse;
            acc[v] += r2;
        }
        if (sum_due(i, sites)) sum_flush(S, acc, 0.5);
    }
}

/* sum of the 2d neighbours' directions, component a. */
static inline __attribute__((always_inline)) vreal
around(const int n, const int d, const int *nb, const vreal *s, int a, size_t v)
{
    vreal sum = {0};
    for (int b = 0; b < 2 * d; b++)
        sum += s[((size_t)nb[b] * (size_t)n + (size_t)a) * KAD_NV + v];
    return sum;
}

/* Every site a flow variable: -K sum_<ij> s.s; g = its gradient. */
static inline __attribute__((always_inline)) void all_bonds(const kad_xy *xy, const int n,
                                                            const int d, const lifted *l,
                                                            vreal *g, double *S)
{
    const int n_sites = xy->action.lattice->n_sites;
    const real K = (real)(xy->beta * xy->J);
    vreal acc[KAD_NV];
    sum_clear(acc);
    for (int i = 0; i < n_sites; i++) {
        const int *nb = xy->action.lattice->nbr + (size_t)i * 2 * (size_t)d;
        const size_t here = (size_t)i * (size_t)n * KAD_NV;
        for (size_t v = 0; v < KAD_NV; v++)
            for (int a = 0; a < n; a++) {
                const size_t at = here + (size_t)a * KAD_NV + v;
                const vreal F = K * around(n, d, nb, l->s, a, v);
                acc[v] += l->s[at] * F;
                if (g) g[at] = -F;
            }
        if (sum_due(i, n_sites)) sum_flush(S, acc, -0.5);
    }
}

/* Odd sites integrated out: -sum_odd ln w_n(|H_j|). */
static inline __attribute__((always_inline)) void odd_sites(const kad_xy *xy, const int n,
                                                            const int d, const lifted *l,
                                                            vreal *g, double *S)
{
    const real K = (real)(xy->beta * xy->J), field = (real)(xy->beta * xy->h);
    const size_t site_size = (size_t)n * KAD_NV;
    vreal acc[KAD_NV];
    sum_clear(acc);
    if (g) memset(g, 0, (size_t)xy->action.lattice->n_sites * site_size * sizeof *g);
    for (int i = 0; i < xy->n_half; i++) {
        const int *nb = xy->action.lattice->nbr + (size_t)xy->odd[i] * 2 * (size_t)d;
        for (size_t v = 0; v < KAD_NV; v++) {
            vreal H[3], square = {0}, f, df;
            for (int a = 0; a < n; a++) {
                H[a] = K * around(n, d, nb, l->s, a, v);
                if (a == 0) H[a] += field;
                square += H[a] * H[a];
            }
            radial_eval(xy->weight, square, &f, &df);
            acc[v] += f;
            if (!g) continue;
            df *= 2 * K;
            for (int a = 0; a < n; a++)
                for (int b = 0; b < 2 * d; b++)
                    g[(size_t)nb[b] * site_size + (size_t)a * KAD_NV + v] -= df * H[a];
        }
        if (sum_due(i, xy->n_half)) sum_flush(S, acc, -1);
    }
}

/* cos(p theta) and sin(p theta) of a unit vector. */
static inline void multiple(int p, vreal c, vreal s, vreal *cp, vreal *sp)
{
    vreal x = c, y = s;
    for (int k = 1; k < p; k++) {
        const vreal next = x * c - y * s;
        y = x * s + y * c;
        x = next;
    }
    *cp = x;
    *sp = y;
}

/* External fields of the active sites, added to S and g. */
static inline __attribute__((always_inline)) void
fields(const kad_xy *xy, const int n, bool half, const lifted *l, vreal *g, double *S)
{
    const int sites = n_active(xy, half);
    const real field = (real)(xy->beta * xy->h), clock = (real)(xy->beta * xy->h_p);
    vreal acc[KAD_NV];
    if (field == 0 && clock == 0) return;
    sum_clear(acc);
    for (int i = 0; i < sites; i++) {
        const size_t here = active_site(xy, half, i) * (size_t)n * KAD_NV;
        for (size_t v = 0; v < KAD_NV; v++) {
            acc[v] += field * l->s[here + v];
            if (g) g[here + v] -= field;
            if (clock == 0 || n != 2) continue;
            vreal cp, sp;
            const vreal c = l->s[here + v], s = l->s[here + KAD_NV + v];
            multiple(xy->p, c, s, &cp, &sp);
            acc[v] += clock * cp;
            if (!g) continue; /* -d cos(p theta) = p sin(p theta) along (-s, c) */
            g[here + v] -= clock * (real)xy->p * sp * s;
            g[here + KAD_NV + v] += clock * (real)xy->p * sp * c;
        }
        if (sum_due(i, sites)) sum_flush(S, acc, -1);
    }
}

/* g from g_s. */
static inline __attribute__((always_inline)) void
lower(const kad_xy *xy, const int n, bool half, const vreal *y, const lifted *l, vreal *g)
{
    const int sites = n_active(xy, half);
    for (int i = 0; i < sites; i++) {
        const size_t site = active_site(xy, half, i), here = site * (size_t)n * KAD_NV;
        for (size_t v = 0; v < KAD_NV; v++) {
            vreal along = {0};
            for (int a = 0; a < n; a++)
                along += l->s[here + (size_t)a * KAD_NV + v] *
                         g[here + (size_t)a * KAD_NV + v];
            for (int a = 0; a < n; a++) {
                const size_t at = here + (size_t)a * KAD_NV + v;
                g[at] =
                    y[at] + (g[at] - along * l->s[at]) * l->inverse[site * KAD_NV + v];
            }
        }
    }
}

static inline __attribute__((always_inline)) void body(const kad_xy *xy, const int n,
                                                       const int d, bool half,
                                                       const real *y, real *g, double *S,
                                                       void *scratch)
{
    lifted l = cut(xy, scratch);
    for (int lane = 0; lane < KAD_W; lane++)
        S[lane] = 0;
    lift(xy, n, half, (const vreal *)y, &l, S);
    if (half)
        odd_sites(xy, n, d, &l, (vreal *)g, S);
    else
        all_bonds(xy, n, d, &l, (vreal *)g, S);
    fields(xy, n, half, &l, (vreal *)g, S);
    if (g) lower(xy, n, half, (const vreal *)y, &l, (vreal *)g);
}

static void dispatch(const kad_action *action, bool half, const real *y, real *g,
                     double *S, void *scratch)
{
    const kad_xy *xy = action->self;
#define BODY(n, d)                                   \
    if (n > 1) {                                     \
        if (half)                                    \
            body(xy, n, d, true, y, g, S, scratch);  \
        else                                         \
            body(xy, n, d, false, y, g, S, scratch); \
    }
    KAD_PHI4_SHAPES(action, BODY)
#undef BODY
}

static void value(const kad_action *action, const void *y, double *S, void *scratch)
{
    dispatch(action, false, y, NULL, S, scratch);
}

static void gradient(const kad_action *action, const void *y, void *g, double *S,
                     void *scratch)
{
    dispatch(action, false, y, g, S, scratch);
}

static void value_half(const kad_action *action, const void *y, double *S, void *scratch)
{
    dispatch(action, true, y, NULL, S, scratch);
}

static void gradient_half(const kad_action *action, const void *y, void *g, double *S,
                          void *scratch)
{
    dispatch(action, true, y, g, S, scratch);
}

/* H of odd site number i, in double: [n][KAD_W_MAX]. */
static void field_of(const kad_xy *xy, int i, const real *y, double *H)
{
    const kad_lattice *lattice = xy->action.lattice;
    const int n = xy->action.n_comp;
    const int *nb = lattice->nbr + (size_t)xy->odd[i] * 2 * (size_t)lattice->d;
    for (int lane = 0; lane < KAD_W; lane++) {
        H[lane] = xy->beta * xy->h;
        for (int b = 0; b < 2 * lattice->d; b++) {
            double r2 = 0;
            for (int a = 0; a < n; a++) {
                const double x = (double)y[(nb[b] * n + a) * KAD_W + lane];
                r2 += x * x;
            }
            const double k = xy->beta * xy->J / sqrt(r2);
            for (int a = 0; a < n; a++)
                H[a * KAD_W_MAX + lane] += k * (double)y[(nb[b] * n + a) * KAD_W + lane];
        }
    }
}

/* Odd site number i: drawn in double, rounded to `real`, then its density. */
static void complete_site(const kad_xy *xy, kad_rng rng, uint64_t step,
                          uint64_t first_sample, int i, real *y, double *lnp)
{
    const int n = xy->action.n_comp, site = xy->odd[i];
    _Alignas(64) double H[3 * KAD_W_MAX] = {0}, s[3 * KAD_W_MAX] = {0}, z[4 * KAD_W_MAX];
    const kad_spin_source source = {rng, step, first_sample, (uint32_t)i,
                                    (uint32_t)xy->n_half};
    field_of(xy, i, y, H);
    kad_spin_rows_draw_f64(n, &source, KAD_W, KAD_W_MAX, H, s);
    rng.key[0] ^= UINT32_C(0x5bd1e995);
    kad_rng_normal_rows_f64(rng, step, first_sample, (uint32_t)i, KAD_W, KAD_W_MAX, z);
    for (int lane = 0; lane < KAD_W; lane++) {
        double square = 0, r2 = 0, dot = 0, H2 = 0;
        for (int a = 0; a < n; a++)
            square += z[a * KAD_W_MAX + lane] * z[a * KAD_W_MAX + lane];
        for (int a = 0; a < n; a++) {
            const real x = (real)(sqrt(square) * s[a * KAD_W_MAX + lane]);
            y[(site * n + a) * KAD_W + lane] = x;
            r2 += (double)x * (double)x;
            dot += (double)x * H[a * KAD_W_MAX + lane];
            H2 += H[a * KAD_W_MAX + lane] * H[a * KAD_W_MAX + lane];
        }
        lnp[lane] += dot / sqrt(r2) - kad_radial_value(xy->weight, H2, NULL) - 0.5 * r2 -
                     0.5 * n * log(2 * M_PI);
    }
}

static void complete(const kad_action *action, kad_rng rng, uint64_t step,
                     uint64_t first_sample, void *y, double *lnp, void *scratch)
{
    const kad_xy *xy = action->self;
    (void)scratch;
    for (int i = 0; i < xy->n_half; i++)
        complete_site(xy, rng, step, first_sample, i, y, lnp);
}

const kad_action_kern KR(kad_xy_kern) = {.value = value, .gradient = gradient};
const kad_action_kern KR(kad_xy_decimated_kern) = {
    .value = value_half, .gradient = gradient_half, .complete = complete};
