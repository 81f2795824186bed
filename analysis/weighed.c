#include "analysis/weighed.h"

#include "analysis/results.h"
#include "analysis/table.h"
#include "analysis/warn.h"
#include "base/memory.h"
#include "base/signals.h"
#include "base/weights.h"
#include "io/progress.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Chains whose means tell their error. */
enum { CHAINS_LEAST = 8 };
/* What a sampler's name has behind it where its draws count by their weights. */
static const char WEIGHTED[] = "_reweighted";

/* What the map knows of itself. */
typedef struct map_side {
    bool known;
    double log_z;       /* c */
    kad_estimate joint; /* E_q[(w/e^c) h] */
    kad_estimate upper; /* <ln w> over its own draws by their weights */
    double upper_dof;
} map_side;

static void set_row(kad_row *row, double mean, double err, double dof)
{
    if (row == NULL) return;
    row->mean = mean;
    row->err = err;
    row->err_dof = dof;
}

/* --- the map's own draws -------------------------------------------------------------- */

/* (w/e^c) h over proposals, by plain averaging. */
static kad_estimate joint_of(size_t n, const double *log_w, double c)
{
    double sum = 0.0, square = 0.0;
    for (size_t i = 0; i < n; i++)
        sum += 1.0 - kad_log_share(c, log_w[i]);
    const double mean = sum / (double)n;
    for (size_t i = 0; i < n; i++) {
        const double d = 1.0 - kad_log_share(c, log_w[i]) - mean;
        square += d * d;
    }
    return (kad_estimate){mean, sqrt(square / (double)n / (double)(n - 1))};
}

/* Of the draws of a group: have they weights? `own`: which are the map's, not those of work on
 * the way to a draw. */
static bool has_weights(kad_ctx *ctx, kad_h5 *file, const char *group, bool own)
{
    if (kad_attr_int(ctx, file, group, "weighted") != 1) return false;
    /* runs of earlier versions tell by the options of annealed */
    return !own || (kad_attr_int(ctx, file, group, "work") != 1 &&
                    kad_attr_int(ctx, file, group, "kicks") < 0);
}

size_t kad_weighed_main(kad_ctx *ctx, kad_h5 *file, size_t n, char *const *names,
                        bool own)
{
    size_t best = n;
    double most = 0.0;
    for (size_t i = 0; i < n; i++) {
        char group[128];
        snprintf(group, sizeof group, "/samplers/%s", names[i]);
        if (!has_weights(ctx, file, group, own)) continue;
        const double draws = (double)kad_attr_int(ctx, file, group, "n_draws") *
                             (double)kad_attr_int(ctx, file, group, "n_chains");
        if (draws <= most) continue;
        most = draws;
        best = i;
    }
    return best;
}

static kad_status read_weights(kad_scope *in, kad_h5 *file, const char *name,
                               const char *series, kad_values *out)
{
    char group[128];
    snprintf(group, sizeof group, "/samplers/%s", name);
    return kad_values_read_in(in, file, group, series, out);
}

static kad_status read_map(kad_ctx *ctx, kad_h5 *file, const char *name, map_side *out)
{
    KAD_SCOPE(scope, ctx);
    kad_values log_w;
    kad_weights weights;
    KAD_CALL(read_weights(&scope, file, name, "proposals/log_weight", &log_w));
    if (log_w.n < 2 || kad_effective_draws(log_w.n, log_w.data) < KAD_MIN_EFFECTIVE)
        return KAD_OK;
    KAD_CALL(kad_stop_check(ctx, "analysis"));
    KAD_CALL(kad_weights_check(ctx, log_w.n, log_w.data));
    KAD_CALL(kad_weights_analyse(ctx, log_w.n, log_w.data, &weights));
    *out = (map_side){.known = true,
                      .log_z = weights.log_z.value,
                      .joint = joint_of(log_w.n, log_w.data, weights.log_z.value),
                      .upper = weights.upper,
                      .upper_dof = weights.upper_dof};
    return KAD_OK;
}

/* The reweighted mean of h over the draws of a sampler of proposals. */
static kad_status add_overlap(kad_ctx *ctx, kad_h5 *file, const char *name, double c,
                              kad_agreement *agreement)
{
    KAD_SCOPE(scope, ctx);
    kad_values log_w;
    double *h, mean, err, dof;
    char table[KAD_ESTIMATE_NAME + 16], group[128];
    snprintf(group, sizeof group, "/samplers/%s", name);
    if (!has_weights(ctx, file, group, true)) return KAD_OK;
    KAD_CALL(read_weights(&scope, file, name, "proposals/log_weight", &log_w));
    if (log_w.n < 2 || kad_effective_draws(log_w.n, log_w.data) < KAD_MIN_EFFECTIVE)
        return KAD_OK;
    KAD_CALL(kad_take(&scope, log_w.n, &h));
    for (size_t i = 0; i < log_w.n; i++)
        h[i] = kad_log_share(c, log_w.data[i]);
    KAD_CALL(kad_reweight(ctx, log_w.n, log_w.data, 1, h, &mean, &err, &dof, NULL));
    snprintf(table, sizeof table, "%s%s", name, WEIGHTED);
    kad_agreement_add(agreement, KAD_OVERLAP, table, mean, err, dof);
    return KAD_OK;
}

/* --- configurations of the others ----------------------------------------------------- */

/* Mean and error of a [n_chains][n] as a row. */
static kad_status mean_row(kad_ctx *ctx, size_t n_chains, size_t n, const double *a,
                           kad_row *row)
{
    double mean = 0.0, square = 0.0;
    kad_gamma gamma;
    for (size_t i = 0; i < n_chains * n; i++)
        mean += a[i] / (double)(n_chains * n);
    if (n_chains < CHAINS_LEAST && n >= CHAINS_LEAST) {
        KAD_CALL(kad_gamma_analyse(ctx, n_chains, n, a, 1.5, &gamma));
        kad_row_set_gamma(row, &gamma);
        return KAD_OK;
    }
    set_row(row, mean, NAN, NAN);
    if (n_chains < CHAINS_LEAST) {
        kad_row_refuse(row, KAD_GAMMA_SHORT);
        return KAD_OK;
    }
    for (size_t c = 0; c < n_chains; c++) {
        double own = 0.0;
        for (size_t i = 0; i < n; i++)
            own += a[c * n + i] / (double)n;
        square += (own - mean) * (own - mean);
    }
    const double dof = (double)(n_chains - 1);
    set_row(row, mean, sqrt(square / dof / (double)n_chains), dof);
    return KAD_OK;
}

static size_t count_infinite(const kad_values *log_w)
{
    size_t n = 0;
    for (size_t i = 0; i < log_w->n; i++)
        n += isfinite(log_w->data[i]) ? 0 : 1;
    return n;
}

/* Satterthwaite's degrees of freedom of a^2 + b^2. */
static double joint_dof(double a, double a_dof, double b, double b_dof)
{
    const double sum = a * a + b * b;
    return sum * sum / (a * a * a * a / a_dof + b * b * b * b / b_dof);
}

/* log_z_upper and its distance from the map's own. */
static kad_status add_upper(kad_ctx *ctx, const kad_values *log_w, const map_side *map,
                            kad_estimates *out)
{
    kad_row *upper = kad_estimates_add(out, "log_z_upper");
    if (upper == NULL || count_infinite(log_w) > 0) return KAD_OK;
    KAD_CALL(mean_row(ctx, log_w->dims[0], log_w->dims[1], log_w->data, upper));
    if (!map->known) return KAD_OK;
    set_row(kad_estimates_add(out, "upper_gap"), upper->mean - map->upper.value,
            hypot(hypot(upper->err, map->upper.err), KAD_SINGLE_ROUNDING * upper->mean),
            joint_dof(upper->err, upper->err_dof, map->upper.err, map->upper_dof));
    return KAD_OK;
}

/* overlap (into the agreement, where there is one), and ln Z from both sets of draws. */
static kad_status add_joint(kad_ctx *ctx, kad_h5 *file, const kad_values *log_w,
                            const map_side *map, const char *name, kad_estimates *out,
                            kad_agreement *agreement)
{
    KAD_SCOPE(scope, ctx);
    double *h;
    kad_row *overlap = kad_estimates_add(out, KAD_OVERLAP);
    if (overlap == NULL) return KAD_OK;
    KAD_CALL(kad_take(&scope, log_w->n, &h));
    for (size_t i = 0; i < log_w->n; i++)
        h[i] = kad_log_share(map->log_z, log_w->data[i]);
    KAD_CALL(mean_row(ctx, log_w->dims[0], log_w->dims[1], h, overlap));
    const double noise = overlap->err / overlap->mean; /* without rounding */
    overlap->err = hypot(overlap->err, KAD_SINGLE_ROUNDING * map->log_z * overlap->mean *
                                           (1 - overlap->mean)); /* of ln w */
    if (overlap->flag == KAD_GAMMA_OK && agreement != NULL)
        kad_agreement_add(agreement, KAD_OVERLAP, name, overlap->mean, overlap->err,
                          overlap->err_dof);
    kad_row *log_z = kad_estimates_add(out, "log_z");
    if (log_z == NULL || !(overlap->mean > 0.0)) return KAD_OK;
    const double a = map->joint.err / map->joint.value;
    set_row(log_z, map->log_z + log(map->joint.value / overlap->mean), hypot(a, noise),
            joint_dof(a, INFINITY, noise, overlap->err_dof));
    log_z->err = hypot(log_z->err, KAD_SINGLE_ROUNDING * log_z->mean);
    kad_exact_fill(ctx, file, log_z);
    return KAD_OK;
}

/* Whether the chains have forgotten their start: m, which is odd, speaks for itself only
 * (analyse.c). */
static kad_status is_settled(kad_ctx *ctx, kad_h5 *file, const char *name, bool *out)
{
    KAD_SCOPE(scope, ctx);
    kad_table table;
    char group[128];
    const char *start = kad_gamma_flag_name(KAD_GAMMA_START);
    snprintf(group, sizeof group, "/analysis/%s", name);
    KAD_CALL(kad_table_read(&scope, file, group, &table));
    *out = true;
    for (size_t i = 0; i < table.n; i++)
        if (table.flag[i] != NULL && strcmp(table.flag[i], start) == 0 &&
            strcmp(table.observable[i], "m") != 0)
            *out = false;
    return KAD_OK;
}

static void warn(const kad_values *log_w, const kad_row *gap, const map_side *map,
                 const char *name, bool settled, kad_diagnostics *diagnostics)
{
    const size_t n_infinite = count_infinite(log_w);
    const char *unsure = settled ? "" : " (which is not in equilibrium)";
    char text[64];
    if (n_infinite > 0)
        kad_diagnostics_add(diagnostics, KAD_WARNING, "no-density", name,
                            "%s: at %zu of %zu of its configurations the map's ln q is "
                            "not finite: the map misses them; train longer",
                            name, n_infinite, log_w->n);
    /* half of p: only a bound that is too low hides something */
    if (gap == NULL || !(gap->mean > 0.0) ||
        !(0.5 * kad_pull_p(gap->mean / gap->err, gap->err_dof) < KAD_AGREEMENT_ALPHA))
        return;
    kad_diagnostics_add(
        diagnostics, KAD_WARNING, "upper-gap", name,
        "%s%s: ln w averages %.6g over its configurations, %.6g over the map's own "
        "draws: %s nats that the map's own bound of ln Z does not see; train longer",
        name, unsure, gap->mean + map->upper.value, map->upper.value,
        kad_format_error(text, sizeof text, gap->mean, gap->err));
}

/* The rows of one sampler. Where its chains remember their start they have no error bars
 * and no part in the agreement, but still warn. */
static kad_status analyse_one(kad_ctx *ctx, kad_h5 *file, const char *name,
                              const map_side *map, kad_agreement *agreement,
                              kad_diagnostics *diagnostics)
{
    KAD_SCOPE(scope, ctx);
    kad_values log_w;
    kad_estimates *estimates;
    char table[KAD_ESTIMATE_NAME];
    bool settled;
    KAD_CALL(read_weights(&scope, file, name, "map_log_weight", &log_w));
    if (log_w.n == 0) return KAD_OK;
    if (log_w.rank != 2)
        return kad_fail(ctx, KAD_EDATA, "%s: map_log_weight: expected rank 2, found %d",
                        name, log_w.rank);
    KAD_CALL(is_settled(ctx, file, name, &settled));
    snprintf(table, sizeof table, "log_z_%.50s", name);
    KAD_CALL(kad_estimates_create(&scope, table,
                                  "the map's weights at configurations of a "
                                  "sampler that does not use it",
                                  &estimates));
    KAD_CALL(add_upper(ctx, &log_w, map, estimates));
    if (map->known)
        KAD_CALL(add_joint(ctx, file, &log_w, map, name, estimates,
                           settled ? agreement : NULL));
    warn(&log_w, kad_estimates_find(estimates, "upper_gap"), map, name, settled,
         diagnostics);
    for (size_t i = 0; i < estimates->n && !settled; i++)
        kad_row_refuse(&estimates->row[i], KAD_GAMMA_START);
    KAD_CALL(kad_estimates_write(ctx, file, estimates));
    kad_warn_exact(diagnostics, name, estimates);
    return KAD_OK;
}

/* Nothing that a map never draws is seen where no other sampler looks. */
static void warn_alone(kad_h5 *file, size_t n, char *const *names, const char *main,
                       kad_diagnostics *diagnostics)
{
    for (size_t i = 0; i < n; i++) {
        char path[128];
        snprintf(path, sizeof path, "/samplers/%s/map_log_weight", names[i]);
        if (kad_h5_exists(file, path)) return;
    }
    kad_diagnostics_add(diagnostics, KAD_NOTE, "no-witness", main,
                        "%s: no sampler without the map ran along: weights cannot see "
                        "what a map never draws; add {name: metropolis} or another to "
                        "`sample`",
                        main);
}

kad_status kad_analyse_weighed(kad_ctx *ctx, kad_h5 *file, size_t n, char *const *names,
                               size_t main, kad_agreement *agreement,
                               kad_diagnostics *diagnostics)
{
    map_side map = {.known = false};
    const size_t own = kad_weighed_main(ctx, file, n, names, true);
    if (own < n) KAD_CALL(read_map(ctx, file, names[own], &map));
    if (main < n) warn_alone(file, n, names, names[main], diagnostics);
    for (size_t i = 0; i < n && map.known; i++)
        KAD_CALL(add_overlap(ctx, file, names[i], map.log_z, agreement));
    for (size_t i = 0; i < n; i++)
        KAD_CALL(analyse_one(ctx, file, names[i], &map, agreement, diagnostics));
    return KAD_OK;
}

/* --- the verdict ---------------------------------------------------------------------- */

static bool is_weighted(const char *sampler)
{
    const size_t n = strlen(sampler), end = sizeof WEIGHTED - 1;
    return n > end && strcmp(sampler + n - end, WEIGHTED) == 0;
}

/* The map's estimate and that of another sampler which is farthest from it. */
static bool find_extremes(const kad_agreement *a, const kad_agreement_row *row,
                          size_t *map, size_t *other)
{
    *map = *other = a->n_samplers;
    for (size_t s = 0; s < a->n_samplers; s++)
        if (!isnan(row->value[s]) && is_weighted(a->sampler[s])) *map = s;
    for (size_t s = 0; s < a->n_samplers && *map < a->n_samplers; s++) {
        if (isnan(row->value[s]) || is_weighted(a->sampler[s])) continue;
        if (*other == a->n_samplers || fabs(row->value[s] - row->value[*map]) >
                                           fabs(row->value[*other] - row->value[*map]))
            *other = s;
    }
    return *other < a->n_samplers;
}

void kad_weighed_warn(const kad_agreement *agreement, kad_diagnostics *diagnostics)
{
    const kad_agreement_row *row = NULL;
    char own[64], seen[64], p[32];
    size_t map, other;
    for (size_t i = 0; i < agreement->n; i++)
        if (strcmp(agreement->row[i].name, KAD_OVERLAP) == 0) row = &agreement->row[i];
    if (row == NULL || !row->refuted || !find_extremes(agreement, row, &map, &other))
        return;
    (void)kad_format_error(own, sizeof own, row->value[map], row->err[map]);
    (void)kad_format_error(seen, sizeof seen, row->value[other], row->err[other]);
    (void)kad_format_p(p, sizeof p, row->p);
    if (row->value[other] < row->value[map])
        kad_diagnostics_add(
            diagnostics, KAD_ERROR, "lost-modes", agreement->sampler[other],
            "%s finds what the map gives too little weight, about %.0f %% of the "
            "distribution (overlap %s there, %s by the weights, %s): do not use the "
            "map's "
            "ln Z and averages; train longer, or another map",
            agreement->sampler[other],
            100.0 * (1.0 - row->value[other] / row->value[map]), seen, own, p);
    else
        kad_diagnostics_add(
            diagnostics, KAD_ERROR, "overlap", agreement->sampler[other],
            "%s sits where the map's weights put less of the distribution (overlap %s "
            "there, %s by the weights, %s): one of them is not in equilibrium: a longer "
            "burn_in, more draws",
            agreement->sampler[other], seen, own, p);
}
