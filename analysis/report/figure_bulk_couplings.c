/* The renormalised theory: couplings, densities and correlations of the coarse fields. */
#include "analysis/report/bulk_couplings.h"
#include "analysis/report/grid.h"
#include "analysis/report/report.h"
#include "analysis/report/svg.h"
#include "analysis/results.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef kad_coupling_table couplings;

/* One operator of both estimates against level. */
static void draw_operator(const couplings *c, size_t a, double *x, double *work,
                          kad_text *out)
{
    char label[64];
    const size_t n = c->n_levels;
    double *y = work, *err = y + n, *z = err + n, *zerr = z + n;
    snprintf(label, sizeof label, "coupling of %s", c->name[a]);
    kad_plot plot = {.x = {.label = "level (0: boundary)"}, .y = {.label = label}};
    double lo = HUGE_VAL, hi = -HUGE_VAL;
    for (size_t h = 0; h < n; h++) {
        x[h] = (double)h;
        y[h] = c->samples.data[h * c->n_operators + a];
        err[h] = c->samples_err.data[h * c->n_operators + a];
        z[h] = c->flow.data[h * c->n_operators + a];
        zerr[h] = c->flow_err.data[h * c->n_operators + a];
        if (!isfinite(y[h])) continue;
        lo = fmin(lo, y[h] - (isfinite(err[h]) ? err[h] : 0));
        hi = fmax(hi, y[h] + (isfinite(err[h]) ? err[h] : 0));
    }
    if (!(lo <= hi)) return;
    /* a map that has not learned would hide the rest */
    const double room = 0.5 * (hi - lo) + 1e-3;
    for (size_t h = 0; h < n; h++)
        if (!(z[h] - zerr[h] > lo - room && z[h] + zerr[h] < hi + room)) z[h] = NAN;
    kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_POINTS,
                                     .n = n,
                                     .x = x,
                                     .y = y,
                                     .err = err,
                                     .label = "from samples",
                                     .color = 0});
    kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_POINTS,
                                     .n = n,
                                     .x = x,
                                     .y = z,
                                     .err = zerr,
                                     .label = "from the map",
                                     .color = 1,
                                     .shift = 0.12});
    const double *exact = c->exact.n > 0 ? &c->exact.data[a] : NULL;
    if (exact != NULL)
        kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_POINTS,
                                         .n = 1,
                                         .x = x,
                                         .y = exact,
                                         .label = "exact",
                                         .color = 2,
                                         .shift = -0.12});
    kad_text_add(out, "<div>");
    kad_plot_render(out, &plot);
    kad_text_add(out, "</div>");
}

static kad_status draw_couplings(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    couplings c;
    double *work;
    KAD_CALL(kad_coupling_table_read(&scope, file, &c));
    if (c.n_levels == 0) return KAD_OK;
    KAD_CALL(kad_take(&scope, 6 * c.n_levels, &work));
    kad_text_add(out, "<div class=\"plots\">");
    for (size_t a = 0; a < c.n_operators; a++)
        draw_operator(&c, a, work, work + 2 * c.n_levels, out);
    kad_text_add(out, "</div>");
    return KAD_OK;
}

const kad_figure kad_figure_bulk_couplings = {
    .title = "Flow of the couplings",
    .caption =
        "Renormalised action of the coarse field of every level, S = sum g O, for fields "
        "of unit variance. From samples: Schwinger-Dyson equations, no use of the action "
        "or the map's density. From the map: least squares of S(x) - ln|det| + ln p(fine "
        "latents). They agree where the operators span the renormalised action and the "
        "map decouples the finer levels. At criticality couplings settle, away from it "
        "they run to the disordered or to the ordered fixed point. Values of the map far "
        "off the scale of the samples are not drawn; the table has them. Exact: what the "
        "action itself says of the boundary field, where it is a sum of these operators.",
    .wide = true,
    .draw = draw_couplings,
};

static void add_row(kad_grid *g, const couplings *c, size_t a, const char *from,
                    const kad_values *value, const kad_values *err)
{
    kad_grid_text(g, c->name[a]);
    kad_grid_text(g, from);
    for (size_t h = 0; h < c->n_levels; h++)
        kad_grid_estimate(g, value->data[h * c->n_operators + a],
                          err->data[h * c->n_operators + a], true);
}

/* Operators by levels, both estimates and, of the boundary, what is exact. */
static kad_status draw_table(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    couplings c;
    kad_grid g = {.wide = true};
    KAD_CALL(kad_coupling_table_read(&scope, file, &c));
    if (c.n_levels == 0) return KAD_OK;
    kad_grid_column(&g, "operator", KAD_GRID_NAME);
    kad_grid_column(&g, "from", KAD_GRID_NAME);
    for (size_t h = 0; h < c.n_levels; h++) {
        char head[32];
        snprintf(head, sizeof head, "level %zu", h);
        kad_grid_column(&g, head, KAD_GRID_ESTIMATE);
    }
    for (size_t a = 0; a < c.n_operators; a++) {
        add_row(&g, &c, a, "samples", &c.samples, &c.samples_err);
        add_row(&g, &c, a, "map", &c.flow, &c.flow_err);
        if (c.exact.n == 0) continue;
        kad_grid_text(&g, c.name[a]);
        kad_grid_text(&g, "exact");
        for (size_t h = 0; h < c.n_levels; h++)
            kad_grid_real(&g, 6, h == 0 ? c.exact.data[a] : (double)NAN);
    }
    kad_grid_render(&g, out);
    return KAD_OK;
}

const kad_figure kad_figure_bulk_coupling_table = {
    .title = "Couplings of every level",
    .caption = "The same numbers, for fields of unit variance; errors include the "
               "autocorrelation of the chain. S counts every bond and plaquette once: "
               "nn is minus the usual coupling.",
    .wide = true,
    .draw = draw_table,
};

const kad_figure kad_figure_bulk_residuals = {
    .title = "How well operators explain the renormalised action",
    .caption =
        "Standard deviation of the renormalised action over configurations and of "
        "what the least squares leave, in nats. A remainder beyond a few nats says "
        "that the map leaves the finer levels entangled with this one, or that the "
        "action is not local in it.",
    .table =
        {.group = "/bulk/couplings",
         .column = {{.head = "level"},
                    {.head = "rms of the field", .name = "scale", .digits = 4},
                    {.head = "spread of S<sub>h</sub>", .name = "spread", .digits = 4},
                    {.head = "not explained", .name = "residual", .digits = 4}}},
};

const kad_figure kad_figure_bulk_density = {
    .title = "One-point densities of the coarse fields",
    .caption = "Density of a component of the field at every level, in units of its root "
               "mean square. Two peaks: an ordered field; one Gaussian peak: a "
               "disordered one.",
    .plot =
        {
            .x = {.label = "component of the field / root mean square"},
            .y = {.label = "density"},
            .layer = {{.group = "/bulk/densities",
                       .x = "component",
                       .y = "density",
                       .split = KAD_SPLIT_ROWS,
                       .marks = KAD_DRAW_BAND | KAD_DRAW_LINE}},
        },
};

const kad_figure kad_figure_bulk_correlator = {
    .title = "Two-point functions of the coarse fields",
    .caption = "Along an axis, each level in its own lattice steps. Curves that fall on "
               "each other say scale invariance; steeper ones at coarser levels a finite "
               "correlation length.",
    .plot =
        {
            .x = {.label = "separation (steps of the level's lattice)"},
            .y = {.label = "G(r)/G(0)"},
            .layer = {{.group = "/bulk/densities",
                       .y = "correlator",
                       .split = KAD_SPLIT_ROWS,
                       .marks = KAD_DRAW_BAND | KAD_DRAW_LINE}},
        },
};
