/* ln p against ln q, and the histogram of the importance weights, of every series that
 * stored its log-weights. */
#include "analysis/report/markup.h"
#include "analysis/report/report.h"
#include "analysis/report/svg.h"
#include "analysis/results.h"
#include "base/memory.h"
#include "base/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_DOTS = 1500, N_BINS = 60 };

/* Log-weights and actions of the first sampler that stored some; n = 0: there is none.
 * what: "draws of NAME". */
static kad_status read_weights(kad_scope *in, kad_h5 *file, size_t size, char *what,
                               kad_values *weight, kad_values *action)
{
    size_t n = 0;
    char **names = NULL, group[128];
    *weight = (kad_values){0};
    *action = (kad_values){0};
    KAD_CALL(kad_members(in, file, "/samplers", &n, &names));
    for (size_t i = 0; i < n && weight->n == 0; i++) {
        snprintf(group, sizeof group, "/samplers/%s/proposals", names[i]);
        snprintf(what, size, "draws of %.64s", names[i]);
        KAD_CALL(kad_values_read_in(in, file, group, "log_weight", weight));
        if (weight->n > 0)
            KAD_CALL(kad_values_read_in(in, file, group, "action", action));
    }
    return KAD_OK;
}

static kad_status draw_scatter(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    kad_values weight, action;
    double *lnp, *lnq;
    char what[96];
    KAD_CALL(read_weights(&scope, file, sizeof what, what, &weight, &action));
    if (weight.n == 0 || action.n != weight.n) return KAD_OK;
    KAD_CALL(kad_take(&scope, N_DOTS, &lnp));
    KAD_CALL(kad_take(&scope, N_DOTS, &lnq));
    size_t n = weight.n < N_DOTS ? weight.n : N_DOTS, kept = 0;
    double mean = 0, lo = INFINITY, hi = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        size_t j = i * weight.n / n;
        if (!isfinite(weight.data[j]) || !isfinite(action.data[j])) continue;
        lnp[kept] = -action.data[j];
        lnq[kept] = -action.data[j] - weight.data[j];
        mean += weight.data[j];
        lo = fmin(lo, lnq[kept]);
        hi = fmax(hi, lnq[kept]);
        kept++;
    }
    if (kept < 2) return KAD_OK;
    mean /= (double)kept;
    double line_x[2] = {lo, hi}, line_y[2] = {lo + mean, hi + mean};
    kad_plot plot = {.x = {.label = "ln q of the map (nats)"},
                     .y = {.label = "-S, i.e. ln p + ln Z (nats)"}};
    kad_plot_add(
        &plot, (kad_series){
                   .mark = KAD_MARK_DOTS, .n = kept, .x = lnq, .y = lnp, .label = what});
    kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_LINE,
                                     .n = 2,
                                     .x = line_x,
                                     .y = line_y,
                                     .label = "slope 1",
                                     .color = 1});
    kad_plot_render(out, &plot);
    kad_note_rest(out, n, weight.n, what);
    return KAD_OK;
}

const kad_figure kad_figure_scatter = {
    .title = "ln p against ln q",
    .caption = "A perfect map puts every configuration on one line of slope 1; the "
               "scatter around it is what the accept/reject step corrects.",
    .group = "/training",
    .absent = "no sampler stored the weights of a map (mis and direct do)",
    .draw = draw_scatter,
};

static kad_status draw_histogram(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    kad_values weight, action;
    char what[96];
    double edge[N_BINS], count[N_BINS] = {0};
    KAD_CALL(read_weights(&scope, file, sizeof what, what, &weight, &action));
    double lo = INFINITY, hi = -INFINITY;
    const double log_mean = kad_log_mean(weight.n, weight.data);
    for (size_t i = 0; i < weight.n; i++) {
        if (!isfinite(weight.data[i])) continue;
        lo = fmin(lo, weight.data[i] - log_mean);
        hi = fmax(hi, weight.data[i] - log_mean);
    }
    double width = (hi - lo) / N_BINS;
    if (!(width > 0)) return KAD_OK;
    for (int b = 0; b < N_BINS; b++)
        edge[b] = lo + b * width;
    for (size_t i = 0; i < weight.n; i++) {
        if (!isfinite(weight.data[i])) continue;
        int b = (int)((weight.data[i] - log_mean - lo) / width);
        count[b < 0 ? 0 : b >= N_BINS ? N_BINS - 1 : b] += 1;
    }
    kad_plot plot = {.x = {.label = "ln (w / mean w)  (nats)"},
                     .y = {.label = "configurations", .log = true}};
    kad_plot_add(
        &plot,
        (kad_series){
            .mark = KAD_MARK_BARS, .n = N_BINS, .x = edge, .y = count, .label = what});
    kad_plot_render(out, &plot);
    return KAD_OK;
}

const kad_figure kad_figure_weights = {
    .title = "Importance weights",
    .caption = "w = exp(&minus;S)/q. A heavy right tail means that the map misses "
               "configurations the model has: estimates then lean on few draws.",
    .draw = draw_histogram,
};
