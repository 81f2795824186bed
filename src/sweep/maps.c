/* Whose map a point uses. Points that differ in the coupling sweep.along alone form a group.
 *
 *   family   a group shares one map, a family over its values, trained in maps/ by the first
 *            worker that needs it, under the lock of its folder; a point takes its map from
 *            there and trains none
 *   chain    the first point of a group trains its own map; every other starts from that of the
 *            nearest one among those with lower numbers, for fewer steps at a lower rate. Who
 *            comes before whom follows from the points alone, so that any number of workers
 *            gives the same bytes, and values added later change nothing. */
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
        return kad_fail(ctx, KAD_ECONFIG,
                        "%s: sweep.along: sweep.map %s needs the coupling that varies, "
                        "e.g. action.temperature",
                        s->name, s->options.map);
    *along = kad_sweep_find_key(s, key);
    if (*along >= 0) return KAD_OK;
    return kad_fail(ctx, KAD_ECONFIG, "%s: sweep.along: %s is no key of the sweep",
                    s->name, key);
}

static kad_status value_of(kad_ctx *ctx, const kad_sweep *s, int along,
                           const kad_sweep_point *point, double *value)
{
    if (point->value[along] != NULL && kad_parse_real(point->value[along], value))
        return KAD_OK;
    return kad_fail(ctx, KAD_ECONFIG, "%s: sweep.along: point %d has no number %s",
                    s->name, point->number, s->key[along]);
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
        KAD_CALL(value_of(ctx, s, along, other, &value));
        *lo = fmin(*lo, value);
        *hi = fmax(*hi, value);
    }
    return KAD_OK;
}

/* "maps/shape=8x8_seed=1": the other keys; "maps/all" without any. */
static kad_status folder_of(kad_scope *in, const kad_sweep *s,
                            const kad_sweep_point *others, const char **folder)
{
    const char *name;
    KAD_CALL(kad_sweep_group_name(in, s, others, &name));
    return kad_take_printf(in, folder, "%s/maps/%s", s->folder, name);
}

kad_status kad_sweep_family(kad_scope *in, kad_app *app, const kad_sweep *s,
                            const kad_sweep_point *point, kad_sweep_point *others, int *n,
                            const char ***more)
{
    char first[KAD_NUMBER_CHARS], last[KAD_NUMBER_CHARS], middle[KAD_NUMBER_CHARS];
    double lo, hi;
    int along;
    KAD_CALL(find_along(&app->ctx, s, &along));
    KAD_CALL(kad_sweep_without(in, s, point, 1, &along, others));
    KAD_CALL(range_of(&app->ctx, s, along, others, &lo, &hi));
    *n = 4;
    KAD_CALL(kad_take(in, 4, more));
    KAD_CALL(kad_take_printf(in, &(*more)[0], "family.along=%s", s->key[along]));
    KAD_CALL(kad_take_printf(in, &(*more)[1], "family.range=[%s, %s]",
                             kad_format_real(first, lo), kad_format_real(last, hi)));
    (*more)[2] = "sample=[]";
    return kad_take_printf(in, &(*more)[3], "%s=%s", s->key[along],
                           kad_format_real(middle, 0.5 * (lo + hi)));
}

static kad_status train_family(kad_scope *in, kad_app *app, const kad_sweep *s,
                               const kad_sweep_point *point, const char *folder)
{
    kad_sweep_point others;
    const char **more;
    int n;
    const double start = kad_wall_seconds();
    KAD_CALL(kad_sweep_family(in, app, s, point, &others, &n, &more));
    KAD_CALL(kad_sweep_run(app, s, &others, n, more, folder, KAD_STAGE_TRAIN, false));
    kad_say(app, "%s: a map for all values of %s, %.1f s", folder, s->options.along,
            kad_wall_seconds() - start);
    return KAD_OK;
}

static kad_status of_family(kad_scope *in, kad_app *app, const kad_sweep *s, int along,
                            const kad_sweep_point *point, kad_map_use *use)
{
    kad_sweep_point others;
    kad_run_state state;
    const char *folder;
    KAD_CALL(kad_sweep_without(in, s, point, 1, &along, &others));
    KAD_CALL(folder_of(in, s, &others, &folder));
    KAD_CALL(kad_run_state_read(&app->ctx, folder, &state));
    if (state.stand == KAD_RUN_RUNNING) {
        use->waits = true;
        return kad_fail(&app->ctx, KAD_EINUSE,
                        "point %d waits for its map, %s, with another worker (%s)",
                        point->number, folder, state.words);
    }
    if (strcmp(state.status, "trained") != 0)
        KAD_CALL(train_family(in, app, s, point, folder));
    use->n = 2;
    use->more[1] = "train.steps=0";
    return kad_take_printf(in, &use->more[0], "train.from=%s", folder);
}

/* --- chains -------------------------------------------------------------------------- */

kad_status kad_sweep_before(kad_ctx *ctx, const kad_sweep *s,
                            const kad_sweep_point *point, const kad_sweep_point **before)
{
    int along;
    double own, other, nearest = INFINITY;
    *before = NULL;
    KAD_CALL(find_along(ctx, s, &along));
    KAD_CALL(value_of(ctx, s, along, point, &own));
    for (int i = 0; i < point->number - 1; i++) {
        const kad_sweep_point *p = &s->point[i];
        if (!p->wanted || !kad_sweep_same_values(s, along, p->value, point->value))
            continue;
        KAD_CALL(value_of(ctx, s, along, p, &other));
        if (fabs(other - own) >= nearest) continue;
        nearest = fabs(other - own);
        *before = p;
    }
    return KAD_OK;
}

typedef struct training {
    double steps, rate;
} training;

static void read_training(void *self, const kad_run_options *o)
{
    *(training *)self = (training){(double)o->train.steps, o->train.rate};
}

/* A map that is trained on at its first rate is lost in a few steps: those of the config times
 * sweep.chain_steps, at its rate times sweep.chain_rate. */
kad_status kad_sweep_go_on(kad_scope *in, kad_app *app, const kad_sweep *s,
                           const kad_sweep_point *point, const char *from,
                           kad_map_use *use)
{
    training own;
    char rate[KAD_NUMBER_CHARS];
    KAD_CALL(kad_sweep_options_of(app, s, point, 0, NULL, read_training, &own));
    const double steps = ceil(s->options.chain_steps * own.steps),
                 now = s->options.chain_rate * own.rate;
    use->n = 3;
    KAD_CALL(kad_take_printf(in, &use->more[0], "train.from=%s", from));
    KAD_CALL(kad_take_printf(in, &use->more[1], "train.steps=%.0f", steps));
    return kad_take_printf(in, &use->more[2], "train.rate=%s",
                           kad_format_real(rate, now));
}

static kad_status of_chain(kad_scope *in, kad_app *app, const kad_sweep *s,
                           const kad_sweep_point *point, kad_map_use *use)
{
    const kad_sweep_point *before;
    kad_run_state state;
    const char *path;
    KAD_CALL(kad_sweep_before(&app->ctx, s, point, &before));
    if (before == NULL) return KAD_OK;
    KAD_CALL(kad_sweep_path(in, s, before, &path));
    KAD_CALL(kad_run_state_read(&app->ctx, path, &state));
    if (state.stand == KAD_RUN_COMPLETE)
        return kad_sweep_go_on(in, app, s, point, path, use);
    use->waits = true;
    return kad_fail(&app->ctx, KAD_EINUSE, "point %d waits for the map of point %d (%s)",
                    point->number, before->number, kad_run_stand_name(state.stand));
}

kad_status kad_sweep_map(kad_scope *in, kad_app *app, const kad_sweep *s,
                         const kad_sweep_point *point, kad_map_use *use)
{
    int along = -1;
    *use = (kad_map_use){0};
    if (strcmp(s->options.map, "point") == 0) return KAD_OK;
    if (strcmp(s->options.map, "chain") == 0) return of_chain(in, app, s, point, use);
    KAD_CALL(find_along(&app->ctx, s, &along));
    return of_family(in, app, s, along, point, use);
}
