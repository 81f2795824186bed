/* Points and models of bulk distances (analysis/geodesics.h). */
#include "analysis/geodesics.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

/* --- models ------------------------------------------------------------------------ */

static double hyperbolic(const void *points, size_t i, const double *p)
{
    const kad_geodesic_point *q = (const kad_geodesic_point *)points + i;
    const double za = p[2] * ldexp(1, q->level_a), zb = p[2] * ldexp(1, q->level_b);
    const double gap = za - zb;
    return p[1] * acosh(1 + (q->r * q->r + gap * gap) / (2 * za * zb)) - p[0];
}

static double flat(const void *points, size_t i, const double *p)
{
    const kad_geodesic_point *q = (const kad_geodesic_point *)points + i;
    return p[1] * hypot(q->r, p[2] * (q->level_b - q->level_a)) - p[0];
}

static double tree(const void *points, size_t i, const double *p)
{
    const kad_geodesic_point *q = (const kad_geodesic_point *)points + i;
    return p[1] * q->tree - p[0];
}

static double growth_log(const void *points, size_t i, const double *p)
{
    return p[0] + p[1] * log(((const kad_geodesic_point *)points + i)->r);
}

static double growth_linear(const void *points, size_t i, const double *p)
{
    return p[0] + p[1] * ((const kad_geodesic_point *)points + i)->r;
}

static const double hyperbolic_starts[][KAD_FIT_PARAMETERS] = {
    {0, 1, 0.1}, {0, 1, 0.5}, {0, 1, 2}, {-1, 0.3, 1}, {1, 3, 1}, {5, 10, 5}};
static const double flat_starts[][KAD_FIT_PARAMETERS] = {
    {0, 0.1, 1}, {0, 1, 1}, {0, 0.3, 5}};
static const double line_starts[][KAD_FIT_PARAMETERS] = {{0, 0.5}};

#define STARTS(table) .n_starts = sizeof table / sizeof table[0], .start = table

const kad_fit_model kad_geodesic_models[KAD_GEODESIC_MODELS] = {
    {.name = "hyperbolic",
     .n_parameters = 3,
     .parameter = {"d0", "radius", "zeta0"},
     .units = {"xi", "xi", "lattice steps"},
     .positive = {false, true, true},
     .value = hyperbolic,
     STARTS(hyperbolic_starts)},
    {.name = "flat",
     .n_parameters = 3,
     .parameter = {"d0", "rate", "step"},
     .units = {"xi", "xi / lattice step", "lattice steps"},
     .positive = {false, true, true},
     .value = flat,
     STARTS(flat_starts)},
    {.name = "tree",
     .n_parameters = 2,
     .parameter = {"d0", "edge"},
     .units = {"xi", "xi"},
     .value = tree,
     STARTS(line_starts)},
};

const kad_fit_model kad_growth_models[KAD_GROWTH_MODELS] = {
    {.name = "log",
     .n_parameters = 2,
     .parameter = {"offset", "slope"},
     .units = {"xi", "xi"},
     .value = growth_log,
     STARTS(line_starts)},
    {.name = "linear",
     .n_parameters = 2,
     .parameter = {"offset", "slope"},
     .units = {"xi", "xi / lattice step"},
     .value = growth_linear,
     STARTS(line_starts)},
};

/* --- points ------------------------------------------------------------------------ */

static bool counts(const kad_bulk_bin *bin, double noise, int level)
{
    if (bin->self || !(bin->r > 0) || !(bin->strength2 > 0)) return false;
    if (level >= 0 && (bin->level_a != level || bin->level_b != level)) return false;
    return isfinite(bin->err) && bin->strength2 >= noise * bin->err;
}

kad_status kad_geodesic_select(kad_ctx *ctx, const kad_bulk_bins *bins, double noise,
                               int level, kad_geodesic_data *out)
{
    kad_status status = KAD_OK;
    size_t n = 0;
    *out = (kad_geodesic_data){0};
    KAD_TRY(kad_new(ctx, bins->n, sizeof *out->bin, &out->bin));
    for (size_t i = 0; i < bins->n; i++)
        if (counts(&bins->bin[i], noise, level)) out->bin[n++] = i;
    out->n = n;
    KAD_TRY(kad_new(ctx, n, sizeof *out->point, &out->point));
    KAD_TRY(kad_new(ctx, n, sizeof(double), &out->y));
    KAD_TRY(kad_new(ctx, n * n, sizeof(double), &out->cov));
    for (size_t i = 0; i < n; i++) {
        const kad_bulk_bin *a = &bins->bin[out->bin[i]];
        out->point[i] = (kad_geodesic_point){a->level_a, a->level_b, a->r, a->tree};
        out->y[i] = -0.5 * log(a->strength2);
        for (size_t j = 0; j < n; j++) {
            const kad_bulk_bin *b = &bins->bin[out->bin[j]];
            out->cov[i * n + j] = bins->cov[out->bin[i] * bins->n + out->bin[j]] /
                                  (4 * a->strength2 * b->strength2);
        }
    }
done:
    if (status != KAD_OK) kad_geodesic_clear(out);
    return status;
}

void kad_geodesic_clear(kad_geodesic_data *data)
{
    kad_free(data->bin);
    kad_free(data->point);
    kad_free(data->y);
    kad_free(data->cov);
    *data = (kad_geodesic_data){0};
}
