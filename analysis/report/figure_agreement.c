/* The samplers of a run against each other, observable by observable. */
#include "analysis/agreement.h"
#include "analysis/report/grid.h"
#include "analysis/report/report.h"
#include "base/memory.h"

#include <math.h>

/* Of two samplers neither stands apart. */
static bool is_apart(const kad_agreement_row *row, size_t sampler)
{
    return row->n == 2 ? !isnan(row->value[sampler]) : sampler == row->apart;
}

static void add_row(kad_grid *g, const kad_agreement *a, const kad_agreement_row *row)
{
    kad_grid_text(g, row->name);
    if (row->refuted) kad_grid_mark(g);
    kad_grid_real(g, 3, row->chi2);
    if (row->refuted) kad_grid_mark(g);
    kad_grid_fixed(g, 0, (double)(row->n - 1));
    kad_grid_p(g, row->p);
    if (row->refuted) kad_grid_mark(g);
    for (size_t s = 0; s < a->n_samplers; s++) {
        kad_grid_estimate(g, row->value[s], row->err[s], true);
        if (row->refuted && is_apart(row, s)) kad_grid_mark(g);
    }
}

static kad_status draw_agreement(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    kad_agreement *a;
    kad_grid g = {.wide = true};
    KAD_CALL(kad_take(&scope, 1, &a));
    KAD_CALL(kad_agreement_read(ctx, file, a));
    if (a->n_compared == 0) return KAD_OK;
    kad_text_add(
        out,
        "<p class=\"%s\">%zu of %zu rows disagree: p below %.1g, so that in a run "
        "whose samplers agree there is any such row with probability %g at "
        "most.</p>\n",
        a->n_refuted > 0 ? "bad" : "", a->n_refuted, a->n_compared, a->limit,
        KAD_AGREEMENT_ALPHA);
    kad_grid_column(&g, "observable", KAD_GRID_NAME);
    kad_grid_column(&g, "&chi;&sup2;", KAD_GRID_REAL);
    kad_grid_column(&g, "dof", KAD_GRID_REAL);
    kad_grid_column(&g, "p", KAD_GRID_REAL);
    for (size_t s = 0; s < a->n_samplers; s++)
        kad_grid_named(&g, a->sampler[s], KAD_GRID_ESTIMATE);
    for (size_t i = 0; i < a->n; i++)
        if (a->row[i].n >= 2) add_row(&g, a, &a->row[i]);
    kad_grid_render(&g, out);
    return KAD_OK;
}

const kad_figure kad_figure_agreement = {
    .title = "Samplers against each other",
    .caption =
        "One independent estimate of a sampler (of proposals the reweighted one); "
        "&chi;&sup2; about their weighted mean; p: the probability of a larger one, the "
        "finite precision of the error bars included; coloured: disagreement, and of "
        "three samplers or more the one that stands apart. overlap: 1/(1 + w/Z), w the "
        "map&rsquo;s weight; "
        "smaller where a sampler finds what the map misses.",
    .wide = true,
    .draw = draw_agreement,
};
