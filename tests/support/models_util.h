/* Shared by the tests of lattice and models: actions from YAML, tiles of random fields,
 * tiles in either precision. Everything aborts the test on failure. */
#ifndef KAD_TESTS_MODELS_UTIL_H
#define KAD_TESTS_MODELS_UTIL_H

#include "base/memory.h"
#include "models/action.h"
#include "run/options.h"
#include "run/schema.h"
#include "tests/support/claim.h"

typedef struct fixture {
    kad_ctx ctx;
    kad_schema schema;
    kad_config *config;
    kad_action_options options;
    kad_lattice *lattice;
    kad_action *action;
    size_t n_rows;
} fixture;

/* Create; returns the status of kad_action_create (the rest must succeed). */
static inline kad_status fixture_try(fixture *f, const char *yaml, int d,
                                     const int *shape, bool decimate)
{
    memset(f, 0, sizeof *f);
    kad_ctx_init(&f->ctx, 1);
    kad_action_schema(&f->schema);
    kad_status status =
        kad_config_parse(&f->ctx, &f->schema, yaml, "test.yaml", 0, NULL, &f->config);
    if (status != KAD_OK) return status;
    assert_int_equal(kad_lattice_create(&f->ctx, d, shape, &f->lattice), KAD_OK);
    status = kad_action_options_read(&f->ctx, f->config, &f->options);
    if (status == KAD_OK)
        status =
            kad_action_create(&f->ctx, &f->options, f->lattice, decimate, &f->action);
    if (status == KAD_OK)
        f->n_rows = (size_t)f->lattice->n_sites * (size_t)f->action->n_comp;
    else
        assert_null(f->action);
    return status;
}

static inline void fixture_make(fixture *f, const char *yaml, int d, const int *shape,
                                bool decimate)
{
    const kad_status status = fixture_try(f, yaml, d, shape, decimate);
    if (status != KAD_OK) fail_msg("%s: %s", yaml, f->ctx.message);
}

static inline void fixture_clear(fixture *f)
{
    kad_action_destroy(f->action);
    kad_lattice_destroy(f->lattice);
    kad_action_options_clear(&f->options);
    kad_config_destroy(f->config);
}

/* One sample in one precision; everything as double. */
typedef struct tile {
    fixture *f;
    kad_prec prec;
    int lanes;
    void *y, *g, *scratch;
    double S[KAD_W_MAX];
} tile;

static inline void tile_make(tile *t, fixture *f, kad_prec prec)
{
    *t = (tile){.f = f, .prec = prec, .lanes = kad_lanes(prec)};
    t->y = kad_alloc(f->n_rows, KAD_ROW_BYTES);
    t->g = kad_alloc(f->n_rows, KAD_ROW_BYTES);
    t->scratch = kad_alloc(1, f->action->scratch_bytes[prec] + 64);
    assert_true(t->y && t->g && t->scratch);
}

static inline void tile_clear(tile *t)
{
    kad_free(t->y);
    kad_free(t->g);
    kad_free(t->scratch);
}

static inline double tile_get(const tile *t, const void *x, size_t row, int lane)
{
    const size_t at = row * (size_t)t->lanes + (size_t)lane;
    return t->prec == KAD_SINGLE ? (double)((const float *)x)[at]
                                 : ((const double *)x)[at];
}

static inline void tile_set(tile *t, void *x, size_t row, int lane, double value)
{
    const size_t at = row * (size_t)t->lanes + (size_t)lane;
    if (t->prec == KAD_SINGLE)
        ((float *)x)[at] = (float)value;
    else
        ((double *)x)[at] = value;
}

static inline void tile_value(tile *t)
{
    t->f->action->ops->kern[t->prec]->value(t->f->action, t->y, t->S, t->scratch);
}

static inline void tile_gradient(tile *t)
{
    t->f->action->ops->kern[t->prec]->gradient(t->f->action, t->y, t->g, t->S,
                                               t->scratch);
}

static inline double random_normal(uint64_t step, uint64_t sample, uint32_t site)
{
    double z[2];
    kad_rng_normal2(kad_rng_stream(1, KAD_RNG_TEST, 0), step, sample, site, z);
    return z[0];
}

/* Normal field of width `sigma`, rounded to float so that both precisions see the same.
 */
static inline void tile_fill(tile *t, double sigma, uint64_t step)
{
    for (size_t row = 0; row < t->f->n_rows; row++)
        for (int lane = 0; lane < t->lanes; lane++)
            tile_set(t, t->y, row, lane,
                     (double)(float)(sigma *
                                     random_normal(step, (uint64_t)lane, (uint32_t)row)));
}

/* S(all) + offset(all) = S_eff(even) + offset(even) - ln p(odd | even) of a model and the same
 * decimated, to the rounding of S. */
static inline void check_decimated(fixture *full, fixture *half, kad_prec prec)
{
    const kad_rng rng = kad_rng_stream(3, KAD_RNG_COMPLETE, 0);
    const double offset = half->action->log_z_offset - full->action->log_z_offset;
    double lnp[KAD_W_MAX] = {0};
    tile a, b;
    tile_make(&a, full, prec);
    tile_make(&b, half, prec);
    tile_fill(&b, 1, 1);
    tile_value(&b);
    half->action->ops->kern[prec]->complete(half->action, rng, 7, 1000, b.y, lnp,
                                            b.scratch);
    memcpy(a.y, b.y, full->n_rows * KAD_ROW_BYTES);
    tile_value(&a);
    for (int lane = 0; lane < a.lanes; lane++)
        assert_close(b.S[lane] - lnp[lane] - offset, a.S[lane],
                     (prec ? 1e-13 : 2e-6) * (10 + fabs(a.S[lane]) + fabs(lnp[lane])));
    tile_clear(&a);
    tile_clear(&b);
}

/* The gradient of a tile in double is its central differences in the first lanes, h = 1e-5:
 * truncation 1e-10, times (1/|y|)^3 where only directions matter, and |y| > 0.1 here. */
static inline void check_forces(tile *t, double tolerance)
{
    const kad_action *action = t->f->action;
    const size_t n = (size_t)action->n_comp;
    tile_gradient(t);
    for (size_t row = 0; row < t->f->n_rows; row++)
        for (int lane = 0; lane < 4; lane++) {
            const size_t site = row / n;
            double r2 = 0, S[2];
            const double y = tile_get(t, t->y, row, lane);
            if (action->active && !action->active[site]) continue;
            for (size_t a = 0; a < n; a++)
                r2 += pow(tile_get(t, t->y, site * n + a, lane), 2);
            if (r2 < 0.01) continue;
            for (int side = 0; side < 2; side++) {
                tile_set(t, t->y, row, lane, side ? y + 1e-5 : y - 1e-5);
                tile_value(t);
                S[side] = t->S[lane];
            }
            tile_set(t, t->y, row, lane, y);
            assert_close((S[1] - S[0]) / 2e-5, tile_get(t, t->g, row, lane), tolerance);
        }
}

#endif
