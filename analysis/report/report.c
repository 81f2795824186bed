#include "analysis/report/report.h"

#include "analysis/report/markup.h"
#include "analysis/report/numbers.h"
#include "analysis/report/sheet.h"
#include "analysis/results.h"
#include "base/memory.h"
#include "base/signals.h"

#include <string.h>

/* The one list of figures, as they stand on the page: a figure is a kad_figure of some
 * file, be it a row of what is read, and a line here. */
#define FIGURES(X)         \
    X(summary)             \
    X(diagnostics)         \
    X(log_z)               \
    X(loss)                \
    X(held_out)            \
    X(data_means)          \
    X(data_correlator)     \
    X(images_curve)        \
    X(images_samples)      \
    X(images_data)         \
    X(images_levels)       \
    X(images_coding)       \
    X(images_inpaint)      \
    X(images_filled)       \
    X(images_touched)      \
    X(images_fields)       \
    X(images_receptive)    \
    X(images_strengths)    \
    X(images_progressive)  \
    X(images_walk)         \
    X(images_mix)          \
    X(images_temperature)  \
    X(images_attribute)    \
    X(images_moved)        \
    X(images_oddest)       \
    X(images_outliers)     \
    X(images_independence) \
    X(images_frechet)      \
    X(images_fid)          \
    X(family_ess)          \
    X(family_log_z)        \
    X(family_energy)       \
    X(family_heat)         \
    X(family_m)            \
    X(family_chi)          \
    X(family_binder)       \
    X(family_helicity)     \
    X(results)             \
    X(agreement)           \
    X(comparison)          \
    X(taus)                \
    X(replica_swaps)       \
    X(replica_flow)        \
    X(chains)              \
    X(gap)                 \
    X(quality)             \
    X(scatter)             \
    X(weights)             \
    X(thermal_draws)       \
    X(thermal_seconds)     \
    X(histories)           \
    X(rho)                 \
    X(correlator)          \
    X(difference)          \
    X(mass)                \
    X(fields)              \
    X(geodesic_decay)      \
    X(geodesic_distance)   \
    X(geodesic_residuals)  \
    X(geodesic_models)     \
    X(geodesic_growth)     \
    X(geodesic_rule)       \
    X(bulk_fields)         \
    X(bulk_latents)        \
    X(bulk_walks)          \
    X(bulk_wavelets)       \
    X(bulk_profile)        \
    X(bulk_strength)       \
    X(bulk_mutual)         \
    X(bulk_mutual_between) \
    X(bulk_kraskov)        \
    X(bulk_bottleneck)     \
    X(bulk_couplings)      \
    X(bulk_coupling_table) \
    X(bulk_residuals)      \
    X(bulk_density)        \
    X(bulk_correlator)

#define DECLARE(name) extern const kad_figure kad_figure_##name;
#define ADDRESS(name) &kad_figure_##name,
FIGURES(DECLARE)
extern const kad_figure kad_figure_glossary; /* behind all others */
static const kad_figure *const figures[] = {FIGURES(ADDRESS) NULL};

/* `left_out` gets a line for a figure that is missed. */
static kad_status add_figure(kad_ctx *ctx, kad_h5 *file, const kad_figure *figure,
                             kad_text *out, kad_text *left_out)
{
    KAD_TEXT(numbers);
    KAD_TEXT(body);
    body.numbers = &numbers;
    KAD_CALL(kad_stop_check(ctx, "report"));
    if (figure->draw != NULL)
        KAD_CALL(figure->draw(ctx, file, &body));
    else if (figure->sheet != NULL)
        KAD_CALL(kad_sheet_draw(ctx, file, figure->sheet, figure->title, &body));
    else if (figure->table.group != NULL)
        KAD_CALL(kad_tabled_draw(ctx, file, &figure->table, &body));
    else
        KAD_CALL(kad_plotted_draw(ctx, file, &figure->plot, &body));
    if (body.failed || numbers.failed)
        return kad_fail(ctx, KAD_ENOMEM, "report: out of memory");
    if (body.n == 0) {
        if (figure->group != NULL && kad_h5_exists(file, figure->group))
            kad_text_add(left_out, "<li>%s &ndash; %s</li>\n", figure->title,
                         figure->absent);
        return KAD_OK;
    }
    kad_text_add(out, "<section%s><figure><h2>%s</h2>\n",
                 figure->wide ? " class=\"wide\"" : "", figure->title);
    kad_text_add(out, "%s", body.data);
    if (figure->caption != NULL)
        kad_text_add(out, "<figcaption>%s</figcaption>", figure->caption);
    kad_numbers_link(out, &numbers, figure->title);
    kad_text_add(out, "</figure></section>\n");
    return KAD_OK;
}

/* The physics names the page; a title of the config's own stands before it. */
static void add_heading(kad_text *out, const char *title, const char *model)
{
    kad_text_escape(out, title != NULL ? title : model != NULL ? model : "run");
    if (title != NULL && model != NULL && strcmp(title, model) != 0) {
        kad_text_add(out, ": ");
        kad_text_escape(out, model);
    }
}

kad_status kad_page_html(kad_ctx *ctx, kad_h5 *file, const kad_figure *const *list,
                         const char *title, const char *model, kad_text *out)
{
    KAD_TEXT(left_out);
    kad_text_add(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                      "<meta name=\"viewport\" content=\"width=device-width,"
                      "initial-scale=1\"><meta name=\"color-scheme\" content=\"light "
                      "dark\"><title>");
    add_heading(out, title, model);
    kad_text_add(out, " - kadanoff</title>\n<style>\n");
    for (size_t i = 0; kad_report_style[i] != NULL; i++)
        kad_text_add(out, "%s", kad_report_style[i]);
    kad_text_add(out, "</style></head><body>\n<h1>");
    add_heading(out, title, model);
    kad_text_add(out, "</h1>\n<main>\n");
    for (size_t i = 0; list[i] != NULL; i++)
        KAD_CALL(add_figure(ctx, file, list[i], out, &left_out));
    if (left_out.n > 0)
        kad_text_add(out,
                     "<section class=\"wide\"><h2>Not drawn</h2>\n<ul class=\"small\">%s"
                     "</ul></section>\n",
                     left_out.data);
    KAD_CALL(add_figure(ctx, file, &kad_figure_glossary, out, &left_out));
    kad_text_add(out, "</main></body></html>\n");
    if (out->failed || left_out.failed)
        return kad_fail(ctx, KAD_ENOMEM, "report: out of memory");
    return KAD_OK;
}

kad_status kad_report_html(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    const char *title = kad_attr_string(&scope, file, "/", "title");
    const char *model = kad_attr_string(&scope, file, "/", "model");
    return kad_page_html(ctx, file, figures, title, model, out);
}
