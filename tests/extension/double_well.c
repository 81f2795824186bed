/* An action: independent double wells, S = sum_i a (phi_i^2 - b^2)^2. Everything about it
 * is an integral over one site. */
#include "base/memory.h"
#include "models/exact.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef struct options {
    double height, minimum;
} options;

enum { N_KEYS = 2 };
static const kad_key keys[N_KEYS] = {
    {"action.height", KAD_REAL_OF(options, height), "0.5", 1e-3, 1e3, "", NULL,
     "a of a (phi^2 - b^2)^2"},
    {"action.minimum", KAD_REAL_OF(options, minimum), "1", 0, 10, "", NULL,
     "b of a (phi^2 - b^2)^2"},
};

typedef struct wells {
    kad_action action;
    options o;
    kad_exact_value log_z, mean[3]; /* of a site: ln Z; <phi^2>, <phi^4>, <phi^6> */
} wells;

/* Integrals of phi^(2k) exp(-S), k = 0 .. 3, by the trapezoid rule, which converges faster
 * than any power for functions that decay like this one; beyond `end` S > 45. */
static void integrate(const options *o, int n, double sum[4])
{
    const double end = sqrt(o->minimum * o->minimum + sqrt(45 / o->height));
    memset(sum, 0, 4 * sizeof *sum);
    for (int i = -n; i <= n; i++) {
        const double phi = end * i / n, well = phi * phi - o->minimum * o->minimum;
        double term = exp(-o->height * well * well) * end / n;
        for (int k = 0; k < 4; k++, term *= phi * phi)
            sum[k] += term;
    }
}

static void refresh(wells *w)
{
    enum { N = 400 };
    kad_action *action = &w->action;
    double coarse[4], fine[4];
    const double rounding = N * DBL_EPSILON;
    integrate(&w->o, N / 2, coarse);
    integrate(&w->o, N, fine);
    w->log_z.value = log(fine[0]);
    w->log_z.error = fabs(coarse[0] / fine[0] - 1) + rounding;
    for (int k = 0; k < 3; k++) {
        const double mean = fine[k + 1] / fine[0];
        w->mean[k] = (kad_exact_value){mean, fabs(coarse[k + 1] / coarse[0] - mean) +
                                                 rounding * mean};
    }
    const kad_exact_log_z known = kad_exact_state(
        "quadrature", kad_exact_times(action->lattice->n_sites, w->log_z), NULL);
    kad_exact_show(&known, action);
}

static void destroy(kad_action *action)
{
    kad_free(action->self);
}

extern const kad_action_ops kad_action_double_well;
static kad_status create(kad_ctx *ctx, const kad_action_options *given,
                         const kad_lattice *lattice, bool decimate, kad_action **out)
{
    wells *w;
    (void)decimate;
    if (given->n_comp != 1)
        return kad_fail(ctx, KAD_ECONFIG, "double-well: one component, not %d",
                        given->n_comp);
    KAD_CALL(kad_new(ctx, 1, sizeof *w, &w));
    kad_keys_copy(keys, N_KEYS, given->own, sizeof w->o, &w->o);
    w->action = (kad_action){.ops = &kad_action_double_well,
                             .lattice = lattice,
                             .n_comp = 1,
                             .flags = KAD_ACTION_SYMMETRIC | KAD_ACTION_TRANSLATION,
                             .n_active = lattice->n_sites,
                             .self = w};
    refresh(w);
    *out = &w->action;
    return KAD_OK;
}

static double *member(wells *w, const char *key)
{
    return strcmp(key, "height") == 0    ? &w->o.height
           : strcmp(key, "minimum") == 0 ? &w->o.minimum
                                         : NULL;
}

static kad_status set(kad_ctx *ctx, kad_action *action, const char *key, double value)
{
    wells *w = action->self;
    (void)ctx;
    *member(w, key) = value;
    refresh(w);
    return KAD_OK;
}

static double get(const kad_action *action, const char *key)
{
    const double *value = member(action->self, key);
    return value != NULL ? *value : (double)NAN;
}

static kad_status exact(kad_ctx *ctx, const kad_action *action, kad_exact_means *out)
{
    static const char *const name[3] = {"phi2", "phi4", "phi6"};
    const wells *w = action->self;
    (void)ctx;
    for (int k = 0; k < 3; k++)
        kad_exact_add(out, name[k], w->mean[k], "quadrature");
    return KAD_OK;
}

/* The plain way: one lane after the other, in double. */
#define KERNELS(name, real, prec)                                                        \
    static void gradient_##name(const kad_action *action, const void *y, void *g,        \
                                double *S, void *scratch)                                \
    {                                                                                    \
        const wells *w = action->self;                                                   \
        const int W = kad_lanes(prec);                                                   \
        const real *phi = y;                                                             \
        real *force = g;                                                                 \
        (void)scratch;                                                                   \
        memset(S, 0, (size_t)W * sizeof *S);                                             \
        for (int i = 0; i < action->lattice->n_sites * W; i++) {                         \
            const double x = (double)phi[i], well = x * x - w->o.minimum * w->o.minimum; \
            S[i % W] += w->o.height * well * well;                                       \
            if (g != NULL) force[i] = (real)(4 * w->o.height * well * x);                \
        }                                                                                \
    }                                                                                    \
    static void value_##name(const kad_action *action, const void *y, double *S,         \
                             void *scratch)                                              \
    {                                                                                    \
        gradient_##name(action, y, NULL, S, scratch);                                    \
    }                                                                                    \
    static const kad_action_kern kern_##name = {.value = value_##name,                   \
                                                .gradient = gradient_##name};
KERNELS(f32, float, KAD_SINGLE)
KERNELS(f64, double, KAD_DOUBLE)

const kad_action_ops kad_action_double_well = {
    .name = "double-well",
    .summary = "independent double wells",
    .reference = "exact: an integral over one site",
    .keys = keys,
    .n_keys = N_KEYS,
    .options_size = sizeof(options),
    .create = create,
    .set = set,
    .get = get,
    .destroy = destroy,
    .kern = {&kern_f32, &kern_f64},
    .exact = exact,
};
