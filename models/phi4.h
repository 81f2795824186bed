/* O(n) phi^4, n = 1, 2, 3:
 *     S = -t sum_<ij> phi_i.phi_j + sum_i (mu |phi_i|^2 + lambda |phi_i|^4) + N constant
 *         - h sum_i phi_i^1
 * with a uniform external field h along the first component, in the parameterisations of the literature:
 *   form     keys           t        mu            constant
 *   seed     t, mu, lambda  t        mu            0
 *   albergo  m2, lambda     2        m2 + 2d       0         (arXiv:1904.12072)
 *   hopping  kappa, lambda  2 kappa  1 - 2 lambda  lambda    (arXiv:1802.02840)
 *   nicoli   kappa, lambda  2 kappa  1 - 2 lambda  0         (arXiv:2007.07115)
 * S includes the constant, so log_z is the form's own. lambda = 0: the free field,
 * allowed when bounded below. */
#ifndef KAD_MODELS_PHI4_H
#define KAD_MODELS_PHI4_H

#include "models/action.h"
#include "models/exact.h"
#include "models/local.h"
#include "models/radial_table.h"
#include "models/single_site.h"

typedef enum kad_phi4_form {
    KAD_PHI4_SEED,
    KAD_PHI4_ALBERGO,
    KAD_PHI4_HOPPING,
    KAD_PHI4_NICOLI
} kad_phi4_form;

enum { KAD_PHI4_N_KEYS = 3 };

typedef struct kad_phi4_parameters {
    kad_phi4_form form;
    int d;
    double key[KAD_PHI4_N_KEYS];    /* values of the form's keys, in the table's order */
    double t, mu, lambda, constant; /* what the kernels use */
    double mass;                    /* mu - |t| d, to rounding however small it is */
    double h;                       /* external field */
} kad_phi4_parameters;

/* The action's own keys; which of them count depends on the form. */
typedef struct kad_phi4_options {
    const char *form; /* NULL: by the keys that are set */
    double t, mu, lambda, m2, kappa, field;
} kad_phi4_options;

enum { KAD_PHI4_N_SCHEMA = 7 };
extern const kad_key kad_phi4_keys[KAD_PHI4_N_SCHEMA];

/* Names of a form's keys ("t", "mu", "lambda"), NULL beyond the last. */
const char *const *kad_phi4_form_keys(kad_phi4_form form);
/* For the operations' tables: "complex phi^4"; the form's keys, and the field where there is
 * one; -t, mu, lambda, which in a field do not say it all: NaN; the same with bond, phi2,
 * phi4 and m as they are observed. */
void kad_phi4_title(const kad_action *action, size_t size, char *text);
const char *const *kad_phi4_couplings(const kad_action *action);
void kad_phi4_monomials(const kad_action *action, double *nn, double *phi2, double *phi4);
void kad_phi4_statistics(const kad_action *action, kad_action_statistics *out);
/* Parameters of the options (NULL: defaults). Errors: KAD_ECONFIG. */
KAD_MUST_USE kad_status kad_phi4_read(kad_ctx *ctx, const kad_phi4_options *options,
                                      const kad_lattice *lattice,
                                      kad_phi4_parameters *out);
/* The form and its keys, into options that leave them out. */
void kad_phi4_resolve(const kad_action *action, void *own);
/* t, mu, lambda and constant from the keys; KAD_ECONFIG when unbounded below. */
KAD_MUST_USE kad_status kad_phi4_derive(kad_ctx *ctx, const kad_lattice *lattice,
                                        kad_phi4_parameters *parameters);

typedef struct kad_phi4 {
    kad_action action;
    kad_phi4_parameters now, configured;
    kad_exact_log_z log_z_configured; /* exact ln Z at the configured parameters */
    bool shares; /* all but `table` belongs to the action it is a copy of */
    /* decimated only: odd sites are integrated out */
    uint8_t *active; /* [n_sites]: even sites */
    int *even, *odd; /* site lists, n_sites / 2 each */
    int n_half;
    kad_single_site site;
    kad_radial_table *table; /* ln Z_1(|h|) - ln Z_1(0) */
    kad_radial_table *spin;  /* ln w_n, to build the above */
} kad_phi4;

extern const kad_action_ops kad_action_phi4;
/* The decimated action's operations: same keys, other kernels (phi4_decimated.c). */
extern const kad_action_ops kad_action_phi4_decimated;
extern const kad_action_local kad_phi4_local;
extern const kad_action_delta kad_phi4_delta, kad_phi4_decimated_delta;
KAD_MUST_USE kad_status kad_phi4_decimate(kad_ctx *ctx, kad_phi4 *phi4);
void kad_phi4_retabulate(kad_phi4 *phi4);

/* Shared by both operation tables (phi4.c). */
kad_status kad_phi4_create(kad_ctx *ctx, const kad_action_options *options,
                           const kad_lattice *lattice, bool decimate, kad_action **out);
kad_status kad_phi4_set(kad_ctx *ctx, kad_action *action, const char *key, double value);
kad_status kad_phi4_state(kad_ctx *ctx, kad_action *action);
double kad_phi4_get(const kad_action *action, const char *key);
void kad_phi4_destroy(kad_action *action);
kad_status kad_phi4_copy(kad_ctx *ctx, const kad_action *action, kad_action **out);
KAD_MUST_USE kad_status kad_phi4_exact_means(kad_ctx *ctx, const kad_action *action,
                                             kad_exact_means *out);
bool kad_phi4_can_decimate(const kad_action_options *options, const kad_lattice *lattice);

extern const kad_action_kern kad_phi4_kern_f32, kad_phi4_kern_f64;
extern const kad_action_kern kad_phi4_decimated_kern_f32, kad_phi4_decimated_kern_f64;

/* Exact draws of odd site number i for n_lanes (a multiple of 16, at most KAD_W_MAX)
 * consecutive samples, in double: phi given the fields h, and F = ln Z_1(|h|) - ln
 * Z_1(0). Shapes: h, phi [n_comp][KAD_W_MAX], F [KAD_W_MAX], 64-byte aligned. A sample's
 * draw depends on its number only. */
void kad_phi4_draw_lanes(const kad_phi4 *phi4, kad_rng rng, uint64_t step,
                         uint64_t first_sample, int i, int n_lanes, const double *h,
                         double *phi, double *F);

/* --- Markov updates of its own (models/local.h), phi4_local_kern.c -------------- */

/* accepted and x 64-byte aligned. */
void kad_phi4_local_sweep(const kad_action *action, const kad_turn *turn, double width,
                          double *x, double *accepted, void *scratch);
/* n = 2, 3 (n = 1: nothing to do). */
void kad_phi4_local_reflect(const kad_action *action, double *x);

#endif
