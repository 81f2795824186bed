#include "flow/bijectors/ode.h"

#include "base/memory.h"
#include "flow/bijectors/rk.h"
#include "flow/bijectors/sites.h"

#include <math.h>
#include <string.h>

static void destroy(void *self)
{
    kad_ode *s = self;
    kad_modes_clear(&s->modes);
    kad_hartley_destroy(s->hartley);
    kad_free(s);
}

/* The identity: no weights. Frequencies as evenly over (0, 5) as there are. */
static void init(const kad_stage *stage, kad_rng rng, uint32_t stream, double *theta)
{
    const kad_ode *s = stage->self;
    const int H = s->options.features;
    (void)rng;
    (void)stream;
    memset(theta, 0, stage->n_theta * sizeof *theta);
    for (int f = 0; f < H; f++)
        theta[s->omega + (size_t)f] = 5 * (f + 0.5) / H;
}

/* Scratch of the kernels, in tiles: states and slopes of the method's stages, and nine. */
static void set_sizes(kad_stage *stage)
{
    const kad_ode *s = stage->self;
    const size_t reals[2] = {sizeof(float), sizeof(double)};
    const size_t tiles = 2 * (size_t)KAD_RK_STAGES + 9;
    const size_t F = 1 + (size_t)s->options.features;
    const size_t tables = 2 * ((size_t)s->modes.n_orbits + 1) * F * sizeof(double);
    for (int p = 0; p < 2; p++) {
        const size_t plan = kad_hartley_scratch_bytes(s->hartley, (kad_prec)p);
        stage->packed_bytes[p] = KAD_ODE_HEAD_BYTES + stage->n_theta * reals[p];
        stage->scratch_bytes[p] = tiles * (size_t)stage->n_rows * KAD_ROW_BYTES +
                                  (tables + 63) / 64 * 64 + (plan + 63) / 64 * 64;
    }
}

static kad_status check(kad_ctx *ctx, const kad_lattice *lattice, int n_comp,
                        bool sublattice, const kad_ode_options *o)
{
    if (n_comp != 1)
        return kad_fail(ctx, KAD_EUSAGE, "ode: one component a site, found %d", n_comp);
    if (sublattice && !lattice->bipartite)
        return kad_fail(ctx, KAD_EUSAGE, "ode: the even sublattice needs even extents");
    if (o->features < 1 || o->time_modes < 1 || o->steps < 0 || !(o->tolerance > 0))
        return kad_fail(ctx, KAD_EUSAGE,
                        "ode: %d features, %d modes of time, %d steps, tolerance %g",
                        o->features, o->time_modes, o->steps, o->tolerance);
    return KAD_OK;
}

kad_status kad_ode_create(kad_ctx *ctx, const kad_lattice *lattice, int n_comp,
                          bool sublattice, const kad_ode_options *options, kad_stage *out)
{
    kad_stage stage KAD_CLEARED(kad_stage_clear) = {0};
    kad_ode *s = NULL;
    *out = (kad_stage){0};
    KAD_CALL(check(ctx, lattice, n_comp, sublattice, options));
    kad_stage_begin(&stage, &kad_ode_ops, lattice, n_comp);
    stage.level = -1;
    stage.tolerance = options->tolerance;
    KAD_CALL(kad_new(ctx, 1, sizeof *s, &s));
    stage.self = s;
    s->n_sites = lattice->n_sites;
    s->n_active = sublattice ? lattice->n_sites / 2 : lattice->n_sites;
    s->options = *options;
    s->sublattice = sublattice;
    s->parity = lattice->parity;
    KAD_CALL(kad_modes_create(ctx, lattice, sublattice, &s->modes));
    KAD_CALL(kad_hartley_create(ctx, lattice, 1, &s->hartley));
    s->omega = kad_stage_add_tensor(&stage, "omega", options->features, 1);
    s->weights = kad_stage_add_tensor(&stage, "weights", s->modes.n_orbits,
                                      (1 + options->features) * options->time_modes);
    if (s->weights == SIZE_MAX)
        return kad_fail(ctx, KAD_ENOMEM, "ode: out of memory for its parameters");
    stage.tensors[1].modes = s->modes.khat2;
    set_sizes(&stage);
    *out = stage;
    stage = (kad_stage){0};
    return KAD_OK;
}

/* Variants: one feature, constant in time; three that move; the sublattice, where there is
 * one. */
static kad_status example(kad_ctx *ctx, const kad_lattice *lattice, int variant,
                          kad_stage *out)
{
    if (variant > (lattice->bipartite ? 2 : 1)) return KAD_EUSAGE;
    const kad_ode_options options = {.features = variant == 0 ? 1 : 3,
                                     .time_modes = variant == 0 ? 1 : 2,
                                     .steps = variant == 0 ? 4 : 12,
                                     .tolerance = 1e-4};
    return kad_ode_create(ctx, lattice, 1, variant > 1, &options, out);
}

/* ---- steps --------------------------------------------------------------------------*/

static int steps(const kad_stage *stage, const void *packed)
{
    (void)stage;
    return ((const kad_ode_head *)packed)->steps;
}

static void set_steps(const kad_stage *stage, void *packed, int n)
{
    (void)stage;
    ((kad_ode_head *)packed)->steps = n;
}

static bool is_given(const kad_stage *stage)
{
    return ((const kad_ode *)stage->self)->options.steps > 0;
}

static const kad_solver_ops solver = {.order = KAD_RK_ORDER,
                                      .is_given = is_given,
                                      .steps = steps,
                                      .set_steps = set_steps,
                                      .back = kad_ode_back_f64};

const kad_bijector_ops kad_ode_ops = {
    .name = "ode",
    .summary = "continuous flow: sines of the field, kernels over the whole lattice",
    .reference = "M. Gerdes et al., SciPost Phys. 15, 238 (2023), arXiv:2207.00283",
    .init = init,
    .destroy = destroy,
    .example = example,
    .kern = {&kad_ode_kern_f32, &kad_ode_kern_f64},
    .solver = &solver,
};
