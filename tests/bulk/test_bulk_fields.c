/* Coarse fields and renormalised actions where they are known: flows as their own target,
 * Gaussian bases, phi^4 at the boundary. */
#include "bulk/cells.h"
#include "bulk/coarse.h"
#include "bulk/couplings.h"
#include "tests/bulk/haar_case.h"

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
    KAD_SCOPE(scope, &ctx);
    kad_model *model = open_model(&ctx, overrides);
    const kad_flow *flow = model->flow;
    double *theta = test_theta(flow, 5, 0.1), lnp[W], ld[W];
    if (kad_bulk_create_null(&scope, NULL, model, theta, N, &bulk) != KAD_OK)
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
    assert_int_equal(kad_coarse_create(&scope, bulk, &coarse), KAD_OK);
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
    KAD_SCOPE(scope, &ctx);
    kad_model *model = open_model(&ctx, overrides);
    const kad_flow *flow = model->flow;
    double *theta = identity_theta(flow);
    for (int s = 0; s < flow->n_stages; s++)
        if (flow->stages[s].level < 0)
            for (size_t k = 0; k < flow->stages[s].n_theta; k++)
                theta[flow->stages[s].theta + k] = 0.3 * test_normal(70, 0, k);
    if (kad_bulk_create_null(&scope, NULL, model, theta, N, &bulk) != KAD_OK)
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
    assert_int_equal(kad_coarse_create(&scope, bulk, &coarse), KAD_OK);
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
    KAD_SCOPE(scope, &ctx);
    for (int n_comp = 1; n_comp <= 2; n_comp++) {
        const size_t rows = (size_t)(SITES * n_comp);
        double *x = kad_alloc(N * rows, sizeof *x), *S = kad_alloc(N, sizeof *S),
               *phi = kad_alloc(rows, sizeof *phi), O[KAD_N_OPERATORS], worst = 0;
        assert_int_equal(kad_lattice_create(&ctx, 2, shape, &lattice), KAD_OK);
        assert_int_equal(kad_operators_create(&scope, 2, shape, n_comp, &o), KAD_OK);
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
        assert_int_equal(kad_couplings_fit(&scope, o, &cells, x, S, &fit), KAD_OK);
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
        kad_lattice_destroy(lattice);
        kad_free(x);
        kad_free(S);
        kad_free(phi);
    }
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
    };
    return cmocka_run_group_tests(kad, NULL, NULL);
}
