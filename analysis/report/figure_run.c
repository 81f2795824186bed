/* What was run, and the warnings. */
#include "analysis/diagnostics.h"
#include "analysis/physics.h"
#include "analysis/report/markup.h"
#include "analysis/report/report.h"
#include "analysis/results.h"
#include "base/memory.h"
#include "io/number.h"

#include <math.h>

static void row_text(kad_text *out, const char *head, const char *text)
{
    if (text == NULL || text[0] == '\0') return;
    kad_text_add(out, "<tr><th>%s</th><td class=\"wrap\">", head);
    kad_text_escape(out, text);
    kad_text_add(out, "</td></tr>\n");
}

static void row_attr(kad_ctx *ctx, kad_h5 *file, kad_text *out, const char *head,
                     const char *path, const char *name)
{
    KAD_SCOPE(scope, ctx);
    row_text(out, head, kad_attr_string(&scope, file, path, name));
}

static void row_int(kad_ctx *ctx, kad_h5 *file, kad_text *out, const char *head,
                    const char *path, const char *name)
{
    int64_t value = kad_attr_int(ctx, file, path, name);
    if (value >= 0)
        kad_text_add(out, "<tr><th>%s</th><td>%lld</td></tr>\n", head, (long long)value);
}

static void row_real(kad_ctx *ctx, kad_h5 *file, kad_text *out, const char *head,
                     const char *path, const char *name)
{
    double value = kad_attr_real(ctx, file, path, name);
    if (isfinite(value))
        kad_text_add(out, "<tr><th>%s</th><td>%.6g</td></tr>\n", head, value);
}

/* The couplings with every digit: the title rounds them. */
static kad_status row_couplings(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_physics model;
    char number[KAD_NUMBER_CHARS];
    KAD_CALL(kad_physics_read(ctx, file, &model));
    if (model.n == 0) return KAD_OK;
    kad_text_add(out, "<tr><th>couplings</th><td class=\"wrap\">");
    for (size_t i = 0; i < model.n; i++) {
        kad_text_add(out, "%s", i > 0 ? ", " : "");
        kad_text_escape(out, model.coupling[i]);
        kad_text_add(out, " = %s", kad_format_real(number, model.value[i]));
    }
    kad_text_add(out, "</td></tr>\n");
    return KAD_OK;
}

static kad_status draw_summary(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_text_add(out, "<div class=\"scroll\"><table>\n");
    row_attr(ctx, file, out, "status", "/", "status");
    row_attr(ctx, file, out, "model", "/", "model");
    KAD_CALL(row_couplings(ctx, file, out));
    if (kad_attr_int(ctx, file, "/model", "decimated") == 1)
        row_text(
            out, "sublattice",
            "odd sites are integrated out exactly: the map makes the even ones, which "
            "alone have "
            "latents; the odd ones are drawn from their exact density given these, and "
            "observables are of the whole lattice");
    row_attr(ctx, file, out, "recipe", "/", "recipe");
    row_attr(ctx, file, out, "hierarchy", "/flow", "hierarchy");
    row_int(ctx, file, out, "parameters", "/flow", "n_parameters");
    row_real(ctx, file, out, "training (s)", "/training", "wall_seconds");
    row_int(ctx, file, out, "seed", "/", "seed");
    row_int(ctx, file, out, "threads", "/", "threads");
    row_attr(ctx, file, out, "started", "/", "started");
    row_attr(ctx, file, out, "finished", "/", "finished");
    row_attr(ctx, file, out, "program", "/", "version");
    row_attr(ctx, file, out, "commit", "/", "commit");
    row_attr(ctx, file, out, "command", "/", "command_line");
    row_attr(ctx, file, out, "run", "/", "uuid");
    kad_text_add(out, "</table></div>\n");
    return KAD_OK;
}

const kad_figure kad_figure_summary = {
    .title = "This run",
    .caption = NULL,
    .wide = true,
    .draw = draw_summary,
};

static kad_status draw_diagnostics(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    kad_diagnostics *d;
    KAD_CALL(kad_take(&scope, 1, &d));
    KAD_CALL(kad_diagnostics_read(ctx, file, d));
    if (d->n == 0) return KAD_OK;
    kad_text_add(out, "<table>\n");
    for (size_t i = 0; i < d->n; i++) {
        kad_text_add(out, "<tr><th class=\"%s\">%s</th><td class=\"wrap\">",
                     d->item[i].severity == KAD_NOTE ? "" : "bad",
                     kad_severity_name(d->item[i].severity));
        kad_text_escape(out, d->item[i].message);
        kad_text_add(out, "</td></tr>\n");
    }
    kad_text_add(out, "</table>\n");
    return KAD_OK;
}

const kad_figure kad_figure_diagnostics = {
    .title = "Warnings",
    .caption = NULL,
    .wide = true,
    .draw = draw_diagnostics,
};
