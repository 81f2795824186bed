/* Whose map a point uses. With sweep.map: family, points that differ in the coupling
 * sweep.along alone share one: a family over their values, trained in maps/ by the first
 * worker that needs it, under the lock of its folder; a point then takes its map from there and
 * trains none. */
#include "base/signals.h"
#include "io/number.h"
#include "run/pipeline.h"
#include "sweep/points.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Index of the coupling; KAD_ECONFIG where it is no key of the sweep. */
static kad_status find_along(kad_ctx *ctx, const kad_sweep *s, int *along)
{
    const char *key = s->options.along;
    if (key == NULL)
        return kad_fail(
            ctx, KAD_ECONFIG,
            "%s: sweep.along: sweep.map family needs the coupling that varies, "
            "e.g. action.temperature",
            s->name);
    *along = kad_sweep_find_key(s, key);
    if (*along >= 0) return KAD_OK;
    return kad_fail(ctx, KAD_ECONFIG, "%s: sweep.along: %s is no key of the sweep",
                    s->name, key);
}

static bool same_map(const kad_sweep *s, int along, const kad_sweep_point *a,
                     const kad_sweep_point *b)
{
    for (int k = 0; k < s->n_keys; k++) {
        const char *x = a->value[k], *y = b->value[k];
        if (k != along && (x == NULL) != (y == NULL)) return false;
        if (k != along && x != NULL && strcmp(x, y) != 0) return false;
    }
    return true;
}

/* Over all points that share the map. */
static kad_status range_of(kad_ctx *ctx, const kad_sweep *s, int along,
                           const kad_sweep_point *point, double *lo, double *hi)
{
    *lo = INFINITY;
    *hi = -INFINITY;
    for (int i = 0; i < s->n_points; i++) {
        const kad_sweep_point *other = &s->point[i];
        double value;
        if (!other->wanted || !same_map(s, along, point, other)) continue;
        if (other->value[along] == NULL || !kad_parse_real(other->value[along], &value))
            return kad_fail(ctx, KAD_ECONFIG,
                            "%s: sweep.along: point %d has no number %s", s->name,
                            other->number, s->key[along]);
        *lo = fmin(*lo, value);
        *hi = fmax(*hi, value);
    }
    return KAD_OK;
}

/* "maps/shape=8x8_seed=1": the other keys; "maps/all" without any. */
static kad_status folder_of(kad_scope *in, const kad_sweep *s, int along,
                            const kad_sweep_point *point, const char **folder)
{
    kad_sweep_point others = *point;
    char label[512];
    const char **value;
    KAD_CALL(kad_take(in, (size_t)s->n_keys, &value));
    for (int k = 0; k < s->n_keys; k++)
        value[k] = k == along ? NULL : point->value[k];
    others.value = value;
    kad_sweep_label(s, &others, sizeof label, label);
    for (char *c = label; *c != 0; c++)
        if (*c == ' ') *c = '_';
    return kad_take_printf(in, folder, "%s/maps/%s", s->folder, *label ? label : "all");
}

/* The family's own run: the point's config without samplers, over the range. */
static kad_status train_family(kad_scope *in, kad_app *app, const kad_sweep *s, int along,
                               const kad_sweep_point *point, const char *folder)
{
    kad_app run = *app;
    kad_sweep_point others = *point;
    const char **value, **list;
    char lo_text[KAD_NUMBER_CHARS], hi_text[KAD_NUMBER_CHARS];
    double lo, hi;
    int n;
    KAD_CALL(range_of(&app->ctx, s, along, point, &lo, &hi));
    KAD_CALL(kad_take(in, (size_t)s->n_keys, &value));
    for (int k = 0; k < s->n_keys; k++)
        value[k] = k == along ? NULL : point->value[k];
    others.value = value;
    KAD_CALL(kad_sweep_overrides(in, app, s, &others, &n, &list));
    KAD_CALL(kad_take(in, (size_t)n + 4, &run.overrides));
    for (int i = 0; i < n; i++)
        run.overrides[i] = list[i];
    const char **more = run.overrides + n;
    KAD_CALL(kad_take_printf(in, &more[0], "family.along=%s", s->key[along]));
    KAD_CALL(kad_take_printf(in, &more[1], "family.range=[%s, %s]",
                             kad_format_real(lo_text, lo), kad_format_real(hi_text, hi)));
    more[2] = "sample=[]";
    KAD_CALL(kad_take_printf(in, &more[3], "%s=%s", s->key[along],
                             kad_format_real(lo_text, 0.5 * (lo + hi))));
    run.n_overrides = n + 4;
    run.out = folder;
    run.quiet = true;
    run.ctx.log = NULL;
    const kad_status status = kad_pipeline_text(&run, s->base, s->name, KAD_STAGE_TRAIN);
    memcpy(app->ctx.message, run.ctx.message, sizeof app->ctx.message);
    return status;
}

kad_status kad_sweep_map(kad_scope *in, kad_app *app, const kad_sweep *s,
                         const kad_sweep_point *point, const char **from)
{
    int along = -1;
    char detail[KAD_POINT_DETAIL];
    kad_point_state state;
    *from = NULL;
    if (strcmp(s->options.map, "family") != 0) return KAD_OK;
    KAD_CALL(find_along(&app->ctx, s, &along));
    KAD_CALL(folder_of(in, s, along, point, from));
    KAD_CALL(kad_point_state_read(app, *from, &state, detail));
    if (state == KAD_POINT_STOPPED && strcmp(detail, "trained") == 0) return KAD_OK;
    if (state == KAD_POINT_RUNNING)
        return kad_fail(&app->ctx, KAD_EINUSE, "%s: in use by another worker (%s)", *from,
                        detail);
    const double start = kad_wall_seconds();
    KAD_CALL(train_family(in, app, s, along, point, *from));
    kad_say(app, "%s: a map for all values of %s, %.1f s", *from, s->key[along],
            kad_wall_seconds() - start);
    return KAD_OK;
}
