/* Samplers compared: the table of costs, and bars of tau_int in draws and in seconds. */
#include "analysis/comparison.h"
#include "analysis/report/bars.h"
#include "analysis/report/grid.h"
#include "analysis/report/markup.h"
#include "analysis/report/report.h"
#include "base/memory.h"
#include "io/progress.h"

#include <math.h>
#include <stdio.h>

static kad_status load(kad_scope *in, kad_h5 *file, kad_comparison **out)
{
    KAD_CALL(kad_take(in, 1, out));
    KAD_CALL(kad_comparison_add(in->ctx, file, "", *out));
    kad_comparison_finish(*out);
    return KAD_OK;
}

static void cell(kad_grid *g, kad_estimate x, double factor, bool bound)
{
    char text[64];
    const double value = x.value * factor, err = x.err * factor;
    if (isinf(x.value))
        kad_grid_words(g, NAN, NAN, "never");
    else if (isfinite(x.value) && bound) {
        snprintf(text, sizeof text, "> ");
        (void)kad_format_rounded(text + 2, sizeof text - 2, value, 2);
        kad_grid_words(g, value, NAN, text);
    } else
        kad_grid_estimate(g, value, err, false);
}

static void add_row(kad_grid *g, const kad_compared *row)
{
    const bool bound = row->cost_is_bound;
    kad_grid_text(g, row->name);
    cell(g, row->acceptance, 1, false);
    cell(g, row->ess, 1, false);
    kad_grid_fixed(g, 4, row->rhat);
    kad_grid_real(g, 4, row->n_eff);
    cell(g, row->tau_max, 1, bound);
    kad_grid_text(g, row->slowest < 0 ? "" : kad_compared_observables[row->slowest]);
    cell(g, row->tau_reshuffled, 1, false);
    kad_grid_real(g, 3, 1e3 * row->seconds_per_draw);
    cell(g, row->cost, 1e3, bound);
    kad_grid_real(g, 3, row->tuning_seconds);
    cell(g, row->any.n, 1, false);
    cell(g, row->local.n, 1, false);
}

static void add_columns(kad_grid *g)
{
    static const struct {
        const char *head;
        kad_grid_kind kind;
    } columns[] = {{"sampler", KAD_GRID_NAME},
                   {"accepted", KAD_GRID_ESTIMATE},
                   {"ESS", KAD_GRID_ESTIMATE},
                   {"R&#x302;", KAD_GRID_REAL},
                   {"n<sub>eff</sub>", KAD_GRID_REAL},
                   {"&tau;<sub>int,max</sub>", KAD_GRID_ESTIMATE},
                   {"of", KAD_GRID_NAME},
                   {"reshuffled", KAD_GRID_ESTIMATE},
                   {"ms/draw", KAD_GRID_REAL},
                   {"ms/indep.", KAD_GRID_ESTIMATE},
                   {"tuning, s", KAD_GRID_REAL},
                   {"N*", KAD_GRID_ESTIMATE},
                   {"N* (local)", KAD_GRID_ESTIMATE}};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        kad_grid_column(g, columns[i].head, columns[i].kind);
}

static void add_baseline(const kad_comparison *c, int against, const char *of,
                         kad_text *out)
{
    kad_text_add(out, " %s: ", of);
    kad_text_escape(out, against < 0 ? "none ran" : c->row[against].name);
    if (against >= 0 && c->row[against].cost_is_bound)
        kad_text_add(out, ", whose &tau;<sub>int</sub> is only bounded, so that there is "
                          "no N*");
    kad_text_add(out, ".");
}

static kad_status draw_comparison(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    kad_comparison *c;
    const kad_compared *map = NULL;
    kad_grid g = {.wide = true};
    KAD_CALL(load(&scope, file, &c));
    if (c->n == 0) return KAD_OK;
    add_columns(&g);
    for (size_t i = 0; i < c->n; i++) {
        add_row(&g, &c->row[i]);
        if (c->row[i].any.against >= 0) map = &c->row[i];
    }
    kad_grid_render(&g, out);
    kad_note_rest(out, c->n, c->n + c->n_dropped, "samplers");
    if (map != NULL) {
        kad_text_add(out,
                     "<p class=\"note\">N* = %.3g s of training / (cost with the "
                     "cheapest sampler without a map &minus; cost with the map): "
                     "after so many independent configurations the map has paid for "
                     "itself; (local): the cluster sampler left out.",
                     map->training_seconds);
        add_baseline(c, map->any.against, "Without a map", out);
        if (map->local.against != map->any.against)
            add_baseline(c, map->local.against, "Local", out);
        kad_text_add(out, "</p>\n");
    }
    return KAD_OK;
}

const kad_figure kad_figure_comparison = {
    .title = "Samplers compared",
    .caption =
        "ESS: effective sample size of a weighted draw, 1 for a perfect map; R&#x302;: "
        "the largest of any observable; n<sub>eff</sub>: the smallest. What an "
        "independent configuration costs (ms/indep.): 2&nbsp;&tau;<sub>int,max</sub> "
        "&times; time per draw, all threads and the measurements included, the "
        "maximum over energy, m&sup2;, G(L/2) and helicity. &gt; : the series is "
        "shorter than 50&nbsp;&tau;. Reshuffled: over random orders of the stored "
        "proposals.",
    .wide = true,
    .draw = draw_comparison,
};

enum { N_BARS = KAD_COMPARED_MAX * (KAD_COMPARED_OBSERVABLES + 1) };

/* tau_int of every sampler and observable, in draws or in time; bar [N_BARS]. */
static void add_bars(const kad_comparison *c, bool seconds, kad_bar *bar, kad_text *out)
{
    size_t n = 0;
    for (size_t i = 0; i < c->n; i++) {
        const kad_compared *row = &c->row[i];
        const double factor = seconds ? 1e3 * row->seconds_per_draw : 1.0;
        bar[n++] = (kad_bar){.heading = true, .label = row->name};
        for (int o = 0; o < KAD_COMPARED_OBSERVABLES; o++)
            if (isfinite(row->tau[o].value * factor))
                bar[n++] = (kad_bar){.label = kad_compared_observables[o],
                                     .value = row->tau[o].value * factor,
                                     .err = row->tau[o].err * factor,
                                     .bound = row->is_bound[o],
                                     .color = o};
    }
    const kad_bars bars = {
        .label = seconds ? "tau_int (ms)" : "tau_int (draws)", .n = n, .bar = bar};
    kad_bars_render(out, &bars);
}

static kad_status draw_bars(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    kad_comparison *c;
    kad_bar *bar;
    bool any = false;
    KAD_CALL(load(&scope, file, &c));
    KAD_CALL(kad_take(&scope, N_BARS, &bar));
    for (size_t i = 0; i < c->n; i++)
        any = any || c->row[i].tau_max.value > 0;
    if (!any) return KAD_OK;
    kad_text_add(out, "<div class=\"plots\"><div>");
    add_bars(c, false, bar, out);
    kad_text_add(out, "</div><div>");
    add_bars(c, true, bar, out);
    kad_text_add(out, "</div></div>\n");
    return KAD_OK;
}

const kad_figure kad_figure_taus = {
    .title = "Autocorrelation times",
    .caption =
        "&tau;<sub>int</sub> = 1/2 + &Sigma;&nbsp;&rho;(t) with its error; 0.5 "
        "is an independent draw, less alternates about the mean. A draw is a "
        "proposal, a trajectory or a sweep: draws say how far a sampler gets, times "
        "what it costs. The training of the map is not in here; see N*.",
    .wide = true,
    .draw = draw_bars,
};
