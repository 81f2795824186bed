/* Training on data: what is held out, what is learnt, and that neither depends on threads
 * or stops. */
#include "base/memory.h"
#include "base/signals.h"
#include "run/options.h"
#include "tests/support/claim.h"
#include "tests/support/model_case.h"
#include "tests/support/scratch.h"
#include "tests/support/train_case.h"
#include "train/data.h"
#include "train/target.h"

#include <fcntl.h>
#include <unistd.h>

/* --- a free field ---------------------------------------------------------------------- */

enum { L = 4, N = L * L, SAMPLES = 4000 };
static const double PI = 3.14159265358979323846;

/* khat^2 + m^2, m = 1. */
static double eigenvalue(int k)
{
    const double a = sin(PI * (k % L) / L), b = sin(PI * (k / L) / L);
    return 1 + 4 * (a * a + b * b);
}

/* Entropy a site of the field below, exactly. */
static double entropy(void)
{
    double h = 0.5 * (log(2 * PI) + 1);
    for (int k = 0; k < N; k++)
        h -= 0.5 * log(eigenvalue(k)) / N;
    return h;
}

/* x_s = sum_k (cos + sin)(k.s) n_k / sqrt(N (khat^2 + 1)), an orthonormal basis: of the free
 * field's law. */
static void draw_field(uint64_t number, double *x)
{
    const kad_rng rng = kad_rng_stream(5, KAD_RNG_TEST, 3);
    memset(x, 0, N * sizeof *x);
    for (int k = 0; k < N; k++) {
        double n[2];
        kad_rng_normal2(rng, number, (uint64_t)k, 0, n);
        for (int s = 0; s < N; s++) {
            const double phase = 2 * PI * ((k % L) * (s % L) + (k / L) * (s / L)) / L;
            x[s] += (cos(phase) + sin(phase)) * n[0] / sqrt(N * eigenvalue(k));
        }
    }
}

typedef struct fixture {
    kad_ctx ctx;
    scratch folder;
    char file[256], source[300];
} fixture;

static void write_field(fixture *f, const char *dataset, size_t n, int rank,
                        const size_t *dims, const double *x)
{
    kad_h5 *file = NULL;
    size_t left = n;
    for (int i = 0; i < rank; i++)
        left /= dims[i];
    assert_int_equal(left, 1);
    assert_int_equal(kad_h5_create(&f->ctx, &file), KAD_OK);
    assert_int_equal(kad_h5_write(&f->ctx, file, dataset, KAD_H5_F64, rank, dims, x),
                     KAD_OK);
    assert_int_equal(kad_h5_save(&f->ctx, file, f->file, false), KAD_OK);
    kad_h5_close(file);
}

static void open_fixture(fixture *f, size_t n)
{
    const size_t dims[3] = {n, L, L};
    kad_ctx_init(&f->ctx, 2);
    scratch_make(&f->folder);
    snprintf(f->file, sizeof f->file, "%s", scratch_file(&f->folder, "data.h5"));
    snprintf(f->source, sizeof f->source, "data.source=%s", f->file);
    double *x = kad_alloc(n, N * sizeof *x);
    for (size_t i = 0; i < n; i++)
        draw_field(i, x + i * N);
    write_field(f, "/configs", n * N, 3, dims, x);
    kad_free(x);
}

/* The same samples, rounded to multiples of `step`. */
static void put_on_grid(fixture *f, size_t n, double step)
{
    const size_t dims[3] = {n, L, L};
    double *x = kad_alloc(n, N * sizeof *x);
    for (size_t i = 0; i < n; i++)
        draw_field(i, x + i * N);
    for (size_t i = 0; i < n * N; i++)
        x[i] = step * nearbyint(x[i] / step);
    write_field(f, "/configs", n * N, 3, dims, x);
    kad_free(x);
}

static kad_config *config_of(fixture *f, const char *const *more)
{
    const char *base[] = {"lattice.shape=[4, 4]", f->source, NULL};
    return train_case_config(&f->ctx, base, more);
}

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

/* One line that says `what`. */
static void refuses(fixture *f, const char *const *more, kad_status want,
                    const char *what)
{
    train_case_result result;
    kad_config *config = config_of(f, more);
    const kad_status status = train_case_try(&f->ctx, NULL, config, &result);
    if (status != want || strstr(f->ctx.message, what) == NULL ||
        strchr(f->ctx.message, '\n') != NULL)
        fail_msg("status %d, message \"%s\"", (int)status, f->ctx.message);
    kad_config_destroy(config);
}

/* --- what is learnt -------------------------------------------------------------------- */

static void free_field_reaches_its_entropy(void **state)
{
    (void)state;
    fixture f;
    train_case_result end, start;
    open_fixture(&f, SAMPLES);
    const char *more[] = {"flow.recipe=fourier", "train.steps=300", "train.rate=0.03",
                          "train.batch=256", NULL};
    const char *none[] = {"flow.recipe=fourier", "train.steps=0", NULL};
    kad_config *config[2] = {config_of(&f, more), config_of(&f, none)};
    train_case_run(&f.ctx, NULL, config[0], &end);
    train_case_run(&f.ctx, NULL, config[1], &start);
    assert_null(end.model->action);
    const kad_held_out *h = &end.evaluation.held_out;
    print_message("# -ln q a site of %zu held-out samples: %.4f at first, %.4f(%.4f), "
                  "entropy %.4f\n",
                  h->n, start.evaluation.held_out.value, h->value, h->error, entropy());
    assert_true(h->n > 300 && h->n < 500);
    /* -ln p has the variance of half a chi^2 of N: N/2 */
    assert_true(fabs(h->error / sqrt(0.5 / N / (double)h->n) - 1) < 0.15);
    /* five errors, and what 300 steps leave to be learnt */
    assert_true(fabs(h->value - entropy()) < 5 * h->error + 2e-3);
    assert_true(fabs(h->trained - entropy()) < 5 * h->trained_error + 2e-3);
    assert_true(start.evaluation.held_out.value > entropy() + 0.1);
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
    fixture f;
    train_case_result run[N_RUNS];
    const kad_held_out *h[N_RUNS];
    open_fixture(&f, 400);
    for (int i = 0; i < N_RUNS; i++) {
        const char *more[] = {"train.steps=400", "data.held_out=0.5", patience[i],
                              i == ALL ? NULL : "data.validation=0.3", NULL};
        kad_config *config = config_of(&f, more);
        train_case_run(&f.ctx, NULL, config, &run[i]);
        kad_config_destroy(config);
        h[i] = &run[i].evaluation.held_out;
    }
    print_message(
        "# -ln q a site held out %.4f(%.4f) after all steps, %.4f(%.4f) chosen by "
        "%zu samples after %d steps, entropy %.4f\n",
        h[ALL]->value, h[ALL]->error, h[SOON]->value, h[SOON]->error, h[SOON]->n_choosing,
        (int)run[SOON].steps, entropy());
    assert_int_equal(h[ALL]->n_choosing, 0);
    assert_true(h[SOON]->n_choosing > 30 && h[SOON]->n_choosing < 90);
    assert_int_equal(h[ALL]->n, h[SOON]->n);
    assert_true(h[ALL]->value > entropy() + 0.15);
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
    fixture f;
    const kad_held_out *h[2];
    train_case_result result[2];
    open_fixture(&f, 1);
    const size_t dims[3] = {SAMPLES, L, L};
    double *x = kad_alloc(SAMPLES, N * sizeof *x);
    for (size_t i = 0; i < SAMPLES; i++)
        draw_field(i, x + i * N);
    for (size_t i = 0; i < SAMPLES * N; i++)
        x[i] += 1;
    write_field(&f, "/configs", SAMPLES * N, 3, dims, x);
    kad_free(x);
    for (int i = 0; i < 2; i++) {
        const char *more[] = {i ? "flow.symmetry=none" : "flow.symmetry=equivariant",
                              "train.steps=600", "train.patience=4", "train.batch=256",
                              NULL};
        kad_config *config = config_of(&f, more);
        train_case_run(&f.ctx, NULL, config, &result[i]);
        kad_config_destroy(config);
        h[i] = &result[i].evaluation.held_out;
    }
    print_message("# -ln q a site about 1, with and without the sign: %.4f, %.4f(%.4f), "
                  "entropy %.4f\n",
                  h[0]->value, h[1]->value, h[1]->error, entropy());
    assert_true(h[1]->value < entropy() + 5 * h[1]->error + 0.01);
    assert_true(h[0]->value - h[1]->value > 0.5 * log(2) / N);
    for (int i = 0; i < 2; i++)
        train_case_clear(&result[i]);
    scratch_remove(&f.folder);
    /* of several components and of other hierarchies without stages for it */
    open_fixture(&f, 40);
    const char *ode[] = {"flow.symmetry=none", "flow.hierarchy=ode", NULL};
    const char *two[] = {"flow.symmetry=none", "data.components=2", NULL};
    refuses(&f, ode, KAD_ECONFIG, "flow.symmetry: none");
    refuses(&f, two, KAD_ECONFIG, "flow.symmetry: none");
    scratch_remove(&f.folder);
}

/* Independent signs, up with probability 0.8, and uniform noise: the law of signs that is learnt
 * has at least their entropy, and with a map of every site alone not much more. */
static void signs_are_learnt_with_noise(void **state)
{
    (void)state;
    enum { SIGNS = 4000 };
    const double p = 0.8, exact = -p * log(p) - (1 - p) * log(1 - p);
    fixture f;
    train_case_result result;
    open_fixture(&f, 1);
    double *x = kad_alloc(SIGNS, N * sizeof *x);
    const size_t dims[3] = {SIGNS, L, L};
    const kad_rng rng = kad_rng_stream(7, KAD_RNG_TEST, 3);
    for (size_t i = 0; i < SIGNS * N; i++)
        x[i] = kad_rng_uniform(rng, 0, i, 0) < p ? 1 : -1;
    write_field(&f, "/configs", SIGNS * N, 3, dims, x);
    kad_free(x);
    const char *more[] = {
        "data.dequantise=2",  "flow.hierarchy=mera", "flow.symmetry=none",
        "flow.transform=rqs", "train.steps=400",     "train.batch=256",
        "flow.couplings=4",   "train.rate=1e-2",     NULL};
    kad_config *config = config_of(&f, more);
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
    fixture f;
    char data[300];
    open_fixture(&f, 200);
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

/* --- bits ------------------------------------------------------------------------------ */

static const char *const short_run[] = {"train.steps=8",         "train.eval_every=3",
                                        "train.batch=256",       "data.held_out=.3",
                                        "train.eval_samples=50", NULL};

static void threads_give_the_same_bits(void **state)
{
    (void)state;
    fixture f;
    train_case_result result[2];
    open_fixture(&f, 300);
    kad_config *config = config_of(&f, short_run);
    for (int i = 0; i < 2; i++) {
        f.ctx.n_threads = 1 + 2 * i;
        train_case_run(&f.ctx, NULL, config, &result[i]);
    }
    train_case_same(&result[0], &result[1]);
    assert_memory_equal(&result[0].evaluation.held_out, &result[1].evaluation.held_out,
                        sizeof(kad_held_out));
    for (int i = 0; i < 2; i++)
        train_case_clear(&result[i]);
    kad_config_destroy(config);
    scratch_remove(&f.folder);
}

static double last_of(kad_ctx *ctx, const kad_run *run, const char *path)
{
    kad_h5 *file;
    int rank;
    size_t dims[KAD_H5_MAX_RANK];
    double values[64];
    assert_int_equal(kad_results_open(ctx, run, &file), KAD_OK);
    assert_int_equal(kad_h5_shape(ctx, file, path, &rank, dims), KAD_OK);
    assert_true(rank == 1 && dims[0] > 0 && dims[0] <= 64);
    assert_int_equal(kad_h5_read(ctx, file, path, KAD_H5_F64, 1, dims, values), KAD_OK);
    kad_h5_close(file);
    return values[dims[0] - 1];
}

/* The same with noise, and weights that are chosen. */
static const char *const chosen_run[] = {
    "train.steps=8",    "train.eval_every=1",    "train.batch=256",
    "data.held_out=.3", "train.eval_samples=50", "train.patience=3",
    "train.rate=0.05",  "data.dequantise=1e-3",  NULL};

/* Stopped after every step. */
static void pieces_equal(const char *const *how)
{
    fixture f;
    train_case_result result[2];
    kad_run *run[2];
    static const char *const paths[] = {
        "/training/loss", "/training/nll", "/training/eval/held_out",
        "/training/eval/held_out_err", "/training/eval/trained_on"};
    open_fixture(&f, 300);
    if (how == chosen_run) put_on_grid(&f, 300, 1e-3);
    kad_config *config = config_of(&f, how);
    for (int i = 0; i < 2; i++) {
        char folder[256];
        snprintf(folder, sizeof folder, "%s", scratch_file(&f.folder, i ? "b" : "a"));
        assert_int_equal(kad_run_open(&f.ctx, folder, KAD_RUN_WRITE, &run[i]), KAD_OK);
    }
    train_case_run(&f.ctx, run[0], config, &result[0]);
    int pieces = 0;
    for (kad_status status = KAD_EINTERRUPTED; status == KAD_EINTERRUPTED; pieces++) {
        assert_true(pieces < 30);
        kad_signals_deadline(1e-9);
        status = train_case_try(&f.ctx, run[1], config, &result[1]);
        if (status != KAD_OK && status != KAD_EINTERRUPTED) fail_msg("%s", f.ctx.message);
        kad_stop_clear();
        kad_signals_deadline(0.0);
    }
    assert_int_equal(pieces, result[0].steps + 1);
    train_case_same(&result[0], &result[1]);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++)
        assert_true(last_of(&f.ctx, run[0], paths[i]) ==
                    last_of(&f.ctx, run[1], paths[i]));
    for (int i = 0; i < 2; i++) {
        train_case_clear(&result[i]);
        kad_run_close(run[i]);
    }
    kad_config_destroy(config);
    scratch_remove(&f.folder);
}

static void pieces_equal_the_whole(void **state)
{
    (void)state;
    pieces_equal(short_run);
}

static void chosen_pieces_equal_the_whole(void **state)
{
    (void)state;
    pieces_equal(chosen_run);
}

/* What an evaluation that was stopped half way has done is not done again. */
static void evaluations_go_on(void **state)
{
    (void)state;
    fixture f;
    kad_model *model;
    kad_target *target;
    kad_run_options options;
    kad_evaluation whole = {0}, rest = {0};
    kad_map *map;
    open_fixture(&f, 300);
    kad_config *config = config_of(&f, short_run);
    assert_int_equal(test_model_of(&f.ctx, config, &model), KAD_OK);
    assert_int_equal(kad_run_options_read(&f.ctx, config, &options), KAD_OK);
    assert_int_equal(kad_target_data(&f.ctx, model, &options.train, 32, &target), KAD_OK);
    double *theta = test_theta(model->flow, 5, 0.1);
    assert_int_equal(kad_map_create(&f.ctx, model->flow, theta, NULL, &map), KAD_OK);
    const kad_target_ops *ops = target->ops;
    assert_int_equal(ops->evaluate(&f.ctx, target, map, 0, 0, true, &whole), KAD_OK);
    const size_t all = target->n_done;
    assert_int_equal(all, 2 * whole.held_out.n);
    const size_t stops[] = {7, whole.held_out.n, all - 1};
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        for (size_t k = stops[i]; k < all; k++)
            target->values[k] = NAN;
        target->n_done = stops[i];
        assert_int_equal(ops->evaluate(&f.ctx, target, map, 0, 0, true, &rest), KAD_OK);
        assert_memory_equal(&rest.held_out, &whole.held_out, sizeof rest.held_out);
    }
    kad_free(theta);
    kad_map_destroy(map);
    kad_target_destroy(target);
    kad_model_destroy(model);
    kad_run_options_clear(&options);
    kad_config_destroy(config);
    scratch_remove(&f.folder);
}

/* --- what is refused ------------------------------------------------------------------- */

static void damaged_files_are_refused(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, 40);
    const char *none[] = {"train.steps=1", NULL};
    const char *other[] = {"data.dataset=/absent", NULL};
    const char *group[] = {"data.dataset=/", NULL};
    const char *large[] = {"data.components=2", NULL};
    const char *whole[] = {"data.block=1000", NULL};
    refuses(&f, other, KAD_EDATA, "/absent");
    refuses(&f, group, KAD_EDATA, f.file);
    refuses(&f, large, KAD_EDATA, "expected samples [n, 2, 4, 4], found [40, 4, 4]");
    refuses(&f, whole, KAD_EDATA, "data.held_out 0.1 of 40 samples");
    const char *grid[] = {"data.dequantise=1", NULL};
    refuses(&f, grid, KAD_EDATA, "data.dequantise: 1, but sample 0 holds");
    double x[3 * N] = {0};
    const size_t wrong[3] = {3, N, 1}, right[3] = {3, L, L};
    write_field(&f, "/configs", 3 * N, 3, wrong, x);
    refuses(&f, none, KAD_EDATA, "[3, 16, 1]");
    x[2 * N + 1] = NAN;
    write_field(&f, "/configs", 3 * N, 3, right, x);
    refuses(&f, none, KAD_EDATA, "sample 2");
    assert_int_equal(truncate(f.file, 700), 0);
    refuses(&f, none, KAD_EDATA, f.file);
    const int fd = open(f.file, O_WRONLY | O_TRUNC);
    assert_true(fd >= 0 && write(fd, "no HDF5\n", 8) == 8);
    close(fd);
    refuses(&f, none, KAD_EDATA, f.file);
    assert_int_equal(unlink(f.file), 0);
    refuses(&f, none, KAD_ENOINPUT, f.file);
    scratch_remove(&f.folder);
}

/* What needs an action says so. */
static void contradictions_are_refused(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, 40);
    const char *cases[][4] = {
        {"train.ladder=true", NULL, "train.ladder needs an action"},
        {"train.anneal_key=beta", "train.anneal_start=1",
         "train.anneal_key needs an action"},
        {"flow.decimation=true", NULL, "flow.decimation"},
        {"flow.translation=true", NULL, "flow.translation"},
        {"train.loss=reverse", NULL, "train.loss: reverse"},
        {"train.data=other.h5", NULL, "train.data"},
        {"action.name=phi4", "data.components=3", "data.components: 3"},
        {"action.name=phi4", "data.dequantise=1", "data.dequantise: 1, but action phi4"},
        {"train.patience=2", "data.validation=0", "data.validation: 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *more[] = {cases[i][0], cases[i][1], NULL};
        refuses(&f, more, KAD_ECONFIG, cases[i][2]);
    }
    const char *family[] = {"action.name=phi4",
                            "action.m2=1",
                            "action.lambda=1",
                            "family.along=m2",
                            "family.range=[0.5, 1.5]",
                            "flow.recipe=fourier",
                            NULL};
    refuses(&f, family, KAD_ECONFIG, "samples are of one coupling");
    snprintf(f.source, sizeof f.source, "action.name=none");
    const char *nothing[] = {NULL};
    refuses(&f, nothing, KAD_ECONFIG, "data.source names no samples");
    scratch_remove(&f.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("data: blocks are held out whole, by their number alone",
              blocks_are_held_out_whole),
        CLAIM("data: samples to choose by are taken from those to train on",
              validation_is_of_the_trained),
        CLAIM("data: weights that are chosen are better on samples held out",
              weights_are_chosen_by_others),
        CLAIM("data: noise is uniform and named by counters", noise_is_named_by_counters),
        CLAIM("data: signs with noise are learnt, no better than they can be",
              signs_are_learnt_with_noise),
        CLAIM("data: chosen weights and noise, stopped after every step: the same bits",
              chosen_pieces_equal_the_whole),
        CLAIM("data: a field without a sign is learnt by a map without",
              fields_without_a_sign),
        CLAIM("data: errors are those of blocks", errors_are_of_blocks),
        CLAIM("data: held-out samples of a free field reach its entropy",
              free_field_reaches_its_entropy),
        CLAIM("data: nothing held out, beside an action: as train.data",
              sections_train_alike),
        CLAIM("data: 1 and 3 threads give the same bits", threads_give_the_same_bits),
        CLAIM("data: a run stopped after every step equals the whole, to the bit",
              pieces_equal_the_whole),
        CLAIM("data: an evaluation stopped half way goes on", evaluations_go_on),
        CLAIM("data: damaged files are refused in one line", damaged_files_are_refused),
        CLAIM("data: what needs an action is refused without one",
              contradictions_are_refused),
    };
    return cmocka_run_group_tests_name("training on data", tests, NULL, NULL);
}
