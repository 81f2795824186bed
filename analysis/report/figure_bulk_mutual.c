/* What latents still know of each other. */
#include "analysis/report/grid.h"
#include "analysis/report/markup.h"
#include "analysis/report/report.h"
#include "analysis/report/svg.h"
#include "analysis/results.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>

enum { MAX_LEVELS = 8 };

typedef struct mutual {
    kad_values a, b, r, value, err, strongest, knn, knn_err, null;
} mutual;

static void mutual_clear(mutual *m)
{
    kad_values *all[] = {&m->a,         &m->b,   &m->r,       &m->value, &m->err,
                         &m->strongest, &m->knn, &m->knn_err, &m->null};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        kad_values_clear(all[i]);
}

static kad_status mutual_read(kad_ctx *ctx, kad_h5 *file, mutual *m)
{
    const struct {
        const char *name;
        kad_values *to;
    } all[] = {
        {"level_a", &m->a},      {"level_b", &m->b},        {"r", &m->r},
        {"gaussian", &m->value}, {"gaussian_err", &m->err}, {"strongest", &m->strongest},
        {"knn", &m->knn},        {"knn_err", &m->knn_err},  {"knn_null", &m->null}};
    kad_status status = KAD_OK;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        KAD_TRY(kad_values_read_in(ctx, file, "/bulk/mutual", all[i].name, all[i].to));
        if (all[i].to->n != m->a.n) { /* unfinished */
            mutual_clear(m);
            return KAD_OK;
        }
    }
done:
    return status;
}

/* Bins of levels (h, h + difference), packed to the front of x, y, err from `at` on. */
static size_t pick(const mutual *m, int h, int difference, double *x, double *y,
                   double *err)
{
    size_t n = 0;
    for (size_t i = 0; i < m->a.n; i++) {
        if ((int)m->a.data[i] != h || (int)m->b.data[i] != h + difference) continue;
        x[n] = m->r.data[i];
        y[n] = m->value.data[i] > 0 ? m->value.data[i] : NAN;
        err[n] = m->err.data[i];
        n++;
    }
    return n;
}

static kad_status draw_levels(kad_ctx *ctx, kad_h5 *file, int difference, kad_text *out)
{
    kad_status status = KAD_OK;
    mutual m = {0};
    double *work = NULL;
    char label[MAX_LEVELS][32];
    KAD_TRY(mutual_read(ctx, file, &m));
    if (m.a.n == 0) goto done;
    KAD_TRY(kad_new(ctx, 3 * m.a.n, sizeof *work, &work));
    kad_plot plot = {.x = {.label = "separation (lattice units)", .log = true},
                     .y = {.label = "mutual information of a pair (nats)", .log = true}};
    size_t at = 0;
    for (int h = 0; h < MAX_LEVELS; h++) {
        double *x = work + at, *y = x + m.a.n, *err = y + m.a.n;
        const size_t n = pick(&m, h, difference, x, y, err);
        at += n;
        if (n == 0) continue;
        if (difference == 0)
            snprintf(label[h], sizeof label[h], "level %d", h);
        else
            snprintf(label[h], sizeof label[h], "levels %d, %d", h, h + difference);
        kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_POINTS,
                                         .n = n,
                                         .x = x,
                                         .y = y,
                                         .err = err,
                                         .label = label[h],
                                         .color = h % 6});
    }
    kad_plot_render(out, &plot);
    kad_note_rest(out, MAX_LEVELS,
                  (size_t)fmax(0.0, kad_attr_real(ctx, file, "/flow", "levels")),
                  "levels");
done:
    mutual_clear(&m);
    kad_free(work);
    return status;
}

static kad_status draw_within(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    return draw_levels(ctx, file, 0, out);
}

static kad_status draw_between(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    return draw_levels(ctx, file, 1, out);
}

const kad_figure kad_figure_bulk_mutual = {
    .title = "Mutual information within a level",
    .caption = "Gaussian estimate for pairs of latents of one level, less what shifted "
               "configurations give; only positive values can be shown. Under the prior "
               "it would be zero: what is left the map has not undone.",
    .group = "/bulk/mutual",
    .absent = "no pair of latents of a level has information above zero",
    .draw = draw_within,
};

const kad_figure kad_figure_bulk_mutual_between = {
    .title = "Mutual information between neighbouring levels",
    .caption = "The same for pairs of a latent and one of the next coarser level.",
    .group = "/bulk/mutual",
    .absent = "no pair of latents of neighbouring levels has information above zero",
    .draw = draw_between,
};

static kad_status draw_kraskov(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_status status = KAD_OK;
    mutual m = {0};
    KAD_TRY(mutual_read(ctx, file, &m));
    if (m.a.n == 0) goto done;
    double most = 0;
    size_t known = 0;
    for (size_t i = 0; i < m.a.n; i++)
        known += isfinite(m.strongest.data[i]) && isfinite(m.knn.data[i]);
    if (known == 0) goto done;
    for (size_t i = 0; i < m.a.n; i++)
        most = fmax(most, isfinite(m.strongest.data[i]) ? m.strongest.data[i] : 0);
    double line[2] = {0, most};
    kad_plot plot = {.x = {.label = "Gaussian estimate (nats)"},
                     .y = {.label = "k nearest neighbours (nats)"}};
    kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_POINTS,
                                     .n = m.a.n,
                                     .x = m.strongest.data,
                                     .y = m.knn.data,
                                     .err = m.knn_err.data,
                                     .label = "strongest pair of each bin",
                                     .color = 0});
    kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_POINTS,
                                     .n = m.a.n,
                                     .x = m.strongest.data,
                                     .y = m.null.data,
                                     .label = "the same, configurations shifted",
                                     .color = 1});
    kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_LINE,
                                     .n = 2,
                                     .x = line,
                                     .y = line,
                                     .label = "equal",
                                     .color = 2});
    kad_plot_render(out, &plot);
done:
    mutual_clear(&m);
    return status;
}

const kad_figure kad_figure_bulk_kraskov = {
    .title = "Information beyond correlation",
    .caption =
        "Kraskov's estimate, which sees any dependence, against the Gaussian one, "
        "which sees correlations only. Points above the line are dependent in ways "
        "that no correlation shows (signs, moduli); shifted configurations must "
        "scatter about zero.",
    .group = "/bulk/mutual",
    .absent = "no pair has an estimate by nearest neighbours (too few configurations)",
    .draw = draw_kraskov,
};

static kad_status scalar(kad_ctx *ctx, kad_h5 *file, const char *name, double *out)
{
    kad_values value = {0};
    const kad_status status =
        kad_values_read_in(ctx, file, "/bulk/bottleneck", name, &value);
    *out = value.n > 0 ? value.data[0] : (double)NAN;
    kad_values_clear(&value);
    return status;
}

static kad_status draw_bottleneck(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_status status = KAD_OK;
    double v[6];
    static const char *const names[] = {"boundary", "boundary_err", "cut",
                                        "cut_err",  "cut_knn",      "cut_knn_err"};
    static const char *const rows[] = {
        "I(A:B) of the halves, Gaussian",
        "I(a:b) of the coarse variables at the cut, Gaussian",
        "the same, k nearest neighbours"};
    kad_grid g = {0};
    for (int i = 0; i < 6; i++)
        KAD_TRY(scalar(ctx, file, names[i], &v[i]));
    if (isnan(v[0])) goto done;
    kad_grid_column(&g, "information (nats)", KAD_GRID_NAME);
    kad_grid_column(&g, "value", KAD_GRID_ESTIMATE);
    for (int i = 0; i < 3; i++) {
        kad_grid_text(&g, rows[i]);
        kad_grid_estimate(&g, v[2 * i], v[2 * i + 1], true);
    }
    kad_grid_render(&g, out);
done:
    return status;
}

const kad_figure kad_figure_bulk_bottleneck = {
    .title = "The bottleneck of a tree",
    .caption = "Without disentanglers all that the two halves of the lattice share must "
               "pass through the few coarse variables at the cut if the finer latents "
               "are to be independent. I(A:B) above I(a:b) is information that leaks "
               "past the bottleneck: the latents are not independent.",
    .draw = draw_bottleneck,
};
