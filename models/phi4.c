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

/* Of the uniform mode, which S weighs by |phi|^2: mu - t d. */
static double uniform_mass(const kad_phi4_parameters *p)
{
    return p->mass + (fabs(p->t) - p->t) * p->d;
}

/* A field alone: sites that do not know of each other. The site's ln Z_1 is good to twelve
 * digits. */
static kad_exact_value free_sites(const kad_phi4 *phi4)
{
    const kad_phi4_parameters *p = &phi4->now;
    kad_radial_table spin;
    kad_single_site site;
    kad_spin_table(&spin, phi4->action.n_comp);
    kad_single_site_init(&site, phi4->action.n_comp, p->mu, p->lambda, &spin);
    const double ln_z =
        phi4->action.lattice->n_sites * kad_single_site_ln_z(&site, fabs(p->h), NULL);
    return (kad_exact_value){ln_z, 1e-12 * fmax(1, fabs(ln_z))};
}

/* ln Z in a field: shifted modes of the free field, free sites, rings of one component. */
static kad_status exact_in_field(kad_ctx *ctx, const kad_phi4 *phi4, int ring,
                                 double factor, kad_exact_log_z *out)
{
    const kad_phi4_parameters *p = &phi4->now;
    const int n = phi4->action.n_comp, N = phi4->action.lattice->n_sites;
    kad_exact_value ln_z;
    const char *unknown = NULL, *source = "transfer matrix";
    if (p->lambda == 0) {
        const double shift = N * p->h * p->h / (4 * uniform_mass(p));
        source = "free field";
        ln_z = kad_exact_free_ln_z(phi4->action.lattice, n, p->t, p->mass);
        ln_z.value += shift;
        ln_z.error += 8 * DBL_EPSILON * shift;
    } else if (p->t == 0) {
        source = "free sites";
        ln_z = free_sites(phi4);
    } else if (ring && n == 1) {
        KAD_CALL(kad_exact_phi4_chain(ctx, ring, factor * p->t, p->mass, p->lambda, p->h,
                                      &ln_z, &unknown));
    } else {
        return KAD_OK;
    }
    ln_z.value -= p->constant * N;
    ln_z.error += DBL_EPSILON * p->constant * N;
    *out = kad_exact_state(source, ln_z, unknown);
    return KAD_OK;
}

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
    if (p->h != 0) return exact_in_field(ctx, phi4, ring, factor, out);
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
    action->n_active = lattice->n_sites;
    KAD_CALL(kad_phi4_read(ctx, options->own, lattice, &phi4->now));
    action->flags = KAD_ACTION_TRANSLATION |
                    (phi4->now.h != 0 ? KAD_ACTION_AXIS : KAD_ACTION_SYMMETRIC);
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
    if (!strcmp(key, "field"))
        KAD_CALL(
            kad_action_set_breaking(ctx, key, phi4->configured.h, 1e3, value, &after.h));
    else if (i < 0)
        return kad_fail(ctx, KAD_ECONFIG, "action.%s: not a parameter here", key);
    else
        after.key[i] = value;
    KAD_CALL(kad_phi4_derive(ctx, action->lattice, &after));
    phi4->now = after;
    if (phi4->table && (after.mu != before.mu || after.lambda != before.lambda))
        kad_phi4_retabulate(phi4);
    kad_exact_log_z known = {.ln_z = {(double)NAN, (double)NAN}};
    if (after.lambda == 0)
        KAD_CALL(exact_ln_z(ctx, phi4, &known));
    else if (!memcmp(after.key, phi4->configured.key, sizeof after.key) &&
             after.h == phi4->configured.h)
        known = phi4->log_z_configured;
    kad_exact_show(&known, action);
    return KAD_OK;
}

kad_status kad_phi4_state(kad_ctx *ctx, kad_action *action)
{
    kad_exact_log_z known;
    KAD_CALL(exact_ln_z(ctx, action->self, &known));
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
    if (!strcmp(key, "field")) return phi4->now.h;
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

/* factor x + shift */
static kad_exact_value shifted(double factor, kad_exact_value x, double shift)
{
    kad_exact_value y = kad_exact_times(factor, x);
    y.value += shift;
    y.error += 4 * DBL_EPSILON * shift;
    return y;
}

/* Two-point quantities of the free field; <S> = n N / 2. In a field it is shifted by M =
 * h / 2 e_0 along it, <S> by -h M / 2 a site. */
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
    const double M = phi4->now.h / (2 * uniform_mass(&phi4->now)), M2 = M * M;
    const double g0 = G.phi2.value,
                 energy = n / 2.0 + phi4->now.constant - phi4->now.h * M / 2;
    const double fourth = n * (n + 2.0) * g0 * g0 + (2 * n + 4) * M2 * g0 + M2 * M2;
    const kad_exact_value g4 = {fourth, (2 * n * (n + 2.0) * g0 + (2 * n + 4) * M2) *
                                                G.phi2.error +
                                            8 * DBL_EPSILON * fourth};
    const double m2 = n / action->lattice->n_sites, N = action->lattice->n_sites;
    kad_exact_add(out, "energy", (kad_exact_value){energy, DBL_EPSILON * fabs(energy)},
                  source);
    kad_exact_add(out, "phi2", shifted(n, G.phi2, M2), source);
    kad_exact_add(out, "phi4", g4, source);
    kad_exact_add(out, "bond", shifted(n, G.bond, M2), source);
    kad_exact_add(out, "m2", shifted(m2, G.chi, M2), source);
    kad_exact_add(out, "chi", shifted(n, G.chi, N * M2), source);
    if (M != 0)
        kad_exact_add(out, "m", (kad_exact_value){M, 4 * DBL_EPSILON * fabs(M)}, source);
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
    .state = kad_phi4_state,
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
