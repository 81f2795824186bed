/* Series kept as means over bins of draws (record/store.h). */

#include "base/memory.h"
#include "record/store.h"
#include "tests/support/claim.h"

enum { CHAINS = 3, WIDTH = 5 };

static double value(size_t chain, size_t draw, size_t i)
{
    return sin(1.7 * (double)draw + (double)i) + (double)chain;
}

/* A store of one binned column, draws first .. end - 1 put in. */
static kad_column *make(kad_ctx *ctx, size_t n_draws, size_t n_bins, kad_store **store)
{
    kad_column *column = NULL;
    const kad_column spec = {.name = "binned/x",
                             .type = KAD_H5_F64,
                             .rank = 1,
                             .dims = {WIDTH},
                             .axis = {"r"},
                             .mean = true};
    assert_int_equal(kad_store_create(ctx, CHAINS, n_draws, store), KAD_OK);
    assert_int_equal(kad_store_add(ctx, *store, &spec, n_bins, &column), KAD_OK);
    return column;
}

static void put(const kad_column *column, size_t first, size_t end)
{
    for (size_t chain = 0; chain < CHAINS; chain++)
        for (size_t draw = first; draw < end; draw++) {
            double row[WIDTH];
            for (size_t i = 0; i < WIDTH; i++)
                row[i] = value(chain, draw, i);
            kad_column_set(column, chain, draw, row);
        }
}

/* Every bin is the mean of its draws; at most one bin's worth of draws is left out. */
static void bins_are_means(void **state)
{
    (void)state;
    static const size_t sizes[][2] = {{100, 10}, {100, 7}, {7, 7}, {5, 64}, {1000, 512}};
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        kad_ctx ctx;
        kad_store *store;
        const size_t n_draws = sizes[k][0];
        kad_ctx_init(&ctx, 1);
        const kad_column *column = make(&ctx, n_draws, sizes[k][1], &store);
        const size_t stride = column->stride;
        put(column, 0, n_draws);
        assert_true(column->n_stored <= sizes[k][1]);
        assert_true(column->n_stored * stride <= n_draws);
        assert_true((column->n_stored + 1) * stride > n_draws);
        for (size_t chain = 0; chain < CHAINS; chain++)
            for (size_t bin = 0; bin < column->n_stored; bin++)
                for (size_t i = 0; i < WIDTH; i++) {
                    double mean = 0.0;
                    for (size_t draw = bin * stride; draw < (bin + 1) * stride; draw++)
                        mean += value(chain, draw, i) / (double)stride;
                    const double *data = column->data;
                    const double found =
                        data[(chain * column->n_stored + bin) * WIDTH + i];
                    assert_true(fabs(found - mean) < 1e-13);
                }
        kad_store_destroy(store);
    }
}

/* Segments cut anywhere, also within bins, bring back the same bits. */
static void bins_survive_cuts(void **state)
{
    (void)state;
    enum { DRAWS = 103, BINS = 9, CUTS = 6 };
    static const size_t cut[CUTS] = {0, 1, 25, 26, 60, DRAWS};
    kad_ctx ctx;
    kad_store *whole, *parts;
    kad_ctx_init(&ctx, 1);
    kad_column *a = make(&ctx, DRAWS, BINS, &whole);
    put(a, 0, DRAWS);
    kad_h5 *files[CUTS];
    for (size_t k = 1; k < CUTS; k++) { /* every segment in a process of its own */
        kad_column *b = make(&ctx, DRAWS, BINS, &parts);
        for (size_t j = 1; j < k; j++)
            assert_int_equal(
                kad_store_load(&ctx, parts, cut[j - 1], cut[j] - cut[j - 1], files[j]),
                KAD_OK);
        put(b, cut[k - 1], cut[k]);
        assert_int_equal(kad_h5_create(&ctx, &files[k]), KAD_OK);
        assert_int_equal(
            kad_store_save(&ctx, parts, cut[k - 1], cut[k] - cut[k - 1], files[k]),
            KAD_OK);
        if (k + 1 == CUTS)
            assert_memory_equal(a->data, b->data,
                                CHAINS * a->n_stored * WIDTH * sizeof(double));
        kad_store_destroy(parts);
    }
    for (size_t k = 1; k < CUTS; k++)
        kad_h5_close(files[k]);
    kad_store_destroy(whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("bins: every bin is the mean of its draws", bins_are_means),
        CLAIM("bins: segments cut within a bin bring back the same bits",
              bins_survive_cuts),
    };
    return cmocka_run_group_tests_name("bins", tests, NULL, NULL);
}
