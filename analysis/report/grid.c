#include "analysis/report/grid.h"

#include "analysis/report/markup.h"
#include "analysis/report/numbers.h"
#include "base/memory.h"
#include "io/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct kad_grid_cell {
    size_t text; /* in the pool: offset + 1, 0: empty */
    size_t path; /* the same of where it leads */
    double value, err;
    bool marked;
};

void kad_grid_column(kad_grid *g, const char *head, kad_grid_kind kind)
{
    if (g->n_columns == KAD_GRID_COLUMNS) {
        g->failed = true;
        return;
    }
    snprintf(g->head[g->n_columns], sizeof g->head[0], "%s", head);
    g->kind[g->n_columns++] = kind;
}

void kad_grid_named(kad_grid *g, const char *name, kad_grid_kind kind)
{
    KAD_TEXT(head);
    kad_text_escape(&head, name);
    g->failed = g->failed || head.failed;
    kad_grid_column(g, head.data != NULL ? head.data : "", kind);
}

static void add(kad_grid *g, const char *text, double value, double err)
{
    if (g->n_cells == g->capacity) {
        const size_t capacity = 2 * g->capacity + 64;
        kad_grid_cell *cell = kad_alloc(capacity, sizeof *cell);
        if (cell == NULL) {
            g->failed = true;
            return;
        }
        if (g->n_cells > 0) memcpy(cell, g->cell, g->n_cells * sizeof *cell);
        kad_free(g->cell);
        g->cell = cell;
        g->capacity = capacity;
    }
    const bool empty = text == NULL || text[0] == '\0';
    g->cell[g->n_cells++] =
        (kad_grid_cell){.text = empty ? 0 : g->pool.n + 1, .value = value, .err = err};
    if (!empty) kad_text_add(&g->pool, "%s%c", text, 0);
}

void kad_grid_text(kad_grid *g, const char *text)
{
    add(g, text, NAN, NAN);
}

void kad_grid_link(kad_grid *g, const char *text, const char *path)
{
    add(g, text, NAN, NAN);
    if (g->failed) return;
    g->cell[g->n_cells - 1].path = g->pool.n + 1;
    kad_text_add(&g->pool, "%s%c", path, 0);
}

void kad_grid_words(kad_grid *g, double value, double err, const char *words)
{
    add(g, words, value, err);
}

void kad_grid_fixed(kad_grid *g, int decimals, double value)
{
    char text[64] = "";
    if (fabs(value) < 1e4)
        snprintf(text, sizeof text, "%.*f", decimals, value);
    else if (isfinite(value))
        (void)kad_format_rounded(text, sizeof text, value, 3);
    add(g, text, value, NAN);
}

void kad_grid_real(kad_grid *g, int digits, double value)
{
    char text[64] = "";
    if (isfinite(value)) (void)kad_format_rounded(text, sizeof text, value, digits);
    add(g, text, value, NAN);
}

void kad_grid_p(kad_grid *g, double p)
{
    if (p < 1e-99)
        kad_grid_words(g, p, NAN, "< 1e-99");
    else
        kad_grid_real(g, 2, p);
}

void kad_grid_estimate(kad_grid *g, double value, double err, bool expected)
{
    char text[64] = "";
    if (isfinite(value) && isfinite(err) && err > 0)
        (void)kad_format_error(text, sizeof text, value, err);
    else if (isfinite(value)) {
        (void)kad_format_rounded(text, sizeof text, value, 3);
        if (expected) snprintf(text + strlen(text), sizeof text - strlen(text), " (?)");
    }
    add(g, text, value, err);
}

void kad_grid_mark(kad_grid *g)
{
    if (g->n_cells > 0) g->cell[g->n_cells - 1].marked = true;
}

static bool is_used(const kad_grid *g, size_t column)
{
    for (size_t i = column; i < g->n_cells; i += g->n_columns)
        if (g->cell[i].text > 0) return true;
    return false;
}

static const char *text_of(const kad_grid *g, size_t i)
{
    return g->cell[i].text > 0 ? g->pool.data + g->cell[i].text - 1 : "";
}

/* What an entity stands for in plain text; its own name where that reads well. */
static const char *plain_entity(const char *name, size_t n, char own[16])
{
    static const char *const known[][2] = {
        {"lt", "<"},    {"gt", ">"},       {"amp", "&"},   {"quot", "\""},
        {"sup2", "^2"}, {"#x302", "-hat"}, {"minus", "-"}, {"nbsp", " "}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i][0]) == n && strncmp(known[i][0], name, n) == 0)
            return known[i][1];
    snprintf(own, 16, "%.*s", n < 15 ? (int)n : 15, name);
    return own;
}

/* A head in plain text: "tau_int" of &tau;<sub>int</sub>. */
static void add_plain(kad_text *out, bool first, const char *html, const char *more)
{
    char plain[128], own[16];
    size_t n = 0;
    for (const char *c = html; *c != '\0' && n + 20 < sizeof plain; c++) {
        const char stop = *c == '<' ? '>' : ';';
        const char *end = *c == '<' || *c == '&' ? strchr(c, stop) : NULL;
        if (end == NULL)
            plain[n++] = *c;
        else if (*c == '&')
            n += (size_t)snprintf(plain + n, sizeof plain - n, "%s",
                                  plain_entity(c + 1, (size_t)(end - c - 1), own));
        else if (strncmp(c, "<sub>", 5) == 0)
            plain[n++] = '_';
        if (end != NULL) c = end;
    }
    snprintf(plain + n, sizeof plain - n, "%s", more);
    kad_numbers_text(out, first, plain);
}

static void write_cell(const kad_grid *g, size_t i, kad_text *out)
{
    const size_t path = g->cell[i].path;
    if (path > 0) {
        kad_text_add(out, "<a href=\"");
        kad_text_percent(out, g->pool.data + path - 1);
        kad_text_add(out, "\">");
    }
    kad_text_escape(out, text_of(g, i));
    if (path > 0) kad_text_add(out, "</a>");
}

static void write_html(const kad_grid *g, const bool *used, kad_text *out)
{
    kad_text_add(out, "<div class=\"scroll\"><table%s><tr>",
                 g->wide ? " class=\"matrix\"" : "");
    for (size_t k = 0; k < g->n_columns; k++)
        if (used[k])
            kad_text_add(out, "<th%s>%s</th>",
                         g->kind[k] == KAD_GRID_NAME ? "" : " class=\"n\"", g->head[k]);
    kad_text_add(out, "</tr>\n");
    for (size_t i = 0; i + g->n_columns <= g->n_cells; i += g->n_columns) {
        kad_text_add(out, "<tr>");
        for (size_t k = 0; k < g->n_columns; k++) {
            const bool number = g->kind[k] != KAD_GRID_NAME;
            const char *tag = k == 0 && !number ? "th" : "td";
            if (!used[k]) continue;
            kad_text_add(out, "<%s class=\"%s%s\">", tag, number ? "n" : "t",
                         g->cell[i + k].marked ? " bad" : "");
            write_cell(g, i + k, out);
            kad_text_add(out, "</%s>", tag);
        }
        kad_text_add(out, "</tr>\n");
    }
    kad_text_add(out, "</table></div>\n");
}

static void write_numbers(const kad_grid *g, const bool *used, kad_text *out)
{
    bool first = true;
    if (out->n > 0) kad_text_add(out, "\n");
    for (size_t k = 0; k < g->n_columns; k++) {
        if (!used[k]) continue;
        add_plain(out, first, g->head[k], "");
        first = false;
        if (g->kind[k] == KAD_GRID_ESTIMATE) add_plain(out, false, g->head[k], " error");
    }
    kad_text_add(out, "\n");
    for (size_t i = 0; i + g->n_columns <= g->n_cells; i += g->n_columns) {
        first = true;
        for (size_t k = 0; k < g->n_columns; k++) {
            if (!used[k]) continue;
            if (g->kind[k] == KAD_GRID_NAME)
                kad_numbers_text(out, first, text_of(g, i + k));
            else
                kad_numbers_real(out, first, g->cell[i + k].value);
            if (g->kind[k] == KAD_GRID_ESTIMATE)
                kad_numbers_real(out, false, g->cell[i + k].err);
            first = false;
        }
        kad_text_add(out, "\n");
    }
}

void kad_grid_render(kad_grid *g, kad_text *out)
{
    bool used[KAD_GRID_COLUMNS], any = false;
    out->failed = out->failed || g->failed || g->pool.failed;
    for (size_t k = 0; k < g->n_columns && !out->failed; k++) {
        used[k] = is_used(g, k);
        any = any || (used[k] && g->kind[k] != KAD_GRID_NAME);
    }
    if (any) write_html(g, used, out);
    if (any && out->numbers != NULL) write_numbers(g, used, out->numbers);
    kad_free(g->cell);
    kad_text_clear(&g->pool);
    *g = (kad_grid){0};
}
