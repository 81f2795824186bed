/* What all actions share: finding, creating, and evaluating on samples stored one by one.
 */
#include "models/action.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/tile.h"
#include "io/number.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *name_of(size_t i)
{
    for (size_t k = 0; kad_actions[k]; k++)
        if (k == i) return kad_actions[k]->name;
    return NULL;
}

const kad_key kad_action_common_keys[] = {
    {"action.name", KAD_STRING_NAME_OF(kad_action_options, name, name_of), "on-dual", 1,
     0, "", NULL,
     "the lattice action (see `kadanoff list actions`); none: the map learns from data "
     "alone (section data)"},
    {"action.components", KAD_INT_OF(kad_action_options, n_comp), "1", 1, 3, "", NULL,
     "components n of the O(n) field or spin"},
};
const size_t kad_action_n_common_keys =
    sizeof kad_action_common_keys / sizeof *kad_action_common_keys;

const kad_action_ops *kad_action_find(const char *name)
{
    for (int i = 0; name && kad_actions[i]; i++)
        if (!strcmp(kad_actions[i]->name, name)) return kad_actions[i];
    return NULL;
}

bool kad_action_is_none(const kad_action_options *options)
{
    return strcmp(options->name, "none") == 0;
}

kad_status kad_action_unknown(kad_ctx *ctx, const char *name)
{
    char names[KAD_CHOICES_CHARS];
    kad_key_choices(&kad_action_common_keys[0], ", ", sizeof names, names);
    return kad_fail(ctx, KAD_ECONFIG, "action.name: expected one of %s, got \"%s\"",
                    names, name ? name : "");
}

bool kad_action_can_decimate(const kad_action_options *options,
                             const kad_lattice *lattice)
{
    const kad_action_ops *ops = kad_action_find(options->name);
    return ops && ops->can_decimate && ops->can_decimate(options, lattice);
}

kad_status kad_action_create(kad_ctx *ctx, const kad_action_options *options,
                             const kad_lattice *lattice, bool decimate, kad_action **out)
{
    *out = NULL;
    const kad_action_ops *ops = kad_action_find(options->name);
    if (!ops) return kad_action_unknown(ctx, options->name);
    if (decimate && !kad_action_can_decimate(options, lattice))
        return kad_fail(ctx, KAD_ECONFIG,
                        "action \"%s\": exact decimation needs a nearest-neighbour local "
                        "action and even extents",
                        options->name);
    return ops->create(ctx, options, lattice, decimate, out);
}

kad_status kad_action_store(kad_ctx *ctx, const kad_action *action, kad_h5 *file)
{
    return action->ops->store ? action->ops->store(ctx, action, file) : KAD_OK;
}

void kad_action_destroy(kad_action *action)
{
    if (action) action->ops->destroy(action);
}

static const char *bare_key(const char *key)
{
    return strncmp(key, "action.", 7) ? key : key + 7;
}

kad_status kad_action_beta(kad_ctx *ctx, double beta, double temperature, double *out)
{
    char text[2][KAD_NUMBER_CHARS];
    *out = isnan(beta) ? 1 / temperature : beta;
    if (isnan(beta) || isnan(temperature)) return KAD_OK;
    return kad_fail(
        ctx, KAD_ECONFIG, "action.beta: action.temperature is given too, got %s and %s",
        kad_format_real(text[0], beta), kad_format_real(text[1], temperature));
}

kad_status kad_action_set(kad_ctx *ctx, kad_action *action, const char *key, double value)
{
    if (isnan(kad_action_get(action, key)))
        return kad_fail(ctx, KAD_ECONFIG,
                        "action \"%s\" has no real parameter \"%s\" to change",
                        action->ops->name, key);
    if (!isfinite(value))
        return kad_fail(ctx, KAD_ECONFIG, "action.%s: expected a finite number, got %g",
                        bare_key(key), value);
    return action->ops->set(ctx, action, bare_key(key), value);
}

kad_status kad_action_state(kad_ctx *ctx, kad_action *action)
{
    return action->ops->state != NULL ? action->ops->state(ctx, action) : KAD_OK;
}

kad_status kad_action_set_breaking(kad_ctx *ctx, const char *key, double given,
                                   double most, double value, double *out)
{
    if (given == 0 && value != 0)
        return kad_fail(ctx, KAD_ECONFIG,
                        "action.%s: is 0 in the configuration and stays so (it breaks a "
                        "symmetry), got %g",
                        key, value);
    if (fabs(value) > most)
        return kad_fail(ctx, KAD_ECONFIG, "action.%s: expected %g to %g, got %g", key,
                        -most, most, value);
    *out = value;
    return KAD_OK;
}

double kad_action_get(const kad_action *action, const char *key)
{
    return action->ops->get(action, bare_key(key));
}

kad_status kad_action_at(kad_ctx *ctx, const kad_action *action, const char *key,
                         double value, kad_action **out)
{
    KAD_LOCAL(kad_action, copy);
    *out = NULL;
    if (!action->ops->copy)
        return kad_fail(ctx, KAD_ECONFIG,
                        "action \"%s\" cannot be had at another value of %s",
                        action->ops->name, bare_key(key));
    KAD_CALL(action->ops->copy(ctx, action, &copy));
    KAD_CALL(kad_action_set(ctx, copy, key, value));
    *out = copy;
    copy = NULL;
    return KAD_OK;
}

double kad_action_bond(const kad_action *action)
{
    double nn, phi2, phi4;
    if (action->ops->bond) return action->ops->bond(action);
    if (!action->ops->monomials) return (double)NAN;
    action->ops->monomials(action, &nn, &phi2, &phi4);
    return -nn;
}

/* to_boundary or from_boundary */
typedef void (*transform)(const kad_action *action, const void *y, void *x,
                          void *scratch);

/* n samples, of which S (values) or x (transformed by `to`) is wanted. */
typedef struct batch {
    const kad_action *action;
    transform to;
    size_t n, n_rows;
    const double *y;
    double *S, *x;
} batch;

static bool do_tile(void *self, size_t tile, void *memory)
{
    const batch *b = self;
    const kad_action_kern *kern = b->action->ops->kern[KAD_DOUBLE];
    const size_t first = tile * KAD_W_DOUBLE, left = b->n - first;
    const size_t n = left < KAD_W_DOUBLE ? left : KAD_W_DOUBLE;
    char *at = memory;
    double *y = kad_cut(&at, b->n_rows, KAD_ROW_BYTES);
    double *x = kad_cut(&at, b->n_rows, KAD_ROW_BYTES);
    kad_tile_load(KAD_DOUBLE, b->n_rows, n, b->y + first * b->n_rows, y);
    if (b->S) {
        double values[KAD_W_DOUBLE];
        kern->value(b->action, y, values, at);
        memcpy(b->S + first, values, n * sizeof *values);
    }
    if (b->x) {
        b->to(b->action, y, x, at);
        kad_tile_store(KAD_DOUBLE, b->n_rows, n, x, b->n_rows, b->x + first * b->n_rows);
    }
    return true;
}

static kad_status for_tiles(kad_ctx *ctx, const kad_action *action, transform to,
                            size_t n, const double *y, double *S, double *x)
{
    batch b = {.action = action,
               .to = to,
               .n = n,
               .n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp,
               .y = y,
               .S = S,
               .x = x};
    return kad_for_tiles(ctx, "action", (n + KAD_W_DOUBLE - 1) / KAD_W_DOUBLE,
                         2 * kad_cut_bytes(b.n_rows, KAD_ROW_BYTES) +
                             action->scratch_bytes[KAD_DOUBLE] + KAD_ALIGN,
                         do_tile, &b);
}

kad_status kad_action_values(kad_ctx *ctx, const kad_action *action, size_t n,
                             const double *y, double *S)
{
    return for_tiles(ctx, action, NULL, n, y, S, NULL);
}

static kad_status transform_all(kad_ctx *ctx, const kad_action *action, transform to,
                                size_t n, const double *y, double *x)
{
    if (to) return for_tiles(ctx, action, to, n, y, NULL, x);
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    memcpy(x, y, n * n_rows * sizeof *x);
    return KAD_OK;
}

kad_status kad_action_boundary(kad_ctx *ctx, const kad_action *action, size_t n,
                               const double *y, double *x)
{
    return transform_all(ctx, action, action->ops->kern[KAD_DOUBLE]->to_boundary, n, y,
                         x);
}

kad_status kad_action_from_boundary(kad_ctx *ctx, const kad_action *action, size_t n,
                                    const double *x, double *y)
{
    return transform_all(ctx, action, action->ops->kern[KAD_DOUBLE]->from_boundary, n, x,
                         y);
}
