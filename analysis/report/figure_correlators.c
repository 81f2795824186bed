/* The two-point function of every sampler, and what separates it from the best of them. */
#include "analysis/report/report.h"
#include "analysis/report/svg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const kad_figure kad_figure_correlator = {
    .title = "Two-point function G(r)",
    .caption = "With errors that include autocorrelation; points of different samplers "
               "stand side by side for the eye, neighbours of one sampler are "
               "correlated.",
    .group = "/samplers",
    .absent = "no two-point function along an axis was measured",
    .plot =
        {
            .x = {.label = "separation r along an axis (lattice units)"},
            .y = {.label = "G(r)", .log = true},
            .or_linear = true,
            .layer = {{.group = "/correlators/boundary",
                       .x = "r",
                       .y = "G",
                       .split = KAD_SPLIT_SAMPLERS,
                       .marks = KAD_DRAW_POINTS}},
        },
};

static double total_error(const kad_curve *c)
{
    double sum = 0.0;
    for (size_t k = 1; k < c->n; k++)
        sum += c->err != NULL ? c->err[k] : INFINITY;
    return sum;
}

/* The cluster sampler, else the one with the smallest errors. */
static size_t find_best(const kad_curves *c)
{
    size_t best = 0;
    for (size_t i = 0; i < c->n; i++) {
        const double own = total_error(&c->at[i]), least = total_error(&c->at[best]);
        if (own < least || (isnan(least) && isfinite(own))) best = i;
    }
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->at[i].label, "cluster") == 0) best = i;
    return best;
}

/* y becomes (y - y of best)/error of the difference. */
static void subtract(kad_curve *c, const kad_curve *best)
{
    for (size_t k = 0; k < c->n; k++) {
        const double err = c->err == NULL || best->err == NULL || k >= best->n
                               ? (double)NAN
                               : hypot(c->err[k], best->err[k]);
        c->y[k] = err > 0 ? (c->y[k] - best->y[k]) / err : (double)NAN;
        if (c->err != NULL) c->err[k] = 1.0;
    }
}

static kad_status draw_difference(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    const kad_layer *layer = kad_figure_correlator.plot.layer;
    kad_curves c;
    const double zero = 0.0;
    char label[128];
    KAD_CALL(kad_curves_read(&scope, file, layer, &c));
    if (c.n < 2) return KAD_OK;
    kad_curve *best = &c.at[find_best(&c)];
    snprintf(label, sizeof label, "(G - G of %s) / error", best->label);
    kad_plot plot = {.x = {.label = "separation r along an axis (lattice units)"},
                     .y = {.label = label}};
    for (size_t i = 0; i < c.n; i++)
        if (&c.at[i] != best) subtract(&c.at[i], best);
    best->n = 0; /* its own difference is zero: the line */
    kad_curves_add(&plot, layer, &c);
    kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_LEVEL,
                                     .n = 1,
                                     .y = &zero,
                                     .label = best->label,
                                     .color = best->color});
    kad_curves_render(out, &plot, layer, &c);
    return KAD_OK;
}

const kad_figure kad_figure_difference = {
    .title = "Two-point functions against the best known",
    .caption = "Differences in units of their error, against the cluster sampler where "
               "there is one, else against the sampler with the smallest errors. Two "
               "samplers of one model scatter about zero by one; neighbouring points "
               "move together.",
    .group = "/correlators/boundary",
    .absent = "no two samplers have errors at the same separation",
    .draw = draw_difference,
};

const kad_figure kad_figure_mass = {
    .title = "Effective mass",
    .caption = "arccosh[(C(t&minus;1) + C(t+1))/(2&nbsp;C(t))] of the zero-momentum "
               "correlator: constant where one state dominates.",
    .group = "/correlators/boundary",
    .absent = "no separation has a correlator from which a mass can be taken (too noisy, "
              "or too few separations)",
    .plot =
        {
            .x = {.label = "separation t (lattice units)"},
            .y = {.label = "m_eff(t) (1/lattice spacing)"},
            .layer = {{.group = "/correlators/boundary",
                       .x = "r",
                       .y = "m_eff",
                       .split = KAD_SPLIT_SAMPLERS,
                       .marks = KAD_DRAW_POINTS}},
        },
};
