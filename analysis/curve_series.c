/* Reading what curves are made of from a results file. */
#include "analysis/curves.h"
#include "analysis/estimates.h"
#include "analysis/table.h"
#include "base/weights.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Where columns come from: the first observable that is there and no mean given the field,
 * to a power; of rows of values the mean over the row. */
static const struct {
    const char *from[2];
    int power;
} source[KAD_CURVE_COLUMNS] = {
    [KAD_CURVE_ENERGY] = {{"drawn_energy"}, 1},
    [KAD_CURVE_ENERGY2] = {{"drawn_energy"}, 2},
    [KAD_CURVE_ABS_M] = {{"abs_m"}, 1},
    [KAD_CURVE_M2] = {{"abs_m"}, 2},
    [KAD_CURVE_M4] = {{"abs_m"}, 4},
    [KAD_CURVE_KMIN] = {{"drawn_structure_kmin", "structure_kmin"}, 1},
    [KAD_CURVE_CURRENT] = {{"drawn_current", "helicity_current"}, 1},
    [KAD_CURVE_VORTICES] = {{"vortices"}, 1},
    [KAD_CURVE_BOND] = {{"bond"}, 1},
    [KAD_CURVE_PHI2] = {{"phi2"}, 1},
    [KAD_CURVE_PHI4] = {{"phi4"}, 1},
};

typedef struct reader {
    kad_scope *in;
    kad_h5 *file;
    const char *sampler;
    kad_curve_series *out;
    kad_table table;
    char *reason;
} reader;

/* The first reason stays. */
static void say(reader *r, const char *format, ...) KAD_PRINTF(2, 3);
static void say(reader *r, const char *format, ...)
{
    va_list args;
    if (r->reason[0] != 0) return;
    va_start(args, format);
    vsnprintf(r->reason, KAD_CURVE_REASON, format, args);
    va_end(args);
}

static void path_of(const reader *r, const char *name, char path[160])
{
    snprintf(path, 160, "/samplers/%.60s/observables/%.60s", r->sampler, name);
}

static bool is_conditional(const reader *r, const char *path)
{
    return kad_attr_int(r->in->ctx, r->file, path, "conditional") == 1;
}

/* An observable's draws, rows averaged; NULL without them. */
static kad_status read_draws(const reader *r, const char *path, const double **out)
{
    const kad_curve_series *s = r->out;
    kad_values all;
    double *mean;
    *out = NULL;
    KAD_CALL(kad_values_read(r->in, r->file, path, &all));
    if (all.n == 0) return KAD_OK;
    if (all.rank < 2 || all.dims[0] * all.dims[1] != s->n)
        return kad_fail(r->in->ctx, KAD_EDATA, "%s: expected %zu draws, found %zu", path,
                        s->n, all.n);
    *out = all.data;
    if (all.rank == 2) return KAD_OK;
    const size_t width = all.n / s->n;
    KAD_CALL(kad_take(r->in, s->n, &mean));
    for (size_t i = 0; i < all.n; i++)
        mean[i / width] += all.data[i] / (double)width;
    *out = mean;
    return KAD_OK;
}

static kad_status read_column(reader *r, int c)
{
    kad_curve_series *s = r->out;
    double *power;
    for (int k = 0; k < 2 && source[c].from[k] != NULL && s->column[c] == NULL; k++) {
        const char *name = source[c].from[k];
        char path[160];
        path_of(r, name, path);
        if (!kad_h5_exists(r->file, path) || is_conditional(r, path)) continue;
        KAD_CALL(read_draws(r, path, &s->column[c]));
        s->tau[c] =
            kad_table_at(&r->table, &r->table.tau, kad_table_find(&r->table, name));
    }
    if (s->column[c] == NULL || source[c].power == 1) return KAD_OK;
    KAD_CALL(kad_take(r->in, s->n, &power));
    for (size_t i = 0; i < s->n; i++)
        power[i] = pow(s->column[c][i], source[c].power);
    s->column[c] = power;
    return KAD_OK;
}

/* What S is made of: all of it must be there, and know its error. */
static kad_status read_statistic(reader *r, const char *name, const double **out)
{
    char path[160];
    const size_t row = kad_table_find(&r->table, name);
    path_of(r, name, path);
    if (!kad_h5_exists(r->file, path)) {
        say(r, "%s has no column %s (a run of an older version: make it again)",
            r->sampler, name);
        return KAD_OK;
    }
    if (is_conditional(r, path))
        say(r, "%s of %s is a mean given the field: it cannot be reweighted", name,
            r->sampler);
    const char *flag = row < r->table.n ? r->table.flag[row] : NULL;
    const char *why = flag != NULL ? kad_reason(flag) : NULL;
    if (why != NULL) say(r, "%s of %s: %s", name, r->sampler, why);
    return read_draws(r, path, out);
}

/* The sampler that speaks for ln Z: this one where it has weights, else the run's. */
static kad_status read_weights(reader *r)
{
    KAD_SCOPE(scope, r->in->ctx);
    kad_curve_series *s = r->out;
    kad_values w;
    char path[160];
    const char *sampler = r->sampler;
    snprintf(path, sizeof path, "/samplers/%.60s/proposals/log_weight", sampler);
    s->own = kad_h5_exists(r->file, path);
    if (!s->own && kad_h5_exists(r->file, "/analysis/log_z"))
        sampler = kad_attr_string(&scope, r->file, "/analysis/log_z", "sampler");
    if (sampler == NULL) return KAD_OK;
    snprintf(path, sizeof path, "/samplers/%.60s/proposals/log_weight", sampler);
    KAD_CALL(kad_values_read(r->in, r->file, path, &w));
    if (w.n == 0 || kad_effective_draws(w.n, w.data) < KAD_MIN_EFFECTIVE) return KAD_OK;
    if (s->own && w.n != s->n)
        return kad_fail(r->in->ctx, KAD_EDATA, "%s: expected %zu weights, found %zu",
                        path, s->n, w.n);
    s->n_weights = w.n;
    s->log_weight = w.data;
    return KAD_OK;
}

static kad_status read_header(reader *r)
{
    kad_ctx *ctx = r->in->ctx;
    kad_curve_series *s = r->out;
    char group[96];
    snprintf(group, sizeof group, "/samplers/%.60s", r->sampler);
    if (!kad_h5_exists(r->file, group)) {
        say(r, "there is no sampler %s", r->sampler);
        return KAD_OK;
    }
    if (kad_attr_int(ctx, r->file, group, "weighted") == 1 &&
        kad_attr_int(ctx, r->file, group, "proposals") != 1)
        say(r, "%s is no chain", r->sampler);
    const int64_t n_chains = kad_attr_int(ctx, r->file, group, "n_chains");
    const int64_t n_draws = kad_attr_int(ctx, r->file, group, "n_draws");
    const int64_t n_components = kad_attr_int(ctx, r->file, group, "n_components");
    if (n_chains < 1 || n_draws < 1)
        return kad_fail(ctx, KAD_EDATA, "%s: n_chains and n_draws are missing", group);
    s->n_chains = (size_t)n_chains;
    s->n = (size_t)n_chains * (size_t)n_draws;
    s->n_sites = (double)kad_attr_int(ctx, r->file, group, "n_sites");
    s->extent = (double)kad_attr_int(ctx, r->file, group, "extent");
    s->n_components = n_components > 0 ? (double)n_components : 1.0;
    return KAD_OK;
}

kad_status kad_curve_series_read(kad_scope *in, kad_h5 *file, const char *sampler,
                                 int n_statistics, const char *const *statistic,
                                 kad_curve_series *out, char reason[KAD_CURVE_REASON])
{
    char group[96];
    reader r = {.in = in, .file = file, .sampler = sampler, .out = out, .reason = reason};
    *out = (kad_curve_series){0};
    reason[0] = 0;
    KAD_CALL(read_header(&r));
    if (reason[0] != 0) return KAD_OK;
    snprintf(group, sizeof group, "/analysis/%.60s", sampler);
    KAD_CALL(kad_table_read(in, file, group, &r.table));
    for (int a = 0; a < n_statistics; a++)
        KAD_CALL(read_statistic(&r, statistic[a], &out->statistic[a]));
    if (reason[0] != 0) return KAD_OK;
    for (int c = 0; c < KAD_CURVE_COLUMNS; c++)
        KAD_CALL(read_column(&r, c));
    return read_weights(&r);
}
