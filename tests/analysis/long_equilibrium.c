/* How often the tests of equilibrium fire, over thousands of chains with fresh seeds: on
 * stationary AR(1) chains and on squares of them (never more often than they promise), and
 * on chains that start off, or around two means (where they should). Prints the rows of the
 * table in doc/comparison.md. */
#include "analysis/equilibrium.h"
#include "tests/analysis/equilibrium_case.h"
#include "tests/support/analysis_util.h"
#include "tests/support/fresh.h"

enum { N_MOST = 64 * 2000 };

static uint64_t fresh;

static double normal(uint64_t replica, uint64_t i)
{
    double pair[2];
    kad_rng_normal2(kad_rng_stream(fresh, KAD_RNG_TEST, 60), i, replica, 0, pair);
    return pair[0];
}

/* R chains of n draws with correlation time tau. `off`: they start so many standard
 * deviations from their mean, `burn_in` draws before the first; `apart`: every second one
 * is about another mean. `square`: of a skewed observable, x^2. */
typedef struct ensemble {
    size_t n_chains, n;
    double tau, off, apart;
    size_t burn_in;
    bool square;
} ensemble;

static void make(const ensemble *e, uint64_t replica, double *a)
{
    const double rho = (2.0 * e->tau - 1.0) / (2.0 * e->tau + 1.0);
    for (size_t c = 0; c < e->n_chains; c++) {
        const uint64_t number = replica * e->n_chains + c;
        double x = e->off != 0.0 ? e->off * pow(rho, (double)e->burn_in) +
                                       normal(number, 0) *
                                           sqrt(1.0 - pow(rho, 2.0 * (double)e->burn_in))
                                 : normal(number, 0);
        for (size_t i = 0; i < e->n; i++) {
            a[c * e->n + i] = x + (c % 2 == 1 ? e->apart : 0.0);
            if (e->square) a[c * e->n + i] *= a[c * e->n + i];
            x = rho * x + sqrt(1.0 - rho * rho) * normal(number, i + 1);
        }
    }
}

/* Fractions of the replicas in which a test of one observable fires. */
typedef struct shares {
    double burn_in, drift, rhat, fixed; /* fixed: R-hat above 1.01 */
} shares;

static shares fire(const ensemble *e, int n_replicas)
{
    static double a[N_MOST], work[N_MOST];
    const double each = 1.0 / n_replicas;
    shares s = {0};
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    assert_true(e->n_chains * e->n <= N_MOST);
    for (int r = 0; r < n_replicas; r++) {
        kad_gamma g;
        kad_correlation within;
        make(e, (uint64_t)r, a);
        assert_int_equal(kad_gamma_analyse(&ctx, e->n_chains, e->n, a, 1.5, &g), KAD_OK);
        assert_int_equal(kad_within_chains(&ctx, e->n_chains, e->n, a, work, &within),
                         KAD_OK);
        kad_gamma_add_tail(&g, g.tail.tau_exp);
        const kad_correlation known = {
            g.tau_int, g.err * g.err * (double)(e->n_chains * e->n), g.window};
        const double needed =
            kad_burn_in_needed(fmax(g.tau_int, g.tail.tau_exp), e->n_chains, e->n);
        s.burn_in += (double)e->burn_in < needed ? each : 0;
        s.drift += kad_drift_p(e->n_chains, e->n, a, known) < KAD_FALSE_ALARMS ? each : 0;
        s.rhat += g.rhat > kad_rhat_limit(e->n_chains, e->n, within, 1) ? each : 0;
        s.fixed += g.rhat > 1.01 ? each : 0;
    }
    return s;
}

static shares show(const ensemble *e, int n_replicas)
{
    const shares s = fire(e, n_replicas);
    char what[96] = "in equilibrium";
    if (e->off != 0.0) snprintf(what, sizeof what, "%g sigma off", e->off);
    if (e->apart != 0.0) snprintf(what, sizeof what, "%g sigma apart", e->apart);
    print_message("# | %zu x %zu, tau %g%s | %s | %zu | %.4f | %.4f | %.4f | %.3f |\n",
                  e->n_chains, e->n, e->tau, e->square ? ", x^2" : "", what, e->burn_in,
                  s.burn_in, s.drift, s.rhat, s.fixed);
    return s;
}

/* 4000 replicas, of which 4 are to fire: by the Poisson distribution fewer than 20 but for
 * once in 10^8; squares are skewed, and Student's t of few numbers knows no skewness: twice
 * as many, and six times where a tenth of a chain is one tau long. */
static void converged_chains_pass(void **state)
{
    (void)state;
    enum { REPLICAS = 4000 };
    static const struct {
        ensemble e;
        double most;
    } list[] = {
        {{1, 10000, 1, 0, 0, 1000, false}, 20}, {{1, 10000, 10, 0, 0, 1000, false}, 20},
        {{4, 2000, 5, 0, 0, 1000, false}, 20},  {{16, 1000, 5, 0, 0, 1000, false}, 20},
        {{64, 200, 10, 0, 0, 1000, false}, 20}, {{64, 500, 1, 0, 0, 1000, false}, 20},
        {{4, 2000, 5, 0, 0, 1000, true}, 40},   {{16, 1000, 5, 0, 0, 1000, true}, 40},
        {{64, 200, 20, 0, 0, 1000, true}, 60},
    };
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        const shares s = show(&list[i].e, REPLICAS);
        assert_true(s.drift * REPLICAS < list[i].most);
        assert_true(s.rhat * REPLICAS < list[i].most);
        assert_true(s.burn_in * REPLICAS < 20);
    }
}

/* Starts off, with a burn-in too short or none, and chains around two means: at least
 * nineteen of twenty are seen by the test that is for them. */
static void others_do_not(void **state)
{
    (void)state;
    enum { REPLICAS = 400 };
    static const ensemble off[] = {{64, 1000, 150, 2, 0, 200, false},
                                   {64, 1000, 50, 2, 0, 50, false},
                                   {64, 2000, 5, 5, 0, 1, false}};
    static const ensemble drifts[] = {{64, 1000, 50, 2, 0, 0, false},
                                      {64, 2000, 20, 5, 0, 0, false}};
    static const ensemble apart[] = {{64, 2000, 5, 0, 0.4, 2000, false},
                                     {64, 1000, 50, 0, 2, 2000, false},
                                     {4, 2000, 5, 0, 0.8, 2000, false}};
    for (size_t i = 0; i < sizeof off / sizeof *off; i++)
        assert_true(show(&off[i], REPLICAS).burn_in > 0.95);
    for (size_t i = 0; i < sizeof drifts / sizeof *drifts; i++)
        assert_true(show(&drifts[i], REPLICAS).drift > 0.95);
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++)
        assert_true(show(&apart[i], REPLICAS).rhat > 0.95);
}

/* 64 seeds: the mean pull is known to 1/8; four of those and what phi^2 is known to. */
static void the_default_burn_in_leaves_no_bias(void **state)
{
    (void)state;
    int n;
    const double pull = default_burn_in_pull(fresh, 64, &n);
    assert_true(n >= 48);
    assert_true(fabs(pull) < 4.0 / sqrt(n) + 2 * 0.08);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("equilibrium: on converged chains tests fire as seldom as they promise",
              converged_chains_pass),
        CLAIM("equilibrium: starts off, drifts and chains apart are seen", others_do_not),
        CLAIM("equilibrium: the default burn-in leaves no bias",
              the_default_burn_in_leaves_no_bias),
    };
    fresh = fresh_seed("equilibrium", "");
    return cmocka_run_group_tests_name("equilibrium, long", tests, NULL, NULL);
}
