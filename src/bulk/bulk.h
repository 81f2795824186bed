/* The bulk: configurations of a Markov chain seen through the trained map.
 *
 * Boundary configurations x drawn from exp(-S) are turned into flow variables y and
 * inferred, z = R(y). The latents then follow exp(-S_eff(z)),
 *     S_eff(z) = S(y(z)) - ln|det dy/dz| - ln(2 r(y(z))),
 * not the prior: what they have in common is what the map has not undone, and that is
 * what the analyses read. r = 1/2 unless the map is symmetrised by a mixture, q(y) =
 * [q0(y) + q0(-y)]/2: a configuration then belongs to the branch y with probability
 * r(y) = q0(y)/[q0(y) + q0(-y)] and to -y otherwise; one is drawn (so that draws of the
 * map give back the prior's latents), and y is the sign's own.
 *
 * Where no action is known, the map learnt from data, x are samples that it never saw, and the
 * action is the one it has learnt, S = -ln q: S_eff is then that of the prior.
 *
 * An analysis is a file and a line in KAD_BULK_ANALYSES. Errors of averages must know the
 * chains: either write a value per configuration, [n_chains][n_per_chain], and leave the
 * mean to analysis/ (Gamma method), or use cells of consecutive configurations of a chain
 * (cells.h).
 *
 * This folder:
 *   positions, pairs, cells     latents in space, by pairs; series for errors
 *   correlators                 two-point functions; mutual, mutual_pairs: information
 *   coarse                      fields of every level, their densities and pictures
 *   couplings, operators        effective actions of these
 *   receptive                   what a latent does to the boundary */
#ifndef KAD_BULK_BULK_H
#define KAD_BULK_BULK_H

#include "flow/map.h"
#include "io/h5.h"
#include "io/keys.h"
#include "train/model.h"
#include "train/options.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { KAD_BULK_LEVELS = 32, KAD_BULK_NAME = 64 };

/* Section `bulk` of the configuration. The other members count only with configs > 0. */
typedef struct kad_bulk_options {
    int64_t configs;     /* that are stored and read; 0: no bulk analysis */
    const char *sampler; /* the group they come from; NULL: whichever has some */
    int64_t null;        /* draws of the map itself, analysed alike */
    int bins;            /* of the separation, for a factor of two */
    double noise;        /* errors below which a bin is left out of fits of distances */
    bool normalise;      /* distances by the latents' own root mean squares */
    double mutual_range; /* longest separation, in steps of the coarser level */
    int receptive;       /* adjoint products of a boundary site; 0: none */
} kad_bulk_options;

extern const kad_key kad_bulk_keys[];
extern const size_t kad_bulk_n_keys;
extern const kad_rule kad_bulk_rules[];
extern const size_t kad_bulk_n_rules;

typedef struct kad_bulk {
    kad_bulk_options options;
    const kad_model *model;
    /* q0: without the average over the sign, so that kad_map_lnq and kad_map_generate are
     * the inference and generation of the latents below */
    kad_map *map;                 /* owned */
    char sampler[KAD_BULK_NAME];  /* group below /samplers; "" for draws of the map */
    size_t n_chains, n_per_chain; /* configurations, chain-major */
    size_t n;                     /* n_chains * n_per_chain */
    size_t n_stored;              /* configurations in the file, of which n are read */
    double spacing;               /* draws of the chain between two configurations */
    size_t n_rows;                /* values of a configuration: n_sites * n_comp */
    /* all [n][n_rows], row = site * n_comp + component, sample by sample, owned: */
    double *x; /* boundary field, every site */
    double *y; /* flow variables of the branch: sign * those of x. Where sites are
                  integrated out these hold what from_boundary gave */
    double *z; /* latents; 0 at inactive sites */
    /* [n], double */
    double *S; /* S(y), of the action the map is trained for; none known: -ln q(y) */
    double *log_det;    /* ln|det dy/dz| */
    double *log_branch; /* ln(2 r(y)); 0 without a mixture */
    int8_t *sign;       /* +1, -1: y = sign * flow variables of x */
    double seconds;     /* what inference took */

    /* Latents: model->flow->level_of[site] (0 the finest; -1: none) and
     * model->flow->active. */
    int n_levels;
    double *position; /* [n_sites][d], lattice steps: the middle of the latent's block,
                         shared by the latents of the block (may lie between sites) */
    /* Symmetry of the blocks: latents of level <= h are carried along when x is shifted by
     * multiples of period[h] sites along any axis (found by trying; a multiple of 2^(h+1)
     * that divides every extent). 0: no such shift, every position is its own. */
    int period[KAD_BULK_LEVELS];
} kad_bulk;

/* From the configurations stored in /samplers/NAME/configs of a results file (sampler
 * NULL: the first whose draws follow the model and that has some), at most n_max of them
 * (0: all; evenly spread over the chains), and the map of /flow/params. options NULL,
 * here and below: defaults. Errors:
 * KAD_ENOINPUT (no configurations, no map), KAD_EDATA, KAD_ECONFIG (memory), KAD_ENOMEM.
 */
KAD_MUST_USE kad_status kad_bulk_create(kad_scope *in, const kad_bulk_options *options,
                                        const kad_model *model, kad_h5 *file,
                                        const char *sampler, size_t n_max,
                                        kad_bulk **out);
/* From boundary configurations in memory [n_chains][n_per_chain][n_rows] and parameters
 * theta of the flow. */
KAD_MUST_USE kad_status kad_bulk_create_from(kad_scope *in,
                                             const kad_bulk_options *options,
                                             const kad_model *model, const double *theta,
                                             size_t n_chains, size_t n_per_chain,
                                             const double *x, kad_bulk **out);
/* From samples of data that training never saw (kad_data_held_out), at most options->configs of
 * them, of a model without an action and the map of /flow/params. Errors: as the two before. */
KAD_MUST_USE kad_status kad_bulk_create_data(kad_scope *in,
                                             const kad_bulk_options *options,
                                             const kad_data_options *data,
                                             const kad_model *model, kad_h5 *file,
                                             kad_bulk **out);
/* n independent draws of the map itself, inferred again: the null test. Latents of these
 * must be uncorrelated and of the prior's variance. Keyed by the model's seed. */
KAD_MUST_USE kad_status kad_bulk_create_null(kad_scope *in,
                                             const kad_bulk_options *options,
                                             const kad_model *model, const double *theta,
                                             size_t n, kad_bulk **out);

/* Every analysis: adding one is a line here and a file with its function kad_bulk_NAME,
 * which adds groups of its own to the results (removing what it wrote before). */
#define KAD_BULK_ANALYSES(X)                                                         \
    X(action, "/bulk/configurations: the latents' effective action and its parts")   \
    X(correlators, "/bulk/correlators: two-point functions by levels and distance")  \
    X(fields, "of the coarse fields of every level: densities, couplings, pictures") \
    X(mutual, "/bulk/mutual: mutual information of near latents")                    \
    X(bottleneck, "/bulk/bottleneck: information between halves, of trees")          \
    X(receptive, "/bulk/receptive: what a latent does to the boundary")              \
    X(walks, "/bulk/walks: the boundary while one latent is swept")

#define KAD_BULK_DECLARE(name, summary) \
    kad_status kad_bulk_##name(kad_ctx *ctx, const kad_bulk *bulk, kad_h5 *file);
KAD_BULK_ANALYSES(KAD_BULK_DECLARE)

/* All of them on one set of configurations; attributes seconds_NAME of /bulk: what each
 * took. */
KAD_MUST_USE kad_status kad_bulk_run(kad_ctx *ctx, const kad_bulk *bulk, kad_h5 *file);

#endif
