/* The results: one table of ln Z and the weights, one of every observable by sampler with
 * the exact values, one of the autocorrelation times. */
#include "analysis/report/grid.h"
#include "analysis/report/markup.h"
#include "analysis/report/report.h"
#include "analysis/table.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_TABLES = 24 };

typedef struct board {
    size_t n, n_all; /* kept, and in the file */
    char name[N_TABLES][64];
    kad_table table[N_TABLES];
} board;

static bool is_log_z(const char *name)
{
    return strncmp(name, "log_z", 5) == 0;
}

/* Tables of /analysis: those of ln Z, or the others. */
static kad_status load(kad_scope *in, kad_h5 *file, bool log_z, board *b)
{
    size_t n;
    char **names, group[256];
    KAD_CALL(kad_members(in, file, "/analysis", &n, &names));
    for (size_t i = 0; i < n; i++) {
        if (is_log_z(names[i]) != log_z || strstr(names[i], "_reshuffled") != NULL)
            continue;
        if (b->n_all++ >= N_TABLES) continue;
        snprintf(group, sizeof group, "/analysis/%s", names[i]);
        KAD_CALL(kad_table_read(in, file, group, &b->table[b->n]));
        if (b->table[b->n].n == 0) continue;
        snprintf(b->name[b->n], sizeof b->name[b->n], "%s", names[i]);
        b->n++;
    }
    return KAD_OK;
}

/* Coloured where it is more than three errors off the exact value. */
static void cell(kad_grid *g, double value, double err, double exact, bool has_error)
{
    kad_grid_estimate(g, value, err, has_error);
    if (err > 0 && fabs(value - exact) > 3 * err) kad_grid_mark(g);
}

/* Has an earlier table this observable? */
static bool seen(const board *b, size_t before, const char *observable)
{
    for (size_t i = 0; i < before; i++)
        if (kad_table_find(&b->table[i], observable) < b->table[i].n) return true;
    return false;
}

static void value_row(kad_grid *g, const board *b, const char *observable)
{
    double exact = NAN;
    for (size_t i = 0; i < b->n && !isfinite(exact); i++)
        exact = kad_table_at(&b->table[i], &b->table[i].exact,
                             kad_table_find(&b->table[i], observable));
    kad_grid_text(g, observable);
    kad_grid_real(g, 9, exact);
    for (size_t i = 0; i < b->n; i++) {
        const kad_table *t = &b->table[i];
        const size_t at = kad_table_find(t, observable);
        cell(g, kad_table_at(t, &t->mean, at), kad_table_at(t, &t->err, at), exact, true);
    }
}

/* A line for every reason why error bars of a table are missing. */
static void add_reasons(kad_text *out, const char *name, const kad_table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        const char *reason = kad_table_reason(t, i);
        if (reason == NULL) continue;
        kad_text_add(out, "<p class=\"note\">");
        kad_text_escape(out, name);
        for (size_t k = i; k < t->n; k++) {
            if (!kad_table_lacks_alike(t, i, k)) continue;
            kad_text_add(out, k == i ? ": no error of " : ", ");
            kad_text_escape(out, t->observable[k]);
        }
        kad_text_add(out, ": %s.</p>\n", reason);
    }
}

static void matrix(kad_text *out, const board *b)
{
    kad_grid g = {.wide = true};
    kad_grid_column(&g, "observable", KAD_GRID_NAME);
    kad_grid_column(&g, "exact", KAD_GRID_REAL);
    for (size_t i = 0; i < b->n; i++)
        kad_grid_named(&g, b->name[i], KAD_GRID_ESTIMATE);
    for (size_t i = 0; i < b->n; i++)
        for (size_t k = 0; k < b->table[i].n; k++)
            if (!seen(b, i, b->table[i].observable[k]))
                value_row(&g, b, b->table[i].observable[k]);
    kad_grid_render(&g, out);
    kad_note_rest(out, b->n, b->n_all, "tables");
    for (size_t i = 0; i < b->n; i++)
        add_reasons(out, b->name[i], &b->table[i]);
}

static kad_status draw_results(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    board *b;
    KAD_CALL(kad_take(&scope, 1, &b));
    KAD_CALL(load(&scope, file, false, b));
    matrix(out, b);
    return KAD_OK;
}

const kad_figure kad_figure_results = {
    .title = "Results",
    .caption =
        "0.82(2) means 0.82 &plusmn; 0.02, one standard error with autocorrelation "
        "included; (?): no error can be stated, lines below "
        "say why; "
        "coloured: more than three errors off the exact value. NAME_reweighted: the "
        "same draws by importance weights.",
    .wide = true,
    .draw = draw_results,
};

/* How well one sampler's chains know each observable. */
static void chain_table(kad_text *out, const char *name, const kad_table *t)
{
    kad_grid g = {0};
    kad_grid_named(&g, name, KAD_GRID_NAME);
    kad_grid_column(&g, "&tau;<sub>int</sub>", KAD_GRID_ESTIMATE);
    kad_grid_column(&g, "n<sub>eff</sub>", KAD_GRID_REAL);
    kad_grid_column(&g, "R&#x302;", KAD_GRID_REAL);
    for (size_t k = 0; k < t->n; k++) {
        kad_grid_text(&g, t->observable[k]);
        kad_grid_estimate(&g, kad_table_at(t, &t->tau, k),
                          kad_table_at(t, &t->tau_err, k), true);
        kad_grid_real(&g, 4, kad_table_at(t, &t->n_eff, k));
        kad_grid_fixed(&g, 4, kad_table_at(t, &t->rhat, k));
    }
    kad_text_add(out, "<div>");
    kad_grid_render(&g, out);
    kad_text_add(out, "</div>");
}

static kad_status draw_chains(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    board *b;
    size_t shown = 0;
    KAD_CALL(kad_take(&scope, 1, &b));
    KAD_CALL(load(&scope, file, false, b));
    for (size_t i = 0; i < b->n; i++) {
        if (strstr(b->name[i], "_reweighted") != NULL) continue; /* weights have no tau */
        if (shown++ == 0) kad_text_add(out, "<div class=\"plots tables\">");
        chain_table(out, b->name[i], &b->table[i]);
    }
    if (shown > 0) kad_text_add(out, "</div>\n");
    return KAD_OK;
}

const kad_figure kad_figure_chains = {
    .title = "Chains, observable by observable",
    .caption =
        "&tau;<sub>int</sub> = 1/2 + &Sigma;&nbsp;&rho;(t) in draws; n<sub>eff"
        "</sub> = draws/(2&nbsp;&tau;<sub>int</sub>), independent draws the series is "
        "worth; R&#x302; compares the halves of all chains, 1 when they agree. (?): "
        "no error can be stated, as below the results.",
    .wide = true,
    .draw = draw_chains,
};

/* One table of ln Z and of the weights it comes from. */
static void log_z_table(kad_text *out, const char *name, const kad_table *t)
{
    kad_grid g = {0};
    kad_grid_named(&g, name, KAD_GRID_NAME);
    kad_grid_column(&g, "value", KAD_GRID_ESTIMATE);
    kad_grid_column(&g, "exact", KAD_GRID_REAL);
    for (size_t i = 0; i < t->n; i++) {
        const double exact = kad_table_at(t, &t->exact, i);
        kad_grid_text(&g, t->observable[i]);
        cell(&g, t->mean.data[i], kad_table_at(t, &t->err, i), exact,
             strcmp(t->observable[i], "largest_share") != 0);
        kad_grid_real(&g, 9, exact);
    }
    kad_text_add(out, "<div>");
    kad_grid_render(&g, out);
    add_reasons(out, name, t);
    kad_text_add(out, "</div>");
}

static kad_status draw_log_z(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    board *b;
    KAD_CALL(kad_take(&scope, 1, &b));
    KAD_CALL(load(&scope, file, true, b));
    if (b->n > 0) kad_text_add(out, "<div class=\"plots tables\">");
    for (size_t i = 0; i < b->n; i++)
        log_z_table(out, b->name[i], &b->table[i]);
    if (b->n > 0) kad_text_add(out, "</div>\n");
    return KAD_OK;
}

const kad_figure kad_figure_log_z = {
    .title = "ln Z and the quality of the map",
    .caption = "log_z is the model&rsquo;s own ln&nbsp;Z, between its two bounds; "
               "kl_gap is what the map misses, in nats; ess the effective sample size of "
               "a draw; largest_share the weight of the heaviest draw. log_z_NAME: from "
               "the map&rsquo;s weights at configurations of that sampler.",
    .group = "/samplers",
    .absent = "no sampler stored the weights of a map (mis and direct do)",
    .draw = draw_log_z,
};
