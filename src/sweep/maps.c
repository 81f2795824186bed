/* Whose map a point uses. With sweep.map: family, points that differ in the coupling
 * sweep.along alone share one: a family over their values, trained in maps/ by the first
 * worker that needs it, under the lock of its folder; a point then takes its map from there and
 * trains none. */
#include "base/signals.h"
#include "io/number.h"
#include "run/pipeline.h"
#include "run/run_state.h"
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

/* The point without the coupling: what points that share a map have in common. */
static kad_status without(kad_scope *in, const kad_sweep *s, int along,
                          const kad_sweep_point *point, kad_sweep_point *out)
{
    *out = (kad_sweep_point){.wanted = point->wanted}; /* no number: it is no point */
    KAD_CALL(kad_take(in, (size_t)s->n_keys, &out->value));
    for (int k = 0; k < s->n_keys; k++)
        out->value[k] = k == along ? NULL : point->value[k];
    return KAD_OK;
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
        if (!other->wanted ||
            !kad_sweep_same_values(s, along, point->value, other->value))
            continue;
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
static kad_status folder_of(kad_scope *in, const kad_sweep *s,
                            const kad_sweep_point *others, const char **folder)
{
    char name[512];
    kad_sweep_folder_name(s, others, sizeof name, name);
    return kad_take_printf(in, folder, "%s/maps/%s", s->folder, *name ? name : "all");
}

/* The family's own run: the point's config without samplers, over the range. */
static kad_status train_family(kad_scope *in, kad_app *app, const kad_sweep *s, int along,
                               const kad_sweep_point *others, const char *folder)
{
    const char *more[4] = {[2] = "sample=[]"};
    char first[KAD_NUMBER_CHARS], last[KAD_NUMBER_CHARS], middle[KAD_NUMBER_CHARS];
    double lo, hi;
    KAD_CALL(range_of(&app->ctx, s, along, others, &lo, &hi));
    KAD_CALL(kad_take_printf(in, &more[0], "family.along=%s", s->key[along]));
    KAD_CALL(kad_take_printf(in, &more[1], "family.range=[%s, %s]",
                             kad_format_real(first, lo), kad_format_real(last, hi)));
    KAD_CALL(kad_take_printf(in, &more[3], "%s=%s", s->key[along],
                             kad_format_real(middle, 0.5 * (lo + hi))));
    return kad_sweep_run(app, s, others, 4, more, folder, KAD_STAGE_TRAIN, false);
}

kad_status kad_sweep_map(kad_scope *in, kad_app *app, const kad_sweep *s,
                         const kad_sweep_point *point, const char **from)
{
    int along = -1;
    kad_run_state state;
    kad_sweep_point others;
    *from = NULL;
    if (strcmp(s->options.map, "family") != 0) return KAD_OK;
    KAD_CALL(find_along(&app->ctx, s, &along));
    KAD_CALL(without(in, s, along, point, &others));
    KAD_CALL(folder_of(in, s, &others, from));
    KAD_CALL(kad_run_state_read(&app->ctx, *from, &state));
    if (strcmp(state.status, "trained") == 0) return KAD_OK;
    if (state.stand == KAD_RUN_RUNNING)
        return kad_fail(&app->ctx, KAD_EINUSE, "%s: in use by another worker (%s)", *from,
                        state.words);
    const double start = kad_wall_seconds();
    KAD_CALL(train_family(in, app, s, along, &others, *from));
    kad_say(app, "%s: a map for all values of %s, %.1f s", *from, s->key[along],
            kad_wall_seconds() - start);
    return KAD_OK;
}
