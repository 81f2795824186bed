/* Claims about the library's public functions (kadanoff.h), with the program as the
 * reference: the same config gives the same bytes. */
#include "io/run_folder.h"
#include "kadanoff.h"
#include "tests/support/claim.h"
#include "tests/support/scratch.h"

#include <float.h>
#include <gsl/gsl_errno.h>
#include <locale.h>
#include <pthread.h>

static scratch folder;

/* Samplers that accept, that weigh and that know nothing of the map. */
static const char ising[] = "seed: 3\n"
                            "lattice: {shape: [4, 4]}\n"
                            "action: {name: on-dual, temperature: 3}\n"
                            "train: {steps: 60, eval_final: 256}\n"
                            "sample:\n"
                            "  - {name: direct, draws: 200, store_configs: 50}\n"
                            "  - {name: mis, draws: 100, chains: 2}\n"
                            "  - {name: hmc, draws: 50, chains: 2}\n";
enum { SITES = 16, DRAWS = 200, CONFIGS = 50 };

/* Several components, an odd sublattice integrated out. */
static const char complex_field[] =
    "lattice: {shape: [4, 2]}\n"
    "action: {name: phi4, form: hopping, components: 2, kappa: 0.3, lambda: 1}\n"
    "flow: {decimation: true}\n"
    "train: {steps: 20}\n"
    "sample: []\n";

#define OK(study, expr)                                                               \
    do {                                                                              \
        kad_status s_ = (expr);                                                       \
        if (s_ != KAD_OK) fail_msg("%s: %d %s", #expr, s_, kad_study_message(study)); \
    } while (0)

/* Fails so, with one line that says this. */
static void expect(const kad_study *study, kad_status status, kad_status wanted,
                   const char *fragment)
{
    const char *message = kad_study_message(study);
    if (status != wanted || strstr(message, fragment) == NULL ||
        strpbrk(message, "\n\r") != NULL)
        fail_msg("expected %d \"%s\", got %d \"%s\"", wanted, fragment, status, message);
}

static kad_study *study_of(const char *text, const char *name)
{
    kad_study *study = kad_study_create(2);
    assert_non_null(study);
    OK(study, kad_study_parse(study, text, scratch_file(&folder, name), 0, NULL));
    return study;
}

static void test_errors(void **state)
{
    (void)state;
    const char *override = "train.steps=1", *bad = "train.steps=many";
    const char *run = scratch_file(&folder, "none");
    double value;
    kad_study *study = kad_study_create(0);
    kad_study_destroy(NULL);
    assert_string_equal(kad_study_message(study), "");
    assert_string_equal(kad_version(), "0.1.0");
    expect(study, kad_study_train(study), KAD_EUSAGE, "the study has no config");
    expect(study, kad_study_load(study, "/no/such.yaml", run, 0, NULL), KAD_ENOINPUT,
           "/no/such.yaml");
    expect(study, kad_study_parse(study, NULL, run, 0, NULL), KAD_EUSAGE, "neither");
    expect(study, kad_study_parse(study, ising, NULL, 0, NULL), KAD_EUSAGE,
           "no run folder");
    expect(study, kad_study_parse(study, "lattice: {shpe: [4]}\n", run, 0, NULL),
           KAD_ECONFIG, "config:1: lattice.shpe: unknown key");
    expect(study, kad_study_parse(study, ising, run, 1, &bad), KAD_ECONFIG, "\"many\"");
    expect(study, kad_study_open(study, run), KAD_ENOINPUT, "config.yaml");
    expect(study, kad_study_shape(study, NULL, NULL, NULL, NULL), KAD_EUSAGE,
           "the study has no config");
    OK(study, kad_study_parse(study, ising, run, 1, &override));
    assert_string_equal(kad_study_message(study), "");
    expect(study, kad_study_draw(study, 0, 1, NULL, NULL, NULL, NULL), KAD_ENOINPUT,
           "none");
    expect(study, kad_study_sample(study), KAD_ENOINPUT, "nothing is trained");
    expect(study, kad_study_log_z(study, &value, NULL, NULL), KAD_ENOINPUT, "none");
    assert_int_equal(scratch_count(folder.path), 0);
    kad_study_destroy(study);
}

/* --- the program's bytes ---------------------------------------------------------------- */

/* All data sets below a group of two files hold the same; times are not results. */
static void compare_group(kad_ctx *ctx, kad_h5 *a, kad_h5 *b, const char *group, int *n)
{
    KAD_SCOPE(scope, ctx);
    char **names = NULL;
    size_t n_names = 0;
    assert_int_equal(kad_h5_list(&scope, a, group, &n_names, &names), KAD_OK);
    for (size_t i = 0; i < n_names; i++) {
        char path[512];
        int rank[2];
        size_t dims[2][KAD_H5_MAX_RANK], count = 1;
        snprintf(path, sizeof path, "%s/%s", group, names[i]);
        if (strstr(names[i], "second") != NULL) continue;
        if (kad_h5_shape(ctx, a, path, &rank[0], dims[0]) != KAD_OK) {
            compare_group(ctx, a, b, path, n);
            continue;
        }
        assert_int_equal(kad_h5_shape(ctx, b, path, &rank[1], dims[1]), KAD_OK);
        assert_int_equal(rank[0], rank[1]);
        for (int r = 0; r < rank[0]; r++) {
            assert_int_equal(dims[0][r], dims[1][r]);
            count *= dims[0][r];
        }
        double *x = calloc(count + 1, sizeof *x), *y = calloc(count + 1, sizeof *y);
        if (kad_h5_read(ctx, a, path, KAD_H5_F64, rank[0], dims[0], x) == KAD_OK) {
            assert_int_equal(kad_h5_read(ctx, b, path, KAD_H5_F64, rank[0], dims[0], y),
                             KAD_OK);
            if (memcmp(x, y, count * sizeof *x) != 0) fail_msg("%s differs", path);
            (*n)++;
        }
        free(x);
        free(y);
    }
}

static kad_h5 *results(kad_ctx *ctx, const char *name)
{
    char path[512];
    kad_h5 *file = NULL;
    snprintf(path, sizeof path, "%s/%s/run.h5", folder.path, name);
    assert_int_equal(kad_h5_open(ctx, path, false, 0, &file), KAD_OK);
    return file;
}

/* `kadanoff run` of a config into a folder of its own. */
static void run_program(const char *text, const char *name)
{
    char command[1024];
    const char *build = getenv("KAD_BUILDDIR");
    scratch_spill(scratch_file(&folder, "config.yaml"), text, strlen(text));
    snprintf(command, sizeof command, "%s/kadanoff run %s/config.yaml -q -o %s/%s",
             build != NULL ? build : ".", folder.path, folder.path, name);
    assert_int_equal(system(command), 0);
}

/* Stops at the first update, which comes after the first step. */
static int stop_at_first(void *self, const char *part, int64_t step, int64_t total)
{
    int *n = self;
    assert_non_null(part);
    assert_true(step >= 0 && (total == 0 || step <= total));
    return ++*n == 1;
}

/* The study that is left behind is trained and sampled in "library". */
static void test_program_bytes(void **state)
{
    (void)state;
    int calls = 0, n = 0;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    run_program(ising, "program");
    kad_study *study = study_of(ising, "library");
    kad_study_on_progress(study, stop_at_first, &calls);
    expect(study, kad_study_train(study), KAD_EINTERRUPTED, "request");
    kad_study_on_progress(study, NULL, NULL);
    OK(study, kad_study_train(study));
    OK(study, kad_study_sample(study));
    OK(study, kad_study_sample(study)); /* nothing is left to do */
    kad_h5 *a = results(&ctx, "program"), *b = results(&ctx, "library");
    compare_group(&ctx, a, b, "/flow/params", &n);
    assert_true(n > 0);
    compare_group(&ctx, a, b, "/samplers", &n);
    compare_group(&ctx, a, b, "/analysis", &n);
    assert_true(n > 50);
    kad_h5_close(a);
    kad_h5_close(b);
    kad_study_destroy(study);
}

static void test_results(void **state)
{
    (void)state;
    double value, error, exact, mean[2], err[2], tau;
    kad_study *study = kad_study_create(2);
    OK(study, kad_study_open(study, scratch_file(&folder, "program")));
    OK(study, kad_study_log_z(study, &value, &error, &exact));
    assert_true(error > 0 && fabs(value - exact) < 5 * error);
    OK(study, kad_study_mean(study, "mis", "m2", &mean[0], &err[0], &tau, &exact));
    assert_true(tau >= 0.5 && exact > 0 && exact < 1);
    /* draws with weights have estimates by their weights only */
    OK(study, kad_study_mean(study, "direct", "m2", &mean[1], &err[1], NULL, NULL));
    OK(study, kad_study_mean(study, "direct_reweighted", "m2", &value, NULL, NULL, NULL));
    assert_true(mean[1] == value && mean[0] != mean[1]);
    expect(study, kad_study_mean(study, "mos", "m2", mean, NULL, NULL, NULL),
           KAD_ENOINPUT, "no estimates of \"mos\"; there are: log_z");
    expect(study, kad_study_mean(study, "mis", "m3", mean, NULL, NULL, NULL),
           KAD_ENOINPUT, "mis has no \"m3\"; it has: ");
    expect(study, kad_study_mean(study, "../config", "m2", mean, NULL, NULL, NULL),
           KAD_ENOINPUT, "no estimates");
    expect(study, kad_study_mean(study, NULL, "m2", mean, NULL, NULL, NULL), KAD_EUSAGE,
           "no sampler");
    kad_study_destroy(study);
}

/* Draws of the library are the proposals of `direct`, with its weights. */
static void test_draws(void **state)
{
    (void)state;
    static double x[DRAWS * SITES], z[DRAWS * SITES], again[SITES], ln_w[DRAWS],
        ln_q[DRAWS], stored[DRAWS], configs[CONFIGS * SITES], own_w[DRAWS], own_q[DRAWS];
    const size_t w_dims[2] = {1, DRAWS}, x_dims[5] = {1, CONFIGS, 1, 4, 4};
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    kad_study *study = study_of(ising, "library");
    kad_h5 *file = results(&ctx, "program");
    OK(study, kad_study_draw(study, 0, DRAWS, x, NULL, ln_q, ln_w));
    assert_int_equal(kad_h5_read(&ctx, file, "/samplers/direct/proposals/log_weight",
                                 KAD_H5_F64, 2, w_dims, stored),
                     KAD_OK);
    assert_memory_equal(ln_w, stored, sizeof stored);
    assert_int_equal(kad_h5_read(&ctx, file, "/samplers/direct/configs", KAD_H5_F64, 5,
                                 x_dims, configs),
                     KAD_OK);
    for (size_t i = 0; i < CONFIGS * SITES; i++) {
        const size_t stride = DRAWS / CONFIGS, draw = i / SITES * stride + stride - 1;
        assert_true((float)x[draw * SITES + i % SITES] == (float)configs[i]);
    }
    /* a draw depends on its number only */
    OK(study, kad_study_draw(study, 77, 1, again, NULL, NULL, NULL));
    assert_memory_equal(again, x + 77 * SITES, sizeof again);
    /* asked for with its latents a draw is not shifted, and its weight is the field's own.
     * S and ln q of the field: through A^(1/2) and its inverse, whose condition is below
     * 100, and nets in double: some hundred roundings of numbers up to 100 */
    OK(study, kad_study_draw(study, 0, DRAWS, x, z, NULL, NULL));
    OK(study, kad_study_weigh(study, DRAWS, x, own_q, own_w));
    for (size_t i = 0; i < DRAWS; i++) {
        assert_true(fabs(own_w[i] - ln_w[i]) < 1e-10);
        assert_true(fabs(own_q[i] - ln_q[i]) < 1e-10);
    }
    x[5 * SITES + 2] = NAN;
    expect(study, kad_study_weigh(study, DRAWS, x, own_q, own_w), KAD_EDATA,
           "x: sample 5, value 2: expected a finite number, got nan");
    expect(study, kad_study_weigh(study, 1, NULL, own_q, own_w), KAD_EUSAGE, "NULL");
    kad_h5_close(file);
    kad_study_destroy(study);
}

/* Of n latents: infer(generate(z)) = z, and ln q = ln p(z) - ln |det dy/dz| of a prior of
 * standard normals (one sector only: no mixture). */
static void round_trip(kad_study *study, size_t n, size_t n_values)
{
    double *z = calloc(n * n_values, sizeof *z), *x = calloc(n * n_values, sizeof *x);
    double *back = calloc(n * n_values, sizeof *back);
    double *ln_q = calloc(n, sizeof *ln_q), *log_det = calloc(n, sizeof *log_det);
    size_t n_latents = 0;
    OK(study, kad_study_draw(study, 0, n, NULL, z, NULL, NULL));
    OK(study, kad_study_generate(study, 0, n, z, x, log_det));
    OK(study, kad_study_infer(study, n, x, back));
    OK(study, kad_study_weigh(study, n, x, ln_q, NULL));
    for (size_t i = 0; i < n * n_values; i++) {
        /* roundings of a net's layers, as the program's self-check has them */
        assert_true(fabs(back[i] - z[i]) < 1e-11 * (1 + fabs(z[i])));
        if (z[i] != 0) n_latents++;
    }
    for (size_t i = 0; i < n; i++) {
        double expected = -log_det[i];
        for (size_t k = 0; k < n_values; k++)
            if (z[i * n_values + k] != 0)
                expected -= 0.5 * (pow(z[i * n_values + k], 2) + log(2 * M_PI));
        assert_true(fabs(ln_q[i] - expected) < 1e-10 * (1 + fabs(expected)));
    }
    assert_true(n_latents == n * n_values || 2 * n_latents == n * n_values);
    free(z);
    free(x);
    free(back);
    free(ln_q);
    free(log_det);
}

static void test_round_trip(void **state)
{
    (void)state;
    int d;
    size_t shape[3], n_components, n_values;
    kad_study *study = study_of(ising, "library");
    OK(study, kad_study_shape(study, &d, shape, &n_components, &n_values));
    assert_true(d == 2 && shape[0] == 4 && shape[1] == 4 && shape[2] == 1);
    assert_true(n_components == 1 && n_values == SITES);
    round_trip(study, 100, n_values);
    kad_study_destroy(study);
    study = study_of(complex_field, "complex");
    OK(study, kad_study_run(study));
    OK(study, kad_study_shape(study, &d, shape, &n_components, &n_values));
    assert_true(n_components == 2 && n_values == 16);
    kad_study_destroy(study);
}

/* A map learnt from stored configurations alone: a density, and nothing to weigh it by. */
static void test_learnt(void **state)
{
    (void)state;
    char text[1024];
    double x[SITES], ln_w, value;
    snprintf(text, sizeof text,
             "lattice: {shape: [4, 4]}\n"
             "data: {source: %s/run.h5, dataset: /samplers/direct/configs}\n"
             "train: {steps: 5}\n",
             scratch_file(&folder, "program"));
    kad_study *study = study_of(text, "learnt");
    OK(study, kad_study_run(study));
    round_trip(study, 50, SITES);
    expect(study, kad_study_draw(study, 0, 1, x, NULL, NULL, &ln_w), KAD_ECONFIG,
           "ln_w needs an action");
    expect(study, kad_study_weigh(study, 1, x, NULL, &ln_w), KAD_ECONFIG,
           "ln_w needs an action");
    OK(study, kad_study_draw(study, 0, 1, x, NULL, NULL, NULL));
    OK(study, kad_study_weigh(study, 1, x, &value, NULL));
    assert_true(isfinite(value));
    kad_study_destroy(study);
}

/* --- families ------------------------------------------------------------------------- */

static const char range[] =
    "lattice: {shape: [4, 4]}\n"
    "action: {name: on-dual}\n"
    "family: {along: temperature, range: [2, 3], values: 2, draws: 100}\n"
    "train: {steps: 30, batch: 128, eval_final: 128}\n"
    "sample: []\n";

/* What a map says: draws with all that belongs to them, and of their configurations. */
typedef struct said {
    double x[CONFIGS * SITES], z[CONFIGS * SITES], ln_q[CONFIGS], ln_w[CONFIGS];
    double again[CONFIGS * SITES], back[CONFIGS * SITES], weight[CONFIGS];
} said;

static void ask(kad_study *study, said *out)
{
    memset(out, 0, sizeof *out); /* compared whole */
    OK(study, kad_study_draw(study, 0, CONFIGS, out->x, out->z, out->ln_q, out->ln_w));
    OK(study, kad_study_generate(study, 0, CONFIGS, out->z, out->again, NULL));
    OK(study, kad_study_infer(study, CONFIGS, out->x, out->back));
    OK(study, kad_study_weigh(study, CONFIGS, out->x, NULL, out->weight));
}

static void choose(kad_study *study, const char *name, double value)
{
    OK(study, kad_study_choose(study, 1, &name, &value));
}

/* A run at that temperature with the family's map is the reference. */
static void test_family(void **state)
{
    (void)state;
    static said own, named, one;
    char text[1024];
    kad_study *study = study_of(range, "range");
    choose(study, "temperature", 2.2); /* before anything is trained, and the stages */
    OK(study, kad_study_run(study));   /* know nothing of it */
    choose(study, "action.temperature", 2.7);
    ask(study, &named);
    snprintf(text, sizeof text,
             "lattice: {shape: [4, 4]}\n"
             "action: {name: on-dual, temperature: 2.7}\n"
             "train: {from: %s, steps: 0}\n"
             "sample: []\n",
             scratch_file(&folder, "range"));
    kad_study *at = study_of(text, "at");
    OK(at, kad_study_run(at));
    ask(at, &one);
    assert_memory_equal(&one, &named, sizeof one);
    OK(study, kad_study_choose(study, 0, NULL, NULL)); /* the middle, as at first */
    ask(study, &own);
    assert_memory_not_equal(own.ln_w, one.ln_w, sizeof one.ln_w);
    kad_study *fresh = kad_study_create(1);
    OK(fresh, kad_study_open(fresh, scratch_file(&folder, "range")));
    ask(fresh, &one);
    assert_memory_equal(&own, &one, sizeof one);
    kad_study_destroy(fresh);

    const char *name = "temperature", *other = "action.epsilon", *none = NULL;
    const double low = 1.9, inside = 2.5, nan_ = NAN;
    expect(study, kad_study_choose(study, 1, &name, &low), KAD_ECONFIG,
           "action.temperature: 1.9, but the family of maps is trained from 2 to 3");
    expect(study, kad_study_choose(study, 1, &name, &nan_), KAD_ECONFIG, "trained from");
    expect(study, kad_study_choose(study, 1, &other, &inside), KAD_EUSAGE,
           "action.epsilon: of this family of maps action.temperature can be chosen");
    expect(study, kad_study_choose(study, 1, &none, &inside), KAD_EUSAGE, "no name");
    expect(study, kad_study_choose(study, 1, NULL, &inside), KAD_EUSAGE, "NULL");
    expect(study, kad_study_choose(study, 1, &name, NULL), KAD_EUSAGE, "NULL");
    expect(at, kad_study_choose(at, 1, &name, &inside), KAD_EUSAGE, "has one map");
    ask(study, &one); /* what failed has changed nothing */
    assert_memory_equal(&own, &one, sizeof one);
    kad_study_destroy(at);
    kad_study_destroy(study);
    study = kad_study_create(1);
    expect(study, kad_study_choose(study, 0, NULL, NULL), KAD_EUSAGE, "has no config");
    kad_study_destroy(study);
}

/* What is not named is at the config's own, whatever was chosen before. */
static void test_two_couplings(void **state)
{
    (void)state;
    static said one, two;
    const char *both[] = {"lambda", "kappa"};
    const double values[] = {0.6, 0.12}, half[] = {0.6, 0.15};
    kad_study *study =
        study_of("lattice: {shape: [4, 4]}\n"
                 "action: {name: phi4, form: hopping, kappa: 0.15}\n"
                 "family: {along: [kappa, lambda], values: 2, draws: 100,\n"
                 "  range: [[0.1, 0.2], [0.5, 1]]}\n"
                 "train: {steps: 30, batch: 128, eval_final: 128}\n"
                 "sample: []\n",
                 "pairs");
    OK(study, kad_study_train(study));
    OK(study, kad_study_choose(study, 2, both, values));
    ask(study, &two);
    choose(study, "lambda", 0.6);
    ask(study, &one);
    assert_memory_not_equal(one.ln_w, two.ln_w, sizeof one.ln_w);
    OK(study, kad_study_choose(study, 2, both, half));
    ask(study, &two);
    assert_memory_equal(&one, &two, sizeof one);
    const double far[] = {0.4, 0.12};
    expect(study, kad_study_choose(study, 2, both, far), KAD_ECONFIG,
           "action.lambda: 0.4, but the family of maps is trained from 0.5 to 1");
    kad_study_destroy(study);
}

/* Latents of two components on one sublattice: [component][site]. */
static void test_layout(void **state)
{
    (void)state;
    enum { N = 40, ONE = 8, VALUES = 2 * ONE };
    static double z[N * VALUES], x[N * VALUES];
    kad_study *study = study_of(complex_field, "complex");
    OK(study, kad_study_train(study));
    OK(study, kad_study_draw(study, 0, N, x, z, NULL, NULL));
    for (size_t i = 0; i < N; i++)
        for (size_t site = 0; site < ONE; site++) {
            const bool odd = (site / 2 + site % 2) % 2 == 1;
            for (size_t c = 0; c < 2; c++) {
                const size_t k = i * VALUES + c * ONE + site;
                assert_true((z[k] == 0) == odd);
                assert_true(x[k] != 0);
            }
        }
    kad_study_destroy(study);
}

/* --- the process around it --------------------------------------------------------------- */

typedef struct inner {
    kad_study *study;
    kad_status status, other;
} inner;

static int call_inside(void *self, const char *part, int64_t step, int64_t total)
{
    (void)part, (void)step, (void)total;
    inner *in = self;
    kad_study *other = kad_study_create(1);
    in->status = kad_study_train(in->study);
    in->other = kad_study_parse(other, ising, scratch_file(&folder, "other"), 0, NULL);
    kad_study_destroy(other);
    return 0;
}

static void my_handler(const char *reason, const char *file, int line, int number)
{
    (void)reason, (void)file, (void)line, (void)number;
}

static void test_surroundings(void **state)
{
    (void)state;
    inner in = {0};
    const char *override = "train.steps=5";
    kad_study *study = kad_study_create(1);
    gsl_error_handler_t *before = gsl_set_error_handler(my_handler);
    OK(study, kad_study_parse(study, complex_field, scratch_file(&folder, "inside"), 1,
                              &override));
    in.study = study;
    kad_study_on_progress(study, call_inside, &in);
    OK(study, kad_study_train(study));
    assert_int_equal(in.status, KAD_EUSAGE);
    assert_int_equal(in.other, KAD_OK);
    assert_ptr_equal(gsl_set_error_handler(before), my_handler);
    kad_study_stop(study); /* nothing is in progress: nothing happens */
    OK(study, kad_study_train(study));
    kad_study_destroy(study);
}

static void *train_one(void *name)
{
    const char *override = "train.steps=5";
    char path[300];
    kad_study *study = kad_study_create(1);
    snprintf(path, sizeof path, "%s/%s", folder.path, (const char *)name);
    kad_status status = kad_study_parse(study, ising, path, 1, &override);
    if (status == KAD_OK) status = kad_study_train(study);
    if (status == KAD_OK) status = kad_study_sample(study);
    kad_study_destroy(study);
    return status == KAD_OK ? name : NULL;
}

static void test_threads(void **state)
{
    (void)state;
    static char names[2][8] = {"one", "two"};
    pthread_t thread[2];
    void *result;
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, train_one, names[i]), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(thread[i], &result), 0);
        assert_ptr_equal(result, names[i]);
    }
    kad_ctx ctx;
    int n = 0;
    kad_ctx_init(&ctx, 1);
    kad_h5 *a = results(&ctx, "one"), *b = results(&ctx, "two");
    compare_group(&ctx, a, b, "/samplers", &n);
    assert_true(n > 10);
    kad_h5_close(a);
    kad_h5_close(b);
}

static int set_up(void **state)
{
    (void)state;
    scratch_make(&folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(&folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"library: a failure is a code and one line", test_errors, NULL, NULL, NULL},
        {"library: stopped and gone on, the program's bytes", test_program_bytes, NULL,
         NULL, NULL},
        {"library: ln Z and means are those of the file", test_results, NULL, NULL, NULL},
        {"library: draws, ln q and ln w are the program's", test_draws, NULL, NULL, NULL},
        {"library: infer undoes generate, ln q is its density", test_round_trip, NULL,
         NULL, NULL},
        {"library: a map of data alone draws, infers and has no weights", test_learnt,
         NULL, NULL, NULL},
        {"library: of a family the map that is chosen", test_family, NULL, NULL, NULL},
        {"library: of a family along two couplings too", test_two_couplings, NULL, NULL,
         NULL},
        {"library: arrays are [n][component][axes]", test_layout, NULL, NULL, NULL},
        {"library: callbacks and GSL's handler are the caller's", test_surroundings, NULL,
         NULL, NULL},
        {"library: studies of two threads take turns", test_threads, NULL, NULL, NULL},
    };
    return cmocka_run_group_tests_name("library", tests, set_up, tear_down);
}
