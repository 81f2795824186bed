#include "analysis/report/numbers.h"

#include "analysis/report/markup.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

void kad_numbers_text(kad_text *out, bool first, const char *raw)
{
    const bool quoted = strpbrk(raw, ",\"\n\r") != NULL;
    kad_text_add(out, "%s%s", first ? "" : ",", quoted ? "\"" : "");
    for (const char *c = raw; *c != '\0'; c++)
        kad_text_add(out, "%s%c", *c == '"' ? "\"" : "", *c);
    if (quoted) kad_text_add(out, "\"");
}

void kad_numbers_real(kad_text *out, bool first, double value)
{
    kad_text_add(out, "%s", first ? "" : ",");
    if (isfinite(value)) kad_text_add(out, "%.10g", value);
}

static const char *or_empty(const char *text)
{
    return text != NULL ? text : "";
}

/* Column heads, unless the block before has the same. */
static void add_head(kad_text *out, const kad_plot *plot)
{
    KAD_TEXT(head);
    kad_numbers_text(&head, true, "series");
    kad_numbers_text(&head, false, or_empty(plot->x.label));
    kad_numbers_text(&head, false, or_empty(plot->y.label));
    kad_numbers_text(&head, false, "error");
    kad_text_add(&head, "\n");
    out->failed = out->failed || head.failed;
    if (!out->failed && (out->n == 0 || strstr(out->data, head.data) == NULL))
        kad_text_add(out, "%s%s", out->n > 0 ? "\n" : "", head.data);
}

static bool is_data(const kad_series *s)
{
    return s->mark != KAD_MARK_LEVEL && s->mark != KAD_MARK_AT;
}

static bool same_points(const kad_series *a, const kad_series *b)
{
    return is_data(a) && is_data(b) && a->x == b->x && a->y == b->y;
}

/* What a series is called: by itself, by its companion on the same points, or as the band or
 * line of the one of its colour. */
static void add_series_name(kad_text *out, const kad_plot *plot, const kad_series *s)
{
    const char *name = s->name != NULL ? s->name : s->label;
    const kad_series *kin = NULL;
    char text[160];
    if (name != NULL) {
        kad_numbers_text(out, true, name);
        return;
    }
    for (int i = 0; i < plot->n_series && kin == NULL; i++)
        if (plot->series[i].color == s->color && plot->series[i].label != NULL &&
            is_data(&plot->series[i]))
            kin = &plot->series[i];
    snprintf(text, sizeof text, "%s%s",
             kin != NULL ? kin->label : or_empty(plot->y.label),
             kin == NULL                  ? ""
             : s->mark == KAD_MARK_BAND   ? " (band)"
             : s->mark == KAD_MARK_LINE   ? " (line)"
             : s->mark == KAD_MARK_POINTS ? " (points)"
                                          : " (mark)");
    kad_numbers_text(out, true, text);
}

static void add_series(kad_text *out, const kad_plot *plot, int which)
{
    kad_series s = plot->series[which];
    for (int i = 0; i < plot->n_series; i++) {
        const kad_series *other = &plot->series[i];
        if (i == which || !same_points(&s, other)) continue;
        if (i < which) return; /* written with that one */
        if (s.err == NULL) s.err = other->err;
        if (s.label == NULL) s.label = other->label;
    }
    const bool has_x = s.mark != KAD_MARK_LEVEL, has_y = s.mark != KAD_MARK_AT;
    for (size_t k = 0; k < s.n; k++) {
        if (has_y && !isfinite(s.y[k])) continue;
        add_series_name(out, plot, &s);
        kad_numbers_real(out, false, has_x ? s.x[k] : (double)NAN);
        kad_numbers_real(out, false, has_y ? s.y[k] : (double)NAN);
        kad_numbers_real(out, false, s.err != NULL ? s.err[k] : (double)NAN);
        kad_text_add(out, "\n");
    }
}

void kad_numbers_plot(kad_text *out, const kad_plot *plot)
{
    add_head(out, plot);
    for (int i = 0; i < plot->n_series; i++)
        add_series(out, plot, i);
}

void kad_numbers_picture(kad_text *out, const char *label, int w, int h, int n_comp,
                         const double *values, size_t *n_left_out)
{
    if (out->n + 12 * (size_t)w * (size_t)h * (size_t)n_comp > KAD_NUMBERS_MOST) {
        ++*n_left_out;
        return;
    }
    kad_text_add(out, "%spicture,component,y", out->n > 0 ? "\n" : "");
    for (int x = 0; x < w; x++)
        kad_text_add(out, ",x = %d", x);
    kad_text_add(out, "\n");
    for (int c = 0; c < n_comp; c++)
        for (int y = 0; y < h; y++) {
            kad_numbers_text(out, true, label);
            kad_text_add(out, ",%d,%d", c, y);
            for (int x = 0; x < w; x++) {
                const double value =
                    values[(size_t)(y * w + x) * (size_t)n_comp + (size_t)c];
                kad_text_add(out, ",");
                if (isfinite(value)) kad_text_add(out, "%.7g", value);
            }
            kad_text_add(out, "\n");
        }
}

void kad_numbers_rest(kad_text *out, size_t n_left_out, size_t n)
{
    if (n_left_out > 0)
        kad_text_add(out,
                     "<p class=\"note\">The numbers of %zu of %zu pictures are left out "
                     "here; run.h5 has all.</p>\n",
                     n_left_out, n);
}

/* A file's name made of a title: letters and digits, the rest a hyphen. */
static void add_name(kad_text *out, const char *title)
{
    bool gap = false, any = false;
    for (const char *c = title; *c != '\0'; c++) {
        if (*c == '&') /* an entity */
            c += strcspn(c, ";") - (strchr(c, ';') == NULL);
        if (isalnum((unsigned char)*c)) {
            kad_text_add(out, "%s%c", gap && any ? "-" : "", tolower((unsigned char)*c));
            any = true;
        }
        gap = !isalnum((unsigned char)*c);
    }
}

void kad_numbers_link(kad_text *out, const kad_text *numbers, const char *name)
{
    if (numbers->n == 0) return;
    kad_text_add(out, "<p class=\"data\"><a download=\"");
    add_name(out, name);
    kad_text_add(out, ".csv\" href=\"data:text/csv;charset=utf-8,");
    kad_text_percent(out, numbers->data);
    kad_text_add(out, "\">numbers (CSV)</a></p>\n");
}
