/* Generation cones: every stage taken apart, moves followed by full generations, and what
 * a sweep over all latents costs. */
#include "flow/cone.h"
#include "tests/support/bijector_case.h"
#include "tests/support/claim.h"
#include "tests/support/model_case.h"

enum { W = KAD_W_DOUBLE };

/* --- stages -------------------------------------------------------------------------- */

/* The parts one by one give what the kernel of the whole stage gives. Targets are
 * disjoint and no source is a target, so that all may read the input. */
static void take_apart(instance *t)
{
    const size_t n = tile_size(t, KAD_DOUBLE);
    kad_parts parts;
    double *z = normals(n, 1), *x = normals(n, 1), *y = normals(n, 1);
    double ld[W] = {0}, sum[W] = {0};
    apply(t, GENERATE, KAD_DOUBLE, x, NULL, 0, NULL, ld);
    if (t->stage.ops->parts(&t->ctx, &t->stage, &parts) != KAD_OK)
        fail_msg("%s: %s", t->label, t->ctx.message);
    const size_t each = (size_t)(parts.n_src + parts.n_tgt);
    double *tile = kad_alloc(each, KAD_ROW_BYTES);
    void *scratch = kad_alloc(1, parts.one.scratch_bytes[KAD_DOUBLE]);
    for (size_t k = 0; k < (size_t)parts.n_parts; k++) {
        const int *rows = parts.rows + k * each;
        for (size_t i = 0; i < each; i++)
            memcpy(tile + i * W, z + (size_t)rows[i] * W, KAD_ROW_BYTES);
        parts.one.ops->kern[KAD_DOUBLE]->generate(&parts.one, t->packed[KAD_DOUBLE], tile,
                                                  sum, scratch);
        for (size_t i = (size_t)parts.n_src; i < each; i++)
            memcpy(y + (size_t)rows[i] * W, tile + i * W, KAD_ROW_BYTES);
    }
    const double error = max_abs_difference(n, x, y) / (1 + max_abs(n, x));
    double ld_error = max_abs_difference(W, ld, sum) / (1 + max_abs(W, ld));
    if (parts.constant_ld) { /* then alike on all lanes, whatever they hold */
        ld_error = 0;
        for (int l = 1; l < W; l++)
            if (ld[l] != ld[0]) ld_error = 1;
    }
    if (!(error < 1e-13) || !(ld_error < 1e-13))
        fail_msg("%s: error %g, ln det %g", t->label, error, ld_error);
    kad_parts_clear(&parts);
    kad_free(tile);
    kad_free(scratch);
    kad_free(z);
    kad_free(x);
    kad_free(y);
}

static void stages_come_apart(void **state)
{
    (void)state;
    int n = 0;
    for (size_t i = 0; kad_bijectors[i] != NULL; i++)
        for (int lattice = 0; lattice < N_LATTICES; lattice++)
            for (int variant = 0; kad_bijectors[i]->parts != NULL; variant++) {
                instance t;
                if (!instance_open(&t, kad_bijectors[i], lattice, variant)) break;
                take_apart(&t);
                instance_close(&t);
                n++;
            }
    print_message("# %d instances\n", n);
    assert_true(n > 100);
}

/* --- flows --------------------------------------------------------------------------- */

typedef struct flow_case {
    const char *label, *overrides[12];
    bool local; /* the cone is */
} flow_case;

#define PHI4 "action.name=phi4", "action.form=albergo", "action.m2=-4", "action.lambda=7"
static const flow_case flows[] = {
    {"neuralrg", {PHI4, "lattice.shape=[8,8]", "flow.recipe=neuralrg"}, true},
    {"decimator 4x4 blocks",
     {PHI4, "lattice.shape=[8,8]", "flow.recipe=neuralrg", "flow.hierarchy=decimator",
      "flow.kernel=4"},
     true},
    {"disentangler",
     {PHI4, "lattice.shape=[8,8]", "flow.recipe=neuralrg", "flow.hierarchy=disentangler"},
     true},
    {"everything a block can have",
     {PHI4, "lattice.shape=[6,6]", "flow.recipe=wavelet", "flow.spectrum=none",
      "flow.rotation=true", "flow.level_scale=true"},
     true},
    {"conditional, decimated",
     {PHI4, "lattice.shape=[8,8]", "flow.recipe=stencil", "flow.spectrum=none"},
     true},
    {"conditional wavelet, two components",
     {PHI4, "lattice.shape=[6,4]", "flow.recipe=stencil", "flow.spectrum=none",
      "flow.details=wavelet", "flow.decimation=false"},
     true},
    {"stencil with a Fourier base", {PHI4, "lattice.shape=[8,8]"}, false},
    {"wavelet with a spectrum last",
     {"action.name=on-dual", "lattice.shape=[4,4]", "flow.recipe=wavelet"},
     false},
    {"one dimension", {PHI4, "lattice.shape=[16]", "flow.recipe=neuralrg"}, true},
    {"three dimensions", {PHI4, "lattice.shape=[4,4,4]", "flow.recipe=neuralrg"}, true},
    {"identity",
     {PHI4, "lattice.shape=[4,4]", "flow.recipe=neuralrg", "flow.hierarchy=none"},
     true},
};
enum { N_FLOWS = sizeof flows / sizeof *flows };

typedef struct rig {
    kad_ctx ctx;
    kad_model *model;
    const kad_flow *flow;
    kad_cone *cone;
    kad_cone_state *state;
    double *z, *x;
    void *packed, *scratch;
    size_t n;
} rig;

static void rig_open(rig *r, const flow_case *c, double sigma)
{
    const char *overrides[14] = {0};
    memset(r, 0, sizeof *r);
    kad_ctx_init(&r->ctx, 1);
    for (int i = 0; c->overrides[i]; i++)
        overrides[i] = c->overrides[i];
    if (test_model(&r->ctx, overrides, &r->model) != KAD_OK)
        fail_msg("%s: %s", c->label, r->ctx.message);
    r->flow = r->model->flow;
    r->n = (size_t)r->flow->n_rows * W;
    double *theta = test_theta(r->flow, 3, sigma);
    r->packed = kad_alloc(1, r->flow->packed_bytes[KAD_DOUBLE]);
    r->scratch = kad_alloc(1, r->flow->scratch_bytes[KAD_DOUBLE]);
    kad_flow_pack(r->flow, KAD_DOUBLE, theta, r->packed);
    kad_free(theta);
    r->z = kad_alloc(r->n, sizeof(double));
    r->x = kad_alloc(r->n, sizeof(double));
    assert_int_equal(kad_cone_create(&r->ctx, r->flow, &r->cone), KAD_OK);
    assert_int_equal(kad_cone_state_create(&r->ctx, r->cone, r->packed, &r->state),
                     KAD_OK);
    kad_flow_prior_draw(r->flow, KAD_DOUBLE, kad_rng_stream(4, KAD_RNG_TEST, 0), 0, 0,
                        r->z);
}

static void rig_close(rig *r)
{
    kad_cone_state_destroy(r->state);
    kad_cone_destroy(r->cone);
    kad_free(r->z);
    kad_free(r->x);
    kad_free(r->packed);
    kad_free(r->scratch);
    kad_model_destroy(r->model);
}

/* x and ln|det| of z by the flow's own kernels. */
static void generate(rig *r, const double *z, double *ld)
{
    memcpy(r->x, z, r->n * sizeof *z);
    memset(ld, 0, W * sizeof *ld);
    kad_flow_generate(r->flow, KAD_DOUBLE, r->packed, r->x, ld, r->scratch);
}

static double uniform(uint64_t step, uint32_t site)
{
    return kad_rng_uniform(kad_rng_stream(6, KAD_RNG_TEST, 0), step, 0, site);
}

/* A move of a random site, of which random lanes are kept; checked against generations of
 * the whole flow before and after it. */
static void try_move(rig *r, const char *label, uint64_t step)
{
    const size_t n_comp = (size_t)r->flow->n_comp;
    double z[3 * W], dld[W], ld[2][W];
    uint8_t keep[W];
    int site;
    for (uint32_t i = 0;; i++) {
        site = (int)(uniform(step, i) * r->flow->lattice->n_sites);
        if (r->flow->active[site]) break;
    }
    double *before = kad_alloc(r->n, sizeof(double));
    memcpy(before, r->state->slots, r->n * sizeof(double));
    kad_cone_latents(r->state, r->z);
    generate(r, r->z, ld[0]);
    for (size_t i = 0; i < n_comp * W; i++) {
        z[i] = 3 * uniform(step, 100 + (uint32_t)i) - 1.5;
        r->z[(size_t)site * n_comp * W + i] = z[i];
    }
    generate(r, r->z, ld[1]);
    const int64_t expected = kad_cone_count(r->state, site);
    assert_int_equal(kad_cone_move(r->state, site, z, dld), expected);
    for (int l = 0; l < W; l++)
        ld[1][l] -= ld[0][l];
    const double size = 1 + max_abs(r->n, r->x);
    const double error = max_abs_difference(r->n, r->x, r->state->slots) / size;
    const double ld_error = max_abs_difference(W, dld, ld[1]);
    if (!(error < 1e-12) || !(ld_error < 1e-10))
        fail_msg("%s: move %d: field %g, ln det %g", label, (int)step, error, ld_error);
    /* what changed is said to have changed, with its former values */
    for (size_t i = 0; i < r->n; i++) {
        const bool changed = r->state->changed[i / W / n_comp];
        const double was = changed ? r->state->old[i] : r->state->slots[i];
        if (was != before[i]) fail_msg("%s: row %zu: %d", label, i / W, changed);
    }
    for (int l = 0; l < W; l++)
        keep[l] = uniform(step, 1000 + (uint32_t)l) < (double)(step % 3) * 0.5;
    kad_cone_settle(r->state, keep);
    kad_free(before);
}

/* After many moves every slot is what a full generation gives, to the bit. */
static void moves_follow_generation(void **state)
{
    (void)state;
    for (int i = 0; i < N_FLOWS; i++) {
        rig r;
        kad_cone_state *fresh;
        double ld[W];
        rig_open(&r, &flows[i], 0.1);
        assert_int_equal(r.cone->tail < 0, flows[i].local);
        kad_cone_begin(r.state, r.z);
        generate(&r, r.z, ld);
        assert_true(max_abs_difference(r.n, r.x, r.state->slots) <
                    1e-12 * (1 + max_abs(r.n, r.x)));
        for (uint64_t step = 0; step < 60; step++)
            try_move(&r, flows[i].label, step);
        assert_int_equal(kad_cone_state_create(&r.ctx, r.cone, r.packed, &fresh), KAD_OK);
        kad_cone_latents(r.state, r.z);
        kad_cone_begin(fresh, r.z);
        assert_memory_equal(fresh->slots, r.state->slots,
                            (size_t)r.cone->n_slots * KAD_ROW_BYTES);
        kad_cone_state_destroy(fresh);
        rig_close(&r);
    }
}

/* --- cost ---------------------------------------------------------------------------- */

typedef struct cost {
    int64_t sweep, generation;
} cost;

static cost cost_of(const char *recipe, const char *option, int L)
{
    char shape[40];
    snprintf(shape, sizeof shape, "lattice.shape=[%d,%d]", L, L);
    const flow_case c = {
        recipe,
        {PHI4, shape, "flow.spectrum=none", "flow.refinements_finest=0", recipe, option},
        true};
    rig r;
    rig_open(&r, &c, 0);
    cost out = {0, r.cone->n_evaluations};
    for (int site = 0; site < r.flow->lattice->n_sites; site++)
        if (r.flow->active[site]) out.sweep += kad_cone_count(r.state, site);
    rig_close(&r);
    return out;
}

/* Evaluations per latent, L = 8, 16, 32, 64: a constant more for every doubling where the
 * law is N log N, four times as many where it is N^2. On small lattices cones close on
 * themselves, so the increments still grow: by less than `growth` from one doubling to the
 * next, `factor` between the largest and the smallest of sweep / (N log2 N). */
static void check_scaling(const char *recipe, const char *option, double factor,
                          double growth)
{
    double least = INFINITY, most = 0, each[4], last = 0;
    for (int i = 0; i < 4; i++) {
        const int L = 8 << i;
        const double N = (double)L * L;
        const cost c = cost_of(recipe, option, L);
        const double ratio = (double)c.sweep / (N * log2(N));
        each[i] = (double)c.sweep / N;
        print_message("# %s %s L %2d: sweep %9lld, over N log2 N %7.1f, over N "
                      "generations %.4f\n",
                      recipe, option ? option : "", L, (long long)c.sweep, ratio,
                      (double)c.sweep / (N * (double)c.generation));
        least = fmin(least, ratio);
        most = fmax(most, ratio);
    }
    assert_true(most < factor * least);
    for (int i = 1; i < 4; i++) {
        const double increment = each[i] - each[i - 1];
        if (i > 1) assert_true(increment < growth * last);
        last = increment;
    }
}

static void sweeps_cost_n_log_n(void **state)
{
    (void)state;
    /* trees: 10 couplings, each in one block of every level below: 5 N log2 N exactly */
    check_scaling("flow.recipe=neuralrg", "flow.hierarchy=decimator", 1.000001, 1.000001);
    check_scaling("flow.recipe=neuralrg", NULL, 2, 1.5);
    check_scaling("flow.recipe=stencil", "flow.refinements=0", 5, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("cone: stages come apart into parts", stages_come_apart),
        CLAIM("cone: moves follow full generations, to the bit", moves_follow_generation),
        CLAIM("cone: a sweep over all latents costs N log N", sweeps_cost_n_log_n),
    };
    return cmocka_run_group_tests_name("cone", tests, NULL, NULL);
}
