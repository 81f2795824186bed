/* Thermalisation: the order parameter from the start of the chains, averaged over them,
 * against draws and against time, for every sampler that kept its first draws (group
 * `first`). The comparison of Hu, Li, Wang, You, arXiv:1903.00804: chains in the bulk
 * against chains on the boundary. */
#include "analysis/recorded.h"
#include "analysis/report/grid.h"
#include "analysis/report/markup.h"
#include "analysis/report/report.h"
#include "analysis/report/svg.h"
#include "analysis/results.h"
#include "analysis/table.h"
#include "base/memory.h"
#include "base/sort.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_CURVES = 8, N_TIMES = 100 };

/* One sampler's ensemble at up to N_TIMES draws, evenly spaced in the logarithm. */
typedef struct curve {
    char label[96];
    size_t n, n_chains;
    double x[N_TIMES]; /* draws, or milliseconds */
    double mean[N_TIMES], middle[N_TIMES], half[N_TIMES];
    double arrival; /* draws until the mean agrees with equilibrium; NaN: not yet */
    double ms_per_draw;
} curve;

typedef struct thermal {
    size_t n, n_all; /* curves kept, and in the file */
    const char *observable;
    double equilibrium, equilibrium_err; /* NaN: unknown */
    curve at[N_CURVES];
} thermal;

/* Mean over chains at draw i and the band that holds 68 % of them. sorted [n_chains] */
static void ensemble(const kad_values *v, size_t i, double *sorted, curve *c, size_t at)
{
    const size_t n = v->dims[0];
    double sum = 0.0;
    for (size_t k = 0; k < n; k++) {
        sorted[k] = v->data[k * v->dims[1] + i];
        sum += sorted[k];
    }
    kad_sort(n, sorted);
    const double low = sorted[(size_t)(0.16 * (double)(n - 1) + 0.5)];
    const double high = sorted[(size_t)(0.84 * (double)(n - 1) + 0.5)];
    c->x[at] = (double)(i + 1);
    c->mean[at] = sum / (double)n;
    c->middle[at] = 0.5 * (low + high);
    c->half[at] = 0.5 * (high - low);
}

/* First draw at which the mean is within two standard errors of equilibrium, read from
 * the whole series. */
static double arrival_of(const kad_values *v, double equilibrium, double err)
{
    const double n = (double)v->dims[0];
    for (size_t i = 0; i < v->dims[1]; i++) {
        double sum = 0.0, square = 0.0;
        for (size_t k = 0; k < v->dims[0]; k++) {
            const double d = v->data[k * v->dims[1] + i] - equilibrium;
            sum += d;
            square += d * d;
        }
        const double var = fmax(0.0, square / n - sum * sum / (n * n)) / (n - 1.0);
        if (fabs(sum / n) <= 2.0 * sqrt(var + err * err)) return (double)(i + 1);
    }
    return NAN;
}

static kad_status add_curve(kad_ctx *ctx, kad_h5 *file, const char *name, thermal *t)
{
    KAD_SCOPE(scope, ctx);
    kad_values v;
    double *sorted;
    char group[160], path[256];
    curve *c = &t->at[t->n];

    snprintf(group, sizeof group, "/samplers/%s/first", name);
    snprintf(path, sizeof path, "%s/observables/%s", group, t->observable);
    KAD_CALL(kad_values_read(&scope, file, path, &v));
    if (v.rank != 2 || v.dims[0] < 2 || v.dims[1] < 2) return KAD_OK;
    KAD_CALL(kad_take(&scope, v.dims[0], &sorted));
    const double last = (double)v.dims[1];
    for (size_t k = 0, before = 0; k < N_TIMES; k++) {
        const size_t i = (size_t)(exp(log(last) * (double)k / (N_TIMES - 1)) + 0.5);
        if (i <= before || i > v.dims[1]) continue;
        ensemble(&v, i - 1, sorted, c, c->n++);
        before = i;
    }
    const char *start = kad_attr_string(&scope, file, group, "start");
    snprintf(c->label, sizeof c->label, "%.48s, %.16s, %zu chains", name,
             start != NULL ? start : "start unknown", v.dims[0]);
    c->n_chains = v.dims[0];
    c->arrival = arrival_of(&v, t->equilibrium, t->equilibrium_err);
    snprintf(path, sizeof path, "/samplers/%s", name);
    c->ms_per_draw = 1e3 * kad_attr_real(ctx, file, path, "seconds_per_draw");
    t->n++;
    return KAD_OK;
}

/* The exact value, or the mean of the sampler that knows it best. */
static kad_status find_equilibrium(kad_ctx *ctx, kad_h5 *file, size_t n, char **names,
                                   thermal *t)
{
    KAD_SCOPE(scope, ctx);
    kad_table table;
    char group[160];
    t->equilibrium = kad_exact_read(ctx, file, t->observable);
    t->equilibrium_err = 0.0;
    if (isfinite(t->equilibrium)) return KAD_OK;
    t->equilibrium_err = INFINITY;
    for (size_t i = 0; i < n; i++) {
        snprintf(group, sizeof group, "/analysis/%s", names[i]);
        KAD_CALL(kad_table_read(&scope, file, group, &table));
        const size_t at = kad_table_find(&table, t->observable);
        const double err = kad_table_at(&table, &table.err, at);
        if (err > 0.0 && err < t->equilibrium_err) {
            t->equilibrium = table.mean.data[at];
            t->equilibrium_err = err;
        }
    }
    return KAD_OK;
}

static kad_status load(kad_ctx *ctx, kad_h5 *file, thermal *t)
{
    KAD_SCOPE(scope, ctx);
    static const char *const order[] = {"abs_m", "m2", "energy"};
    size_t n = 0;
    char **names = NULL, group[160];
    KAD_CALL(kad_members(&scope, file, "/samplers", &n, &names));
    for (size_t k = 0; k < sizeof order / sizeof *order && t->n == 0; k++) {
        t->observable = order[k];
        KAD_CALL(find_equilibrium(ctx, file, n, names, t));
        for (size_t i = 0; i < n; i++) {
            const size_t before = t->n;
            if (before < N_CURVES) KAD_CALL(add_curve(ctx, file, names[i], t));
            snprintf(group, sizeof group, "/samplers/%s/first", names[i]);
            t->n_all += before < N_CURVES ? t->n - before : kad_h5_exists(file, group);
        }
    }
    return KAD_OK;
}

static void draw_arrivals(const thermal *t, kad_text *out)
{
    kad_grid g = {0};
    kad_grid_column(&g, "to equilibrium", KAD_GRID_NAME);
    kad_grid_column(&g, "draws", KAD_GRID_REAL);
    kad_grid_column(&g, "ms", KAD_GRID_REAL);
    for (size_t i = 0; i < t->n; i++) {
        const curve *c = &t->at[i];
        kad_grid_text(&g, c->label);
        if (isfinite(c->arrival))
            kad_grid_fixed(&g, 0, c->arrival);
        else
            kad_grid_words(&g, NAN, NAN, "not reached");
        kad_grid_real(&g, 3, c->arrival * c->ms_per_draw);
    }
    kad_grid_render(&g, out);
}

static void add_series(kad_plot *plot, curve *c, int color, bool seconds)
{
    for (size_t k = 0; k < c->n && seconds; k++)
        c->x[k] *= c->ms_per_draw;
    kad_plot_add(plot, (kad_series){.mark = KAD_MARK_BAND,
                                    .n = c->n,
                                    .x = c->x,
                                    .y = c->middle,
                                    .err = c->half,
                                    .color = color});
    kad_plot_add(plot, (kad_series){.mark = KAD_MARK_LINE,
                                    .n = c->n,
                                    .x = c->x,
                                    .y = c->mean,
                                    .label = c->label,
                                    .color = color});
}

static kad_status draw(kad_ctx *ctx, kad_h5 *file, bool seconds, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    thermal *t;
    KAD_CALL(kad_take(&scope, 1, &t));
    KAD_CALL(load(ctx, file, t));
    if (t->n == 0) return KAD_OK;
    kad_plot plot = {
        .x = {.label = seconds ? "work of one chain (ms)" : "draws since the start",
              .log = true},
        .y = {.label = strcmp(t->observable, "abs_m") == 0 ? "|m|" : t->observable},
    };
    for (size_t i = 0; i < t->n; i++)
        if (!seconds || t->at[i].ms_per_draw > 0.0)
            add_series(&plot, &t->at[i], (int)i, seconds);
    if (isfinite(t->equilibrium))
        kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_LEVEL,
                                         .n = 1,
                                         .y = &t->equilibrium,
                                         .label = "equilibrium",
                                         .color = 0});
    kad_plot_render(out, &plot);
    kad_note_rest(out, t->n, t->n_all, "samplers");
    if (!seconds && isfinite(t->equilibrium)) draw_arrivals(t, out);
    return KAD_OK;
}

static kad_status draw_draws(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    return draw(ctx, file, false, out);
}

static kad_status draw_seconds(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    return draw(ctx, file, true, out);
}

const kad_figure kad_figure_thermal_draws = {
    .title = "Thermalisation against draws",
    .caption = "Line: mean over the chains from their first draw on, burn-in included; "
               "band: 68&nbsp;% of the chains. Chains have forgotten their start where "
               "the lines meet at the equilibrium value; the table says when the mean "
               "first came within two standard errors.",
    .group = "/samplers",
    .absent = "no sampler kept its first draws (sample[].keep_first)",
    .draw = draw_draws,
};

const kad_figure kad_figure_thermal_seconds = {
    .title = "Thermalisation against time",
    .caption = "The same against the time one chain has worked. A chain in the bulk "
               "needs fewer draws; here it also pays for each of them.",
    .draw = draw_seconds,
};
