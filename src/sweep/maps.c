/* Whose map a point uses. Points that differ in the coupling sweep.along (of a family: or two)
 * alone form a group.
 *
 *   family   a group shares one map, a family over its values, trained in maps/ by the first
 *            worker that needs it, under the lock of its folder; a point takes its map from
 *            there and trains none. A map of another config is refused, as a point is
 *   chain    the first point of a group trains its own map; every other starts from that of the
 *            nearest one among those with lower numbers, for fewer steps at a lower rate. Who
 *            comes before whom follows from the points alone, so that any number of workers
 *            gives the same bytes, and values added later change nothing. */
#include "base/signals.h"
#include "io/number.h"
#include "run/pipeline.h"
#include "run/run_state.h"
#include "sweep/points.h"
#include "train/family.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The couplings: their indices among the sweep's keys. */
typedef struct couplings {
    size_t n;
    int key[KAD_FAMILY_COUPLINGS];
} couplings;

bool kad_sweep_shares_maps(const kad_sweep *s)
{
    return s->options.map != NULL && strcmp(s->options.map, "family") == 0;
}

static kad_status find_key(kad_ctx *ctx, const kad_sweep *s, const char *name, size_t n,
                           int *key)
{
    char text[128];
    snprintf(text, sizeof text, "%.*s", (int)n, name);
    *key = kad_sweep_find_key(s, text);
    if (*key >= 0) return KAD_OK;
    return kad_fail(ctx, KAD_ECONFIG, "%s: sweep.along: %s is no key of the sweep",
                    s->name, text);
}

/* KAD_ECONFIG where one is no key of the sweep. */
static kad_status find_along(kad_ctx *ctx, const kad_sweep *s, couplings *along)
{
    const size_t most = kad_sweep_shares_maps(s) ? KAD_FAMILY_COUPLINGS : 1;
    const char *at = s->options.along != NULL ? s->options.along : "";
    *along = (couplings){0};
    for (at += strspn(at, ", "); *at != 0; at += strspn(at, ", ")) {
        const size_t n = strcspn(at, ", ");
        if (along->n == most)
            return kad_fail(ctx, KAD_ECONFIG,
                            "%s: sweep.along: %s, but a %s goes along %s", s->name,
                            s->options.along, s->options.map,
                            most > 1 ? "two couplings at most" : "one coupling");
        KAD_CALL(find_key(ctx, s, at, n, &along->key[along->n++]));
        at += n;
    }
    if (along->n > 0) return KAD_OK;
    return kad_fail(ctx, KAD_ECONFIG,
                    "%s: sweep.along: sweep.map %s needs the coupling that varies, e.g. "
                    "action.temperature",
                    s->name, s->options.map);
}

/* All keys but the couplings have the same values. */
static bool is_of_group(const kad_sweep *s, const couplings *along,
                        const kad_sweep_point *a, const kad_sweep_point *b)
{
    const char *x[KAD_SWEEP_MAX_KEYS], *y[KAD_SWEEP_MAX_KEYS];
    memcpy(x, a->value, (size_t)s->n_keys * sizeof *x);
    memcpy(y, b->value, (size_t)s->n_keys * sizeof *y);
    for (size_t i = 0; i < along->n; i++)
        x[along->key[i]] = y[along->key[i]] = NULL;
    return kad_sweep_same_values(s, -1, x, y);
}

static kad_status value_of(kad_ctx *ctx, const kad_sweep *s, int along,
                           const kad_sweep_point *point, double *value)
{
    if (point->value[along] != NULL && kad_parse_real(point->value[along], value))
        return KAD_OK;
    return kad_fail(ctx, KAD_ECONFIG, "%s: sweep.along: point %d has no number %s",
                    s->name, point->number, s->key[along]);
}

/* Of a coupling, over all points that share the map. */
static kad_status range_of(kad_ctx *ctx, const kad_sweep *s, const couplings *along,
                           size_t which, const kad_sweep_point *point, double range[2])
{
    range[0] = INFINITY;
    range[1] = -INFINITY;
    for (int i = 0; i < s->n_points; i++) {
        const kad_sweep_point *other = &s->point[i];
        double value;
        if (!other->wanted || !is_of_group(s, along, point, other)) continue;
        KAD_CALL(value_of(ctx, s, along->key[which], other, &value));
        range[0] = fmin(range[0], value);
        range[1] = fmax(range[1], value);
    }
    return KAD_OK;
}

kad_status kad_sweep_leads(kad_ctx *ctx, const kad_sweep *s, const kad_sweep_point *point,
                           bool *leads)
{
    couplings along;
    *leads = true;
    KAD_CALL(find_along(ctx, s, &along));
    for (int i = 0; i < point->number - 1 && *leads; i++)
        *leads = !s->point[i].wanted || !is_of_group(s, &along, point, &s->point[i]);
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

/* What makes a family over these ranges of the run of what its points have in common: the
 * action's own couplings are at their middles. */
static kad_status make_family(kad_scope *in, const kad_sweep *s, const couplings *along,
                              double (*range)[2], int *n, const char ***more)
{
    char first[KAD_NUMBER_CHARS], last[KAD_NUMBER_CHARS], middle[KAD_NUMBER_CHARS];
    const char *names = "", *ranges = "";
    *n = 3;
    KAD_CALL(kad_take(in, 3 + along->n, more));
    for (size_t i = 0; i < along->n; i++) {
        const char *key = s->key[along->key[i]], *between = i > 0 ? ", " : "";
        KAD_CALL(kad_take_printf(in, &names, "%s%s%s", names, between, key));
        KAD_CALL(kad_take_printf(in, &ranges, "%s%s%s, %s", ranges, between,
                                 kad_format_real(first, range[i][0]),
                                 kad_format_real(last, range[i][1])));
        KAD_CALL(
            kad_take_printf(in, &(*more)[(*n)++], "%s=%s", key,
                            kad_format_real(middle, 0.5 * (range[i][0] + range[i][1]))));
    }
    KAD_CALL(kad_take_printf(in, &(*more)[0], "family.along=[%s]", names));
    KAD_CALL(kad_take_printf(in, &(*more)[1], "family.range=[%s]", ranges));
    (*more)[2] = "sample=[]";
    return KAD_OK;
}

kad_status kad_sweep_family(kad_scope *in, kad_app *app, const kad_sweep *s,
                            const kad_sweep_point *point, kad_sweep_point *others, int *n,
                            const char ***more)
{
    double range[KAD_FAMILY_COUPLINGS][2];
    couplings along;
    KAD_CALL(find_along(&app->ctx, s, &along));
    KAD_CALL(kad_sweep_without(in, s, point, along.n, along.key, others));
    for (size_t i = 0; i < along.n; i++)
        KAD_CALL(range_of(&app->ctx, s, &along, i, others, range[i]));
    return make_family(in, s, &along, range, n, more);
}

/* The ranges over which a map was trained; those of the points where it has no such. */
static kad_status read_ranges(kad_ctx *ctx, const char *folder, size_t n,
                              double (*range)[2])
{
    KAD_LOCAL(kad_run, run);
    KAD_LOCAL(kad_h5, file);
    kad_family family;
    KAD_CALL(kad_run_open(ctx, folder, KAD_RUN_READ, &run));
    KAD_CALL(kad_results_open(ctx, run, &file));
    KAD_CALL(kad_family_read(ctx, file, "/flow", &family));
    for (size_t i = 0; i < n && family.n == (int)n; i++) {
        range[i][0] = family.axis[i].lo;
        range[i][1] = family.axis[i].hi;
    }
    return KAD_OK;
}

/* A map that is there is of this config. Its range is what it was when it was trained: a point
 * outside of it is refused by its own run. */
static kad_status check_map(kad_scope *in, kad_app *app, const kad_sweep *s,
                            const kad_sweep_point *others, const char *trained_by,
                            const char *folder)
{
    double range[KAD_FAMILY_COUPLINGS][2];
    char word[KAD_WORD_CHARS];
    couplings along;
    const char **more;
    int n;
    KAD_CALL(kad_sweep_word(app, s, others, word));
    if (strcmp(word, trained_by) == 0) return KAD_OK;
    KAD_CALL(find_along(&app->ctx, s, &along));
    for (size_t i = 0; i < along.n; i++)
        KAD_CALL(range_of(&app->ctx, s, &along, i, others, range[i]));
    KAD_CALL(read_ranges(&app->ctx, folder, along.n, range));
    KAD_CALL(make_family(in, s, &along, range, &n, &more));
    return kad_sweep_agree(app, s, others, n, more, folder);
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

static kad_status of_family(kad_scope *in, kad_app *app, const kad_sweep *s,
                            const kad_sweep_point *point, kad_map_use *use)
{
    kad_sweep_point others;
    kad_run_state state;
    couplings along;
    const char *folder;
    KAD_CALL(find_along(&app->ctx, s, &along));
    KAD_CALL(kad_sweep_without(in, s, point, along.n, along.key, &others));
    KAD_CALL(folder_of(in, s, &others, &folder));
    KAD_CALL(kad_run_state_read(&app->ctx, folder, &state));
    if (state.stand == KAD_RUN_RUNNING) {
        use->waits = true;
        return kad_fail(&app->ctx, KAD_EINUSE,
                        "point %d waits for its map, %s, with another worker (%s)",
                        point->number, folder, state.words);
    }
    if (strcmp(state.status, "trained") == 0)
        KAD_CALL(check_map(in, app, s, &others, state.config, folder));
    else
        KAD_CALL(train_family(in, app, s, point, folder));
    use->n = 2;
    use->more[1] = "train.steps=0";
    return kad_take_printf(in, &use->more[0], "train.from=%s", folder);
}

/* --- chains -------------------------------------------------------------------------- */

kad_status kad_sweep_before(kad_ctx *ctx, const kad_sweep *s,
                            const kad_sweep_point *point, const kad_sweep_point **before)
{
    couplings along;
    double own, other, nearest = INFINITY;
    *before = NULL;
    KAD_CALL(find_along(ctx, s, &along));
    KAD_CALL(value_of(ctx, s, along.key[0], point, &own));
    for (int i = 0; i < point->number - 1; i++) {
        const kad_sweep_point *p = &s->point[i];
        if (!p->wanted || !is_of_group(s, &along, p, point)) continue;
        KAD_CALL(value_of(ctx, s, along.key[0], p, &other));
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
    *use = (kad_map_use){0};
    if (kad_sweep_shares_maps(s)) return of_family(in, app, s, point, use);
    if (strcmp(s->options.map, "chain") == 0) return of_chain(in, app, s, point, use);
    return KAD_OK;
}
