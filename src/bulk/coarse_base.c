/* The Gaussian field u = B z of a Fourier base (stages before the levels, all linear),
 * and the conditional density of its fine sites given the sublattice of stride 2^h,
 *     ln p(u_fine | u_coarse) = ln p(u) - ln p_h(u_coarse),
 *     p_h = normal of covariance C_h(r) = (B B^T)(r), r on the sublattice,
 * diagonal in the coarse lattice's Fourier modes. Without a base there is nothing here to
 * do. Unknown (NaN-free: simply not added) for another prior than the normal one, and for
 * coarse lattices with an extent of 1 beside longer ones. */
#include "bulk/coarse.h"

#include "base/memory.h"
#include "lattice/fourier.h"

#include <math.h>
#include <string.h>

enum { W = KAD_W_DOUBLE };

typedef struct base_level {
    bool known;
    size_t n_modes;
    kad_fourier *fourier; /* NULL: a single site */
    double *weight;       /* [n_modes] multiplicity / C(k) */
    double norm;          /* 1/2 sum_k ln(2 pi C(k)), of one component */
} base_level;

struct kad_coarse_base {
    const kad_coarse *coarse;
    size_t n_scratch;
    base_level level[KAD_BULK_LEVELS];
};

static const char *packed_of(const kad_coarse *coarse, const kad_stage *s)
{
    return (const char *)kad_map_packed(coarse->bulk->map, KAD_DOUBLE) +
           s->packed[KAD_DOUBLE];
}

/* Row of the covariance: C[row] = T (B B^T)_{row, 0} in lane 0 of `x`. */
static void covariance(const kad_coarse *coarse, double *x, double *g, void *scratch)
{
    const kad_flow *flow = coarse->bulk->model->flow;
    double ld[W] = {0};
    g[0] = flow->temperature;
    for (int i = coarse->n_base - 1; i >= 0; i--) {
        const kad_stage *s = &flow->stages[i];
        s->ops->kern[KAD_DOUBLE]->generate_adjoint(s, packed_of(coarse, s), x, g, 0, NULL,
                                                   NULL, scratch);
    }
    for (int i = 0; i < coarse->n_base; i++) {
        const kad_stage *s = &flow->stages[i];
        s->ops->kern[KAD_DOUBLE]->generate(s, packed_of(coarse, s), g, ld, scratch);
    }
}

/* C(k) = sum_r C(r) cos(k.r) of mode k of the half spectrum, numbered as in fourier.h. */
static double spectrum(const kad_coarse *coarse, const kad_coarse_level *level, size_t k,
                       const double *C, int *last)
{
    const int d = coarse->bulk->model->flow->lattice->d;
    const size_t n_comp = (size_t)coarse->bulk->model->flow->n_comp;
    int mode[KAD_MAX_DIM] = {0};
    double sum = 0;
    for (int mu = d - 1; mu >= 0; mu--) {
        const int n = mu == d - 1 ? level->extent[mu] / 2 + 1 : level->extent[mu];
        mode[mu] = (int)(k % (size_t)n);
        k /= (size_t)n;
    }
    *last = mode[d - 1];
    for (int i = 0; i < level->n_sites; i++) {
        double phase = 0;
        for (int mu = d - 1, rest = i; mu >= 0; mu--) {
            phase += (double)mode[mu] * (rest % level->extent[mu]) / level->extent[mu];
            rest /= level->extent[mu];
        }
        sum += C[(size_t)level->site[i] * n_comp * W] * cos(2 * M_PI * phase);
    }
    return sum;
}

static void end_fourier(void *fourier)
{
    kad_fourier_destroy(fourier);
}

static kad_status make_level(kad_scope *in, const kad_coarse *coarse,
                             const kad_coarse_level *level, const double *C,
                             base_level *out)
{
    const int d = coarse->bulk->model->flow->lattice->d;
    const int length = level->extent[d - 1];
    if (level->lattice == NULL && level->n_sites > 1) return KAD_OK;
    out->n_modes = 1;
    if (level->lattice != NULL) {
        KAD_CALL(kad_fourier_create(in->ctx, level->lattice, &out->fourier));
        KAD_CALL(kad_defer(in, end_fourier, out->fourier));
        out->n_modes = kad_fourier_n_modes(out->fourier);
    }
    KAD_CALL(kad_take(in, out->n_modes, &out->weight));
    out->known = true;
    for (size_t k = 0; k < out->n_modes; k++) {
        int last;
        const double c = spectrum(coarse, level, k, C, &last);
        const double twice = last == 0 || 2 * last == length ? 1 : 2;
        out->known = out->known && c > 0;
        out->weight[k] = twice / c;
        out->norm += 0.5 * twice * log(2 * M_PI * c);
    }
    return KAD_OK;
}

kad_status kad_coarse_base_create(kad_scope *in, const kad_coarse *coarse,
                                  kad_coarse_base **out)
{
    KAD_SCOPE(scope, in->ctx);
    const kad_flow *flow = coarse->bulk->model->flow;
    kad_coarse_base *base;
    double *x, *g;
    char *scratch;
    KAD_CALL(kad_take(in, 1, &base));
    *out = base;
    base->coarse = coarse;
    base->n_scratch = 1;
    if (coarse->n_base == 0 || !flow->prior->gaussian) return KAD_OK;
    KAD_CALL(kad_scope_take(&scope, (size_t)flow->n_rows, KAD_ROW_BYTES, &x));
    KAD_CALL(kad_scope_take(&scope, (size_t)flow->n_rows, KAD_ROW_BYTES, &g));
    KAD_CALL(kad_take(&scope, flow->scratch_bytes[KAD_DOUBLE], &scratch));
    covariance(coarse, x, g, scratch);
    for (int h = 1; h < coarse->n_levels; h++) {
        base_level *level = &base->level[h];
        KAD_CALL(make_level(in, coarse, &coarse->level[h], g, level));
        const size_t modes = (level->n_modes + 7) / 8 * 8;
        const size_t sites = ((size_t)coarse->level[h].n_sites + 7) / 8 * 8;
        const size_t need =
            modes + sites + (level->fourier ? kad_fourier_scratch(level->fourier) : 0);
        if (need > base->n_scratch) base->n_scratch = need;
    }
    return KAD_OK;
}

bool kad_coarse_base_known(const kad_coarse_base *base, int level)
{
    return base->coarse->n_base == 0 || base->level[level].known;
}

size_t kad_coarse_base_scratch(const kad_coarse_base *base)
{
    return base->n_scratch;
}

/* ln p_h of the coarse sites of one lane, all components. */
static double coarse_density(const kad_coarse_base *base, int h, const double *u,
                             size_t lane, double *work)
{
    const kad_coarse_level *level = &base->coarse->level[h];
    const base_level *own = &base->level[h];
    const size_t n_comp = (size_t)base->coarse->bulk->model->flow->n_comp;
    const size_t n_sites = (size_t)level->n_sites;
    double *P = work, *field = P + (own->n_modes + 7) / 8 * 8,
           *scratch = field + (n_sites + 7) / 8 * 8, sum = 0;
    for (size_t c = 0; c < n_comp; c++) {
        for (size_t i = 0; i < n_sites; i++)
            field[i] = u[((size_t)level->site[i] * n_comp + c) * W + lane];
        memset(P, 0, own->n_modes * sizeof *P);
        if (own->fourier != NULL)
            kad_fourier_power(own->fourier, field, P, scratch);
        else
            P[0] = field[0] * field[0];
        for (size_t k = 0; k < own->n_modes; k++)
            sum -= 0.5 * own->weight[k] * P[k];
        sum -= own->norm;
    }
    return sum;
}

void kad_coarse_base_densities(const kad_coarse_base *base, double *u, size_t n,
                               double lnp[][KAD_W_DOUBLE], double *work, void *scratch)
{
    const kad_coarse *coarse = base->coarse;
    const kad_flow *flow = coarse->bulk->model->flow;
    double all[W] = {0}, prior[W];
    for (int h = 1; h < coarse->n_levels; h++)
        for (size_t l = 0; l < n; l++)
            lnp[h][l] = base->level[h].known ? -coarse_density(base, h, u, l, work) : 0;
    for (int i = coarse->n_base - 1; i >= 0; i--) {
        const kad_stage *s = &flow->stages[i];
        s->ops->kern[KAD_DOUBLE]->infer(s, packed_of(coarse, s), u, all, scratch);
    }
    kad_flow_prior_lnp(flow, KAD_DOUBLE, u, prior);
    for (int h = 1; h < coarse->n_levels; h++)
        for (size_t l = 0; l < n; l++)
            lnp[h][l] += all[l] + prior[l];
}
