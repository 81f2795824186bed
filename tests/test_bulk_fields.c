/* Coarse fields, renormalised actions, information and receptive fields where they are
 * known: free fields under a fixed Haar flow, Gaussian bases, flows as their own target,
 * phi^4 at the boundary. */
#include "analysis_util.h"
#include "bulk/bottleneck.h"
#include "bulk/cells.h"
#include "bulk/coarse.h"
#include "bulk/couplings.h"
#include "bulk/densities.h"
#include "bulk/mutual.h"
#include "bulk/pairs.h"
#include "bulk/receptive.h"
#include "flow/cone.h"
#include "lattice/hartley.h"
#include "model_case.h"

enum { W = KAD_W_DOUBLE };

#define FREE \
    "action.name=phi4", "action.form=albergo", "action.m2=0.25", "action.lambda=0"
#define HAAR                                                                             \
    "flow.recipe=custom", "flow.hierarchy=decimator", "flow.haar=true",                  \
        "flow.couplings=1", "flow.widths=[1]", "flow.split=false", "flow.spectrum=none", \
        "flow.symmetry=none", "flow.decimation=false"

static kad_model *open_model(kad_ctx *ctx, const char *const *overrides)
{
    kad_model *model;
    if (test_model(ctx, overrides, &model) != KAD_OK) fail_msg("%s", ctx->message);
    return model;
}

/* Parameters of a flow whose couplings do nothing. */
static double *identity_theta(const kad_flow *flow)
{
    double *theta = kad_alloc(flow->n_theta + 1, sizeof *theta);
    kad_flow_init(flow, 1, theta);
    return theta;
}

/* Exact draws of the free field, [n][n_sites]: modes of variance 1/(2 (m2 + khat^2)). */
static double *free_field(kad_ctx *ctx, const kad_lattice *lattice, double m2, size_t n)
{
    kad_hartley *plan;
    const size_t N = (size_t)lattice->n_sites;
    assert_int_equal(kad_hartley_create(ctx, lattice, 1, &plan), KAD_OK);
    double *x = kad_alloc(n * N, sizeof *x), *tile = kad_alloc(N * W, sizeof *tile);
    void *scratch = kad_alloc(1, kad_hartley_scratch_bytes(plan, KAD_DOUBLE));
    const kad_rng rng = kad_rng_stream(99, KAD_RNG_TEST, 0);
    for (size_t first = 0; first < n; first += W) {
        for (size_t k = 0; k < N; k++)
            for (size_t l = 0; l < W; l++) {
                double g[2];
                kad_rng_normal2(rng, k, first + l, 0, g);
                tile[k * W + l] =
                    g[0] / sqrt(2 * (m2 + kad_lattice_khat2(lattice, (int)k)));
            }
        kad_hartley_apply_f64(plan, tile, scratch);
        for (size_t l = 0; l < W && first + l < n; l++)
            for (size_t i = 0; i < N; i++)
                x[(first + l) * N + i] = tile[i * W + l];
    }
    kad_hartley_destroy(plan);
    kad_free(tile);
    kad_free(scratch);
    return x;
}

/* Value of a series over cells and its error, cells independent. */
static void of_series(size_t n_cells, const double *a, double *mean, double *err)
{
    double sum = 0, square = 0;
    for (size_t c = 0; c < n_cells; c++)
        sum += a[c] / (double)n_cells;
    for (size_t c = 0; c < n_cells; c++)
        square += (a[c] - sum) * (a[c] - sum);
    *mean = sum;
    *err = sqrt(square / ((double)n_cells * (double)(n_cells - 1)));
}

/* --- renormalised actions ------------------------------------------------------------ */

/* A flow is its own target, S = -ln q: then S_h = -ln q_h(x^(h)), which generating the
 * coarse levels alone gives too. */
static void action_of_a_flow(const char *label, const char *const *overrides)
{
    kad_ctx ctx;
    kad_bulk *bulk;
    kad_coarse *coarse;
    enum { N = 40 };
    kad_ctx_init(&ctx, 1);
    kad_model *model = open_model(&ctx, overrides);
    const kad_flow *flow = model->flow;
    double *theta = test_theta(flow, 5, 0.1), lnp[W], ld[W];
    if (kad_bulk_create_null(&ctx, NULL, model, theta, N, &bulk) != KAD_OK)
        fail_msg("%s: %s", label, ctx.message);
    double *tile = kad_alloc((size_t)flow->n_rows, KAD_ROW_BYTES);
    void *scratch = kad_alloc(1, flow->scratch_bytes[KAD_DOUBLE]);
    for (size_t i = 0; i < N; i++) {
        memset(tile, 0, (size_t)flow->n_rows * KAD_ROW_BYTES);
        for (size_t r = 0; r < bulk->n_rows; r++)
            tile[r * W] = bulk->z[i * bulk->n_rows + r];
        kad_flow_prior_lnp(flow, KAD_DOUBLE, tile, lnp);
        bulk->S[i] = -(lnp[0] - bulk->log_det[i]) + bulk->log_branch[i];
    }
    assert_int_equal(kad_coarse_create(&ctx, bulk, &coarse), KAD_OK);
    const char *packed = kad_map_packed(bulk->map, KAD_DOUBLE);
    for (int h = 1; h < coarse->n_levels; h++)
        for (size_t i = 0; i < N; i++) {
            const kad_coarse_level *level = &coarse->level[h];
            const size_t c = (size_t)flow->n_comp;
            double expected = 0;
            memset(tile, 0, (size_t)flow->n_rows * KAD_ROW_BYTES);
            memset(ld, 0, sizeof ld);
            if (coarse->n_base > 0) continue;
            for (size_t r = 0; r < bulk->n_rows; r++)
                tile[r * W] = bulk->z[i * bulk->n_rows + r];
            for (size_t s = 0; s < (size_t)level->n_sites; s++)
                for (size_t a = 0; a < c; a++) {
                    const double v = tile[((size_t)level->site[s] * c + a) * W];
                    expected += 0.5 * v * v + 0.5 * log(2 * M_PI);
                }
            for (int s = 0; s < level->n_stages; s++) {
                const kad_stage *stage = &flow->stages[s];
                stage->ops->kern[KAD_DOUBLE]->generate(
                    stage, packed + stage->packed[KAD_DOUBLE], tile, ld, scratch);
            }
            expected += ld[0];
            if (!(fabs(level->action[i] - expected) < 1e-9 * (1 + fabs(expected))))
                fail_msg("%s, level %d: %.12g, expected %.12g", label, h,
                         level->action[i], expected);
            for (size_t s = 0; s < (size_t)level->n_sites; s++)
                for (size_t a = 0; a < c; a++) {
                    const double x =
                        level->field[(i * (size_t)level->n_sites + s) * c + a];
                    const double y = tile[((size_t)level->site[s] * c + a) * W];
                    if (!(fabs(x - y) < 1e-9))
                        fail_msg("%s, level %d: x %g %g", label, h, x, y);
                }
        }
    kad_coarse_destroy(coarse);
    kad_bulk_destroy(bulk);
    kad_model_destroy(model);
    kad_free(theta);
    kad_free(tile);
    kad_free(scratch);
}

static void flows_are_their_own_target(void **state)
{
    (void)state;
    const char *const mera[] = {FREE, "lattice.shape=[8,8]", "flow.recipe=neuralrg",
                                NULL};
    const char *const haar[] = {FREE, "lattice.shape=[4,8]", HAAR, NULL};
    const char *const wavelet[] = {FREE,
                                   "lattice.shape=[8,8]",
                                   "action.components=2",
                                   "flow.recipe=stencil",
                                   "flow.decimation=false",
                                   "flow.spectrum=last",
                                   NULL};
    const char *const chain[] = {FREE, "lattice.shape=[16]", "flow.recipe=neuralrg",
                                 NULL};
    action_of_a_flow("mera", mera);
    action_of_a_flow("haar", haar);
    action_of_a_flow("stencil, spectrum last", wavelet);
    action_of_a_flow("one dimension", chain);
}

/* With a Fourier base and couplings that do nothing the field is Gaussian; S_h = -ln q_h
 * is that of the covariance on the sublattice, here by dense algebra. */
static void gaussian_base(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_bulk *bulk;
    kad_coarse *coarse;
    enum { N = 8, SITES = 64 };
    const char *const overrides[] = {FREE,
                                     "lattice.shape=[8,8]",
                                     "flow.recipe=stencil",
                                     "flow.spectrum=first",
                                     "flow.decimation=false",
                                     "flow.ring=false",
                                     NULL};
    kad_ctx_init(&ctx, 1);
    kad_model *model = open_model(&ctx, overrides);
    const kad_flow *flow = model->flow;
    double *theta = identity_theta(flow);
    for (int s = 0; s < flow->n_stages; s++)
        if (flow->stages[s].level < 0)
            for (size_t k = 0; k < flow->stages[s].n_theta; k++)
                theta[flow->stages[s].theta + k] = 0.3 * test_normal(70, 0, k);
    if (kad_bulk_create_null(&ctx, NULL, model, theta, N, &bulk) != KAD_OK)
        fail_msg("%s", ctx.message);
    /* B by columns, and whether the levels really do nothing */
    double *unit = kad_alloc(SITES * SITES, sizeof *unit),
           *B = kad_alloc(SITES * SITES, sizeof *B);
    for (size_t i = 0; i < SITES; i++)
        unit[i * SITES + i] = 1;
    assert_int_equal(kad_map_generate(&ctx, bulk->map, SITES, KAD_DOUBLE, unit, B, NULL),
                     KAD_OK);
    for (size_t i = 0; i < N; i++) {
        double lnp = 0;
        for (size_t r = 0; r < SITES; r++) {
            double y = 0;
            const double z = bulk->z[i * SITES + r];
            for (size_t k = 0; k < SITES; k++)
                y += bulk->z[i * SITES + k] * B[k * SITES + r];
            if (!(fabs(y - bulk->y[i * SITES + r]) < 1e-6))
                fail_msg("not linear: %g %g", y, bulk->y[i * SITES + r]);
            lnp -= 0.5 * z * z + 0.5 * log(2 * M_PI);
        }
        bulk->S[i] = -(lnp - bulk->log_det[i]) + bulk->log_branch[i];
    }
    assert_int_equal(kad_coarse_create(&ctx, bulk, &coarse), KAD_OK);
    assert_true(coarse->n_base > 0);
    for (int h = 1; h < coarse->n_levels; h++) {
        const kad_coarse_level *level = &coarse->level[h];
        const size_t m = (size_t)level->n_sites;
        double *C = kad_alloc(2 * m * m, sizeof *C), *L = C + m * m, ln_det = 0;
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < m; j++)
                for (size_t k = 0; k < SITES; k++)
                    C[i * m + j] += B[k * SITES + (size_t)level->site[i]] *
                                    B[k * SITES + (size_t)level->site[j]];
        for (size_t i = 0; i < m; i++) {
            for (size_t j = 0; j <= i; j++) {
                double sum = C[i * m + j];
                for (size_t k = 0; k < j; k++)
                    sum -= L[i * m + k] * L[j * m + k];
                L[i * m + j] = i == j ? sqrt(sum) : sum / L[j * m + j];
            }
            ln_det += 2 * log(L[i * m + i]);
        }
        for (size_t n = 0; n < N; n++) {
            double v[SITES], square = 0;
            for (size_t i = 0; i < m; i++) {
                v[i] = level->field[n * m + i];
                for (size_t k = 0; k < i; k++)
                    v[i] -= L[i * m + k] * v[k];
                v[i] /= L[i * m + i];
                square += v[i] * v[i];
            }
            const double expected =
                0.5 * square + 0.5 * ln_det + 0.5 * (double)m * log(2 * M_PI);
            if (!(fabs(level->action[n] - expected) < 1e-6))
                fail_msg("level %d: %.12g, expected %.12g", h, level->action[n],
                         expected);
        }
        kad_free(C);
    }
    kad_coarse_destroy(coarse);
    kad_bulk_destroy(bulk);
    kad_model_destroy(model);
    kad_free(theta);
    kad_free(unit);
    kad_free(B);
}

/* --- couplings ----------------------------------------------------------------------- */

/* Metropolis for phi^4, one update of every site; a plain reference. */
static void metropolis(const kad_lattice *lattice, double t, double mu, double lambda,
                       int n_comp, uint64_t sweep, double *phi)
{
    const kad_rng rng = kad_rng_stream(3, KAD_RNG_TEST, 1);
    for (int i = 0; i < lattice->n_sites; i++) {
        double *own = phi + i * n_comp, next[3], h[3] = {0}, s0 = 0, s1 = 0, dS = 0;
        for (int k = 0; k < 2 * lattice->d; k++)
            for (int c = 0; c < n_comp; c++)
                h[c] += phi[lattice->nbr[2 * lattice->d * i + k] * n_comp + c];
        for (int c = 0; c < n_comp; c++) {
            const double u = kad_rng_uniform(rng, sweep, (uint64_t)i, (uint32_t)c) - 0.5;
            next[c] = own[c] + 1.6 * u;
            dS -= t * h[c] * (next[c] - own[c]);
            s0 += own[c] * own[c];
            s1 += next[c] * next[c];
        }
        dS += mu * (s1 - s0) + lambda * (s1 * s1 - s0 * s0);
        if (kad_rng_uniform(rng, sweep, (uint64_t)i, 8) < exp(-dS))
            memcpy(own, next, (size_t)n_comp * sizeof *own);
    }
}

/* Both estimates of the couplings of phi^4 on 6 x 6 sites from its own configurations:
 * least squares of the known action exactly, the samples within their errors (cells of 40
 * configurations four sweeps apart: far longer than the autocorrelation). */
static void couplings_of_phi4(void **state)
{
    (void)state;
    enum { N = 20480, SITES = 36 };
    static const double t = 0.6, mu = 0.5, lambda = 0.3;
    kad_ctx ctx;
    kad_lattice *lattice;
    kad_operators *o;
    kad_couplings fit;
    const int shape[2] = {6, 6};
    kad_ctx_init(&ctx, 2);
    for (int n_comp = 1; n_comp <= 2; n_comp++) {
        const size_t rows = (size_t)(SITES * n_comp);
        double *x = kad_alloc(N * rows, sizeof *x), *S = kad_alloc(N, sizeof *S),
               *phi = kad_alloc(rows, sizeof *phi), O[KAD_N_OPERATORS], worst = 0;
        assert_int_equal(kad_lattice_create(&ctx, 2, shape, &lattice), KAD_OK);
        assert_int_equal(kad_operators_create(&ctx, 2, shape, n_comp, &o), KAD_OK);
        for (size_t i = 0; i < 200 + 4 * N; i++) {
            metropolis(lattice, t, mu, lambda, n_comp, i, phi);
            if (i >= 200 && i % 4 == 0)
                memcpy(x + (i - 200) / 4 * rows, phi, rows * sizeof *x);
        }
        for (size_t i = 0; i < N; i++) {
            kad_operators_values(o, x + i * rows, O);
            S[i] = 7 - t * O[KAD_OP_NN] + mu * O[KAD_OP_PHI2] + lambda * O[KAD_OP_PHI4];
        }
        const kad_bulk_cells cells = {
            .n_chains = 1, .n_cells = 512, .size = N / 512, .n = 512, .n_per_chain = N};
        assert_int_equal(kad_couplings_fit(&ctx, o, &cells, x, S, &fit), KAD_OK);
        for (int a = 0; a < fit.n; a++) {
            const double exact = o->op[a] == KAD_OP_NN     ? -t
                                 : o->op[a] == KAD_OP_PHI2 ? mu
                                 : o->op[a] == KAD_OP_PHI4 ? lambda
                                                           : 0;
            double mean, err;
            of_series(512, fit.series[0] + (size_t)a * 512, &mean, &err);
            if (n_comp == 1 || a < 5)
                print_message("# %d %-10s %9.5f +- %.5f, flow %9.5f, exact %.5f\n",
                              n_comp, kad_operator_names[o->op[a]], fit.g[0][a], err,
                              fit.g[1][a], exact);
            assert_true(fabs(mean - fit.g[0][a]) < 1e-9 * (1 + fabs(mean)));
            assert_true(fabs(fit.g[1][a] - exact) < 1e-8);
            worst = fmax(worst, fabs(fit.g[0][a] - exact) / err);
            assert_true(err < 0.2);
            assert_true(
                fabs(fit.g_unit[0][a] -
                     fit.g[0][a] * pow(fit.scale, kad_operator_degree[o->op[a]])) <
                1e-9 * (1 + fabs(fit.g_unit[0][a])));
        }
        print_message("# largest pull %.2f\n", worst);
        assert_true(worst < 5.85);
        assert_true(fit.residual < 1e-8 && fit.spread > 1);
        kad_couplings_clear(&fit);
        kad_operators_destroy(o);
        kad_lattice_destroy(lattice);
        kad_free(x);
        kad_free(S);
        kad_free(phi);
    }
}

/* --- free field under the Haar flow -------------------------------------------------- */

typedef struct haar_case {
    kad_ctx ctx;
    kad_model *model;
    kad_bulk *bulk;
    double *C; /* [n_sites][n_sites] exact covariance of the latents */
    double *G; /* [n_sites] exact <phi_0 phi_r> */
} haar_case;

enum { N_FREE = 16384 };

static void haar_open(haar_case *t)
{
    const char *const overrides[] = {FREE, "lattice.shape=[8,8]", HAAR, NULL};
    kad_ctx_init(&t->ctx, 2);
    t->model = open_model(&t->ctx, overrides);
    const kad_lattice *lattice = t->model->lattice;
    const size_t N = (size_t)lattice->n_sites;
    double *theta = identity_theta(t->model->flow);
    double *x = free_field(&t->ctx, lattice, 0.25, N_FREE);
    if (kad_bulk_create_from(&t->ctx, NULL, t->model, theta, 1, N_FREE, x, &t->bulk) !=
        KAD_OK)
        fail_msg("%s", t->ctx.message);
    double *unit = kad_alloc(N * N, sizeof *unit), *B = kad_alloc(N * N, sizeof *B);
    t->C = kad_alloc(N * N, sizeof *t->C);
    t->G = kad_alloc(N, sizeof *t->G);
    for (size_t r = 0; r < N; r++)
        for (size_t k = 0; k < N; k++) {
            int n[KAD_MAX_DIM], y[KAD_MAX_DIM];
            kad_lattice_coords(lattice, (int)k, n);
            kad_lattice_coords(lattice, (int)r, y);
            t->G[r] += cos(2 * M_PI * (n[0] * y[0] + n[1] * y[1]) / 8.0) /
                       (2 * (0.25 + kad_lattice_khat2(lattice, (int)k)) * (double)N);
        }
    for (size_t i = 0; i < N; i++)
        unit[i * N + i] = 1;
    /* rows of B: what a unit latent generates; orthogonal, so z = B phi */
    assert_int_equal(
        kad_map_generate(&t->ctx, t->bulk->map, N, KAD_DOUBLE, unit, B, NULL), KAD_OK);
    for (size_t i = 0; i < N; i++)
        for (size_t j = 0; j < N; j++) {
            double sum = 0;
            for (size_t k = 0; k < N; k++)
                for (size_t l = 0; l < N; l++) {
                    int a[KAD_MAX_DIM], b[KAD_MAX_DIM];
                    if (B[i * N + k] == 0 || B[j * N + l] == 0) continue;
                    kad_lattice_coords(lattice, (int)k, a);
                    kad_lattice_coords(lattice, (int)l, b);
                    for (int mu = 0; mu < KAD_MAX_DIM; mu++)
                        b[mu] -= a[mu];
                    sum +=
                        B[i * N + k] * B[j * N + l] * t->G[kad_lattice_site(lattice, b)];
                }
            t->C[i * N + j] = sum;
        }
    kad_free(unit);
    kad_free(B);
    kad_free(theta);
    kad_free(x);
}

static void haar_close(haar_case *t)
{
    kad_bulk_destroy(t->bulk);
    kad_model_destroy(t->model);
    kad_free(t->C);
    kad_free(t->G);
}

/* Mean exact information of the pairs of every bin of levels and separation; those of the
 * analysis agree within their errors, Kraskov's estimate of the strongest class with the
 * largest exact one. */
static void information_of_a_free_field(void **state)
{
    (void)state;
    haar_case t;
    kad_pairs *pairs;
    kad_h5 *file;
    enum { MAX = 512 };
    size_t dims[KAD_H5_MAX_RANK];
    int rank;
    haar_open(&t);
    const size_t N = (size_t)t.model->lattice->n_sites;
    assert_int_equal(kad_pairs_create(&t.ctx, t.bulk, 3, &pairs), KAD_OK);
    assert_int_equal(kad_h5_create(&t.ctx, &file), KAD_OK);
    if (kad_bulk_mutual(&t.ctx, t.bulk, file) != KAD_OK) fail_msg("%s", t.ctx.message);
    assert_int_equal(
        kad_h5_shape(&t.ctx, file, "/bulk/mutual/series/gaussian", &rank, dims), KAD_OK);
    assert_int_equal(rank, 3);
    const size_t n = dims[0], n_cells = dims[2];
    double *series = kad_alloc(n * n_cells, sizeof *series), r[MAX], knn[MAX],
           err_knn[MAX], null[MAX];
    int64_t a[MAX], b[MAX];
    assert_true(n < MAX && n > 5);
    assert_int_equal(kad_h5_read(&t.ctx, file, "/bulk/mutual/series/gaussian", KAD_H5_F64,
                                 3, dims, series),
                     KAD_OK);
    assert_int_equal(kad_h5_read(&t.ctx, file, "/bulk/mutual/r", KAD_H5_F64, 1, &n, r),
                     KAD_OK);
    assert_int_equal(
        kad_h5_read(&t.ctx, file, "/bulk/mutual/knn", KAD_H5_F64, 1, &n, knn), KAD_OK);
    assert_int_equal(
        kad_h5_read(&t.ctx, file, "/bulk/mutual/knn_err", KAD_H5_F64, 1, &n, err_knn),
        KAD_OK);
    assert_int_equal(
        kad_h5_read(&t.ctx, file, "/bulk/mutual/knn_null", KAD_H5_F64, 1, &n, null),
        KAD_OK);
    assert_int_equal(
        kad_h5_read(&t.ctx, file, "/bulk/mutual/level_a", KAD_H5_I64, 1, &n, a), KAD_OK);
    assert_int_equal(
        kad_h5_read(&t.ctx, file, "/bulk/mutual/level_b", KAD_H5_I64, 1, &n, b), KAD_OK);
    for (size_t i = 0; i < n; i++) {
        double exact = 0, count = 0, largest = 0, mean, err;
        for (int k = 0; k < pairs->n; k++)
            for (int l = k; l < pairs->n; l++) {
                const int32_t code = pairs->class_of[kad_pair_at(pairs, k, l)];
                const kad_pair_bin *bin = &pairs->bin[pairs->bin_of[code >> 1]];
                const size_t x = (size_t)pairs->site[k], y = (size_t)pairs->site[l];
                if (bin->self || bin->level_a != a[i] || bin->level_b != b[i] ||
                    bin->r != r[i])
                    continue;
                const double c2 =
                    t.C[x * N + y] * t.C[x * N + y] / (t.C[x * N + x] * t.C[y * N + y]);
                exact -= 0.5 * log(1 - c2);
                largest = fmax(largest, -0.5 * log(1 - c2));
                count++;
            }
        exact /= count;
        of_series(n_cells, series + i * n_cells, &mean, &err);
        print_message(
            "# %d %d r %.2f: %.6f +- %.6f, exact %.6f; %.4f +- %.4f, exact %.4f\n",
            (int)a[i], (int)b[i], r[i], mean, err, exact, knn[i], err_knn[i], largest);
        /* beside the linear error: the quadratic part, 1/(2 n) a pair at most */
        assert_true(fabs(mean - exact) < 5.85 * (err + 0.5 / N_FREE));
        /* Kraskov: 8 x 1000 points; beside the error its bias, below 0.02 */
        assert_true(fabs(knn[i] - largest) < 6 * err_knn[i] + 0.03);
        assert_true(fabs(null[i]) < 6 * err_knn[i] + 0.03);
    }
    kad_h5_close(file);
    kad_pairs_destroy(pairs);
    kad_free(series);
    haar_close(&t);
}

static double gauss_of(kad_ctx *ctx, size_t n, const int *site, size_t n_a,
                       const haar_case *t, bool latents)
{
    const size_t N = (size_t)t->model->lattice->n_sites;
    double *cov = kad_alloc(n * n, sizeof *cov), out;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            int a[KAD_MAX_DIM], b[KAD_MAX_DIM];
            kad_lattice_coords(t->model->lattice, site[i], a);
            kad_lattice_coords(t->model->lattice, site[j], b);
            for (int mu = 0; mu < KAD_MAX_DIM; mu++)
                b[mu] -= a[mu];
            cov[i * n + j] = latents ? t->C[(size_t)site[i] * N + (size_t)site[j]]
                                     : t->G[kad_lattice_site(t->model->lattice, b)];
        }
    assert_int_equal(kad_mutual_gauss(ctx, n_a, n - n_a, cov, &out, NULL), KAD_OK);
    kad_free(cov);
    return out;
}

/* I(A:B) of the free field exactly, and of the four block sums that meet at the cut: the
 * Haar tree decouples nothing more, so the first is larger. */
static void bottleneck_of_a_free_field(void **state)
{
    (void)state;
    haar_case t;
    kad_h5 *file;
    int site[64], level;
    double boundary[1024], cut[1024], knn, knn_err, mean, err;
    size_t dims[KAD_H5_MAX_RANK];
    int rank;
    haar_open(&t);
    for (int i = 0; i < 64; i++)
        site[i] = i;
    const double exact = gauss_of(&t.ctx, 64, site, 32, &t, false);
    /* block sums over 4 x 4 sites: covariance from G */
    double cov[16] = {0}, exact_cut;
    for (int i = 0; i < 4; i++)
        for (int j = 0; j < 4; j++)
            for (int k = 0; k < 256; k++) {
                const int x[KAD_MAX_DIM] = {4 * (j / 2 - i / 2) + k / 64 - k / 16 % 4,
                                            4 * (j % 2 - i % 2) + k / 4 % 4 - k % 4};
                cov[4 * i + j] += t.G[kad_lattice_site(t.model->lattice, x)];
            }
    assert_int_equal(kad_mutual_gauss(&t.ctx, 2, 2, cov, &exact_cut, NULL), KAD_OK);
    assert_int_equal(kad_bottleneck_level(&t.ctx, t.model->flow, &level), KAD_OK);
    assert_int_equal(level, 2);
    assert_int_equal(kad_h5_create(&t.ctx, &file), KAD_OK);
    if (kad_bulk_bottleneck(&t.ctx, t.bulk, file) != KAD_OK)
        fail_msg("%s", t.ctx.message);
    assert_int_equal(
        kad_h5_shape(&t.ctx, file, "/bulk/bottleneck/series/cut", &rank, dims), KAD_OK);
    assert_int_equal(kad_h5_read(&t.ctx, file, "/bulk/bottleneck/series/cut", KAD_H5_F64,
                                 2, dims, cut),
                     KAD_OK);
    assert_int_equal(kad_h5_read(&t.ctx, file, "/bulk/bottleneck/series/boundary",
                                 KAD_H5_F64, 2, dims, boundary),
                     KAD_OK);
    assert_int_equal(
        kad_h5_read(&t.ctx, file, "/bulk/bottleneck/cut_knn", KAD_H5_F64, 0, NULL, &knn),
        KAD_OK);
    assert_int_equal(kad_h5_read(&t.ctx, file, "/bulk/bottleneck/cut_knn_err", KAD_H5_F64,
                                 0, NULL, &knn_err),
                     KAD_OK);
    of_series(dims[1], boundary, &mean, &err);
    print_message("# I(A:B) %.5f +- %.5f, exact %.5f\n", mean, err, exact);
    /* the bias of second order: 35 numbers C(r) of n samples each */
    assert_true(fabs(mean - exact) < 5.85 * err + 35.0 / N_FREE);
    of_series(dims[1], cut, &mean, &err);
    print_message("# I(a:b) %.5f +- %.5f, exact %.5f, Kraskov %.4f +- %.4f\n", mean, err,
                  exact_cut, knn, knn_err);
    assert_true(fabs(mean - exact_cut) < 5.85 * err + 4.0 / (2 * N_FREE));
    /* bias in 2 + 2 dimensions at 2000 points: a few per cent of I */
    assert_true(fabs(knn - exact_cut) < 6 * knn_err + 0.05 * exact_cut);
    assert_true(exact > exact_cut);
    kad_h5_close(file);
    haar_close(&t);
}

/* A network with disentanglers has no bottleneck, a spectrum neither. */
static void no_bottleneck(void **state)
{
    (void)state;
    const char *const mera[] = {FREE, "lattice.shape=[8,8]", "flow.recipe=neuralrg",
                                NULL};
    const char *const base[] = {FREE, "lattice.shape=[8,8]", "flow.recipe=fourier", NULL};
    const char *const *cases[] = {mera, base};
    for (int i = 0; i < 2; i++) {
        kad_ctx ctx;
        int level;
        kad_ctx_init(&ctx, 1);
        kad_model *model = open_model(&ctx, cases[i]);
        assert_int_equal(kad_bottleneck_level(&ctx, model->flow, &level), KAD_OK);
        assert_int_equal(level, 0);
        kad_model_destroy(model);
    }
}

/* --- receptive fields ---------------------------------------------------------------- */

/* Haar: a latent of level h reaches the 4^(h+1) sites of its block with +-2^-(h+1), all
 * others exactly not. */
static void receptive_fields_of_haar(void **state)
{
    (void)state;
    haar_case t;
    kad_receptive *r;
    haar_open(&t);
    assert_int_equal(kad_receptive_create(&t.ctx, t.bulk, 8, true, &r), KAD_OK);
    assert_false(r->boundary);
    for (int h = 0; h < r->n_levels; h++) {
        const kad_receptive_level *level = &r->level[h];
        const int top = h == r->n_levels - 1, extent = top ? 8 : 2 << h;
        assert_int_equal(level->n_classes, top ? 1 : 3);
        for (int k = 0; k < level->n_classes; k++)
            for (int d = 0; d < 64; d++) {
                int x[KAD_MAX_DIM], j[KAD_MAX_DIM];
                kad_lattice_coords(t.model->lattice, d, x);
                kad_lattice_coords(t.model->lattice, level->site[k], j);
                const int inside =
                    (x[0] + j[0]) % 8 < extent && (x[1] + j[1]) % 8 < extent;
                const double s = level->strength[k * 64 + d],
                             w = level->wavelet[k * 64 + d];
                assert_true(level->count[k * 64 + d] > 0);
                if (inside) {
                    assert_true(fabs(s - 1.0 / extent) < 1e-14);
                    assert_true(fabs(fabs(w) - 1.0 / extent) < 1e-14);
                } else {
                    assert_true(s == 0 && w == 0);
                }
            }
    }
    kad_receptive_destroy(r);
    haar_close(&t);
}

/* Random networks: exactly nothing outside the generation cone, and not nothing inside. */
static void receptive_fields_stay_in_the_cone(void **state)
{
    (void)state;
#define PHI4                                                                      \
    "action.name=phi4", "action.form=albergo", "action.m2=-4", "action.lambda=7", \
        "lattice.shape=[8,8]", "flow.spectrum=none", "flow.decimation=false"
    static const char *const mera[] = {PHI4, "flow.recipe=neuralrg", NULL};
    static const char *const stencil[] = {PHI4,
                                          "flow.recipe=stencil",
                                          "flow.sources=4",
                                          "flow.refinements=0",
                                          "flow.refinements_finest=0",
                                          NULL};
    const char *const *const cases[] = {mera, stencil};
    for (int i = 0; i < 2; i++) {
        kad_ctx ctx;
        kad_bulk *bulk;
        kad_receptive *r;
        kad_cone *cone;
        kad_cone_state *moving;
        int outside = 0, inside = 0, silent = 0;
        kad_ctx_init(&ctx, 2);
        kad_model *model = open_model(&ctx, cases[i]);
        double *theta = test_theta(model->flow, 11, 0.2);
        const size_t n_rows = (size_t)model->flow->n_rows;
        assert_int_equal(kad_bulk_create_null(&ctx, NULL, model, theta, 64, &bulk),
                         KAD_OK);
        assert_int_equal(kad_receptive_create(&ctx, bulk, 8, false, &r), KAD_OK);
        assert_int_equal(kad_cone_create(&ctx, model->flow, &cone), KAD_OK);
        assert_int_equal(kad_cone_state_create(
                             &ctx, cone, kad_map_packed(bulk->map, KAD_DOUBLE), &moving),
                         KAD_OK);
        double *z = kad_alloc(n_rows * W, sizeof *z), to[W], dld[W];
        const uint8_t keep[W] = {0};
        for (size_t q = 0; q < n_rows * W; q++)
            z[q] = test_normal(80, q, 0);
        kad_cone_begin(moving, z);
        for (int h = 0; h < r->n_levels; h++)
            for (int k = 0; k < r->level[h].n_classes; k++) {
                const int j = r->level[h].site[k];
                uint8_t reached[64] = {0};
                for (int l = 0; l < W; l++)
                    to[l] = z[(size_t)j * W + (size_t)l] + 0.5;
                kad_cone_move(moving, j, to, dld);
                for (int s = 0; s < moving->n_sites; s++)
                    reached[moving->sites[s]] = 1;
                kad_cone_settle(moving, keep);
                for (int d = 0; d < 64; d++) {
                    int x[KAD_MAX_DIM], y[KAD_MAX_DIM];
                    kad_lattice_coords(model->lattice, d, x);
                    kad_lattice_coords(model->lattice, j, y);
                    for (int mu = 0; mu < KAD_MAX_DIM; mu++)
                        x[mu] += y[mu];
                    const double s = r->level[h].strength[k * 64 + d];
                    if (reached[kad_lattice_site(model->lattice, x)]) {
                        inside++;
                        silent += s == 0;
                    } else {
                        outside++;
                        if (s != 0)
                            fail_msg("case %d: level %d, strength %g outside the cone", i,
                                     h, s);
                    }
                }
            }
        print_message("# case %d: %d inside (%d silent), %d outside\n", i, inside, silent,
                      outside);
        assert_true(inside > 100 && outside > 100 && silent == 0);
        kad_free(z);
        kad_cone_state_destroy(moving);
        kad_cone_destroy(cone);
        kad_receptive_destroy(r);
        kad_bulk_destroy(bulk);
        kad_model_destroy(model);
        kad_free(theta);
    }
}

/* --- densities ----------------------------------------------------------------------- */

static void read_series(kad_ctx *ctx, kad_h5 *file, const char *path, size_t *n,
                        size_t *n_cells, double **out)
{
    size_t dims[KAD_H5_MAX_RANK];
    int rank;
    assert_int_equal(kad_h5_shape(ctx, file, path, &rank, dims), KAD_OK);
    *n = 1;
    for (int i = 0; i < rank - 2; i++)
        *n *= dims[i];
    assert_int_equal(dims[rank - 2], 1);
    *n_cells = dims[rank - 1];
    *out = kad_alloc(*n * *n_cells, sizeof **out);
    assert_int_equal(kad_h5_read(ctx, file, path, KAD_H5_F64, rank, dims, *out), KAD_OK);
}

/* Fields of a linear flow of a free field are Gaussian at every level. */
static void densities_of_gaussians(void **state)
{
    (void)state;
    haar_case t;
    kad_h5 *file;
    double *series, mean, err;
    size_t n, n_cells, tested = 0;
    haar_open(&t);
    assert_int_equal(kad_h5_create(&t.ctx, &file), KAD_OK);
    if (kad_bulk_fields(&t.ctx, t.bulk, file) != KAD_OK) fail_msg("%s", t.ctx.message);
    read_series(&t.ctx, file, "/bulk/densities/series/density", &n, &n_cells, &series);
    assert_int_equal(n, 4 * KAD_DENSITY_BINS);
    for (size_t i = 0; i < n; i++) {
        const double lo = -4 + 0.125 * (double)(i % KAD_DENSITY_BINS), hi = lo + 0.125;
        const double exact = 0.5 * (erf(hi / sqrt(2)) - erf(lo / sqrt(2))) / 0.125;
        of_series(n_cells, series + i * n_cells, &mean, &err);
        if (exact * 0.125 * N_FREE < 200) continue; /* counts: not normal */
        tested++;
        /* the unit is estimated too: 2 / (n sites) of its square, seen by the tails */
        assert_true(fabs(mean - exact) < 5.85 * hypot(err, 0.01 * exact));
    }
    assert_true(tested > 100);
    kad_free(series);
    read_series(&t.ctx, file, "/bulk/densities/series/kurtosis", &n, &n_cells, &series);
    for (size_t i = 0; i < n; i++) {
        of_series(n_cells, series + i * n_cells, &mean, &err);
        assert_true(fabs(mean - 1) < 5.85 * err);
    }
    kad_free(series);
    read_series(&t.ctx, file, "/bulk/densities/series/correlator", &n, &n_cells, &series);
    for (size_t r = 0; r <= 4; r++) { /* level 0: the boundary */
        of_series(n_cells, series + r * n_cells, &mean, &err);
        assert_true(fabs(mean - t.G[r] / t.G[0]) < 5.85 * err + 1e-12);
    }
    kad_free(series);
    kad_h5_close(file);
    haar_close(&t);
}

int main(void)
{
    const struct CMUnitTest kad[] = {
        CLAIM("coarse: a flow as its own target has exact renormalised actions",
              flows_are_their_own_target),
        CLAIM("coarse: behind a Fourier base they are those of a Gaussian field",
              gaussian_base),
        CLAIM("couplings: phi^4 from its configurations and from its action",
              couplings_of_phi4),
        CLAIM("mutual: free field under the Haar flow", information_of_a_free_field),
        CLAIM("bottleneck: free field under the Haar tree", bottleneck_of_a_free_field),
        CLAIM("bottleneck: none with disentanglers or a spectrum", no_bottleneck),
        CLAIM("receptive: the Haar wavelets", receptive_fields_of_haar),
        CLAIM("receptive: exactly nothing outside the generation cone",
              receptive_fields_stay_in_the_cone),
        CLAIM("densities: Gaussian fields at every level", densities_of_gaussians),
    };
    return cmocka_run_group_tests(kad, NULL, NULL);
}
