/* Draws carried to the action: their weights, their ways back, the tuning. Exactness of
 * whole draws: test_samplers.c; the same bits: test_sampler_bits.c. */
#include "analysis/results.h"
#include "base/memory.h"
#include "run/options.h"
#include "sample/annealed.h"
#include "sample/hmc_core.h"
#include "tests/support/claim.h"
#include "tests/support/target_case.h"

/* --- targets ------------------------------------------------------------------------- */

static const target_kind *kind_of(const char *name)
{
    for (const target_kind *kind = target_kinds; kind->name != NULL; kind++)
        if (strcmp(kind->name, name) == 0) return kind;
    fail_msg("no target %s", name);
    return NULL;
}

/* The spins of `Ising dual` with a map that is symmetrised over the sign. */
static target_kind symmetrised(void)
{
    target_kind kind = *kind_of("Ising dual");
    kind.name = "Ising dual, mixture";
    kind.yaml =
        "lattice: {shape: [4, 4]}\n"
        "action: {name: on-dual, beta: 0.35, epsilon: 0.5}\n"
        "flow: {recipe: neuralrg, symmetry: mixture, couplings: 4, widths: [6]}\n";
    return kind;
}

static kad_anneal anneal_of(const target *t, int updates, int kicks, double angle,
                            uint64_t seed)
{
    return (kad_anneal){.target =
                            kad_latent_hmc_target_of(t->action, t->map, t->kind->prec),
                        .action = t->action,
                        .map = t->map,
                        .prec = t->kind->prec,
                        .updates = updates,
                        .kicks = kicks,
                        .angle = angle,
                        .seed_draws = seed,
                        .seed = seed + 1000};
}

/* --- ln Z ---------------------------------------------------------------------------- */

typedef struct moments {
    double mean, err, ess, log_mean, moved;
} moments;

/* Of W/Z over n draws. */
static moments weigh(target *t, const kad_anneal *a, uint64_t first, size_t n)
{
    double *y = kad_alloc(n * t->n_rows, sizeof *y), *S = kad_alloc(n, sizeof *S);
    double *log_w = kad_alloc(n, sizeof *log_w), *moved = kad_alloc(n, sizeof *moved);
    double sum = 0, square = 0;
    moments m = {0};
    assert_ok(t, kad_anneal_draw(&t->ctx, a, first, n, y, NULL, S, log_w, moved));
    for (size_t i = 0; i < n; i++) {
        const double w = exp(log_w[i] - t->action->log_z_exact);
        sum += w / (double)n;
        square += w * w / (double)n;
        m.log_mean += (log_w[i] - t->action->log_z_exact) / (double)n;
        m.moved += moved[i] / (double)n;
    }
    m.mean = sum;
    m.err = sqrt((square - sum * sum) / ((double)n - 1));
    m.ess = sum * sum / square;
    kad_free(y);
    kad_free(S);
    kad_free(log_w);
    kad_free(moved);
    return m;
}

/* 50 repeats of 512 draws: their chi^2 lies between 17 and 115 but for 1 in 10^6, and the
 * pull of their mean below 5. ESS of 0.3 at least make means of 512 normal enough. */
static void ln_z_of(const target_kind *kind)
{
    enum { REPEATS = 50, DRAWS = 512 };
    static const struct {
        int updates, kicks;
        double angle;
    } ways[] = {{0, 0, 1}, {1, 0, 1}, {3, 1, 0.8}, {5, 0, 0.4}, {4, 2, 0.5}};
    target t;
    target_make(&t, kind);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        double chi2 = 0, sum = 0, square = 0, ess = 0;
        if (ways[i].kicks > 0 && !kad_anneal_kicks(t.map)) continue;
        for (uint64_t repeat = 0; repeat < REPEATS; repeat++) {
            const kad_anneal a =
                anneal_of(&t, ways[i].updates, ways[i].kicks, ways[i].angle, 1 + repeat);
            const moments m = weigh(&t, &a, 0, DRAWS);
            chi2 += pow((m.mean - 1) / m.err, 2);
            sum += (m.mean - 1) / REPEATS;
            square += m.err * m.err / (REPEATS * REPEATS);
            ess += m.ess / REPEATS;
        }
        const double pull = sum / sqrt(square);
        print_message("# %s, %d updates of %d kicks: ESS %.3f, chi^2 %.1f of %d, mean "
                      "%+.2f\n",
                      kind->name, ways[i].updates, ways[i].kicks, ess, chi2, REPEATS,
                      pull);
        assert_true(chi2 > 17 && chi2 < 115);
        assert_true(fabs(pull) < 5);
    }
    target_clear(&t);
}

static void ln_z_is_unbiased(void **state)
{
    const target_kind mixture = symmetrised();
    (void)state;
    ln_z_of(kind_of("Ising dual"));
    ln_z_of(kind_of("frozen flow, float"));
    ln_z_of(&mixture);
}

/* The longer the way, the less is lost on it, and never less than nothing. */
static void longer_ways_lose_less(void **state)
{
    enum { DRAWS = 4096 };
    (void)state;
    target t;
    target_make(&t, kind_of("frozen flow, float"));
    moments last = {.log_mean = -INFINITY};
    for (int updates = 0; updates <= 16; updates = updates > 0 ? 4 * updates : 1) {
        const kad_anneal a = anneal_of(&t, updates, 1, 0.9, 3);
        const moments m = weigh(&t, &a, 0, DRAWS);
        print_message("# %d updates: ESS %.3f, ln Z - <ln W> %.4f, %.2f accepted\n",
                      updates, m.ess, -m.log_mean, m.moved);
        assert_true(m.ess > last.ess && m.log_mean > last.log_mean && m.log_mean < 0);
        last = m;
    }
    target_clear(&t);
}

/* Ways back from draws of the target weigh as those there: 1/W has the mean 1/Z over them,
 * which is what accepts and rejects. */
static void ways_back_weigh_alike(void **state)
{
    (void)state;
    const target_kind mixture = symmetrised();
    const target_kind *const kinds[] = {kind_of("Ising dual"), &mixture};
    for (int k = 0; k < 2; k++) {
        target t;
        target_make(&t, kinds[k]);
        const size_t n = TARGET_DRAWS;
        double *y = kad_alloc(n * t.n_rows, sizeof *y), *log_w = kad_alloc(n, sizeof *y);
        const kad_anneal a = anneal_of(&t, 3, kad_anneal_kicks(t.map), 0.7, 5);
        double sum = 0, square = 0;
        assert_ok(&t, kad_action_from_boundary(&t.ctx, t.action, n, t.x, y));
        assert_ok(&t, kad_anneal_back(&t.ctx, &a, 0, n, y, log_w));
        for (size_t i = 0; i < n; i++) {
            const double w = exp(t.action->log_z_exact - log_w[i]);
            sum += w / (double)n;
            square += w * w / (double)n;
        }
        const double pull = (sum - 1) / sqrt((square - sum * sum) / (double)n);
        print_message("# %s: <Z/W> back is %.4f (%+.2f)\n", kinds[k]->name, sum, pull);
        assert_true(fabs(pull) < 5);
        kad_free(y);
        kad_free(log_w);
        target_clear(&t);
    }
}

/* --- the sampler --------------------------------------------------------------------- */

typedef struct bench {
    kad_config *config;
    kad_run_options options;
    kad_sampler_setup setup;
    kad_sampler *sampler;
    kad_draws draws;
} bench;

static kad_status bench_make(bench *b, target *t, const char *sampler, const char *keys,
                             int n_tune)
{
    enum { N = 300 };
    *b = (bench){.config = target_config(t, sampler, keys)};
    assert_ok(t, kad_run_options_read(&t->ctx, b->config, &b->options));
    b->setup = (kad_sampler_setup){.options = b->options.entries[0].own,
                                   .action = t->action,
                                   .map = t->map,
                                   .prec = t->kind->prec,
                                   .seed = 8,
                                   .n_chains = 1,
                                   .n_draws = N,
                                   .n_burn_in = n_tune,
                                   .n_tune = n_tune,
                                   .n_batch_max = N,
                                   .exact = true,
                                   .translate = true};
    const kad_status status =
        kad_sampler_create(&t->ctx, sampler, &b->setup, &b->sampler);
    if (status == KAD_OK)
        assert_ok(t, kad_draws_create(&t->ctx, N, t->n_rows, true, &b->draws));
    return status;
}

static void bench_clear(bench *b)
{
    kad_sampler_destroy(b->sampler);
    kad_draws_clear(&b->draws);
    kad_run_options_clear(&b->options);
    kad_config_destroy(b->config);
}

static void advance(bench *b, target *t, size_t n)
{
    b->draws.n = n;
    assert_ok(t, b->sampler->ops->advance(&t->ctx, b->sampler->self, &b->draws));
}

static void no_updates_are_mis(void **state)
{
    (void)state;
    for (const target_kind *kind = target_kinds; kind->name != NULL; kind++) {
        const size_t n = 300;
        target t;
        bench mis, annealed;
        target_make(&t, kind);
        assert_ok(&t, bench_make(&mis, &t, "mis", "", 0));
        assert_ok(&t, bench_make(&annealed, &t, "annealed", "updates: 0", 0));
        advance(&mis, &t, n);
        advance(&annealed, &t, n);
        const kad_draws *a = &mis.draws, *b = &annealed.draws;
        assert_memory_equal(a->x, b->x, n * t.n_rows * sizeof *a->x);
        assert_memory_equal(a->z, b->z, n * t.n_rows * sizeof *a->z);
        assert_memory_equal(a->action, b->action, n * sizeof *a->action);
        assert_memory_equal(a->log_weight, b->log_weight, n * sizeof *a->log_weight);
        assert_memory_equal(a->accepted, b->accepted, n);
        bench_clear(&mis);
        bench_clear(&annealed);
        target_clear(&t);
    }
}

static void dear_draws_may_be_cheapest(void **state)
{
    const kad_scan scan = {.n = 4,
                           .updates = {0, 1, 2, 4},
                           .ess = {0.01, 0.1, 0.5, 0.6},
                           .cost = {2.5, 4, 7, 11}};
    (void)state;
    assert_int_equal(kad_scan_best(&scan), 2);
}

/* The number of updates that is taken is that of the cheapest row, and rows end where no
 * more can be cheaper: ESS are at most 1. */
static void the_cheapest_is_taken(void **state)
{
    enum { N_TUNE = 80 };
    (void)state;
    for (int rough = 0; rough < 2; rough++) {
        target_kind kind = *kind_of("frozen flow, float");
        kad_h5 *file = NULL;
        target t;
        bench b;
        kad_values updates, ess, cost;
        int64_t taken;
        double least = INFINITY, best = NAN;
        kind.frozen_distance = rough ? 0.18 : 0.003;
        target_make(&t, &kind);
        KAD_SCOPE(scope, &t.ctx);
        assert_ok(&t, bench_make(&b, &t, "annealed", "", N_TUNE));
        for (int i = 0; i < N_TUNE; i++) {
            advance(&b, &t, 1);
            assert_true(b.draws.log_weight[0] == -INFINITY && !b.draws.accepted[0]);
        }
        advance(&b, &t, 300);
        assert_ok(&t, kad_h5_create(&t.ctx, &file));
        assert_ok(&t, kad_h5_group(&t.ctx, file, "/a"));
        kad_writer w = kad_write_into(&t.ctx, file, "/a");
        b.sampler->ops->describe(b.sampler->self, &w);
        assert_ok(&t, kad_write_end(&w));
        assert_ok(&t, kad_values_read(&scope, file, "/a/scan/updates", &updates));
        assert_ok(&t, kad_values_read(&scope, file, "/a/scan/ess", &ess));
        assert_ok(&t, kad_values_read(&scope, file, "/a/scan/cost", &cost));
        assert_ok(&t, kad_h5_attr_int(&t.ctx, file, "/a", "updates", &taken));
        for (size_t i = 0; i < updates.n; i++) {
            print_message("# %g updates: ESS %.4f, cost %g\n", updates.data[i],
                          ess.data[i], cost.data[i]);
            assert_true(updates.data[i] == (i == 0 ? 0 : 1 << (i - 1)));
            assert_true(cost.data[i] < least && ess.data[i] <= 1);
            if (cost.data[i] / ess.data[i] >= least) continue;
            least = cost.data[i] / ess.data[i];
            best = updates.data[i];
        }
        print_message("# %zu rows, %lld updates taken\n", updates.n, (long long)taken);
        assert_true((double)taken == best);
        assert_true(rough ? updates.n > 3 : taken == 0 && updates.n == 1);
        kad_h5_close(file);
        bench_clear(&b);
        target_clear(&t);
    }
}

static void refusals(void **state)
{
    (void)state;
    const target_kind mixture = symmetrised();
    target t;
    bench b;
    target_make(&t, &mixture);
    assert_int_equal(bench_make(&b, &t, "annealed", "kicks: 1", 0), KAD_ECONFIG);
    assert_non_null(strstr(t.ctx.message, "sample[0].kicks: 1, but"));
    bench_clear(&b);
    target_clear(&t);
    target_kind laplace = *kind_of("frozen flow, double");
    laplace.yaml = "lattice: {shape: [4, 4]}\n"
                   "action: {name: phi4, form: albergo, m2: 1, lambda: 0}\n"
                   "flow: {recipe: neuralrg, symmetry: none, couplings: 4, widths: [4], "
                   "prior: laplace}\n";
    target_make(&t, &laplace);
    assert_int_equal(bench_make(&b, &t, "annealed", "", 0), KAD_ECONFIG);
    assert_non_null(strstr(t.ctx.message, "flow.prior is laplace"));
    bench_clear(&b);
    target_clear(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("annealed: without updates it is mis, byte for byte", no_updates_are_mis),
        CLAIM_OF_NUMBERS("annealed: ln Z is unbiased", ln_z_is_unbiased),
        CLAIM_OF_NUMBERS("annealed: longer ways lose less", longer_ways_lose_less),
        CLAIM("annealed: ways back weigh alike", ways_back_weigh_alike),
        CLAIM_OF_NUMBERS("annealed: dear draws may be the cheapest",
                         dear_draws_may_be_cheapest),
        CLAIM("annealed: the cheapest number of updates is taken", the_cheapest_is_taken),
        CLAIM("annealed: what it refuses", refusals),
    };
    return cmocka_run_group_tests_name("annealed", tests, NULL, NULL);
}
