/* Training on data: what is held out, and what is learnt. */
#include "base/memory.h"
#include "run/options.h"
#include "tests/support/claim.h"
#include "tests/support/model_case.h"
#include "tests/support/train_case.h"
#include "tests/train/data_case.h"
#include "train/data.h"
#include "train/target.h"

enum { L = DATA_CASE_L, N = DATA_CASE_N, SAMPLES = 4000 };

/* --- what is held out ------------------------------------------------------------------ */

static void blocks_are_held_out_whole(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    for (size_t block = 1; block <= 50; block += 49) {
        kad_split a, b;
        enum { ALL = 20000 };
        assert_int_equal(kad_data_split(&ctx, "file", ALL, 0.2, 0, block, &a), KAD_OK);
        assert_int_equal(kad_data_split(&ctx, "file", ALL / 2, 0.2, 0, block, &b),
                         KAD_OK);
        assert_int_equal(a.n_held + a.n_trained, ALL);
        /* binomial of ALL/block trials: sd 0.0028 and 0.02, five of them */
        const double share = (double)a.n_held / ALL;
        assert_true(fabs(share - 0.2) < 5 * sqrt(0.16 * (double)block / ALL));
        /* of a file half as long, the same */
        assert_memory_equal(a.held, b.held, b.n_held * sizeof *b.held);
        uint8_t *seen = kad_alloc(ALL, 1);
        for (size_t i = 0; i < a.n_held; i++)
            seen[a.held[i]] += 1;
        for (size_t i = 0; i < a.n_trained; i++)
            seen[a.trained[i]] += 2;
        for (size_t i = 0; i < ALL; i++) {
            assert_true(seen[i] == 1 || seen[i] == 2);
            assert_true(seen[i] == seen[i / block * block]);
        }
        kad_free(seen);
        kad_split_clear(&a);
        kad_split_clear(&b);
    }
}

/* Samples to choose by come from those to train on, whole blocks, and what is held out stays. */
static void validation_is_of_the_trained(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    enum { ALL = 20000, BLOCK = 10 };
    kad_split without, with;
    assert_int_equal(kad_data_split(&ctx, "file", ALL, 0.2, 0, BLOCK, &without), KAD_OK);
    assert_int_equal(kad_data_split(&ctx, "file", ALL, 0.2, 0.3, BLOCK, &with), KAD_OK);
    assert_int_equal(without.n_choosing, 0);
    assert_int_equal(with.n_held, without.n_held);
    assert_memory_equal(with.held, without.held, with.n_held * sizeof *with.held);
    assert_int_equal(with.n_held + with.n_choosing + with.n_trained, ALL);
    /* binomial of ALL/BLOCK trials of which 0.8 * 0.3 are: sd 0.0096, five of them */
    assert_true(fabs((double)with.n_choosing / ALL - 0.24) < 0.048);
    uint8_t *seen = kad_alloc(ALL, 1);
    for (size_t i = 0; i < with.n_held; i++)
        seen[with.held[i]] += 1;
    for (size_t i = 0; i < with.n_choosing; i++)
        seen[with.choosing[i]] += 2;
    for (size_t i = 0; i < with.n_trained; i++)
        seen[with.trained[i]] += 4;
    for (size_t i = 0; i < ALL; i++) {
        assert_true(seen[i] == 1 || seen[i] == 2 || seen[i] == 4);
        assert_int_equal(seen[i], seen[i / BLOCK * BLOCK]);
    }
    kad_free(seen);
    kad_split_clear(&without);
    kad_split_clear(&with);
    assert_int_equal(kad_data_split(&ctx, "file", 50, 0.2, 1e-9, 1, &with), KAD_EDATA);
    assert_non_null(strstr(ctx.message, "none to choose weights by"));
    kad_split_clear(&with);
}

/* Groups of five equal values count as one: the error is that of the groups' means. */
static void errors_are_of_blocks(void **state)
{
    (void)state;
    enum { GROUPS = 40, SIZE = 5 };
    const kad_split split[2] = {{.block = 1}, {.block = SIZE}};
    size_t number[GROUPS * SIZE];
    double values[GROUPS * SIZE], few[GROUPS], mean[2], error[2], want = 0;
    for (size_t i = 0; i < GROUPS; i++)
        few[i] = sin(7.0 * (double)i);
    for (size_t i = 0; i < GROUPS * SIZE; i++) {
        values[i] = few[i / SIZE];
        number[i] = i;
    }
    for (int k = 0; k < 2; k++)
        kad_data_mean(&split[k], GROUPS * SIZE, number, values, &mean[k], &error[k]);
    for (size_t i = 0; i < GROUPS; i++)
        want += (few[i] - mean[0]) * (few[i] - mean[0]);
    want = sqrt(want / (GROUPS - 1) / GROUPS);
    assert_true(mean[0] == mean[1]);
    assert_true(fabs(error[1] / want - 1) < 1e-12);
    assert_true(fabs(error[0] / want - sqrt((GROUPS - 1.0) / (GROUPS * SIZE - 1.0))) <
                1e-12);
}

/* --- what is learnt -------------------------------------------------------------------- */

static void free_field_reaches_its_entropy(void **state)
{
    (void)state;
    data_case f;
    train_case_result end, start;
    data_case_open(&f, SAMPLES);
    const char *more[] = {"flow.recipe=fourier", "train.steps=300", "train.rate=0.03",
                          "train.batch=256", NULL};
    const char *none[] = {"flow.recipe=fourier", "train.steps=0", NULL};
    kad_config *config[2] = {data_case_config(&f, more), data_case_config(&f, none)};
    train_case_run(&f.ctx, NULL, config[0], &end);
    train_case_run(&f.ctx, NULL, config[1], &start);
    assert_null(end.model->action);
    const kad_held_out *h = &end.evaluation.held_out;
    print_message("# -ln q a site of %zu held-out samples: %.4f at first, %.4f(%.4f), "
                  "entropy %.4f\n",
                  h->n, start.evaluation.held_out.value, h->value, h->error,
                  data_case_entropy());
    assert_true(h->n > 300 && h->n < 500);
    /* -ln p has the variance of half a chi^2 of N: N/2 */
    assert_true(fabs(h->error / sqrt(0.5 / N / (double)h->n) - 1) < 0.15);
    /* five errors, and what 300 steps leave to be learnt */
    assert_true(fabs(h->value - data_case_entropy()) < 5 * h->error + 2e-3);
    assert_true(fabs(h->trained - data_case_entropy()) < 5 * h->trained_error + 2e-3);
    assert_true(start.evaluation.held_out.value > data_case_entropy() + 0.1);
    for (int i = 0; i < 2; i++)
        kad_config_destroy(config[i]);
    train_case_clear(&start);
    train_case_clear(&end);
    scratch_remove(&f.folder);
}

/* A map of thousands of weights learns 150 samples by heart. With patience the weights are those of
 * an evaluation that others like best, and better on samples that no choice has seen; steps after
 * it change nothing. */
static void weights_are_chosen_by_others(void **state)
{
    (void)state;
    enum { ALL, SOON, LATE, N_RUNS };
    const char *patience[N_RUNS] = {"train.patience=0", "train.patience=4",
                                    "train.patience=1000"};
    data_case f;
    train_case_result run[N_RUNS];
    const kad_held_out *h[N_RUNS];
    data_case_open(&f, 400);
    for (int i = 0; i < N_RUNS; i++) {
        const char *more[] = {"train.steps=400", "data.held_out=0.5", patience[i],
                              i == ALL ? NULL : "data.validation=0.3", NULL};
        kad_config *config = data_case_config(&f, more);
        train_case_run(&f.ctx, NULL, config, &run[i]);
        kad_config_destroy(config);
        h[i] = &run[i].evaluation.held_out;
    }
    print_message(
        "# -ln q a site held out %.4f(%.4f) after all steps, %.4f(%.4f) chosen by "
        "%zu samples after %d steps, entropy %.4f\n",
        h[ALL]->value, h[ALL]->error, h[SOON]->value, h[SOON]->error, h[SOON]->n_choosing,
        (int)run[SOON].steps, data_case_entropy());
    assert_int_equal(h[ALL]->n_choosing, 0);
    assert_true(h[SOON]->n_choosing > 30 && h[SOON]->n_choosing < 90);
    assert_int_equal(h[ALL]->n, h[SOON]->n);
    assert_true(h[ALL]->value > data_case_entropy() + 0.15);
    assert_true(h[SOON]->value < h[ALL]->value - 0.1);
    assert_true(run[SOON].steps < 400 && run[LATE].steps == 400);
    assert_memory_equal(run[SOON].theta, run[LATE].theta,
                        run[SOON].model->flow->n_theta * sizeof(double));
    for (int i = 0; i < N_RUNS; i++)
        train_case_clear(&run[i]);
    scratch_remove(&f.folder);
}

/* Samples about 1 instead of 0. A map with q(-x) = q(x) must make both signs, which costs ln 2 a
 * configuration; without that symmetry the default hierarchy has an axis, and the same entropy. */
static void fields_without_a_sign(void **state)
{
    (void)state;
    data_case f;
    const kad_held_out *h[2];
    train_case_result result[2];
    data_case_open(&f, 1);
    const size_t dims[3] = {SAMPLES, L, L};
    double *x = kad_alloc(SAMPLES, N * sizeof *x);
    for (size_t i = 0; i < SAMPLES; i++)
        data_case_draw(i, x + i * N);
    for (size_t i = 0; i < SAMPLES * N; i++)
        x[i] += 1;
    data_case_write(&f, "/configs", SAMPLES * N, 3, dims, x);
    kad_free(x);
    for (int i = 0; i < 2; i++) {
        const char *more[] = {i ? "flow.symmetry=none" : "flow.symmetry=equivariant",
                              "train.steps=600", "train.patience=4", "train.batch=256",
                              NULL};
        kad_config *config = data_case_config(&f, more);
        train_case_run(&f.ctx, NULL, config, &result[i]);
        kad_config_destroy(config);
        h[i] = &result[i].evaluation.held_out;
    }
    print_message("# -ln q a site about 1, with and without the sign: %.4f, %.4f(%.4f), "
                  "entropy %.4f\n",
                  h[0]->value, h[1]->value, h[1]->error, data_case_entropy());
    assert_true(h[1]->value < data_case_entropy() + 5 * h[1]->error + 0.01);
    assert_true(h[0]->value - h[1]->value > 0.5 * log(2) / N);
    for (int i = 0; i < 2; i++)
        train_case_clear(&result[i]);
    scratch_remove(&f.folder);
    /* of several components and of other hierarchies without stages for it */
    data_case_open(&f, 40);
    const char *ode[] = {"flow.symmetry=none", "flow.hierarchy=ode", NULL};
    const char *two[] = {"flow.symmetry=none", "data.components=2", NULL};
    data_case_refuses(&f, ode, KAD_ECONFIG, "flow.symmetry: none");
    data_case_refuses(&f, two, KAD_ECONFIG, "flow.symmetry: none");
    scratch_remove(&f.folder);
}

/* Independent signs, up with probability 0.8, and uniform noise: the law of signs that is learnt
 * has at least their entropy, and with a map of every site alone not much more. */
static void signs_are_learnt_with_noise(void **state)
{
    (void)state;
    enum { SIGNS = 4000 };
    const double p = 0.8, exact = -p * log(p) - (1 - p) * log(1 - p);
    data_case f;
    train_case_result result;
    data_case_open(&f, 1);
    double *x = kad_alloc(SIGNS, N * sizeof *x);
    const size_t dims[3] = {SIGNS, L, L};
    const kad_rng rng = kad_rng_stream(7, KAD_RNG_TEST, 3);
    for (size_t i = 0; i < SIGNS * N; i++)
        x[i] = kad_rng_uniform(rng, 0, i, 0) < p ? 1 : -1;
    data_case_write(&f, "/configs", SIGNS * N, 3, dims, x);
    kad_free(x);
    const char *more[] = {
        "data.dequantise=2",  "flow.hierarchy=mera", "flow.symmetry=none",
        "flow.transform=rqs", "train.steps=400",     "train.batch=256",
        "flow.couplings=4",   "train.rate=1e-2",     NULL};
    kad_config *config = data_case_config(&f, more);
    train_case_run(&f.ctx, NULL, config, &result);
    const kad_held_out *h = &result.evaluation.held_out;
    const double bound = h->value - log(2.0);
    print_message("# -ln P a sign at most %.4f(%.4f), entropy %.4f, of fair signs %.4f\n",
                  bound, h->error, exact, log(2.0));
    assert_true(bound > exact - 5 * h->error);
    assert_true(bound < log(2.0) - 0.05);
    kad_config_destroy(config);
    train_case_clear(&result);
    scratch_remove(&f.folder);
}

/* Uniform over the step's width, of the step's and the sample's own, the same again. */
static void noise_is_named_by_counters(void **state)
{
    (void)state;
    enum { DRAWS = 4000 };
    double a[N], b[N], sum = 0, square = 0;
    for (uint64_t i = 0; i < DRAWS; i++) {
        memset(a, 0, sizeof a);
        kad_data_spread(0.5, 3, 7, i, N, a);
        for (int k = 0; k < N; k++) {
            assert_true(fabs(a[k]) < 0.25);
            sum += a[k];
            square += a[k] * a[k];
        }
    }
    /* variance 0.25/12; errors of the means by n = 64000: 5.7e-4 and 7.4e-5, five of them */
    assert_true(fabs(sum / (DRAWS * N)) < 2.9e-3);
    assert_true(fabs(square / (DRAWS * N) - 0.25 / 12) < 3.7e-4);
    const uint64_t other[][3] = {{4, 7, 9}, {3, 8, 9}, {3, 7, 10}};
    memset(a, 0, sizeof a);
    kad_data_spread(0.5, 3, 7, 9, N, a);
    for (int i = 0; i < 3; i++) {
        memset(b, 0, sizeof b);
        kad_data_spread(0.5, other[i][0], other[i][1], other[i][2], N, b);
        for (int k = 0; k < N; k++)
            assert_true(a[k] != b[k]);
    }
    memset(b, 0, sizeof b);
    kad_data_spread(0.5, 3, 7, 9, N, b);
    assert_memory_equal(a, b, sizeof a);
    for (int k = 0; k < N; k++) /* what noise has moved finds back */
        assert_true(kad_data_round(0.5, -1, 0.5 * k + a[k]) == 0.5 * k);
}

/* With nothing held out, section data beside an action trains as train.data does. */
static void sections_train_alike(void **state)
{
    (void)state;
    data_case f;
    char data[300];
    data_case_open(&f, 200);
    snprintf(data, sizeof data, "train.data=%s", f.file);
    const char *base[] = {"lattice.shape=[4, 4]", "action.name=phi4", "train.steps=10",
                          NULL};
    const char *more[2][4] = {{f.source, "data.held_out=0", NULL},
                              {data, "train.loss=likelihood", NULL}};
    train_case_result result[2];
    for (int i = 0; i < 2; i++) {
        kad_config *config = train_case_config(&f.ctx, base, more[i]);
        train_case_run(&f.ctx, NULL, config, &result[i]);
        kad_config_destroy(config);
    }
    train_case_same(&result[0], &result[1]);
    assert_true(result[0].evaluation.weights.n > 0); /* the action judges */
    for (int i = 0; i < 2; i++)
        train_case_clear(&result[i]);
    scratch_remove(&f.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("data: blocks are held out whole, by their number alone",
              blocks_are_held_out_whole),
        CLAIM("data: samples to choose by are taken from those to train on",
              validation_is_of_the_trained),
        CLAIM_OF_NUMBERS("data: weights that are chosen are better on samples held out",
                         weights_are_chosen_by_others),
        CLAIM("data: noise is uniform and named by counters", noise_is_named_by_counters),
        CLAIM_OF_NUMBERS("data: signs with noise are learnt, no better than they can be",
                         signs_are_learnt_with_noise),
        CLAIM_OF_NUMBERS("data: a field without a sign is learnt by a map without",
                         fields_without_a_sign),
        CLAIM("data: errors are those of blocks", errors_are_of_blocks),
        CLAIM("data: held-out samples of a free field reach its entropy",
              free_field_reaches_its_entropy),
        CLAIM("data: nothing held out, beside an action: as train.data",
              sections_train_alike),
    };
    return cmocka_run_group_tests_name("training on data", tests, NULL, NULL);
}
