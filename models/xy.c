/* O(n) spins (xy.h): creation and couplings. Kernels are in xy_kern.c. */
#include "models/xy.h"

#include "base/memory.h"
#include "models/single_site.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Reals are NaN where nothing is given. */
typedef struct options {
    double beta, temperature, coupling, field, clock, flux;
    const char *couplings; /* "uniform" or a file */
    const char *couplings_sha256;
    int clock_states;
} options;

static const kad_key KEYS[KAD_XY_N_KEYS] = {
    {"action.beta", KAD_REAL_OF(options, beta), NULL, 0, 1e3, "", NULL,
     "inverse temperature; with neither beta nor temperature 1"},
    {"action.temperature", KAD_REAL_OF(options, temperature), NULL, 1e-3, 1e12, "", NULL,
     "1 / beta"},
    {"action.coupling", KAD_REAL_OF(options, coupling), NULL, -1e3, 1e3, "", NULL,
     "J of uniform couplings (default 1); -1 is the antiferromagnet"},
    {"action.field", KAD_REAL_OF(options, field), "0", -1e3, 1e3, "", NULL,
     "uniform external field h along the first component: energy -h sum_i s_i^1 of "
     "spins, "
     "S - h sum_i phi_i^1 of phi4"},
    {"action.clock", KAD_REAL_OF(options, clock), "0", -1e3, 1e3, "", NULL,
     "clock term h_p of two components, energy -h_p sum_i cos(p theta_i)"},
    {"action.clock_states", KAD_INT_OF(options, clock_states), NULL, 1, 64, "", NULL,
     "p of the clock term (default 4)"},
    {"action.couplings", KAD_PATH_OF(options, couplings), "uniform", 1, 0, "", "uniform",
     "\"uniform\" (nearest neighbours) or a file of couplings: lines \"i j J\" (xy with "
     "2 "
     "components: and a phase, \"i j J A\"), or HDF5 (*.h5) with a symmetric matrix "
     "/couplings"},
    {"action.couplings_sha256", KAD_STRING_OF(options, couplings_sha256), NULL, 1, 0, "",
     NULL, "the file's SHA-256; recorded, and another file is refused"},
    {"action.flux", KAD_REAL_OF(options, flux), NULL, -1, 1, "", NULL,
     "flux f of two components through every plaquette of two dimensions: the phases A "
     "of "
     "-J sum cos(theta_i - theta_j - A_ij) add up to 2 pi f around it; f times the "
     "number of "
     "sites must be whole"},
};

static kad_status read_couplings(kad_ctx *ctx, const options *o, kad_xy *xy)
{
    double beta;
    KAD_CALL(kad_action_beta(ctx, o->beta, o->temperature, &beta));
    if (o->clock != 0 && xy->action.n_comp != 2)
        return kad_fail(ctx, KAD_ECONFIG,
                        "action.clock: is for spins of two components, got %d",
                        xy->action.n_comp);
    if (o->clock == 0 && o->clock_states > 0)
        return kad_fail(ctx, KAD_ECONFIG,
                        "action.clock_states: has no effect without action.clock");
    xy->by_beta = isnan(o->temperature);
    xy->beta = xy->beta_given = isnan(beta) ? 1 : beta;
    xy->J = isnan(o->coupling) ? 1 : o->coupling;
    xy->h = xy->h_given = o->field;
    xy->h_p = xy->h_p_given = o->clock;
    xy->p = o->clock_states > 0 ? o->clock_states : 4;
    return KAD_OK;
}

/* Couplings of a file, or the phases of a flux, in place of uniform bonds. */
static kad_status read_links(kad_ctx *ctx, const options *o, kad_xy *xy)
{
    const bool file = strcmp(o->couplings, "uniform") != 0;
    if (!file && o->couplings_sha256)
        return kad_fail(ctx, KAD_ECONFIG,
                        "action.couplings_sha256: has no effect with action.couplings "
                        "uniform");
    if (file && !isnan(o->coupling))
        return kad_fail(ctx, KAD_ECONFIG,
                        "action.coupling: is for uniform couplings, action.couplings "
                        "names a file");
    if (file && !isnan(o->flux))
        return kad_fail(ctx, KAD_ECONFIG,
                        "action.flux: is for uniform couplings, action.couplings names a "
                        "file, which can hold phases");
    if (!isnan(o->flux)) return kad_xy_links_of_flux(ctx, o->flux, xy);
    if (!file) return KAD_OK;
    KAD_CALL(kad_xy_links_of_file(ctx, o->couplings, xy));
    return kad_digest_require(ctx, o->couplings, "action.couplings_sha256",
                              o->couplings_sha256, xy->digest);
}

/* The odd sublattice is left to `complete`. */
static kad_status decimate(kad_ctx *ctx, kad_xy *xy)
{
    kad_action *action = &xy->action;
    KAD_CALL(kad_lattice_halves(ctx, action->lattice, &xy->active, &xy->even, &xy->odd));
    KAD_CALL(kad_new(ctx, 1, sizeof *xy->weight, &xy->weight));
    kad_spin_table(xy->weight, action->n_comp);
    xy->n_half = action->lattice->n_sites / 2;
    action->active = xy->active;
    action->n_active = xy->n_half;
    return KAD_OK;
}

static void xy_destroy(kad_action *action)
{
    kad_xy *xy = action->self;
    if (!xy->shares) {
        kad_free(xy->active);
        kad_free(xy->even);
        kad_free(xy->odd);
        kad_free(xy->weight);
        kad_free(xy->link);
        kad_free(xy->first);
    }
    kad_free(xy);
}

static const kad_action_ops decimated;

static kad_status xy_create(kad_ctx *ctx, const kad_action_options *given,
                            const kad_lattice *lattice, bool decimation, kad_action **out)
{
    KAD_LOCAL(kad_action, made);
    kad_xy *xy;
    options o;
    *out = NULL;
    kad_keys_copy(KEYS, KAD_XY_N_KEYS, given->own, sizeof o, &o);
    if (given->n_comp < 2)
        return kad_fail(ctx, KAD_ECONFIG,
                        "action.components: xy has spins of 2 (XY) or 3 (Heisenberg) "
                        "components, got %d",
                        given->n_comp);
    KAD_CALL(kad_new(ctx, 1, sizeof *xy, &xy));
    kad_action *action = &xy->action;
    made = action;
    action->self = xy;
    action->ops = decimation ? &decimated : &kad_action_xy;
    action->lattice = lattice;
    action->n_comp = given->n_comp;
    action->n_active = lattice->n_sites;
    xy->flux = o.flux;
    KAD_CALL(read_couplings(ctx, &o, xy));
    KAD_CALL(read_links(ctx, &o, xy));
    action->flags = KAD_ACTION_DIRECTIONS;
    if (!xy->link) action->flags |= KAD_ACTION_TRANSLATION;
    if (kad_xy_has_phases(xy)) action->flags |= KAD_ACTION_TURNED;
    if (xy->h == 0 && (xy->h_p == 0 || xy->p % 2 == 0))
        action->flags |= KAD_ACTION_SYMMETRIC;
    if (xy->h != 0) action->flags |= KAD_ACTION_AXIS;
    if (decimation) KAD_CALL(decimate(ctx, xy));
    action->log_z_offset = -0.5 * action->n_comp * action->n_active * log(2 * M_PI);
    for (int prec = 0; prec < 2; prec++) /* directions and inverse lengths */
        action->scratch_bytes[prec] =
            (size_t)lattice->n_sites * (size_t)(action->n_comp + 1) * KAD_ROW_BYTES;
    KAD_CALL(kad_xy_exact(ctx, xy, true, &xy->log_z_given));
    kad_exact_show(&xy->log_z_given, action);
    *out = action;
    made = NULL;
    return KAD_OK;
}

static kad_status xy_copy(kad_ctx *ctx, const kad_action *action, kad_action **out)
{
    kad_xy *copy;
    KAD_CALL(kad_new(ctx, 1, sizeof *copy, &copy));
    *copy = *(const kad_xy *)action->self;
    copy->shares = true;
    copy->action.self = copy;
    *out = &copy->action;
    return KAD_OK;
}

static kad_status set_beta(kad_ctx *ctx, const char *key, double value, kad_xy *xy)
{
    const double beta = strcmp(key, "temperature") ? value : 1 / value;
    if (!(beta >= 0 && beta <= 1e3))
        return kad_fail(ctx, KAD_ECONFIG,
                        "action.%s: expected beta from 0 to 1000, got %g", key, value);
    xy->beta = beta;
    return KAD_OK;
}

static kad_status xy_set(kad_ctx *ctx, kad_action *action, const char *key, double value)
{
    kad_xy *xy = action->self;
    if (!strcmp(key, "temperature") || !strcmp(key, "beta"))
        KAD_CALL(set_beta(ctx, key, value, xy));
    else if (!strcmp(key, "field"))
        KAD_CALL(kad_action_set_breaking(ctx, key, xy->h_given, 1e3, value, &xy->h));
    else if (!strcmp(key, "clock"))
        KAD_CALL(kad_action_set_breaking(ctx, key, xy->h_p_given, 1e3, value, &xy->h_p));
    else
        return kad_fail(ctx, KAD_ECONFIG, "action.%s: cannot be changed", key);
    kad_exact_log_z known = xy->log_z_given;
    if (xy->beta != xy->beta_given || xy->h != xy->h_given || xy->h_p != xy->h_p_given)
        KAD_CALL(kad_xy_exact(ctx, xy, false, &known));
    kad_exact_show(&known, action);
    return KAD_OK;
}

static kad_status xy_state(kad_ctx *ctx, kad_action *action)
{
    kad_exact_log_z known;
    KAD_CALL(kad_xy_exact(ctx, action->self, true, &known));
    kad_exact_show(&known, action);
    return KAD_OK;
}

static void xy_resolve(const kad_action *action, void *own)
{
    const kad_xy *xy = action->self;
    options *o = own;
    if (xy->digest[0])
        o->couplings_sha256 = xy->digest;
    else
        o->coupling = xy->J;
    if (isnan(o->temperature)) o->beta = xy->beta_given;
    if (xy->h_p_given != 0) o->clock_states = xy->p;
}

static double xy_get(const kad_action *action, const char *key)
{
    const kad_xy *xy = action->self;
    if (!strcmp(key, "beta")) return xy->beta;
    if (!strcmp(key, "temperature")) return 1 / xy->beta;
    if (!strcmp(key, "coupling")) return xy->J;
    if (!strcmp(key, "field")) return xy->h;
    if (!strcmp(key, "clock")) return xy->h_p;
    if (!strcmp(key, "mean_field")) return xy->beta * kad_xy_most(xy) / action->n_comp;
    return (double)NAN;
}

static void xy_title(const kad_action *action, size_t size, char *text)
{
    const kad_xy *xy = action->self;
    const char *name = action->n_comp == 2 ? "XY" : "Heisenberg";
    const char *order = xy->J < 0 ? " antiferromagnet" : "";
    snprintf(text, size, "%s%s (angles)", name, order);
    if (xy->h_p_given != 0)
        snprintf(text, size, "%s%s (angles) with p = %d", name, order, xy->p);
    const size_t used = strlen(text);
    if (!isnan(xy->flux) && used < size)
        snprintf(text + used, size - used, ", flux %g", xy->flux);
    if (xy->digest[0] && used < size)
        snprintf(text + used, size - used, ", couplings %.8s", xy->digest);
}

static const char *const *xy_couplings(const kad_action *action)
{
    static const char *const lists[2][2][2][6] = {
        {{{"temperature", "beta", NULL}, {"temperature", "beta", "clock", NULL}},
         {{"temperature", "beta", "field", NULL},
          {"temperature", "beta", "field", "clock", NULL}}},
        {{{"beta", NULL}, {"beta", "clock", NULL}},
         {{"beta", "field", NULL}, {"beta", "field", "clock", NULL}}}};
    const kad_xy *xy = action->self;
    return lists[xy->by_beta][xy->h_given != 0][xy->h_p_given != 0];
}

/* beta J where nothing else turns with the spins' frame. */
static double xy_bond(const kad_action *action)
{
    const kad_xy *xy = action->self;
    return xy->h_given == 0 && xy->h_p_given == 0 && !xy->link ? xy->beta * xy->J
                                                               : (double)NAN;
}

static void xy_statistics(const kad_action *action, kad_action_statistics *out)
{
    const kad_xy *xy = action->self;
    const double N = action->lattice->n_sites;
    *out = (kad_action_statistics){.n = 1, .name = {"bond"}};
    out->c[0] = -xy->beta * xy->J * action->lattice->d * N;
    if (xy->link) {
        out->name[0] = "drawn_energy";
        out->c[0] = xy->beta * N;
        if (xy->h_given != 0 || xy->h_p_given != 0)
            out->n = 0; /* another function of the spins at another field */
        return;
    }
    if (xy->h_given != 0) {
        out->name[out->n] = "m";
        out->c[out->n++] = -xy->beta * xy->h * N;
    }
    if (xy->h_p_given != 0) {
        out->name[out->n] = "clock";
        out->c[out->n++] = -xy->beta * xy->h_p * N;
    }
}

static bool xy_can_decimate(const kad_action_options *given, const kad_lattice *lattice)
{
    options o;
    kad_keys_copy(KEYS, KAD_XY_N_KEYS, given->own, sizeof o, &o);
    return lattice->bipartite && o.clock == 0 && !strcmp(o.couplings, "uniform");
}

#define OPERATIONS(kernels)                                                             \
    {                                                                                   \
        .name = "xy",                                                                   \
        .summary =                                                                      \
            "O(n) spins themselves, as angles (n = 2) and unit vectors (3), with "      \
            "fields",                                                                   \
        .reference = "10.1103/PhysRevB.16.1217", .keys = KEYS, .n_keys = KAD_XY_N_KEYS, \
        .options_size = sizeof(options), .components = 2, .create = xy_create,          \
        .set = xy_set, .state = xy_state, .get = xy_get, .copy = xy_copy,               \
        .title = xy_title, .couplings = xy_couplings, .destroy = xy_destroy,            \
        .resolve = xy_resolve, .statistics = xy_statistics, .bond = xy_bond,            \
        .spins = &kad_xy_spins, .kern = {&kernels##_f32, &kernels##_f64},               \
        .can_decimate = xy_can_decimate, .local = &kad_xy_local, .store = kad_xy_store, \
    }

const kad_action_ops kad_action_xy = OPERATIONS(kad_xy_kern);
static const kad_action_ops decimated = OPERATIONS(kad_xy_decimated_kern);
