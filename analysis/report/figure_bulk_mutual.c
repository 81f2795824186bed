/* What latents still know of each other. */
#include "analysis/report/grid.h"
#include "analysis/report/report.h"
#include "analysis/report/svg.h"
#include "analysis/results.h"

#include <math.h>

const kad_figure kad_figure_bulk_mutual = {
    .title = "Mutual information within a level",
    .caption = "Gaussian estimate for pairs of latents of one level, less what shifted "
               "configurations give; only positive values can be shown, the numbers "
               "have all. Under the prior "
               "it would be zero: what is left the map has not undone.",
    .group = "/bulk/mutual",
    .absent = "no pair of latents of a level has information above zero",
    .plot =
        {
            .x = {.label = "separation (lattice units)", .log = true},
            .y = {.label = "mutual information of a pair (nats)", .log = true},
            .layer = {{.group = "/bulk/mutual",
                       .x = "r",
                       .y = "gaussian",
                       .split = KAD_SPLIT_PAIRS,
                       .marks = KAD_DRAW_POINTS}},
        },
};

const kad_figure kad_figure_bulk_mutual_between = {
    .title = "Mutual information between neighbouring levels",
    .caption = "The same for pairs of a latent and one of the next coarser level.",
    .group = "/bulk/mutual",
    .absent = "no pair of latents of neighbouring levels has information above zero",
    .plot =
        {
            .x = {.label = "separation (lattice units)", .log = true},
            .y = {.label = "mutual information of a pair (nats)", .log = true},
            .layer = {{.group = "/bulk/mutual",
                       .x = "r",
                       .y = "gaussian",
                       .split = KAD_SPLIT_PAIRS,
                       .apart = 1,
                       .marks = KAD_DRAW_POINTS}},
        },
};

static const kad_layer kraskov[] = {
    {.group = "/bulk/mutual",
     .x = "strongest",
     .y = "knn",
     .marks = KAD_DRAW_POINTS,
     .label = "strongest pair of each bin"},
    {.group = "/bulk/mutual",
     .x = "strongest",
     .y = "knn_null",
     .marks = KAD_DRAW_POINTS,
     .label = "the same, configurations shifted",
     .color = 1},
};

static kad_status draw_kraskov(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    kad_curves c[2];
    kad_plot plot = {.x = {.label = "Gaussian estimate (nats)"},
                     .y = {.label = "k nearest neighbours (nats)"}};
    bool known = false;
    double line[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        KAD_CALL(kad_curves_read(&scope, file, &kraskov[i], &c[i]));
        kad_curves_add(&plot, &kraskov[i], &c[i]);
    }
    const kad_curve *pairs = &c[0].at[0];
    for (size_t i = 0; i < pairs->n; i++) {
        if (isfinite(pairs->x[i])) line[1] = fmax(line[1], pairs->x[i]);
        known = known || (isfinite(pairs->x[i]) && isfinite(pairs->y[i]));
    }
    if (!known) return KAD_OK;
    kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_LINE,
                                     .n = 2,
                                     .x = line,
                                     .y = line,
                                     .label = "equal",
                                     .color = 2});
    kad_plot_render(out, &plot);
    return KAD_OK;
}

const kad_figure kad_figure_bulk_kraskov = {
    .title = "Information beyond correlation",
    .caption =
        "Kraskov's estimate, which sees any dependence, against the Gaussian one, "
        "which sees correlations only. Points above the line are dependent in ways "
        "that no correlation shows (signs, moduli); shifted configurations must "
        "scatter about zero.",
    .group = "/bulk/mutual",
    .absent = "no pair has an estimate by nearest neighbours (too few configurations)",
    .draw = draw_kraskov,
};

static kad_status scalar(kad_ctx *ctx, kad_h5 *file, const char *name, double *out)
{
    KAD_SCOPE(scope, ctx);
    kad_values value;
    KAD_CALL(kad_values_read_in(&scope, file, "/bulk/bottleneck", name, &value));
    *out = value.n > 0 ? value.data[0] : (double)NAN;
    return KAD_OK;
}

static kad_status draw_bottleneck(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    double v[6];
    static const char *const names[] = {"boundary", "boundary_err", "cut",
                                        "cut_err",  "cut_knn",      "cut_knn_err"};
    static const char *const rows[] = {
        "I(A:B) of the halves, Gaussian",
        "I(a:b) of the coarse variables at the cut, Gaussian",
        "the same, k nearest neighbours"};
    kad_grid g = {0};
    for (int i = 0; i < 6; i++)
        KAD_CALL(scalar(ctx, file, names[i], &v[i]));
    if (isnan(v[0])) return KAD_OK;
    kad_grid_column(&g, "information (nats)", KAD_GRID_NAME);
    kad_grid_column(&g, "value", KAD_GRID_ESTIMATE);
    for (int i = 0; i < 3; i++) {
        kad_grid_text(&g, rows[i]);
        kad_grid_estimate(&g, v[2 * i], v[2 * i + 1], true);
    }
    kad_grid_render(&g, out);
    return KAD_OK;
}

const kad_figure kad_figure_bulk_bottleneck = {
    .title = "The bottleneck of a tree",
    .caption = "Without disentanglers all that the two halves of the lattice share must "
               "pass through the few coarse variables at the cut if the finer latents "
               "are to be independent. I(A:B) above I(a:b) is information that leaks "
               "past the bottleneck: the latents are not independent.",
    .draw = draw_bottleneck,
};
