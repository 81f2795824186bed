/* Exact draws of decimated sites, all lanes at once; double only, whatever the tile.
 *
 * Rejection as in single_site.c: Gaussian proposals of mean h / 2c, variance 1 / 2c,
 * accepted with probability exp(-lambda (|phi|^2 - b)^2), c = mu + 2 lambda b. The
 * exponent is compared with (z^2 + z'^2)/2 of two further normals, an exponential
 * variable. c is one Newton step towards the best envelope from c = 1 / 4F'(s), which
 * gives the proposal the right mean; the draw is exact for any c > 0. A fixed number of
 * attempts is made for every lane, the few lanes still open are finished one by one with
 * another key: so the numbers a sample uses do not depend on its neighbours. */
#include "models/phi4.h"

#if KAD_PREC == 64

#include "base/vmath.h"
#include "models/radial_kern.h"

#define LANES KAD_W_MAX

typedef struct envelope {
    _Alignas(64) double centre[LANES]; /* 1 / 2c */
    _Alignas(64) double sigma[LANES], b[LANES];
} envelope;

static void make_envelope(const kad_phi4 *phi4, int n_lanes, const double *h, double *F,
                          envelope *e)
{
    const double mu = phi4->now.mu, lambda = phi4->now.lambda;
    const int n = phi4->action.n_comp;
    const double nl = n * lambda, inverse = lambda > 0 ? 0.5 / lambda : 0;
    for (int lane = 0; lane < n_lanes; lane += KAD_V) {
        vreal s = {0}, f, df;
        for (int a = 0; a < n; a++) {
            const vreal ha = *(const vreal *)(h + a * LANES + lane);
            s += ha * ha;
        }
        radial_eval(phi4->table, s, &f, &df);
        const vreal c0 = 0.25 / df;
        const vreal p = ((c0 - mu) * c0 - nl) * c0 - 0.5 * lambda * s;
        const vreal dp = (3 * c0 - 2 * mu) * c0 - nl;
        const vreal c1 = c0 - p / dp;
        /* the step only where it is to a sensible place */
        const kad_vmask low = kad_vgt(c0 * 0.25, c1), high = kad_vgt(c1, c0 * 4);
        const vreal c = kad_vselect(low, c0, kad_vselect(high, c0, c1));
        *(vreal *)(F + lane) = f;
        *(vreal *)(e->centre + lane) = 0.5 / c;
        *(vreal *)(e->sigma + lane) = kad_vsqrt(0.5 / c);
        *(vreal *)(e->b + lane) = (c - mu) * inverse;
    }
}

/* One attempt on every lane; open[lane] is 1 until a draw is accepted, then 0. Returns
 * how many remain. */
static int attempt(const kad_phi4 *phi4, int n_lanes, const envelope *e, const double *h,
                   const double *z, double *phi, double *open)
{
    const int n = phi4->action.n_comp;
    const double lambda = phi4->now.lambda;
    vreal remaining = {0};
    for (int lane = 0; lane < n_lanes; lane += KAD_V) {
        const vreal centre = *(const vreal *)(e->centre + lane);
        const vreal sigma = *(const vreal *)(e->sigma + lane);
        vreal y[3], s = {0}, *is_open = (vreal *)(open + lane);
        for (int a = 0; a < n; a++) {
            y[a] = centre * *(const vreal *)(h + a * LANES + lane) +
                   sigma * *(const vreal *)(z + a * LANES + lane);
            s += y[a] * y[a];
        }
        const vreal z0 = *(const vreal *)(z + n * LANES + lane);
        const vreal z1 = *(const vreal *)(z + (n + 1) * LANES + lane);
        const vreal q = s - *(const vreal *)(e->b + lane);
        const vreal excess = 0.5 * (z0 * z0 + z1 * z1) - lambda * q * q;
        const kad_vmask accept = kad_vgt(excess, (vreal){0});
        const kad_vmask was_open = kad_vgt(*is_open, (vreal){0});
        for (int a = 0; a < n; a++) {
            vreal *x = (vreal *)(phi + a * LANES + lane);
            *x = kad_vselect(was_open, y[a], *x);
        }
        *is_open = kad_vselect(accept, (vreal){0}, *is_open);
        remaining += *is_open;
    }
    double sum = 0;
    for (int l = 0; l < KAD_V; l++)
        sum += remaining[l];
    return (int)sum;
}

void kad_phi4_draw_lanes(const kad_phi4 *phi4, kad_rng rng, uint64_t step,
                         uint64_t first_sample, int i, int n_lanes, const double *h,
                         double *phi, double *F)
{
    const int n = phi4->action.n_comp, n_quads = n < 3 ? 1 : 2;
    const uint32_t stride = (uint32_t)phi4->n_half;
    _Alignas(64) double z[8 * LANES];
    _Alignas(64) double open[LANES];
    envelope e;
    int n_open = n_lanes;
    make_envelope(phi4, n_lanes, h, F, &e);
    for (int lane = 0; lane < n_lanes; lane++)
        open[lane] = 1;
    for (int k = 0; k < phi4->site.n_attempts && n_open > 0; k++) {
        for (int quad = 0; quad < n_quads; quad++)
            kad_rng_normal_rows_f64(rng, step, first_sample,
                                    (uint32_t)(2 * k + quad) * stride + (uint32_t)i,
                                    (size_t)n_lanes, LANES, z + (size_t)quad * 4 * LANES);
        n_open = attempt(phi4, n_lanes, &e, h, z, phi, open);
    }
    rng.key[0] ^= UINT32_C(0x5bd1e995);
    for (int lane = 0; lane < n_lanes && n_open > 0; lane++) {
        if (open[lane] == 0) continue;
        double field[3], drawn[3];
        for (int a = 0; a < n; a++)
            field[a] = h[a * LANES + lane];
        kad_single_site_draw(&phi4->site, rng, step, first_sample + (uint64_t)lane,
                             (uint32_t)i, stride, field, drawn);
        for (int a = 0; a < n; a++)
            phi[a * LANES + lane] = drawn[a];
    }
}

#endif
