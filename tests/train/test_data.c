/* Given samples: reading them, and training on them. */
#include "base/memory.h"
#include "tests/support/claim.h"
#include "tests/support/model_case.h"
#include "tests/support/train_case.h"
#include "train/data.h"

#include <stdio.h>
#include <unistd.h>

/* Samples written in the program's own layouts come back as rows. */
static void samples_are_read(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    const char *more[] = {"lattice.shape=[4, 6]",
                          "action.name=phi4",
                          "action.components=2",
                          "action.form=hopping",
                          "action.kappa=0.3",
                          "action.lambda=1",
                          NULL};
    const char *none[] = {NULL};
    kad_config *config = train_case_config(&ctx, more, none);
    kad_model *model = NULL;
    if (test_model_of(&ctx, config, &model) != KAD_OK) fail_msg("%s", ctx.message);
    enum { CHAINS = 2, N = 3, SITES = 24 };
    double data[CHAINS * N * 2 * SITES];
    for (size_t i = 0; i < sizeof data / sizeof data[0]; i++)
        data[i] = (double)i;
    const size_t dims[5] = {CHAINS, N, 2, 4, 6}, bad[5] = {CHAINS, N, 2, 6, 4};
    kad_h5 *file = NULL;
    assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
    assert_int_equal(kad_h5_write(&ctx, file, "/a/x", KAD_H5_F64, 5, dims, data), KAD_OK);
    assert_int_equal(kad_h5_write(&ctx, file, "/bad", KAD_H5_F64, 5, bad, data), KAD_OK);
    assert_int_equal(kad_h5_save(&ctx, file, "test_data.h5", false), KAD_OK);
    kad_h5_close(file);
    kad_data samples;
    assert_int_equal(
        kad_data_load(&ctx, "train.data", "test_data.h5", "/a/x", model, &samples),
        KAD_OK);
    assert_int_equal(samples.n, CHAINS * N);
    /* sample 4, component 1, site 7 */
    assert_true(samples.y[(4 * SITES + 7) * 2 + 1] == data[(4 * 2 + 1) * SITES + 7]);
    size_t index[1000], seen = 0;
    kad_split split;
    assert_int_equal(kad_data_split(&ctx, "test", samples.n, 0, 0, 1, &split), KAD_OK);
    kad_data_batch(&split, 3, 9, 1000, index);
    kad_split_clear(&split);
    for (int i = 0; i < 1000; i++) {
        assert_true(index[i] < samples.n);
        seen |= (size_t)1 << index[i];
    }
    assert_int_equal(seen, 63);
    kad_data_clear(&samples);
    assert_int_equal(
        kad_data_load(&ctx, "train.data", "test_data.h5", "/bad", model, &samples),
        KAD_EDATA);
    assert_non_null(strstr(ctx.message, "[n, 2, 4, 6]"));
    assert_int_equal(
        kad_data_load(&ctx, "train.data", "absent.h5", "/bad", model, &samples),
        KAD_ENOINPUT);
    unlink("test_data.h5");
    kad_model_destroy(model);
    kad_config_destroy(config);
}

static void put(FILE *file, const void *bytes, size_t n)
{
    assert_int_equal(fwrite(bytes, 1, n, file), n);
}

/* A .npy file of version 1. */
static void write_npy(const char *path, const char *type, const char *order,
                      const char *shape, const void *bytes, size_t n)
{
    char header[128];
    const int length = snprintf(header, sizeof header,
                                "{'descr': '%s', 'fortran_order': %s, 'shape': (%s), }",
                                type, order, shape);
    const unsigned char head[10] = {
        0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)length, 0};
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    put(file, head, sizeof head);
    put(file, header, (size_t)length);
    put(file, bytes, n);
    assert_int_equal(fclose(file), 0);
}

/* Reals, integers, components last, of .npy and HDF5 files: the same samples. What is no such array
 * is refused in a line. */
static void other_layouts_are_read(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    const char *more[] = {"lattice.shape=[4, 6]", "action.name=phi4",
                          "action.components=2", NULL};
    const char *none[] = {NULL};
    const char *npy = "test_data.npy";
    kad_config *config = train_case_config(&ctx, more, none);
    kad_model *model = NULL;
    if (test_model_of(&ctx, config, &model) != KAD_OK) fail_msg("%s", ctx.message);
    enum { N = 3, SITES = 24, ALL = N * 2 * SITES };
    double real[ALL];
    float single[ALL];
    int8_t bytes[ALL];
    int64_t integers[ALL];
    for (int i = 0; i < ALL; i++) {
        real[i] = single[i] = bytes[i] = (int8_t)(i % 251 - 120);
        integers[i] = bytes[i];
    }
    const size_t dims[4] = {N, 4, 6, 2};
    kad_h5 *file = NULL;
    assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
    assert_int_equal(kad_h5_write(&ctx, file, "/i", KAD_H5_I64, 4, dims, integers),
                     KAD_OK);
    assert_int_equal(kad_h5_save(&ctx, file, "test_data.h5", false), KAD_OK);
    kad_h5_close(file);
    const struct {
        const char *path, *type, *shape;
        const void *data;
        size_t n;
    } good[] = {
        {npy, "<f8", "3, 4, 6, 2", real, sizeof real},
        {npy, "<f4", "3, 4, 6, 2", single, sizeof single},
        {npy, "|i1", "3, 4, 6, 2", bytes, sizeof bytes},
        {npy, "<i8", "1, 3, 4, 6, 2", integers, sizeof integers},
        {"test_data.h5", NULL, NULL, NULL, 0},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        kad_data samples;
        if (good[i].type != NULL)
            write_npy(npy, good[i].type, "False", good[i].shape, good[i].data, good[i].n);
        if (kad_data_load(&ctx, "data.source", good[i].path, "/i", model, &samples) !=
            KAD_OK)
            fail_msg("%s", ctx.message);
        assert_int_equal(samples.n, N);
        assert_memory_equal(samples.y, real, sizeof real);
        kad_data_clear(&samples);
    }
    /* components first, where both would do */
    write_npy(npy, "<f8", "False", "3, 2, 4, 6", real, sizeof real);
    kad_data first;
    assert_int_equal(kad_data_load(&ctx, "data.source", npy, "/i", model, &first),
                     KAD_OK);
    assert_true(first.y[1] == real[SITES]);
    kad_data_clear(&first);
    const struct {
        const char *type, *order, *shape, *why;
        size_t n;
    } bad[] = {
        {"<f8", "True", "3, 4, 6, 2", "Fortran", sizeof real},
        {"<c16", "False", "3, 4, 6, 2", "found '<c16'", sizeof real},
        {">f8", "False", "3, 4, 6, 2", "found '>f8'", sizeof real},
        {"<f8", "False", "3, 6, 4, 2", "found [3, 6, 4, 2]", sizeof real},
        {"<f8", "False", "9223372036854775807, 4, 6, 2", "memory", sizeof real},
        {"<f8", "False", "3, 4, 6, 2", "ends early", sizeof real - 1},
        {"<f8", "False", "2, 4, 6, 2", npy, sizeof real},
        {"<f8", "False", "", "expected an array", sizeof real},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        kad_data samples;
        write_npy(npy, bad[i].type, bad[i].order, bad[i].shape, real, bad[i].n);
        if (kad_data_load(&ctx, "data.source", npy, "/i", model, &samples) == KAD_OK ||
            strstr(ctx.message, bad[i].why) == NULL || strchr(ctx.message, '\n') != NULL)
            fail_msg("case %zu: %s", i, ctx.message);
    }
    unlink(npy);
    unlink("test_data.h5");
    kad_model_destroy(model);
    kad_config_destroy(config);
}

/* What single precision cannot hold, or is no number, is refused when it is read, by its
 * number; the largest field whose square a float holds is not. */
static void samples_out_of_range_are_refused(void **state)
{
    (void)state;
    static const double bad[] = {1e300, -2e19, NAN, INFINITY};
    const char *more[] = {"lattice.shape=[4, 4]", "action.name=phi4", NULL};
    const char *none[] = {NULL};
    enum { N = 5, SITES = 16 };
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    kad_config *config = train_case_config(&ctx, more, none);
    kad_model *model = NULL;
    if (test_model_of(&ctx, config, &model) != KAD_OK) fail_msg("%s", ctx.message);
    for (size_t i = 0; i <= sizeof bad / sizeof bad[0]; i++) {
        const bool good = i == sizeof bad / sizeof bad[0];
        double data[N * SITES] = {0};
        const size_t dims[3] = {N, 4, 4};
        kad_h5 *file = NULL;
        kad_data samples;
        data[3 * SITES + 7] = good ? 1.8e19 : bad[i];
        assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
        assert_int_equal(kad_h5_write(&ctx, file, "/x", KAD_H5_F64, 3, dims, data),
                         KAD_OK);
        assert_int_equal(kad_h5_save(&ctx, file, "test_train_range.h5", false), KAD_OK);
        kad_h5_close(file);
        const kad_status status = kad_data_load(&ctx, "train.data", "test_train_range.h5",
                                                "/x", model, &samples);
        assert_int_equal(status, good ? KAD_OK : KAD_EDATA);
        if (!good) assert_non_null(strstr(ctx.message, "/x: sample 3: "));
        kad_data_clear(&samples);
    }
    unlink("test_train_range.h5");
    kad_model_destroy(model);
    kad_config_destroy(config);
}

/* Samples of a Gaussian of width 2 at every site: the likelihood of the spectrum alone
 * finds the width (entropy ln 2 a site above the unit normal's). */
static void likelihood_learns_a_width(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 2);
    enum { N = 4096, SITES = 16 };
    double *data = kad_alloc(N * SITES, sizeof *data);
    for (size_t i = 0; i < N * SITES; i += 2) {
        kad_rng_normal2(kad_rng_stream(3, KAD_RNG_TEST, 9), 0, i, 0, &data[i]);
        data[i] *= 2.0;
        data[i + 1] *= 2.0;
    }
    const size_t dims[3] = {N, 4, 4};
    kad_h5 *file = NULL;
    assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
    assert_int_equal(kad_h5_write(&ctx, file, "/configs", KAD_H5_F64, 3, dims, data),
                     KAD_OK);
    if (kad_h5_save(&ctx, file, "test_train_width.h5", false) != KAD_OK)
        fail_msg("%s", ctx.message);
    kad_h5_close(file);
    const char *more[] = {"lattice.shape=[4, 4]",  "action.name=phi4",
                          "action.form=albergo",   "action.m2=1",
                          "action.lambda=0",       "flow.recipe=fourier",
                          "train.loss=likelihood", "train.data=test_train_width.h5",
                          "train.steps=300",       "train.rate=0.03",
                          "train.batch=256",       NULL};
    const char *none[] = {NULL};
    kad_config *config = train_case_config(&ctx, more, none);
    train_case_result result;
    kad_map *map = NULL;
    train_case_run(&ctx, NULL, config, &result);
    double lnq[512], sum = 0.0;
    assert_int_equal(kad_map_create(&ctx, result.model->flow, result.theta, NULL, &map),
                     KAD_OK);
    assert_int_equal(kad_map_lnq(&ctx, map, 512, KAD_DOUBLE, data, lnq, NULL), KAD_OK);
    for (int i = 0; i < 512; i++)
        sum -= lnq[i] / 512;
    const double entropy = SITES * (0.5 * log(2.0 * 3.14159265358979) + 0.5 + log(2.0));
    /* 512 samples: sqrt(8/512) = 0.125; what is left to learn, a few hundredths */
    assert_true(fabs(sum - entropy) < 0.7);
    unlink("test_train_width.h5");
    kad_free(data);
    kad_map_destroy(map);
    train_case_clear(&result);
    kad_config_destroy(config);
}

/* Signs at every site, with a Gaussian about either: no map that is linear comes below
 * 0.5 ln(2 pi e 1.16) = 1.49 nats a site, a continuous flow comes near the entropy, 1.17. */
static void continuous_flows_learn_samples(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 2);
    enum { N = 6144, TRAINED = 4096, SITES = 16 };
    const double width = 0.4, step = 1e-3;
    const kad_rng rng = kad_rng_stream(4, KAD_RNG_TEST, 9);
    double *data = kad_alloc(N * SITES, sizeof *data), entropy = 0;
    assert_non_null(data);
    for (size_t i = 0; i < N * SITES; i++) {
        double u[2];
        kad_rng_normal2(rng, 0, i, 0, u);
        data[i] = (u[0] < 0 ? -1 : 1) + width * u[1];
    }
    for (double x = -5; x < 5; x += step) {
        const double a = (x - 1) / width, b = (x + 1) / width;
        const double p =
            0.5 * (exp(-a * a / 2) + exp(-b * b / 2)) / (width * sqrt(2 * M_PI));
        entropy -= step * p * log(p + 1e-300);
    }
    const size_t dims[3] = {TRAINED, 4, 4};
    kad_h5 *file = NULL;
    assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
    assert_int_equal(kad_h5_write(&ctx, file, "/configs", KAD_H5_F64, 3, dims, data),
                     KAD_OK);
    if (kad_h5_save(&ctx, file, "test_train_signs.h5", false) != KAD_OK)
        fail_msg("%s", ctx.message);
    kad_h5_close(file);
    const char *more[] = {"lattice.shape=[4, 4]",  "action.name=phi4",
                          "flow.hierarchy=ode",    "flow.decimation=false",
                          "flow.features=4",       "train.loss=likelihood",
                          "train.steps=150",       "train.data=test_train_signs.h5",
                          "flow.spectrum_mass2=0", NULL};
    const char *none[] = {NULL};
    kad_config *config = train_case_config(&ctx, more, none);
    train_case_result result;
    kad_map *map = NULL;
    train_case_run(&ctx, NULL, config, &result);
    enum { FRESH = N - TRAINED };
    double *lnq = kad_alloc(FRESH, sizeof *lnq), sum = 0;
    assert_non_null(lnq);
    assert_int_equal(kad_map_create(&ctx, result.model->flow, result.theta, NULL, &map),
                     KAD_OK);
    assert_int_equal(
        kad_map_lnq(&ctx, map, FRESH, KAD_DOUBLE, data + TRAINED * SITES, lnq, NULL),
        KAD_OK);
    for (size_t i = 0; i < FRESH; i++)
        sum -= lnq[i] / ((double)FRESH * SITES);
    print_message("# -ln q a site of samples not trained on %.4f, entropy %.4f\n", sum,
                  entropy);
    assert_true(sum > entropy - 0.02 && sum < entropy + 0.05);
    unlink("test_train_signs.h5");
    kad_free(data);
    kad_free(lnq);
    kad_map_destroy(map);
    train_case_clear(&result);
    kad_config_destroy(config);
}

/* Reverse loss and the likelihood of given samples together: the map's own draws after a
 * training, written to a file, help a second training and leave its bits reproducible. */
static void samples_join_the_reverse_loss(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 2);
    enum { N = 512, SITES = 16 };
    const char *first[] = {"train.steps=100", NULL};
    const char *mixed[] = {"train.steps=60", "train.data=test_train_mixed.h5",
                           "train.data_weight=0.3", NULL};
    kad_config *config[2] = {train_case_config(&ctx, train_case_ising, first),
                             train_case_config(&ctx, train_case_ising, mixed)};
    train_case_result teacher, result[2], start;
    kad_map *map = NULL;
    kad_h5 *file = NULL;
    train_case_run(&ctx, NULL, config[0], &teacher);
    double *y = kad_alloc(2 * N * SITES, sizeof *y), lnq[N];
    assert_int_equal(kad_map_create(&ctx, teacher.model->flow, teacher.theta,
                                    teacher.model->mixture, &map),
                     KAD_OK);
    assert_int_equal(
        kad_map_draw(&ctx, map, 1, KAD_RNG_DRAW, 0, N, KAD_SINGLE, false, y, lnq, NULL),
        KAD_OK);
    assert_int_equal(
        kad_action_boundary(&ctx, teacher.model->action, N, y, y + N * SITES), KAD_OK);
    const size_t dims[4] = {N, 1, 4, 4};
    assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
    assert_int_equal(
        kad_h5_write(&ctx, file, "/configs", KAD_H5_F64, 4, dims, y + N * SITES), KAD_OK);
    assert_int_equal(kad_h5_save(&ctx, file, "test_train_mixed.h5", false), KAD_OK);
    kad_h5_close(file);
    /* the file's fields come back as the flow variables they were drawn as */
    kad_data samples;
    assert_int_equal(kad_data_load(&ctx, "train.data", "test_train_mixed.h5", "/configs",
                                   teacher.model, &samples),
                     KAD_OK);
    for (size_t i = 0; i < N * SITES; i++)
        assert_true(fabs(samples.y[i] - y[i]) < 1e-10 * (1.0 + fabs(y[i])));
    kad_data_clear(&samples);
    for (int i = 0; i < 2; i++) {
        ctx.n_threads = 2 - i;
        train_case_run(&ctx, NULL, config[1], &result[i]);
    }
    train_case_same(&result[0], &result[1]);
    const char *none[] = {"train.steps=0", NULL};
    kad_config *untrained = train_case_config(&ctx, train_case_ising, none);
    train_case_run(&ctx, NULL, untrained, &start);
    assert_true(result[0].evaluation.kl_gap < 0.5 * start.evaluation.kl_gap);
    unlink("test_train_mixed.h5");
    kad_free(y);
    kad_map_destroy(map);
    train_case_clear(&teacher);
    train_case_clear(&start);
    for (int i = 0; i < 2; i++) {
        train_case_clear(&result[i]);
        kad_config_destroy(config[i]);
    }
    kad_config_destroy(untrained);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("samples: read in the program's layout", samples_are_read),
        CLAIM("samples: of .npy files, integers, with components last",
              other_layouts_are_read),
        CLAIM("samples: out of single precision is refused, by number",
              samples_out_of_range_are_refused),
        CLAIM_OF_NUMBERS("train: the likelihood learns a width",
                         likelihood_learns_a_width),
        CLAIM_OF_NUMBERS("train: a continuous flow learns samples that are not Gaussian",
                         continuous_flows_learn_samples),
        CLAIM("train: given samples join the reverse loss",
              samples_join_the_reverse_loss),
    };
    return cmocka_run_group_tests_name("training on samples", tests, NULL, NULL);
}
