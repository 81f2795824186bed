#include "flow/bijectors/coupling.h"

#include "base/memory.h"
#include "flow/parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

size_t kad_coupling_scratch_f32(const kad_stage *stage);
size_t kad_coupling_scratch_f64(const kad_stage *stage);

static kad_dense add_layer(kad_stage *stage, size_t origin, const char *prefix, int index,
                           int n_out, int n_in, bool bias)
{
    char name[KAD_NAME_MAX];
    kad_dense l = {.n_in = n_in, .n_out = n_out, .b = SIZE_MAX};
    snprintf(name, sizeof name, "%sw%d", prefix, index);
    l.w = kad_stage_add_tensor(stage, name, n_out, n_in) - origin;
    if (bias) {
        snprintf(name, sizeof name, "%sb%d", prefix, index);
        l.b = kad_stage_add_tensor(stage, name, n_out, 1) - origin;
    }
    return l;
}

static void add_net(kad_stage *stage, kad_coupling *c, const char *prefix, bool head_t,
                    bool head_a)
{
    const kad_mlp_shape *shape = &c->shape;
    kad_mlp *net = &c->net[c->n_nets++];
    int n_in = c->n_src;
    net->theta = stage->n_theta;
    net->n_hidden = shape->n_hidden;
    net->activation = shape->equivariant ? KAD_TANH : shape->activation;
    net->square = shape->equivariant && head_a;
    for (int k = 0; k < shape->n_hidden; k++) {
        net->hidden[k] = add_layer(stage, net->theta, prefix, k + 1, shape->width[k],
                                   n_in, !shape->equivariant);
        n_in = shape->width[k];
        net->n_features += n_in * (net->activation == KAD_SILU ? 2 : 1);
    }
    if (net->square) net->n_features += n_in;
    if (head_t)
        net->head_t =
            add_layer(stage, net->theta, "t_", 0, c->n_tgt, n_in, !shape->equivariant);
    if (head_a) net->head_a = add_layer(stage, net->theta, "s_", 0, c->n_tgt, n_in, true);
    net->n_theta = stage->n_theta - net->theta;
}

kad_status kad_coupling_create(kad_ctx *ctx, int n_rows, int n_comp,
                               const kad_mlp_shape *shape, int n_src, int n_tgt,
                               int n_apps, const int *rows, kad_stage *out)
{
    kad_status status = KAD_OK;
    memset(out, 0, sizeof *out);
    kad_coupling *c = NULL;
    if (n_src < 1 || n_tgt < 1 || n_apps < 1 || shape->n_hidden > KAD_MLP_MAX_LAYERS)
        return kad_fail(ctx, KAD_ECONFIG,
                        "coupling: %d sources, %d targets, %d hidden layers", n_src,
                        n_tgt, shape->n_hidden);
    KAD_TRY(kad_new(ctx, 1, sizeof *c, &c));
    out->self = c;
    out->ops = &kad_coupling_ops;
    out->n_comp = n_comp;
    out->n_rows = n_rows;
    *c =
        (kad_coupling){.n_src = n_src, .n_tgt = n_tgt, .n_apps = n_apps, .shape = *shape};
    const size_t n = (size_t)n_apps * (size_t)(n_src + n_tgt);
    KAD_TRY(kad_new(ctx, n, sizeof(int), &c->rows));
    memcpy(c->rows, rows, n * sizeof(int));
    if (shape->split) {
        add_net(out, c, "t_", true, false);
        add_net(out, c, "s_", false, true);
    } else {
        add_net(out, c, "", true, true);
    }
    c->c = kad_stage_add_tensor(out, "scale", n_tgt, 1);
    if (c->c == SIZE_MAX) {
        status = kad_fail(ctx, KAD_ENOMEM, "out of memory for a coupling's parameters");
        goto done;
    }
    c->max_width = n_src > n_tgt ? n_src : n_tgt;
    for (int k = 0; k < shape->n_hidden; k++)
        if (shape->width[k] > c->max_width) c->max_width = shape->width[k];
    out->packed_bytes[KAD_SINGLE] = 2 * out->n_theta * sizeof(float);
    out->packed_bytes[KAD_DOUBLE] = 2 * out->n_theta * sizeof(double);
    out->scratch_bytes[KAD_SINGLE] = kad_coupling_scratch_f32(out);
    out->scratch_bytes[KAD_DOUBLE] = kad_coupling_scratch_f64(out);
done:
    if (status != KAD_OK) kad_stage_clear(out);
    return status;
}

static void destroy(void *self)
{
    kad_coupling *c = self;
    if (c) kad_free(c->rows);
    kad_free(c);
}

/* N(0, gain^2 / n_in) weights, zero biases. */
static void init_layer(const kad_mlp *net, const kad_dense *l, double gain, kad_rng rng,
                       uint32_t stream, double *theta)
{
    for (size_t i = 0; i < (size_t)l->n_out * (size_t)l->n_in; i++) {
        double two[2];
        const size_t at = net->theta + l->w + i;
        kad_rng_normal2(rng, stream, at, 0, two);
        theta[at] = gain * two[0] / sqrt(l->n_in);
    }
}

static void init(const kad_stage *stage, kad_rng rng, uint32_t stream, double *theta)
{
    const kad_coupling *c = stage->self;
    memset(theta, 0, stage->n_theta * sizeof(double));
    for (int m = 0; m < c->n_nets; m++) {
        const kad_mlp *net = &c->net[m];
        for (int k = 0; k < net->n_hidden; k++)
            init_layer(net, &net->hidden[k], 1.0, rng, stream, theta);
        const double last = c->shape.zero_last ? 0.0 : 0.1;
        init_layer(net, &net->head_t, last, rng, stream, theta);
        init_layer(net, &net->head_a, last, rng, stream, theta);
    }
    for (int j = 0; j < c->n_tgt; j++)
        theta[c->c + (size_t)j] = c->shape.scale_init;
}

/* Applications along the last axis: targets on one parity of pairs, sources on the other.
 */
static kad_status example(kad_ctx *ctx, const kad_lattice *lattice, int variant,
                          kad_stage *out)
{
    static const kad_mlp_shape shapes[] = {
        {.n_hidden = 3,
         .width = {10, 10, 10},
         .activation = KAD_ELU,
         .split = true,
         .scale_init = 0.5},
        {.n_hidden = 2, .width = {12, 7}, .activation = KAD_ELU, .scale_init = 1},
        {.n_hidden = 1, .width = {9}, .activation = KAD_TANH, .scale_init = 0.7},
        {.n_hidden = 2, .width = {11, 26}, .activation = KAD_SILU, .scale_init = 1},
        {.n_hidden = 1,
         .width = {3},
         .activation = KAD_SILU,
         .split = true,
         .scale_init = 1},
        {.n_hidden = 2,
         .width = {8, 5},
         .activation = KAD_TANH,
         .equivariant = true,
         .scale_init = 1},
        {.n_hidden = 2,
         .width = {6, 4},
         .activation = KAD_TANH,
         .equivariant = true,
         .split = true,
         .scale_init = 1},
        {.n_hidden = 0, .activation = KAD_ELU, .scale_init = 1},
        {.n_hidden = 0, .activation = KAD_ELU, .split = true, .scale_init = 1},
        {.n_hidden = 0, .split = true, .equivariant = true, .scale_init = 1},
    };
    if (variant < 0 || variant >= (int)(sizeof shapes / sizeof shapes[0]))
        return KAD_EUSAGE;
    const int n_comp = 1 + variant % 3, n_tgt = 1 + variant % 2, n_src = 2 + variant % 2;
    const int each = n_tgt + n_src, n_rows = lattice->n_sites * n_comp;
    const int n_apps = n_rows / each;
    int *rows = kad_alloc((size_t)n_rows, sizeof(int));
    if (!rows) return kad_fail(ctx, KAD_ENOMEM, "out of memory");
    const int stride = n_rows % 7 ? 7 : 1; /* a permutation of the rows */
    for (int i = 0; i < n_apps * each; i++)
        rows[i] = (i * stride + variant) % n_rows;
    const kad_status status = kad_coupling_create(ctx, n_rows, n_comp, &shapes[variant],
                                                  n_src, n_tgt, n_apps, rows, out);
    kad_free(rows);
    return status;
}

static kad_status parts(kad_ctx *ctx, const kad_stage *stage, kad_parts *out)
{
    kad_status status = KAD_OK;
    const kad_coupling *c = stage->self;
    const int n = c->n_src + c->n_tgt;
    int *rows = NULL;
    KAD_TRY(kad_parts_of_sites(ctx, 1, c->n_apps, c->n_src, c->n_tgt, c->rows, out));
    KAD_TRY(kad_parts_identity(ctx, n, &rows));
    KAD_TRY(kad_coupling_create(ctx, n, stage->n_comp, &c->shape, c->n_src, c->n_tgt, 1,
                                rows, &out->one));
done:
    kad_free(rows);
    return status;
}

const kad_bijector_ops kad_coupling_ops = {
    .name = "coupling",
    .summary = "affine coupling with a masked multilayer perceptron",
    .reference = "Dinh, Sohl-Dickstein, Bengio, arXiv:1605.08803",
    .init = init,
    .destroy = destroy,
    .example = example,
    .kern = {&kad_coupling_kern_f32, &kad_coupling_kern_f64},
    .parts = parts,
};
