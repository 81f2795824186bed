#include "sweep/curves.h"

#include "analysis/results.h"
#include "io/number.h"
#include "io/run_folder.h"
#include "models/exact.h"
#include "models/spin_system.h"
#include "run/pipeline.h"
#include "run/run_state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- which coupling ---------------------------------------------------------------------
 */

static bool varies(const kad_sweep *s, int key)
{
    const char *first = NULL;
    for (int i = 0; i < s->n_points; i++) {
        const char *value = s->point[i].value[key];
        if (value == NULL) continue;
        if (first != NULL && strcmp(first, value) != 0) return true;
        first = value;
    }
    return false;
}

const char *kad_sweep_coupling(const kad_sweep *s, int *n)
{
    const char *named = s->options.analysis.along, *maps = s->options.along;
    const char *found = NULL;
    *n = 1;
    if (named != NULL) return named;
    if (maps != NULL && strchr(maps, ',') == NULL) return maps;
    *n = 0;
    for (int k = 0; k < s->n_keys; k++) {
        if (strncmp(s->key[k], "action.", 7) != 0 || !varies(s, k)) continue;
        found = s->key[k];
        ++*n;
    }
    return *n == 1 ? found : NULL;
}

static kad_status find_along(kad_ctx *ctx, const kad_sweep *s, int *along)
{
    int n;
    const char *name = kad_sweep_coupling(s, &n);
    *along = name != NULL ? kad_sweep_find_key(s, name) : -1;
    if (*along >= 0) return KAD_OK;
    if (name == NULL)
        return kad_fail(ctx, KAD_ECONFIG,
                        "%s: sweep.analysis.along: %d couplings vary: name one", s->name,
                        n);
    return kad_fail(ctx, KAD_ECONFIG,
                    "%s: sweep.analysis.along: %s is no key of the sweep", s->name, name);
}

/* --- points of a group ------------------------------------------------------------------
 */

typedef struct member {
    int point;
    double value;
} member;

static int by_value(const void *a, const void *b)
{
    const member *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return x->point - y->point;
}

typedef struct builder {
    kad_scope *in; /* of the results */
    kad_app *app;
    const kad_sweep *sweep;
    int along;
    kad_sweep_group *group;
    kad_pipeline
        *pipeline; /* of one of the group's points: its action is set to others */
    kad_action_statistics names;
    int n_members; /* complete points, by value */
    member *member;
} builder;

/* Complete points of the group. */
static kad_status find_members(kad_scope *in, builder *b, const kad_sweep_point *first)
{
    const kad_sweep *s = b->sweep;
    KAD_CALL(kad_take(in, (size_t)s->n_points, &b->member));
    b->n_members = 0;
    for (int i = 0; i < s->n_points; i++) {
        const kad_sweep_point *point = &s->point[i];
        kad_run_state state;
        double value;
        if (!kad_sweep_same_values(s, b->along, first->value, point->value) ||
            point->value[b->along] == NULL)
            continue;
        if (!kad_parse_real(point->value[b->along], &value))
            return kad_fail(in->ctx, KAD_ECONFIG,
                            "%s: sweep.analysis.along: %s of point %d is no number",
                            s->name, s->key[b->along], point->number);
        KAD_CALL(kad_sweep_stand(in->ctx, s, point, &state));
        b->group->n_points++;
        if (state.stand == KAD_RUN_COMPLETE)
            b->member[b->n_members++] = (member){i, value};
    }
    b->group->n_complete = b->n_members;
    if (b->n_members > 0)
        qsort(b->member, (size_t)b->n_members, sizeof *b->member, by_value);
    return KAD_OK;
}

/* --- the model --------------------------------------------------------------------------
 */

/* Of the first point where the coupling is not 0: what breaks a symmetry can be switched off,
 * not on. */
static kad_status make_action(builder *b)
{
    KAD_SCOPE(scope, b->in->ctx);
    const kad_sweep *s = b->sweep;
    const char **overrides;
    int n, first = 0;
    while (first < b->n_members - 1 && b->member[first].value == 0)
        first++;
    KAD_CALL(kad_sweep_overrides(&scope, b->app, s, &s->point[b->member[first].point], &n,
                                 &overrides));
    KAD_CALL(kad_pipeline_prepare(b->pipeline, s->base, s->name, n, overrides));
    const kad_action *action = b->pipeline->model->action;
    if (action != NULL && action->ops->statistics != NULL)
        action->ops->statistics(action, &b->names);
    if (b->names.n == 0)
        return kad_fail(
            b->in->ctx, KAD_ECONFIG,
            "%s: sweep.analysis: %s%s does not say which observables its action is "
            "made of, so that its points cannot be analysed together",
            s->name, action == NULL ? "none" : action->ops->name,
            action != NULL && kad_action_get(action, "field") != 0 &&
                    !isnan(kad_action_get(action, "field"))
                ? " in a field"
                : "");
    return KAD_OK;
}

/* The model at a value of the coupling. */
static kad_status set_theta(const builder *b, double value, kad_curve_theta *out)
{
    const char *key = b->sweep->key[b->along];
    kad_action *action = b->pipeline->model->action;
    const kad_action_spins *spins = action->ops->spins;
    kad_action_statistics now;
    KAD_CALL(kad_action_set(b->in->ctx, action, key, value));
    if (!(fabs(kad_action_get(action, key) - value) <= 1e-12 * fabs(value)))
        return kad_fail(b->in->ctx, KAD_ECONFIG,
                        "%s: sweep.analysis.along: %s is no coupling that can be changed",
                        b->sweep->name, key);
    action->ops->statistics(action, &now);
    *out = (kad_curve_theta){.value = value,
                             .constant = now.constant,
                             .beta = kad_action_get(action, "beta"),
                             .K = kad_action_bond(action),
                             .J = 1};
    if (spins != NULL && spins->exchange != NULL) out->J = spins->exchange(action);
    memcpy(out->c, now.c, sizeof out->c);
    return KAD_OK;
}

/* What is known exactly at the value that is set. */
static kad_status read_exact(const builder *b, size_t i, size_t n, kad_sweep_series *out)
{
    const kad_action *action = b->pipeline->model->action;
    kad_exact_means known = {0};
    if (action->ops->exact != NULL)
        KAD_CALL(action->ops->exact(b->in->ctx, action, &known));
    if (action->log_z_source != NULL)
        kad_exact_add(&known, "log_z",
                      (kad_exact_value){action->log_z_exact, action->log_z_exact_error},
                      action->log_z_source);
    for (int q = 0; q < KAD_CURVE_QUANTITIES; q++)
        for (int k = 0; k < known.n; k++) {
            if (strcmp(known.row[k].name, kad_curve_names[q]) != 0 ||
                !kad_exact_certain(known.row[k].x))
                continue;
            if (out->exact[q] == NULL) {
                KAD_CALL(kad_take(b->in, n, &out->exact[q]));
                for (size_t j = 0; j < n; j++)
                    out->exact[q][j] = NAN;
            }
            out->exact[q][i] = known.row[k].x.value;
        }
    return KAD_OK;
}

/* --- values of the curve ----------------------------------------------------------------
 */

/* A list, or so many from one end of the range to the other. */
static size_t n_values(const kad_reals *values)
{
    const size_t n = kad_reals_count(values, INFINITY);
    return n > 0 ? n : values->n;
}

static kad_status value_at(const builder *b, size_t i, double lo, double hi, double *out)
{
    const kad_reals *values = &b->sweep->options.analysis.values;
    const size_t n = kad_reals_count(values, INFINITY);
    if (n > 0) {
        *out = lo + (hi - lo) * (double)i / (double)(n - 1);
        return KAD_OK;
    }
    *out = values->value[i];
    if (*out >= lo && *out <= hi) return KAD_OK;
    return kad_fail(
        b->in->ctx, KAD_ECONFIG,
        "%s: sweep.analysis.values: %g is outside of the points of %s, %g to %g",
        b->sweep->name, *out, b->group->name, lo, hi);
}

static kad_status make_thetas(const builder *b, double lo, double hi, size_t n,
                              kad_curve_theta *theta, kad_sweep_series *out)
{
    for (size_t i = 0; i < n; i++) {
        double value;
        KAD_CALL(value_at(b, i, lo, hi, &value));
        KAD_CALL(set_theta(b, value, &theta[i]));
        KAD_CALL(read_exact(b, i, n, out));
    }
    return KAD_OK;
}

/* --- one sampler ------------------------------------------------------------------------
 */

/* The series of all usable points: *n of them. */
static kad_status read_series(kad_scope *in, const builder *b, kad_sweep_series *out,
                              kad_curve_series *series, kad_curve_theta *at, size_t *n)
{
    *n = 0;
    for (int i = 0; i < b->n_members; i++) {
        kad_h5 *file;
        char reason[KAD_CURVE_REASON];
        const member *m = &b->member[i];
        KAD_CALL(kad_sweep_results(in->ctx, b->sweep, &b->sweep->point[m->point], &file));
        KAD_CALL(kad_curve_series_read(in, file, out->name, b->names.n, b->names.name,
                                       &series[*n], reason));
        if (reason[0] != 0) {
            if (out->n_left_out++ == 0)
                KAD_CALL(kad_take_printf(b->in, &out->left_out, "point %d: %s",
                                         b->sweep->point[m->point].number, reason));
            continue;
        }
        KAD_CALL(set_theta(b, m->value, &at[*n]));
        out->point[*n] = m->point;
        out->at[*n] = m->value;
        ++*n;
    }
    return KAD_OK;
}

/* Without maps ln Z is relative to the first point, and so is the exact one. */
static kad_status shift_exact(const builder *b, double first, kad_sweep_series *out)
{
    kad_curve_theta theta;
    if (out->curves.n_anchors > 0 || out->exact[0] == NULL) return KAD_OK;
    KAD_CALL(set_theta(b, first, &theta));
    for (size_t i = 0; i < out->curves.n; i++)
        out->exact[0][i] -= b->pipeline->model->action->log_z_exact;
    return KAD_OK;
}

static kad_status refuse(const builder *b, kad_sweep_series *out, const char *why)
{
    return kad_take_text(b->in, why, &out->refused);
}

static kad_status make_series(builder *b, kad_sweep_series *out)
{
    kad_ctx *ctx = b->in->ctx;
    KAD_SCOPE(scope, ctx);
    const size_t most = (size_t)b->n_members;
    const size_t n_curve = n_values(&b->sweep->options.analysis.values);
    kad_curve_series *series;
    kad_curve_theta *at, *theta;
    char why[256];
    size_t n;
    KAD_CALL(kad_take(b->in, most, &out->point));
    KAD_CALL(kad_take(b->in, most, &out->at));
    KAD_CALL(kad_take(&scope, most, &series));
    KAD_CALL(kad_take(&scope, most, &at));
    KAD_CALL(kad_take(&scope, n_curve, &theta));
    KAD_CALL(read_series(&scope, b, out, series, at, &n));
    if (n < 2 || out->at[0] == out->at[n - 1]) {
        snprintf(why, sizeof why, "%zu of %d points can be used%s%s", n,
                 b->group->n_points, out->left_out != NULL ? "; " : "",
                 out->left_out != NULL ? out->left_out : "");
        return refuse(b, out, why);
    }
    KAD_CALL(make_thetas(b, out->at[0], out->at[n - 1], n_curve, theta, out));
    b->group->n_sites = series[0].n_sites;
    b->group->extent = series[0].extent;
    b->group->n_components = series[0].n_components;
    const kad_status status =
        kad_curves_make(b->in, n, series, at, b->names.n, b->pipeline->model->lattice->d,
                        n_curve, theta, &out->curves);
    if (status == KAD_EDATA) return refuse(b, out, ctx->message);
    KAD_CALL(status);
    return shift_exact(b, out->at[0], out);
}

/* Names of the samplers that the first complete point has. */
static kad_status list_samplers(const builder *b, size_t *n, char ***names)
{
    kad_h5 *file;
    KAD_CALL(kad_sweep_results(b->in->ctx, b->sweep, &b->sweep->point[b->member[0].point],
                               &file));
    return kad_members(b->in, file, "/samplers", n, names);
}

static kad_status make_group(builder *b, const kad_sweep_point *first)
{
    KAD_SCOPE(scope, b->in->ctx);
    kad_pipeline pipeline KAD_CLEARED(kad_pipeline_release) = {.app = b->app};
    char **names;
    size_t n;
    KAD_CALL(find_members(&scope, b, first));
    if (b->n_members == 0) return KAD_OK;
    b->pipeline = &pipeline;
    KAD_CALL(make_action(b));
    KAD_CALL(list_samplers(b, &n, &names));
    KAD_CALL(kad_take(b->in, n, &b->group->series));
    for (size_t i = 0; i < n; i++) {
        kad_sweep_series *series = &b->group->series[b->group->n_series++];
        series->name = names[i];
        KAD_CALL(make_series(b, series));
    }
    return KAD_OK;
}

/* --- all groups -------------------------------------------------------------------------
 */

static bool is_first(const kad_sweep *s, int along, int point)
{
    for (int i = 0; i < point; i++)
        if (kad_sweep_same_values(s, along, s->point[i].value, s->point[point].value))
            return false;
    return true;
}

/* Why there is nothing at all. */
static kad_status require_curve(kad_ctx *ctx, const kad_sweep_curves *c)
{
    const char *why = NULL, *where = NULL;
    int n_complete = 0;
    for (int g = 0; g < c->n_groups; g++) {
        n_complete += c->group[g].n_complete;
        for (int i = 0; i < c->group[g].n_series; i++) {
            const kad_sweep_series *series = &c->group[g].series[i];
            if (series->refused == NULL) return KAD_OK;
            if (why == NULL) {
                why = series->refused;
                where = series->name;
            }
        }
    }
    if (why == NULL)
        return kad_fail(ctx, KAD_EDATA,
                        "%s: no curve: %d of %d points are complete, none has a sampler",
                        c->sweep->name, n_complete, c->sweep->n_points);
    return kad_fail(ctx, KAD_EDATA, "%s: no curve: %s: %s", c->sweep->name, where, why);
}

kad_status kad_sweep_curves_make(kad_scope *in, kad_app *app, const kad_sweep *s,
                                 kad_sweep_curves *out)
{
    *out = (kad_sweep_curves){.sweep = s};
    KAD_CALL(find_along(in->ctx, s, &out->along));
    KAD_CALL(kad_take(in, (size_t)s->n_points, &out->group));
    for (int i = 0; i < s->n_points; i++) {
        if (!is_first(s, out->along, i)) continue;
        kad_sweep_group *group = &out->group[out->n_groups++];
        builder b = {
            .in = in, .app = app, .sweep = s, .along = out->along, .group = group};
        KAD_CALL(kad_sweep_without(in, s, &s->point[i], 1, &out->along, &group->others));
        KAD_CALL(kad_sweep_group_name(in, s, &group->others, &group->name));
        KAD_CALL(make_group(&b, &s->point[i]));
    }
    return require_curve(in->ctx, out);
}
