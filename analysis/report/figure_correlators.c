/* The two-point function of every sampler, and what separates it from the best of them. */
#include "analysis/report/markup.h"
#include "analysis/report/report.h"
#include "analysis/report/svg.h"
#include "analysis/results.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_SHOWN = 8 };

/* G(r) with errors of up to N_SHOWN samplers. */
typedef struct bundle {
    size_t n, n_all;
    char name[N_SHOWN][64];
    kad_values r[N_SHOWN], G[N_SHOWN], err[N_SHOWN];
    int best; /* cluster, else the one with the smallest errors */
} bundle;

static void bundle_clear(bundle *b)
{
    for (int i = 0; i < N_SHOWN; i++) {
        kad_values_clear(&b->r[i]);
        kad_values_clear(&b->G[i]);
        kad_values_clear(&b->err[i]);
    }
}

static kad_status read_one(kad_ctx *ctx, kad_h5 *file, const char *name, const char *y,
                           bundle *b)
{
    kad_status status = KAD_OK;
    const size_t i = b->n;
    char group[256], error[64];
    snprintf(group, sizeof group, "/correlators/boundary/%s", name);
    snprintf(error, sizeof error, "%s_err", y);
    KAD_TRY(kad_values_read_in(ctx, file, group, "r", &b->r[i]));
    KAD_TRY(kad_values_read_in(ctx, file, group, y, &b->G[i]));
    KAD_TRY(kad_values_read_in(ctx, file, group, error, &b->err[i]));
    if (b->G[i].n > 0 && b->r[i].n == b->G[i].n && b->err[i].n == b->G[i].n) {
        snprintf(b->name[i], sizeof b->name[i], "%s", name);
        b->n++;
        return KAD_OK;
    }
    kad_values_clear(&b->r[i]);
    kad_values_clear(&b->G[i]);
    kad_values_clear(&b->err[i]);
done:
    return status;
}

static double total_error(const kad_values *err)
{
    double sum = 0.0;
    for (size_t k = 1; k < err->n; k++)
        sum += err->data[k];
    return sum;
}

static kad_status load(kad_ctx *ctx, kad_h5 *file, const char *y, bundle *b)
{
    kad_status status = KAD_OK;
    size_t n = 0;
    char **names = NULL;
    KAD_TRY(kad_members(ctx, file, "/correlators/boundary", &n, &names));
    for (size_t i = 0; i < n; i++) {
        if (strstr(names[i], "_reweighted") != NULL) continue;
        if (b->n_all++ < N_SHOWN) KAD_TRY(read_one(ctx, file, names[i], y, b));
    }
    for (size_t i = 0; i < b->n; i++) {
        const double own = total_error(&b->err[i]), best = total_error(&b->err[b->best]);
        if (own < best || (isnan(best) && isfinite(own))) b->best = (int)i;
    }
    for (size_t i = 0; i < b->n; i++)
        if (strcmp(b->name[i], "cluster") == 0) b->best = (int)i;
done:
    kad_h5_free_names(n, names);
    return status;
}

/* Samplers beyond N_SHOWN are not read. */
static void render(kad_text *out, const kad_plot *plot, const bundle *b)
{
    kad_plot_render(out, plot);
    if (plot->n_series > 0)
        kad_note_rest(out, b->n_all < N_SHOWN ? b->n_all : N_SHOWN, b->n_all, "samplers");
}

static void add_points(kad_plot *plot, bundle *b)
{
    /* side by side, where they would hide each other */
    for (size_t i = 0; i < b->n; i++) {
        const double shift = b->n > 1 ? 0.4 * ((double)i / (double)(b->n - 1) - 0.5) : 0;
        kad_plot_add(plot, (kad_series){.mark = KAD_MARK_POINTS,
                                        .n = b->G[i].n,
                                        .x = b->r[i].data,
                                        .y = b->G[i].data,
                                        .err = b->err[i].data,
                                        .label = b->name[i],
                                        .color = (int)i,
                                        .shift = shift});
    }
}

static kad_status draw_correlator(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_status status = KAD_OK;
    bundle b = {0};
    kad_plot plot = {.x = {.label = "separation r along an axis (lattice units)"},
                     .y = {.label = "G(r)", .log = true}};
    KAD_TRY(load(ctx, file, "G", &b));
    for (size_t i = 0; i < b.n; i++)
        for (size_t k = 0; k < b.G[i].n; k++)
            if (!(b.G[i].data[k] > 0)) plot.y.log = false;
    add_points(&plot, &b);
    render(out, &plot, &b);
done:
    bundle_clear(&b);
    return status;
}

const kad_figure kad_figure_correlator = {
    .title = "Two-point function G(r)",
    .caption = "With errors that include autocorrelation; points of different samplers "
               "stand side by side for the eye, neighbours of one sampler are "
               "correlated.",
    .group = "/samplers",
    .absent = "no two-point function along an axis was measured",
    .draw = draw_correlator,
};

/* (G - G_best)/error of the difference */
static kad_status draw_difference(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_status status = KAD_OK;
    bundle b = {0};
    double zero = 0.0;
    char label[128];
    KAD_TRY(load(ctx, file, "G", &b));
    if (b.n < 2) goto done;
    const size_t best = (size_t)b.best, n = b.G[best].n;
    snprintf(label, sizeof label, "(G - G of %s) / error", b.name[best]);
    kad_plot plot = {.x = {.label = "separation r along an axis (lattice units)"},
                     .y = {.label = label}};
    for (size_t i = 0; i < b.n; i++) {
        if (i == best) continue;
        for (size_t k = 0; k < b.G[i].n; k++) {
            const bool known = k < n && isfinite(b.err[i].data[k]) &&
                               hypot(b.err[i].data[k], b.err[best].data[k]) > 0;
            b.G[i].data[k] = known ? (b.G[i].data[k] - b.G[best].data[k]) /
                                         hypot(b.err[i].data[k], b.err[best].data[k])
                                   : NAN;
            b.err[i].data[k] = 1.0;
        }
    }
    b.G[best].n = 0; /* its own difference is zero: the line */
    add_points(&plot, &b);
    b.G[best].n = n;
    if (plot.n_series == 0) goto done;
    kad_plot_add(&plot, (kad_series){.mark = KAD_MARK_LEVEL,
                                     .n = 1,
                                     .y = &zero,
                                     .label = b.name[best],
                                     .color = b.best});
    render(out, &plot, &b);
done:
    bundle_clear(&b);
    return status;
}

const kad_figure kad_figure_difference = {
    .title = "Two-point functions against the best known",
    .caption = "Differences in units of their error, against the cluster sampler where "
               "there is one, else against the sampler with the smallest errors. Two "
               "samplers of one model scatter about zero by one; neighbouring points "
               "move together.",
    .group = "/correlators/boundary",
    .absent = "no two samplers have errors at the same separation",
    .draw = draw_difference,
};

static kad_status draw_mass(kad_ctx *ctx, kad_h5 *file, kad_text *out)
{
    kad_status status = KAD_OK;
    bundle b = {0};
    kad_plot plot = {.x = {.label = "separation t (lattice units)"},
                     .y = {.label = "m_eff(t) (1/lattice spacing)"}};
    KAD_TRY(load(ctx, file, "m_eff", &b));
    add_points(&plot, &b);
    render(out, &plot, &b);
done:
    bundle_clear(&b);
    return status;
}

const kad_figure kad_figure_mass = {
    .title = "Effective mass",
    .caption = "arccosh[(C(t&minus;1) + C(t+1))/(2&nbsp;C(t))] of the zero-momentum "
               "correlator: constant where one state dominates.",
    .group = "/correlators/boundary",
    .absent = "no separation has a correlator from which a mass can be taken (too noisy, "
              "or too few separations)",
    .draw = draw_mass,
};
