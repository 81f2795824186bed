/* Claims about multistate reweighting: exact cases, its errors, and what must not be left
 * out of it. */
#include "analysis/anchor.h"
#include "analysis/mbar.h"
#include "base/rng.h"
#include "tests/support/claim.h"

/* Harmonic wells S_k = a_k x^2/2 - b_k x: Z_k = sqrt(2 pi/a) exp(b^2/2a), <x> = b/a. */
enum { K = 4, DRAWS = 2000 };
static const double wells[K][2] = {{0.5, 0}, {0.5, -0.5}, {0.6, -1}, {1, -1.5}};

static double ln_z_of(const double *c)
{
    return 0.5 * log(acos(-1.0) / c[0]) + c[1] * c[1] / (4 * c[0]);
}

typedef struct chains {
    double *x2[K], *x[K];
    kad_mbar_state state[K];
} chains;

static double normal(uint64_t seed, uint64_t n)
{
    double z[2];
    kad_rng_normal2(kad_rng_stream(seed, KAD_RNG_EVAL, 0), 0, n, 0, z);
    return z[0];
}

/* Chains x_{t+1} = r x_t + sqrt(1 - r^2) xi about the well's mean, tau = (1+r)/2(1-r); shared:
 * all with the same xi, as points of one seed. */
static void make_with(chains *c, uint64_t seed, const double *r, bool shared)
{
    for (size_t k = 0; k < K; k++) {
        const double mean = -wells[k][1] / (2 * wells[k][0]);
        const double sigma = sqrt(0.5 / wells[k][0]);
        const size_t own = shared ? 0 : k * (DRAWS + 1);
        double at = normal(seed, own);
        c->x[k] = malloc(DRAWS * sizeof(double));
        c->x2[k] = malloc(DRAWS * sizeof(double));
        for (size_t i = 0; i < DRAWS; i++) {
            c->x[k][i] = mean + sigma * at;
            c->x2[k][i] = c->x[k][i] * c->x[k][i];
            at = r[k] * at + sqrt(1 - r[k] * r[k]) * normal(seed, own + i + 1);
        }
        c->state[k] = (kad_mbar_state){.c = wells[k],
                                       .n = DRAWS,
                                       .g = (1 + r[k]) / (1 - r[k]),
                                       .memory = (1 + r[k]) / (1 - r[k]),
                                       .statistic = {c->x2[k], c->x[k]}};
    }
}

static void make(chains *c, uint64_t seed, const double *r)
{
    make_with(c, seed, r, false);
}

static void destroy(chains *c)
{
    for (size_t k = 0; k < K; k++) {
        free(c->x[k]);
        free(c->x2[k]);
    }
}

static const double independent[K] = {0, 0, 0, 0}, correlated[K] = {0, 0.8, 0, 0.6};

/* f solves the equations it is defined by, by sums written out. */
static void test_equations(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    chains c;
    kad_mbar m;
    make(&c, 1, correlated);
    assert_int_equal(kad_mbar_solve(&scope, K, 2, c.state, &m), KAD_OK);
    assert_true(m.f[0] == 0);
    for (size_t i = 0; i < K; i++) {
        long double sum = 0;
        for (size_t j = 0; j < K; j++)
            for (size_t n = 0; n < DRAWS; n++) {
                long double d = 0;
                const double x2 = c.x2[j][n], x = c.x[j][n];
                for (size_t k = 0; k < K; k++)
                    d += DRAWS / c.state[k].g *
                         expl(m.f[k] - wells[k][0] * x2 - wells[k][1] * x);
                sum += expl(-wells[i][0] * x2 - wells[i][1] * x) / d / c.state[j].g;
            }
        assert_true(fabsl(m.f[i] + logl(sum)) < 1e-9L);
    }
    for (size_t i = 0; i < K; i++) { /* rows of the overlap are probabilities */
        double row = 0;
        for (size_t k = 0; k < K; k++)
            row += m.overlap[i * K + k];
        assert_true(fabs(row - 1) < 1e-12);
    }
    destroy(&c);
}

/* Pulls of f, of ln Z between the states and of <x>, <x^2> there are normal: mean 0,
 * variance 1, over many repeats, with correlated chains too. */
static void pulls(const double *r, double bias_sigmas, double *chi2)
{
    enum { REPEATS = 200, PULLS = K - 1 + 3 };
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    const double theta[2] = {0.55, -0.7};
    const double x = -theta[1] / (2 * theta[0]), x2 = x * x + 0.5 / theta[0];
    double sum[PULLS] = {0}, square[PULLS] = {0};
    for (uint64_t repeat = 0; repeat < REPEATS; repeat++) {
        KAD_SCOPE(scope, &ctx);
        chains c;
        kad_mbar m;
        kad_mbar_curve at;
        double pull[PULLS];
        make(&c, 100 + repeat, r);
        assert_int_equal(kad_mbar_solve(&scope, K, 2, c.state, &m), KAD_OK);
        const double *const *const columns[2] = {(const double *const *)c.x,
                                                 (const double *const *)c.x2};
        assert_int_equal(kad_mbar_at(&scope, &m, 1, theta, 2, columns, &at), KAD_OK);
        const kad_estimate ln_z = kad_mbar_estimate(&at, 0, 0),
                           mean[2] = {kad_mbar_estimate(&at, 0, 1),
                                      kad_mbar_estimate(&at, 0, 2)};
        const double n_eff = at.n_eff[0];
        for (size_t k = 1; k < K; k++)
            pull[k - 1] = (m.f[k] + ln_z_of(wells[k]) - ln_z_of(wells[0])) / m.f_err[k];
        pull[K - 1] = (ln_z.value - ln_z_of(theta) + ln_z_of(wells[0])) / ln_z.err;
        pull[K] = (mean[0].value - x) / mean[0].err;
        pull[K + 1] = (mean[1].value - x2) / mean[1].err;
        assert_true(n_eff > 100 && n_eff < K * DRAWS);
        for (size_t i = 0; i < PULLS; i++) {
            sum[i] += pull[i];
            square[i] += pull[i] * pull[i];
        }
        destroy(&c);
    }
    *chi2 = 0;
    for (size_t i = 0; i < PULLS; i++) {
        assert_true(fabs(sum[i]) < bias_sigmas * sqrt(REPEATS));
        *chi2 += square[i] / (REPEATS * PULLS);
    }
}

/* Student's t of 39 degrees has variance 39/37; 200 repeats of six pulls know it to 7 %
 * even where all six are one. */
static void test_errors(void **state)
{
    (void)state;
    double chi2;
    pulls(independent, 3.5, &chi2);
    assert_true(chi2 > 0.8 && chi2 < 1.3);
    pulls(correlated, 3.5, &chi2);
    assert_true(chi2 > 0.8 && chi2 < 1.3);
}

/* At a state of its own, with one state only, everything is a plain mean. */
static void test_one_state(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    chains c;
    kad_mbar m;
    kad_mbar_curve at;
    double sum = 0;
    make(&c, 3, correlated);
    assert_int_equal(kad_mbar_solve(&scope, 1, 2, c.state, &m), KAD_OK);
    const double *const *const columns[1] = {(const double *const *)c.x};
    assert_int_equal(kad_mbar_at(&scope, &m, 1, wells[0], 1, columns, &at), KAD_OK);
    const kad_estimate ln_z = kad_mbar_estimate(&at, 0, 0),
                       mean = kad_mbar_estimate(&at, 0, 1);
    for (size_t i = 0; i < DRAWS; i++)
        sum += c.x[0][i] / DRAWS;
    assert_true(fabs(mean.value - sum) < 1e-12);
    assert_true(fabs(ln_z.value) < 1e-12 && !(ln_z.err > 1e-12));
    assert_true(fabs(at.n_eff[0] - DRAWS) < 1e-6);
    destroy(&c);
}

/* ln Z of a map whose weights are Z exp(a u - a^2/2) with the chain's own u = (x - mean)/sigma
 * (`same`), or with others: E w = Z. part: what each block adds. */
static double weigh(const chains *c, size_t k, bool same, uint64_t seed, size_t n_blocks,
                    double *part)
{
    static const double A = 0.5;
    const double mean = -wells[k][1] / (2 * wells[k][0]);
    const double sigma = sqrt(0.5 / wells[k][0]);
    double total = 0;
    for (size_t b = 0; b < n_blocks; b++)
        part[b] = 0;
    for (size_t i = 0; i < DRAWS; i++) {
        const double u =
            same ? (c->x[k][i] - mean) / sigma : normal(seed, 1000000 + k * DRAWS + i);
        const double w = exp(A * u - A * A / 2);
        part[i * n_blocks / DRAWS] += w;
        total += w;
    }
    for (size_t b = 0; b < n_blocks; b++)
        part[b] = part[b] / total - 1.0 / (double)n_blocks;
    return ln_z_of(wells[k]) + log(total / DRAWS);
}

/* ln Z between the states from maps and chains together: pulls of variance 1, chi^2 of K - 1
 * degrees, an error below that of a map alone. Of 200 repeats the mean of chi^2/3 is known
 * to 6 %, and is 10 % too large by the covariance's own noise of 40 blocks. */
static void anchored(bool same, bool shared)
{
    enum { REPEATS = 200 };
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    const double theta[2] = {0.55, -0.7};
    double chi2 = 0, square = 0, sum = 0, ratio = 0;
    for (uint64_t repeat = 0; repeat < REPEATS; repeat++) {
        KAD_SCOPE(scope, &ctx);
        chains c;
        kad_mbar m;
        kad_mbar_curve at;
        kad_anchor a;
        kad_anchor_value value[K];
        double part[K][KAD_MBAR_BLOCKS], alone = 0;
        kad_estimate ln_z;
        make_with(&c, 700 + repeat, correlated, shared);
        assert_int_equal(kad_mbar_solve(&scope, K, 2, c.state, &m), KAD_OK);
        assert_int_equal(kad_mbar_at(&scope, &m, 1, theta, 0, NULL, &at), KAD_OK);
        const size_t n_blocks = same ? m.n_blocks : KAD_MBAR_BLOCKS;
        for (size_t k = 0; k < K; k++)
            value[k] = (kad_anchor_value){
                k, weigh(&c, k, same, 700 + repeat, n_blocks, part[k]), part[k]};
        for (size_t b = 0; b < n_blocks; b++)
            alone += part[0][b] * part[0][b];
        assert_int_equal(kad_anchor_make(&scope, &m, K, value, n_blocks, same, &a),
                         KAD_OK);
        assert_int_equal(kad_anchor_at(&ctx, &a, at.value[0], at.part, &ln_z), KAD_OK);
        const double pull = (ln_z.value - ln_z_of(theta)) / ln_z.err;
        assert_int_equal(a.dof, K - 1);
        chi2 += a.chi2 / (K - 1) / REPEATS;
        sum += pull;
        square += pull * pull / REPEATS;
        ratio += ln_z.err / sqrt(alone) / REPEATS;
        destroy(&c);
    }
    print_message("# chi^2/dof %.3f, pulls %.3f, %.3f, error %.2f of a map's\n", chi2,
                  sum / sqrt(REPEATS), square, ratio);
    assert_true(chi2 > 0.8 && chi2 < 1.35);
    assert_true(fabs(sum) < 3.5 * sqrt(REPEATS));
    assert_true(square > 0.65 && square < 1.5); /* 3.5 errors of 10 % */
    assert_true(ratio < 0.9);
}

static void test_anchor(void **state)
{
    (void)state;
    anchored(true, false);
    anchored(false, false);
}

/* The same where all states draw with the same random numbers. */
static void test_anchor_of_one_seed(void **state)
{
    (void)state;
    anchored(true, true);
    anchored(false, true);
}

/* A row of wells, out of order, whose first and last know of each other through all between
 * them alone: ln Z differ by 1500, and at f = 0 all draws belong to one of them. */
static void test_far_states(void **state)
{
    enum { FAR = 24 };
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    static double x[FAR][DRAWS], x2[FAR][DRAWS], c[FAR][2];
    kad_mbar_state far[FAR];
    kad_mbar m;
    for (size_t k = 0; k < FAR; k++) {
        const double mean = 40 + 1.2 * (double)(k * 7 % FAR);
        c[k][0] = 0.5;
        c[k][1] = -mean;
        for (size_t i = 0; i < DRAWS; i++) {
            x[k][i] = mean + normal(11, k * DRAWS + i);
            x2[k][i] = x[k][i] * x[k][i];
        }
        far[k] = (kad_mbar_state){
            .c = c[k], .n = DRAWS, .g = 1, .memory = 1, .statistic = {x2[k], x[k]}};
    }
    assert_int_equal(kad_mbar_solve(&scope, FAR, 2, far, &m), KAD_OK);
    for (size_t k = 1; k < FAR; k++)
        assert_true(fabs(m.f[k] + ln_z_of(c[k]) - ln_z_of(c[0])) < 4 * m.f_err[k]);
}

static void test_refusals(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    chains c;
    kad_mbar m;
    make(&c, 4, independent);
    kad_mbar_state far[2] = {c.state[0], c.state[1]};
    const double there[2] = {0.5, 1e4};
    far[1].c = there; /* says it is where none of its draws are */
    for (size_t i = 0; i < DRAWS; i++)
        c.x[1][i] += 1e4;
    assert_int_equal(kad_mbar_solve(&scope, 2, 2, far, &m), KAD_EDATA);
    far[1] = c.state[2];
    far[1].n = 20;
    assert_int_equal(kad_mbar_solve(&scope, 2, 2, far, &m), KAD_EDATA);
    far[1] = c.state[2];
    c.x[2][5] = NAN;
    assert_int_equal(kad_mbar_solve(&scope, 2, 2, far, &m), KAD_EDATA);
    assert_int_equal(kad_mbar_solve(&scope, 0, 2, far, &m), KAD_EDATA);
    destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equations),          cmocka_unit_test(test_errors),
        cmocka_unit_test(test_one_state),          cmocka_unit_test(test_anchor),
        cmocka_unit_test(test_anchor_of_one_seed), cmocka_unit_test(test_far_states),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
