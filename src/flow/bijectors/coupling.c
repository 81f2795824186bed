#include "flow/bijectors/coupling.h"

#include "base/memory.h"
#include "flow/parts.h"

#include <string.h>

size_t kad_coupling_scratch_f32(const kad_stage *stage);
size_t kad_coupling_scratch_f64(const kad_stage *stage);

/* Odd outputs from one net and even ones from another, or both from one. */
static void add_nets(kad_stage *stage, kad_coupling *c)
{
    const kad_mlp_shape *shape = &c->shape;
    const bool split = shape->split;
    kad_mlp_lay_out(shape, split ? "t_" : "", c->n_src, c->n_odd, split ? 0 : c->n_even,
                    stage, &c->net[c->n_nets++]);
    if (split)
        kad_mlp_lay_out(shape, "s_", c->n_src, 0, c->n_even, stage, &c->net[c->n_nets++]);
}

static kad_status check(kad_ctx *ctx, const kad_mlp_shape *shape,
                        const kad_transform_ops *transform, int n_src, int n_tgt,
                        int n_parts)
{
    if (n_src < 1 || n_tgt < 1 || n_parts < 1 || shape->n_hidden > KAD_MLP_MAX_LAYERS)
        return kad_fail(ctx, KAD_ECONFIG,
                        "coupling: %d sources, %d targets, %d hidden layers", n_src,
                        n_tgt, shape->n_hidden);
    if (transform->min_comp > 1)
        return kad_fail(
            ctx, KAD_ECONFIG,
            "flow.transform: %s moves %d components together, the couplings of "
            "blocks one at a time",
            transform->name, transform->min_comp);
    if (shape->split && !transform->kern[KAD_DOUBLE]->odd_alone[KAD_GENERATE_ADJOINT])
        return kad_fail(ctx, KAD_ECONFIG,
                        "flow.split: the transform %s does not come apart into a map of "
                        "each net; set flow.split=false",
                        transform->name);
    return KAD_OK;
}

kad_status kad_coupling_create(kad_ctx *ctx, int n_rows, int n_comp,
                               const kad_mlp_shape *shape,
                               const kad_transform_ops *transform, int n_src, int n_tgt,
                               int n_parts, const int *rows, kad_stage *out)
{
    kad_stage stage KAD_CLEARED(kad_stage_clear) = {0};
    *out = (kad_stage){0};
    kad_coupling *c = NULL;
    KAD_CALL(check(ctx, shape, transform, n_src, n_tgt, n_parts));
    KAD_CALL(kad_new(ctx, 1, sizeof *c, &c));
    stage.self = c;
    stage.ops = &kad_coupling_ops;
    stage.n_comp = n_comp;
    stage.n_rows = n_rows;
    *c = (kad_coupling){.transform = transform,
                        .quartic = 1,
                        .n_src = n_src,
                        .n_tgt = n_tgt,
                        .n_parts = n_parts,
                        .n_odd = n_tgt * transform->n_odd[0],
                        .n_even = n_tgt * transform->n_even[0],
                        .shape = *shape};
    const size_t n = (size_t)n_parts * (size_t)(n_src + n_tgt);
    KAD_CALL(kad_new(ctx, n, sizeof(int), &c->rows));
    memcpy(c->rows, rows, n * sizeof(int));
    add_nets(&stage, c);
    c->own = stage.n_theta;
    if (transform->n_own > 0)
        kad_stage_add_tensor(&stage, "scale", n_tgt * transform->n_own, 1);
    if (!stage.tensors)
        return kad_fail(ctx, KAD_ENOMEM, "out of memory for a coupling's parameters");
    c->max_width = n_src > n_tgt ? n_src : n_tgt;
    for (int k = 0; k < shape->n_hidden; k++)
        if (shape->width[k] > c->max_width) c->max_width = shape->width[k];
    stage.packed_bytes[KAD_SINGLE] = 2 * stage.n_theta * sizeof(float);
    stage.packed_bytes[KAD_DOUBLE] = 2 * stage.n_theta * sizeof(double);
    stage.scratch_bytes[KAD_SINGLE] = kad_coupling_scratch_f32(&stage);
    stage.scratch_bytes[KAD_DOUBLE] = kad_coupling_scratch_f64(&stage);
    *out = stage;
    stage = (kad_stage){0};
    return KAD_OK;
}

static void destroy(void *self)
{
    kad_coupling *c = self;
    if (c) kad_free(c->rows);
    if (c) kad_free(c->away);
    kad_free(c);
}

static void init(const kad_stage *stage, kad_rng rng, uint32_t stream, double *theta)
{
    const kad_coupling *c = stage->self;
    const double *start = c->transform->even_start;
    for (int m = 0; m < c->n_nets; m++) {
        const kad_mlp *net = &c->net[m];
        kad_mlp_init(&c->shape, net, rng, stream, theta);
        for (int i = 0; start && i < net->head_a.n_out; i++)
            theta[net->theta + net->head_a.b + (size_t)i] = start[i / c->n_tgt];
    }
    for (size_t i = c->own; i < stage->n_theta; i++)
        theta[i] = c->shape.scale_init;
}

void kad_coupling_set_quartic(kad_stage *stage, double quartic)
{
    kad_coupling *c = stage->self;
    c->quartic = quartic;
}

/* Of those of one component. */
static const kad_transform_ops *nth_transform(int n)
{
    for (int i = 0; kad_transforms[i] != NULL; i++)
        if (kad_transforms[i]->min_comp <= 1 && n-- == 0) return kad_transforms[i];
    return NULL;
}

/* Every kind of net with the affine map, then every registered transform with a net that
 * knows the sign and one that does not. Rows are a permutation. */
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
    enum { N_SHAPES = sizeof shapes / sizeof shapes[0], PLAIN = 1, EQUIVARIANT = 5 };
    const kad_transform_ops *transform = &kad_transform_bounded;
    const kad_mlp_shape *shape = &shapes[variant < N_SHAPES ? variant : PLAIN];
    if (variant >= N_SHAPES) {
        transform = nth_transform((variant - N_SHAPES) / 2);
        if (!transform) return KAD_EUSAGE;
        if (variant % 2) shape = &shapes[EQUIVARIANT];
    }
    const int n_comp = 1 + variant % 3, n_tgt = 1 + variant % 2, n_src = 2 + variant % 2;
    const int each = n_tgt + n_src, n_rows = lattice->n_sites * n_comp;
    const int n_parts = n_rows / each;
    int *rows = kad_alloc((size_t)n_rows, sizeof(int));
    if (!rows) return kad_fail(ctx, KAD_ENOMEM, "out of memory");
    const int stride = n_rows % 7 ? 7 : 1;
    for (int i = 0; i < n_parts * each; i++)
        rows[i] = (i * stride + variant) % n_rows;
    const kad_status status = kad_coupling_create(ctx, n_rows, n_comp, shape, transform,
                                                  n_src, n_tgt, n_parts, rows, out);
    if (status == KAD_OK) kad_coupling_set_quartic(out, 1.5);
    kad_free(rows);
    return status;
}

static kad_status parts(kad_ctx *ctx, const kad_stage *stage, kad_parts *out)
{
    KAD_SCOPE(scope, ctx);
    const kad_coupling *c = stage->self;
    const int n = c->n_src + c->n_tgt;
    int *rows;
    KAD_CALL(kad_parts_of_sites(ctx, 1, c->n_parts, c->n_src, c->n_tgt, c->rows, out));
    KAD_CALL(kad_parts_identity(&scope, n, &rows));
    KAD_CALL(kad_coupling_create(ctx, n, stage->n_comp, &c->shape, c->transform, c->n_src,
                                 c->n_tgt, 1, rows, &out->one));
    kad_coupling_set_quartic(&out->one, c->quartic);
    return KAD_OK;
}

static kad_status share(kad_ctx *ctx, const kad_stage *stage, int first, int n,
                        const int *away, kad_stage *out)
{
    kad_stage shared KAD_CLEARED(kad_stage_clear) = {0};
    *out = (kad_stage){0};
    const kad_coupling *c = stage->self;
    const size_t size = (size_t)(c->n_src + c->n_tgt), n_rows = (size_t)n * size;
    const int *rows = c->rows + (size_t)first * size;
    KAD_CALL(kad_coupling_create(ctx, stage->n_rows, stage->n_comp, &c->shape,
                                 c->transform, c->n_src, c->n_tgt, n, rows, &shared));
    kad_coupling *some = shared.self;
    some->quartic = c->quartic;
    KAD_CALL(kad_new(ctx, n_rows, sizeof *some->away, &some->away));
    for (size_t i = 0; i < n_rows; i++)
        some->away[i] = away[rows[i]];
    *out = shared;
    shared = (kad_stage){0};
    return KAD_OK;
}

const kad_bijector_ops kad_coupling_ops = {
    .name = "coupling",
    .summary =
        "coupling of rows: a masked multilayer perceptron, and any transform of one "
        "component",
    .reference = "Dinh, Sohl-Dickstein, Bengio, arXiv:1605.08803",
    .init = init,
    .destroy = destroy,
    .example = example,
    .kern = {&kad_coupling_kern_f32, &kad_coupling_kern_f64},
    .parts = parts,
    .share = share,
};
