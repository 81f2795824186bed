/* Whole flows: every hierarchy and recipe, in both precisions. */
#include "tests/support/claim.h"
#include "tests/support/model_case.h"
#include "tests/support/scratch.h"

#include "base/matrix.h"
#include "base/memory.h"
#include "base/tile.h"
#include "flow/bijectors/stencil.h"

enum { MAX_KEYS = 10 };
#define DUAL "action.name=on-dual", "action.temperature=2.269185314213022"
#define PHI4 "action.name=phi4", "action.form=albergo", "action.m2=-4", "action.lambda=6"

static const char *const cases[][MAX_KEYS] = {
    {DUAL, "lattice.shape=[8, 8]", "flow.recipe=wavelet", "flow.passes=oeab"},
    {DUAL, "lattice.shape=[4, 8]", "flow.recipe=neuralrg"},
    {DUAL, "lattice.shape=[8, 8]", "flow.recipe=neuralrg", "flow.kernel=4",
     "flow.couplings=6"},
    {DUAL, "lattice.shape=[6, 6]", "flow.recipe=neuralrg", "flow.kernel=4",
     "flow.couplings=4"},
    {DUAL, "lattice.shape=[8]", "flow.recipe=neuralrg", "flow.repeat=2"},
    {DUAL, "lattice.shape=[4, 4, 2]", "flow.recipe=wavelet", "flow.passes=eoabc"},
    {DUAL, "lattice.shape=[3, 5]", "flow.recipe=neuralrg", "flow.couplings=4"},
    {DUAL, "lattice.shape=[4, 4]", "flow.recipe=neuralrg", "flow.hierarchy=decimator"},
    {DUAL, "lattice.shape=[4, 6]", "flow.recipe=neuralrg", "flow.hierarchy=disentangler",
     "flow.depth=3", "flow.couplings=2"},
    {DUAL, "lattice.shape=[4, 4]", "flow.recipe=neuralrg", "flow.rotation=true",
     "flow.level_scale=true", "flow.prior=laplace", "flow.temperature=0.8"},
    {DUAL, "lattice.shape=[8, 8]", "flow.recipe=wavelet", "flow.symmetry=equivariant",
     "flow.passes=oe", "flow.depth=2"},
    {DUAL, "lattice.shape=[8, 8]", "flow.recipe=wavelet", "flow.transform=lfa",
     "flow.passes=oe"},
    {PHI4, "lattice.shape=[4, 4]", "flow.recipe=wavelet", "flow.transform=q4t",
     "flow.passes=o", "flow.couplings=2"},
    {DUAL, "lattice.shape=[8, 8]", "flow.recipe=stencil"},
    {DUAL, "lattice.shape=[6, 6]", "flow.recipe=stencil", "action.components=2"},
    {DUAL, "lattice.shape=[4, 4, 4]", "flow.recipe=stencil", "action.components=3"},
    {DUAL, "lattice.shape=[8]", "flow.recipe=stencil"},
    {DUAL, "lattice.shape=[7]", "flow.shared=false"},
    {DUAL, "lattice.shape=[3, 6, 5]", "flow.hidden=3", "flow.refinements=1"},
    {PHI4, "lattice.shape=[8, 8]"},
    {PHI4, "lattice.shape=[6, 6]", "flow.decimation=false", "flow.generator=q4t",
     "flow.refinement=affine"},
    {PHI4, "lattice.shape=[14, 6]"},
    {PHI4, "lattice.shape=[7, 7]"},
    {PHI4, "lattice.shape=[7, 7]", "flow.top=raster"},
    {DUAL, "lattice.shape=[3, 6, 5]", "flow.hidden=3", "flow.refinements=1",
     "flow.top=raster"},
    {DUAL, "lattice.shape=[5]", "flow.top=raster", "flow.generator=rqs"},
    {PHI4, "lattice.shape=[6, 6]", "flow.hierarchy=ode", "flow.tolerance=1e-8"},
    {DUAL, "lattice.shape=[3, 2, 4]", "flow.hierarchy=ode", "flow.steps=4"},
    {PHI4, "lattice.shape=[4, 8]", "flow.hierarchy=ode", "flow.tolerance=1e-8",
     "flow.rg_layers=true"},
    {PHI4, "lattice.shape=[6, 6]", "flow.hierarchy=ode", "flow.tolerance=1e-8",
     "flow.rg_layers=true", "flow.decimation=false"},
    {PHI4, "lattice.shape=[8]"},
    {PHI4, "lattice.shape=[4, 4, 4]"},
    {PHI4, "lattice.shape=[8, 8]", "action.components=2"},
    {PHI4, "lattice.shape=[4, 4]", "action.components=3", "flow.details=wavelet",
     "flow.decimation=false", "flow.spectrum=last"},
};
enum { N_CASES = sizeof cases / sizeof cases[0] };

static void make(kad_ctx *ctx, int i, kad_model **model)
{
    kad_ctx_init(ctx, 2);
    if (test_model(ctx, cases[i], model) != KAD_OK)
        fail_msg("case %d (%s): %s", i, cases[i][2], ctx->message);
}

static void inverse_undoes_forward(void **state)
{
    (void)state;
    enum { N = 70 };
    for (int i = 0; i < N_CASES; i++)
        for (int p = 0; p < 2; p++) {
            kad_ctx ctx;
            kad_model *model;
            kad_map *map;
            make(&ctx, i, &model);
            const size_t n = (size_t)model->flow->n_rows * N;
            double *theta = test_theta(model->flow, 3, 0.03);
            double *y = kad_alloc(n, 8), *z = kad_alloc(n, 8), *back = kad_alloc(n, 8);
            double lnq[N], again[N];
            assert_int_equal(kad_map_create(&ctx, model->flow, theta, NULL, &map),
                             KAD_OK);
            assert_int_equal(kad_map_draw(&ctx, map, 5, KAD_RNG_TEST, 0, N, (kad_prec)p,
                                          false, y, lnq, z),
                             KAD_OK);
            assert_int_equal(kad_map_lnq(&ctx, map, N, (kad_prec)p, y, again, back),
                             KAD_OK);
            const double tolerance = p == KAD_SINGLE ? 2e-3 : 1e-10;
            const double worst = test_distance(n, z, back),
                         worst_q = test_distance(N, lnq, again);
            if (!(worst < tolerance) || !(worst_q < tolerance))
                fail_msg("case %d precision %d: inverse error %g, ln q %g", i, p, worst,
                         worst_q);
            kad_free(theta);
            kad_free(y);
            kad_free(z);
            kad_free(back);
            kad_map_destroy(map);
            kad_model_destroy(model);
        }
}

static void log_det_matches_the_jacobian(void **state)
{
    (void)state;
    for (int i = 0; i < N_CASES; i++) {
        kad_ctx ctx;
        kad_model *model;
        kad_map *map;
        make(&ctx, i, &model);
        const kad_flow *flow = model->flow;
        const int rows = flow->n_rows;
        double *theta = test_theta(flow, 4, 0.03);
        double *z = kad_alloc((size_t)(2 * rows + 1) * (size_t)rows, 8);
        double *y = kad_alloc((size_t)(2 * rows + 1) * (size_t)rows, 8);
        double *ld = kad_alloc((size_t)(2 * rows + 1), 8);
        double *jac = kad_alloc((size_t)rows * (size_t)rows, 8);
        int *live = kad_alloc((size_t)rows, sizeof *live), n = 0;
        const double h = 1e-5;
        for (int r = 0; r < rows; r++)
            if (flow->active[r / flow->n_comp]) live[n++] = r;
        for (int s = 0; s < 2 * rows + 1; s++)
            for (int k = 0; k < n; k++) {
                double two[2];
                kad_rng_normal2(kad_rng_stream(7, KAD_RNG_TEST, 0), 0, 0,
                                (uint32_t)live[k], two);
                z[s * rows + live[k]] =
                    two[0] + (s == 2 * k + 1 ? h : 0) - (s == 2 * k + 2 ? h : 0);
            }
        assert_int_equal(kad_map_create(&ctx, flow, theta, NULL, &map), KAD_OK);
        assert_int_equal(
            kad_map_generate(&ctx, map, (size_t)(2 * rows + 1), KAD_DOUBLE, z, y, ld),
            KAD_OK);
        for (int a = 0; a < n; a++)
            for (int b = 0; b < n; b++)
                jac[a * n + b] =
                    (y[(2 * b + 1) * rows + live[a]] - y[(2 * b + 2) * rows + live[a]]) /
                    (2 * h);
        const double expected = kad_log_abs_det((size_t)n, jac);
        /* each of n columns carries a relative error ~ h^2 + 1e-16/h ~ 1e-10, amplified
         * by the condition of the map */
        if (!(fabs(expected - ld[0]) < 1e-5 * (1 + fabs(expected))))
            fail_msg("case %d: log-det %.10g, Jacobian %.10g", i, ld[0], expected);
        kad_free(theta);
        kad_free(z);
        kad_free(y);
        kad_free(ld);
        kad_free(jac);
        kad_free(live);
        kad_map_destroy(map);
        kad_model_destroy(model);
    }
}

/* A two-site chain: the integral of q over the plane, by the trapezoidal rule (spectrally
 * accurate for smooth densities that vanish at the ends). */
static void density_is_normalised(void **state)
{
    (void)state;
    static const char *const two_sites[][MAX_KEYS] = {
        {DUAL, "lattice.shape=[2]", "flow.recipe=neuralrg"},
        {DUAL, "lattice.shape=[2]", "flow.recipe=wavelet"},
        {DUAL, "lattice.shape=[2]", "flow.recipe=stencil"},
        {PHI4, "lattice.shape=[2]", "flow.decimation=false"},
        {DUAL, "lattice.shape=[2]", "flow.recipe=neuralrg", "flow.symmetry=mixture",
         "flow.prior=laplace"},
        {PHI4, "lattice.shape=[2]", "flow.hierarchy=ode", "flow.decimation=false",
         "flow.features=2", "flow.tolerance=1e-9"},
    };
    enum { GRID = 301 };
    const double reach = 24, step = 2 * reach / (GRID - 1);
    double *y = kad_alloc((size_t)GRID * GRID * 2, 8),
           *lnq = kad_alloc((size_t)GRID * GRID, 8);
    for (size_t i = 0; i < sizeof two_sites / sizeof two_sites[0]; i++) {
        kad_ctx ctx;
        kad_model *model;
        kad_map *map;
        double sum = 0;
        kad_ctx_init(&ctx, 2);
        if (test_model(&ctx, two_sites[i], &model) != KAD_OK) fail_msg("%s", ctx.message);
        double *theta = test_theta(model->flow, 11, 0.03);
        assert_int_equal(kad_map_create(&ctx, model->flow, theta, model->mixture, &map),
                         KAD_OK);
        for (int a = 0; a < GRID * GRID; a++) {
            y[2 * a] = -reach + step * (a / GRID);
            y[2 * a + 1] = -reach + step * (a % GRID);
        }
        assert_int_equal(
            kad_map_lnq(&ctx, map, (size_t)GRID * GRID, KAD_DOUBLE, y, lnq, NULL),
            KAD_OK);
        for (int a = 0; a < GRID * GRID; a++)
            sum += exp(lnq[a]) * step * step;
        /* the Laplace density has kinks: second order in the step, 2.6e-2 / 12 */
        const double tolerance = i == 4 ? 5e-3 : 1e-5;
        if (!(fabs(sum - 1) < tolerance))
            fail_msg("case %zu: integral of q is %.8f", i, sum);
        kad_free(theta);
        kad_map_destroy(map);
        kad_model_destroy(model);
    }
    kad_free(y);
    kad_free(lnq);
}

/* One flow variable: the even site of a decimated two-site chain. */
static void density_of_one_variable_is_normalised(void **state)
{
    (void)state;
    static const char *const one[] = {PHI4, "lattice.shape=[2]", NULL};
    enum { GRID = 4001 };
    kad_ctx ctx;
    kad_model *model;
    kad_map *map;
    double *y = kad_alloc((size_t)GRID * 2, 8), *lnq = kad_alloc(GRID, 8), sum = 0;
    const double reach = 20, step = 2 * reach / (GRID - 1);
    kad_ctx_init(&ctx, 1);
    if (test_model(&ctx, one, &model) != KAD_OK) fail_msg("%s", ctx.message);
    assert_int_equal(model->flow->n_active, 1);
    double *theta = test_theta(model->flow, 12, 0.1);
    assert_int_equal(kad_map_create(&ctx, model->flow, theta, NULL, &map), KAD_OK);
    for (int a = 0; a < GRID; a++)
        for (int s = 0; s < 2; s++)
            y[2 * a + s] = model->flow->active[s] ? -reach + step * a : 0;
    assert_int_equal(kad_map_lnq(&ctx, map, GRID, KAD_DOUBLE, y, lnq, NULL), KAD_OK);
    for (int a = 0; a < GRID; a++)
        sum += exp(lnq[a]) * step;
    assert_true(fabs(sum - 1) < 1e-6);
    kad_free(theta);
    kad_free(y);
    kad_free(lnq);
    kad_map_destroy(map);
    kad_model_destroy(model);
}

/* ln q of a draw of the mixture of both signs, known from its generation, is that of the
 * field: in double, in single precision, and in double of a draw in single. */
static void density_of_a_mixtures_draws_is_that_of_the_field(void **state)
{
    (void)state;
    enum { N = 70 };
    for (int i = 0; i < N_CASES; i += 8)
        for (int k = 0; k < 6; k++) {
            const kad_prec prec = k > 1 ? KAD_SINGLE : KAD_DOUBLE;
            const int n_images = k % 2 == 0 ? 1 : 2;
            const bool exact = k > 3;
            kad_ctx ctx;
            kad_model *model;
            kad_map *map;
            make(&ctx, i, &model);
            double *theta = test_theta(model->flow, 3, 0.03), drawn[N], field[N];
            double *y = kad_alloc(N * (size_t)model->flow->n_rows, 8);
            kad_mixture *mixture;
            assert_int_equal(kad_mixture_create(&ctx, model->lattice, model->flow->active,
                                                n_images, true, &mixture),
                             KAD_OK);
            assert_int_equal(kad_map_create(&ctx, model->flow, theta, mixture, &map),
                             KAD_OK);
            assert_int_equal(kad_map_draw(&ctx, map, 5, KAD_RNG_TEST, 0, N, prec, exact,
                                          y, drawn, NULL),
                             KAD_OK);
            assert_int_equal(kad_map_lnq(&ctx, map, N, KAD_DOUBLE, y, field, NULL),
                             KAD_OK);
            const double tolerance = prec == KAD_SINGLE && !exact ? 2e-3 : 1e-10;
            const double worst = test_distance(N, field, drawn);
            if (!(worst < tolerance))
                fail_msg("case %d precision %d exact %d: ln q off by %g", i, prec, exact,
                         worst);
            kad_free(theta);
            kad_free(y);
            kad_map_destroy(map);
            kad_mixture_destroy(mixture);
            kad_model_destroy(model);
        }
}

/* A net for each head needs a transform that is a map of one after a map of the other, and
 * blocks one that moves a component alone. */
static void nets_for_each_head_need_two_steps(void **state)
{
    (void)state;
    for (int i = 0; kad_transforms[i] != NULL; i++) {
        char key[64];
        snprintf(key, sizeof key, "flow.transform=%s", kad_transforms[i]->name);
        const char *const keys[] = {DUAL, "lattice.shape=[4, 4]", "flow.recipe=neuralrg",
                                    key, NULL};
        const bool apart = kad_transforms[i]->kern[0]->odd_alone[KAD_INFER_ADJOINT];
        kad_ctx ctx;
        kad_model *model = NULL;
        kad_ctx_init(&ctx, 1);
        assert_int_equal(test_model(&ctx, keys, &model), apart ? KAD_OK : KAD_ECONFIG);
        assert_int_equal(apart, kad_transforms[i] == &kad_transform_bounded);
        const bool alone = kad_transforms[i]->min_comp <= 1;
        assert_true(apart ||
                    strstr(ctx.message, alone ? "flow.split" : "flow.transform"));
        kad_model_destroy(model);
    }
}

/* Latents have the prior's variance T: mean of z^2 / T over N values, whose error is
 * sqrt(2/N) (normal) and sqrt(5/N) (Laplace, <z^4> = 6). Eight cases: |z| < 5 has a false
 * alarm of 5e-6. */
static void latents_have_the_priors_variance(void **state)
{
    (void)state;
    enum { DRAWS = 40 };
    static const char *const temperature[] = {"flow.temperature=0.25",
                                              "flow.temperature=3"};
    static const char *const prior[] = {"flow.prior=normal", "flow.prior=laplace"};
    for (int i = 0; i < 8; i++) {
        const char *const keys[] = {DUAL, "lattice.shape=[4, 4]", temperature[i & 1],
                                    prior[i >> 1 & 1], NULL};
        const kad_prec prec = i >> 2 ? KAD_SINGLE : KAD_DOUBLE;
        kad_ctx ctx;
        kad_model *model;
        double sum = 0;
        kad_ctx_init(&ctx, 1);
        assert_int_equal(test_model(&ctx, keys, &model), KAD_OK);
        const kad_flow *flow = model->flow;
        const size_t n = (size_t)(flow->n_rows * kad_lanes(prec));
        void *z = kad_alloc(n, sizeof(double));
        for (uint64_t t = 0; t < DRAWS; t++) {
            kad_flow_prior_draw(flow, prec, kad_rng_stream(3, KAD_RNG_TEST, 0), t, 0, z);
            for (size_t j = 0; j < n; j++) {
                const double v = prec == KAD_SINGLE ? ((float *)z)[j] : ((double *)z)[j];
                sum += v * v / (i & 1 ? 3.0 : 0.25);
            }
        }
        const double N = (double)(n * DRAWS), err = sqrt((i >> 1 & 1 ? 5 : 2) / N);
        if (!(fabs(sum / N - 1) < 5 * err))
            fail_msg("case %d: variance %.4f(%.4f) T", i, sum / N, err);
        kad_free(z);
        kad_model_destroy(model);
    }
}

static void draws_do_not_depend_on_batches_or_threads(void **state)
{
    (void)state;
    enum { N = 150 };
    for (int i = 0; i < N_CASES; i += 5) {
        kad_ctx ctx;
        kad_model *model;
        kad_map *map;
        make(&ctx, i, &model);
        const size_t rows = (size_t)model->flow->n_rows;
        double *theta = test_theta(model->flow, 3, 0.03);
        double *a = kad_alloc(N * rows, 8), *b = kad_alloc(N * rows, 8), qa[N], qb[N];
        assert_int_equal(kad_map_create(&ctx, model->flow, theta, model->mixture, &map),
                         KAD_OK);
        assert_int_equal(
            kad_map_draw(&ctx, map, 5, KAD_RNG_DRAW, 0, N, KAD_SINGLE, true, a, qa, NULL),
            KAD_OK);
        ctx.n_threads = 1;
        for (size_t at = 0; at < N; at += 50)
            assert_int_equal(kad_map_draw(&ctx, map, 5, KAD_RNG_DRAW, at, 50, KAD_SINGLE,
                                          true, b + at * rows, qb + at, NULL),
                             KAD_OK);
        assert_memory_equal(a, b, N * rows * 8);
        assert_memory_equal(qa, qb, sizeof qa);
        kad_free(theta);
        kad_free(a);
        kad_free(b);
        kad_map_destroy(map);
        kad_model_destroy(model);
    }
}

/* Are the sources of part i at the displacements of those of part 0? */
static bool like_the_first(const kad_lattice *lattice, const kad_stencil *e, int i)
{
    const int n = e->n_sources, *a = e->sites, *b = e->sites + i * (n + 1);
    for (int k = 0; k < n; k++) {
        int at[KAD_MAX_DIM], from[KAD_MAX_DIM], to[KAD_MAX_DIM];
        kad_lattice_coords(lattice, a[k], at);
        kad_lattice_coords(lattice, a[n], from);
        kad_lattice_coords(lattice, b[n], to);
        for (int mu = 0; mu < lattice->d; mu++)
            at[mu] += to[mu] - from[mu];
        if (kad_lattice_site(lattice, at) != b[k]) return false;
    }
    return true;
}

/* Whatever the extents: the ring makes the first site, every generating stage new sites,
 * all stages use known sites only, in the end all are known, and weights are shared by
 * targets whose sources lie alike. */
static void sites_are_generated_once_from_known_ones(void **state)
{
    (void)state;
    static const char *const shapes[] = {
        "lattice.shape=[8, 8]",   "lattice.shape=[7, 7]", "lattice.shape=[9, 10]",
        "lattice.shape=[24, 4]",  "lattice.shape=[11]",   "lattice.shape=[2, 3]",
        "lattice.shape=[5, 6, 7]"};
    for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
        const char *const keys[] = {DUAL, shapes[s], "flow.hidden=2", NULL};
        kad_ctx ctx;
        kad_model *model;
        kad_ctx_init(&ctx, 1);
        assert_int_equal(test_model(&ctx, keys, &model), KAD_OK);
        const kad_flow *flow = model->flow;
        unsigned char *known = kad_alloc((size_t)flow->n_active, 1);
        int n_known = 0;
        for (int i = 0; i < flow->n_stages; i++) {
            const kad_stage *stage = &flow->stages[i];
            if (stage->ops != &kad_stencil_ops) continue;
            const kad_stencil *e = stage->self;
            const bool fresh = strstr(stage->name, "refine") == NULL;
            for (int a = 0; a < e->n_parts; a++) {
                const int *sites = e->sites + a * (e->n_sources + 1);
                for (int k = 0; k < e->n_sources; k++)
                    assert_true(known[sites[k]]);
                assert_true(like_the_first(model->lattice, e, a));
                assert_true(known[sites[e->n_sources]] == !fresh);
                known[sites[e->n_sources]] = 1;
                n_known += fresh;
            }
        }
        assert_int_equal(n_known, model->lattice->n_sites);
        if (s == 0) assert_int_equal(flow->n_stages, 1 + 3 * 2 * 5 + 1);
        kad_free(known);
        kad_model_destroy(model);
    }
}

/* Where bonds differ from place to place, so do the conditional distributions. */
static void couplings_from_a_file_give_every_site_its_weights(void **state)
{
    (void)state;
    scratch folder;
    scratch_make(&folder);
    char couplings[600];
    FILE *file = fopen(scratch_file(&folder, "bonds.txt"), "w");
    assert_non_null(file);
    fputs("0 1 1\n1 2 -1\n4 5 0.5\n", file);
    assert_int_equal(fclose(file), 0);
    snprintf(couplings, sizeof couplings, "action.couplings=%s",
             scratch_file(&folder, "bonds.txt"));
    const char *const keys[] = {"action.name=on-dual", "action.beta=0.5",
                                "lattice.shape=[4, 4]", couplings, NULL};
    kad_ctx ctx;
    kad_model *model;
    int n = 0;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(test_model(&ctx, keys, &model), KAD_OK);
    for (int i = 0; i < model->flow->n_stages; i++) {
        const kad_stage *stage = &model->flow->stages[i];
        if (stage->ops != &kad_stencil_ops) continue;
        assert_int_equal(((const kad_stencil *)stage->self)->n_parts, 1);
        n++;
    }
    /* ring; 3 new sites of 2 x 2 and 12 of 4 x 4, each twice more with the older ones */
    assert_int_equal(n, 1 + (1 + 2 * 2) + (2 + 2 * 4) + (4 + 2 * 8) + (8 + 2 * 16));
    kad_model_destroy(model);
    scratch_remove(&folder);
}

/* L -> 2L: levels are matched by name; a transferred flow starts near the small one's
 * quality, which the training tests show. Here: what is copied, and from where. */
static void check_transfer(const char *small, const char *large, const double *expected)
{
    const char *const from_keys[] = {DUAL, small, NULL}, *to_keys[] = {DUAL, large, NULL};
    kad_ctx ctx;
    kad_model *a, *b;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(test_model(&ctx, from_keys, &a), KAD_OK);
    assert_int_equal(test_model(&ctx, to_keys, &b), KAD_OK);
    double *from = kad_alloc(a->flow->n_theta, 8), *to = kad_alloc(b->flow->n_theta, 8);
    for (int i = 0; i < a->flow->n_stages; i++) /* every parameter says its level */
        for (size_t k = 0; k < a->flow->stages[i].n_theta; k++)
            from[a->flow->stages[i].theta + k] = 10 + a->flow->stages[i].level;
    const size_t n = kad_flow_transfer(a->flow, from, b->flow, to);
    assert_int_equal(n, b->flow->n_theta);
    for (int i = 0; i < b->flow->n_stages; i++) {
        const kad_stage *s = &b->flow->stages[i];
        for (size_t k = 0; k < s->n_theta; k++)
            assert_true(to[s->theta + k] == (s->level < 0 ? 9.0 : expected[s->level]));
    }
    kad_free(from);
    kad_free(to);
    kad_model_destroy(a);
    kad_model_destroy(b);
}

/* A spectrum linear in khat^2 stays that line on the larger lattice: both reach from 0 to
 * 4 d. On other extents it goes on as a constant. */
static void transfer_interpolates_spectra(void **state)
{
    (void)state;
    static const char *const shape[][2] = {
        {"lattice.shape=[8, 8]", "lattice.shape=[16, 16]"},
        {"lattice.shape=[5, 5]", "lattice.shape=[10, 10]"}};
    for (int s = 0; s < 2; s++) {
        kad_ctx ctx;
        kad_model *model[2];
        double *theta[2], top = 0;
        const kad_tensor *spectrum[2];
        kad_ctx_init(&ctx, 1);
        for (int k = 0; k < 2; k++) {
            const char *const keys[] = {DUAL, shape[s][k], "flow.recipe=fourier", NULL};
            assert_int_equal(test_model(&ctx, keys, &model[k]), KAD_OK);
            theta[k] = kad_alloc(model[k]->flow->n_theta, 8);
            spectrum[k] = NULL;
            for (int i = 0; i < model[k]->flow->n_stages; i++)
                if (model[k]->flow->stages[i].n_tensors > 0)
                    spectrum[k] = model[k]->flow->stages[i].tensors;
            assert_non_null(spectrum[k]);
            assert_int_equal(spectrum[k]->rows, model[k]->flow->n_theta);
        }
        for (int i = 0; i < spectrum[0]->rows; i++) {
            theta[0][i] = 2 - 0.7 * spectrum[0]->modes[i];
            top = fmax(top, spectrum[0]->modes[i]);
        }
        assert_int_equal(
            kad_flow_transfer(model[0]->flow, theta[0], model[1]->flow, theta[1]),
            model[1]->flow->n_theta);
        for (int i = 0; i < spectrum[1]->rows; i++) {
            const double line = 2 - 0.7 * fmin(spectrum[1]->modes[i], top);
            assert_true(fabs(theta[1][i] - line) < 1e-14 * 8);
        }
        for (int k = 0; k < 2; k++) {
            kad_free(theta[k]);
            kad_model_destroy(model[k]);
        }
    }
}

/* The last is the top: the first site, or the 3 x 3 of them. */
static void transfer_matches_levels(void **state)
{
    (void)state;
    static const double of_8[] = {10, 11, 11, 12, 13}, of_6[] = {10, 10, 11};
    check_transfer("lattice.shape=[8, 8]", "lattice.shape=[16, 16]", of_8);
    check_transfer("lattice.shape=[6, 6]", "lattice.shape=[12, 12]", of_6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(inverse_undoes_forward),
        cmocka_unit_test(log_det_matches_the_jacobian),
        cmocka_unit_test(density_is_normalised),
        cmocka_unit_test(density_of_one_variable_is_normalised),
        cmocka_unit_test(density_of_a_mixtures_draws_is_that_of_the_field),
        cmocka_unit_test(nets_for_each_head_need_two_steps),
        cmocka_unit_test(latents_have_the_priors_variance),
        cmocka_unit_test(draws_do_not_depend_on_batches_or_threads),
        cmocka_unit_test(sites_are_generated_once_from_known_ones),
        cmocka_unit_test(couplings_from_a_file_give_every_site_its_weights),
        cmocka_unit_test(transfer_matches_levels),
        cmocka_unit_test(transfer_interpolates_spectra),
    };
    return cmocka_run_group_tests_name("flow", tests, NULL, NULL);
}
