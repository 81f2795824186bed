/* What was run, the table of results with errors and exact values, and the warnings. */
#include "analysis/diagnostics.h"
#include "analysis/report.h"
#include "analysis/results.h"
#include "analysis/table.h"
#include "base/memory.h"
#include "io/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

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
    char *text = kad_attr_string(ctx, file, path, name);
    row_text(out, head, text);
    kad_free(text);
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

static kad_status draw_summary(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_text_add(out, "<div class=\"scroll\"><table>\n");
    row_attr(ctx, file, out, "status", "/", "status");
    row_attr(ctx, file, out, "model", "/", "model");
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
    .draw = draw_summary,
};

static void cell_error(kad_text *out, double value, double err)
{
    char text[64];
    if (isfinite(value))
        kad_text_add(out, "<td class=\"n\">%s</td>",
                     kad_format_error(text, sizeof text, value, err));
    else
        kad_text_add(out, "<td class=\"n\"></td>");
}

static void cell_exact(kad_text *out, double mean, double err, double exact)
{
    if (!isfinite(exact)) {
        kad_text_add(out, "<td></td><td></td>");
        return;
    }
    kad_text_add(out, "<td class=\"n\">%.9g</td>", exact);
    if (err > 0)
        kad_text_add(out, "<td class=\"n %s\">%+.1f</td>",
                     fabs(mean - exact) > 3 * err ? "bad" : "good", (mean - exact) / err);
    else
        kad_text_add(out, "<td></td>");
}

static void table_draw(kad_text *out, const char *name, const kad_table *t)
{
    kad_text_add(out, "<p><b>");
    kad_text_escape(out, name);
    kad_text_add(out,
                 "</b></p><div class=\"scroll\"><table><tr><th>observable</th>"
                 "<th class=\"n\">value</th><th class=\"n\">exact</th><th class=\"n\">"
                 "pull</th><th class=\"n\">&tau;<sub>int</sub> "
                 "(draws)</th><th class=\"n\">n<sub>eff</sub></th></tr>\n");
    for (size_t i = 0; i < t->n; i++) {
        double mean = t->mean.data[i], err = kad_table_at(t, &t->err, i);
        kad_text_add(out, "<tr><td>");
        kad_text_escape(out, t->observable[i]);
        kad_text_add(out, "</td>");
        cell_error(out, mean, err);
        cell_exact(out, mean, err, kad_table_at(t, &t->exact, i));
        cell_error(out, kad_table_at(t, &t->tau, i), kad_table_at(t, &t->tau_err, i));
        double n_eff = kad_table_at(t, &t->n_eff, i);
        if (isfinite(n_eff))
            kad_text_add(out, "<td class=\"n\">%.0f</td></tr>\n", n_eff);
        else
            kad_text_add(out, "<td></td></tr>\n");
    }
    kad_text_add(out, "</table></div>\n");
}

static kad_status draw_results(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_status status = KAD_OK;
    size_t n = 0;
    char **names = NULL;
    kad_table t = {0};
    if (!kad_h5_exists(file, "/analysis")) return KAD_OK;
    KAD_TRY(kad_h5_list(ctx, file, "/analysis", &n, &names));
    for (size_t i = 0; i < n; i++) {
        char group[256];
        snprintf(group, sizeof group, "/analysis/%s", names[i]);
        KAD_TRY(kad_table_read(ctx, file, group, &t));
        if (t.n > 0) table_draw(out, names[i], &t);
        kad_table_clear(&t);
    }
done:
    kad_table_clear(&t);
    kad_h5_free_names(n, names);
    return status;
}

const kad_figure kad_figure_results = {
    .title = "Results",
    .caption =
        "0.82(2) means 0.82 &plusmn; 0.02, one standard error with autocorrelation "
        "included; pull = (value &minus; exact)/error. log_z is the model&rsquo;s own "
        "ln&nbsp;Z. &tau;<sub>int</sub> = "
        "1/2 + &Sigma; &rho;(t).",
    .draw = draw_results,
};

static kad_status draw_diagnostics(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_status status = KAD_OK;
    kad_diagnostics *d = NULL;
    KAD_TRY(kad_new(ctx, 1, sizeof *d, &d));
    KAD_TRY(kad_diagnostics_read(ctx, file, d));
    if (d->n == 0) goto done;
    kad_text_add(out, "<table>\n");
    for (size_t i = 0; i < d->n; i++) {
        kad_text_add(out, "<tr><th class=\"%s\">%s</th><td class=\"wrap\">",
                     d->item[i].severity == KAD_NOTE ? "" : "bad",
                     kad_severity_name(d->item[i].severity));
        kad_text_escape(out, d->item[i].message);
        kad_text_add(out, "</td></tr>\n");
    }
    kad_text_add(out, "</table>\n");
done:
    kad_free(d);
    return status;
}

const kad_figure kad_figure_diagnostics = {
    .title = "Warnings",
    .caption = NULL,
    .draw = draw_diagnostics,
};
