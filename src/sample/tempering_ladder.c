/* Couplings of the replicas (tempering.h). */
#include "sample/tempering.h"

#include <math.h>
#include <string.h>

enum { PREFIX = sizeof "action." - 1, REPLICAS = 8 };

/* Of values that are meant to be one. */
static bool same(double a, double b)
{
    return fabs(a - b) <= 1e-12 * fmax(fabs(a), fabs(b));
}

/* Its first coupling that can be changed: "temperature", "kappa". */
static const char *first_coupling(kad_ctx *ctx, const kad_action *action)
{
    kad_parameter all[KAD_ACTION_COUPLINGS];
    const int n = kad_action_parameters(action, KAD_ACTION_COUPLINGS, all);
    char message[KAD_MESSAGE_MAX];
    memcpy(message, ctx->message, sizeof message);
    const char *found = NULL;
    for (int i = 0; i < n && found == NULL; i++) {
        kad_action *copy = NULL;
        if (kad_action_at(ctx, action, all[i].key, all[i].value, &copy) == KAD_OK)
            found = all[i].key;
        kad_action_destroy(copy);
    }
    memcpy(ctx->message, message, sizeof message);
    return found;
}

/* A list as given, in ascending order. */
static kad_status by_values(kad_ctx *ctx, int entry, const kad_reals *values, double own,
                            kad_ladder *out)
{
    out->n = (int)values->n;
    for (int i = 0; i < out->n; i++) {
        int at = i;
        for (; at > 0 && out->value[at - 1] > values->value[i]; at--)
            out->value[at] = out->value[at - 1];
        out->value[at] = values->value[i];
    }
    out->own = -1;
    for (int i = 0; i < out->n; i++) {
        if (i > 0 && same(out->value[i], out->value[i - 1]))
            return kad_fail(ctx, KAD_ECONFIG, "sample[%d].values: %g is there twice",
                            entry, out->value[i]);
        if (same(out->value[i], own)) out->own = i;
    }
    if (out->own >= 0) return KAD_OK;
    return kad_fail(ctx, KAD_ECONFIG,
                    "sample[%d].values: the run's own %s, %.17g, is not among them",
                    entry, out->along, own);
}

/* Temperatures by equal ratios, others by equal steps; the nearest one is moved to the
 * run's own. */
static kad_status by_range(kad_ctx *ctx, int entry, const kad_tempering_options *o,
                           double own, kad_ladder *out)
{
    const bool ratios = strcmp(out->along, "temperature") == 0;
    const double from = isnan(o->from) ? own : o->from;
    const double to = !isnan(o->to) ? o->to : ratios ? 2 * own : own / 2;
    if (same(from, to) || (ratios && !(from > 0 && to > 0)))
        return kad_fail(ctx, KAD_ECONFIG,
                        "sample[%d].to: expected another %s than where it begins, got %g "
                        "and %g",
                        entry, out->along, from, to);
    const double at =
        ratios ? log(own / from) / log(to / from) : (own - from) / (to - from);
    if (!(at >= -1e-12 && at <= 1 + 1e-12))
        return kad_fail(ctx, KAD_ECONFIG,
                        "sample[%d].from: the run's own %s, %.17g, is not between %g and "
                        "%g",
                        entry, out->along, own, from, to);
    out->n = o->replicas > 1 ? o->replicas : REPLICAS;
    for (int i = 0; i < out->n; i++) {
        const double share = (double)i / (out->n - 1);
        out->value[i] =
            ratios ? from * pow(to / from, share) : from + (to - from) * share;
    }
    out->own = (int)lround(at * (out->n - 1));
    return KAD_OK;
}

kad_status kad_ladder_make(kad_ctx *ctx, int entry, const kad_tempering_options *o,
                           const kad_action *action, kad_ladder *out)
{
    const bool bare = o->along == NULL || strncmp(o->along, "action.", PREFIX) != 0;
    out->along =
        o->along != NULL ? o->along + (bare ? 0 : PREFIX) : first_coupling(ctx, action);
    const double own = out->along != NULL ? kad_action_get(action, out->along) : NAN;
    if (isnan(own))
        return kad_fail(ctx, KAD_ECONFIG,
                        "sample[%d].along: action \"%s\" has no coupling %s%s%sto temper",
                        entry, action->ops->name, o->along != NULL ? "\"" : "",
                        o->along != NULL ? o->along : "", o->along != NULL ? "\" " : "");
    if (o->values.n > 0 && (!isnan(o->from) || !isnan(o->to) || o->replicas > 1))
        return kad_fail(ctx, KAD_ECONFIG, "sample[%d].%s: has no effect with values",
                        entry,
                        !isnan(o->from) ? "from"
                        : !isnan(o->to) ? "to"
                                        : "replicas");
    if (o->values.n == 1)
        return kad_fail(ctx, KAD_ECONFIG,
                        "sample[%d].values: expected at least two, got one", entry);
    if (o->values.n > KAD_TEMPERING_REPLICAS)
        return kad_fail(ctx, KAD_ECONFIG, "sample[%d].values: at most %d, got %zu", entry,
                        KAD_TEMPERING_REPLICAS, o->values.n);
    KAD_CALL(o->values.n > 0 ? by_values(ctx, entry, &o->values, own, out)
                             : by_range(ctx, entry, o, own, out));
    out->value[out->own] = own;
    return KAD_OK;
}
