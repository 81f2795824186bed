/* Loss against the exact bound, and the map's quality, during training: against its action,
 * and on samples held out. */
#include "analysis/report/report.h"
#include "analysis/report/svg.h"
#include "analysis/table.h"
#include "base/memory.h"
#include "io/progress.h"

#include <math.h>
#include <stdio.h>

enum { N_SHOWN = 400 }; /* points of a curve: more than the screen shows is waste */

/* Average a long series over equal windows, in place; returns the new length. */
static size_t thin(size_t n, double *x, double *y)
{
    if (n <= N_SHOWN) return n;
    for (size_t i = 0; i < N_SHOWN; i++) {
        size_t a = i * n / N_SHOWN, b = (i + 1) * n / N_SHOWN;
        double sum_x = 0, sum_y = 0;
        size_t count = 0;
        for (size_t j = a; j < b; j++) {
            if (!isfinite(y[j])) continue;
            sum_x += x[j];
            sum_y += y[j];
            count++;
        }
        x[i] = count ? sum_x / (double)count : x[a];
        y[i] = count ? sum_y / (double)count : NAN;
    }
    return N_SHOWN;
}

/* The y range: the loss falls from hundreds above the bound, so show the last 3/4 of the
 * curve in full and let the first steps leave the frame. */
static void choose_range(kad_axis *axis, size_t n, const double *y, double bound)
{
    double lo = isfinite(bound) ? bound : INFINITY, hi = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(y[i])) continue;
        lo = fmin(lo, y[i]);
        if (i >= n / 4) hi = fmax(hi, y[i]);
    }
    if (!(hi > lo)) return;
    axis->fixed = true;
    axis->lo = lo - 0.06 * (hi - lo);
    axis->hi = hi + 0.06 * (hi - lo);
}

/* Where the loss can not fall below: -ln Z, exact, or with its error of the weights. */
typedef struct floor_line {
    double x[2], y[2], err[2]; /* err NaN: exact, or none can be stated */
    char label[96];
} floor_line;

static kad_status find_floor(kad_ctx *ctx, kad_h5 *file, floor_line *out)
{
    KAD_SCOPE(scope, ctx);
    kad_table table;
    char text[64];
    const double exact = kad_attr_real(ctx, file, "/training", "log_z_exact");
    out->y[0] = out->y[1] = -exact;
    out->err[0] = out->err[1] = NAN;
    snprintf(out->label, sizeof out->label, "exact bound, -ln Z");
    if (isfinite(exact)) return KAD_OK;
    KAD_CALL(kad_table_read(&scope, file, "/analysis/log_z", &table));
    const size_t i = kad_table_find(&table, "log_z");
    if (i == table.n) return KAD_OK;
    out->y[0] = out->y[1] = -table.mean.data[i];
    out->err[0] = out->err[1] = kad_table_at(&table, &table.err, i);
    if (out->err[0] > 0)
        snprintf(out->label, sizeof out->label, "-ln Z of the weights, %s",
                 kad_format_error(text, sizeof text, out->y[0], out->err[0]));
    else
        snprintf(out->label, sizeof out->label, "-ln Z of the weights, no error bar");
    return KAD_OK;
}

static void add_floor(kad_plot *plot, floor_line *f, size_t n, const double *step)
{
    if (!isfinite(f->y[0])) return;
    f->x[0] = step[0];
    f->x[1] = step[n - 1];
    if (f->err[0] > 0)
        kad_plot_add(plot, (kad_series){.mark = KAD_MARK_BAND,
                                        .n = 2,
                                        .x = f->x,
                                        .y = f->y,
                                        .err = f->err,
                                        .name = f->label,
                                        .color = 1});
    kad_plot_add(
        plot,
        (kad_series){
            .mark = KAD_MARK_LEVEL, .n = 1, .y = f->y, .label = f->label, .color = 1});
}

static const kad_layer loss = {.group = "/training",
                               .x = "step",
                               .y = "free_energy",
                               .last = "stage",
                               .marks = KAD_DRAW_LINE,
                               .label = "free energy, averaged over steps"};

static kad_status draw_loss(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    kad_curves curves;
    kad_curve *c = &curves.at[0];
    floor_line floor = {0};
    KAD_CALL(kad_curves_read(&scope, file, &loss, &curves));
    if (curves.n == 0) return KAD_OK;
    KAD_CALL(find_floor(ctx, file, &floor));
    kad_plot plot = {.x = {.label = "training step"},
                     .y = {.label = "free energy <S + ln q> (nats)"}};
    c->n = thin(c->n, c->x, c->y);
    choose_range(&plot.y, c->n, c->y, floor.y[0]);
    kad_curves_add(&plot, &loss, &curves);
    add_floor(&plot, &floor, c->n, c->x);
    kad_plot_render(out, &plot);
    return KAD_OK;
}

const kad_figure kad_figure_loss = {
    .title = "Training: loss against &minus;ln&nbsp;Z",
    .caption =
        "The variational free energy can not fall below &minus;ln&nbsp;Z; the "
        "distance left is the Kullback&ndash;Leibler gap of the map. Where "
        "ln&nbsp;Z is not known exactly it is the weights&rsquo;, with its error as "
        "a band. The first steps may lie above the frame.",
    .draw = draw_loss,
};

const kad_figure kad_figure_quality = {
    .title = "Training: effective sample size and acceptance",
    .caption = "Measured on fresh samples of the map; 1 is a perfect map.",
    .plot =
        {
            .x = {.label = "training step"},
            .y = {.label = "fraction", .fixed = true, .lo = 0, .hi = 1},
            .layer = {{.group = "/training/eval",
                       .x = "step",
                       .y = "ess",
                       .last = "stage",
                       .marks = KAD_DRAW_LINE | KAD_DRAW_POINTS,
                       .label = "effective sample size ESS/n"},
                      {.group = "/training/eval",
                       .x = "step",
                       .y = "acceptance",
                       .last = "stage",
                       .marks = KAD_DRAW_LINE | KAD_DRAW_POINTS,
                       .label = "acceptance",
                       .color = 1}},
        },
};

const kad_figure kad_figure_gap = {
    .title = "Training: Kullback&ndash;Leibler gap",
    .caption = "ln&nbsp;Z + &lt;S + ln&nbsp;q&gt;, from the exact ln&nbsp;Z. Gaussian "
               "weights of gap g "
               "have ESS = exp(&minus;2g).",
    .group = "/training/eval",
    .absent = "ln Z is not known exactly",
    .plot =
        {
            .x = {.label = "training step"},
            .y = {.label = "KL gap (nats)", .log = true},
            .layer = {{.group = "/training/eval",
                       .x = "step",
                       .y = "kl_gap",
                       .last = "stage",
                       .marks = KAD_DRAW_LINE | KAD_DRAW_POINTS}},
        },
};

const kad_figure kad_figure_held_out = {
    .title = "Training: samples held out",
    .caption =
        "Mean of &minus;ln&nbsp;q a site, q the map&rsquo;s density. On samples it "
        "never saw it can not fall below the entropy of the law they come from; "
        "where it rises while that of the others falls, the map learns samples by "
        "heart.",
    .plot =
        {
            .x = {.label = "training step"},
            .y = {.label = "-ln q a site (nats)"},
            .layer = {{.group = "/training/eval",
                       .x = "step",
                       .y = "held_out",
                       .last = "stage",
                       .marks = KAD_DRAW_LINE | KAD_DRAW_POINTS,
                       .label = "held out"},
                      {.group = "/training/eval",
                       .x = "step",
                       .y = "trained_on",
                       .last = "stage",
                       .marks = KAD_DRAW_LINE | KAD_DRAW_POINTS,
                       .label = "trained on",
                       .color = 1},
                      {.group = "/training/eval",
                       .x = "step",
                       .y = "validation",
                       .last = "stage",
                       .marks = KAD_DRAW_LINE | KAD_DRAW_POINTS,
                       .label = "to choose by",
                       .color = 2}},
        },
};
