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
    kad_free(s->mark);
    kad_free(s->site);
    kad_free(s);
}

/* The identity: no weights. Frequencies as evenly over (0, 5) as there are; a linear feature
 * of all sites, and one of every class but the first. */
static void init(const kad_stage *stage, kad_rng rng, uint32_t stream, double *theta)
{
    const kad_ode *s = stage->self;
    const int H = s->options.features;
    (void)rng;
    (void)stream;
    memset(theta, 0, stage->n_theta * sizeof *theta);
    for (int f = 0; f < H; f++)
        theta[s->omega + (size_t)f] = 5 * (f + 0.5) / H;
    for (int f = 0; s->n_marks > 1 && f < s->n_features; f++)
        for (int c = 0; c < s->n_marks; c++)
            theta[s->marks + (size_t)(f * s->n_marks + c)] =
                f == 0 || f >= s->n_linear || f == c;
}

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* Scratch of the kernels, in tiles: states, velocities and slopes of the method's stages,
 * and nine; tables; what the norm of the Jacobian is made of. */
static void set_sizes(kad_stage *stage)
{
    const kad_ode *s = stage->self;
    const size_t reals[2] = {sizeof(float), sizeof(double)};
    const size_t tiles = 3 * (size_t)KAD_RK_STAGES + 10;
    const size_t n_rows = (size_t)(s->n_sites * stage->n_comp);
    const size_t F = (size_t)s->n_features, rows = (size_t)s->modes.n_orbits + 1;
    const size_t tables = (2 * rows + (size_t)s->n_marks) * F * sizeof(double);
    const size_t norm = (F * F + 2 * F) * KAD_ROW_BYTES + F * F * sizeof(double);
    for (int p = 0; p < 2; p++) {
        const size_t plan = kad_hartley_scratch_bytes(s->hartley, (kad_prec)p);
        stage->packed_bytes[p] = KAD_ODE_HEAD_BYTES + stage->n_theta * reals[p];
        stage->scratch_bytes[p] = tiles * n_rows * KAD_ROW_BYTES + aligned(tables) +
                                  aligned(norm) + aligned(plan);
    }
}

static kad_status check(kad_ctx *ctx, const kad_lattice *lattice, bool sublattice,
                        const kad_ode_options *o)
{
    if (sublattice && !lattice->bipartite)
        return kad_fail(ctx, KAD_EUSAGE, "ode: the even sublattice needs even extents");
    if (o->features < 1 || o->time_modes < 1 || o->time_modes > KAD_ODE_TIME_MODES ||
        o->steps < 0 || !(o->tolerance > 0))
        return kad_fail(ctx, KAD_EUSAGE,
                        "ode: %d features, %d modes of time, %d steps, tolerance %g",
                        o->features, o->time_modes, o->steps, o->tolerance);
    return KAD_OK;
}

/* The sublattice of a stride - only its shape: an axis may be a single site - and where its
 * sites are. */
static kad_status make_sites(kad_ctx *ctx, const kad_lattice *lattice, kad_ode *s,
                             kad_lattice *own)
{
    const int stride = s->options.stride > 1 ? s->options.stride : 1;
    int at[KAD_MAX_DIM];
    *own = (kad_lattice){.d = lattice->d, .shape = {1, 1, 1}, .n_sites = 1};
    for (int mu = 0; mu < lattice->d; mu++) {
        if (stride > 1 && (lattice->shape[mu] % stride != 0 || s->sublattice))
            return kad_fail(ctx, KAD_EUSAGE, "ode: a stride of %d on an axis of %d sites",
                            stride, lattice->shape[mu]);
        own->shape[mu] = lattice->shape[mu] / stride;
        own->n_sites *= own->shape[mu];
    }
    s->n_sites = own->n_sites;
    if (stride == 1) return KAD_OK;
    KAD_CALL(kad_new(ctx, (size_t)s->n_sites, sizeof *s->site, &s->site));
    for (int i = 0; i < s->n_sites; i++) {
        kad_lattice_coords(own, i, at);
        for (int mu = 0; mu < lattice->d; mu++)
            at[mu] *= stride;
        s->site[i] = kad_lattice_site(lattice, at);
    }
    return KAD_OK;
}

/* Classes, numbered without those that have no active site. */
static kad_status make_marks(kad_ctx *ctx, const kad_lattice *lattice, kad_ode *s)
{
    int number[1 << KAD_MAX_DIM];
    memset(number, -1, sizeof number);
    s->n_marks = 0;
    KAD_CALL(kad_new(ctx, (size_t)s->n_sites, 1, &s->mark));
    for (int i = 0; i < s->n_sites; i++) {
        int at[KAD_MAX_DIM], c = 0;
        if (s->sublattice && s->parity[i]) continue;
        kad_lattice_coords(lattice, i, at);
        for (int mu = 0; mu < lattice->d && s->options.marks; mu++)
            if (lattice->shape[mu] % 2 == 0) c |= (at[mu] & 1) << mu;
        if (number[c] < 0) number[c] = s->n_marks++;
        s->mark[i] = (uint8_t)number[c];
        s->n_marked[number[c]]++;
        s->n_active++;
    }
    s->n_linear = s->n_marks;
    s->n_features = s->n_linear + s->options.features;
    return KAD_OK;
}

static bool add_tensors(kad_stage *stage, kad_ode *s)
{
    s->omega = kad_stage_add_tensor(stage, "omega", s->options.features, 1);
    s->weights = kad_stage_add_tensor(stage, "weights", s->modes.n_orbits,
                                      s->n_features * s->options.time_modes);
    s->marks = s->weights;
    if (s->n_marks > 1)
        s->marks = kad_stage_add_tensor(stage, "marks", s->n_features, s->n_marks);
    if (s->weights == SIZE_MAX || s->marks == SIZE_MAX) return false;
    stage->tensors[1].modes = s->modes.khat2;
    return true;
}

kad_status kad_ode_create(kad_ctx *ctx, const kad_lattice *lattice, int n_comp,
                          bool sublattice, const kad_ode_options *options, kad_stage *out)
{
    kad_stage stage KAD_CLEARED(kad_stage_clear) = {0};
    kad_lattice own;
    kad_ode *s = NULL;
    *out = (kad_stage){0};
    KAD_CALL(check(ctx, lattice, sublattice, options));
    kad_stage_begin(&stage, &kad_ode_ops, lattice, n_comp);
    stage.level = -1;
    stage.tolerance = options->tolerance;
    KAD_CALL(kad_new(ctx, 1, sizeof *s, &s));
    stage.self = s;
    s->options = *options;
    s->sublattice = sublattice;
    s->parity = lattice->parity;
    KAD_CALL(make_sites(ctx, lattice, s, &own));
    KAD_CALL(make_marks(ctx, &own, s));
    KAD_CALL(kad_modes_create(ctx, &own, sublattice, &s->modes));
    KAD_CALL(kad_hartley_create(ctx, &own, n_comp, &s->hartley));
    if (!add_tensors(&stage, s))
        return kad_fail(ctx, KAD_ENOMEM, "ode: out of memory for its parameters");
    set_sizes(&stage);
    *out = stage;
    stage = (kad_stage){0};
    return KAD_OK;
}

static bool halves(const kad_lattice *lattice)
{
    for (int mu = 0; mu < lattice->d; mu++)
        if (lattice->shape[mu] % 2 != 0) return false;
    return true;
}

/* Variants: one feature, constant in time; three that move; the same with marks; then, where
 * there is one, the sublattice with marks, and that of every other site; two and three
 * components, of every other site where that can be. */
static kad_status example(kad_ctx *ctx, const kad_lattice *lattice, int variant,
                          kad_stage *out)
{
    const bool even = lattice->bipartite, half = halves(lattice);
    const int n = 3 + even + half, several = variant - n;
    if (several >= 2) return KAD_EUSAGE;
    const bool apart = half && variant >= n - 1,
               sublattice = variant > 2 && variant < n && !apart;
    const kad_ode_options options = {.features = variant == 0   ? 1
                                                 : variant == 1 ? 3
                                                                : 2,
                                     .time_modes = variant == 0 ? 1 : 2,
                                     .steps = variant == 0 ? 4 : 12,
                                     .tolerance = 1e-4,
                                     .stride = apart ? 2 : 1,
                                     .marks = variant > 1};
    return kad_ode_create(ctx, lattice, several < 0 ? 1 : 2 + several, sublattice,
                          &options, out);
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

static void penalise(const kad_stage *stage, void *packed, double kinetic,
                     double jacobian)
{
    kad_ode_head *head = packed;
    (void)stage;
    head->kinetic = kinetic;
    head->jacobian = jacobian;
}

static bool is_given(const kad_stage *stage)
{
    return ((const kad_ode *)stage->self)->options.steps > 0;
}

static const kad_solver_ops solver = {.order = KAD_RK_ORDER,
                                      .is_given = is_given,
                                      .steps = steps,
                                      .set_steps = set_steps,
                                      .back = kad_ode_back_f64,
                                      .penalise = penalise,
                                      .path = kad_ode_path_f64};

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
