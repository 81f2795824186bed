/* Fits of bulk distances and what is written of them (analysis/geodesics.h). */
#include "analysis/geodesics.h"
#include "analysis/results.h"
#include "base/memory.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MODELS = KAD_GEODESIC_MODELS, THRESHOLDS = 6, LEVELS = 32 };
static const double DEFAULT_NOISE = 3;
static const double OTHER_NOISE[THRESHOLDS - 1] = {1, 2, 3, 5, 10};

/* How distances are made. */
typedef struct rule {
    double noise;
    bool normalise;
} rule;

typedef struct fits {
    kad_fit stat[MODELS], full[MODELS]; /* without and with scatter */
} fits;

static kad_status fit_all(kad_ctx *ctx, const kad_geodesic_data *data, fits *out)
{
    kad_status status = KAD_OK;
    for (int m = 0; m < MODELS; m++) {
        KAD_TRY(kad_fit_run(ctx, &kad_geodesic_models[m], data->point, data->n, data->y,
                            data->cov, &out->stat[m]));
        KAD_TRY(kad_fit_scatter(ctx, &kad_geodesic_models[m], data->point, data->n,
                                data->y, data->cov, &out->full[m]));
    }
done:
    return status;
}

/* The model of smallest AIC; -1: no fit. */
static int preferred(const fits *f)
{
    int best = -1;
    for (int m = 0; m < MODELS; m++)
        if (f->full[m].ok && (best < 0 || f->full[m].aic < f->full[best].aic)) best = m;
    return best;
}

/* --- pieces of the file ------------------------------------------------------------ */

static kad_status write_reals(kad_ctx *ctx, kad_h5 *file, const char *group,
                              const char *name, size_t n, const double *values,
                              const char *axis, const char *units, const char *text)
{
    kad_status status = KAD_OK;
    char path[128];
    snprintf(path, sizeof path, "%s/%s", group, name);
    KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, 1, &n, values));
    KAD_TRY(kad_h5_describe(ctx, file, path, units, text, NULL));
    KAD_TRY(kad_h5_axis(ctx, file, path, 0, axis, NULL));
done:
    return status;
}

static kad_status write_fit(kad_ctx *ctx, kad_h5 *file, const kad_fit_model *model,
                            const kad_fit *stat, const kad_fit *full, double best_aic)
{
    kad_status status = KAD_OK;
    const size_t n = model->n_parameters, dims[2] = {n, n};
    double cov[KAD_FIT_PARAMETERS * KAD_FIT_PARAMETERS];
    char group[64], path[96];
    snprintf(group, sizeof group, "/geodesics/fits/%s", model->name);
    for (size_t i = 0; i < n * n; i++)
        cov[i] = full->cov[i / n][i % n];
    snprintf(path, sizeof path, "%s/parameter", group);
    KAD_TRY(kad_h5_write_strings(ctx, file, path, n, model->parameter));
    KAD_TRY(write_reals(ctx, file, group, "value", n, full->p, "parameter", "",
                        "parameters, with the scatter of the bins"));
    KAD_TRY(write_reals(ctx, file, group, "err", n, full->err, "parameter", "",
                        "their errors"));
    KAD_TRY(write_reals(ctx, file, group, "value_stat", n, stat->p, "parameter", "",
                        "parameters, statistical errors alone"));
    KAD_TRY(write_reals(ctx, file, group, "err_stat", n, stat->err, "parameter", "",
                        "their errors"));
    snprintf(path, sizeof path, "%s/cov", group);
    KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, 2, dims, cov));
    KAD_TRY(kad_h5_describe(ctx, file, path, "", "covariance of value", NULL));
    KAD_TRY(kad_h5_axes(ctx, file, path, "parameter parameter"));
    const struct {
        const char *name;
        double value;
    } reals[] = {{"chi2", stat->chi2},       {"p_value", stat->p_value},
                 {"scatter", full->scatter}, {"rms", full->rms},
                 {"aic", full->aic},         {"delta_aic", full->aic - best_aic}};
    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++)
        KAD_TRY(kad_h5_attr_set_real(ctx, file, group, reals[i].name, reals[i].value));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, group, "dof", (int64_t)stat->dof));
    KAD_TRY(kad_h5_attr_set_string(ctx, file, group, "model", model->name));
done:
    return status;
}

/* --- distances --------------------------------------------------------------------- */

enum { COLUMNS = 8 + MODELS };

static void fill_columns(const kad_bulk_bins *bins, const kad_geodesic_data *data,
                         bool normalise, const fits *f, double *column[COLUMNS])
{
    const double d0 = f->full[0].ok ? f->full[0].p[0] : 0;
    size_t at = 0, next = 0;
    for (size_t i = 0; i < bins->n; i++) {
        const kad_bulk_bin *b = &bins->bin[i];
        if (b->self) continue;
        const kad_geodesic_point point = {b->level_a, b->level_b, b->r, b->tree};
        column[0][at] = b->level_a;
        column[1][at] = b->level_b;
        column[2][at] = b->r;
        column[3][at] = b->tree;
        column[4][at] = (double)b->n_pairs;
        column[5][at] = next < data->n && data->bin[next] == i;
        next += column[5][at] > 0;
        kad_geodesic_distance(bins, i, normalise, &column[6][at], &column[7][at]);
        column[6][at] += d0;
        /* curves of the models, in the units and with the offset of the data shown */
        for (int m = 0; m < MODELS; m++)
            column[8 + m][at] =
                f->full[m].ok ? d0 + kad_geodesic_models[m].value(&point, 0, f->full[m].p)
                              : NAN;
        at++;
    }
}

static kad_status write_distances(kad_ctx *ctx, kad_h5 *file, const kad_bulk_bins *bins,
                                  const kad_geodesic_data *data, bool normalise,
                                  const fits *f)
{
    static const struct {
        const char *name, *units, *text;
    } names[COLUMNS] = {{"level_a", "", "level of the finer latent"},
                        {"level_b", "", "level of the coarser latent"},
                        {"r", "lattice steps", "separation"},
                        {"tree", "edges", "mean distance on the tree of blocks"},
                        {"n_pairs", "", "pairs of latents"},
                        {"used", "", "1: the rule of noise keeps it"},
                        {"d", "xi", "distance d0 - xi ln|c|, d0 of the hyperbolic fit"},
                        {"d_err", "xi", "its statistical error"},
                        {"d_fit", "xi", "of the hyperbolic fit"},
                        {"d_flat", "xi", "of the flat fit, with the same offset as d"},
                        {"d_tree", "xi", "of the tree, with the same offset as d"}};
    kad_status status = KAD_OK;
    double *all = NULL, *column[COLUMNS];
    size_t n = 0;
    for (size_t i = 0; i < bins->n; i++)
        n += !bins->bin[i].self;
    KAD_TRY(kad_new(ctx, COLUMNS * n, sizeof *all, &all));
    for (size_t k = 0; k < COLUMNS; k++)
        column[k] = all + k * n;
    fill_columns(bins, data, normalise, f, column);
    for (size_t k = 0; k < COLUMNS; k++)
        KAD_TRY(write_reals(ctx, file, "/geodesics", names[k].name, n, all + k * n,
                            "point", names[k].units, names[k].text));
    const size_t dims[2] = {data->n, data->n};
    if (data->n > 0) {
        KAD_TRY(
            kad_h5_write(ctx, file, "/geodesics/cov", KAD_H5_F64, 2, dims, data->cov));
        KAD_TRY(kad_h5_describe(ctx, file, "/geodesics/cov", "xi^2",
                                "covariance of d of the points used, in their order",
                                NULL));
        KAD_TRY(kad_h5_axes(ctx, file, "/geodesics/cov", "used_point used_point"));
    }
done:
    kad_free(all);
    return status;
}

/* --- the rule of noise ------------------------------------------------------------- */

/* The thresholds looked at, ascending: the usual ones and the rule's own. */
static size_t choose_thresholds(double own, double out[THRESHOLDS])
{
    size_t n = 0;
    bool there = false;
    for (size_t i = 0; i < THRESHOLDS - 1; i++) {
        if (!there && own < OTHER_NOISE[i]) out[n++] = own;
        there = there || own <= OTHER_NOISE[i];
        out[n++] = OTHER_NOISE[i];
    }
    if (!there) out[n++] = own;
    return n;
}

static kad_status write_rule(kad_ctx *ctx, kad_h5 *file, const kad_bulk_bins *bins,
                             const rule *r, const fits *at_own, size_t n_own)
{
    static const char *const names[] = {"threshold",  "n_used",   "radius",
                                        "radius_err", "chi2_dof", "aic_hyperbolic",
                                        "aic_flat",   "aic_tree", "rms"};
    enum { N = sizeof names / sizeof names[0] };
    kad_status status = KAD_OK;
    double table[N][THRESHOLDS], thresholds[THRESHOLDS];
    const size_t n = choose_thresholds(r->noise, thresholds);
    kad_geodesic_data data = {0};
    for (size_t t = 0; t < n; t++) {
        fits f = *at_own;
        size_t n_used = n_own;
        if (thresholds[t] != r->noise) {
            KAD_TRY(
                kad_geodesic_select(ctx, bins, thresholds[t], r->normalise, -1, &data));
            KAD_TRY(fit_all(ctx, &data, &f));
            n_used = data.n;
            kad_geodesic_clear(&data);
        }
        const kad_fit *h = &f.full[0], *s = &f.stat[0];
        const double row[N] = {thresholds[t],
                               (double)n_used,
                               h->ok ? h->p[1] : NAN,
                               h->ok ? h->err[1] : NAN,
                               s->ok ? s->chi2 / (double)s->dof : NAN,
                               h->ok ? h->aic : NAN,
                               f.full[1].ok ? f.full[1].aic : NAN,
                               f.full[2].ok ? f.full[2].aic : NAN,
                               h->ok ? h->rms : NAN};
        for (size_t k = 0; k < N; k++)
            table[k][t] = row[k];
    }
    for (size_t k = 0; k < N; k++)
        KAD_TRY(write_reals(ctx, file, "/geodesics/rule", names[k], n, table[k],
                            "threshold", "", "the hyperbolic fit at this threshold"));
done:
    kad_geodesic_clear(&data);
    return status;
}

/* --- growth ------------------------------------------------------------------------ */

static kad_status write_growth(kad_ctx *ctx, kad_h5 *file, const kad_bulk_bins *bins,
                               const rule *r)
{
    static const char *const names[] = {
        "level",      "n",        "dof",          "log_slope",        "log_slope_err",
        "log_chi2",   "log_rms",  "linear_slope", "linear_slope_err", "linear_chi2",
        "linear_rms", "delta_aic"};
    enum { N = sizeof names / sizeof names[0] };
    kad_status status = KAD_OK;
    double table[N][LEVELS];
    size_t n = 0;
    kad_geodesic_data data = {0};
    for (int level = 0; level < bins->n_levels && level < LEVELS; level++) {
        kad_fit stat[2], full[2];
        KAD_TRY(kad_geodesic_select(ctx, bins, r->noise, r->normalise, level, &data));
        for (int m = 0; m < 2; m++) {
            KAD_TRY(kad_fit_run(ctx, &kad_growth_models[m], data.point, data.n, data.y,
                                data.cov, &stat[m]));
            KAD_TRY(kad_fit_scatter(ctx, &kad_growth_models[m], data.point, data.n,
                                    data.y, data.cov, &full[m]));
        }
        const double row[N] = {level,        (double)data.n, (double)stat[0].dof,
                               full[0].p[1], full[0].err[1], stat[0].chi2,
                               full[0].rms,  full[1].p[1],   full[1].err[1],
                               stat[1].chi2, full[1].rms,    full[1].aic - full[0].aic};
        for (size_t k = 0; full[0].ok && full[1].ok && k < N; k++)
            table[k][n] = row[k];
        n += full[0].ok && full[1].ok;
        kad_geodesic_clear(&data);
    }
    for (size_t k = 0; k < N; k++)
        KAD_TRY(write_reals(ctx, file, "/geodesics/growth", names[k], n, table[k],
                            "level", "", "growth of d with r at one level"));
done:
    kad_geodesic_clear(&data);
    return status;
}

/* --- everything -------------------------------------------------------------------- */

static kad_status write_geodesics(kad_ctx *ctx, kad_h5 *file, const kad_bulk_bins *bins,
                                  const rule *r)
{
    kad_status status = KAD_OK;
    kad_geodesic_data data = {0};
    fits f;
    KAD_TRY(kad_geodesic_select(ctx, bins, r->noise, r->normalise, -1, &data));
    KAD_TRY(fit_all(ctx, &data, &f));
    const int best = preferred(&f);
    KAD_TRY(kad_h5_remove(ctx, file, "/geodesics"));
    KAD_TRY(write_distances(ctx, file, bins, &data, r->normalise, &f));
    for (int m = 0; m < MODELS && best >= 0; m++)
        if (f.full[m].ok)
            KAD_TRY(write_fit(ctx, file, &kad_geodesic_models[m], &f.stat[m], &f.full[m],
                              f.full[best].aic));
    KAD_TRY(write_rule(ctx, file, bins, r, &f, data.n));
    KAD_TRY(write_growth(ctx, file, bins, r));
    KAD_TRY(kad_h5_attr_set_real(ctx, file, "/geodesics", "noise", r->noise));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, "/geodesics", "normalise", r->normalise));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, "/geodesics", "n_used", (int64_t)data.n));
    KAD_TRY(kad_h5_attr_set_string(ctx, file, "/geodesics", "preferred",
                                   best >= 0 ? kad_geodesic_models[best].name : "none"));
done:
    kad_geodesic_clear(&data);
    return status;
}

/* Bins of the draws of the map, and how far their correlations are from none: chi^2 of the
 * signed ones (independent draws). */
static kad_status write_null(kad_ctx *ctx, kad_h5 *file)
{
    kad_status status = KAD_OK;
    kad_bulk_bins bins = {0};
    double chi2 = 0;
    int64_t n = 0;
    KAD_TRY(kad_bulk_bins_read(ctx, file, "/bulk/null", &bins));
    KAD_TRY(kad_bulk_bins_write(ctx, file, &bins, "/correlators/bulk/null"));
    for (size_t i = 0; i < bins.n; i++) {
        const double pull = bins.bin[i].corr / bins.bin[i].corr_err;
        if (bins.bin[i].self || !isfinite(pull)) continue;
        chi2 += pull * pull;
        n++;
    }
    KAD_TRY(kad_h5_attr_set_real(ctx, file, "/correlators/bulk/null", "chi2", chi2));
    KAD_TRY(kad_h5_attr_set_int(ctx, file, "/correlators/bulk/null", "n", n));
done:
    kad_bulk_bins_clear(&bins);
    return status;
}

kad_status kad_analyse_bulk(kad_ctx *ctx, kad_h5 *file)
{
    kad_status status = KAD_OK;
    kad_bulk_bins bins = {0};
    if (!kad_h5_exists(file, "/bulk/correlators")) return KAD_OK;
    rule r = {.noise = kad_attr_real(ctx, file, "/bulk/correlators", "noise"),
              .normalise =
                  kad_attr_int(ctx, file, "/bulk/correlators", "normalise") == 1};
    if (!isfinite(r.noise)) r.noise = DEFAULT_NOISE;
    KAD_TRY(kad_bulk_bins_read(ctx, file, "/bulk/correlators", &bins));
    KAD_TRY(kad_bulk_bins_write(ctx, file, &bins, "/correlators/bulk"));
    KAD_TRY(write_geodesics(ctx, file, &bins, &r));
    if (kad_h5_exists(file, "/bulk/null")) KAD_TRY(write_null(ctx, file));
done:
    kad_bulk_bins_clear(&bins);
    return status;
}
