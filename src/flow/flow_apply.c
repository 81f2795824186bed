/* A flow on one tile: stages in order, and the prior. */
#include "flow/flow.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

static const void *packed_of(const kad_stage *s, kad_prec prec, const void *packed)
{
    return (const char *)packed + s->packed[prec];
}

void kad_flow_pack(const kad_flow *flow, kad_prec prec, const double *theta, void *packed)
{
    for (int i = 0; i < flow->n_stages; i++) {
        const kad_stage *s = &flow->stages[i];
        s->ops->kern[prec]->pack(s, theta + s->theta, (char *)packed + s->packed[prec]);
    }
}

void kad_flow_generate(const kad_flow *flow, kad_prec prec, const void *packed, void *x,
                       double *ld, void *scratch)
{
    for (int i = 0; i < flow->n_stages; i++) {
        const kad_stage *s = &flow->stages[i];
        s->ops->kern[prec]->generate(s, packed_of(s, prec, packed), x, ld, scratch);
    }
}

void kad_flow_infer(const kad_flow *flow, kad_prec prec, const void *packed, void *x,
                    double *ld, void *scratch)
{
    for (int i = flow->n_stages - 1; i >= 0; i--) {
        const kad_stage *s = &flow->stages[i];
        s->ops->kern[prec]->infer(s, packed_of(s, prec, packed), x, ld, scratch);
    }
}

static void *slice(const kad_stage *s, kad_prec prec, void *dtheta)
{
    const size_t size = prec == KAD_SINGLE ? sizeof(float) : sizeof(double);
    return dtheta ? (char *)dtheta + s->theta * size : NULL;
}

void kad_flow_generate_adjoint(const kad_flow *flow, kad_prec prec, const void *packed,
                               void *x, void *g, double gl, void *dtheta, double *ld,
                               void *scratch)
{
    for (int i = flow->n_stages - 1; i >= 0; i--) {
        const kad_stage *s = &flow->stages[i];
        s->ops->kern[prec]->generate_adjoint(s, packed_of(s, prec, packed), x, g, gl,
                                             slice(s, prec, dtheta), ld, scratch);
    }
}

void kad_flow_infer_adjoint(const kad_flow *flow, kad_prec prec, const void *packed,
                            void *x, void *g, double gl, void *dtheta, double *ld,
                            void *scratch)
{
    for (int i = 0; i < flow->n_stages; i++) {
        const kad_stage *s = &flow->stages[i];
        s->ops->kern[prec]->infer_adjoint(s, packed_of(s, prec, packed), x, g, gl,
                                          slice(s, prec, dtheta), ld, scratch);
    }
}

/* Laplace with unit variance has scale b = 1/sqrt 2. From a standard normal u: the same
 * quantile. */
static double laplace_of_normal(double u)
{
    const double tail = 0.5 * erfc(fabs(u) / sqrt(2.0)); /* P(|.| beyond) on one side */
    return copysign(-log(2 * tail) / sqrt(2.0), u);
}

void kad_flow_prior_draw(const kad_flow *flow, kad_prec prec, kad_rng rng, uint64_t step,
                         uint64_t first_sample, void *z)
{
    const size_t lanes = (size_t)kad_lanes(prec), n_rows = (size_t)flow->n_rows;
    const double sigma = sqrt(flow->temperature);
    for (size_t row = 0; row < n_rows; row += 4) {
        /* the last quad may stick out: draw it aside */
        _Alignas(KAD_ALIGN) char quad[4 * KAD_ROW_BYTES];
        const size_t left = n_rows - row < 4 ? n_rows - row : 4;
        char *to = (char *)z + row * KAD_ROW_BYTES;
        void *into = left == 4 ? to : quad;
        if (prec == KAD_SINGLE)
            kad_rng_normal_rows_f32(rng, step, first_sample, (uint32_t)(row / 4), lanes,
                                    lanes, into);
        else
            kad_rng_normal_rows_f64(rng, step, first_sample, (uint32_t)(row / 4), lanes,
                                    lanes, into);
        if (left < 4) memcpy(to, quad, left * KAD_ROW_BYTES);
    }
    for (int row = 0; row < flow->n_rows; row++) {
        void *to = (char *)z + (size_t)row * KAD_ROW_BYTES;
        if (!flow->active[row / flow->n_comp]) {
            memset(to, 0, KAD_ROW_BYTES);
            continue;
        }
        if (flow->prior == KAD_PRIOR_NORMAL && sigma == 1) continue;
        for (size_t l = 0; l < lanes; l++) {
            const double u = prec == KAD_SINGLE ? ((float *)to)[l] : ((double *)to)[l];
            const double v =
                sigma * (flow->prior == KAD_PRIOR_NORMAL ? u : laplace_of_normal(u));
            if (prec == KAD_SINGLE)
                ((float *)to)[l] = (float)v;
            else
                ((double *)to)[l] = v;
        }
    }
}

void kad_flow_prior_lnp(const kad_flow *flow, kad_prec prec, const void *z, double *lnp)
{
    const int lanes = kad_lanes(prec);
    const double n = flow->n_active * flow->n_comp, T = flow->temperature;
    const bool normal = flow->prior == KAD_PRIOR_NORMAL;
    for (int l = 0; l < lanes; l++)
        lnp[l] = 0;
    for (int row = 0; row < flow->n_rows; row++) {
        if (!flow->active[row / flow->n_comp]) continue;
        const size_t at = (size_t)row * (size_t)lanes;
        for (int l = 0; l < lanes; l++) {
            const double v = prec == KAD_SINGLE ? ((const float *)z)[at + (size_t)l]
                                                : ((const double *)z)[at + (size_t)l];
            lnp[l] += normal ? v * v : fabs(v);
        }
    }
    const double norm = normal ? 0.5 * n * log(2 * M_PI * T) : 0.5 * n * log(2 * T);
    const double factor = normal ? 0.5 / T : sqrt(2 / T);
    for (int l = 0; l < lanes; l++)
        lnp[l] = -factor * lnp[l] - norm;
}

void kad_flow_prior_score(const kad_flow *flow, kad_prec prec, const void *z, void *g)
{
    const size_t n = (size_t)flow->n_rows * (size_t)kad_lanes(prec);
    const double factor = flow->prior == KAD_PRIOR_NORMAL ? -1 / flow->temperature
                                                          : -sqrt(2 / flow->temperature);
    const bool normal = flow->prior == KAD_PRIOR_NORMAL;
    /* inactive rows are zero in z and so in g */
    if (prec == KAD_SINGLE) {
        const float *v = z;
        float *out = g;
        for (size_t i = 0; i < n; i++)
            out[i] =
                (float)factor * (normal ? v[i] : (float)(v[i] > 0) - (float)(v[i] < 0));
    } else {
        const double *v = z;
        double *out = g;
        for (size_t i = 0; i < n; i++)
            out[i] = factor * (normal ? v[i] : (double)(v[i] > 0) - (double)(v[i] < 0));
    }
}
