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

/* H = beta sum_j J R(A) s_j over the links of site i, or over its neighbours. */
static inline __attribute__((always_inline)) void field_at(const kad_xy *xy, const int n,
                                                           const int d, const bool links,
                                                           int i, const vreal *s,
                                                           size_t v, vreal *H)
{
    if (!links) {
        const int *nb = xy->action.lattice->nbr + (size_t)i * 2 * (size_t)d;
        const real K = (real)(xy->beta * xy->J);
        for (int a = 0; a < n; a++)
            H[a] = K * around(n, d, nb, s, a, v);
        return;
    }
    for (int a = 0; a < n; a++)
        H[a] = kad_vset(0);
    for (int b = xy->first[i]; b < xy->first[i + 1]; b++) {
        const vreal *from = s + (size_t)xy->link[b].j * (size_t)n * KAD_NV + v;
        const real c = (real)(xy->beta * xy->link[b].c),
                   e = (real)(xy->beta * xy->link[b].s);
        H[0] += c * from[0] - e * from[KAD_NV];
        H[1] += e * from[0] + c * from[KAD_NV];
        if (n == 3) H[2] += c * from[2 * KAD_NV];
    }
}

/* g_j -= f dH/ds_j^T H of the same. */
static inline __attribute__((always_inline)) void
field_adjoint(const kad_xy *xy, const int n, const int d, const bool links, int i,
              vreal f, const vreal *H, size_t v, vreal *g)
{
    if (!links) {
        const int *nb = xy->action.lattice->nbr + (size_t)i * 2 * (size_t)d;
        f *= (real)(xy->beta * xy->J);
        for (int a = 0; a < n; a++)
            for (int b = 0; b < 2 * d; b++)
                g[((size_t)nb[b] * (size_t)n + (size_t)a) * KAD_NV + v] -= f * H[a];
        return;
    }
    for (int b = xy->first[i]; b < xy->first[i + 1]; b++) {
        vreal *to = g + (size_t)xy->link[b].j * (size_t)n * KAD_NV + v;
        const real c = (real)(xy->beta * xy->link[b].c),
                   e = (real)(xy->beta * xy->link[b].s);
        to[0] -= f * (c * H[0] + e * H[1]);
        to[KAD_NV] -= f * (c * H[1] - e * H[0]);
        if (n == 3) to[2 * KAD_NV] -= f * c * H[2];
    }
}

/* Every site a flow variable: -K sum_<ij> s.s; g = its gradient. */
static inline __attribute__((always_inline)) void all_bonds(const kad_xy *xy, const int n,
                                                            const int d, const bool links,
                                                            const lifted *l, vreal *g,
                                                            double *S)
{
    const int n_sites = xy->action.lattice->n_sites;
    vreal acc[KAD_NV];
    sum_clear(acc);
    for (int i = 0; i < n_sites; i++) {
        const size_t here = (size_t)i * (size_t)n * KAD_NV;
        for (size_t v = 0; v < KAD_NV; v++) {
            vreal F[3];
            field_at(xy, n, d, links, i, l->s, v, F);
            for (int a = 0; a < n; a++) {
                const size_t at = here + (size_t)a * KAD_NV + v;
                acc[v] += l->s[at] * F[a];
                if (g) g[at] = -F[a];
            }
        }
        if (sum_due(i, n_sites)) sum_flush(S, acc, -0.5);
    }
}

/* Odd sites integrated out: -sum_odd ln w_n(|H_j|). */
static inline __attribute__((always_inline)) void odd_sites(const kad_xy *xy, const int n,
                                                            const int d, const bool links,
                                                            const lifted *l, vreal *g,
                                                            double *S)
{
    const real field = (real)(xy->beta * xy->h);
    const size_t site_size = (size_t)n * KAD_NV;
    vreal acc[KAD_NV];
    sum_clear(acc);
    if (g) memset(g, 0, (size_t)xy->action.lattice->n_sites * site_size * sizeof *g);
    for (int i = 0; i < xy->n_half; i++) {
        for (size_t v = 0; v < KAD_NV; v++) {
            vreal H[3], square = {0}, f, df;
            field_at(xy, n, d, links, xy->odd[i], l->s, v, H);
            H[0] += field;
            for (int a = 0; a < n; a++)
                square += H[a] * H[a];
            radial_eval(xy->weight, square, &f, &df);
            acc[v] += f;
            if (g) field_adjoint(xy, n, d, links, xy->odd[i], 2 * df, H, v, g);
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
                                                       const bool links, const real *y,
                                                       real *g, double *S, void *scratch)
{
    lifted l = cut(xy, scratch);
    for (int lane = 0; lane < KAD_W; lane++)
        S[lane] = 0;
    lift(xy, n, half, (const vreal *)y, &l, S);
    if (half)
        odd_sites(xy, n, d, links, &l, (vreal *)g, S);
    else
        all_bonds(xy, n, d, links, &l, (vreal *)g, S);
    fields(xy, n, half, &l, (vreal *)g, S);
    if (g) lower(xy, n, half, (const vreal *)y, &l, (vreal *)g);
}

static void dispatch(const kad_action *action, bool half, const real *y, real *g,
                     double *S, void *scratch)
{
    const kad_xy *xy = action->self;
    if (xy->link) { /* whatever the dimension */
        if (action->n_comp == 2)
            body(xy, 2, 1, half, true, y, g, S, scratch);
        else
            body(xy, 3, 1, half, true, y, g, S, scratch);
        return;
    }
#define BODY(n, d)                                          \
    if (n > 1) {                                            \
        if (half)                                           \
            body(xy, n, d, true, false, y, g, S, scratch);  \
        else                                                \
            body(xy, n, d, false, false, y, g, S, scratch); \
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

/* H += beta J R(A) s of site j, turned by the link. */
static void add_link(const kad_xy *xy, const kad_xy_link *link, const real *y, int lane,
                     double *H)
{
    const int n = xy->action.n_comp;
    double r2 = 0, s[3] = {0};
    for (int a = 0; a < n; a++) {
        s[a] = (double)y[(link->j * n + a) * KAD_W + lane];
        r2 += s[a] * s[a];
    }
    const double k = xy->beta / sqrt(r2);
    H[lane] += k * (link->c * s[0] - link->s * s[1]);
    H[KAD_W_MAX + lane] += k * (link->s * s[0] + link->c * s[1]);
    if (n == 3) H[2 * KAD_W_MAX + lane] += k * link->c * s[2];
}

/* H of odd site number i, in double: [n][KAD_W_MAX]. */
static void field_of(const kad_xy *xy, int i, const real *y, double *H)
{
    const kad_lattice *lattice = xy->action.lattice;
    const int site = xy->odd[i],
              *nb = lattice->nbr + (size_t)site * 2 * (size_t)lattice->d;
    for (int lane = 0; lane < KAD_W; lane++) {
        H[lane] = xy->beta * xy->h;
        for (int b = 0; !xy->link && b < 2 * lattice->d; b++)
            add_link(xy, &(kad_xy_link){nb[b], xy->J, 0}, y, lane, H);
        for (int b = xy->link ? xy->first[site] : 0; xy->link && b < xy->first[site + 1];
             b++)
            add_link(xy, &xy->link[b], y, lane, H);
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
