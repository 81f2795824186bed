/* The samplers of a run against each other, observable by observable. */
#include "analysis/agreement.h"
#include "analysis/report.h"
#include "base/memory.h"
#include "io/progress.h"

#include <math.h>

static void head_row(kad_text *out, const kad_agreement *a)
{
    kad_text_add(out, "<tr><th>observable</th><th class=\"n\">&chi;&sup2;</th>"
                      "<th class=\"n\">dof</th><th class=\"n\">p</th>");
    for (size_t s = 0; s < a->n_samplers; s++) {
        kad_text_add(out, "<th class=\"n\">");
        kad_text_escape(out, a->sampler[s]);
        kad_text_add(out, "</th>");
    }
    kad_text_add(out, "</tr>\n");
}

static void body_row(kad_text *out, const kad_agreement *a, const kad_agreement_row *row)
{
    const char *bad = row->refuted ? " bad" : "";
    char text[64];
    kad_text_add(out, "<tr><th class=\"%s\">", row->refuted ? "bad" : "");
    kad_text_escape(out, row->name);
    kad_text_add(out,
                 "</th><td class=\"n%s\">%.3g</td><td class=\"n\">%zu</td>"
                 "<td class=\"n%s\">%.2g</td>",
                 bad, row->chi2, row->n - 1, bad, row->p);
    for (size_t s = 0; s < a->n_samplers; s++) {
        const bool apart = row->refuted && s == row->apart;
        kad_text_add(out, "<td class=\"n%s\">", apart ? " bad" : "");
        if (!isnan(row->value[s]))
            kad_text_add(out, "%s",
                         kad_format_error(text, sizeof text, row->value[s], row->err[s]));
        kad_text_add(out, "</td>");
    }
    kad_text_add(out, "</tr>\n");
}

static kad_status draw_agreement(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_status status = KAD_OK;
    kad_agreement *a = NULL;
    KAD_TRY(kad_new(ctx, 1, sizeof *a, &a));
    KAD_TRY(kad_agreement_read(ctx, file, a));
    if (a->n_compared == 0) goto done;
    kad_text_add(
        out,
        "<p class=\"%s\">%zu of %zu rows disagree: p below %.1g, so that in a run "
        "whose samplers agree there is any such row with probability %g at "
        "most.</p>\n<div class=\"scroll\"><table class=\"matrix\">",
        a->n_refuted > 0 ? "bad" : "", a->n_refuted, a->n_compared, a->limit,
        KAD_AGREEMENT_ALPHA);
    head_row(out, a);
    for (size_t i = 0; i < a->n; i++)
        if (a->row[i].n >= 2) body_row(out, a, &a->row[i]);
    kad_text_add(out, "</table></div>\n");
done:
    kad_free(a);
    return status;
}

const kad_figure kad_figure_agreement = {
    .title = "Samplers against each other",
    .caption =
        "One independent estimate of a sampler (of proposals the reweighted one); "
        "&chi;&sup2; about their weighted mean; p: the probability of a larger one, the "
        "finite precision of the error bars included; coloured: disagreement, and the "
        "sampler that stands apart. overlap: 1/(1 + w/Z), w the map&rsquo;s weight; "
        "smaller where a sampler finds what the map misses.",
    .wide = true,
    .draw = draw_agreement,
};
