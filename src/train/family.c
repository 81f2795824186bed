#include "train/family.h"

#include "base/memory.h"
#include "io/writer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const kad_key kad_family_keys[] = {
    {"family.along", KAD_STRING_OF(kad_family_options, along), NULL, 1, 0, "", NULL,
     "coupling of the action that one map is trained for a whole range of: temperature, "
     "beta, kappa, m2, lambda, ..."},
    {"family.range", KAD_REALS_OF(kad_family_options, range), NULL, -1e9, 1e9, "", NULL,
     "its first and last value"},
    {"family.order", KAD_INT_OF(kad_family_options, order), "2", 1, KAD_FAMILY_ORDER, "",
     NULL, "parameters of the map are polynomials of it with so many coefficients"},
    {"family.scale", KAD_ENUM_OF(kad_family_options, scale, KAD_FAMILY_LINEAR), "linear",
     1, 0, "", "linear|inverse", "polynomials of the coupling or of its inverse"},
    {"family.strata", KAD_INT_OF(kad_family_options, strata), "4", 1, KAD_FAMILY_STRATA,
     "", NULL, "values of it a step, each with its share of train.batch"},
    {"family.values", KAD_REALS_OF(kad_family_options, values), "[25]", -1e9, 1e9, "",
     NULL,
     "values at which ln Z and the means are found by the map's draws: a list, or how "
     "many, evenly spaced"},
    {"family.draws", KAD_INT_OF(kad_family_options, draws), "20000", 100, 1e9, "draws",
     NULL, "draws at each of them"},
    {"family.sample_at", KAD_REALS_OF(kad_family_options, sample_at), NULL, -1e9, 1e9, "",
     NULL,
     "values at which the samplers run, each in a folder of its own below the run's; "
     "none: "
     "they run at the action's own coupling"},
};
const size_t kad_family_n_keys = sizeof kad_family_keys / sizeof kad_family_keys[0];

const kad_rule kad_family_rules[] = {
    {"family.range", "family.along"},     {"family.order", "family.along"},
    {"family.scale", "family.along"},     {"family.strata", "family.along"},
    {"family.values", "family.along"},    {"family.draws", "family.along"},
    {"family.sample_at", "family.along"},
};
const size_t kad_family_n_rules = sizeof kad_family_rules / sizeof kad_family_rules[0];

double kad_family_middle(const kad_family_options *o)
{
    if (o->along == NULL || o->range.n != 2) return NAN;
    return 0.5 * (o->range.value[0] + o->range.value[1]);
}

/* Both ends are tried. */
static kad_status try_range(kad_ctx *ctx, kad_action *action, const kad_family *f)
{
    const double value = kad_action_get(action, f->along);
    kad_status status = KAD_OK;
    if (isnan(value))
        return kad_fail(ctx, KAD_ECONFIG,
                        "family.along: action %s has no parameter \"%s\"",
                        action->ops->name, f->along);
    KAD_TRY(kad_action_set(ctx, action, f->along, f->lo));
    KAD_TRY(kad_action_set(ctx, action, f->along, f->hi));
    KAD_TRY(kad_action_set(ctx, action, f->along, value));
done:
    return status;
}

/* Everything that is asked for lies inside. */
static kad_status require_values(kad_ctx *ctx, const kad_family_options *o,
                                 const kad_family *f)
{
    for (size_t i = 0; i < kad_family_n_values(o); i++)
        KAD_CALL(kad_family_require(ctx, f, kad_family_value_at(o, i)));
    for (size_t i = 0; i < o->sample_at.n; i++)
        KAD_CALL(kad_family_require(ctx, f, o->sample_at.value[i]));
    return KAD_OK;
}

kad_status kad_family_create(kad_ctx *ctx, const kad_family_options *o,
                             kad_action *action, kad_family *out)
{
    *out = (kad_family){.order = 1, .strata = 1};
    if (o->along == NULL) return KAD_OK;
    const char *key = strncmp(o->along, "action.", 7) == 0 ? o->along + 7 : o->along;
    if (action == NULL)
        return kad_fail(ctx, KAD_ECONFIG, "family.along: needs an action");
    if (o->range.n != 2 || !(o->range.value[0] <= o->range.value[1]) ||
        (o->order > 1 && !(o->range.value[0] < o->range.value[1])))
        return kad_fail(ctx, KAD_ECONFIG,
                        "family.range: expected [first, last] with first below last");
    if (strlen(key) >= sizeof out->along)
        return kad_fail(ctx, KAD_ECONFIG, "family.along: no parameter \"%s\"", key);
    out->lo = o->range.value[0];
    out->hi = o->range.value[1];
    out->order = o->order;
    out->strata = o->strata;
    out->scale = (kad_family_scale)o->scale;
    if (out->scale == KAD_FAMILY_INVERSE && !(out->lo > 0))
        return kad_fail(ctx, KAD_ECONFIG,
                        "family.scale: inverse, but family.range begins at %g", out->lo);
    snprintf(out->along, sizeof out->along, "%s", key);
    KAD_CALL(require_values(ctx, o, out));
    return try_range(ctx, action, out);
}

static bool is_count(const kad_family_options *o)
{
    const double n = o->values.value[0];
    return o->values.n == 1 && n == floor(n) && n >= 2 && n <= 1e4;
}

size_t kad_family_n_values(const kad_family_options *o)
{
    const size_t n = o->values.n < KAD_SEQUENCE_MAX ? o->values.n : KAD_SEQUENCE_MAX;
    return is_count(o) ? (size_t)o->values.value[0] : n;
}

double kad_family_value_at(const kad_family_options *o, size_t i)
{
    const double lo = o->range.value[0], hi = o->range.value[1];
    if (!is_count(o)) return o->values.value[i];
    return lo + (hi - lo) * (double)i / (double)(kad_family_n_values(o) - 1);
}

bool kad_family_is(const kad_family *f)
{
    return f->along[0] != '\0';
}

/* What tau is linear in. */
static double scaled(const kad_family *f, double value)
{
    return f->scale == KAD_FAMILY_INVERSE ? 1 / value : value;
}

double kad_family_tau(const kad_family *f, double value)
{
    const double a = scaled(f, f->lo), b = scaled(f, f->hi);
    return f->hi > f->lo ? 2 * (scaled(f, value) - a) / (b - a) - 1 : 0;
}

double kad_family_value(const kad_family *f, double tau)
{
    const double a = scaled(f, f->lo), b = scaled(f, f->hi);
    return f->hi > f->lo ? scaled(f, a + 0.5 * (tau + 1) * (b - a)) : f->lo;
}

static void basis(const kad_family *f, double tau, double T[KAD_FAMILY_ORDER])
{
    T[0] = 1;
    T[1] = tau;
    for (int k = 2; k < f->order; k++)
        T[k] = 2 * tau * T[k - 1] - T[k - 2];
}

void kad_family_contract(const kad_family *f, size_t n, const double *all, double value,
                         double *theta)
{
    double T[KAD_FAMILY_ORDER];
    basis(f, kad_family_tau(f, value), T);
    memcpy(theta, all, n * sizeof *theta);
    for (int k = 1; k < f->order; k++)
        for (size_t i = 0; i < n; i++)
            theta[i] += T[k] * all[(size_t)k * n + i];
}

void kad_family_add(const kad_family *f, size_t n, double tau, double weight,
                    const double *g, double *all)
{
    double T[KAD_FAMILY_ORDER];
    basis(f, tau, T);
    for (int k = 0; k < f->order; k++)
        for (size_t i = 0; i < n; i++)
            all[(size_t)k * n + i] += weight * T[k] * g[i];
}

void kad_family_write(kad_writer *w, const kad_family *f)
{
    if (!kad_family_is(f)) return;
    kad_write_text(w, "family_along", f->along);
    kad_write_text(w, "family_basis", "Chebyshev");
    kad_write_text(w, "family_scale",
                   f->scale == KAD_FAMILY_INVERSE ? "inverse" : "linear");
    kad_write_int(w, "family_order", f->order);
    kad_write_int(w, "family_strata", f->strata);
    kad_write_real(w, "family_lo", f->lo);
    kad_write_real(w, "family_hi", f->hi);
}

kad_status kad_family_read(kad_ctx *ctx, kad_h5 *file, const char *group, kad_family *out)
{
    KAD_SCOPE(scope, ctx);
    char *along, *scale;
    int64_t order, strata;
    *out = (kad_family){.order = 1, .strata = 1};
    if (!kad_h5_attr_exists(file, group, "family_along")) return KAD_OK;
    KAD_CALL(kad_h5_attr_string(&scope, file, group, "family_along", &along));
    KAD_CALL(kad_h5_attr_string(&scope, file, group, "family_scale", &scale));
    KAD_CALL(kad_h5_attr_int(ctx, file, group, "family_order", &order));
    KAD_CALL(kad_h5_attr_int(ctx, file, group, "family_strata", &strata));
    KAD_CALL(kad_h5_attr_real(ctx, file, group, "family_lo", &out->lo));
    KAD_CALL(kad_h5_attr_real(ctx, file, group, "family_hi", &out->hi));
    if (order < 1 || order > KAD_FAMILY_ORDER || strata < 1 ||
        strata > KAD_FAMILY_STRATA || !(out->lo <= out->hi) || *along == '\0' ||
        strlen(along) >= sizeof out->along)
        return kad_fail(ctx, KAD_EDATA, "%s: no family of maps is like this", group);
    out->order = (int)order;
    out->strata = (int)strata;
    out->scale = strcmp(scale, "inverse") == 0 ? KAD_FAMILY_INVERSE : KAD_FAMILY_LINEAR;
    if (out->scale == KAD_FAMILY_INVERSE && !(out->lo > 0))
        return kad_fail(ctx, KAD_EDATA, "%s: no family of maps is like this", group);
    snprintf(out->along, sizeof out->along, "%s", along);
    return KAD_OK;
}

kad_status kad_family_require(kad_ctx *ctx, const kad_family *f, double value)
{
    const double slack = 1e-12 * (fabs(f->lo) + fabs(f->hi));
    if (value >= f->lo - slack && value <= f->hi + slack) return KAD_OK;
    return kad_fail(ctx, KAD_ECONFIG,
                    "action.%s: %g, but the family of maps is trained from %g to %g",
                    f->along, value, f->lo, f->hi);
}
