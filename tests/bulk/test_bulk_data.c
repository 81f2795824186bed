/* The bulk of samples of data, where no action is known. */
#include "models/none.h"
#include "tests/bulk/bulk_util.h"
#include "tests/support/claim.h"
#include "tests/support/scratch.h"
#include "train/data.h"
#include "train/params.h"

enum { SITES = 16, SAMPLES = 300, CONFIGS = 40 };

typedef struct fixture {
    bulk_case b;
    scratch folder;
    kad_h5 *results;
    kad_map *map;
    double *x; /* [SAMPLES][SITES] of the map's own law, as in the file */
} fixture;

/* The free field of mass 1 by its spectrum, as initialised, and draws of it in a file. */
static void open_fixture(fixture *f, const char *flow)
{
    char yaml[600];
    const size_t dims[3] = {SAMPLES, 4, 4};
    kad_h5 *file;
    double lnq[SAMPLES];
    scratch_make(&f->folder);
    const char *path = scratch_file(&f->folder, "samples.h5");
    snprintf(yaml, sizeof yaml,
             "lattice: {shape: [4, 4]}\n"
             "data: {source: %s, held_out: 0.3}\n"
             "flow: {%s}\n"
             "bulk: {configs: %d}\n",
             path, flow, CONFIGS);
    bulk_case_make(&f->b, yaml);
    kad_ctx *ctx = &f->b.ctx;
    const kad_model *model = f->b.model;
    assert_null(model->action);
    f->x = kad_alloc(SAMPLES, SITES * sizeof *f->x);
    assert_ok(&f->b,
              kad_map_create(ctx, model->flow, f->b.theta, model->mixture, &f->map));
    assert_ok(&f->b, kad_map_draw(ctx, f->map, 9, KAD_RNG_DRAW, 0, SAMPLES, KAD_DOUBLE,
                                  false, f->x, lnq, NULL));
    assert_ok(&f->b, kad_h5_create(ctx, &file));
    assert_ok(&f->b, kad_h5_write(ctx, file, "/configs", KAD_H5_F64, 3, dims, f->x));
    assert_ok(&f->b, kad_h5_save(ctx, file, path, false));
    kad_h5_close(file);
    assert_ok(&f->b, kad_h5_create(ctx, &f->results));
    assert_ok(&f->b, kad_params_write(ctx, f->results, model->flow, model->prec,
                                      &model->family, f->b.theta));
}

static void close_fixture(fixture *f)
{
    kad_free(f->x);
    kad_map_destroy(f->map);
    kad_h5_close(f->results);
    bulk_case_clear(&f->b);
    scratch_remove(&f->folder);
}

static const char free_field[] =
    "recipe: fourier, spectrum_mass2: 1, spectrum_stiffness: 1";

/* Samples held out, evenly spread; S = -ln q, of which S_eff = -ln p(z) is left. */
static void samples_take_the_place_of_chains(void **state)
{
    (void)state;
    fixture f;
    kad_bulk *bulk;
    kad_split split;
    double lnq[CONFIGS];
    open_fixture(&f, free_field);
    assert_ok(&f.b,
              kad_bulk_create_data(&f.b.scope, &f.b.options.bulk, &f.b.options.train.data,
                                   f.b.model, f.results, &bulk));
    assert_ok(&f.b, kad_data_split(&f.b.ctx, "file", SAMPLES, 0.3, 0, 1, &split));
    assert_int_equal(bulk->n, CONFIGS);
    assert_int_equal(bulk->n_stored, split.n_held);
    assert_string_equal(bulk->sampler, "data");
    const size_t step = split.n_held / CONFIGS;
    assert_true(step >= 2); /* or nothing is spread */
    for (size_t i = 0; i < CONFIGS; i++)
        assert_memory_equal(bulk->x + i * SITES, f.x + split.held[i * step] * SITES,
                            SITES * sizeof *f.x);
    assert_ok(&f.b,
              kad_map_lnq(&f.b.ctx, f.map, CONFIGS, KAD_DOUBLE, bulk->x, lnq, NULL));
    for (size_t i = 0; i < CONFIGS; i++) {
        double lnp = -0.5 * SITES * log(2 * M_PI);
        for (int r = 0; r < SITES; r++)
            lnp -= 0.5 * bulk->z[i * SITES + r] * bulk->z[i * SITES + r];
        assert_true(fabs(bulk->S[i] + lnq[i]) < 1e-10);
        assert_true(fabs(bulk->S[i] - bulk->log_det[i] + lnp) < 1e-10);
    }
    kad_split_clear(&split);
    close_fixture(&f);
}

/* All analyses work, and what the map has learnt is the free field: -sum phi phi' + (1 + 2 d)/2
 * sum phi^2, to rounding, for its -ln q is no estimate. */
static void couplings_of_an_unknown_action(void **state)
{
    (void)state;
    fixture f;
    kad_bulk *bulk, *null;
    open_fixture(&f, free_field);
    assert_ok(&f.b,
              kad_bulk_create_data(&f.b.scope, &f.b.options.bulk, &f.b.options.train.data,
                                   f.b.model, f.results, &bulk));
    assert_ok(&f.b, kad_bulk_run(&f.b.ctx, bulk, f.results));
    assert_ok(&f.b, kad_bulk_create_null(&f.b.scope, &f.b.options.bulk, f.b.model,
                                         f.b.theta, 50, &null));
    assert_ok(&f.b, kad_bulk_correlators(&f.b.ctx, null, f.results));
    const kad_values g = bulk_read(&f.b, f.results, "/bulk/couplings/series/flow");
    const kad_values operators = bulk_read(&f.b, f.results, "/bulk/couplings/n_sites");
    assert_int_equal(operators.n, f.b.model->flow->n_levels);
    /* [level][operator][chain][cell] */
    const size_t n_cells = g.dims[3];
    assert_int_equal(g.dims[2], 1);
    double mean[4] = {0};
    for (size_t a = 0; a < 4; a++)
        for (size_t k = 0; k < n_cells; k++)
            mean[a] += g.data[a * n_cells + k] / (double)n_cells;
    print_message("# couplings nn %.6f, nnn %.6f, third %.6f, phi2 %.6f\n", mean[0],
                  mean[1], mean[2], mean[3]);
    assert_true(fabs(mean[0] + 1) < 1e-5);
    assert_true(fabs(mean[3] - 2.5) < 1e-5);
    close_fixture(&f);
}

/* Nothing of it but its flags: S = 0, no parameter, the field its own flow variables. */
static void nothing_is_known_of_it(void **state)
{
    (void)state;
    fixture f;
    open_fixture(&f, free_field);
    kad_ctx *ctx = &f.b.ctx;
    const kad_action *none = f.b.model->field;
    double S[3] = {1, 2, 3}, y[3 * SITES];
    assert_ok(&f.b, kad_action_values(ctx, none, 3, f.x, S));
    assert_true(S[0] == 0 && S[1] == 0 && S[2] == 0);
    assert_ok(&f.b, kad_action_boundary(ctx, none, 3, f.x, y));
    assert_memory_equal(y, f.x, sizeof y);
    assert_true(isnan(kad_action_get(none, "beta")) && isnan(kad_action_bond(none)));
    assert_int_equal(kad_action_set(ctx, f.b.model->field, "beta", 1), KAD_ECONFIG);
    assert_int_equal(none->flags, KAD_ACTION_TRANSLATION | KAD_ACTION_SYMMETRIC);
    close_fixture(&f);
    open_fixture(&f, "hierarchy: mera, symmetry: none");
    assert_int_equal(f.b.model->field->flags, KAD_ACTION_TRANSLATION | KAD_ACTION_AXIS);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("bulk: samples held out take the place of chains",
              samples_take_the_place_of_chains),
        CLAIM("bulk: couplings of a free field that is not known to be one",
              couplings_of_an_unknown_action),
        CLAIM("action none: nothing but its flags", nothing_is_known_of_it),
    };
    return cmocka_run_group_tests_name("the bulk of data", tests, NULL, NULL);
}
