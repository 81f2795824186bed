#include "naive.h"

#include "base/memory.h"
#include "base/signals.h"
#include "flow/bijectors/coupling.h"

#include <math.h>
#include <string.h>

enum { APPS = 64, SITES = 4, LANES = KAD_W_SINGLE };

/* One net, theta its own, on one sample: h_k = elu(W_k h_{k-1} + b_k), then a linear head. */
static void naive_net(const kad_mlp *net, const kad_dense *head, const float *theta,
                      const float *in, float *out)
{
    float h[2][64];
    memcpy(h[0], in, (size_t)net->hidden[0].n_in * sizeof(float));
    int at = 0;
    for (int k = 0; k <= net->n_hidden; k++) {
        const kad_dense *l = k < net->n_hidden ? &net->hidden[k] : head;
        float *to = k < net->n_hidden ? h[1 - at] : out;
        for (int o = 0; o < l->n_out; o++) {
            float sum = theta[l->b + (size_t)o];
            for (int i = 0; i < l->n_in; i++)
                sum += theta[l->w + (size_t)(o * l->n_in + i)] * h[at][i];
            to[o] = k < net->n_hidden && sum <= 0 ? expm1f(sum) : sum;
        }
        at = 1 - at;
    }
}

/* The affine coupling, sample by sample, site by site. */
static void naive_generate(const kad_stage *stage, const float *theta, float *x,
                           double *ld)
{
    const kad_coupling *c = stage->self;
    const kad_mlp *t_net = &c->net[0], *a_net = &c->net[c->n_nets - 1];
    for (int l = 0; l < LANES; l++)
        for (int k = 0; k < c->n_parts; k++) {
            const int *rows = c->rows + k * (c->n_src + c->n_tgt);
            float in[64], t[64], a[64];
            for (int i = 0; i < c->n_src; i++)
                in[i] = x[rows[i] * LANES + l];
            naive_net(t_net, &t_net->head_t, theta + t_net->theta, in, t);
            naive_net(a_net, &a_net->head_a, theta + a_net->theta, in, a);
            for (int j = 0; j < c->n_tgt; j++) {
                const float s = theta[c->own + (size_t)j] * tanhf(a[j]);
                float *y = &x[rows[c->n_src + j] * LANES + l];
                *y = *y * expf(s) + t[j];
                ld[l] += (double)s;
            }
        }
}

/* One of weights and packed is NULL and decides which code runs. */
static double seconds_of(int repeats, const kad_stage *stage, const float *weights,
                         const void *packed, float *x, void *scratch)
{
    double best = 1e300, ld[LANES] = {0};
    for (int k = 0; k < repeats; k++) {
        const double start = kad_wall_seconds();
        if (weights)
            naive_generate(stage, weights, x, ld);
        else
            kad_coupling_kern_f32.generate(stage, packed, x, ld, scratch);
        const double s = kad_wall_seconds() - start;
        if (s < best) best = s;
    }
    return best;
}

int kad_naive_compare(int repeats, FILE *json)
{
    static const kad_mlp_shape shape = {.n_hidden = 3,
                                        .width = {10, 10, 10},
                                        .activation = KAD_ELU,
                                        .split = true,
                                        .scale_init = 0.5};
    kad_ctx ctx;
    kad_stage stage;
    int rows[APPS * SITES];
    kad_ctx_init(&ctx, 1);
    for (int i = 0; i < APPS * SITES; i++)
        rows[i] = i;
    if (kad_coupling_create(&ctx, APPS * SITES, 1, &shape, &kad_transform_bounded, 2, 2,
                            APPS, rows, &stage) != KAD_OK)
        return 1;
    double *theta = kad_alloc(stage.n_theta, sizeof *theta);
    float *weights = kad_alloc(stage.n_theta, sizeof *weights);
    void *packed = kad_alloc(stage.packed_bytes[KAD_SINGLE], 1);
    float *x = kad_alloc((size_t)APPS * SITES * LANES, sizeof *x),
          *y = kad_alloc((size_t)APPS * SITES * LANES, sizeof *y);
    void *scratch = kad_alloc(stage.scratch_bytes[KAD_SINGLE], 1);
    double ld[LANES] = {0}, ld_naive[LANES] = {0}, worst = 0;
    stage.ops->init(&stage, kad_rng_stream(1, KAD_RNG_TEST, 0), 0, theta);
    stage.ops->kern[KAD_SINGLE]->pack(&stage, theta, packed);
    for (size_t i = 0; i < stage.n_theta; i++)
        weights[i] = (float)theta[i];
    for (int i = 0; i < APPS * SITES * LANES; i++)
        x[i] = y[i] = sinf((float)i);
    kad_coupling_kern_f32.generate(&stage, packed, x, ld, scratch);
    naive_generate(&stage, weights, y, ld_naive);
    for (int i = 0; i < APPS * SITES * LANES; i++)
        worst = fmax(worst, fabs((double)(x[i] - y[i])));
    for (int l = 0; l < LANES; l++)
        worst = fmax(worst, fabs(ld[l] - ld_naive[l]) / APPS);
    const double fast = seconds_of(repeats * 20, &stage, NULL, packed, x, scratch);
    const double slow = seconds_of(repeats, &stage, weights, NULL, y, scratch);
    printf("%-22s %-10s tuned %.4f ms, scalar C %.4f ms: %.1f times; largest difference "
           "%.1e\n",
           "naive coupling", "generate", 1e3 * fast, 1e3 * slow, slow / fast, worst);
    if (json)
        fprintf(json,
                "{\"case\": \"naive coupling\", \"ratio\": %.4g, \"difference\": %.3g}\n",
                slow / fast, worst);
    kad_free(theta);
    kad_free(weights);
    kad_free(packed);
    kad_free(x);
    kad_free(y);
    kad_free(scratch);
    kad_stage_clear(&stage);
    return worst < 1e-5 ? 0 : 1;
}
