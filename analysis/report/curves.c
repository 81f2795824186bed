#include "analysis/report/curves.h"

#include "analysis/report/markup.h"
#include "analysis/report/svg.h"
#include "analysis/results.h"
#include "base/memory.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { COLORS = 6 };

/* What one group holds for a layer; y.n = 0: not all that is needed. */
typedef struct columns {
    kad_values x, y, err, a, b, chosen;
} columns;

static kad_status columns_read(kad_scope *in, kad_h5 *file, const char *group,
                               const kad_layer *l, columns *c)
{
    char error[64];
    *c = (columns){0};
    snprintf(error, sizeof error, "%s_err", l->y);
    const bool pairs = l->split == KAD_SPLIT_PAIRS;
    const struct {
        const char *name;
        kad_values *to;
    } all[] = {{l->y, &c->y},
               {l->x, &c->x},
               {error, &c->err},
               {pairs ? "level_a" : NULL, &c->a},
               {pairs ? "level_b" : NULL, &c->b},
               {l->flag != NULL ? l->flag : l->last, &c->chosen}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (all[i].name != NULL)
            KAD_CALL(kad_values_read_in(in, file, group, all[i].name, all[i].to));
    const bool rows = l->split == KAD_SPLIT_ROWS, is_matrix = c->y.rank == 2;
    const size_t n = c->y.n, n_x = rows && is_matrix ? c->y.dims[1] : n;
    if ((rows && !is_matrix) || (l->x != NULL && c->x.n != n_x) ||
        (c->err.n > 0 && c->err.n != n) || (pairs && (c->a.n != n || c->b.n != n)))
        *c = (columns){0};
    return KAD_OK;
}

/* Whether entry i belongs to a curve; level -1: to that of all. */
static bool belongs(const columns *c, const kad_layer *l, size_t i, int level)
{
    if (c->chosen.n == c->y.n && l->flag != NULL && c->chosen.data[i] == 0) return false;
    if (c->chosen.n == c->y.n && l->last != NULL &&
        c->chosen.data[i] != c->chosen.data[c->y.n - 1])
        return false;
    if (l->split != KAD_SPLIT_PAIRS) return true;
    return c->b.data[i] - c->a.data[i] == l->apart &&
           (level < 0 || c->a.data[i] == level);
}

/* The entries that belong to it, of its own row where there are rows; none: no curve. */
static kad_status add_curve(kad_scope *in, const columns *c, const kad_layer *l,
                            int level, const char *label, int color, kad_curves *out)
{
    const bool rows = l->split == KAD_SPLIT_ROWS;
    const size_t n = rows ? c->y.dims[1] : c->y.n, first = rows ? (size_t)level * n : 0;
    kad_curve *curve = &out->at[out->n];
    size_t m = 0;
    for (size_t i = first; i < first + n; i++)
        m += belongs(c, l, i, level);
    if (m == 0) return KAD_OK;
    double *data;
    KAD_CALL(kad_take(in, 3 * m, &data));
    *curve = (kad_curve){.x = data, .y = data + m, .color = color};
    if (c->err.n > 0) curve->err = data + 2 * m;
    snprintf(curve->label, sizeof curve->label, "%s", label);
    for (size_t i = first; i < first + n; i++) {
        if (!belongs(c, l, i, level)) continue;
        const size_t k = i - first;
        curve->x[curve->n] = l->x != NULL ? c->x.data[k] : (double)k;
        curve->y[curve->n] = c->y.data[i];
        if (curve->err != NULL) curve->err[curve->n] = c->err.data[i];
        curve->n++;
    }
    out->n++;
    return KAD_OK;
}

/* A curve a level. */
static kad_status add_levels(kad_scope *in, const columns *c, const kad_layer *l,
                             kad_curves *out)
{
    const bool rows = l->split == KAD_SPLIT_ROWS;
    double last = rows ? (double)c->y.dims[0] - 1.0 : -1.0;
    for (size_t i = 0; i < c->a.n; i++)
        last = fmax(last, c->a.data[i]);
    out->n_all = (size_t)(fmin(last, INT32_MAX) + 1.0);
    out->n_shown = out->n_all < KAD_CURVES ? out->n_all : KAD_CURVES;
    for (int h = 0; h < (int)out->n_shown; h++) {
        char label[64];
        if (l->apart > 0)
            snprintf(label, sizeof label, "levels %d, %d", h, h + l->apart);
        else
            snprintf(label, sizeof label, "level %d", h);
        KAD_CALL(add_curve(in, c, l, h, label, h % COLORS, out));
    }
    return KAD_OK;
}

/* A curve a sampler, side by side where they would hide each other. */
static kad_status add_samplers(kad_scope *in, kad_h5 *file, const kad_layer *l,
                               kad_curves *out)
{
    KAD_SCOPE(scope, in->ctx);
    size_t n = 0;
    char **names = NULL, group[256];
    columns c;
    KAD_CALL(kad_members(&scope, file, l->group, &n, &names));
    for (size_t i = 0; i < n; i++) {
        if (strstr(names[i], "_reweighted") != NULL) continue;
        if (out->n_all++ >= KAD_CURVES_SAMPLERS) continue;
        out->n_shown++;
        snprintf(group, sizeof group, "%s/%s", l->group, names[i]);
        KAD_CALL(columns_read(&scope, file, group, l, &c));
        KAD_CALL(add_curve(in, &c, l, -1, names[i], (int)out->n, out));
    }
    for (size_t i = 0; i < out->n && out->n > 1; i++)
        out->at[i].shift = 0.4 * ((double)i / (double)(out->n - 1) - 0.5);
    return KAD_OK;
}

kad_status kad_curves_read(kad_scope *in, kad_h5 *file, const kad_layer *l,
                           kad_curves *out)
{
    KAD_SCOPE(scope, in->ctx);
    columns c;
    *out = (kad_curves){0};
    if (l->split == KAD_SPLIT_SAMPLERS) {
        KAD_CALL(add_samplers(in, file, l, out));
        return KAD_OK;
    }
    KAD_CALL(columns_read(&scope, file, l->group, l, &c));
    if (c.y.n == 0) return KAD_OK;
    if (l->split == KAD_SPLIT_NONE || (l->split == KAD_SPLIT_PAIRS && l->label != NULL))
        KAD_CALL(
            add_curve(in, &c, l, -1, l->label != NULL ? l->label : "", l->color, out));
    else
        KAD_CALL(add_levels(in, &c, l, out));
    return KAD_OK;
}

void kad_curves_add(kad_plot *plot, const kad_layer *l, const kad_curves *curves)
{
    static const struct {
        unsigned bit;
        kad_mark mark;
        bool err;
    } marks[] = {{KAD_DRAW_BAND, KAD_MARK_BAND, true},
                 {KAD_DRAW_LINE, KAD_MARK_LINE, false},
                 {KAD_DRAW_POINTS, KAD_MARK_POINTS, true},
                 {KAD_DRAW_DOTS, KAD_MARK_DOTS, false}};
    for (size_t i = 0; i < curves->n; i++) {
        const kad_curve *c = &curves->at[i];
        const char *label = l->unnamed || c->label[0] == '\0' ? NULL : c->label;
        for (size_t k = 0; k < sizeof marks / sizeof *marks; k++) {
            if ((l->marks & marks[k].bit) == 0) continue;
            const bool named = marks[k].mark != KAD_MARK_BAND;
            kad_plot_add(plot, (kad_series){.mark = marks[k].mark,
                                            .n = c->n,
                                            .x = c->x,
                                            .y = c->y,
                                            .err = marks[k].err ? c->err : NULL,
                                            .label = named ? label : NULL,
                                            .color = c->color,
                                            .shift = c->shift});
            if (named) label = NULL;
        }
    }
}

void kad_curves_render(kad_text *out, const kad_plot *plot, const kad_layer *l,
                       const kad_curves *curves)
{
    const size_t before = out->n;
    kad_plot_render(out, plot);
    if (out->n > before)
        kad_note_rest(out, curves->n_shown, curves->n_all,
                      l->split == KAD_SPLIT_SAMPLERS ? "samplers" : "levels");
}

/* Whether a logarithm would hide one of the values. */
static bool hides(const kad_curves *curves)
{
    for (size_t i = 0; i < curves->n; i++)
        for (size_t k = 0; k < curves->at[i].n; k++)
            if (!(curves->at[i].y[k] > 0)) return true;
    return false;
}

kad_status kad_plotted_draw(kad_ctx *ctx, kad_h5 *file, const kad_plotted *p,
                            kad_text *out)
{
    KAD_SCOPE(scope, ctx);
    kad_curves curves[KAD_LAYERS] = {{0}};
    kad_plot plot = {.x = p->x, .y = p->y};
    for (size_t i = 0; i < KAD_LAYERS && p->layer[i].group != NULL; i++) {
        KAD_CALL(kad_curves_read(&scope, file, &p->layer[i], &curves[i]));
        kad_curves_add(&plot, &p->layer[i], &curves[i]);
        if (p->or_linear && hides(&curves[i])) plot.y.log = false;
    }
    kad_curves_render(out, &plot, &p->layer[0], &curves[0]);
    return KAD_OK;
}
