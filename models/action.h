/* The action interface: a model is one file with a `static const kad_action_ops` and one
 * line in models/registry.c. Weights are exp(-S). S is a function of the *flow variables*
 * y (what a map generates); the boundary field x may differ from them (dual: x = A^{1/2}
 * y) and some sites may be integrated out exactly (`active`), to be drawn afterwards by
 * `complete`.
 *
 * This folder holds the models, phi4 (phi4_shapes), dual (O(n) spins behind a field) and xy
 * (O(n) spins themselves):
 *   NAME_kern               S and its gradient on tiles
 *   none                    what stands where no action is known
 *   local                   Markov updates of a model's own
 *   delta                   changes of S when few sites change
 *   spin_system, spins      spins behind a field
 *   couplings               of pairs of sites, from a file
 *   exact, exact_ring       known ln Z and means of observables
 *   single_site, radial_table, radial_kern, legendre, sum_kern: what these are made of */
#ifndef KAD_MODELS_ACTION_H
#define KAD_MODELS_ACTION_H

#include "base/memory.h"
#include "base/real.h"
#include "base/rng.h"
#include "io/h5.h"
#include "io/keys.h"
#include "lattice/lattice.h"

#include <stddef.h>

typedef struct kad_action kad_action;
typedef struct kad_action_local kad_action_local; /* models/local.h */
typedef struct kad_action_delta kad_action_delta; /* models/delta.h */
typedef struct kad_action_spins kad_action_spins; /* models/spin_system.h */
typedef struct kad_exact_means kad_exact_means;   /* models/exact.h */

/* Kernels on one tile, in one precision. Rows of inactive sites are neither read nor
 * written, except that `gradient` zeroes them in g. S is double whatever the precision.
 */
typedef struct kad_action_kern {
    /* REQUIRED. S[lane] = S(y) (overwrites). Shapes: y [n_sites][n_comp][KAD_W]. */
    void (*value)(const kad_action *action, const void *y, double *S, void *scratch);
    /* REQUIRED. The same and g = dS/dy (overwrites). */
    void (*gradient)(const kad_action *action, const void *y, void *g, double *S,
                     void *scratch);
    /* OPTIONAL (NULL: the field is y). x = boundary field of y; x and y may not overlap.
     */
    void (*to_boundary)(const kad_action *action, const void *y, void *x, void *scratch);
    /* OPTIONAL: inverse of to_boundary. */
    void (*from_boundary)(const kad_action *action, const void *x, void *y,
                          void *scratch);
    /* REQUIRED when some sites are inactive: draws them from their exact conditional
     * density given the active ones, in y, for samples first_sample + lane, and adds ln
     * p(inactive | active) to lnp. */
    void (*complete)(const kad_action *action, kad_rng rng, uint64_t step,
                     uint64_t first_sample, void *y, double *lnp, void *scratch);
} kad_action_kern;

enum {
    KAD_ACTION_SYMMETRIC = 1,   /* S(-y) = S(y): a global sign */
    KAD_ACTION_TRANSLATION = 2, /* S invariant under lattice translations; with inactive
                                   sites: under those that map active sites onto active
                                   ones, and the completed field under all */
    KAD_ACTION_DIRECTIONS = 4,  /* S = a function of the directions y/|y| + sum |y|^2/2:
                                   lengths are spectators */
    KAD_ACTION_AXIS = 8,        /* an external field along the first component */
    KAD_ACTION_TURNED = 16 /* two components: phases of bonds, which reflections of the
                                   plane change and its rotations do not */
};

/* One real parameter of an action, by its key without "action.". */
typedef struct kad_parameter {
    const char *key;
    double value;
} kad_parameter;

/* The weight of what is drawn, the boundary field or the spins behind it, as a function of
 * the couplings theta: exp(-S_theta), S_theta = sum_a c_a(theta) T_a + constant(theta), T_a
 * being observables, the same functions of a draw at all couplings. */
enum { KAD_ACTION_STATISTICS = 4 };
typedef struct kad_action_statistics {
    int n;
    const char *name[KAD_ACTION_STATISTICS]; /* of the T_a, as in src/measure */
    double c[KAD_ACTION_STATISTICS];
    double constant;
} kad_action_statistics;

/* Section `action` of the configuration. */
typedef struct kad_action_options {
    const char *name; /* a registered one */
    int n_comp;       /* components a site: action.components */
    void *own;        /* the struct of the action's own keys; NULL: their defaults */
} kad_action_options;

enum { KAD_ACTION_COUPLINGS = 8, KAD_ACTION_DESCRIPTION = 160 };

/* What the rest of the program knows of a model: nothing outside models/ names one. A
 * small model fills what is REQUIRED; what it leaves NULL is done as the slot says. */
typedef struct kad_action_ops {
    /* REQUIRED, all of them up to `kern`. */
    const char *name;      /* as in the config: action.name */
    const char *summary;   /* one line */
    const char *reference; /* DOI or arXiv number */
    const kad_key *keys;   /* its parameters, "action.KEY" */
    size_t n_keys;
    size_t options_size; /* of the struct that they fill: kad_action_options.own */
    int components;      /* OPTIONAL (0: 1). Where the config does not say */
    kad_status (*create)(kad_ctx *ctx, const kad_action_options *options,
                         const kad_lattice *lattice, bool decimate, kad_action **out);
    /* Change one real parameter ("beta", "kappa", ...) in place, without allocating
     * (annealing). */
    kad_status (*set)(kad_ctx *ctx, kad_action *action, const char *key, double value);
    /* OPTIONAL. log_z_exact of the present parameters, by methods too dear for `set` as well. */
    kad_status (*state)(kad_ctx *ctx, kad_action *action);
    double (*get)(const kad_action *action, const char *key); /* NaN: no such parameter */
    void (*destroy)(kad_action *action);
    const kad_action_kern *kern[2]; /* by kad_prec */
    /* OPTIONAL (NULL: `name`). The model in the field's own words: "complex phi^4". */
    void (*title)(const kad_action *action, size_t size, char *text);
    /* OPTIONAL (NULL: every real parameter that has a value). Keys, ending with NULL, of
     * the parameters that say which model this is, as the config gave them. */
    const char *const *(*couplings)(const kad_action *action);
    /* OPTIONAL (NULL: S of the boundary field is no such sum). S = nn sum_<ij> x_i.x_j +
     * phi2 sum_i |x_i|^2 + phi4 sum_i |x_i|^4 + a constant. */
    void (*monomials)(const kad_action *action, double *nn, double *phi2, double *phi4);
    /* OPTIONAL (NULL: draws at several couplings are not reweighted together). The
     * statistics at the present couplings. */
    void (*statistics)(const kad_action *action, kad_action_statistics *out);
    /* OPTIONAL (NULL: nothing is left to the action). Put what `create` chose into the
     * members of its options that are unset, and digests of its files: the action they then
     * give is the same whatever the defaults are. */
    void (*resolve)(const kad_action *action, void *own);
    /* OPTIONAL (NULL: -nn of `monomials`, without that NaN). K where the weight of the
     * boundary field, or of the spins behind it, is exp(K sum_<ij> phi_i.phi_j) times
     * factors of single sites that do not change under rotations; NaN where it is not
     * (couplings from a file): no helicity modulus then. */
    double (*bond)(const kad_action *action);
    /* OPTIONAL (NULL: the field itself is measured). The spin system behind the field. */
    const kad_action_spins *spins;
    /* OPTIONAL (NULL: nothing but ln Z is known). Add known means of observables to the
     * table (kad_exact_add). Errors: KAD_ENOMEM, KAD_EINTERNAL. */
    kad_status (*exact)(kad_ctx *ctx, const kad_action *action, kad_exact_means *out);
    /* OPTIONAL (NULL: the config says it all). Put what came from files into a results
     * file. */
    kad_status (*store)(kad_ctx *ctx, const kad_action *action, kad_h5 *file);
    /* OPTIONAL (NULL: never): whether create accepts decimate = true. */
    bool (*can_decimate)(const kad_action_options *options, const kad_lattice *lattice);
    /* OPTIONAL (NULL: samplers metropolis and cluster refuse the model). Markov updates
     * of the boundary field. */
    const kad_action_local *local;
    /* OPTIONAL (NULL: `value` is called). Changes of S when few sites change. */
    const kad_action_delta *delta;
    /* OPTIONAL (NULL: sampler tempering refuses the model). The same action with real
     * parameters of its own, for `set`; the rest may be shared. Errors: KAD_ENOMEM. */
    kad_status (*copy)(kad_ctx *ctx, const kad_action *action, kad_action **out);
} kad_action_ops;

struct kad_action {
    const kad_action_ops *ops;
    const kad_lattice *lattice; /* borrowed */
    int n_comp;                 /* components a site */
    unsigned flags;             /* KAD_ACTION_* */
    const uint8_t *active;      /* [n_sites], NULL: every site is a flow variable */
    int n_active;               /* active sites */
    double log_z_offset;        /* ln Z (the model's own) = ln int exp(-S) dy_active +
                                   log_z_offset */
    double log_z_exact;         /* the model's own ln Z, NaN where unknown */
    double log_z_exact_error;   /* what it may be off by */
    const char *log_z_source;   /* "Kaufman", "free field", ...; NULL where unknown */
    const char *log_z_unknown; /* where a method exists: why it states nothing, or NULL */
    size_t scratch_bytes[2];   /* by kad_prec, for every kernel */
    void *self;
};

/* Every registered action, NULL-terminated. */
extern const kad_action_ops *const kad_actions[];
const kad_action_ops *kad_action_find(const char *name); /* NULL: no such action */
/* KAD_ECONFIG, with the names there are. */
kad_status kad_action_unknown(kad_ctx *ctx, const char *name);

/* Keys all actions share: action.name, action.components. */
extern const kad_key kad_action_common_keys[];
extern const size_t kad_action_n_common_keys;

/* action.name: none. The field's action is not known; a map can be trained on data alone. */
bool kad_action_is_none(const kad_action_options *options);

/* The action that is named. decimate: integrate out the odd sublattice exactly (needs a
 * bipartite lattice and a nearest-neighbour local action; KAD_ECONFIG otherwise). Errors:
 * KAD_ECONFIG (parameter combinations), KAD_ENOINPUT/KAD_EDATA (couplings file),
 * KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_action_create(kad_ctx *ctx, const kad_action_options *options,
                                          const kad_lattice *lattice, bool decimate,
                                          kad_action **out);
void kad_action_destroy(kad_action *action);
KAD_LOCAL_OF(kad_action, kad_action_destroy)
/* The operation `store`, where the action has it. */
KAD_MUST_USE kad_status kad_action_store(kad_ctx *ctx, const kad_action *action,
                                         kad_h5 *file);
bool kad_action_can_decimate(const kad_action_options *options,
                             const kad_lattice *lattice);
/* Set and get with messages for unknown keys; "beta" and "action.beta" are the same. set:
 * KAD_ECONFIG for a key the action does not have or a value it cannot take (the action is
 * then unchanged). log_z_exact follows where that is cheap; else it is NaN until the
 * value returns to the configured one, or kad_action_state. */
KAD_MUST_USE kad_status kad_action_set(kad_ctx *ctx, kad_action *action, const char *key,
                                       double value);
double kad_action_get(const kad_action *action, const char *key);
/* log_z_exact of the present parameters, as of an action that is configured so. */
KAD_MUST_USE kad_status kad_action_state(kad_ctx *ctx, kad_action *action);
/* For `set`: *out = value of a parameter, at most `most` in size, that breaks a symmetry; one
 * that is 0 in the configuration (`given`) stays so. Errors: KAD_ECONFIG. */
KAD_MUST_USE kad_status kad_action_set_breaking(kad_ctx *ctx, const char *key,
                                                double given, double most, double value,
                                                double *out);
/* The same action at another value of one of its real parameters, to be destroyed before
 * `action`. Errors: KAD_ECONFIG (no such parameter, a value that it cannot take, or the
 * action cannot be copied), KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_action_at(kad_ctx *ctx, const kad_action *action,
                                      const char *key, double value, kad_action **out);

/* beta of the config's beta or temperature, each NaN where it is not given; NaN where neither is.
 * Errors: KAD_ECONFIG where both are. */
KAD_MUST_USE kad_status kad_action_beta(kad_ctx *ctx, double beta, double temperature,
                                        double *out);

/* K of uniform bonds (`bond`), NaN where there is none. */
double kad_action_bond(const kad_action *action);

/* The couplings, at most `max` (KAD_ACTION_COUPLINGS are enough); returns their number. */
int kad_action_parameters(const kad_action *action, int max, kad_parameter *out);
/* Name, couplings and lattice on one line (KAD_ACTION_DESCRIPTION bytes):
 * "Ising, T = 2.2692 (beta 0.44069), 12 x 12". */
void kad_action_describe(const kad_action *action, size_t size, char *text);

/* ln w = log_z_offset - S - ln q of a configuration drawn with density q: the mean of w over
 * such draws is the model's own Z (base/weights.h). */
static inline double kad_action_log_weight(const kad_action *action, double S, double lnq)
{
    return action->log_z_offset - S - lnq;
}

/* S of n samples stored sample by sample, y [n][n_sites * n_comp] doubles (inactive sites
 * ignored), evaluated in double, tiles spread over ctx->n_threads. */
KAD_MUST_USE kad_status kad_action_values(kad_ctx *ctx, const kad_action *action,
                                          size_t n, const double *y, double *S);
/* Boundary field of n samples, the same layout; a copy where the action has no
 * to_boundary. */
KAD_MUST_USE kad_status kad_action_boundary(kad_ctx *ctx, const kad_action *action,
                                            size_t n, const double *y, double *x);
/* Its inverse: flow variables of n boundary configurations (a copy where the action has
 * no from_boundary). */
KAD_MUST_USE kad_status kad_action_from_boundary(kad_ctx *ctx, const kad_action *action,
                                                 size_t n, const double *x, double *y);

#endif
