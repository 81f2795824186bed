/* One map for a range of a coupling, or of two: its parameters are polynomials of the
 * coupling,
 *   theta(tau) = sum_{k < order} T_k(tau) theta_k,   tau = 2 (kappa - lo)/(hi - lo) - 1,
 * T_k Chebyshev's, or the same in 1/kappa; of two couplings
 *   theta(tau, sigma) = sum_{j + k < order} T_j(tau) T_k(sigma) theta_jk,
 * by j + k, then by k. All theta_k lie behind one another: [terms][n_theta]. A step draws one
 * coupling from each of `strata` equal parts of the range (of two couplings a Latin square:
 * every part of either once), an equal share of the batch at each, and dL/dtheta_k = mean of
 * T_k(tau) dL/dtheta(tau): nothing below the trainer knows of it. Order 1 and lo = hi is the
 * training of one map, bit for bit. */
#ifndef KAD_TRAIN_FAMILY_H
#define KAD_TRAIN_FAMILY_H

#include "io/h5.h"
#include "io/keys.h"
#include "models/action.h"

enum {
    KAD_FAMILY_COUPLINGS = 2,
    KAD_FAMILY_ORDER = 8,
    KAD_FAMILY_STRATA = 64,
    KAD_FAMILY_VALUES = 10000
};

/* Values of the couplings, or their tau; what there is no coupling for is 0. */
typedef struct kad_family_point {
    double at[KAD_FAMILY_COUPLINGS];
} kad_family_point;

typedef enum kad_family_scale {
    KAD_FAMILY_LINEAR, /* tau is linear in the coupling */
    KAD_FAMILY_INVERSE /* in 1/coupling; -1 at lo all the same */
} kad_family_scale;

/* Section `family`. */
typedef struct kad_family_options {
    const char *along; /* keys of the action, separated by commas; NULL: no family */
    kad_reals range;   /* first and last of each */
    int order, strata;
    unsigned scale;      /* kad_family_scale */
    kad_reals values;    /* of the curve; one whole number of 2 or more: so many, of two
                            couplings a square of at most so many; or pairs */
    int64_t draws;       /* at each */
    kad_reals sample_at; /* where the config's samplers run; none: at the action's own */
} kad_family_options;
/* Values of the curve. */
size_t kad_family_n_values(const kad_family_options *options);
kad_family_point kad_family_value_at(const kad_family_options *options, size_t i);
/* Where samplers run. */
size_t kad_family_n_sample_at(const kad_family_options *options);
kad_family_point kad_family_sample_at(const kad_family_options *options, size_t i);
extern const kad_key kad_family_keys[];
extern const size_t kad_family_n_keys;
extern const kad_rule kad_family_rules[];
extern const size_t kad_family_n_rules;

typedef struct kad_family_axis {
    char along[32]; /* key of the action, without "action." */
    double lo, hi;
} kad_family_axis;

typedef struct kad_family {
    int n; /* couplings; 0: one map */
    kad_family_axis axis[KAD_FAMILY_COUPLINGS];
    int order, strata;
    kad_family_scale scale;
} kad_family;

/* Of the options; order 1 and no key without. Errors: KAD_ECONFIG (no range, one that is
 * empty, a key that the action has not, values that it cannot take). */
KAD_MUST_USE kad_status kad_family_create(kad_ctx *ctx, const kad_family_options *options,
                                          kad_action *action, kad_family *out);
/* The name of the i-th coupling, without "action.", and the middle of its range, where the
 * config does not give the coupling itself; false when there is none. */
bool kad_family_middle(const kad_family_options *options, int i, char along[32],
                       double *middle);

bool kad_family_is(const kad_family *family);
/* Sets of parameters: order, of two couplings order (order + 1)/2. */
int kad_family_terms(const kad_family *family);
kad_family_point kad_family_tau(const kad_family *family, kad_family_point value);
kad_family_point kad_family_value(const kad_family *family, kad_family_point tau);
/* The couplings of an action, and the way back; NaN where it has no such. */
kad_family_point kad_family_of(const kad_family *family, const kad_action *action);
KAD_MUST_USE kad_status kad_family_set(kad_ctx *ctx, const kad_family *family,
                                       kad_action *action, kad_family_point value);
/* The coupling of that name, with "action." or without, becomes the value. KAD_EUSAGE: the family
 * has it not. */
KAD_MUST_USE kad_status kad_family_choose(kad_ctx *ctx, const kad_family *family,
                                          const char *name, double value,
                                          kad_family_point *at);
/* "temperature=2.1", "kappa=0.45_lambda=1": for people and folders. Returns out. */
char *kad_family_label(const kad_family *family, kad_family_point value, size_t size,
                       char *out);
/* theta [n] at values of the couplings from all [terms][n]. */
void kad_family_contract(const kad_family *family, size_t n, const double *all,
                         kad_family_point value, double *theta);
/* all [terms][n] += weight T_k(tau) g[n]. */
void kad_family_add(const kad_family *family, size_t n, kad_family_point tau,
                    double weight, const double *g, double *all);

/* Attributes of a group of a results file; read: no key where it has none. */
struct kad_writer;
void kad_family_write(struct kad_writer *w, const kad_family *family);
KAD_MUST_USE kad_status kad_family_read(kad_ctx *ctx, kad_h5 *file, const char *group,
                                        kad_family *out);
/* KAD_ECONFIG where a coupling is outside the range. */
KAD_MUST_USE kad_status kad_family_require(kad_ctx *ctx, const kad_family *family,
                                           kad_family_point value);
/* The same couplings and ranges? */
bool kad_family_same(const kad_family *a, const kad_family *b);

#endif
