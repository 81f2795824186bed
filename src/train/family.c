#include "train/family.h"

#include "base/memory.h"
#include "io/number.h"
#include "io/writer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const kad_key kad_family_keys[] = {
    {"family.along", KAD_STRING_OF(kad_family_options, along), NULL, 1, 0, "", NULL,
     "coupling of the action that one map is trained for a whole range of: temperature, "
     "beta, kappa, m2, lambda, ...; or two: [kappa, lambda]"},
    {"family.range", KAD_REALS_OF(kad_family_options, range), NULL, -1e9, 1e9, "", NULL,
     "its first and last value; of two couplings [[first, last], [first, last]]"},
    {"family.order", KAD_INT_OF(kad_family_options, order), "2", 1, KAD_FAMILY_ORDER, "",
     NULL, "parameters of the map are polynomials of it with so many coefficients"},
    {"family.scale", KAD_ENUM_OF(kad_family_options, scale, KAD_FAMILY_LINEAR), "linear",
     1, 0, "", "linear|inverse", "polynomials of the coupling or of its inverse"},
    {"family.strata", KAD_INT_OF(kad_family_options, strata), "4", 1, KAD_FAMILY_STRATA,
     "", NULL, "values of it a step, each with its share of train.batch"},
    {"family.values", KAD_REALS_OF(kad_family_options, values), "[25]", -1e9, 1e9, "",
     NULL,
     "values at which ln Z and the means are found by the map's draws: a list (of pairs "
     "for "
     "two couplings), or how many, evenly spaced"},
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

/* The i-th name of "kappa, lambda", without "action."; false past the last. */
static bool name_at(const char *along, int i, char name[32])
{
    for (; along != NULL && *along != '\0'; i--) {
        size_t n = strcspn(along, ",");
        const char *next = along + n + (along[n] == ',');
        n = strcspn(along, ", ");
        if (strncmp(along, "action.", 7) == 0) {
            along += 7;
            n -= 7;
        }
        if (i == 0) return snprintf(name, 32, "%.*s", (int)n, along) < 32 && n > 0;
        along = next + strspn(next, " ");
    }
    return false;
}

static int count_names(const char *along)
{
    char name[32];
    int n = 0;
    while (n <= KAD_FAMILY_COUPLINGS && name_at(along, n, name))
        n++;
    return n;
}

bool kad_family_middle(const kad_family_options *o, int i, char along[32], double *middle)
{
    const size_t at = 2 * (size_t)i;
    if (at + 2 > o->range.n || !name_at(o->along, i, along)) return false;
    *middle = 0.5 * (o->range.value[at] + o->range.value[at + 1]);
    return true;
}

bool kad_family_is(const kad_family *f)
{
    return f->n > 0;
}

int kad_family_terms(const kad_family *f)
{
    return f->n == 2 ? f->order * (f->order + 1) / 2 : f->order;
}

/* --- couplings and tau ---------------------------------------------------------------- */

/* What tau is linear in. */
static double scaled(const kad_family *f, double value)
{
    return f->scale == KAD_FAMILY_INVERSE ? 1 / value : value;
}

kad_family_point kad_family_tau(const kad_family *f, kad_family_point value)
{
    kad_family_point tau = {{0}};
    for (int i = 0; i < f->n; i++) {
        const kad_family_axis *axis = &f->axis[i];
        const double a = scaled(f, axis->lo), b = scaled(f, axis->hi);
        if (axis->hi > axis->lo)
            tau.at[i] = 2 * (scaled(f, value.at[i]) - a) / (b - a) - 1;
    }
    return tau;
}

kad_family_point kad_family_value(const kad_family *f, kad_family_point tau)
{
    kad_family_point value = {{0}};
    for (int i = 0; i < f->n; i++) {
        const kad_family_axis *axis = &f->axis[i];
        const double a = scaled(f, axis->lo), b = scaled(f, axis->hi);
        value.at[i] = axis->hi > axis->lo ? scaled(f, a + 0.5 * (tau.at[i] + 1) * (b - a))
                                          : axis->lo;
    }
    return value;
}

kad_family_point kad_family_of(const kad_family *f, const kad_action *action)
{
    kad_family_point value = {{0}};
    for (int i = 0; i < f->n; i++)
        value.at[i] =
            action != NULL ? kad_action_get(action, f->axis[i].along) : (double)NAN;
    return value;
}

kad_status kad_family_set(kad_ctx *ctx, const kad_family *f, kad_action *action,
                          kad_family_point value)
{
    for (int i = 0; i < f->n; i++)
        KAD_CALL(kad_action_set(ctx, action, f->axis[i].along, value.at[i]));
    return KAD_OK;
}

kad_status kad_family_choose(kad_ctx *ctx, const kad_family *f, const char *name,
                             double value, kad_family_point *at)
{
    const char *own = strncmp(name, "action.", 7) == 0 ? name + 7 : name;
    for (int i = 0; i < f->n; i++)
        if (strcmp(f->axis[i].along, own) == 0) {
            at->at[i] = value;
            return KAD_OK;
        }
    return kad_fail(ctx, KAD_EUSAGE,
                    "%s: of this family of maps action.%s%s%s can be chosen", name,
                    f->axis[0].along, f->n > 1 ? " and action." : "",
                    f->n > 1 ? f->axis[1].along : "");
}

char *kad_family_label(const kad_family *f, kad_family_point value, size_t size,
                       char *out)
{
    char number[KAD_NUMBER_CHARS];
    size_t n = 0;
    *out = '\0';
    for (int i = 0; i < f->n && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, "%s%s=%s", i > 0 ? "_" : "",
                              f->axis[i].along, kad_format_real(number, value.at[i]));
    return out;
}

/* --- the options ---------------------------------------------------------------------- */

static size_t n_couplings(const kad_family_options *o)
{
    return o->range.n > 2 ? 2 : 1;
}

/* Values along either side of the square; 0: they are a list. */
static size_t side(const kad_family_options *o)
{
    const size_t n = kad_reals_count(&o->values, KAD_FAMILY_VALUES);
    return n_couplings(o) == 2 ? (size_t)sqrt((double)n + 0.5) : n;
}

static size_t length_of(const kad_family_options *o, const kad_reals *list)
{
    return (list->n < KAD_SEQUENCE_MAX ? list->n : KAD_SEQUENCE_MAX) / n_couplings(o);
}

static kad_family_point item_of(const kad_family_options *o, const kad_reals *list,
                                size_t i)
{
    const double *value = &list->value[i * n_couplings(o)];
    return (kad_family_point){{value[0], n_couplings(o) == 2 ? value[1] : 0}};
}

size_t kad_family_n_values(const kad_family_options *o)
{
    const size_t n = side(o);
    if (n == 0) return length_of(o, &o->values);
    return n_couplings(o) == 2 ? n * n : n;
}

static double along_side(const kad_family_options *o, size_t axis, size_t i)
{
    const double lo = o->range.value[2 * axis], hi = o->range.value[2 * axis + 1];
    return side(o) > 1 ? lo + (hi - lo) * (double)i / (double)(side(o) - 1) : lo;
}

kad_family_point kad_family_value_at(const kad_family_options *o, size_t i)
{
    if (side(o) == 0) return item_of(o, &o->values, i);
    if (n_couplings(o) == 1) return (kad_family_point){{along_side(o, 0, i), 0}};
    return (kad_family_point){
        {along_side(o, 0, i / side(o)), along_side(o, 1, i % side(o))}};
}

size_t kad_family_n_sample_at(const kad_family_options *o)
{
    return length_of(o, &o->sample_at);
}

kad_family_point kad_family_sample_at(const kad_family_options *o, size_t i)
{
    return item_of(o, &o->sample_at, i);
}

/* The ends, of two couplings the corners, are tried. */
static kad_status try_range(kad_ctx *ctx, kad_action *action, const kad_family *f)
{
    const kad_family_point own = kad_family_of(f, action);
    for (int i = 0; i < f->n; i++)
        if (isnan(own.at[i]))
            return kad_fail(ctx, KAD_ECONFIG,
                            "family.along: action %s has no parameter \"%s\"",
                            action->ops->name, f->axis[i].along);
    for (int corner = 0; corner < 1 << f->n; corner++) {
        kad_family_point value = {{0}};
        for (int i = 0; i < f->n; i++)
            value.at[i] = corner >> i & 1 ? f->axis[i].hi : f->axis[i].lo;
        KAD_CALL(kad_family_set(ctx, f, action, value));
    }
    return kad_family_set(ctx, f, action, own);
}

/* Everything that is asked for lies inside. */
static kad_status require_values(kad_ctx *ctx, const kad_family_options *o,
                                 const kad_family *f)
{
    const bool pairs = (side(o) > 0 || o->values.n % (size_t)f->n == 0) &&
                       o->sample_at.n % (size_t)f->n == 0;
    if (!pairs)
        return kad_fail(ctx, KAD_ECONFIG,
                        "family.values, family.sample_at: expected pairs, of %s and %s",
                        f->axis[0].along, f->axis[1].along);
    for (size_t i = 0; i < kad_family_n_values(o); i++)
        KAD_CALL(kad_family_require(ctx, f, kad_family_value_at(o, i)));
    for (size_t i = 0; i < kad_family_n_sample_at(o); i++)
        KAD_CALL(kad_family_require(ctx, f, kad_family_sample_at(o, i)));
    return KAD_OK;
}

static kad_status make_axis(kad_ctx *ctx, const kad_family_options *o, int i,
                            kad_family *f)
{
    kad_family_axis *axis = &f->axis[i];
    const double *range = &o->range.value[2 * i];
    if (!name_at(o->along, i, axis->along))
        return kad_fail(ctx, KAD_ECONFIG, "family.along: no parameter \"%s\"", o->along);
    if (!(range[0] <= range[1]) || (o->order > 1 && !(range[0] < range[1])))
        return kad_fail(ctx, KAD_ECONFIG,
                        "family.range: expected [first, last] with first below last");
    axis->lo = range[0];
    axis->hi = range[1];
    if (f->scale == KAD_FAMILY_INVERSE && !(axis->lo > 0))
        return kad_fail(ctx, KAD_ECONFIG,
                        "family.scale: inverse, but family.range begins at %g", axis->lo);
    return KAD_OK;
}

kad_status kad_family_create(kad_ctx *ctx, const kad_family_options *o,
                             kad_action *action, kad_family *out)
{
    *out = (kad_family){.order = 1, .strata = 1};
    if (o->along == NULL) return KAD_OK;
    const int n = count_names(o->along);
    if (action == NULL)
        return kad_fail(ctx, KAD_ECONFIG, "family.along: needs an action");
    if (n < 1 || n > KAD_FAMILY_COUPLINGS)
        return kad_fail(ctx, KAD_ECONFIG,
                        "family.along: expected one coupling or two, got \"%s\"",
                        o->along);
    if (o->range.n != 2 * (size_t)n)
        return kad_fail(ctx, KAD_ECONFIG,
                        "family.range: expected [first, last] for each coupling of "
                        "family.along, \"%s\"",
                        o->along);
    out->order = o->order;
    out->strata = o->strata;
    out->scale = (kad_family_scale)o->scale;
    for (int i = 0; i < n; i++)
        KAD_CALL(make_axis(ctx, o, i, out));
    out->n = n;
    if (n == 2 && strcmp(out->axis[0].along, out->axis[1].along) == 0)
        return kad_fail(ctx, KAD_ECONFIG, "family.along: %s twice", out->axis[0].along);
    KAD_CALL(require_values(ctx, o, out));
    return try_range(ctx, action, out);
}

/* --- parameters ----------------------------------------------------------------------- */

static void chebyshev(int order, double tau, double T[KAD_FAMILY_ORDER])
{
    T[0] = 1;
    T[1] = tau;
    for (int k = 2; k < order; k++)
        T[k] = 2 * tau * T[k - 1] - T[k - 2];
}

/* One number for every set of parameters. */
enum { TERMS = KAD_FAMILY_ORDER * (KAD_FAMILY_ORDER + 1) / 2 };
static void basis(const kad_family *f, kad_family_point tau, double T[TERMS])
{
    double first[KAD_FAMILY_ORDER], second[KAD_FAMILY_ORDER];
    int n = 0;
    chebyshev(f->order, tau.at[0], f->n == 2 ? first : T);
    if (f->n != 2) return;
    chebyshev(f->order, tau.at[1], second);
    for (int degree = 0; degree < f->order; degree++)
        for (int k = 0; k <= degree; k++)
            T[n++] = first[degree - k] * second[k];
}

void kad_family_contract(const kad_family *f, size_t n, const double *all,
                         kad_family_point value, double *theta)
{
    double T[TERMS];
    basis(f, kad_family_tau(f, value), T);
    memcpy(theta, all, n * sizeof *theta);
    for (int k = 1; k < kad_family_terms(f); k++)
        for (size_t i = 0; i < n; i++)
            theta[i] += T[k] * all[(size_t)k * n + i];
}

void kad_family_add(const kad_family *f, size_t n, kad_family_point tau, double weight,
                    const double *g, double *all)
{
    double T[TERMS];
    for (int i = 0; i < f->n; i++)
        if (!(f->axis[i].hi > f->axis[i].lo)) tau.at[i] = 0;
    basis(f, tau, T);
    for (int k = 0; k < kad_family_terms(f); k++)
        for (size_t i = 0; i < n; i++)
            all[(size_t)k * n + i] += weight * T[k] * g[i];
}

/* --- in a file ------------------------------------------------------------------------ */

/* Attributes of the second coupling end in _2. */
static const char *const suffix[KAD_FAMILY_COUPLINGS] = {"", "_2"};

static const char *with_suffix(const char *name, int i, char out[32])
{
    snprintf(out, 32, "%s%s", name, suffix[i]);
    return out;
}

void kad_family_write(kad_writer *w, const kad_family *f)
{
    char name[32];
    if (!kad_family_is(f)) return;
    for (int i = 0; i < f->n; i++) {
        kad_write_text(w, with_suffix("family_along", i, name), f->axis[i].along);
        kad_write_real(w, with_suffix("family_lo", i, name), f->axis[i].lo);
        kad_write_real(w, with_suffix("family_hi", i, name), f->axis[i].hi);
    }
    kad_write_text(w, "family_basis", "Chebyshev");
    kad_write_text(w, "family_scale",
                   f->scale == KAD_FAMILY_INVERSE ? "inverse" : "linear");
    kad_write_int(w, "family_order", f->order);
    kad_write_int(w, "family_strata", f->strata);
}

static kad_status read_axis(kad_ctx *ctx, kad_h5 *file, const char *group, int i,
                            kad_family *out)
{
    KAD_SCOPE(scope, ctx);
    kad_family_axis *axis = &out->axis[i];
    char *along, name[32];
    with_suffix("family_along", i, name);
    if (!kad_h5_attr_exists(file, group, name)) return KAD_OK;
    KAD_CALL(kad_h5_attr_string(&scope, file, group, name, &along));
    KAD_CALL(
        kad_h5_attr_real(ctx, file, group, with_suffix("family_lo", i, name), &axis->lo));
    KAD_CALL(
        kad_h5_attr_real(ctx, file, group, with_suffix("family_hi", i, name), &axis->hi));
    if (!(axis->lo <= axis->hi) || *along == '\0' ||
        strlen(along) >= sizeof axis->along ||
        (out->scale == KAD_FAMILY_INVERSE && !(axis->lo > 0)))
        return kad_fail(ctx, KAD_EDATA, "%s: no family of maps is like this", group);
    snprintf(axis->along, sizeof axis->along, "%s", along);
    out->n = i + 1;
    return KAD_OK;
}

kad_status kad_family_read(kad_ctx *ctx, kad_h5 *file, const char *group, kad_family *out)
{
    KAD_SCOPE(scope, ctx);
    char *scale;
    int64_t order, strata;
    *out = (kad_family){.order = 1, .strata = 1};
    if (!kad_h5_attr_exists(file, group, "family_along")) return KAD_OK;
    KAD_CALL(kad_h5_attr_string(&scope, file, group, "family_scale", &scale));
    KAD_CALL(kad_h5_attr_int(ctx, file, group, "family_order", &order));
    KAD_CALL(kad_h5_attr_int(ctx, file, group, "family_strata", &strata));
    if (order < 1 || order > KAD_FAMILY_ORDER || strata < 1 || strata > KAD_FAMILY_STRATA)
        return kad_fail(ctx, KAD_EDATA, "%s: no family of maps is like this", group);
    out->order = (int)order;
    out->strata = (int)strata;
    out->scale = strcmp(scale, "inverse") == 0 ? KAD_FAMILY_INVERSE : KAD_FAMILY_LINEAR;
    for (int i = 0; i < KAD_FAMILY_COUPLINGS; i++)
        KAD_CALL(read_axis(ctx, file, group, i, out));
    return KAD_OK;
}

kad_status kad_family_require(kad_ctx *ctx, const kad_family *f, kad_family_point value)
{
    for (int i = 0; i < f->n; i++) {
        const kad_family_axis *axis = &f->axis[i];
        const double slack = 1e-12 * (fabs(axis->lo) + fabs(axis->hi)), v = value.at[i];
        if (!(v >= axis->lo - slack && v <= axis->hi + slack))
            return kad_fail(
                ctx, KAD_ECONFIG,
                "action.%s: %g, but the family of maps is trained from %g to %g",
                axis->along, v, axis->lo, axis->hi);
    }
    return KAD_OK;
}

bool kad_family_same(const kad_family *a, const kad_family *b)
{
    bool same = a->n == b->n && a->scale == b->scale;
    for (int i = 0; i < a->n && same; i++)
        same = strcmp(a->axis[i].along, b->axis[i].along) == 0 &&
               a->axis[i].lo == b->axis[i].lo && a->axis[i].hi == b->axis[i].hi;
    return same;
}
