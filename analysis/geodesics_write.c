/* Fits of bulk distances and what is written of them (analysis/geodesics.h). */
#include "analysis/geodesics.h"
#include "analysis/results.h"
#include "base/memory.h"
#include "io/writer.h"

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
    for (int m = 0; m < MODELS; m++) {
        KAD_CALL(kad_fit_run(ctx, &kad_geodesic_models[m], data->point, data->n, data->y,
                             data->cov, &out->stat[m]));
        KAD_CALL(kad_fit_scatter(ctx, &kad_geodesic_models[m], data->point, data->n,
                                 data->y, data->cov, &out->full[m]));
    }
    return KAD_OK;
}

/* The model of smallest AIC; -1: no fit. */
static int preferred(const fits *f)
{
    int best = -1;
    for (int m = 0; m < MODELS; m++)
        if (f->full[m].ok && (best < 0 || f->full[m].aic < f->full[best].aic)) best = m;
    return best;
}

/* --- the fits ---------------------------------------------------------------------- */

#define REAL(row, name, member, units, text)                    \
    {                                                           \
        name, KAD_CELL_REAL, offsetof(row, member), units, text \
    }
#define INT(row, name, member, units, text)                    \
    {                                                          \
        name, KAD_CELL_INT, offsetof(row, member), units, text \
    }

static kad_status write_fit(kad_ctx *ctx, kad_h5 *file, const kad_fit_model *model,
                            const kad_fit *stat, const kad_fit *full, double best_aic)
{
    const size_t n = model->n_parameters, dims[2] = {n, n};
    double cov[KAD_FIT_PARAMETERS * KAD_FIT_PARAMETERS];
    char group[64];
    snprintf(group, sizeof group, "/geodesics/fits/%s", model->name);
    kad_writer w = kad_write_into(ctx, file, group);
    for (size_t i = 0; i < n * n; i++)
        cov[i] = full->cov[i / n][i % n];
    kad_write_names(&w, "parameter", "parameter", "of the model", n, model->parameter);
    kad_write(&w, "value", KAD_H5_F64, "parameter", "1",
              "parameters, with the scatter of the bins", &n, full->p);
    kad_write(&w, "err", KAD_H5_F64, "parameter", "1", "their errors", &n, full->err);
    kad_write(&w, "value_stat", KAD_H5_F64, "parameter", "1",
              "parameters, statistical errors alone", &n, stat->p);
    kad_write(&w, "err_stat", KAD_H5_F64, "parameter", "1", "their errors", &n,
              stat->err);
    kad_write(&w, "cov", KAD_H5_F64, "parameter parameter", "1", "covariance of value",
              dims, cov);
    kad_write_real(&w, "chi2", stat->chi2);
    kad_write_real(&w, "p_value", stat->p_value);
    kad_write_real(&w, "scatter", full->scatter);
    kad_write_real(&w, "rms", full->rms);
    kad_write_real(&w, "aic", full->aic);
    kad_write_real(&w, "delta_aic", full->aic - best_aic);
    kad_write_int(&w, "dof", (int64_t)stat->dof);
    kad_write_text(&w, "model", model->name);
    return kad_write_end(&w);
}

/* --- distances --------------------------------------------------------------------- */

typedef struct distance {
    int level_a, level_b;
    double r, tree;
    int64_t n_pairs;
    bool used;
    double d, d_err, model[MODELS];
} distance;

static const kad_write_column distance_columns[] = {
    INT(distance, "level_a", level_a, "1", "level of the finer latent"),
    INT(distance, "level_b", level_b, "1", "level of the coarser latent"),
    REAL(distance, "r", r, "lattice steps", "separation"),
    REAL(distance, "tree", tree, "edges", "mean distance on the tree of blocks"),
    {"n_pairs", KAD_CELL_I64, offsetof(distance, n_pairs), "1", "pairs of latents"},
    {"used", KAD_CELL_BOOL, offsetof(distance, used), "1",
     "1: the rule of noise keeps it"},
    REAL(distance, "d", d, "xi", "distance d0 - xi ln|c|, d0 of the hyperbolic fit"),
    REAL(distance, "d_err", d_err, "xi", "its statistical error"),
    REAL(distance, "d_fit", model[0], "xi", "of the hyperbolic fit"),
    REAL(distance, "d_flat", model[1], "xi",
         "of the flat fit, with the same offset as d"),
    REAL(distance, "d_tree", model[2], "xi", "of the tree, with the same offset as d"),
};

static size_t fill_distances(const kad_bulk_bins *bins, const kad_geodesic_data *data,
                             bool normalise, const fits *f, distance *out)
{
    const double d0 = f->full[0].ok ? f->full[0].p[0] : 0;
    size_t n = 0, next = 0;
    for (size_t i = 0; i < bins->n; i++) {
        const kad_bulk_bin *b = &bins->bin[i];
        if (b->self) continue;
        const kad_geodesic_point point = {b->level_a, b->level_b, b->r, b->tree};
        distance *own = &out[n++];
        *own = (distance){.level_a = b->level_a,
                          .level_b = b->level_b,
                          .r = b->r,
                          .tree = b->tree,
                          .n_pairs = b->n_pairs,
                          .used = next < data->n && data->bin[next] == i};
        next += own->used;
        kad_geodesic_distance(bins, i, normalise, &own->d, &own->d_err);
        own->d += d0;
        /* curves of the models, in the units and with the offset of the data shown */
        for (int m = 0; m < MODELS; m++)
            own->model[m] =
                f->full[m].ok ? d0 + kad_geodesic_models[m].value(&point, 0, f->full[m].p)
                              : NAN;
    }
    return n;
}

static void write_distances(kad_writer *w, const kad_bulk_bins *bins,
                            const kad_geodesic_data *data, bool normalise, const fits *f)
{
    const size_t dims[2] = {data->n, data->n};
    distance *rows = kad_write_scratch(w, bins->n, sizeof *rows);
    if (rows == NULL) return;
    const size_t n = fill_distances(bins, data, normalise, f, rows);
    kad_write_columns(w, "point", sizeof distance_columns / sizeof *distance_columns,
                      distance_columns, n, rows, sizeof *rows);
    if (data->n > 0)
        kad_write(w, "cov", KAD_H5_F64, "used_point used_point", "xi^2",
                  "covariance of d of the points used, in their order", dims, data->cov);
    kad_free(rows);
}

/* --- the rule of noise ------------------------------------------------------------- */

/* The hyperbolic fit at a threshold. */
typedef struct at_threshold {
    double threshold;
    size_t n_used;
    double radius, radius_err, chi2_dof, aic[MODELS], rms;
} at_threshold;

static const kad_write_column threshold_columns[] = {
    REAL(at_threshold, "threshold", threshold, "1",
         "least strength of a bin used, in errors"),
    {"n_used", KAD_CELL_SIZE, offsetof(at_threshold, n_used), "1", "bins used"},
    REAL(at_threshold, "radius", radius, "xi", "radius of the hyperbolic fit"),
    REAL(at_threshold, "radius_err", radius_err, "xi", "its error"),
    REAL(at_threshold, "chi2_dof", chi2_dof, "1", "chi^2 a degree of freedom"),
    REAL(at_threshold, "aic_hyperbolic", aic[0], "1", "AIC of the hyperbolic fit"),
    REAL(at_threshold, "aic_flat", aic[1], "1", "AIC of the flat fit"),
    REAL(at_threshold, "aic_tree", aic[2], "1", "AIC of the tree"),
    REAL(at_threshold, "rms", rms, "xi", "root mean square of the residuals"),
};

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

static at_threshold threshold_row(double threshold, size_t n_used, const fits *f)
{
    const kad_fit *h = &f->full[0], *s = &f->stat[0];
    at_threshold row = {.threshold = threshold,
                        .n_used = n_used,
                        .radius = h->ok ? h->p[1] : NAN,
                        .radius_err = h->ok ? h->err[1] : NAN,
                        .chi2_dof = s->ok ? s->chi2 / (double)s->dof : NAN,
                        .rms = h->ok ? h->rms : NAN};
    for (int m = 0; m < MODELS; m++)
        row.aic[m] = f->full[m].ok ? f->full[m].aic : NAN;
    return row;
}

static kad_status write_rule(kad_ctx *ctx, kad_h5 *file, const kad_bulk_bins *bins,
                             const rule *r, const fits *at_own, size_t n_own)
{
    at_threshold rows[THRESHOLDS];
    double thresholds[THRESHOLDS];
    const size_t n = choose_thresholds(r->noise, thresholds);
    for (size_t t = 0; t < n; t++) {
        KAD_SCOPE(each, ctx);
        kad_geodesic_data data;
        fits f = *at_own;
        size_t n_used = n_own;
        if (thresholds[t] != r->noise) {
            KAD_CALL(
                kad_geodesic_select(&each, bins, thresholds[t], r->normalise, -1, &data));
            KAD_CALL(fit_all(ctx, &data, &f));
            n_used = data.n;
        }
        rows[t] = threshold_row(thresholds[t], n_used, &f);
    }
    kad_writer w = kad_write_into(ctx, file, "/geodesics/rule");
    kad_write_columns(&w, "threshold",
                      sizeof threshold_columns / sizeof *threshold_columns,
                      threshold_columns, n, rows, sizeof *rows);
    return kad_write_end(&w);
}

/* --- growth ------------------------------------------------------------------------ */

/* Growth of d with r at one level: with ln r, and linearly. */
typedef struct growth {
    int level;
    size_t n, dof;
    struct {
        double slope, slope_err, chi2, rms;
    } of[2];
    double delta_aic;
} growth;

static const kad_write_column growth_columns[] = {
    INT(growth, "level", level, "1", "level of the latents"),
    {"n", KAD_CELL_SIZE, offsetof(growth, n), "1", "points"},
    {"dof", KAD_CELL_SIZE, offsetof(growth, dof), "1", "degrees of freedom"},
    REAL(growth, "log_slope", of[0].slope, "xi", "slope of d against ln r"),
    REAL(growth, "log_slope_err", of[0].slope_err, "xi", "its error"),
    REAL(growth, "log_chi2", of[0].chi2, "1", "chi^2 of that fit"),
    REAL(growth, "log_rms", of[0].rms, "xi", "root mean square of its residuals"),
    REAL(growth, "linear_slope", of[1].slope, "xi/step", "slope of d against r"),
    REAL(growth, "linear_slope_err", of[1].slope_err, "xi/step", "its error"),
    REAL(growth, "linear_chi2", of[1].chi2, "1", "chi^2 of that fit"),
    REAL(growth, "linear_rms", of[1].rms, "xi", "root mean square of its residuals"),
    REAL(growth, "delta_aic", delta_aic, "1", "AIC of the linear fit less the other's"),
};

static kad_status write_growth(kad_ctx *ctx, kad_h5 *file, const kad_bulk_bins *bins,
                               const rule *r)
{
    growth rows[LEVELS];
    size_t n = 0;
    for (int level = 0; level < bins->n_levels && level < LEVELS; level++) {
        KAD_SCOPE(each, ctx);
        kad_geodesic_data data;
        kad_fit stat[2], full[2];
        growth *row = &rows[n];
        KAD_CALL(kad_geodesic_select(&each, bins, r->noise, r->normalise, level, &data));
        for (int m = 0; m < 2; m++) {
            KAD_CALL(kad_fit_run(ctx, &kad_growth_models[m], data.point, data.n, data.y,
                                 data.cov, &stat[m]));
            KAD_CALL(kad_fit_scatter(ctx, &kad_growth_models[m], data.point, data.n,
                                     data.y, data.cov, &full[m]));
            row->of[m].slope = full[m].p[1];
            row->of[m].slope_err = full[m].err[1];
            row->of[m].chi2 = stat[m].chi2;
            row->of[m].rms = full[m].rms;
        }
        row->level = level;
        row->n = data.n;
        row->dof = stat[0].dof;
        row->delta_aic = full[1].aic - full[0].aic;
        n += full[0].ok && full[1].ok;
    }
    kad_writer w = kad_write_into(ctx, file, "/geodesics/growth");
    kad_write_columns(&w, "level", sizeof growth_columns / sizeof *growth_columns,
                      growth_columns, n, rows, sizeof *rows);
    return kad_write_end(&w);
}

/* --- everything -------------------------------------------------------------------- */

static kad_status write_geodesics(kad_ctx *ctx, kad_h5 *file, const kad_bulk_bins *bins,
                                  const rule *r)
{
    KAD_SCOPE(scope, ctx);
    kad_geodesic_data data;
    fits f;
    KAD_CALL(kad_geodesic_select(&scope, bins, r->noise, r->normalise, -1, &data));
    KAD_CALL(fit_all(ctx, &data, &f));
    const int best = preferred(&f);
    kad_writer w = kad_write_anew(ctx, file, "/geodesics");
    write_distances(&w, bins, &data, r->normalise, &f);
    kad_write_real(&w, "noise", r->noise);
    kad_write_int(&w, "normalise", r->normalise);
    kad_write_int(&w, "n_used", (int64_t)data.n);
    kad_write_text(&w, "preferred", best >= 0 ? kad_geodesic_models[best].name : "none");
    KAD_CALL(kad_write_end(&w));
    for (int m = 0; m < MODELS && best >= 0; m++)
        if (f.full[m].ok)
            KAD_CALL(write_fit(ctx, file, &kad_geodesic_models[m], &f.stat[m], &f.full[m],
                               f.full[best].aic));
    KAD_CALL(write_rule(ctx, file, bins, r, &f, data.n));
    KAD_CALL(write_growth(ctx, file, bins, r));
    return KAD_OK;
}

/* Bins of the draws of the map, and how far their correlations are from none: chi^2 of the
 * signed ones (independent draws). */
static kad_status write_null(kad_ctx *ctx, kad_h5 *file)
{
    KAD_SCOPE(scope, ctx);
    kad_bulk_bins bins;
    double chi2 = 0;
    int64_t n = 0;
    KAD_CALL(kad_bulk_bins_read(&scope, file, "/bulk/null", &bins));
    KAD_CALL(kad_bulk_bins_write(ctx, file, &bins, "/correlators/bulk/null"));
    for (size_t i = 0; i < bins.n; i++) {
        const double pull = bins.bin[i].corr / bins.bin[i].corr_err;
        if (bins.bin[i].self || !isfinite(pull)) continue;
        chi2 += pull * pull;
        n++;
    }
    kad_writer w = kad_write_into(ctx, file, "/correlators/bulk/null");
    kad_write_real(&w, "chi2", chi2);
    kad_write_int(&w, "n", n);
    return kad_write_end(&w);
}

kad_status kad_analyse_bulk(kad_ctx *ctx, kad_h5 *file)
{
    KAD_SCOPE(scope, ctx);
    kad_bulk_bins bins;
    if (!kad_h5_exists(file, "/bulk/correlators")) return KAD_OK;
    rule r = {.noise = kad_attr_real(ctx, file, "/bulk/correlators", "noise"),
              .normalise =
                  kad_attr_int(ctx, file, "/bulk/correlators", "normalise") == 1};
    if (!isfinite(r.noise)) r.noise = DEFAULT_NOISE;
    KAD_CALL(kad_bulk_bins_read(&scope, file, "/bulk/correlators", &bins));
    KAD_CALL(kad_bulk_bins_write(ctx, file, &bins, "/correlators/bulk"));
    KAD_CALL(write_geodesics(ctx, file, &bins, &r));
    if (kad_h5_exists(file, "/bulk/null")) KAD_CALL(write_null(ctx, file));
    return KAD_OK;
}
