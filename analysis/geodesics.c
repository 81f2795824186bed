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

/* Bin of the latents of a level with themselves; bins->n: none. */
static size_t self_bin(const kad_bulk_bins *bins, int level)
{
    size_t i = 0;
    while (i < bins->n && !(bins->bin[i].self && bins->bin[i].level_a == level &&
                            isfinite(bins->bin[i].err) && bins->bin[i].strength2 > 0))
        i++;
    return i;
}

static bool counts(const kad_bulk_bin *bin, double noise, int level)
{
    if (bin->self || !(bin->r > 0) || !(bin->strength2 > 0)) return false;
    if (level >= 0 && (bin->level_a != level || bin->level_b != level)) return false;
    return isfinite(bin->err) && bin->strength2 >= noise * bin->err;
}

/* y of a bin is sum_k weight[k] ln strength2[at[k]]: of the bin itself, and of the two
 * levels' own bins. */
typedef struct terms {
    size_t at[3];
    double weight[3];
} terms;

static terms terms_of(const kad_bulk_bins *bins, size_t i, bool normalise)
{
    const double own = normalise ? 0.25 : 0;
    return (terms){.at = {i, normalise ? self_bin(bins, bins->bin[i].level_a) : i,
                          normalise ? self_bin(bins, bins->bin[i].level_b) : i},
                   .weight = {-0.5, own, own}};
}

static double value_of(const kad_bulk_bins *bins, const terms *t)
{
    double sum = 0;
    for (int k = 0; k < 3; k++)
        sum += t->weight[k] * log(bins->bin[t->at[k]].strength2);
    return sum;
}

static double covariance_of(const kad_bulk_bins *bins, const terms *s, const terms *t)
{
    double sum = 0;
    for (int k = 0; k < 3; k++)
        for (int l = 0; l < 3; l++)
            sum += s->weight[k] * t->weight[l] *
                   bins->cov[s->at[k] * bins->n + t->at[l]] /
                   (bins->bin[s->at[k]].strength2 * bins->bin[t->at[l]].strength2);
    return sum;
}

bool kad_geodesic_distance(const kad_bulk_bins *bins, size_t i, bool normalise, double *y,
                           double *err)
{
    const terms t = terms_of(bins, i, normalise);
    *y = *err = NAN;
    if (!(bins->bin[i].strength2 > 0) || t.at[1] == bins->n || t.at[2] == bins->n)
        return false;
    *y = value_of(bins, &t);
    *err = sqrt(covariance_of(bins, &t, &t));
    return true;
}

kad_status kad_geodesic_select(kad_scope *in, const kad_bulk_bins *bins, double noise,
                               bool normalise, int level, kad_geodesic_data *out)
{
    size_t n = 0;
    *out = (kad_geodesic_data){0};
    KAD_CALL(kad_take(in, bins->n, &out->bin));
    for (size_t i = 0; i < bins->n; i++) {
        double y, err;
        if (counts(&bins->bin[i], noise, level) &&
            kad_geodesic_distance(bins, i, normalise, &y, &err))
            out->bin[n++] = i;
    }
    out->n = n;
    KAD_CALL(kad_take(in, n, &out->point));
    KAD_CALL(kad_take(in, n, &out->y));
    KAD_CALL(kad_take(in, n * n, &out->cov));
    for (size_t i = 0; i < n; i++) {
        const kad_bulk_bin *a = &bins->bin[out->bin[i]];
        const terms own = terms_of(bins, out->bin[i], normalise);
        out->point[i] = (kad_geodesic_point){a->level_a, a->level_b, a->r, a->tree};
        out->y[i] = value_of(bins, &own);
        for (size_t j = 0; j < n; j++) {
            const terms other = terms_of(bins, out->bin[j], normalise);
            out->cov[i * n + j] = covariance_of(bins, &own, &other);
        }
    }
    return KAD_OK;
}
