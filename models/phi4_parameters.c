/* Parameterisations of phi^4: config keys to t, mu, lambda. */
#include "models/exact.h"
#include "models/phi4.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const kad_key kad_phi4_keys[KAD_PHI4_N_SCHEMA] = {
    {"action.form", KAD_WORD_OF(kad_phi4_options, form), NULL, 1, 0, "",
     "seed|albergo|hopping|nicoli",
     "parameterisation of phi^4; when left out: albergo if m2 is given, hopping if kappa "
     "is, seed if t or mu is, and with no parameter at all albergo with m2 = -4, lambda "
     "= "
     "6.975"},
    {"action.t", KAD_REAL_OF(kad_phi4_options, t), NULL, -1e6, 1e6, "", NULL,
     "form seed: -t sum_<ij> phi_i.phi_j (default 1)"},
    {"action.mu", KAD_REAL_OF(kad_phi4_options, mu), NULL, -1e6, 1e6, "", NULL,
     "form seed: mu sum_i |phi_i|^2"},
    {"action.lambda", KAD_REAL_OF(kad_phi4_options, lambda), NULL, 0, 1e6, "", NULL,
     "quartic coupling, lambda sum_i |phi_i|^4; 0 is the free field"},
    {"action.m2", KAD_REAL_OF(kad_phi4_options, m2), NULL, -1e6, 1e6, "", NULL,
     "form albergo: t = 2, mu = m2 + 2d (arXiv:1904.12072)"},
    {"action.kappa", KAD_REAL_OF(kad_phi4_options, kappa), NULL, -1e6, 1e6, "", NULL,
     "forms hopping and nicoli: t = 2 kappa, mu = 1 - 2 lambda"},
    {"action.field", KAD_REAL_OF(kad_phi4_options, field), "0", -1e3, 1e3, "", NULL,
     "uniform external field h along the first component: energy -h sum_i s_i^1 of "
     "spins, "
     "S - h sum_i phi_i^1 of phi4"},
};

static const char *const FORM_NAME[] = {"seed", "albergo", "hopping", "nicoli"};
static const char *const FORM_KEYS[][KAD_PHI4_N_KEYS + 1] = {
    {"t", "mu", "lambda", NULL},
    {"m2", "lambda", NULL},
    {"kappa", "lambda", NULL},
    {"kappa", "lambda", NULL},
};

const char *const *kad_phi4_form_keys(kad_phi4_form form)
{
    return FORM_KEYS[form];
}

const char *const *kad_phi4_couplings(const kad_action *action)
{
    static const char *const in_field[][KAD_PHI4_N_KEYS + 2] = {
        {"t", "mu", "lambda", "field", NULL},
        {"m2", "lambda", "field", NULL},
        {"kappa", "lambda", "field", NULL},
        {"kappa", "lambda", "field", NULL},
    };
    const kad_phi4 *phi4 = action->self;
    const kad_phi4_form form = phi4->now.form;
    return phi4->configured.h != 0 ? in_field[form] : FORM_KEYS[form];
}

void kad_phi4_title(const kad_action *action, size_t size, char *text)
{
    static const char *const fields[] = {"", "complex ", "O(3) "};
    const kad_phi4 *phi4 = action->self;
    snprintf(text, size, "%s%s%s", fields[action->n_comp - 1],
             phi4->now.lambda == 0 ? "free field" : "phi^4",
             phi4->now.form == KAD_PHI4_NICOLI ? " (form nicoli)" : "");
}

void kad_phi4_monomials(const kad_action *action, double *nn, double *phi2, double *phi4)
{
    const kad_phi4 *own = action->self;
    const bool field = own->configured.h != 0;
    *nn = field ? (double)NAN : -own->now.t;
    *phi2 = field ? (double)NAN : own->now.mu;
    *phi4 = field ? (double)NAN : own->now.lambda;
}

void kad_phi4_statistics(const kad_action *action, kad_action_statistics *out)
{
    const kad_phi4 *phi4 = action->self;
    const kad_phi4_parameters *p = &phi4->now;
    const double N = action->lattice->n_sites;
    *out = (kad_action_statistics){
        .n = 3,
        .name = {"bond", "phi2", "phi4"},
        .c = {-p->t * p->d * N, p->mu * N, p->lambda * N},
        .constant = p->constant * N,
    };
    if (phi4->configured.h == 0) return;
    out->name[out->n] = "m";
    out->c[out->n++] = -p->h * N;
}

/* A parameter of the options by its name. */
static double *parameter(kad_phi4_options *o, const char *key)
{
    return !strcmp(key, "t")        ? &o->t
           : !strcmp(key, "mu")     ? &o->mu
           : !strcmp(key, "lambda") ? &o->lambda
           : !strcmp(key, "m2")     ? &o->m2
                                    : &o->kappa;
}

static kad_phi4_form find_form(const kad_phi4_options *o)
{
    for (int i = 0; o->form && i < 4; i++)
        if (!strcmp(o->form, FORM_NAME[i])) return (kad_phi4_form)i;
    if (!isnan(o->kappa)) return KAD_PHI4_HOPPING;
    if (!isnan(o->t) || !isnan(o->mu)) return KAD_PHI4_SEED;
    return KAD_PHI4_ALBERGO;
}

/* Keys of other forms would silently do nothing: errors. */
static kad_status check_keys(kad_ctx *ctx, const kad_phi4_options *o, kad_phi4_form form)
{
    for (size_t i = 1; i < KAD_PHI4_N_SCHEMA; i++) {
        const char *key = kad_phi4_keys[i].key;
        bool used = !strcmp(key, "action.field");
        for (int j = 0; FORM_KEYS[form][j]; j++)
            used |= !strcmp(key + strlen("action."), FORM_KEYS[form][j]);
        if (!used && kad_key_is_set(&kad_phi4_keys[i], o))
            return kad_fail(ctx, KAD_ECONFIG, "%s: not a parameter of form \"%s\"", key,
                            FORM_NAME[form]);
    }
    return KAD_OK;
}

kad_status kad_phi4_derive(kad_ctx *ctx, const kad_lattice *lattice,
                           kad_phi4_parameters *p)
{
    p->constant = 0;
    switch (p->form) {
    case KAD_PHI4_SEED:
        p->t = p->key[0];
        p->mu = p->key[1];
        p->lambda = p->key[2];
        p->mass = fma(-fabs(p->t), p->d, p->mu);
        break;
    case KAD_PHI4_ALBERGO:
        p->t = 2;
        p->mu = p->key[0] + 2 * p->d;
        p->lambda = p->key[1];
        p->mass = p->key[0];
        break;
    case KAD_PHI4_HOPPING:
    case KAD_PHI4_NICOLI:
        p->t = 2 * p->key[0];
        p->lambda = p->key[1];
        p->mu = 1 - 2 * p->lambda;
        p->mass = fma(-2, p->lambda, fma(-fabs(p->t), p->d, 1));
        if (p->form == KAD_PHI4_HOPPING) p->constant = p->lambda;
        break;
    }
    if (p->lambda < 0)
        return kad_fail(ctx, KAD_ECONFIG,
                        "action.lambda: expected at least 0, got %g (the action is "
                        "unbounded below)",
                        p->lambda);
    const double gap =
        p->lambda > 0 ? 1 : kad_exact_free_gap(lattice, p->t, p->mu - fabs(p->t) * p->d);
    if (!(gap > 0))
        return kad_fail(ctx, KAD_ECONFIG,
                        "action.lambda: 0 needs a positive mass, but the smallest mode "
                        "has mu - t sum cos k = %g (t = %g, mu = %g)",
                        gap, p->t, p->mu);
    return KAD_OK;
}

kad_status kad_phi4_read(kad_ctx *ctx, const kad_phi4_options *options,
                         const kad_lattice *lattice, kad_phi4_parameters *out)
{
    kad_phi4_options o;
    kad_keys_copy(kad_phi4_keys, KAD_PHI4_N_SCHEMA, options, sizeof o, &o);
    *out = (kad_phi4_parameters){.form = find_form(&o), .d = lattice->d, .h = o.field};
    KAD_CALL(check_keys(ctx, &o, out->form));
    const char *const *keys = FORM_KEYS[out->form];
    const bool nothing = /* but a field */
        out->form == KAD_PHI4_ALBERGO && isnan(o.m2) && isnan(o.lambda) && !o.form;
    for (int i = 0; keys[i]; i++) {
        const double given = *parameter(&o, keys[i]);
        if (!isnan(given))
            out->key[i] = given;
        else if (nothing)
            out->key[i] = i == 0 ? -4 : 6.975;
        else if (!strcmp(keys[i], "t"))
            out->key[i] = 1;
        else
            return kad_fail(ctx, KAD_ECONFIG, "action.%s: form \"%s\" needs a value",
                            keys[i], FORM_NAME[out->form]);
    }
    return kad_phi4_derive(ctx, lattice, out);
}

void kad_phi4_resolve(const kad_action *action, void *own)
{
    const kad_phi4 *phi4 = action->self;
    const kad_phi4_parameters *p = &phi4->configured;
    kad_phi4_options *o = own;
    o->form = FORM_NAME[p->form];
    for (int i = 0; FORM_KEYS[p->form][i]; i++)
        *parameter(o, FORM_KEYS[p->form][i]) = p->key[i];
}
