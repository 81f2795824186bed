/* Finite-size scaling on the page of a sweep: /fss of sweep.h5. */
#include "analysis/report/grid.h"
#include "analysis/report/markup.h"
#include "analysis/report/report.h"
#include "analysis/report/svg.h"
#include "analysis/results.h"
#include "io/keys.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SIZES = 16, COLORS = 8 };

/* One drawing of every group of /fss, headed by its name where there are several. */
typedef kad_status draw_group(kad_scope *in, kad_h5 *file, const char *group,
                              const char *what, kad_text *out);

static kad_status each_group(kad_ctx *ctx, kad_h5 *file, draw_group *draw,
                             const char *what, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    char **names, path[256];
    size_t n = 0;
    KAD_CALL(kad_members(&scope, file, "/fss", &n, &names));
    for (size_t i = 0; i < n; i++) {
        KAD_TEXT(body);
        body.numbers = out->numbers;
        snprintf(path, sizeof path, "/fss/%.200s", names[i]);
        KAD_CALL(draw(&scope, file, path, what, &body));
        if (body.n > 0 && n > 1) {
            kad_text_add(out, "<p class=\"note\">");
            kad_text_escape(out, names[i]);
            kad_text_add(out, "</p>");
        }
        if (body.n > 0) kad_text_add(out, "%s", body.data);
        out->failed = out->failed || body.failed;
    }
    return KAD_OK;
}

/* --- points by size ------------------------------------------------------------------
 */

/* Columns of a group whose rows are points, split by their size. */
typedef struct by_size {
    size_t n_sizes;
    double size[SIZES];
    size_t first[SIZES + 1]; /* row of each size, which stand together */
    char label[SIZES][32];
    kad_values x, y, err;
} by_size;

static kad_status read_by_size(kad_scope *in, kad_h5 *file, const char *group,
                               const char *x, const char *y, const char *err, by_size *b)
{
    kad_values size;
    *b = (by_size){0};
    KAD_CALL(kad_values_read_in(in, file, group, "size", &size));
    KAD_CALL(kad_values_read_in(in, file, group, x, &b->x));
    KAD_CALL(kad_values_read_in(in, file, group, y, &b->y));
    if (err != NULL) KAD_CALL(kad_values_read_in(in, file, group, err, &b->err));
    if (b->y.n != size.n || b->x.n != size.n || (err != NULL && b->err.n != size.n))
        return KAD_OK;
    for (size_t i = 0; i < size.n; i++) {
        if (b->n_sizes > 0 && size.data[i] == b->size[b->n_sizes - 1]) continue;
        if (b->n_sizes == SIZES) break;
        b->first[b->n_sizes] = i;
        snprintf(b->label[b->n_sizes], sizeof b->label[0], "L = %.10g", size.data[i]);
        b->size[b->n_sizes++] = size.data[i];
    }
    b->first[b->n_sizes] = size.n;
    return KAD_OK;
}

static void add_by_size(kad_plot *plot, const by_size *b, bool lines)
{
    for (size_t s = 0; s < b->n_sizes; s++) {
        const size_t first = b->first[s], n = b->first[s + 1] - first;
        kad_series series = {.mark = KAD_MARK_LINE,
                             .n = n,
                             .x = b->x.data + first,
                             .y = b->y.data + first,
                             .err = b->err.n > 0 ? b->err.data + first : NULL,
                             .name = b->label[s],
                             .color = (int)s % COLORS};
        if (lines) kad_plot_add(plot, series);
        series.mark = KAD_MARK_POINTS;
        series.label = b->label[s];
        kad_plot_add(plot, series);
    }
}

/* The coupling that is tuned, as an axis. */
static const char *tune_of(kad_scope *in, kad_h5 *file, const char *group)
{
    const char *key = kad_attr_string(in, file, group, "tune");
    return key != NULL ? kad_key_last_name(key) : "coupling";
}

/* The first T_c that is stated. */
static kad_status critical_of(kad_scope *in, kad_h5 *file, const char *group, double *tc)
{
    char path[400];
    char **name;
    kad_values value;
    *tc = NAN;
    snprintf(path, sizeof path, "%s/results", group);
    KAD_CALL(kad_values_read_in(in, file, path, "value", &value));
    KAD_CALL(kad_texts_read_in(in, file, path, "quantity", value.n, &name));
    for (size_t i = value.n; name != NULL && i-- > 0;)
        if (strcmp(name[i], "T_c") == 0) *tc = value.data[i];
    return KAD_OK;
}

/* The curve of a lattice size in /curves by the sampler of `group`; n = 0: none. */
static kad_status curve_of(kad_scope *in, kad_h5 *file, const char *group, double size,
                           const char *what, kad_values xy[3])
{
    const char *sampler = kad_attr_string(in, file, group, "sampler");
    char **names, path[400], err[64];
    size_t n = 0;
    xy[0].n = 0;
    KAD_CALL(kad_members(in, file, "/curves", &n, &names));
    snprintf(err, sizeof err, "%.50s_err", what);
    for (size_t i = 0; i < n && xy[0].n == 0 && sampler != NULL; i++) {
        snprintf(path, sizeof path, "/curves/%.200s", names[i]);
        if ((double)kad_attr_int(in->ctx, file, path, "extent") != size) continue;
        snprintf(path, sizeof path, "/curves/%.200s/%.120s", names[i], sampler);
        KAD_CALL(kad_values_read_in(in, file, path, "value", &xy[0]));
        KAD_CALL(kad_values_read_in(in, file, path, what, &xy[1]));
        KAD_CALL(kad_values_read_in(in, file, path, err, &xy[2]));
        if (xy[1].n != xy[0].n || xy[2].n != xy[0].n) xy[0].n = 0;
    }
    return KAD_OK;
}

/* Curves of all sizes behind the points, where there are any: *drawn. Seeds and other keys make
 * several of one size, of which none is drawn. */
static kad_status add_curves(kad_scope *in, kad_h5 *file, const char *group,
                             const char *what, const by_size *b, kad_plot *plot,
                             bool *drawn)
{
    static const kad_mark marks[] = {KAD_MARK_BAND, KAD_MARK_LINE};
    char **names;
    size_t n = 0;
    *drawn = false;
    KAD_CALL(kad_members(in, file, "/curves", &n, &names));
    for (size_t s = 0; s < b->n_sizes && n == b->n_sizes; s++) {
        kad_values xy[3];
        KAD_CALL(curve_of(in, file, group, b->size[s], what, xy));
        if (xy[0].n == 0) continue;
        *drawn = true;
        for (size_t k = 0; k < 2; k++)
            kad_plot_add(plot, (kad_series){.mark = marks[k],
                                            .n = xy[0].n,
                                            .x = xy[0].data,
                                            .y = xy[1].data,
                                            .err = xy[2].data,
                                            .name = b->label[s],
                                            .color = (int)s % COLORS});
    }
    return KAD_OK;
}

static kad_status points_of(kad_scope *in, kad_h5 *file, const char *group,
                            const char *what, kad_text *out)
{
    char path[400], err[64];
    by_size *b;
    double *tc;
    bool curves;
    kad_plot *plot;
    const double level = 2 / M_PI;
    KAD_CALL(kad_take(in, 1, &b));
    KAD_CALL(kad_take(in, 1, &tc));
    KAD_CALL(kad_take(in, 1, &plot));
    snprintf(path, sizeof path, "%s/points", group);
    snprintf(err, sizeof err, "%s_err", what);
    KAD_CALL(read_by_size(in, file, path, "tune", what, err, b));
    if (b->n_sizes == 0) return KAD_OK;
    plot->x.label = tune_of(in, file, group);
    KAD_CALL(critical_of(in, file, group, tc));
    plot->y.label = what;
    if (strcmp(what, "xi_over_L") == 0) plot->y.label = "xi/L";
    if (strcmp(what, "beta_helicity") == 0) plot->y.label = "beta Y";
    plot->y.log = strcmp(what, "chi") == 0;
    KAD_CALL(add_curves(in, file, group, what, b, plot, &curves));
    add_by_size(plot, b, !curves);
    if (isfinite(*tc))
        kad_plot_add(
            plot, (kad_series){
                      .mark = KAD_MARK_AT, .n = 1, .x = tc, .label = "T_c", .color = 7});
    if (strcmp(what, "beta_helicity") == 0)
        kad_plot_add(plot, (kad_series){.mark = KAD_MARK_LEVEL,
                                        .n = 1,
                                        .y = &level,
                                        .label = "2/pi",
                                        .color = 7});
    kad_plot_render(out, plot);
    return KAD_OK;
}

#define POINTS(id, column)                                                 \
    static kad_status draw_##id(kad_ctx *ctx, kad_h5 *file, kad_text *out) \
    {                                                                      \
        return each_group(ctx, file, points_of, column, out);              \
    }
POINTS(binder, "binder")
POINTS(xi, "xi_over_L")
POINTS(chi, "chi")
POINTS(abs_m, "abs_m")
POINTS(jump, "beta_helicity")

const kad_figure kad_figure_fss_binder = {
    .title = "Binder cumulant",
    .caption = "Curves of all sizes meet at T<sub>c</sub>, up to corrections to scaling. "
               "Lines: all points of a size together by reweighting, with their errors; "
               "without such curves they join the points.",
    .draw = draw_binder,
};
const kad_figure kad_figure_fss_xi = {
    .title = "Correlation length over L",
    .caption = "&xi; is the second-moment correlation length, from G(0) and "
               "G(k<sub>min</sub>); its curves meet at T<sub>c</sub> too.",
    .draw = draw_xi,
};
const kad_figure kad_figure_fss_chi = {
    .title = "Susceptibility",
    .caption = "N&nbsp;&lt;m&sup2;&gt;, which grows as L<sup>&gamma;/&nu;</sup> at "
               "T<sub>c</sub>.",
    .draw = draw_chi,
};
const kad_figure kad_figure_fss_abs_m = {
    .title = "Order parameter",
    .caption = "&lt;|m|&gt;, which falls as L<sup>&minus;&beta;/&nu;</sup> at "
               "T<sub>c</sub>.",
    .draw = draw_abs_m,
};
const kad_figure kad_figure_fss_jump = {
    .title = "Helicity modulus and the universal jump",
    .caption =
        "In the infinite system &beta;Y jumps from 2/&pi; to 0 at T<sub>KT</sub> "
        "(Nelson, Kosterlitz). On finite lattices it meets the line above it, at a "
        "coupling that moves with 1/ln&sup2;&nbsp;L only. T<sub>c</sub>: where two sizes "
        "have &beta;Y = 0.6365 + 0.3189/(ln&nbsp;L + C) with the same C.",
    .draw = draw_jump,
};

/* --- collapses -----------------------------------------------------------------------
 */

static kad_status collapse_of(kad_scope *in, kad_h5 *file, const char *group,
                              const char *what, kad_text *out)
{
    static const struct {
        const char *name, *symbol, *label;
    } quantity[] = {{"binder", "U", "U"},
                    {"xi_over_L", "xi/L", "xi/L"},
                    {"chi", "chi", "chi L^(-gamma/nu)"},
                    {"abs_m", "|m|", "|m| L^(beta/nu)"}};
    const bool residuals = strcmp(what, "residual") == 0;
    char all[400];
    snprintf(all, sizeof all, "%s/collapse", group);
    if (!kad_h5_exists(file, all)) return KAD_OK; /* an XY model's */
    kad_text_add(out, "<div class=\"plots\">");
    for (size_t q = 0; q < sizeof quantity / sizeof *quantity; q++) {
        char path[400], label[64];
        by_size *b;
        kad_plot *plot;
        const double zero = 0;
        KAD_CALL(kad_take(in, 1, &b));
        KAD_CALL(kad_take(in, 1, &plot));
        snprintf(path, sizeof path, "%s/collapse/%s", group, quantity[q].name);
        if (!kad_h5_exists(file, path)) continue;
        KAD_CALL(read_by_size(in, file, path, "z", what, residuals ? NULL : "y_err", b));
        plot->x.label = "z = (t + b t^2) L^(1/nu)";
        plot->y.label = quantity[q].label;
        snprintf(label, sizeof label, "%s: deviation/error", quantity[q].symbol);
        if (residuals) plot->y.label = label;
        if (residuals) plot->height = 220;
        add_by_size(plot, b, false);
        if (residuals)
            kad_plot_add(plot, (kad_series){.mark = KAD_MARK_LEVEL, .n = 1, .y = &zero});
        kad_text_add(out, "<div>");
        kad_plot_render(out, plot);
        kad_text_add(out, "</div>");
    }
    kad_text_add(out, "</div>");
    return KAD_OK;
}

static kad_status draw_collapse(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    return each_group(ctx, file, collapse_of, "y", out);
}

static kad_status draw_residual(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    return each_group(ctx, file, collapse_of, "residual", out);
}

const kad_figure kad_figure_fss_collapse = {
    .title = "Data collapse",
    .caption = "All lattices on one curve, O L<sup>&minus;x/&nu;</sup> = F(z), with the "
               "T<sub>c</sub>, &nu; and x of each fit, t = T/T<sub>c</sub> &minus; 1; "
               "corrections to scaling, where they are fitted, are subtracted.",
    .wide = true,
    .draw = draw_collapse,
};
const kad_figure kad_figure_fss_residual = {
    .title = "What the collapse leaves",
    .caption = "Deviations from the common curve in standard errors: two of three within "
               "one, and no trend with L, where the fit is right.",
    .wide = true,
    .draw = draw_residual,
};

/* --- tables --------------------------------------------------------------------------
 */

/* Columns with errors that a table shows, of a group of them. */
typedef struct shown {
    const char *name, *head;
} shown;
enum { SHOWN = 5 };
typedef struct estimates {
    size_t n;
    kad_values value[SHOWN], err[SHOWN];
} estimates;

/* Read them, and head the table's columns. */
static kad_status read_estimates(kad_scope *in, kad_h5 *file, const char *path, size_t n,
                                 const shown *column, kad_grid *g, estimates *out)
{
    char error[64];
    out->n = n;
    for (size_t k = 0; k < n; k++) {
        snprintf(error, sizeof error, "%s_err", column[k].name);
        KAD_CALL(kad_values_read_in(in, file, path, column[k].name, &out->value[k]));
        KAD_CALL(kad_values_read_in(in, file, path, error, &out->err[k]));
        kad_grid_column(g, column[k].head, KAD_GRID_ESTIMATE);
    }
    return KAD_OK;
}

/* A row a method, a column a quantity. */
static kad_status results_of(kad_scope *in, kad_h5 *file, const char *group,
                             const char *what, kad_text *out)
{
    static const shown column[] = {{"T_c", "T<sub>c</sub>"},
                                   {"nu", "&nu;"},
                                   {"gamma/nu", "&gamma;/&nu;"},
                                   {"-beta/nu", "&minus;&beta;/&nu;"}};
    enum { COLUMNS = 4 };
    char path[400];
    char **quantity, **method;
    kad_values value, err, p, n;
    kad_grid g = {0};
    (void)what;
    snprintf(path, sizeof path, "%s/results", group);
    KAD_CALL(kad_values_read_in(in, file, path, "value", &value));
    if (value.n == 0) return KAD_OK;
    KAD_CALL(kad_values_read_in(in, file, path, "value_err", &err));
    KAD_CALL(kad_values_read_in(in, file, path, "p_value", &p));
    KAD_CALL(kad_values_read_in(in, file, path, "n", &n));
    KAD_CALL(kad_texts_read_in(in, file, path, "quantity", value.n, &quantity));
    KAD_CALL(kad_texts_read_in(in, file, path, "method", value.n, &method));
    if (quantity == NULL || method == NULL) return KAD_OK;
    kad_grid_column(&g, "from", KAD_GRID_NAME);
    for (int k = 0; k < COLUMNS; k++)
        kad_grid_column(&g, column[k].head, KAD_GRID_ESTIMATE);
    kad_grid_column(&g, "p", KAD_GRID_REAL);
    for (size_t i = 0; i < value.n; i++) {
        double least = INFINITY;
        if (i > 0 && strcmp(method[i], method[i - 1]) == 0) continue;
        kad_grid_text(&g, method[i]);
        for (int k = 0; k < COLUMNS; k++) {
            size_t found = value.n;
            for (size_t m = i; m < value.n && strcmp(method[m], method[i]) == 0; m++)
                if (strcmp(quantity[m], column[k].name) == 0) found = m;
            if (found < value.n)
                kad_grid_estimate(&g, value.data[found], kad_values_at(&err, found),
                                  true);
            else
                kad_grid_text(&g, NULL);
            least = fmin(least, kad_values_at(&p, found));
        }
        kad_grid_p(&g, isfinite(least) ? least : (double)NAN);
        if (least < 0.01) kad_grid_mark(&g);
    }
    kad_grid_render(&g, out);
    return KAD_OK;
}

static kad_status draw_results(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    return each_group(ctx, file, results_of, "", out);
}

const kad_figure kad_figure_fss_results = {
    .title = "Critical point and exponents",
    .caption =
        "0.82(2) means 0.82 &plusmn; 0.02, one standard error by the jackknife over "
        "blocks "
        "of all chains together. Crossings: of pairs of sizes, from the smallest on that "
        "agree (p &gt; 0.05); collapse: one fit to all points from the smallest lattice "
        "on that fits; p: the least of the fits behind a row. All rows come from the "
        "same draws: that they agree is no independent confirmation.",
    .wide = true,
    .draw = draw_results,
};

static kad_status crossings_of(kad_scope *in, kad_h5 *file, const char *group,
                               const char *what, kad_text *out)
{
    static const shown column[] = {{"at", "crossing at"},
                                   {"value", "value there"},
                                   {"inverse_nu", "1/&nu;"},
                                   {"gamma_over_nu", "&gamma;/&nu;"},
                                   {"minus_beta_over_nu", "&minus;&beta;/&nu;"}};
    char path[400], text[64];
    char **quantity;
    kad_values a, b;
    estimates e;
    kad_grid g = {0};
    (void)what;
    snprintf(path, sizeof path, "%s/crossings", group);
    KAD_CALL(kad_values_read_in(in, file, path, "size_a", &a));
    if (a.n == 0) return KAD_OK;
    KAD_CALL(kad_values_read_in(in, file, path, "size_b", &b));
    KAD_CALL(kad_texts_read_in(in, file, path, "quantity", a.n, &quantity));
    if (quantity == NULL) return KAD_OK;
    kad_grid_column(&g, "of", KAD_GRID_NAME);
    kad_grid_column(&g, "sizes", KAD_GRID_NAME);
    KAD_CALL(
        read_estimates(in, file, path, sizeof column / sizeof *column, column, &g, &e));
    for (size_t i = 0; i < a.n; i++) {
        snprintf(text, sizeof text, "%g, %g", a.data[i], kad_values_at(&b, i));
        kad_grid_text(&g, quantity[i]);
        kad_grid_text(&g, text);
        for (size_t k = 0; k < e.n; k++)
            kad_grid_estimate(&g, kad_values_at(&e.value[k], i),
                              kad_values_at(&e.err[k], i), true);
    }
    kad_grid_render(&g, out);
    return KAD_OK;
}

static kad_status draw_crossings(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    return each_group(ctx, file, crossings_of, "", out);
}

const kad_figure kad_figure_fss_crossings = {
    .title = "Crossings, pair by pair",
    .caption = "Where the curves of two sizes meet, with 1/&nu; from the ratio of their "
               "slopes and the exponents from the ratios of &chi; and |m| there; of "
               "&beta;Y: where the two depend on L as at T<sub>KT</sub>.",
    .wide = true,
    .draw = draw_crossings,
};

static kad_status scans_of(kad_scope *in, kad_h5 *file, const char *group,
                           const char *what, kad_text *out)
{
    static const shown column[] = {
        {"tc", "T<sub>c</sub>"}, {"nu", "&nu;"}, {"exponent", "x/&nu;"}};
    char path[400];
    char **quantity;
    estimates e;
    kad_values z, l, chi2, dof, p, n, chosen;
    kad_grid g = {0};
    (void)what;
    snprintf(path, sizeof path, "%s/scans", group);
    KAD_CALL(kad_values_read_in(in, file, path, "z_max", &z));
    if (z.n == 0) return KAD_OK;
    KAD_CALL(kad_values_read_in(in, file, path, "l_min", &l));
    KAD_CALL(kad_values_read_in(in, file, path, "chi2", &chi2));
    KAD_CALL(kad_values_read_in(in, file, path, "dof", &dof));
    KAD_CALL(kad_values_read_in(in, file, path, "p_value", &p));
    KAD_CALL(kad_values_read_in(in, file, path, "n", &n));
    KAD_CALL(kad_values_read_in(in, file, path, "chosen", &chosen));
    KAD_CALL(kad_texts_read_in(in, file, path, "quantity", z.n, &quantity));
    if (quantity == NULL) return KAD_OK;
    kad_grid_column(&g, "of", KAD_GRID_NAME);
    kad_grid_column(&g, "L from", KAD_GRID_REAL);
    kad_grid_column(&g, "|z| below", KAD_GRID_REAL);
    KAD_CALL(
        read_estimates(in, file, path, sizeof column / sizeof *column, column, &g, &e));
    kad_grid_column(&g, "&chi;&sup2;/dof", KAD_GRID_REAL);
    kad_grid_column(&g, "p", KAD_GRID_REAL);
    kad_grid_column(&g, "points", KAD_GRID_REAL);
    kad_grid_column(&g, "stated", KAD_GRID_NAME);
    for (size_t i = 0; i < z.n; i++) {
        kad_grid_text(&g, quantity[i]);
        kad_grid_real(&g, 3, kad_values_at(&l, i));
        kad_grid_real(&g, 3, z.data[i]);
        for (size_t k = 0; k < e.n; k++)
            if (kad_values_at(&e.err[k], i) > 0)
                kad_grid_estimate(&g, kad_values_at(&e.value[k], i),
                                  kad_values_at(&e.err[k], i), true);
            else
                kad_grid_text(&g, NULL);
        kad_grid_fixed(&g, 2, kad_values_at(&chi2, i) / kad_values_at(&dof, i));
        kad_grid_p(&g, kad_values_at(&p, i));
        kad_grid_fixed(&g, 0, kad_values_at(&n, i));
        kad_grid_text(&g, kad_values_at(&chosen, i) == 1 ? "yes" : NULL);
    }
    kad_grid_render(&g, out);
    return KAD_OK;
}

static kad_status draw_scans(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    return each_group(ctx, file, scans_of, "", out);
}

const kad_figure kad_figure_fss_scans = {
    .title = "Collapses with other cuts",
    .caption = "Numbers that drift with the smallest lattice have corrections to scaling "
               "in them; those that drift with |z| ask too much of F.",
    .wide = true,
    .draw = draw_scans,
};
