/* The points of a sweep on its page: how far they are, what they cost, what they gave, over
 * the coupling that varies most. /points and /results of sweep.h5. */
#include "analysis/combine.h"
#include "analysis/report/grid.h"
#include "analysis/report/markup.h"
#include "analysis/report/report.h"
#include "analysis/report/svg.h"
#include "analysis/results.h"
#include "io/keys.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLORS = 8, GROUPS = 12, KEYS = 8, STATED = 4 };

/* /points: n of them. */
typedef struct points {
    size_t n;
    kad_values number, axis, core_seconds; /* axis: the coupling they are drawn over */
    char **folder, **state;                /* [n] */
    char **group,
        **curve;          /* the other keys, without seeds; their group of /curves; [n] */
    const char *axis_key; /* NULL: nothing to draw over */
} points;

static kad_status read_points(kad_scope *in, kad_h5 *file, points *p)
{
    *p = (points){0};
    KAD_CALL(kad_values_read(in, file, "/points/point", &p->number));
    p->n = p->number.n;
    KAD_CALL(kad_texts_read_in(in, file, "/points", "folder", p->n, &p->folder));
    KAD_CALL(kad_texts_read_in(in, file, "/points", "state", p->n, &p->state));
    KAD_CALL(kad_texts_read_in(in, file, "/points", "group", p->n, &p->group));
    KAD_CALL(kad_values_read(in, file, "/points/core_seconds", &p->core_seconds));
    p->axis_key = kad_attr_string(in, file, "/points", "axis");
    if (p->axis_key != NULL)
        KAD_CALL(kad_values_read_in(in, file, "/points", p->axis_key, &p->axis));
    if (p->axis.n != p->n) p->axis_key = NULL;
    return KAD_OK;
}

/* --- estimates -----------------------------------------------------------------------
 */

/* One column of /results/SERIES of one observable, [n] over the points; n = 0: none. */
static kad_status column_of(kad_scope *in, kad_h5 *file, const char *series,
                            const char *observable, const char *column, kad_values *out)
{
    char path[256];
    char **names;
    kad_values all;
    *out = (kad_values){0};
    snprintf(path, sizeof path, "/results/%.120s", series);
    KAD_CALL(kad_values_read_in(in, file, path, column, &all));
    if (all.rank != 2) return KAD_OK;
    const size_t n = all.dims[0], m = all.dims[1];
    KAD_CALL(kad_texts_read_in(in, file, path, "observable", m, &names));
    for (size_t k = 0; names != NULL && k < m; k++) {
        if (strcmp(names[k], observable) != 0) continue;
        KAD_CALL(kad_take(in, n, &out->data));
        for (size_t i = 0; i < n; i++)
            out->data[i] = all.data[i * m + k];
        out->n = n;
    }
    return KAD_OK;
}

static kad_status estimate_of(kad_scope *in, kad_h5 *file, const char *series,
                              const char *observable, kad_values *mean, kad_values *err)
{
    KAD_CALL(column_of(in, file, series, observable, "mean", mean));
    return column_of(in, file, series, observable, "err", err);
}

/* Series that are chains of samplers, the config's first one before the others. */
static kad_status chains_of(kad_scope *in, kad_h5 *file, size_t *n, char ***names)
{
    size_t all;
    char **every;
    KAD_CALL(kad_members(in, file, "/results", &all, &every));
    KAD_CALL(kad_take(in, all, names));
    *n = 0;
    const char *first = kad_attr_string(in, file, "/points", "sampler");
    for (int rest = 0; rest < 2; rest++)
        for (size_t i = 0; i < all; i++)
            if (kad_is_sampler_table(every[i]) &&
                (first != NULL && strcmp(first, every[i]) == 0) == (rest == 0))
                (*names)[(*n)++] = every[i];
    return KAD_OK;
}

/* What tables show of the first sampler. */
static const char *const stated[STATED] = {"energy", "abs_m", "chi", "binder"};

static kad_status read_stated(kad_scope *in, kad_h5 *file, const char **sampler,
                              kad_values mean[STATED], kad_values err[STATED])
{
    char **names;
    size_t n;
    KAD_CALL(chains_of(in, file, &n, &names));
    *sampler = n > 0 ? names[0] : NULL;
    for (size_t k = 0; k < STATED; k++) {
        mean[k] = err[k] = (kad_values){0};
        if (n > 0)
            KAD_CALL(estimate_of(in, file, names[0], stated[k], &mean[k], &err[k]));
    }
    return KAD_OK;
}

/* --- drawn over the coupling ---------------------------------------------------------
 */

typedef struct place {
    double x, y, err;
} place;

static int by_x(const void *a, const void *b)
{
    const place *p = a, *q = b;
    return (p->x > q->x) - (p->x < q->x);
}

/* The groups there are; returns their number. */
static size_t groups_of(const points *p, const char *seen[GROUPS])
{
    size_t n_seen = 0;
    for (size_t i = 0; i < p->n && p->group != NULL; i++) {
        bool known = false;
        for (size_t k = 0; k < n_seen; k++)
            known = known || strcmp(seen[k], p->group[i]) == 0;
        if (!known && n_seen < GROUPS) seen[n_seen++] = p->group[i];
    }
    return n_seen;
}

/* A curve of each group: points with errors, or the line of what is exact. */
static kad_status add_groups(kad_scope *in, const points *p, const kad_values *y,
                             const kad_values *err, bool line, kad_plot *plot)
{
    const char *seen[GROUPS];
    const size_t n_seen = groups_of(p, seen);
    for (size_t g = 0; g < n_seen; g++) {
        place *of;
        double *xyz;
        size_t n = 0;
        KAD_CALL(kad_take(in, p->n, &of));
        KAD_CALL(kad_take(in, 3 * p->n, &xyz));
        for (size_t i = 0; i < p->n; i++)
            if (strcmp(p->group[i], seen[g]) == 0 && isfinite(kad_values_at(y, i)))
                of[n++] = (place){p->axis.data[i], y->data[i], kad_values_at(err, i)};
        qsort(of, n, sizeof *of, by_x);
        for (size_t i = 0; i < n; i++) {
            xyz[i] = of[i].x;
            xyz[p->n + i] = of[i].y;
            xyz[2 * p->n + i] = of[i].err;
        }
        const bool named = seen[g][0] != 0;
        kad_series s = {.mark = line ? KAD_MARK_LINE : KAD_MARK_POINTS,
                        .n = n,
                        .x = xyz,
                        .y = xyz + p->n,
                        .err = err->n > 0 ? xyz + 2 * p->n : NULL,
                        .label = named && !line ? seen[g] : NULL,
                        .name = line    ? "exact"
                                : named ? seen[g]
                                        : "points",
                        .color = (int)g % COLORS};
        kad_plot_add(plot, s);
    }
    return KAD_OK;
}

/* The colour of a curve's points: their group's. */
static int color_of(const points *p, const char *curve)
{
    const char *seen[GROUPS];
    const size_t n_seen = groups_of(p, seen);
    for (size_t i = 0; i < p->n && p->curve != NULL; i++)
        for (size_t g = 0; g < n_seen && strcmp(p->curve[i], curve) == 0; g++)
            if (strcmp(p->group[i], seen[g]) == 0) return (int)g % COLORS;
    return 0;
}

/* Curves between the points (/curves), of the sampler whose points are drawn. *n: how many. */
static kad_status add_curves(kad_scope *in, kad_h5 *file, const points *p,
                             const char *sampler, const char *observable, kad_plot *plot,
                             size_t *n)
{
    char **names, path[400], error[80];
    size_t n_names = 0;
    *n = 0;
    KAD_CALL(kad_members(in, file, "/curves", &n_names, &names));
    snprintf(error, sizeof error, "%.60s_err", observable);
    for (size_t i = 0; i < n_names; i++) {
        kad_values x, y, err;
        snprintf(path, sizeof path, "/curves/%.200s/%.120s", names[i], sampler);
        KAD_CALL(kad_values_read_in(in, file, path, "value", &x));
        KAD_CALL(kad_values_read_in(in, file, path, observable, &y));
        KAD_CALL(kad_values_read_in(in, file, path, error, &err));
        if (x.n == 0 || y.n != x.n || err.n != x.n) continue;
        const kad_mark marks[] = {KAD_MARK_BAND, KAD_MARK_LINE};
        for (size_t k = 0; k < 2; k++)
            kad_plot_add(plot, (kad_series){.mark = marks[k],
                                            .n = x.n,
                                            .x = x.data,
                                            .y = y.data,
                                            .err = err.data,
                                            .name = names[i],
                                            .color = color_of(p, names[i])});
        ++*n;
    }
    return KAD_OK;
}

/* An observable of the first sampler that has it, with its exact values as lines. */
static kad_status draw_observable(kad_ctx *ctx, kad_h5 *file, const char *observable,
                                  bool log, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    points p;
    kad_plot *plot;
    kad_values mean = {0}, err, exact;
    char **names;
    const char *sampler = "", *label;
    size_t n, n_curves;
    KAD_CALL(kad_take(&scope, 1, &plot));
    KAD_CALL(read_points(&scope, file, &p));
    if (p.axis_key == NULL) return KAD_OK;
    KAD_CALL(chains_of(&scope, file, &n, &names));
    for (size_t i = 0; i < n && mean.n == 0; i++) {
        sampler = names[i];
        KAD_CALL(estimate_of(&scope, file, names[i], observable, &mean, &err));
        KAD_CALL(column_of(&scope, file, names[i], observable, "exact", &exact));
    }
    if (mean.n == 0) return KAD_OK;
    KAD_CALL(kad_take_printf(&scope, &label, "%s by %s", observable, sampler));
    *plot = (kad_plot){.x = {.label = kad_key_last_name(p.axis_key)},
                       .y = {.label = label, .log = log}};
    KAD_CALL(add_curves(&scope, file, &p, sampler, observable, plot, &n_curves));
    if (n_curves == 0)
        KAD_CALL(add_groups(&scope, &p, &exact, &(kad_values){0}, true, plot));
    KAD_CALL(add_groups(&scope, &p, &mean, &err, false, plot));
    kad_plot_render(out, plot);
    return KAD_OK;
}

#define OBSERVABLE(id, name, log, heading, words)                          \
    static kad_status draw_##id(kad_ctx *ctx, kad_h5 *file, kad_text *out) \
    {                                                                      \
        return draw_observable(ctx, file, name, log, out);                 \
    }                                                                      \
    const kad_figure kad_figure_sweep_##id = {                             \
        .title = (heading), .caption = (words), .draw = draw_##id};

OBSERVABLE(
    energy, "energy", false, "Energy per site",
    "Lines: all points of the sampler together by reweighting; without such curves the "
    "exact values, where they are known.")
OBSERVABLE(
    heat, "specific_heat", false, "Specific heat",
    "Lines: all points of the sampler together by reweighting; without such curves the "
    "exact values, where they are known.")
OBSERVABLE(m, "abs_m", false, "Order parameter |m|", NULL)
OBSERVABLE(chi, "chi", true, "Susceptibility", NULL)
OBSERVABLE(helicity, "helicity", false, "Helicity modulus", NULL)

/* mean with err over the coupling, and a level where there is one. */
static kad_status plot_over(kad_scope *in, const points *p, kad_axis y,
                            const double *level, const kad_values *mean,
                            const kad_values *err, kad_text *out)
{
    kad_plot *plot;
    if (p->axis_key == NULL || mean->n == 0) return KAD_OK;
    KAD_CALL(kad_take(in, 1, &plot));
    *plot = (kad_plot){.x = {.label = kad_key_last_name(p->axis_key)}, .y = y};
    if (level != NULL)
        kad_plot_add(plot, (kad_series){.mark = KAD_MARK_LEVEL, .n = 1, .y = level});
    KAD_CALL(add_groups(in, p, mean, err, false, plot));
    kad_plot_render(out, plot);
    return KAD_OK;
}

static kad_status draw_ln_z(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    points p;
    kad_values mean, err, exact;
    const double zero = 0;
    KAD_CALL(read_points(&scope, file, &p));
    KAD_CALL(estimate_of(&scope, file, "log_z", "log_z", &mean, &err));
    KAD_CALL(column_of(&scope, file, "log_z", "log_z", "exact", &exact));
    for (size_t i = 0; i < mean.n; i++)
        mean.data[i] -= kad_values_at(&exact, i);
    return plot_over(&scope, &p, (kad_axis){.label = "ln Z - exact"}, &zero, &mean, &err,
                     out);
}
const kad_figure kad_figure_sweep_ln_z = {
    .title = "ln&nbsp;Z of the maps less its exact value",
    .caption = "Two of three within one error of zero, where maps are right.",
    .draw = draw_ln_z,
};

static kad_status draw_ess(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    points p;
    kad_values mean, err;
    KAD_CALL(read_points(&scope, file, &p));
    KAD_CALL(estimate_of(&scope, file, "log_z", "ess", &mean, &err));
    return plot_over(&scope, &p,
                     (kad_axis){.label = "ESS a draw", .fixed = true, .lo = 0, .hi = 1},
                     NULL, &mean, &err, out);
}
const kad_figure kad_figure_sweep_ess = {
    .title = "Quality of the maps",
    .caption = "Effective sample size of a draw: 1 for a perfect map.",
    .draw = draw_ess,
};

static kad_status draw_tau(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    points p;
    char **names;
    size_t n;
    KAD_CALL(read_points(&scope, file, &p));
    if (p.axis_key == NULL) return KAD_OK;
    KAD_CALL(chains_of(&scope, file, &n, &names));
    kad_text_add(out, "<div class=\"plots\">");
    const size_t before = out->n;
    for (size_t i = 0; i < n && i < STATED; i++) {
        kad_values tau;
        const char *label;
        KAD_CALL(kad_take_printf(&scope, &label, "tau_int(m2) of %s (draws)", names[i]));
        KAD_CALL(column_of(&scope, file, names[i], "m2", "tau_int", &tau));
        kad_text_add(out, "<div>");
        KAD_CALL(plot_over(&scope, &p, (kad_axis){.label = label, .log = true}, NULL,
                           &tau, &(kad_values){0}, out));
        kad_text_add(out, "</div>");
    }
    const bool any = out->n > before;
    kad_text_add(out, "</div>");
    if (!any) kad_text_clear(out);
    return KAD_OK;
}
const kad_figure kad_figure_sweep_tau = {
    .title = "Autocorrelation times",
    .caption = "Of m&sup2;, in draws of each sampler.",
    .wide = true,
    .draw = draw_tau,
};

static kad_status draw_cost(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    points p;
    KAD_CALL(read_points(&scope, file, &p));
    return plot_over(&scope, &p, (kad_axis){.label = "core-seconds", .log = true}, NULL,
                     &p.core_seconds, &(kad_values){0}, out);
}
const kad_figure kad_figure_sweep_cost = {
    .title = "Cost of a point",
    .caption = "Wall time times threads of each run; a map that points share is not "
               "among it.",
    .draw = draw_cost,
};

/* --- the table -----------------------------------------------------------------------
 */

static void say_status(kad_text *out, const points *p, const char *sampler)
{
    static const char *const states[] = {"complete", "running", "stopped", "missing",
                                         "unusable"};
    double seconds = 0;
    for (size_t i = 0; i < p->n; i++)
        if (isfinite(kad_values_at(&p->core_seconds, i)))
            seconds += p->core_seconds.data[i];
    kad_text_add(out, "<p>%zu points:", p->n);
    const char *comma = "";
    for (size_t s = 0; s < sizeof states / sizeof *states; s++) {
        size_t n = 0;
        for (size_t i = 0; i < p->n && p->state != NULL; i++)
            n += strcmp(p->state[i], states[s]) == 0;
        if (n > 0) kad_text_add(out, "%s %zu %s", comma, n, states[s]);
        if (n > 0) comma = ",";
    }
    kad_text_add(out, "; %.3g core-hours in their runs", seconds / 3600);
    if (sampler != NULL) kad_text_add(out, "; means by %s", sampler);
    kad_text_add(out, ".</p>\n");
}

static kad_status draw_points(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    points p;
    kad_grid g = {.wide = true};
    kad_values z, z_err, ess, ess_err, mean[STATED], err[STATED];
    const char *sampler;
    KAD_CALL(read_points(&scope, file, &p));
    if (p.n == 0 || p.folder == NULL) return KAD_OK;
    KAD_CALL(estimate_of(&scope, file, "log_z", "log_z", &z, &z_err));
    KAD_CALL(estimate_of(&scope, file, "log_z", "ess", &ess, &ess_err));
    KAD_CALL(read_stated(&scope, file, &sampler, mean, err));
    kad_grid_column(&g, "point", KAD_GRID_NAME);
    kad_grid_column(&g, "state", KAD_GRID_NAME);
    kad_grid_column(&g, "core-s", KAD_GRID_REAL);
    kad_grid_column(&g, "ln Z", KAD_GRID_ESTIMATE);
    kad_grid_column(&g, "ESS", KAD_GRID_ESTIMATE);
    for (size_t k = 0; k < STATED; k++)
        kad_grid_column(&g, stated[k], KAD_GRID_ESTIMATE);
    for (size_t i = 0; i < p.n; i++) {
        const char *label, *path;
        const bool complete = p.state != NULL && strcmp(p.state[i], "complete") == 0;
        KAD_CALL(
            kad_take_printf(&scope, &label, "%.0f: %s", p.number.data[i], p.folder[i]));
        KAD_CALL(kad_take_printf(&scope, &path, "%s/report.html", p.folder[i]));
        if (complete)
            kad_grid_link(&g, label, path);
        else
            kad_grid_text(&g, label);
        kad_grid_text(&g, complete || p.state == NULL ? NULL : p.state[i]);
        kad_grid_fixed(&g, 1, kad_values_at(&p.core_seconds, i));
        kad_grid_estimate(&g, kad_values_at(&z, i), kad_values_at(&z_err, i), true);
        kad_grid_estimate(&g, kad_values_at(&ess, i), kad_values_at(&ess_err, i), true);
        for (size_t k = 0; k < STATED; k++)
            kad_grid_estimate(&g, kad_values_at(&mean[k], i), kad_values_at(&err[k], i),
                              true);
    }
    say_status(out, &p, sampler);
    kad_grid_render(&g, out);
    return KAD_OK;
}
const kad_figure kad_figure_sweep_points = {
    .title = "Points",
    .caption = "Each leads to the report of its own run.",
    .wide = true,
    .draw = draw_points,
};

/* --- seeds ---------------------------------------------------------------------------
 */

/* Points that differ from `first` in the seed alone: their places, and how many. */
static size_t seeds_of(const points *p, size_t first, size_t *of)
{
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        if (strcmp(p->group[i], p->group[first]) == 0 &&
            kad_values_at(&p->axis, i) == kad_values_at(&p->axis, first))
            of[n++] = i;
    return n;
}

static kad_status seed_cell(kad_scope *in, kad_grid *g, size_t n, const size_t *of,
                            const kad_values *mean, const kad_values *err, double *least)
{
    kad_estimate *e;
    KAD_CALL(kad_take(in, n, &e));
    for (size_t i = 0; i < n; i++)
        e[i] = (kad_estimate){kad_values_at(mean, of[i]), kad_values_at(err, of[i])};
    const kad_combined all = kad_combine(n, e);
    kad_grid_estimate(g, all.value, all.err, all.n > 0);
    *least = fmin(*least, all.p_value);
    return KAD_OK;
}

static kad_status draw_seeds(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    points p;
    kad_grid g = {0};
    kad_values mean[STATED + 1], err[STATED + 1];
    const char *sampler;
    size_t *of;
    KAD_CALL(read_points(&scope, file, &p));
    if (p.axis_key == NULL || p.group == NULL) return KAD_OK;
    KAD_CALL(read_stated(&scope, file, &sampler, mean, err));
    KAD_CALL(estimate_of(&scope, file, "log_z", "log_z", &mean[STATED], &err[STATED]));
    kad_grid_column(&g, "points", KAD_GRID_NAME);
    kad_grid_named(&g, kad_key_last_name(p.axis_key), KAD_GRID_REAL);
    kad_grid_column(&g, "seeds", KAD_GRID_REAL);
    for (size_t k = 0; k < STATED; k++)
        kad_grid_column(&g, stated[k], KAD_GRID_ESTIMATE);
    kad_grid_column(&g, "ln Z", KAD_GRID_ESTIMATE);
    kad_grid_column(&g, "p", KAD_GRID_REAL);
    KAD_CALL(kad_take(&scope, p.n, &of));
    for (size_t i = 0; i < p.n; i++) {
        const size_t m = seeds_of(&p, i, of);
        double least = INFINITY;
        if (m < 2 || of[0] != i) continue;
        kad_grid_text(&g, p.group[i][0] != 0 ? p.group[i] : "all");
        kad_grid_real(&g, 6, kad_values_at(&p.axis, i));
        kad_grid_fixed(&g, 0, (double)m);
        for (size_t k = 0; k <= STATED; k++)
            KAD_CALL(seed_cell(&scope, &g, m, of, &mean[k], &err[k], &least));
        kad_grid_p(&g, isfinite(least) ? least : (double)NAN);
        if (least < 0.001) kad_grid_mark(&g);
    }
    kad_grid_render(&g, out);
    return KAD_OK;
}
const kad_figure kad_figure_sweep_seeds = {
    .title = "Seeds combined",
    .caption =
        "Means weighed by their errors, which are widened by &radic;(&chi;&sup2;/dof) "
        "where seeds differ by more than their errors; p: of the least likely spread "
        "in the row.",
    .wide = true,
    .draw = draw_seeds,
};
