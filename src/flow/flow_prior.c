/* The prior of a flow on a tile: active sites alone, either precision. */
#include "flow/flow.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

const char *kad_prior_name(size_t i)
{
    for (size_t k = 0; kad_priors[k] != NULL; k++)
        if (k == i) return kad_priors[k]->name;
    return NULL;
}

const kad_prior_ops *kad_prior_find(const char *name)
{
    for (size_t i = 0; kad_priors[i] != NULL; i++)
        if (strcmp(kad_priors[i]->name, name) == 0) return kad_priors[i];
    return NULL;
}

static void load_row(kad_prec prec, size_t n, const void *row, double *out)
{
    for (size_t l = 0; prec == KAD_SINGLE && l < n; l++)
        out[l] = ((const float *)row)[l];
    if (prec == KAD_DOUBLE) memcpy(out, row, n * sizeof *out);
}

static void store_row(kad_prec prec, size_t n, const double *in, void *row)
{
    for (size_t l = 0; prec == KAD_SINGLE && l < n; l++)
        ((float *)row)[l] = (float)in[l];
    if (prec == KAD_DOUBLE) memcpy(row, in, n * sizeof *in);
}

static void draw_normals(const kad_flow *flow, kad_prec prec, kad_rng rng, uint64_t step,
                         uint64_t first_sample, void *z)
{
    const size_t lanes = (size_t)kad_lanes(prec), n_rows = (size_t)flow->n_rows;
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
}

void kad_flow_prior_draw(const kad_flow *flow, kad_prec prec, kad_rng rng, uint64_t step,
                         uint64_t first_sample, void *z)
{
    const size_t lanes = (size_t)kad_lanes(prec);
    const double T = flow->temperature, sigma = sqrt(T);
    draw_normals(flow, prec, rng, step, first_sample, z);
    for (int row = 0; row < flow->n_rows; row++) {
        void *to = (char *)z + (size_t)row * KAD_ROW_BYTES;
        double v[KAD_W_MAX];
        if (!flow->active[row / flow->n_comp]) {
            memset(to, 0, KAD_ROW_BYTES);
            continue;
        }
        if (flow->prior->draw == NULL && sigma == 1) continue;
        load_row(prec, lanes, to, v);
        if (flow->prior->draw)
            flow->prior->draw(T, lanes, v);
        else
            for (size_t l = 0; l < lanes; l++)
                v[l] *= sigma;
        store_row(prec, lanes, v, to);
    }
}

void kad_flow_prior_lnp(const kad_flow *flow, kad_prec prec, const void *z, double *lnp)
{
    const size_t lanes = (size_t)kad_lanes(prec);
    const kad_prior_weight w = flow->prior->weight(flow->temperature);
    const double norm = flow->n_active * flow->n_comp * w.log_z;
    memset(lnp, 0, lanes * sizeof *lnp);
    for (int row = 0; row < flow->n_rows; row++) {
        double v[KAD_W_MAX];
        if (!flow->active[row / flow->n_comp]) continue;
        load_row(prec, lanes, (const char *)z + (size_t)row * KAD_ROW_BYTES, v);
        flow->prior->energy(lanes, v, lnp);
    }
    for (size_t l = 0; l < lanes; l++)
        lnp[l] = -w.b * lnp[l] - norm;
}

void kad_flow_prior_score(const kad_flow *flow, kad_prec prec, const void *z, void *g)
{
    const size_t lanes = (size_t)kad_lanes(prec);
    const double b = flow->prior->weight(flow->temperature).b;
    const double factor = prec == KAD_SINGLE ? (double)(float)-b : -b;
    for (int row = 0; row < flow->n_rows; row++) {
        const size_t at = (size_t)row * KAD_ROW_BYTES;
        double v[KAD_W_MAX], slope[KAD_W_MAX];
        if (!flow->active[row / flow->n_comp]) {
            memset((char *)g + at, 0, KAD_ROW_BYTES);
            continue;
        }
        load_row(prec, lanes, (const char *)z + at, v);
        flow->prior->slope(lanes, v, slope);
        for (size_t l = 0; l < lanes; l++)
            slope[l] *= factor;
        store_row(prec, lanes, slope, (char *)g + at);
    }
}

void kad_flow_prior_wrap(const kad_flow *flow, kad_prec prec, void *z)
{
    const size_t lanes = (size_t)kad_lanes(prec);
    for (int row = 0; row < flow->n_rows && flow->prior->wrap; row++) {
        void *at = (char *)z + (size_t)row * KAD_ROW_BYTES;
        double v[KAD_W_MAX];
        if (!flow->active[row / flow->n_comp]) continue;
        load_row(prec, lanes, at, v);
        flow->prior->wrap(lanes, v);
        store_row(prec, lanes, v, at);
    }
}
