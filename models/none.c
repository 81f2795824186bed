#include "models/none.h"

#include "base/memory.h"

#include <math.h>
#include <string.h>

/* S of as many lanes as a tile has in a precision. */
static void value_single(const kad_action *action, const void *y, double *S,
                         void *scratch)
{
    (void)action, (void)y, (void)scratch;
    memset(S, 0, KAD_W_SINGLE * sizeof *S);
}

static void value_double(const kad_action *action, const void *y, double *S,
                         void *scratch)
{
    (void)action, (void)y, (void)scratch;
    memset(S, 0, KAD_W_DOUBLE * sizeof *S);
}

static size_t rows_of(const kad_action *action)
{
    return (size_t)action->lattice->n_sites * (size_t)action->n_comp;
}

static void gradient_single(const kad_action *action, const void *y, void *g, double *S,
                            void *scratch)
{
    memset(g, 0, rows_of(action) * KAD_ROW_BYTES);
    value_single(action, y, S, scratch);
}

static void gradient_double(const kad_action *action, const void *y, void *g, double *S,
                            void *scratch)
{
    memset(g, 0, rows_of(action) * KAD_ROW_BYTES);
    value_double(action, y, S, scratch);
}

static double get(const kad_action *action, const char *key)
{
    (void)action, (void)key;
    return (double)NAN;
}

static kad_status set(kad_ctx *ctx, kad_action *action, const char *key, double to)
{
    (void)to;
    return kad_fail(ctx, KAD_ECONFIG, "action.%s: not a parameter of action %s", key,
                    action->ops->name);
}

static void destroy(kad_action *action)
{
    kad_free(action);
}

static const kad_action_kern single = {.value = value_single,
                                       .gradient = gradient_single},
                             twice = {.value = value_double, .gradient = gradient_double};

static const kad_action_ops ops = {
    .name = "none",
    .summary = "none is known",
    .reference = "",
    .set = set,
    .get = get,
    .destroy = destroy,
    .kern = {[KAD_SINGLE] = &single, [KAD_DOUBLE] = &twice},
};

kad_status kad_action_none(kad_ctx *ctx, const kad_lattice *lattice, int n_comp,
                           unsigned flags, kad_action **out)
{
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof **out, out));
    **out = (kad_action){.ops = &ops,
                         .lattice = lattice,
                         .n_comp = n_comp,
                         .flags = flags,
                         .n_active = lattice->n_sites,
                         .log_z_exact = NAN};
    return KAD_OK;
}
