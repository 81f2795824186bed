/* Histories and autocorrelation functions of every sampler. */
#include "analysis/report.h"
#include "analysis/results.h"
#include "analysis/svg.h"
#include "analysis/table.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_SAMPLERS = 8, N_DRAWS = 600, N_LAGS = 120, STRIP = 120 };

/* The first chain of one sampler in a strip of its own; all strips share their axes. */
static void draw_strip(const kad_values *y, const char *name, const kad_axis *axis,
                       kad_text *out)
{
    double x[N_DRAWS];
    if (y->rank != 2) return;
    const size_t n = y->dims[1] < N_DRAWS ? y->dims[1] : N_DRAWS;
    for (size_t i = 0; i < n; i++)
        x[i] = (double)i;
    kad_plot plot = {.x = {.label = "draw", .fixed = true, .hi = N_DRAWS},
                     .y = *axis,
                     .height = STRIP};
    kad_plot_add(
        &plot,
        (kad_series){.mark = KAD_MARK_LINE, .n = n, .x = x, .y = y->data, .label = name});
    kad_text_add(out, "<div>");
    kad_plot_render(out, &plot);
    kad_text_add(out, "</div>");
}

/* The range of what the strips show. */
static void widen(kad_axis *axis, const kad_values *y)
{
    for (size_t i = 0; y->rank == 2 && i < y->dims[1] && i < N_DRAWS; i++) {
        axis->lo = fmin(axis->lo, y->data[i]);
        axis->hi = fmax(axis->hi, y->data[i]);
    }
}

/* Has any sampler this observable? */
static bool measured(kad_h5 *file, size_t n, char **names, const char *observable)
{
    char path[256];
    for (size_t i = 0; i < n; i++) {
        snprintf(path, sizeof path, "/samplers/%s/observables/%s", names[i], observable);
        if (kad_h5_exists(file, path)) return true;
    }
    return false;
}

static kad_status draw_histories(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_status status = KAD_OK;
    size_t n = 0;
    char **names = NULL, path[256];
    kad_values y[N_SAMPLERS] = {{0}};
    KAD_TRY(kad_members(ctx, file, "/samplers", &n, &names));
    const bool m = measured(file, n, names, "m");
    const size_t shown = n < N_SAMPLERS ? n : N_SAMPLERS;
    kad_axis axis = {
        .label = m ? "m" : "|m|", .fixed = true, .lo = INFINITY, .hi = -INFINITY};
    for (size_t i = 0; i < shown; i++) {
        snprintf(path, sizeof path, "/samplers/%s/observables/%s", names[i],
                 m ? "m" : "abs_m");
        KAD_TRY(kad_values_read(ctx, file, path, &y[i]));
        widen(&axis, &y[i]);
    }
    const double margin = 0.05 * (axis.hi - axis.lo);
    if (!(margin > 0.0)) goto done;
    axis.lo -= margin;
    axis.hi += margin;
    kad_text_add(out, "<div class=\"plots\">");
    for (size_t i = 0; i < shown; i++)
        draw_strip(&y[i], names[i], &axis, out);
    kad_text_add(out, "</div>\n");
done:
    for (size_t i = 0; i < N_SAMPLERS; i++)
        kad_values_clear(&y[i]);
    kad_h5_free_names(n, names);
    return status;
}

const kad_figure kad_figure_histories = {
    .title = "Histories of the order parameter",
    .caption = "The first 600 recorded draws of the first chain of each sampler. Flat "
               "pieces are runs of rejections; a chain that keeps one sign for long "
               "does not see the other phase.",
    .wide = true,
    .draw = draw_histories,
};

/* rho of |m| (or the first row) of one analysis, at lags >= 1. */
typedef struct decay {
    kad_values rho, err;
    double window, x[N_LAGS], y[N_LAGS], e[N_LAGS];
    size_t n;
} decay;

static kad_status read_decay(kad_ctx *ctx, kad_h5 *file, const char *name, decay *d)
{
    kad_status status = KAD_OK;
    kad_table table = {0};
    kad_values window = {0};
    char group[200];
    snprintf(group, sizeof group, "/analysis/%s", name);
    KAD_TRY(kad_table_read(ctx, file, group, &table));
    KAD_TRY(kad_values_read_in(ctx, file, group, "rho", &d->rho));
    KAD_TRY(kad_values_read_in(ctx, file, group, "rho_err", &d->err));
    KAD_TRY(kad_values_read_in(ctx, file, group, "window", &window));
    if (d->rho.rank != 2 || d->err.n != d->rho.n || d->rho.dims[0] != table.n) goto done;
    size_t row = kad_table_find(&table, "abs_m");
    if (row == table.n) row = 0;
    d->window = kad_table_at(&table, &window, row);
    const size_t lags = d->rho.dims[1];
    /* evenly spaced in the logarithm of the lag */
    for (size_t k = 0, before = 0; k < N_LAGS && lags > 2; k++) {
        const double place = log((double)(lags - 1)) * (double)k / (N_LAGS - 1);
        const size_t t = (size_t)(exp(place) + 0.5);
        if (t <= before || t >= lags) continue;
        before = t;
        if (!isfinite(d->rho.data[row * lags + t])) break;
        d->x[d->n] = (double)t;
        d->y[d->n] = d->rho.data[row * lags + t];
        d->e[d->n++] = d->err.data[row * lags + t];
    }
done:
    kad_table_clear(&table);
    kad_values_clear(&window);
    return status;
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
    kad_status status = KAD_OK;
    size_t n = 0;
    char **names = NULL;
    decay *d = NULL;
    double zero = 0.0;
    kad_plot plot = {.x = {.label = "lag t (draws)", .log = true},
                     .y = {.label = "rho(t) of |m|"}};
    KAD_TRY(kad_new(ctx, N_SAMPLERS, sizeof *d, &d));
    KAD_TRY(kad_members(ctx, file, "/samplers", &n, &names));
    for (size_t i = 0; i < n && i < N_SAMPLERS; i++) {
        KAD_TRY(read_decay(ctx, file, names[i], &d[i]));
        add_decay(&plot, names[i], (int)i, &d[i]);
    }
    if (plot.n_series > 0)
        kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_LEVEL, .n = 1, .y = &zero});
    kad_plot_render(out, &plot);
done:
    for (size_t i = 0; d != NULL && i < N_SAMPLERS; i++) {
        kad_values_clear(&d[i].rho);
        kad_values_clear(&d[i].err);
    }
    kad_free(d);
    kad_h5_free_names(n, names);
    return status;
}

const kad_figure kad_figure_rho = {
    .title = "Autocorrelation functions",
    .caption = "Normalised autocorrelation of the order parameter with its error as a "
               "band; the vertical mark is the window W where its sum, &tau;<sub>int"
               "</sub> = 1/2 + &Sigma;&nbsp;&rho;(t), was closed.",
    .draw = draw_rho,
};
