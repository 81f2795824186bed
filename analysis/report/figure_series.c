/* Histories and autocorrelation functions of every sampler. */
#include "analysis/report/markup.h"
#include "analysis/report/report.h"
#include "analysis/report/svg.h"
#include "analysis/results.h"
#include "analysis/table.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_SAMPLERS = 8, N_CHAINS = 4, N_DRAWS = 600, N_LAGS = 120, STRIP = 120 };

/* Chains drawn of a sampler, and draws of each: a strip has N_DRAWS points at most. */
static size_t chains_of(const kad_values *y)
{
    return y->rank != 2 ? 0 : y->dims[0] < N_CHAINS ? y->dims[0] : N_CHAINS;
}

static size_t draws_of(const kad_values *y)
{
    const size_t room = chains_of(y) > 0 ? N_DRAWS / chains_of(y) : 0;
    return room < y->dims[1] ? room : y->dims[1];
}

/* The first chains of one sampler in a strip of its own; all strips share their height. */
static void draw_strip(const kad_values *y, const char *sampler, const kad_axis *axis,
                       kad_text *out)
{
    double x[N_DRAWS];
    char name[N_CHAINS][96], what[96];
    const size_t n = draws_of(y), n_chains = chains_of(y);
    kad_plot plot = {.x = {.label = "draw", .fixed = true, .lo = 1, .hi = (double)n},
                     .y = *axis,
                     .height = STRIP};
    if (n < 2) return;
    for (size_t i = 0; i < n; i++)
        x[i] = (double)(i + 1);
    for (size_t c = 0; c < n_chains; c++) {
        snprintf(name[c], sizeof name[c], "%s chain %zu", sampler, c + 1);
        kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_LINE,
                                         .n = n,
                                         .x = x,
                                         .y = y->data + c * y->dims[1],
                                         .label = c == 0 ? sampler : NULL,
                                         .name = name[c],
                                         .color = (int)c});
    }
    kad_text_add(out, "<div class=\"strip\">");
    kad_plot_render(out, &plot);
    snprintf(what, sizeof what, "chains of %.64s", sampler);
    kad_note_rest(out, n_chains, y->dims[0], what);
    kad_text_add(out, "</div>");
}

/* The range of what the strips show. */
static void widen(kad_axis *axis, const kad_values *y)
{
    for (size_t c = 0; c < chains_of(y); c++)
        for (size_t i = 0; i < draws_of(y); i++) {
            axis->lo = fmin(axis->lo, y->data[c * y->dims[1] + i]);
            axis->hi = fmax(axis->hi, y->data[c * y->dims[1] + i]);
        }
}

/* The states of a chain, or all that was proposed. */
static kad_status read_draws(kad_scope *in, kad_h5 *file, const char *sampler,
                             const char *observable, kad_values *out)
{
    char path[256];
    snprintf(path, sizeof path, "/samplers/%s/observables/%s", sampler, observable);
    if (!kad_h5_exists(file, path))
        snprintf(path, sizeof path, "/samplers/%s/proposals/%s", sampler, observable);
    return kad_values_read(in, file, path, out);
}

/* Has any sampler this observable? */
static bool measured(kad_h5 *file, size_t n, char **names, const char *observable)
{
    static const char *const groups[] = {"observables", "proposals"};
    char path[256];
    for (size_t i = 0; i < 2 * n; i++) {
        snprintf(path, sizeof path, "/samplers/%s/%s/%s", names[i / 2], groups[i % 2],
                 observable);
        if (kad_h5_exists(file, path)) return true;
    }
    return false;
}

/* What to look for depends on the symmetry: a sign for one component, a direction for
 * vectors. */
static void add_reading(kad_ctx *ctx, kad_h5 *file, bool m, const char *sampler,
                        kad_text *out)
{
    char group[160];
    snprintf(group, sizeof group, "/samplers/%s", sampler);
    const bool vector = kad_attr_int(ctx, file, group, "n_components") > 1;
    kad_text_add(out, "<p class=\"note\">%s</p>\n",
                 !m ? "|m| is the length of the mean field: it does not see in which "
                      "direction the field points."
                 : vector
                     ? "m is the first component of the mean field, which a global "
                       "rotation turns: a chain whose m stays on one side for long has "
                       "not turned round."
                     : "A chain that keeps one sign of m for long does not see the "
                       "other phase.");
}

static kad_status draw_histories(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    size_t n = 0;
    char **names;
    kad_values y[N_SAMPLERS];
    KAD_CALL(kad_members(&scope, file, "/samplers", &n, &names));
    const bool m = measured(file, n, names, "m");
    const size_t shown = n < N_SAMPLERS ? n : N_SAMPLERS;
    kad_axis axis = {
        .label = m ? "m" : "|m|", .fixed = true, .lo = INFINITY, .hi = -INFINITY};
    for (size_t i = 0; i < shown; i++) {
        KAD_CALL(read_draws(&scope, file, names[i], m ? "m" : "abs_m", &y[i]));
        widen(&axis, &y[i]);
    }
    const double margin = 0.05 * (axis.hi - axis.lo);
    if (!(margin > 0.0)) return KAD_OK;
    axis.lo -= margin;
    axis.hi += margin;
    kad_text_add(out, "<div class=\"plots\">");
    for (size_t i = 0; i < shown; i++)
        draw_strip(&y[i], names[i], &axis, out);
    kad_text_add(out, "</div>\n");
    kad_note_rest(out, shown, n, "samplers");
    add_reading(ctx, file, m, shown > 0 ? names[0] : "", out);
    return KAD_OK;
}

const kad_figure kad_figure_histories = {
    .title = "Histories of the order parameter",
    .caption =
        "The first recorded draws of the first chains of each sampler, a colour each. "
        "Flat pieces are runs of rejections.",
    .wide = true,
    .group = "/samplers",
    .absent = "no series of the order parameter that moves",
    .draw = draw_histories,
};

/* rho of |m| (or the first row) of one analysis, at lags >= 1. */
typedef struct decay {
    double window, x[N_LAGS], y[N_LAGS], e[N_LAGS];
    size_t n;
} decay;

static kad_status read_decay(kad_ctx *ctx, kad_h5 *file, const char *name, decay *d)
{
    KAD_SCOPE(scope, ctx);
    kad_table table;
    kad_values rho, err, window;
    char group[200];
    snprintf(group, sizeof group, "/analysis/%s", name);
    KAD_CALL(kad_table_read(&scope, file, group, &table));
    KAD_CALL(kad_values_read_in(&scope, file, group, "rho", &rho));
    KAD_CALL(kad_values_read_in(&scope, file, group, "rho_err", &err));
    KAD_CALL(kad_values_read_in(&scope, file, group, "window", &window));
    if (rho.rank != 2 || err.n != rho.n || rho.dims[0] != table.n) return KAD_OK;
    size_t row = kad_table_find(&table, "abs_m");
    if (row == table.n) row = 0;
    d->window = kad_table_at(&table, &window, row);
    const size_t lags = rho.dims[1];
    /* evenly spaced in the logarithm of the lag */
    for (size_t k = 0, before = 0; k < N_LAGS && lags > 2; k++) {
        const double place = log((double)(lags - 1)) * (double)k / (N_LAGS - 1);
        const size_t t = (size_t)(exp(place) + 0.5);
        if (t <= before || t >= lags) continue;
        before = t;
        if (!isfinite(rho.data[row * lags + t])) break;
        d->x[d->n] = (double)t;
        d->y[d->n] = rho.data[row * lags + t];
        d->e[d->n++] = err.data[row * lags + t];
    }
    return KAD_OK;
}

static void add_decay(kad_plot *plot, const char *name, int color, const decay *d)
{
    kad_plot_add(plot, (kad_series){.mark = KAD_MARK_BAND,
                                    .n = d->n,
                                    .x = d->x,
                                    .y = d->y,
                                    .err = d->e,
                                    .color = color});
    kad_plot_add(plot, (kad_series){.mark = KAD_MARK_LINE,
                                    .n = d->n,
                                    .x = d->x,
                                    .y = d->y,
                                    .label = name,
                                    .color = color});
    if (d->n > 0 && d->window >= 1)
        kad_plot_add(
            plot,
            (kad_series){.mark = KAD_MARK_AT, .n = 1, .x = &d->window, .color = color});
}

static kad_status draw_rho(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    size_t n = 0;
    char **names = NULL;
    decay *d;
    double zero = 0.0;
    kad_plot plot = {.x = {.label = "lag t (draws)", .log = true},
                     .y = {.label = "rho(t) of |m|"}};
    KAD_CALL(kad_take(&scope, N_SAMPLERS, &d));
    KAD_CALL(kad_members(&scope, file, "/samplers", &n, &names));
    for (size_t i = 0; i < n && i < N_SAMPLERS; i++) {
        KAD_CALL(read_decay(ctx, file, names[i], &d[i]));
        add_decay(&plot, names[i], (int)i, &d[i]);
    }
    if (plot.n_series > 0)
        kad_plot_add(
            &plot,
            (kad_series){.mark = KAD_MARK_LEVEL, .n = 1, .y = &zero, .name = "zero"});
    kad_plot_render(out, &plot);
    if (plot.n_series > 0)
        kad_note_rest(out, n < N_SAMPLERS ? n : N_SAMPLERS, n, "samplers");
    return KAD_OK;
}

const kad_figure kad_figure_rho = {
    .title = "Autocorrelation functions",
    .caption = "Normalised autocorrelation of the order parameter with its error as a "
               "band; the vertical mark is the window W where its sum, &tau;<sub>int"
               "</sub> = 1/2 + &Sigma;&nbsp;&rho;(t), was closed.",
    .group = "/samplers",
    .absent = "no chain has an autocorrelation function (fewer than a few draws)",
    .draw = draw_rho,
};
