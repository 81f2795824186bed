/* Correlators, histories and autocorrelation functions, all samplers. */
#include "analysis/report.h"
#include "analysis/results.h"
#include "analysis/svg.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_SAMPLERS = 5, N_SHOWN = 600 };

/* Values of up to N_SAMPLERS groups; freed together. */
typedef struct bundle {
    kad_values x[N_SAMPLERS], y[N_SAMPLERS], err[N_SAMPLERS];
} bundle;

static void bundle_clear(bundle *b)
{
    for (int i = 0; i < N_SAMPLERS; i++) {
        kad_values_clear(&b->x[i]);
        kad_values_clear(&b->y[i]);
        kad_values_clear(&b->err[i]);
    }
}

/* Members of a group; n = 0 when it is absent. */
static kad_status members(kad_ctx *ctx, kad_h5 *file, const char *group, size_t *n,
                          char ***names)
{
    *n = 0;
    *names = NULL;
    if (!kad_h5_exists(file, group)) return KAD_OK;
    return kad_h5_list(ctx, file, group, n, names);
}

static kad_status draw_correlator(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    static const char parent[] = "/correlators/boundary";
    kad_status status = KAD_OK;
    size_t n = 0;
    char **names = NULL;
    bundle b = {0};
    kad_plot plot = {.x = {.label = "separation r along an axis (lattice units)"},
                     .y = {.label = "G(r)"}};
    bool positive = true;
    KAD_TRY(members(ctx, file, parent, &n, &names));
    for (size_t i = 0; i < n && i < N_SAMPLERS; i++) {
        char group[256];
        snprintf(group, sizeof group, "%s/%s", parent, names[i]);
        KAD_TRY(kad_values_read_in(ctx, file, group, "r", &b.x[i]));
        KAD_TRY(kad_values_read_in(ctx, file, group, "G", &b.y[i]));
        KAD_TRY(kad_values_read_in(ctx, file, group, "G_err", &b.err[i]));
        if (b.y[i].n == 0 || b.x[i].n != b.y[i].n) continue;
        for (size_t k = 0; k < b.y[i].n; k++)
            if (!(b.y[i].data[k] > 0)) positive = false;
        kad_plot_add(&plot,
                     (kad_series){.mark = KAD_MARK_POINTS,
                                  .n = b.y[i].n,
                                  .x = b.x[i].data,
                                  .y = b.y[i].data,
                                  .err = b.err[i].n == b.y[i].n ? b.err[i].data : NULL,
                                  .label = names[i],
                                  .color = (int)i});
    }
    plot.y.log = positive;
    kad_plot_render(out, &plot);
done:
    bundle_clear(&b);
    kad_h5_free_names(n, names);
    return status;
}

const kad_figure kad_figure_correlator = {
    .title = "Two-point function G(r)",
    .caption = "With errors from the analysis of the chains; neighbouring points are "
               "correlated.",
    .draw = draw_correlator,
};

/* The first chain of a series, at most N_SHOWN draws. */
static kad_status add_history(kad_ctx *ctx, kad_h5 *file, const char *name,
                              const char *observable, int color, bundle *b,
                              kad_plot *plot)
{
    kad_status status = KAD_OK;
    char path[256];
    kad_values *y = &b->y[color], *x = &b->x[color];
    snprintf(path, sizeof path, "/samplers/%s/observables/%s", name, observable);
    KAD_TRY(kad_values_read(ctx, file, path, y));
    if (y->n == 0 || y->rank != 2) goto done;
    size_t n = y->dims[1] < N_SHOWN ? y->dims[1] : N_SHOWN;
    KAD_TRY(kad_new(ctx, n, sizeof *x->data, &x->data));
    for (size_t i = 0; i < n; i++)
        x->data[i] = (double)i;
    kad_plot_add(plot, (kad_series){.mark = KAD_MARK_LINE,
                                    .n = n,
                                    .x = x->data,
                                    .y = y->data,
                                    .label = name,
                                    .color = color});
done:
    return status;
}

static kad_status draw_histories(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_status status = KAD_OK;
    size_t n = 0;
    char **names = NULL;
    bundle b = {0};
    kad_plot plot = {.x = {.label = "draw"}, .y = {.label = "m (order parameter)"}};
    KAD_TRY(members(ctx, file, "/samplers", &n, &names));
    for (size_t i = 0; i < n && i < N_SAMPLERS; i++)
        KAD_TRY(add_history(ctx, file, names[i], "m", (int)i, &b, &plot));
    if (plot.n_series == 0) {
        bundle_clear(&b);
        plot.y.label = "|m|";
        for (size_t i = 0; i < n && i < N_SAMPLERS; i++)
            KAD_TRY(add_history(ctx, file, names[i], "abs_m", (int)i, &b, &plot));
    }
    kad_plot_render(out, &plot);
done:
    bundle_clear(&b);
    kad_h5_free_names(n, names);
    return status;
}

const kad_figure kad_figure_histories = {
    .title = "History of the order parameter",
    .caption = "The first 600 recorded draws of the first chain.",
    .draw = draw_histories,
};

/* Row of an observable in /analysis/NAME; -1 when it is not there. */
static int find_observable(kad_ctx *ctx, kad_h5 *file, const char *group, size_t n,
                           const char *wanted)
{
    char path[256];
    char *names[128] = {NULL};
    int found = -1;
    snprintf(path, sizeof path, "%s/observable", group);
    if (n > 128 || !kad_h5_exists(file, path) ||
        kad_h5_read_strings(ctx, file, path, n, names) != KAD_OK)
        return -1;
    for (size_t i = 0; i < n; i++) {
        if (found < 0 && strcmp(names[i], wanted) == 0) found = (int)i;
        kad_free(names[i]);
    }
    return found;
}

static kad_status add_rho(kad_ctx *ctx, kad_h5 *file, const char *name, int color,
                          bundle *b, kad_plot *plot)
{
    kad_status status = KAD_OK;
    char group[200];
    snprintf(group, sizeof group, "/analysis/%s", name);
    kad_values *y = &b->y[color], *err = &b->err[color], *x = &b->x[color];
    KAD_TRY(kad_values_read_in(ctx, file, group, "rho", y));
    KAD_TRY(kad_values_read_in(ctx, file, group, "rho_err", err));
    if (y->n == 0 || y->rank != 2) goto done;
    int row = find_observable(ctx, file, group, y->dims[0], "abs_m");
    if (row < 0) row = 0;
    size_t n = y->dims[1];
    KAD_TRY(kad_new(ctx, n, sizeof *x->data, &x->data));
    for (size_t i = 0; i < n; i++)
        x->data[i] = (double)i;
    size_t first = (size_t)row * n;
    kad_plot_add(plot, (kad_series){.mark = KAD_MARK_POINTS,
                                    .n = n,
                                    .x = x->data,
                                    .y = y->data + first,
                                    .err = err->n == y->n ? err->data + first : NULL,
                                    .label = name,
                                    .color = color});
done:
    return status;
}

static kad_status draw_rho(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_status status = KAD_OK;
    size_t n = 0;
    char **names = NULL;
    bundle b = {0};
    kad_plot plot = {.x = {.label = "lag t (draws)"}, .y = {.label = "rho(t) of |m|"}};
    KAD_TRY(members(ctx, file, "/analysis", &n, &names));
    for (size_t i = 0; i < n && i < N_SAMPLERS; i++)
        KAD_TRY(add_rho(ctx, file, names[i], (int)i, &b, &plot));
    kad_plot_render(out, &plot);
done:
    bundle_clear(&b);
    kad_h5_free_names(n, names);
    return status;
}

const kad_figure kad_figure_rho = {
    .title = "Autocorrelation function",
    .caption = "Normalised autocorrelation of the order parameter; its sum is the "
               "integrated autocorrelation time.",
    .draw = draw_rho,
};
