/* What the curves of a sweep say of themselves: do maps and chains agree on ln Z, and do the
 * points overlap. /curves of sweep.h5. */
#include "analysis/report/grid.h"
#include "analysis/report/image.h"
#include "analysis/report/markup.h"
#include "analysis/report/report.h"
#include "analysis/report/svg.h"
#include "analysis/results.h"
#include "io/keys.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { COLORS = 8, PICTURE = 200, MOST_STATES = 64 };

/* A function of every curve: /curves/GROUP/SAMPLER at `path`, the count-th of all. */
typedef kad_status curve_visit(kad_scope *in, kad_h5 *file, const char *path,
                               const char *label, int count, void *self);

static kad_status each_curve(kad_scope *in, kad_h5 *file, curve_visit *visit, void *self)
{
    char **groups, **samplers, path[400];
    const char *label;
    size_t n_groups = 0, n;
    int count = 0;
    KAD_CALL(kad_members(in, file, "/curves", &n_groups, &groups));
    for (size_t g = 0; g < n_groups; g++) {
        snprintf(path, sizeof path, "/curves/%.200s", groups[g]);
        KAD_CALL(kad_members(in, file, path, &n, &samplers));
        for (size_t i = 0; i < n; i++) {
            snprintf(path, sizeof path, "/curves/%.200s/%.120s", groups[g], samplers[i]);
            KAD_CALL(kad_take_printf(in, &label, "%s, %s", groups[g], samplers[i]));
            KAD_CALL(visit(in, file, path, label, count++, self));
        }
    }
    return KAD_OK;
}

/* A column of a curve's points. */
static kad_status points_column(kad_scope *in, kad_h5 *file, const char *path,
                                const char *name, kad_values *out)
{
    char points[440];
    snprintf(points, sizeof points, "%s/points", path);
    return kad_values_read_in(in, file, points, name, out);
}

/* --- ln Z ------------------------------------------------------------------------------
 */

/* ln Z of the maps less that of maps and chains together. */
static kad_status add_anchor(kad_scope *in, kad_h5 *file, const char *path,
                             const char *label, int count, void *self)
{
    kad_plot *plot = self;
    kad_values at, map, err, both;
    KAD_CALL(points_column(in, file, path, "value", &at));
    KAD_CALL(points_column(in, file, path, "map_log_z", &map));
    KAD_CALL(points_column(in, file, path, "map_log_z_err", &err));
    KAD_CALL(points_column(in, file, path, "log_z", &both));
    bool any = false;
    for (size_t i = 0; i < map.n && both.n == map.n; i++) {
        map.data[i] -= both.data[i];
        any = any || isfinite(map.data[i]);
    }
    if (!any || at.n != map.n || err.n != map.n) return KAD_OK;
    kad_plot_add(plot, (kad_series){.mark = KAD_MARK_POINTS,
                                    .n = at.n,
                                    .x = at.data,
                                    .y = map.data,
                                    .err = err.data,
                                    .label = label,
                                    .color = count % COLORS});
    return KAD_OK;
}

/* A row of the table. */
static kad_status add_agreement(kad_scope *in, kad_h5 *file, const char *path,
                                const char *label, int count, void *self)
{
    kad_grid *g = self;
    kad_values n_eff;
    double least = INFINITY;
    (void)count;
    KAD_CALL(kad_values_read_in(in, file, path, "n_eff", &n_eff));
    for (size_t i = 0; i < n_eff.n; i++)
        least = fmin(least, n_eff.data[i]);
    const double p = kad_attr_real(in->ctx, file, path, "p");
    const double dof = (double)kad_attr_int(in->ctx, file, path, "dof");
    kad_grid_text(g, label);
    kad_grid_fixed(g, 0, (double)kad_attr_int(in->ctx, file, path, "n_draws"));
    kad_grid_fixed(g, 0, least);
    kad_grid_fixed(g, 1, kad_attr_real(in->ctx, file, path, "chi2"));
    kad_grid_fixed(g, 0, dof > 0 ? dof : (double)NAN);
    kad_grid_p(g, p);
    if (p < 0.01) kad_grid_mark(g);
    return KAD_OK;
}

/* The coupling of the curves, as an axis. */
static kad_status read_along(kad_scope *in, kad_h5 *file, const char *path,
                             const char *label, int count, void *self)
{
    const char **along = self;
    const char *key = kad_attr_string(in, file, path, "along");
    (void)label;
    (void)count;
    if (key != NULL) *along = kad_key_last_name(key);
    return KAD_OK;
}

static kad_status draw_anchor(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    kad_plot *plot;
    kad_grid g = {0};
    const double zero = 0;
    KAD_CALL(kad_take(&scope, 1, &plot));
    plot->x.label = "coupling";
    KAD_CALL(each_curve(&scope, file, read_along, &plot->x.label));
    plot->y.label = "ln Z of the map - anchored";
    KAD_CALL(each_curve(&scope, file, add_anchor, plot));
    if (plot->n_series > 0) {
        kad_plot_add(plot, (kad_series){.mark = KAD_MARK_LEVEL, .n = 1, .y = &zero});
        kad_plot_render(out, plot);
    }
    kad_grid_column(&g, "curve", KAD_GRID_NAME);
    kad_grid_column(&g, "draws", KAD_GRID_REAL);
    kad_grid_column(&g, "fewest effective", KAD_GRID_REAL);
    kad_grid_column(&g, "&chi;&sup2;", KAD_GRID_REAL);
    kad_grid_column(&g, "dof", KAD_GRID_REAL);
    kad_grid_column(&g, "p", KAD_GRID_REAL);
    KAD_CALL(each_curve(&scope, file, add_agreement, &g));
    kad_grid_render(&g, out);
    return KAD_OK;
}
const kad_figure kad_figure_sweep_anchor = {
    .title = "Do maps and chains agree on ln&nbsp;Z?",
    .caption =
        "The maps know ln&nbsp;Z at every point, the chains its differences. Points: a "
        "map's own value less that of both together, with its error; &chi;&sup2; of the "
        "misfits, whose covariance knows that proposals and the chain made of them, and "
        "points of one seed, share their noise.",
    .wide = true,
    .draw = draw_anchor,
};

/* --- overlap ---------------------------------------------------------------------------
 */

/* White to red as the share of a row grows. */
static kad_status add_picture(kad_scope *in, kad_h5 *file, const char *path,
                              const char *label, int count, void *self)
{
    kad_text *out = self;
    kad_values overlap;
    unsigned char *rgb;
    (void)count;
    KAD_CALL(points_column(in, file, path, "overlap", &overlap));
    const size_t K = overlap.rank == 2 ? overlap.dims[0] : 0;
    if (K < 2 || K > MOST_STATES || overlap.n != K * K) return KAD_OK;
    KAD_CALL(kad_take(in, 3 * K * K, &rgb));
    for (size_t i = 0; i < K * K; i++)
        kad_color_diverging(fmin(1, 1.5 * overlap.data[i]), rgb + 3 * i);
    kad_text_add(out, "<div><p class=\"note\">");
    kad_text_escape(out, label);
    kad_text_add(out, "</p>");
    kad_image_render(out, (int)K, (int)K, rgb, (int)(PICTURE / K), label);
    kad_text_add(out, "</div>");
    return KAD_OK;
}

/* Of neighbours, at the place between them. */
static kad_status add_neighbours(kad_scope *in, kad_h5 *file, const char *path,
                                 const char *label, int count, void *self)
{
    kad_plot *plot = self;
    kad_values at, overlap;
    double *xy;
    KAD_CALL(points_column(in, file, path, "value", &at));
    KAD_CALL(points_column(in, file, path, "overlap", &overlap));
    const size_t K = at.n;
    if (K < 2 || overlap.n != K * K) return KAD_OK;
    KAD_CALL(kad_take(in, 2 * K, &xy));
    for (size_t k = 0; k + 1 < K; k++) {
        xy[k] = 0.5 * (at.data[k] + at.data[k + 1]);
        xy[K + k] = overlap.data[k * K + k + 1];
    }
    kad_plot_add(plot, (kad_series){.mark = KAD_MARK_POINTS,
                                    .n = K - 1,
                                    .x = xy,
                                    .y = xy + K,
                                    .label = label,
                                    .color = count % COLORS});
    return KAD_OK;
}

static kad_status draw_overlap(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    KAD_TEXT(pictures);
    kad_plot *plot;
    const double least = 0.03;
    KAD_CALL(kad_take(&scope, 1, &plot));
    plot->x.label = "coupling";
    KAD_CALL(each_curve(&scope, file, read_along, &plot->x.label));
    plot->y.label = "overlap of neighbours";
    plot->y.log = true;
    KAD_CALL(each_curve(&scope, file, add_neighbours, plot));
    if (plot->n_series == 0) return KAD_OK;
    kad_plot_add(plot, (kad_series){.mark = KAD_MARK_LEVEL, .n = 1, .y = &least});
    kad_plot_render(out, plot);
    KAD_CALL(each_curve(&scope, file, add_picture, &pictures));
    if (pictures.n > 0) kad_text_add(out, "<div class=\"plots\">%s</div>", pictures.data);
    out->failed = out->failed || pictures.failed;
    return KAD_OK;
}
const kad_figure kad_figure_sweep_overlap = {
    .title = "Overlap of the points",
    .caption =
        "The share of a point's draws that could as well be its neighbour's: below "
        "the line the two hardly know of each other, and points between them "
        "help. Pictures: the same of all pairs, a row a point, white 0.",
    .wide = true,
    .draw = draw_overlap,
};
