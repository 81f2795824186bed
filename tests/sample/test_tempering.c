/* Replica exchange: couplings of the replicas, exchanges alone, where states wander, what
 * is recorded. Exactness of whole draws: test_samplers.c. */
#include "base/memory.h"
#include "run/options.h"
#include "sample/tempering.h"
#include "tests/support/claim.h"
#include "tests/support/hmc_case.h"
#include "tests/support/target_case.h"

/* --- couplings ----------------------------------------------------------------------- */

static kad_status ladder_of(const char *yaml, const kad_tempering_options *o,
                            kad_ladder *out, char message[KAD_MESSAGE_MAX])
{
    static const int shape[] = {4, 4};
    fixture f;
    fixture_make(&f, yaml, 2, shape, false);
    const kad_status status = kad_ladder_make(&f.ctx, 3, o, f.action, out);
    snprintf(message, KAD_MESSAGE_MAX, "%s", f.ctx.message);
    fixture_clear(&f);
    return status;
}

static kad_tempering_options range(const char *along, double from, double to, int n)
{
    return (kad_tempering_options){.along = along, .from = from, .to = to, .replicas = n};
}

static kad_tempering_options list(size_t n, double a, double b, double c)
{
    kad_tempering_options o = range("temperature", (double)NAN, (double)NAN, 1);
    o.values = (kad_reals){n, {a, b, c}};
    return o;
}

static const char ising[] = "action: {name: on-dual, temperature: 2}";
static const char hopping[] =
    "action: {name: phi4, form: hopping, kappa: 0.3, lambda: 1}";

static void couplings_are_placed(void **state)
{
    const double nothing = (double)NAN;
    char message[KAD_MESSAGE_MAX];
    kad_ladder l;
    (void)state;
    /* from the run's own to twice the temperature, half of others */
    kad_tempering_options o = range(NULL, nothing, nothing, 5);
    assert_int_equal(ladder_of(ising, &o, &l, message), KAD_OK);
    assert_string_equal(l.along, "temperature");
    assert_true(l.own == 0 && l.n == 5);
    for (int i = 0; i < 5; i++)
        assert_true(fabs(l.value[i] - 2 * pow(2, i / 4.0)) < 1e-14);
    assert_int_equal(ladder_of(hopping, &o, &l, message), KAD_OK);
    assert_string_equal(l.along, "kappa");
    assert_true(l.value[0] == 0.3 && fabs(l.value[4] - 0.15) < 1e-14);
    /* the nearest one is moved to the run's own, exactly */
    o = range("action.temperature", 1.5, 4, 6);
    assert_int_equal(ladder_of(ising, &o, &l, message), KAD_OK);
    assert_string_equal(l.along, "temperature");
    assert_int_equal(l.own, 1);
    assert_true(l.value[0] == 1.5 && l.value[1] == 2);
    assert_true(fabs(l.value[2] - 1.5 * pow(4 / 1.5, 0.4)) < 1e-14);
    o = range("beta", 0.25, 0.58, 4);
    assert_int_equal(ladder_of(ising, &o, &l, message), KAD_OK);
    assert_true(l.own == 2 && l.value[2] == 0.5);
    /* a list, in any order */
    o = range("beta", nothing, nothing, 1);
    o.values = (kad_reals){3, {0.6, 0.3, 0.5}};
    assert_int_equal(ladder_of(ising, &o, &l, message), KAD_OK);
    assert_true(l.n == 3 && l.own == 1 && l.value[0] == 0.3 && l.value[2] == 0.6);
}

static void couplings_are_refused(void **state)
{
    const double nothing = (double)NAN;
    const struct {
        kad_tempering_options o;
        const char *says;
    } bad[] = {
        {range("kappa", nothing, nothing, 4), "no coupling \"kappa\" to temper"},
        {range("temperature", 2.5, 4, 4), "2, is not between 2.5 and 4"},
        {range("temperature", nothing, 2, 4), "expected another temperature"},
        {range("temperature", nothing, -2, 4), "got 2 and -2"},
        {list(1, 2, 0, 0), "expected at least two"},
        {list(2, 2.5, 3, 0), "is not among them"},
        {list(3, 2, 3, 3), "3 is there twice"},
        {{.along = "temperature", .values = {2, {2, 3}}, .from = nothing, .to = 3},
         "to: has no effect with values"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char message[KAD_MESSAGE_MAX] = "";
        kad_ladder l;
        assert_int_equal(ladder_of(ising, &bad[i].o, &l, message), KAD_ECONFIG);
        if (strstr(message, bad[i].says) == NULL || strstr(message, "sample[3].") == NULL)
            fail_msg("case %zu: %s", i, message);
    }
}

/* --- exchanges ----------------------------------------------------------------------- */

typedef struct bench {
    kad_config *config;
    kad_run_options options;
    kad_sampler_setup setup;
    kad_sampler *sampler;
    kad_tempering *t;
} bench;

static void bench_make(bench *b, target *t, const char *keys)
{
    *b = (bench){.config = target_config(t, "tempering", keys)};
    if (kad_run_options_read(&t->ctx, b->config, &b->options) != KAD_OK)
        fail_msg("%s", t->ctx.message);
    b->setup = (kad_sampler_setup){.options = b->options.entries[0].own,
                                   .action = t->action,
                                   .prec = t->kind->prec,
                                   .seed = 8,
                                   .n_chains = TARGET_DRAWS,
                                   .n_draws = 1,
                                   .n_batch_max = 1};
    if (kad_sampler_create(&t->ctx, "tempering", &b->setup, &b->sampler) != KAD_OK)
        fail_msg("%s", t->ctx.message);
    b->t = b->sampler->self;
}

static void bench_clear(bench *b)
{
    kad_sampler_destroy(b->sampler);
    kad_run_options_clear(&b->options);
    kad_config_destroy(b->config);
}

static void must(const target *t, kad_status status)
{
    if (status != KAD_OK) fail_msg("%s", t->ctx.message);
}

/* Means over chains at a replica's coupling against the exact ones. At most 2 targets x 4
 * replicas x 6 exchanges x 5 values: beyond 6 in any has probability 5e-7. */
static void judge(const target *at, const double *x, int exchange)
{
    double average[TARGET_VALUES] = {0}, square[TARGET_VALUES] = {0};
    for (size_t chain = 0; chain < TARGET_DRAWS; chain++) {
        double one[TARGET_VALUES];
        at->kind->measure(at, x + chain * at->n_rows, one);
        for (int k = 0; k < TARGET_VALUES; k++) {
            average[k] += one[k] / TARGET_DRAWS;
            square[k] += one[k] * one[k] / TARGET_DRAWS;
        }
    }
    for (int k = 0; k < TARGET_VALUES && at->kind->values[k] != NULL; k++) {
        const double err = sqrt((square[k] - average[k] * average[k]) / TARGET_DRAWS);
        if (!(fabs(average[k] - at->exact[k]) < 6 * err))
            fail_msg("%s, exchange %d: %s is %.6f(%.6f), not %.6f", at->kind->name,
                     exchange, at->kind->values[k], average[k], err, at->exact[k]);
    }
}

enum { REPLICAS = 4 };

/* Exact draws everywhere, then nothing but exchanges. */
static void exchanges_of(const target_kind *kind)
{
    target t, at[REPLICAS];
    bench b;
    target_make(&t, kind);
    bench_make(&b, &t, "replicas: 4");
    const size_t n = TARGET_DRAWS * t.n_rows;
    double *x = kad_alloc(REPLICAS * n, sizeof *x);
    for (int i = 0; i < REPLICAS; i++) {
        target_at(&t, b.t->ladder.along, b.t->ladder.value[i], 1 + (uint64_t)i, &at[i]);
        memcpy(x + (size_t)i * n, at[i].x, n * sizeof *x);
    }
    must(&t, kad_tempering_place(&t.ctx, b.t, x));
    for (int k = 0; k < 6; k++) {
        must(&t, kad_tempering_swap(&t.ctx, b.t, k));
        for (int i = 0; i < REPLICAS; i++)
            judge(&at[i], b.t->replica[i].draws.x, k);
    }
    for (int i = 0; i < REPLICAS - 1; i++) {
        const double share = b.t->walk.swaps[2 * i + 1] / b.t->walk.swaps[2 * i];
        print_message("# %s: replicas %d and %d: %.3f exchanged\n", kind->name, i, i + 1,
                      share);
        assert_true(share > 0.1 && share < 0.97);
    }
    for (int i = 0; i < REPLICAS; i++)
        target_at_clear(&at[i]);
    kad_free(x);
    bench_clear(&b);
    target_clear(&t);
}

static void exchanges_keep_the_weights(void **state)
{
    (void)state;
    exchanges_of(&target_kinds[0]); /* a free field */
    exchanges_of(&target_kinds[1]); /* a dual, whose field is not what is exchanged */
}

/* One pair of states in all chains: exchanged with probability min(1, exp(-Delta)), Delta
 * from S as the map's targets have it; the other way with that of -Delta. */
static void probability_is_right(void **state)
{
    (void)state;
    target t;
    bench b;
    target_make(&t, &target_kinds[1]);
    bench_make(&b, &t, "replicas: 2");
    const size_t n_rows = t.n_rows, n = TARGET_DRAWS * n_rows;
    double *x = kad_alloc(2 * n, sizeof *x), most = 0, least = 1;
    for (size_t pair = 0; pair < 20; pair++) {
        const double *one = t.x + 2 * pair * n_rows, *two = one + n_rows;
        double y[2][TARGET_ROWS], S[2][2]; /* of action i: states one and two */
        /* states by their flow variables at replica 0 */
        must(&t, kad_action_from_boundary(&t.ctx, b.t->replica[0].action, 1, one, y[0]));
        must(&t, kad_action_from_boundary(&t.ctx, b.t->replica[0].action, 1, two, y[1]));
        for (int i = 0; i < 2; i++)
            for (int k = 0; k < 2; k++)
                must(&t, kad_action_values(&t.ctx, b.t->replica[i].action, 1, y[k],
                                           &S[i][k]));
        for (int i = 0; i < 2; i++) {
            double field[TARGET_ROWS];
            must(&t, kad_action_boundary(&t.ctx, b.t->replica[i].action, 1, y[i], field));
            for (size_t chain = 0; chain < TARGET_DRAWS; chain++)
                memcpy(x + (size_t)i * n + chain * n_rows, field, n_rows * sizeof *x);
        }
        must(&t, kad_tempering_place(&t.ctx, b.t, x));
        memset(b.t->walk.swaps, 0, 2 * sizeof(double));
        must(&t, kad_tempering_swap(&t.ctx, b.t, 2 * (int64_t)pair));
        const double p = fmin(1, exp(S[0][0] + S[1][1] - S[0][1] - S[1][0]));
        const double share = b.t->walk.swaps[1] / TARGET_DRAWS;
        /* 20 binomials: 6 errors are exceeded with probability 4e-8 */
        assert_true(fabs(share - p) <= 6 * sqrt(p * (1 - p) / TARGET_DRAWS) + 1e-12);
        most = fmax(most, p);
        least = fmin(least, p);
    }
    print_message("# probabilities from %.3f to %.3f\n", least, most);
    assert_true(most == 1 && least < 0.8);
    kad_free(x);
    bench_clear(&b);
    target_clear(&t);
}

/* --- where states are ---------------------------------------------------------------- */

/* One chain of three replicas, moved by hand: state 0 goes up and down again. */
static void round_trips_are_counted(void **state)
{
    static const struct {
        int pair;
        double trips;
    } moves[] = {{0, 0}, {1, 0}, {1, 0}, {0, 1}, {0, 1}, {1, 1}, {1, 1}, {0, 2}};
    kad_ctx ctx;
    kad_walk walk;
    (void)state;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(kad_walk_create(&ctx, 3, 1, &walk), KAD_OK);
    kad_walk_note(&walk, true);
    /* of three states two are at ends; 0: from below, 2: from above */
    assert_true(walk.visits[0] == 1 && walk.visits[1] == 0);
    assert_true(walk.visits[2] == 0 && walk.visits[3] == 0);
    assert_true(walk.visits[4] == 0 && walk.visits[5] == 1);
    for (size_t i = 0; i < sizeof moves / sizeof *moves; i++) {
        kad_walk_swap(&walk, moves[i].pair, 0, true, true);
        kad_walk_note(&walk, true);
        print_message("# after %zu: states %g %g %g, %g round trips\n", i, walk.state[0],
                      walk.state[1], walk.state[2], walk.round_trips);
        assert_true(walk.round_trips == moves[i].trips);
    }
    kad_walk_swap(&walk, 0, 0, false, true);
    assert_true(walk.swaps[0] == 5 && walk.swaps[1] == 4);
    assert_true(walk.swaps[2] == 4 && walk.swaps[3] == 4);
    kad_walk_clear(&walk);
}

/* Exchanges permute states: the flow variables are those that the walk says. */
static void states_are_carried(void **state)
{
    (void)state;
    target t;
    bench b;
    target_make(&t, &target_kinds[1]);
    bench_make(&b, &t, "replicas: 3");
    const size_t n = TARGET_DRAWS * t.n_rows;
    double *x = kad_alloc(3 * n, sizeof *x), *first = kad_alloc(3 * n, sizeof *x);
    for (int i = 0; i < 3; i++)
        memcpy(x + (size_t)i * n, t.x, n * sizeof *x);
    for (size_t i = n; i < 3 * n; i++) /* other states elsewhere */
        x[i] = 0.9 * x[(i + 7 * t.n_rows) % n];
    must(&t, kad_tempering_place(&t.ctx, b.t, x));
    for (int k = 0; k < 4; k++) {
        must(&t, kad_tempering_swap(&t.ctx, b.t, k));
        for (int i = 0; i < 3 && k == 0; i++) /* y: before the exchanges */
            memcpy(first + (size_t)i * n, b.t->replica[i].y, n * sizeof *x);
    }
    const kad_walk *walk = &b.t->walk;
    size_t moved = 0;
    double most = 0;
    for (int i = 0; i < 3; i++)
        must(&t, kad_action_from_boundary(&t.ctx, b.t->replica[i].action, TARGET_DRAWS,
                                          b.t->replica[i].draws.x, b.t->replica[i].y));
    for (size_t at = 0; at < 3 * (size_t)TARGET_DRAWS; at++) {
        const size_t i = at / TARGET_DRAWS, chain = at % TARGET_DRAWS;
        const size_t from = (size_t)walk->state[at];
        moved += from != i;
        for (size_t r = 0; r < t.n_rows; r++)
            most = fmax(most, fabs(b.t->replica[i].y[chain * t.n_rows + r] -
                                   first[from * n + chain * t.n_rows + r]));
    }
    print_message("# %zu of %d states elsewhere, off by %.1e\n", moved, 3 * TARGET_DRAWS,
                  most);
    assert_true(moved > TARGET_DRAWS && most < 1e-10);
    kad_free(x);
    kad_free(first);
    bench_clear(&b);
    target_clear(&t);
}

/* --- from a config ------------------------------------------------------------------- */

static double attribute(scene *s, kad_h5 *file, const char *group, const char *name)
{
    double value;
    assert_ok(s, kad_h5_attr_real(&s->ctx, file, group, name, &value));
    return value;
}

/* Every base; what is recorded fits together. */
static void runs_from_config(void **state)
{
    static const char *const bases[] = {"metropolis", "hmc", "cluster"};
    (void)state;
    for (int i = 0; i < 3; i++) {
        scene s;
        kad_h5 *file = NULL;
        char yaml[512];
        double flow[4], swaps[3], value[4];
        const size_t n = 4, n_pairs = 3;
        snprintf(yaml, sizeof yaml,
                 "lattice: {shape: [4, 4]}\n"
                 "action: {name: phi4, form: albergo, m2: -4, lambda: 2}\n"
                 "sample:\n"
                 "  - {name: tempering, base: %s, to: -2, replicas: 4, swap_every: 2,\n"
                 "     chains: 8, draws: 200, burn_in: 20, tuning: 20}\n",
                 bases[i]);
        scene_make(&s, yaml, 0);
        assert_false(kad_sample_any_needs_map(&s.options.sample));
        assert_ok(&s, kad_sample(&s.ctx, s.run, &s.options.sample, s.model, NULL));
        assert_ok(&s, kad_results_open(&s.ctx, s.run, &file));
        assert_ok(&s, kad_h5_read(&s.ctx, file, "/samplers/tempering/replicas/value",
                                  KAD_H5_F64, 1, &n, value));
        assert_ok(&s, kad_h5_read(&s.ctx, file, "/samplers/tempering/replicas/flow",
                                  KAD_H5_F64, 1, &n, flow));
        assert_ok(&s, kad_h5_read(&s.ctx, file, "/samplers/tempering/swaps/acceptance",
                                  KAD_H5_F64, 1, &n_pairs, swaps));
        const double trips = attribute(&s, file, "/samplers/tempering", "round_trips");
        const double p = attribute(&s, file, "/samplers/tempering", "swap_acceptance");
        print_message(
            "# %s: exchanged %.3f %.3f %.3f, flow %.2f %.2f %.2f %.2f, %g round "
            "trips\n",
            bases[i], swaps[0], swaps[1], swaps[2], flow[0], flow[1], flow[2], flow[3],
            trips);
        assert_true(value[0] == -4 && value[3] == -2);
        assert_true(flow[0] == 1 && flow[3] == 0 && flow[1] > flow[2]);
        assert_true(trips > 8); /* of 32 states that make 220 moves each */
        /* even pairs are tried in 100 draws, the odd one in 100 */
        assert_true(fabs(p - (swaps[0] + swaps[1] + swaps[2]) / 3) < 1e-9);
        const double all = attribute(&s, file, "/samplers/tempering", "acceptance");
        const double own =
            attribute(&s, file, "/samplers/tempering/replica_1", "acceptance");
        assert_true(fabs(all - own) < 1e-6);
        kad_h5_close(file);
        scene_clear(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("tempering: couplings are placed", couplings_are_placed),
        CLAIM("tempering: couplings without sense are refused", couplings_are_refused),
        CLAIM("tempering: exchanges alone leave the weights as they are",
              exchanges_keep_the_weights),
        CLAIM("tempering: exchanges have their probability", probability_is_right),
        CLAIM("tempering: round trips are counted", round_trips_are_counted),
        CLAIM("tempering: states are carried whole", states_are_carried),
        CLAIM("tempering: runs from a config with any base", runs_from_config),
    };
    return cmocka_run_group_tests_name("tempering", tests, NULL, NULL);
}
