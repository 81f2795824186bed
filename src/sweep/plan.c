/* Whether a sweep's points can run, before anything exists. */
#include "io/number.h"
#include "run/pipeline.h"
#include "sweep/sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The point as `run` would check it: its config, its model, its training. */
static kad_status check_model(kad_app *app, const kad_sweep *s, int n,
                              const char *const *overrides)
{
    kad_pipeline p = {.app = app};
    kad_status status = kad_pipeline_check(&p, s->base, s->name, n, overrides);
    kad_pipeline_release(&p);
    return status;
}

static kad_status check_keys(kad_app *app, const kad_sweep *s, int n,
                             const char *const *overrides)
{
    KAD_LOCAL(kad_config, config);
    return kad_config_parse(&app->ctx, &s->schema, s->base, s->name, n, overrides,
                            &config);
}

/* Of a key with numbers the points with the smallest and the largest one: what lies between can
 * run when they can. -1: not a number. */
typedef struct ends {
    int lo, hi;
} ends;

static ends ends_of(const kad_sweep *s, int k)
{
    const kad_key *spec = kad_schema_find(&s->schema, s->key[k]);
    ends e = {-1, -1};
    double lo = INFINITY, hi = -INFINITY, x;
    if (spec == NULL || (spec->type != KAD_REAL && spec->type != KAD_INT)) return e;
    for (int i = 0; i < s->n_points; i++) {
        const char *value = s->point[i].value[k];
        if (!s->point[i].wanted || value == NULL) continue;
        if (!kad_parse_real(value, &x)) return (ends){-1, -1};
        if (x < lo) lo = x, e.lo = i;
        if (x > hi) hi = x, e.hi = i;
    }
    return e;
}

/* A value that none of these points has. */
static bool is_new(const kad_sweep *s, int k, const char *value, int n, const int *points)
{
    for (int i = 0; i < n; i++) {
        const char *other = s->point[points[i]].value[k];
        if (other != NULL && strcmp(other, value) == 0) return false;
    }
    return true;
}

typedef struct occurrence {
    const char *value;
    int point;
} occurrence;

static int by_value(const void *a, const void *b)
{
    const occurrence *x = a, *y = b;
    const int order = strcmp(x->value, y->value);
    return order != 0 ? order : x->point - y->point;
}

/* Which points have a value of a key that none before them has: first [n_points]. */
static kad_status find_first(kad_ctx *ctx, const kad_sweep *s, int k, bool *first)
{
    KAD_SCOPE(scope, ctx);
    occurrence *of;
    int n = 0;
    KAD_CALL(kad_take(&scope, (size_t)s->n_points, &of));
    for (int i = 0; i < s->n_points; i++)
        if (s->point[i].wanted && s->point[i].value[k] != NULL)
            of[n++] = (occurrence){s->point[i].value[k], i};
    qsort(of, (size_t)n, sizeof *of, by_value);
    for (int j = 0; j < n; j++)
        if (j == 0 || strcmp(of[j - 1].value, of[j].value) != 0)
            first[of[j].point] = true;
    return KAD_OK;
}

/* Points whose config is parsed, and those whose model is made too. */
typedef struct checked {
    bool *keys; /* [n_points] */
    int n_whole, *whole;
    ends *end; /* [n_keys of the sweep] */
} checked;

static bool needs_model(const kad_sweep *s, const checked *c, int i)
{
    bool whole = c->n_whole == 0;
    for (int k = 0; k < s->n_keys; k++) {
        const char *value = s->point[i].value[k];
        if (value == NULL) continue;
        if (c->end[k].lo >= 0)
            whole = whole || i == c->end[k].lo || i == c->end[k].hi;
        else
            whole = whole || is_new(s, k, value, c->n_whole, c->whole);
    }
    return whole;
}

static kad_status check_point(kad_app *app, const kad_sweep *s,
                              const kad_sweep_point *point, bool whole)
{
    KAD_SCOPE(scope, &app->ctx);
    const char **overrides;
    char label[256];
    int n;
    KAD_CALL(kad_sweep_overrides(&scope, app, s, point, &n, &overrides));
    const kad_status status =
        whole ? check_model(app, s, n, overrides) : check_keys(app, s, n, overrides);
    if (status != KAD_ECONFIG) return status;
    return kad_fail(&app->ctx, status, "%.300s (point %d: %s)", app->ctx.message,
                    point->number, kad_sweep_label(s, point, sizeof label, label));
}

/* The map of the first point: those of other groups have other values of their keys, which
 * are checked with the points. */
static kad_status check_family(kad_app *app, const kad_sweep *s)
{
    KAD_SCOPE(scope, &app->ctx);
    kad_sweep_point others;
    const char **more, **overrides;
    int i = 0, n_more, n;
    while (i < s->n_points && !s->point[i].wanted)
        i++;
    if (i == s->n_points) return KAD_OK;
    KAD_CALL(kad_sweep_family(&scope, app, s, &s->point[i], &others, &n_more, &more));
    KAD_CALL(
        kad_sweep_overrides_and(&scope, app, s, &others, n_more, more, &n, &overrides));
    return check_model(app, s, n, overrides);
}

/* Groups have names and values that a family or a chain can use. */
static kad_status check_maps(kad_app *app, const kad_sweep *s)
{
    const kad_sweep_point *before;
    if (kad_sweep_shares_maps(s)) return check_family(app, s);
    if (strcmp(s->options.map, "chain") != 0) return KAD_OK;
    for (int i = 0; i < s->n_points; i++)
        if (s->point[i].wanted)
            KAD_CALL(kad_sweep_before(&app->ctx, s, &s->point[i], &before));
    return KAD_OK;
}

kad_status kad_sweep_check(kad_app *app, const kad_sweep *s)
{
    KAD_SCOPE(scope, &app->ctx);
    kad_app single = *app; /* a process with threads could not measure in children */
    checked c = {0};
    kad_status status = KAD_OK;
    single.ctx.n_threads = 1;
    KAD_CALL(kad_take(&scope, (size_t)s->n_points, &c.keys));
    KAD_CALL(kad_take(&scope, (size_t)s->n_points, &c.whole));
    KAD_CALL(kad_take(&scope, (size_t)s->n_keys, &c.end));
    for (int k = 0; k < s->n_keys; k++) {
        c.end[k] = ends_of(s, k);
        KAD_CALL(find_first(&app->ctx, s, k, c.keys));
    }
    for (int i = 0; i < s->n_points && status == KAD_OK; i++) {
        if (!s->point[i].wanted) continue;
        const bool whole = needs_model(s, &c, i);
        if (!c.keys[i] && !whole) continue;
        status = check_point(&single, s, &s->point[i], whole);
        if (whole) c.whole[c.n_whole++] = i;
    }
    if (status == KAD_OK) status = check_maps(&single, s);
    if (status != KAD_OK) return kad_fail(&app->ctx, status, "%s", single.ctx.message);
    return KAD_OK;
}
