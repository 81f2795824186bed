/* The results: one table of ln Z and the weights, one of every observable by sampler with
 * the exact values, one of the autocorrelation times. */
#include "analysis/report.h"
#include "analysis/table.h"
#include "base/memory.h"
#include "io/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_TABLES = 24 };

typedef struct board {
    size_t n;
    char name[N_TABLES][64];
    kad_table table[N_TABLES];
} board;

static bool is_log_z(const char *name)
{
    return strncmp(name, "log_z", 5) == 0;
}

static void board_clear(board *b)
{
    for (size_t i = 0; i < b->n; i++)
        kad_table_clear(&b->table[i]);
}

/* Tables of /analysis: those of ln Z, or the others. */
static kad_status load(kad_ctx *ctx, kad_h5 *file, bool log_z, board *b)
{
    kad_status status = KAD_OK;
    size_t n = 0;
    char **names = NULL, group[256];
    KAD_TRY(kad_members(ctx, file, "/analysis", &n, &names));
    for (size_t i = 0; i < n && b->n < N_TABLES; i++) {
        if (is_log_z(names[i]) != log_z || strstr(names[i], "_reshuffled") != NULL)
            continue;
        snprintf(group, sizeof group, "/analysis/%s", names[i]);
        KAD_TRY(kad_table_read(ctx, file, group, &b->table[b->n]));
        if (b->table[b->n].n == 0) continue;
        snprintf(b->name[b->n], sizeof b->name[b->n], "%s", names[i]);
        b->n++;
    }
done:
    kad_h5_free_names(n, names);
    return status;
}

/* "0.82(2)"; "0.82(?)" where an error bar belongs and is not stated. */
static void cell(kad_text *out, double value, double err, double exact, bool has_error)
{
    char text[64];
    const bool off = err > 0 && fabs(value - exact) > 3 * err;
    kad_text_add(out, "<td class=\"n%s\">", off ? " bad" : "");
    if (isfinite(value) && isfinite(err))
        kad_text_add(out, "%s", kad_format_error(text, sizeof text, value, err));
    else if (isfinite(value))
        kad_text_add(out, "%.3g%s", value, has_error ? "(?)" : "");
    kad_text_add(out, "</td>");
}

/* Has an earlier table this observable? */
static bool seen(const board *b, size_t before, const char *observable)
{
    for (size_t i = 0; i < before; i++)
        if (kad_table_find(&b->table[i], observable) < b->table[i].n) return true;
    return false;
}

static void value_row(kad_text *out, const board *b, const char *observable, bool tau)
{
    double exact = NAN;
    for (size_t i = 0; i < b->n && !isfinite(exact); i++)
        exact = kad_table_at(&b->table[i], &b->table[i].exact,
                             kad_table_find(&b->table[i], observable));
    kad_text_add(out, "<tr><th>");
    kad_text_escape(out, observable);
    kad_text_add(out, "</th>");
    if (!tau && isfinite(exact)) kad_text_add(out, "<td class=\"n\">%.9g</td>", exact);
    if (!tau && !isfinite(exact)) kad_text_add(out, "<td></td>");
    for (size_t i = 0; i < b->n; i++) {
        const kad_table *t = &b->table[i];
        const size_t at = kad_table_find(t, observable);
        if (tau)
            cell(out, kad_table_at(t, &t->tau, at), kad_table_at(t, &t->tau_err, at), NAN,
                 true);
        else
            cell(out, kad_table_at(t, &t->mean, at), kad_table_at(t, &t->err, at), exact,
                 true);
    }
    kad_text_add(out, "</tr>\n");
}

static void matrix(kad_text *out, const board *b, bool tau)
{
    if (b->n == 0) return;
    kad_text_add(out, "<div class=\"scroll\"><table class=\"matrix\"><tr><th>%s</th>",
                 tau ? "&tau;<sub>int</sub> (draws)" : "observable");
    if (!tau) kad_text_add(out, "<th class=\"n\">exact</th>");
    for (size_t i = 0; i < b->n; i++) {
        kad_text_add(out, "<th class=\"n\">");
        kad_text_escape(out, b->name[i]);
        kad_text_add(out, "</th>");
    }
    kad_text_add(out, "</tr>\n");
    for (size_t i = 0; i < b->n; i++)
        for (size_t k = 0; k < b->table[i].n; k++)
            if (!seen(b, i, b->table[i].observable[k]))
                value_row(out, b, b->table[i].observable[k], tau);
    kad_text_add(out, "</table></div>\n");
}

static kad_status draw_results(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_status status = KAD_OK;
    board *b = NULL;
    KAD_TRY(kad_new(ctx, 1, sizeof *b, &b));
    KAD_TRY(load(ctx, file, false, b));
    matrix(out, b, false);
done:
    if (b != NULL) board_clear(b);
    kad_free(b);
    return status;
}

const kad_figure kad_figure_results = {
    .title = "Results",
    .caption =
        "0.82(2) means 0.82 &plusmn; 0.02, one standard error with autocorrelation "
        "included; (?): fewer than 50&nbsp;&tau;<sub>int</sub>, no error is stated; "
        "coloured: more than three errors off the exact value. NAME_reweighted: the "
        "same draws by importance weights.",
    .wide = true,
    .draw = draw_results,
};

static kad_status draw_taus(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_status status = KAD_OK;
    board *b = NULL;
    size_t kept = 0;
    KAD_TRY(kad_new(ctx, 1, sizeof *b, &b));
    KAD_TRY(load(ctx, file, false, b));
    for (size_t i = 0; i < b->n; i++) { /* weights have no tau */
        if (strstr(b->name[i], "_reweighted") != NULL) {
            kad_table_clear(&b->table[i]);
            continue;
        }
        if (kept != i) {
            b->table[kept] = b->table[i];
            memcpy(b->name[kept], b->name[i], sizeof b->name[i]);
            b->table[i] = (kad_table){0};
        }
        kept++;
    }
    b->n = kept;
    matrix(out, b, true);
done:
    if (b != NULL) board_clear(b);
    kad_free(b);
    return status;
}

const kad_figure kad_figure_taus = {
    .title = "Autocorrelation times of every observable",
    .caption = "&tau;<sub>int</sub> = 1/2 + &Sigma;&nbsp;&rho;(t), in draws.",
    .wide = true,
    .draw = draw_taus,
};

static void log_z_rows(kad_text *out, const kad_table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        const double exact = kad_table_at(t, &t->exact, i);
        kad_text_add(out, "<tr><th>");
        kad_text_escape(out, t->observable[i]);
        kad_text_add(out, "</th>");
        cell(out, t->mean.data[i], kad_table_at(t, &t->err, i), exact,
             strcmp(t->observable[i], "largest_share") != 0);
        if (isfinite(exact))
            kad_text_add(out, "<td class=\"n\">%.9g</td></tr>\n", exact);
        else
            kad_text_add(out, "<td></td></tr>\n");
    }
}

static kad_status draw_log_z(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_status status = KAD_OK;
    board *b = NULL;
    KAD_TRY(kad_new(ctx, 1, sizeof *b, &b));
    KAD_TRY(load(ctx, file, true, b));
    for (size_t i = 0; i < b->n; i++) {
        kad_text_add(out, "<div class=\"scroll\"><table><tr><th>");
        kad_text_escape(out, b->name[i]);
        kad_text_add(out, "</th><th class=\"n\">value</th><th class=\"n\">exact</th>"
                          "</tr>\n");
        log_z_rows(out, &b->table[i]);
        kad_text_add(out, "</table></div>\n");
    }
done:
    if (b != NULL) board_clear(b);
    kad_free(b);
    return status;
}

const kad_figure kad_figure_log_z = {
    .title = "ln Z and the quality of the map",
    .caption = "log_z is the model&rsquo;s own ln&nbsp;Z, between its two bounds; "
               "kl_gap is what the map misses, in nats; ess the effective sample size of "
               "a draw; largest_share the weight of the heaviest draw.",
    .draw = draw_log_z,
};
