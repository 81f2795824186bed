/* The geometry of the bulk: decay of correlations, distances with their fits, tables. */
#include "analysis/report/grid.h"
#include "analysis/report/report.h"
#include "analysis/report/svg.h"
#include "analysis/results.h"
#include "base/memory.h"
#include "io/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { GAPS = 10, COLORS = 6, NUMBER = 40 };

/* d - d_fit of every bin used, against d_fit, by difference of the levels. */
static kad_status draw_residuals(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    kad_curves c[GAPS];
    const double zero = 0;
    kad_plot plot = {.x = {.label = "distance in the hyperbolic fit (units of xi)"},
                     .y = {.label = "d - fit (units of xi)"}};
    for (int gap = 0; gap < GAPS; gap++) {
        char label[32];
        snprintf(label, sizeof label, "levels %d apart", gap);
        const kad_layer layer = {.group = "/geodesics",
                                 .x = "d_fit",
                                 .y = "d",
                                 .split = KAD_SPLIT_PAIRS,
                                 .apart = gap,
                                 .flag = "used",
                                 .marks = KAD_DRAW_POINTS,
                                 .label = gap == 0 ? "same level" : label,
                                 .color = gap % COLORS};
        KAD_CALL(kad_curves_read(&scope, file, &layer, &c[gap]));
        for (size_t i = 0; c[gap].n > 0 && i < c[gap].at[0].n; i++)
            c[gap].at[0].y[i] -= c[gap].at[0].x[i];
        kad_curves_add(&plot, &layer, &c[gap]);
    }
    kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_LEVEL, .n = 1, .y = &zero});
    kad_plot_render(out, &plot);
    return KAD_OK;
}

/* --- tables ------------------------------------------------------------------------ */

/* "d0 = 0.95(29), radius = 0.38(8), ..." */
static kad_status add_parameters(kad_ctx *ctx, kad_h5 *file, const char *group,
                                 kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    kad_values value, err;
    char path[128], text[NUMBER], *names[8];
    KAD_CALL(kad_values_read_in(&scope, file, group, "value", &value));
    KAD_CALL(kad_values_read_in(&scope, file, group, "err", &err));
    if (value.n == 0 || value.n > 8 || err.n != value.n) return KAD_OK;
    snprintf(path, sizeof path, "%s/parameter", group);
    KAD_CALL(kad_h5_read_strings(&scope, file, path, value.n, names));
    for (size_t i = 0; i < value.n; i++)
        kad_text_add(out, "%s%s = %s", i > 0 ? ", " : "", names[i],
                     kad_format_error(text, sizeof text, value.data[i], err.data[i]));
    return KAD_OK;
}

static kad_status draw_models(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    static const char *const models[] = {"hyperbolic", "flat", "tree"};
    static const char *const heads[] = {"chi&sup2;/dof", "p", "scatter", "&Delta;AIC"};
    kad_grid g = {0};
    KAD_TEXT(text);
    if (!kad_h5_exists(file, "/geodesics/fits")) return KAD_OK;
    kad_grid_column(&g, "space", KAD_GRID_NAME);
    kad_grid_column(&g, "parameters", KAD_GRID_NAME);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        kad_grid_column(&g, heads[i], KAD_GRID_REAL);
    for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
        char group[64];
        snprintf(group, sizeof group, "/geodesics/fits/%s", models[m]);
        if (!kad_h5_exists(file, group)) continue;
        KAD_CALL(add_parameters(ctx, file, group, &text));
        kad_grid_text(&g, models[m]);
        kad_grid_text(&g, text.data);
        kad_text_clear(&text);
        kad_grid_real(&g, 3,
                      kad_attr_real(ctx, file, group, "chi2") /
                          (double)kad_attr_int(ctx, file, group, "dof"));
        kad_grid_p(&g, kad_attr_real(ctx, file, group, "p_value"));
        kad_grid_fixed(&g, 3, kad_attr_real(ctx, file, group, "scatter"));
        kad_grid_fixed(&g, 1, kad_attr_real(ctx, file, group, "delta_aic"));
    }
    kad_grid_render(&g, out);
    return KAD_OK;
}

const kad_figure kad_figure_geodesic_decay = {
    .title = "Correlations of latents of one level",
    .caption = "Root mean square connected correlation of pairs of latents at one level, "
               "over configurations of the chain, with Gamma-method errors; the bias of "
               "the noise is taken out, and what came out negative is not shown. Small "
               "dots: the same from draws of the map, where there is none. A straight "
               "line here is a power law; a perfect map would leave nothing.",
    .group = "/correlators/bulk",
    .absent = "no pair of latents is correlated above the noise: what a perfect map "
              "would leave",
    .plot =
        {
            .x = {.label = "separation (lattice steps)", .log = true},
            .y = {.label = "|connected correlation|", .log = true},
            .layer = {{.group = "/correlators/bulk",
                       .x = "r",
                       .y = "magnitude",
                       .split = KAD_SPLIT_PAIRS,
                       .flag = "r", /* not of a latent with itself */
                       .marks = KAD_DRAW_POINTS},
                      {.group = "/correlators/bulk/null",
                       .x = "r",
                       .y = "magnitude",
                       .split = KAD_SPLIT_PAIRS,
                       .flag = "r", /* not of a latent with itself */
                       .marks = KAD_DRAW_DOTS,
                       .label = "draws of the map (noise)",
                       .color = 5}},
        },
};

const kad_figure kad_figure_geodesic_distance = {
    .title = "Distance in the bulk against separation",
    .caption = "d = d0 - xi ln|&lt;zz&gt;| at each level, for bins above the noise, with "
               "the fit of hyperbolic space (lines). Straight against the logarithm of "
               "the separation: a scale-free system, as at criticality; bending upwards: "
               "a finite correlation length. Errors are statistical.",
    .group = "/correlators/bulk",
    .absent = "no bin stands above the noise",
    .plot =
        {
            .x = {.label = "separation (lattice steps)", .log = true},
            .y = {.label = "distance d (units of xi)"},
            .layer = {{.group = "/geodesics",
                       .x = "r",
                       .y = "d",
                       .split = KAD_SPLIT_PAIRS,
                       .flag = "used",
                       .marks = KAD_DRAW_POINTS},
                      {.group = "/geodesics",
                       .x = "r",
                       .y = "d_fit",
                       .split = KAD_SPLIT_PAIRS,
                       .flag = "used",
                       .marks = KAD_DRAW_LINE,
                       .unnamed = true}},
        },
};

const kad_figure kad_figure_geodesic_residuals = {
    .title = "What the hyperbolic fit leaves",
    .caption =
        "Measured less fitted distance of every bin used, by the difference of the "
        "levels. Colours that stand apart from zero as groups say that the fit "
        "joins the levels wrongly; the scatter within one colour is that of "
        "latents of different kind.",
    .draw = draw_residuals,
};

const kad_figure kad_figure_geodesic_models = {
    .title = "Which space do the distances fit?",
    .caption = "chi&sup2;/dof and p: with statistical errors alone, the model taken at "
               "its word. Parameters and &Delta;AIC: allowing for a scatter of the bins "
               "about the model; the smallest AIC describes the data best, and "
               "differences below about 4 say little. Lengths in units of xi.",
    .wide = true,
    .group = "/correlators/bulk",
    .absent = "fewer bins above the noise than a fit has parameters",
    .draw = draw_models,
};

const kad_figure kad_figure_geodesic_growth = {
    .title = "Growth of distance at each level",
    .caption =
        "Lines through the distances of one level, in ln r and in r, with the root "
        "mean square of what they leave. A positive difference of AIC favours "
        "logarithmic growth, a negative one linear growth.",
    .wide = true,
    .group = "/correlators/bulk",
    .absent = "no level has enough bins above the noise for a line",
    .table = {.group = "/geodesics/growth",
              .column = {{.head = "level", .name = "level"},
                         {.head = "bins", .name = "n"},
                         {.head = "slope in ln r",
                          .name = "log_slope",
                          .err = "log_slope_err"},
                         {.head = "scatter", .name = "log_rms"},
                         {.head = "slope in r",
                          .name = "linear_slope",
                          .err = "linear_slope_err"},
                         {.head = "scatter", .name = "linear_rms"},
                         {.head = "AIC linear - log", .name = "delta_aic"}}},
};

const kad_figure kad_figure_geodesic_rule = {
    .title = "What the rule of noise does",
    .caption = "Bins count when their squared correlation is at least so many errors "
               "above zero (bulk.noise in the fits above), and this is what other "
               "thresholds give: a radius that drifts with the threshold is decided by "
               "the rule, not by the data. No fit is made of fewer bins than it has "
               "parameters and one more.",
    .wide = true,
    .table = {.group = "/geodesics/rule",
              .column = {{.head = "threshold", .name = "threshold"},
                         {.head = "bins", .name = "n_used"},
                         {.head = "radius", .name = "radius", .err = "radius_err"},
                         {.head = "chi&sup2;/dof", .name = "chi2_dof"},
                         {.head = "AIC hyperbolic", .name = "aic_hyperbolic"},
                         {.head = "flat", .name = "aic_flat"},
                         {.head = "tree", .name = "aic_tree"}}},
};
