/* Loss against the exact bound, and the map's quality, during training. */
#include "analysis/report.h"
#include "analysis/results.h"
#include "analysis/svg.h"
#include "base/memory.h"

#include <math.h>

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
        if (i >= n / 12) hi = fmax(hi, y[i]);
    }
    if (!(hi > lo)) return;
    axis->fixed = true;
    axis->lo = lo - 0.06 * (hi - lo);
    axis->hi = hi + 0.06 * (hi - lo);
}

/* Drop points outside a fixed range, which would be drawn over the margins. */
static void clip(const kad_axis *axis, size_t n, double *y)
{
    if (!axis->fixed) return;
    for (size_t i = 0; i < n; i++)
        if (y[i] > axis->hi || y[i] < axis->lo) y[i] = NAN;
}

static kad_status draw_loss(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_status status = KAD_OK;
    kad_values step = {0}, loss = {0};
    KAD_TRY(kad_values_read(ctx, file, "/training/step", &step));
    KAD_TRY(kad_values_read(ctx, file, "/training/loss", &loss));
    if (loss.n == 0 || step.n != loss.n) goto done;
    double offset = kad_attr_real(ctx, file, "/training", "log_z_offset");
    double exact = kad_attr_real(ctx, file, "/training", "log_z_exact");
    double bound = isfinite(offset) ? -(exact - offset) : -exact;
    kad_plot plot = {.x = {.label = "training step"},
                     .y = {.label = "loss  <S + ln q>  (nats)"}};
    size_t n = thin(loss.n, step.data, loss.data);
    choose_range(&plot.y, n, loss.data, bound);
    clip(&plot.y, n, loss.data);
    kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_LINE,
                                     .n = n,
                                     .x = step.data,
                                     .y = loss.data,
                                     .label = "loss, averaged over steps"});
    if (isfinite(bound))
        kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_LEVEL,
                                         .n = 1,
                                         .y = &bound,
                                         .label = "exact bound, -ln Z",
                                         .color = 1});
    kad_plot_render(out, &plot);
done:
    kad_values_clear(&step);
    kad_values_clear(&loss);
    return status;
}

const kad_figure kad_figure_loss = {
    .title = "Training: loss against its exact bound",
    .caption = "The variational free energy can not fall below &minus;ln&nbsp;Z; the "
               "distance left is the Kullback&ndash;Leibler gap of the map. The first "
               "steps may lie above the frame.",
    .draw = draw_loss,
};

static void add_points(kad_plot *plot, const kad_values *step, const kad_values *y,
                       const kad_values *err, const char *label, int color)
{
    if (y->n == 0 || y->n != step->n) return;
    kad_plot_add(plot, (kad_series){.mark = KAD_MARK_LINE,
                                    .n = y->n,
                                    .x = step->data,
                                    .y = y->data,
                                    .label = label,
                                    .color = color});
    kad_plot_add(plot, (kad_series){.mark = KAD_MARK_POINTS,
                                    .n = y->n,
                                    .x = step->data,
                                    .y = y->data,
                                    .err = err->n == y->n ? err->data : NULL,
                                    .color = color});
}

static kad_status draw_quality(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    static const char group[] = "/training/eval";
    kad_status status = KAD_OK;
    kad_values step = {0}, ess = {0}, ess_err = {0}, acc = {0}, acc_err = {0};
    KAD_TRY(kad_values_read_in(ctx, file, group, "step", &step));
    KAD_TRY(kad_values_read_in(ctx, file, group, "ess", &ess));
    KAD_TRY(kad_values_read_in(ctx, file, group, "ess_err", &ess_err));
    KAD_TRY(kad_values_read_in(ctx, file, group, "acceptance", &acc));
    KAD_TRY(kad_values_read_in(ctx, file, group, "acceptance_err", &acc_err));
    if (step.n == 0) goto done;
    kad_plot plot = {
        .x = {.label = "training step"},
        .y = {.label = "fraction", .fixed = true, .lo = 0, .hi = 1},
    };
    add_points(&plot, &step, &ess, &ess_err, "effective sample size ESS/n", 0);
    add_points(&plot, &step, &acc, &acc_err, "acceptance", 1);
    kad_plot_render(out, &plot);
done:
    kad_values_clear(&step);
    kad_values_clear(&ess);
    kad_values_clear(&ess_err);
    kad_values_clear(&acc);
    kad_values_clear(&acc_err);
    return status;
}

const kad_figure kad_figure_quality = {
    .title = "Training: effective sample size and acceptance",
    .caption = "Measured on fresh samples of the map; 1 is a perfect map.",
    .draw = draw_quality,
};

static kad_status draw_gap(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_status status = KAD_OK;
    kad_values step = {0}, gap = {0}, err = {0};
    KAD_TRY(kad_values_read(ctx, file, "/training/eval/step", &step));
    KAD_TRY(kad_values_read(ctx, file, "/training/eval/kl_gap", &gap));
    KAD_TRY(kad_values_read(ctx, file, "/training/eval/kl_gap_err", &err));
    if (step.n == 0) goto done;
    kad_plot plot = {.x = {.label = "training step"},
                     .y = {.label = "KL gap (nats)", .log = true}};
    add_points(&plot, &step, &gap, &err, NULL, 0);
    kad_plot_render(out, &plot);
done:
    kad_values_clear(&step);
    kad_values_clear(&gap);
    kad_values_clear(&err);
    return status;
}

const kad_figure kad_figure_gap = {
    .title = "Training: Kullback&ndash;Leibler gap",
    .caption = "ln&nbsp;Z + &lt;S + ln&nbsp;q&gt;, from the exact ln&nbsp;Z where one is "
               "known, else from the map&rsquo;s own estimate. Gaussian weights of gap g "
               "have ESS = exp(&minus;2g).",
    .draw = draw_gap,
};
