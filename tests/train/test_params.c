/* Parameters in files: every tensor has a place of its own, whatever the schema allows. */
#include "base/memory.h"
#include "tests/support/claim.h"
#include "tests/support/map_case.h"
#include "tests/support/model_case.h"
#include "train/params.h"

#define DUAL "action.name=on-dual", "action.beta=0.4"
#define PHI4 "action.name=phi4"
#define FILLED "flow.hidden=1", "flow.sources=4"

enum { MAX_KEYS = 12 };

/* The largest numbers of stages a level can have, by hierarchy and dimension. */
static const char *const maxima[][MAX_KEYS] = {
    {PHI4, "lattice.shape=[8, 8]", "flow.refinements_finest=64", FILLED},
    {DUAL, "lattice.shape=[5]", "flow.refinements=64", FILLED},
    {DUAL, "lattice.shape=[5, 3, 2]", "flow.refinements=11", FILLED},
    {DUAL, "lattice.shape=[3, 4]", "flow.shared=false", "flow.refinements=11", FILLED},
    {DUAL, "lattice.shape=[4, 4]", "flow.details=wavelet", "flow.refinements=64", FILLED},
    {DUAL, "lattice.shape=[4, 4]", "flow.recipe=neuralrg", "flow.repeat=64",
     "flow.couplings=2", "flow.widths=[1]"},
    {DUAL, "lattice.shape=[2, 2, 2]", "flow.recipe=wavelet", "flow.passes=eoabceoabce",
     "flow.repeat=10", "flow.couplings=1", "flow.widths=[1]", "flow.rotation=true",
     "flow.level_scale=true"},
    {DUAL, "lattice.shape=[4, 4]", "flow.recipe=neuralrg", "flow.hierarchy=disentangler",
     "flow.depth=64", "flow.haar=true", "flow.couplings=2", "flow.widths=[1]",
     "flow.spectrum=first"},
    {DUAL, "lattice.shape=[6]", "flow.recipe=neuralrg", "flow.hierarchy=decimator",
     "flow.couplings=64", "flow.widths=[1]", "flow.ring=true"},
};

static void open_case(kad_ctx *ctx, const char *const *overrides, kad_model **model)
{
    kad_ctx_init(ctx, 1);
    if (test_model(ctx, overrides, model) != KAD_OK) fail_msg("%s", ctx->message);
}

enum { PATH_CHARS = 256 };

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Names are paths of datasets: no two alike, none a folder of another. */
static void every_tensor_has_its_own_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof maxima / sizeof maxima[0]; i++) {
        kad_ctx ctx;
        kad_model *model;
        size_t n = 0;
        open_case(&ctx, maxima[i], &model);
        const kad_flow *flow = model->flow;
        for (int s = 0; s < flow->n_stages; s++)
            n += (size_t)flow->stages[s].n_tensors;
        char(*path)[PATH_CHARS] = kad_alloc(n, sizeof *path), (*next)[PATH_CHARS] = path;
        for (int s = 0; s < flow->n_stages; s++)
            for (int k = 0; k < flow->stages[s].n_tensors; k++)
                kad_flow_tensor_name(&flow->stages[s], &flow->stages[s].tensors[k],
                                     *next++, PATH_CHARS - 1);
        for (size_t k = 0; k < n; k++)
            strcat(path[k], "/");
        qsort(path, n, sizeof *path, compare);
        for (size_t k = 1; k < n; k++)
            if (strncmp(path[k - 1], path[k], strlen(path[k - 1])) == 0)
                fail_msg("%s: %s and %s", maxima[i][2], path[k - 1], path[k]);
        kad_free(path);
        kad_model_destroy(model);
    }
}

/* The parameters of a file that holds some of another map, or too few, are no map. */
static void values_beside_the_parameters_are_refused(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_model *model;
    kad_h5 *file;
    const double more = 1;
    open_case(&ctx, (const char *[]){DUAL, "lattice.shape=[4, 4]", NULL}, &model);
    double *theta = test_theta(model->flow, 3, 1);
    assert_int_equal(kad_h5_create(&ctx, &file), KAD_OK);
    assert_int_equal(
        kad_params_write(&ctx, file, model->flow, model->prec, &model->family, theta),
        KAD_OK);
    assert_int_equal(
        kad_h5_write(&ctx, file, "/flow/params/level_9/b", KAD_H5_F64, 0, NULL, &more),
        KAD_OK);
    assert_int_equal(kad_params_read(&ctx, file, model->flow, model->action, theta),
                     KAD_EDATA);
    assert_non_null(strstr(ctx.message, "/flow/params: "));
    assert_int_equal(kad_h5_remove(&ctx, file, "/flow/params/level_9"), KAD_OK);
    assert_int_equal(kad_params_read(&ctx, file, model->flow, model->action, theta),
                     KAD_OK);
    assert_int_equal(kad_h5_remove(&ctx, file, "/flow/params/level_0"), KAD_OK);
    assert_int_equal(kad_params_read(&ctx, file, model->flow, model->action, theta),
                     KAD_EDATA);
    kad_h5_close(file);
    kad_free(theta);
    kad_model_destroy(model);
}

static void many_stages_are_read_back(void **state)
{
    (void)state;
    map_case_check((const char *[]){PHI4, "lattice.shape=[8, 8]",
                                    "flow.refinements_finest=14", FILLED, NULL});
    map_case_check((const char *[]){DUAL, "lattice.shape=[2]", "flow.recipe=neuralrg",
                                    "flow.passes=eoe", "flow.repeat=34",
                                    "flow.couplings=1", "flow.widths=[1]", NULL});
}

static void random_maps_are_read_back(void **state)
{
    (void)state;
    assert_true(map_case_fuzz(1, 120, 3000) >= 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("params: at the most stages every tensor has a name of its own",
              every_tensor_has_its_own_name),
        CLAIM("params: values beside those of the map, or too few, are refused",
              values_beside_the_parameters_are_refused),
        CLAIM("params: 14 refinements, 102 passes are read back, also from a checkpoint",
              many_stages_are_read_back),
        CLAIM("params: random maps of every hierarchy are read back",
              random_maps_are_read_back),
    };
    return cmocka_run_group_tests_name("params", tests, NULL, NULL);
}
