/* The comparison of samplers, re-shuffled proposals, and the warnings about chains. */
#include "analysis/analyse.h"
#include "analysis/comparison.h"
#include "analysis/diagnostics.h"
#include "analysis/reshuffle.h"
#include "analysis/results.h"
#include "tests/support/analysis_util.h"

enum { CHAINS = 2, DRAWS = 8000, N_ALL = CHAINS * DRAWS };

#define ok(expr) assert_int_equal((expr), KAD_OK)

static void put(kad_ctx *ctx, kad_h5 *file, const char *group, const char *name,
                size_t n_chains, size_t n, const double *data)
{
    const size_t dims[2] = {n_chains, n};
    char path[128];
    snprintf(path, sizeof path, "%s/%s", group, name);
    ok(kad_h5_write(ctx, file, path, KAD_H5_F64, 2, dims, data));
}

static void header(kad_ctx *ctx, kad_h5 *file, const char *group, const char *sampler,
                   size_t n_chains, size_t n, int needs_map, double seconds)
{
    const struct {
        const char *name;
        int64_t value;
    } attrs[] = {{"n_chains", (int64_t)n_chains},
                 {"n_draws", (int64_t)n},
                 {"n_sites", 64},
                 {"extent", 8},
                 {"weighted", 0},
                 {"proposals", 0},
                 {"symmetric", 1},
                 {"needs_map", needs_map}};
    ok(kad_h5_group(ctx, file, group));
    for (size_t i = 0; i < sizeof attrs / sizeof *attrs; i++)
        ok(kad_h5_attr_set_int(ctx, file, group, attrs[i].name, attrs[i].value));
    ok(kad_h5_attr_set_string(ctx, file, group, "sampler", sampler));
    ok(kad_h5_attr_set_real(ctx, file, group, "seconds_per_draw", seconds));
    ok(kad_h5_attr_set_real(ctx, file, group, "acceptance", 0.8));
    ok(kad_h5_attr_set_real(ctx, file, group, "tuning_seconds", 1.5));
}

/* A sampler of known tau: energy and m2 are AR(1) chains. */
static void add_sampler(kad_ctx *ctx, kad_h5 *file, const char *sampler, uint32_t index,
                        double tau_energy, double tau_m2, int needs_map, double seconds)
{
    static double a[N_ALL];
    char group[64];
    snprintf(group, sizeof group, "/samplers/%s", sampler);
    header(ctx, file, group, sampler, CHAINS, DRAWS, needs_map, seconds);
    for (size_t c = 0; c < CHAINS; c++)
        test_ar1(index, c, tau_energy, -1.5, DRAWS, a + c * DRAWS);
    put(ctx, file, group, "observables/energy", CHAINS, DRAWS, a);
    for (size_t c = 0; c < CHAINS; c++)
        test_ar1(index, 10 + c, tau_m2, 0.5, DRAWS, a + c * DRAWS);
    put(ctx, file, group, "observables/m2", CHAINS, DRAWS, a);
}

static double at(kad_ctx *ctx, kad_h5 *file, const char *name, size_t i)
{
    KAD_SCOPE(scope, ctx);
    kad_values values;
    char path[64];
    snprintf(path, sizeof path, "/comparison/%s", name);
    ok(kad_values_read(&scope, file, path, &values));
    assert_true(i < values.n);
    const double value = values.data[i];
    return value;
}

/* cluster, flow, hmc, slow (sorted by name): tau_int,max 1, 2, 10, 400 */
static void costs_follow_their_definition(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_h5 *file;
    kad_ctx_init(&ctx, 1);
    ok(kad_h5_create(&ctx, &file));
    ok(kad_h5_group(&ctx, file, "/training"));
    ok(kad_h5_attr_set_real(&ctx, file, "/training", "wall_seconds", 90.0));
    add_sampler(&ctx, file, "cluster", 80, 0.5, 1.0, 0, 1e-4);
    add_sampler(&ctx, file, "flow", 81, 2.0, 0.5, 1, 1e-3);
    add_sampler(&ctx, file, "hmc", 82, 2.0, 10.0, 0, 1e-2);
    add_sampler(&ctx, file, "slow", 83, 2.0, 2000.0, 1, 1e-2);
    ok(kad_analyse_file(&ctx, file));

    const double cost = at(&ctx, file, "cost", 1), local = at(&ctx, file, "cost", 2);
    const double tau = at(&ctx, file, "tau_int_max", 1);
    assert_true(fabs(tau - 2.0) < 5 * at(&ctx, file, "tau_int_max_err", 1));
    assert_true(fabs(cost - 2e-3 * tau) < 1e-15);
    assert_true(fabs(at(&ctx, file, "cost_err", 1) -
                     2e-3 * at(&ctx, file, "tau_int_max_err", 1)) < 1e-15);
    /* the slowest observable of hmc is m2, the second of the list */
    assert_true(at(&ctx, file, "tau_int", 2 * KAD_COMPARED_OBSERVABLES + 1) ==
                at(&ctx, file, "tau_int_max", 2));
    assert_true(isnan(at(&ctx, file, "tau_int", 3))); /* no helicity */
    /* of the local ones hmc is the cheapest */
    assert_true(fabs(at(&ctx, file, "break_even_local", 1) - 90.0 / (local - cost)) <
                1e-9);
    const double err =
        hypot(at(&ctx, file, "cost_err", 1), at(&ctx, file, "cost_err", 2));
    assert_true(fabs(at(&ctx, file, "break_even_local_err", 1) /
                         (90.0 * err / (local - cost) / (local - cost)) -
                     1.0) < 1e-12);
    assert_true(isnan(at(&ctx, file, "break_even_local", 0)));
    assert_true(isnan(at(&ctx, file, "break_even_local", 2)));
    /* the cluster sampler is cheaper than the map */
    assert_true(isinf(at(&ctx, file, "break_even", 1)));
    /* a map that is slower never pays; its tau is only bounded */
    assert_true(isinf(at(&ctx, file, "break_even_local", 3)));
    assert_true(at(&ctx, file, "cost_is_bound", 3) == 1.0);
    assert_true(at(&ctx, file, "cost_is_bound", 1) == 0.0);
    assert_true(at(&ctx, file, "tuning_seconds", 1) == 1.5);
    kad_h5_close(file);
}

/* Models are one only when every coupling is, beyond the digits their names show. */
static void other_couplings_are_another_model(void **state)
{
    (void)state;
    kad_comparison *c = kad_alloc(1, sizeof *c);
    c->n = 2;
    for (int i = 0; i < 2; i++) {
        kad_compared *row = &c->row[i];
        row->needs_map = i == 1;
        row->cost = (kad_estimate){i == 0 ? 1.0 : 0.1, 0.01};
        row->training_seconds = 60.0;
        snprintf(row->model.name, sizeof row->model.name, "Ising, T = 2.2692, 8 x 8");
        snprintf(row->model.coupling[0], sizeof row->model.coupling[0], "temperature");
        row->model.n = 1;
        row->model.value[0] = 2.269185314213022;
    }
    kad_comparison_finish(c);
    assert_int_equal(c->row[1].any.against, 0);
    c->row[1].model.value[0] = 2.2692;
    kad_comparison_finish(c);
    assert_int_equal(c->row[1].any.against, -1);
    assert_true(isnan(c->row[1].any.n.value));
    kad_free(c);
}

/* A cheap cluster sampler, a map, a dear local one: N* counts the cluster sampler, and a
 * baseline with a bound instead of a cost gives none. */
static void break_even_is_against_the_cheapest(void **state)
{
    (void)state;
    static const double costs[] = {0.01, 0.002, 0.1}; /* cluster, map, hmc */
    kad_comparison *c = kad_alloc(1, sizeof *c);
    kad_text text = {0};
    c->n = 3;
    for (int i = 0; i < 3; i++) {
        c->row[i].cost = (kad_estimate){costs[i], 0.0};
        c->row[i].is_cluster = i == 0;
        c->row[i].needs_map = i == 1;
        c->row[i].training_seconds = 8.0;
        snprintf(c->row[i].name, sizeof c->row[i].name, "sampler%d", i);
    }
    kad_comparison_finish(c);
    assert_true(fabs(c->row[1].any.n.value - 1000.0) < 1e-9);
    assert_int_equal(c->row[1].any.against, 0);
    assert_true(fabs(c->row[1].local.n.value - 8.0 / 0.098) < 1e-9);
    assert_int_equal(c->row[1].local.against, 2);
    assert_true(isnan(c->row[0].any.n.value) && isnan(c->row[2].any.n.value));

    c->row[0].cost_is_bound = true;
    kad_comparison_finish(c);
    assert_true(isnan(c->row[1].any.n.value) && isfinite(c->row[1].local.n.value));
    kad_comparison_print(c, &text);
    assert_non_null(strstr(text.data, "sampler0, whose tau_int is only bounded: no N*"));
    kad_text_clear(&text);

    /* of a map with a bound: none, or never */
    c->row[0].cost_is_bound = false;
    c->row[1].cost_is_bound = true;
    kad_comparison_finish(c);
    assert_true(isnan(c->row[1].any.n.value));
    c->row[1].cost.value = 0.02;
    kad_comparison_finish(c);
    assert_true(isinf(c->row[1].any.n.value) && isnan(c->row[1].local.n.value));
    kad_free(c);
}

/* Rows beyond the table's room are counted, and the table says so. */
static void dropped_rows_are_said(void **state)
{
    (void)state;
    enum { MORE = 3 };
    kad_ctx ctx;
    kad_h5 *file;
    kad_text text = {0};
    kad_comparison *c = kad_alloc(1, sizeof *c);
    kad_ctx_init(&ctx, 1);
    ok(kad_h5_create(&ctx, &file));
    for (int i = 0; i < KAD_COMPARED_MAX + MORE; i++) {
        char group[64];
        snprintf(group, sizeof group, "/samplers/hmc_%d", i);
        ok(kad_h5_group(&ctx, file, group));
    }
    ok(kad_comparison_add(&ctx, file, "", c));
    kad_comparison_finish(c);
    assert_int_equal(c->n, KAD_COMPARED_MAX);
    assert_int_equal(c->n_dropped, MORE);
    kad_comparison_print(c, &text);
    assert_non_null(strstr(text.data, "3 more samplers are left out"));
    kad_text_clear(&text);
    kad_h5_close(file);
    kad_free(c);
}

static void the_table_reads_well(void **state)
{
    (void)state;
    static const char *const names[] = {"hmc", "mis", "cluster"};
    kad_comparison *c = kad_alloc(1, sizeof *c);
    kad_text text = {0};
    c->n = 3;
    for (int i = 0; i < 3; i++) {
        kad_compared *row = &c->row[i];
        snprintf(row->name, sizeof row->name, "%s", names[i]);
        row->needs_map = i == 1;
        row->acceptance = (kad_estimate){0.82, 0.02};
        row->slowest = 1;
        row->tau_max = (kad_estimate){i == 0 ? 12.0 : 0.82, 0.02};
        row->seconds_per_draw = i == 1 ? 1e-3 : 1e-5;
        row->cost = (kad_estimate){2 * row->tau_max.value * row->seconds_per_draw, 1e-6};
        row->tuning_seconds = NAN;
        row->training_seconds = 60.0;
        row->cost_is_bound = i == 0; /* hmc: no N* (local) */
        row->is_cluster = i == 2;
    }
    kad_comparison_finish(c);
    kad_comparison_print(c, &text);
    print_message("%s", text.data);
    assert_non_null(strstr(text.data, "0.82(2)"));
    assert_non_null(strstr(text.data, "> 12"));
    assert_non_null(strstr(text.data, "never"));
    assert_null(strstr(text.data, "nan"));
    assert_null(strstr(text.data, "inf"));
    for (const char *line = text.data; *line != '\0';) {
        const char *end = strchr(line, '\n');
        assert_true(end - line <= 110);
        line = end + 1;
    }
    kad_text_clear(&text);
    kad_free(c);
}

/* Equal weights: everything is accepted, every proposal comes once an order. */
static void equal_weights_keep_everything(void **state)
{
    (void)state;
    enum { N = 1000 };
    static double log_w[N], accepted[N];
    static uint32_t order[N], states[2][N];
    int count[N] = {0}, moved = 0;
    kad_reshuffle_walk(7, 0, N, log_w, order, states[0], accepted);
    for (size_t i = 0; i < N; i++) {
        assert_true(accepted[i] == 1.0);
        count[states[0][i]]++;
        moved += states[0][i] != i;
    }
    for (size_t i = 0; i < N; i++)
        assert_int_equal(count[i], 1);
    assert_true(moved > N / 2);
    kad_reshuffle_walk(7, 0, N, log_w, order, states[1], accepted);
    assert_memory_equal(states[0], states[1], sizeof states[0]);
    kad_reshuffle_walk(7, 1, N, log_w, order, states[1], accepted);
    assert_true(memcmp(states[0], states[1], sizeof states[0]) != 0);
}

/* Proposals x ~ N(0, 1) for the target N(0, 0.8), as in test_analyse: the reshuffled
 * chains' means are the target's, and the tau_int of an observable is that of the runs of
 * rejections within their errors. */
static void reshuffled_chains_sample_the_target(void **state)
{
    (void)state;
    static double log_w[N_ALL], square[N_ALL];
    kad_ctx ctx;
    kad_estimates *estimates;
    kad_runs runs;
    kad_recorded *sampled = kad_alloc(1, sizeof *sampled);
    const size_t dims[2] = {CHAINS, DRAWS};
    kad_ctx_init(&ctx, 1);
    KAD_SCOPE(scope, &ctx);
    for (size_t i = 0; i < N_ALL; i++) {
        const double x = test_normal(90, 0, i);
        log_w[i] = -0.125 * x * x;
        square[i] = x * x;
    }
    log_w[5] = -INFINITY;
    snprintf(sampled->name, sizeof sampled->name, "mis");
    sampled->n_chains = CHAINS;
    sampled->n_draws = DRAWS;
    sampled->weighted = sampled->is_chain = true;
    sampled->log_weight =
        (kad_values){.n = N_ALL, .rank = 2, .dims = {dims[0], dims[1]}, .data = log_w};
    sampled->n_observed = 1;
    snprintf(sampled->observed[0].name, sizeof sampled->observed[0].name, "energy");
    sampled->observed[0].width = 1;
    sampled->observed[0].state = sampled->observed[0].proposal =
        (kad_values){.n = N_ALL, .rank = 2, .dims = {dims[0], dims[1]}, .data = square};
    ok(kad_analyse_reshuffled(&scope, 3, sampled, &runs, &estimates));
    const kad_row *row = kad_estimates_find(estimates, "energy");
    assert_non_null(row);
    const double accepted =
        (double)runs.n_accepted / (double)N_ALL / KAD_RESHUFFLE_ORDERS;
    print_message("# <x^2> %.4f(%.4f), tau %.3f(%.3f), runs %.3f, accepted %.3f\n",
                  row->mean, row->err, row->tau_int, row->tau_int_err, runs.tau,
                  accepted);
    assert_true(fabs(row->mean - 0.8) < 5 * row->err);
    /* 2/pi atan-like acceptance of two Gaussians: tau close to 1/2, above it */
    assert_true(row->tau_int > 0.5 && row->tau_int < 1.0);
    assert_true(accepted > 0.9 && accepted < 1.0);
    assert_true(fabs(runs.tau - (0.5 + (1.0 - accepted) / accepted)) < 0.1);
    kad_free(sampled);
}

/* A warning of that code whose message says `words`. */
static bool has_words(kad_ctx *ctx, kad_h5 *file, const char *code, const char *words)
{
    bool found = false;
    kad_diagnostics *d = kad_alloc(1, sizeof *d);
    ok(kad_diagnostics_read(ctx, file, d));
    for (size_t i = 0; i < d->n; i++)
        found = found || (strcmp(d->item[i].code, code) == 0 &&
                          strstr(d->item[i].message, words) != NULL);
    kad_free(d);
    return found;
}

static bool has_code(kad_ctx *ctx, kad_h5 *file, const char *code)
{
    return has_words(ctx, file, code, "");
}

/* A chain with dH of mean var/2, which is balanced, plus an offset. */
static void add_hamiltonian(kad_ctx *ctx, kad_h5 *file, double offset, double lift)
{
    static double a[N_ALL];
    const char *group = "/samplers/hmc";
    add_sampler(ctx, file, "hmc", 84, 1.0, 1.0, 0, 1e-3);
    for (size_t i = 0; i < N_ALL; i++)
        a[i] = 0.02 + 0.2 * test_normal(85, 0, i) + offset;
    put(ctx, file, group, "delta_h", CHAINS, DRAWS, a);
    for (size_t i = 0; i < N_ALL; i++)
        a[i] = i % 5 == 0 ? 0.0 : 1.0;
    put(ctx, file, group, "accepted", CHAINS, DRAWS, a);
    /* lift: the chains keep opposite signs, though together they see both */
    for (size_t i = 0; i < N_ALL; i++)
        a[i] =
            test_normal(86, 0, i) * (lift > 0.0 ? 0.1 : 1.0) + (i < DRAWS ? lift : -lift);
    put(ctx, file, group, "observables/m", CHAINS, DRAWS, a);
    /* energies a tenth of their width apart, a small R-hat but six standard errors */
    for (size_t i = 0; i < N_ALL; i++)
        a[i] = test_normal(87, 0, i) + (i < DRAWS && lift > 0.0 ? 0.1 : 0.0);
    put(ctx, file, group, "observables/energy", CHAINS, DRAWS, a);
}

static void warnings_bite(void **state)
{
    (void)state;
    static const char *const codes[] = {"dh-balance", "one-sign", "replicas", "rhat"};
    kad_ctx ctx;
    kad_h5 *file;
    kad_ctx_init(&ctx, 1);
    ok(kad_h5_create(&ctx, &file));
    add_hamiltonian(&ctx, file, 0.0, 0.0);
    ok(kad_analyse_file(&ctx, file));
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        assert_false(has_code(&ctx, file, codes[i]));
    add_hamiltonian(&ctx, file, 0.02, 2.0);
    ok(kad_analyse_file(&ctx, file));
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        print_message("# %s\n", codes[i]);
        assert_true(has_code(&ctx, file, codes[i]));
    }
    /* one component has a sign to change; vectors turn */
    assert_true(has_words(&ctx, file, "one-sign", "m never changed its sign in 2 of 2"));
    ok(kad_h5_attr_set_int(&ctx, file, "/samplers/hmc", "n_components", 2));
    ok(kad_analyse_file(&ctx, file));
    assert_true(has_words(&ctx, file, "one-sign", "global rotations"));
    assert_false(
        has_words(&ctx, file, "one-sign", "its sign in 2 of 2 chains although the"));
    kad_h5_close(file);
}

/* 16000 draws: fewer than 1000 tau_int from tau = 16 on, fewer than 50 from 320 on. */
static void short_series_say_so(void **state)
{
    (void)state;
    static const struct {
        double tau;
        bool rough, none;
    } known[] = {{8.0, false, false},
                 {32.0, true, false},
                 {100.0, true, false},
                 {2000.0, false, true}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        kad_ctx ctx;
        kad_h5 *file;
        kad_ctx_init(&ctx, 1);
        ok(kad_h5_create(&ctx, &file));
        add_sampler(&ctx, file, "hmc", 88, 1.0, known[i].tau, 0, 1e-3);
        ok(kad_analyse_file(&ctx, file));
        assert_true(has_code(&ctx, file, "short") == known[i].rough);
        assert_true(has_code(&ctx, file, "too-short") == known[i].none);
        kad_h5_close(file);
    }
}

/* A tempering of clusters is no local sampler; replicas that part are said. */
static void replicas_are_judged(void **state)
{
    (void)state;
    for (int bad = 0; bad < 2; bad++) {
        kad_ctx ctx;
        kad_h5 *file;
        kad_ctx_init(&ctx, 1);
        ok(kad_h5_create(&ctx, &file));
        ok(kad_h5_group(&ctx, file, "/training"));
        ok(kad_h5_attr_set_real(&ctx, file, "/training", "wall_seconds", 90.0));
        add_sampler(&ctx, file, "flow", 81, 2.0, 0.5, 1, 1e-3);
        add_sampler(&ctx, file, "hmc", 82, 2.0, 10.0, 0, 1e-2);
        add_sampler(&ctx, file, "tempering", 83, 2.0, 3.0, 0, 1e-2);
        const char *group = "/samplers/tempering";
        ok(kad_h5_attr_set_string(&ctx, file, group, "base", "cluster"));
        ok(kad_h5_attr_set_real(&ctx, file, group, "swap_acceptance_least",
                                bad ? 0.01 : 0.2));
        ok(kad_h5_attr_set_real(&ctx, file, group, "round_trips", bad ? 0 : 12));
        ok(kad_analyse_file(&ctx, file));
        /* flow against all: tempering; against local ones: hmc */
        const double cost = at(&ctx, file, "cost", 0);
        assert_true(fabs(at(&ctx, file, "break_even", 0) /
                             (90.0 / (at(&ctx, file, "cost", 2) - cost)) -
                         1) < 1e-9);
        assert_true(fabs(at(&ctx, file, "break_even_local", 0) /
                             (90.0 / (at(&ctx, file, "cost", 1) - cost)) -
                         1) < 1e-9);
        assert_true(has_code(&ctx, file, "few-swaps") == bad);
        assert_true(has_code(&ctx, file, "no-round-trip") == bad);
        kad_h5_close(file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("comparison: costs and break-even follow their definition",
              costs_follow_their_definition),
        CLAIM("comparison: other couplings are another model",
              other_couplings_are_another_model),
        CLAIM("comparison: break-even is against the cheapest sampler without a map",
              break_even_is_against_the_cheapest),
        CLAIM("comparison: what finds no room is said", dropped_rows_are_said),
        CLAIM("comparison: the table fits a screen and holds no nan",
              the_table_reads_well),
        CLAIM("reshuffle: equal weights keep every proposal",
              equal_weights_keep_everything),
        CLAIM("reshuffle: chains sample the target", reshuffled_chains_sample_the_target),
        CLAIM("tempering: base and replicas are judged", replicas_are_judged),
        CLAIM("warnings: balance of dH, stuck signs, replicas", warnings_bite),
        CLAIM("warnings: below 1000 tau_int errors are rough, below 50 there are none",
              short_series_say_so),
    };
    return cmocka_run_group_tests_name("comparison", tests, NULL, NULL);
}
