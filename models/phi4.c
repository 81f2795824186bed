/* O(n) phi^4: creation, parameters and exact results. Kernels are in phi4_kern.c; the
 * exact decimation of the odd sublattice in phi4_decimated*.c. */
#include "models/phi4.h"

#include "base/memory.h"
#include "models/delta.h"
#include "models/exact.h"
#include "models/local.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* ln Z of the present parameters where it is known. */
static kad_status exact_ln_z(kad_ctx *ctx, const kad_phi4 *phi4, kad_exact_log_z *out)
{
    const kad_phi4_parameters *p = &phi4->now;
    const kad_lattice *lattice = phi4->action.lattice;
    const int n = phi4->action.n_comp;
    const char *unknown = NULL;
    kad_exact_value ln_z;
    double factor;
    const int ring = kad_exact_ring_length(lattice, &factor);
    *out = (kad_exact_log_z){.ln_z = {(double)NAN, (double)NAN}};
    if (p->lambda == 0)
        ln_z = kad_exact_free_ln_z(lattice, n, p->t, p->mass);
    else if (ring)
        KAD_CALL(kad_exact_phi4_ring(ctx, n, ring, factor * p->t, p->mass, p->lambda,
                                     &ln_z, &unknown));
    else
        return KAD_OK;
    ln_z.value -= p->constant * lattice->n_sites;
    ln_z.error += DBL_EPSILON * p->constant * lattice->n_sites;
    *out =
        kad_exact_state(p->lambda == 0 ? "free field" : "transfer matrix", ln_z, unknown);
    return KAD_OK;
}

kad_status kad_phi4_create(kad_ctx *ctx, const kad_action_options *options,
                           const kad_lattice *lattice, bool decimate, kad_action **out)
{
    KAD_LOCAL(kad_action, made);
    kad_phi4 *phi4;
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *phi4, &phi4));
    kad_action *action = &phi4->action;
    action->self = phi4;
    action->ops = decimate ? &kad_action_phi4_decimated : &kad_action_phi4;
    made = action;
    action->lattice = lattice;
    action->n_comp = options->n_comp;
    action->flags = KAD_ACTION_SYMMETRIC | KAD_ACTION_TRANSLATION;
    action->n_active = lattice->n_sites;
    KAD_CALL(kad_phi4_read(ctx, options->own, lattice, &phi4->now));
    phi4->configured = phi4->now;
    KAD_CALL(exact_ln_z(ctx, phi4, &phi4->log_z_configured));
    kad_exact_show(&phi4->log_z_configured, action);
    if (decimate) KAD_CALL(kad_phi4_decimate(ctx, phi4));
    *out = action;
    made = NULL;
    return KAD_OK;
}

static int key_index(const kad_phi4 *phi4, const char *key)
{
    const char *const *keys = kad_phi4_form_keys(phi4->now.form);
    for (int i = 0; keys[i]; i++)
        if (!strcmp(keys[i], key)) return i;
    return -1;
}

kad_status kad_phi4_set(kad_ctx *ctx, kad_action *action, const char *key, double value)
{
    kad_phi4 *phi4 = action->self;
    const kad_phi4_parameters before = phi4->now;
    kad_phi4_parameters after = before;
    const int i = key_index(phi4, key);
    if (i < 0) return kad_fail(ctx, KAD_ECONFIG, "action.%s: not a parameter here", key);
    after.key[i] = value;
    KAD_CALL(kad_phi4_derive(ctx, action->lattice, &after));
    phi4->now = after;
    if (phi4->table && (after.mu != before.mu || after.lambda != before.lambda))
        kad_phi4_retabulate(phi4);
    kad_exact_log_z known = {.ln_z = {(double)NAN, (double)NAN}};
    if (after.lambda == 0)
        KAD_CALL(exact_ln_z(ctx, phi4, &known));
    else if (!memcmp(after.key, phi4->configured.key, sizeof after.key))
        known = phi4->log_z_configured;
    kad_exact_show(&known, action);
    return KAD_OK;
}

double kad_phi4_get(const kad_action *action, const char *key)
{
    const kad_phi4 *phi4 = action->self;
    const int i = key_index(phi4, key);
    if (i >= 0) return phi4->now.key[i];
    /* what the form's own parameters amount to */
    if (!strcmp(key, "t")) return phi4->now.t;
    if (!strcmp(key, "mu")) return phi4->now.mu;
    return (double)NAN;
}

void kad_phi4_destroy(kad_action *action)
{
    kad_phi4 *phi4 = action->self;
    kad_free(phi4->table);
    if (!phi4->shares) {
        kad_free(phi4->active);
        kad_free(phi4->even);
        kad_free(phi4->odd);
        kad_free(phi4->spin);
    }
    kad_free(phi4);
}

kad_status kad_phi4_copy(kad_ctx *ctx, const kad_action *action, kad_action **out)
{
    const kad_phi4 *phi4 = action->self;
    kad_radial_table *table = NULL;
    kad_phi4 *copy;
    if (phi4->table) {
        KAD_CALL(kad_new(ctx, 1, sizeof *table, &table));
        *table = *phi4->table;
    }
    const kad_status status = kad_new(ctx, 1, sizeof *copy, &copy);
    if (status != KAD_OK) {
        kad_free(table);
        return status;
    }
    *copy = *phi4;
    copy->shares = true;
    copy->table = table;
    copy->action.self = copy;
    *out = &copy->action;
    return KAD_OK;
}

/* Two-point quantities of the free field; <S> = n N / 2. */
kad_status kad_phi4_exact_means(kad_ctx *ctx, const kad_action *action,
                                kad_exact_means *out)
{
    static const char source[] = "free field";
    const kad_phi4 *phi4 = action->self;
    const double n = action->n_comp;
    kad_exact_free_moments G;

    (void)ctx;
    if (phi4->now.lambda != 0.0) return KAD_OK;
    kad_exact_free(action->lattice, phi4->now.t, phi4->now.mass, &G);
    const double g0 = G.phi2.value, energy = n / 2.0 + phi4->now.constant;
    const kad_exact_value g0_squared = {g0 * g0, 2.0 * g0 * G.phi2.error};
    const double m2 = n / action->lattice->n_sites;
    kad_exact_add(out, "energy", (kad_exact_value){energy, DBL_EPSILON * fabs(energy)},
                  source);
    kad_exact_add(out, "phi2", kad_exact_times(n, G.phi2), source);
    kad_exact_add(out, "phi4", kad_exact_times(n * (n + 2.0), g0_squared), source);
    kad_exact_add(out, "bond", kad_exact_times(n, G.bond), source);
    kad_exact_add(out, "m2", kad_exact_times(m2, G.chi), source);
    kad_exact_add(out, "chi", kad_exact_times(n, G.chi), source);
    return KAD_OK;
}

bool kad_phi4_can_decimate(const kad_action_options *options, const kad_lattice *lattice)
{
    (void)options;
    return lattice->bipartite;
}

const kad_action_ops kad_action_phi4 = {
    .name = "phi4",
    .summary = "O(n) phi^4 with nearest-neighbour coupling, free field included",
    .reference = "arXiv:1904.12072",
    .keys = kad_phi4_keys,
    .n_keys = KAD_PHI4_N_SCHEMA,
    .options_size = sizeof(kad_phi4_options),
    .create = kad_phi4_create,
    .set = kad_phi4_set,
    .get = kad_phi4_get,
    .copy = kad_phi4_copy,
    .title = kad_phi4_title,
    .couplings = kad_phi4_couplings,
    .monomials = kad_phi4_monomials,
    .statistics = kad_phi4_statistics,
    .exact = kad_phi4_exact_means,
    .destroy = kad_phi4_destroy,
    .resolve = kad_phi4_resolve,
    .kern = {&kad_phi4_kern_f32, &kad_phi4_kern_f64},
    .can_decimate = kad_phi4_can_decimate,
    .local = &kad_phi4_local,
    .delta = &kad_phi4_delta,
};
