/* One map for a range of a coupling: its parameters are polynomials of the coupling,
 *   theta(tau) = sum_{k < order} T_k(tau) theta_k,   tau = 2 (kappa - lo)/(hi - lo) - 1,
 * T_k Chebyshev's, or the same in 1/kappa. All theta_k lie behind one another:
 * [order][n_theta]. A step draws one coupling from each of `strata` equal parts of the
 * range, an equal share of the batch at each, and dL/dtheta_k = mean of T_k(tau)
 * dL/dtheta(tau): nothing below the trainer knows of it. Order 1 and lo = hi is the
 * training of one map, bit for bit. */
#ifndef KAD_TRAIN_FAMILY_H
#define KAD_TRAIN_FAMILY_H

#include "io/h5.h"
#include "io/keys.h"
#include "models/action.h"

enum { KAD_FAMILY_ORDER = 8, KAD_FAMILY_STRATA = 64 };

typedef enum kad_family_scale {
    KAD_FAMILY_LINEAR, /* tau is linear in the coupling */
    KAD_FAMILY_INVERSE /* in 1/coupling; -1 at lo all the same */
} kad_family_scale;

/* Section `family`. */
typedef struct kad_family_options {
    const char *along; /* key of the action, without "action."; NULL: no family */
    kad_reals range;
    int order, strata;
    unsigned scale;      /* kad_family_scale */
    kad_reals values;    /* of the curve; one whole number of 2 or more: so many */
    int64_t draws;       /* at each */
    kad_reals sample_at; /* where the config's samplers run; none: at the action's own */
} kad_family_options;
/* Values of the curve. */
size_t kad_family_n_values(const kad_family_options *options);
double kad_family_value_at(const kad_family_options *options, size_t i);
extern const kad_key kad_family_keys[];
extern const size_t kad_family_n_keys;
extern const kad_rule kad_family_rules[];
extern const size_t kad_family_n_rules;

typedef struct kad_family {
    char along[32]; /* "": one map */
    double lo, hi;
    int order, strata;
    kad_family_scale scale;
} kad_family;

/* Of the options; order 1 and no key without. Errors: KAD_ECONFIG (no range, one that is
 * empty, a key that the action has not, values that it cannot take). */
KAD_MUST_USE kad_status kad_family_create(kad_ctx *ctx, const kad_family_options *options,
                                          kad_action *action, kad_family *out);
/* The middle of the range, where the config does not give the coupling itself; NaN without
 * a family. */
double kad_family_middle(const kad_family_options *options);

bool kad_family_is(const kad_family *family);
double kad_family_tau(const kad_family *family, double value);
double kad_family_value(const kad_family *family, double tau);
/* theta [n] at a value of the coupling from all [order][n]. */
void kad_family_contract(const kad_family *family, size_t n, const double *all,
                         double value, double *theta);
/* all [order][n] += weight T_k(tau) g[n]. */
void kad_family_add(const kad_family *family, size_t n, double tau, double weight,
                    const double *g, double *all);

/* Attributes of a group of a results file; read: no key where it has none. */
struct kad_writer;
void kad_family_write(struct kad_writer *w, const kad_family *family);
KAD_MUST_USE kad_status kad_family_read(kad_ctx *ctx, kad_h5 *file, const char *group,
                                        kad_family *out);
/* KAD_ECONFIG where a coupling is outside the range. */
KAD_MUST_USE kad_status kad_family_require(kad_ctx *ctx, const kad_family *family,
                                           double value);

#endif
