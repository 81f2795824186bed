/* The sampler interface: a method is one file with a `static const kad_sampler_ops` and
 * one line in registry.c. A sampler advances n_chains chains and hands over every draw as
 * a boundary configuration; measuring and storing are the driver's (src/record/job.h).
 *
 * Everything a sampler does is keyed by draw numbers (base/rng.h), so that its results
 * depend neither on the number of threads nor on how the draws are cut into batches.
 *
 * This folder holds the samplers:
 *   proposals                         mis, direct: draws of the map with their weights
 *   annealed (_path, _scan)           the same carried to the action by updates
 *   hmc_core, trajectory, step_size   hmc, latent_hmc: hybrid Monte Carlo
 *   local_chains                      metropolis, cluster: the model's own updates
 *   bulk_moves                        latent_metropolis: moves of single latents
 *   shell                             chains in tiles: what those of all of these share
 *   cycle                             samplers one after the other
 *   tempering (_ladder, _walk, _state) replicas at several couplings, exchanged
 *   start, fields                     first states; flow variables into fields */
#ifndef KAD_SAMPLE_SAMPLER_H
#define KAD_SAMPLE_SAMPLER_H

#include "flow/map.h"
#include "io/keys.h"
#include "io/writer.h"
#include "models/action.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct kad_sampler kad_sampler;

/* First state of a Markov chain (sample/start.h): prior where there is a map, else hot;
 * or as asked for. */
typedef enum kad_start {
    KAD_START_AUTO,
    KAD_START_PRIOR,
    KAD_START_COLD,
    KAD_START_HOT
} kad_start;

enum {
    KAD_SAMPLER_OPTIONS = 1024
}; /* bytes that the largest options of a sampler take */

/* What a sampler is made for. Everything is borrowed and outlives the sampler. */
typedef struct kad_sampler_setup {
    int entry; /* its place in the config's list `sample` */
    /* What the entry gives every registered sampler, in their order, KAD_SAMPLER_OPTIONS
     * bytes each (a cycle's steps need theirs); NULL: defaults. */
    const void *options;
    /* The sampler's own of these, the struct of its keys; NULL: defaults. Found by
     * kad_sampler_create and kad_sampler_tunes. */
    const void *own;
    kad_start start;
    const kad_action *action;
    const kad_map *map; /* NULL: no map (samplers that need one refuse) */
    kad_prec prec;      /* of the map's proposals */
    uint64_t seed;
    int n_chains;
    int64_t n_draws;    /* recorded draws of a chain */
    int64_t n_burn_in;  /* draws of a chain before the first recorded one */
    int64_t n_tune;     /* the first of those: the only ones in which samplers tune */
    size_t n_batch_max; /* largest batch (draws a chain) advance will be asked for */
    bool exact;         /* ln q recomputed in double for accept/reject */
    bool translate;     /* a random lattice shift of every independent draw */
    bool interleaved;   /* draws of different chains have consecutive numbers, and advance
                           is asked for one draw at a time (a step of `cycle`) */
} kad_sampler_setup;

enum {
    /* log_weight is filled: ln w = ln Z offset - S - ln q of the draw */
    KAD_SAMPLER_WEIGHTED = 1,
    /* draws are proposals: the chain's state is the last accepted one */
    KAD_SAMPLER_PROPOSALS = 2,
    /* needs a trained map */
    KAD_SAMPLER_NEEDS_MAP = 4,
    /* delta_h is filled */
    KAD_SAMPLER_DELTA_H = 8,
    /* a draw is many moves: acceptance is filled */
    KAD_SAMPLER_MOVES = 16,
    /* log_weight is that of the work on the way to the draw, not -S - ln q there */
    KAD_SAMPLER_WORK = 32
};

/* One batch of n draws of every chain; arrays [n_chains][n] (x and z [n_chains][n]
 * [n_rows]), allocated by the driver for n <= n_batch_max. Arrays a sampler's flags do
 * not promise may be left alone. */
typedef struct kad_draws {
    size_t n;
    uint64_t *number;   /* identifies the draw: keys of what is drawn given it (spins) */
    double *x;          /* boundary configurations, every site */
    double *z;          /* latents; NULL: not wanted */
    double *action;     /* S of the whole field */
    double *log_weight; /* -inf where it is not finite */
    double *delta_h;
    uint8_t *accepted;  /* the proposal (update) was accepted; MOVES: any of its moves */
    double *acceptance; /* fraction of a draw's moves accepted; NULL: not wanted */
} kad_draws;

/* Memory for up to n draws of n_rows values, z only with `latents`; what there is on
 * failure is freed by kad_draws_clear too. */
KAD_MUST_USE kad_status kad_draws_create(kad_ctx *ctx, size_t n, size_t n_rows,
                                         bool latents, kad_draws *draws);
void kad_draws_clear(kad_draws *draws);

typedef struct kad_sampler_ops {
    const char *name; /* as in the config: sample[].name */
    const char *summary;
    const char *reference; /* DOI or arXiv number */
    const kad_key
        *keys; /* its own parameters, "sample[].KEY"; common ones: record/entries.c */
    size_t n_keys;
    size_t options_size; /* of the struct that the keys fill; 0 without keys */
    unsigned flags;
    const char *time_unit; /* what one draw is: "proposal", "trajectory", "sweep" */
    /* REQUIRED. *self is the sampler's state. */
    kad_status (*create)(kad_ctx *ctx, const kad_sampler_setup *setup, void **self);
    void (*destroy)(void *self);
    /* REQUIRED. The next out->n draws of every chain (out->n <= n_batch_max).
     * Errors: KAD_EINTERNAL when too many weights are not finite; KAD_EINTERRUPTED when a
     * stop was asked for and the call has taken over a second (kad_stop_overdue): the
     * state is then of no use but to be loaded again or destroyed. */
    kad_status (*advance)(kad_ctx *ctx, void *self, kad_draws *out);
    /* REQUIRED. State to and from a group of a file; load follows create with the same
     * setup, and the next advance continues to the bit. */
    kad_status (*save)(kad_ctx *ctx, const void *self, kad_h5 *file, const char *group);
    kad_status (*load)(kad_ctx *ctx, void *self, kad_h5 *file, const char *group);
    /* OPTIONAL. Attributes of the results group (step size, evaluations a draw, ...). */
    void (*describe)(const void *self, kad_writer *w);
    /* OPTIONAL (NULL: cannot be a step of `cycle`). The boundary configurations x
     * [n_chains][n_rows] (double, inactive sites included) become the chains' states; the
     * next advance starts from them. The kernel of an update leaves exp(-S) invariant
     * whatever the state it is given. A chain's state after advance is its last draw; of
     * a sampler whose draws are proposals, the last accepted one, or x where none was.
     * Errors: KAD_EINTERNAL (x cannot be taken: its action or ln q is not finite);
     * KAD_EINTERRUPTED as advance, also from create. */
    kad_status (*set_state)(kad_ctx *ctx, void *self, const double *x);
    /* OPTIONAL (NULL: false). Whether it needs a map with these options (NULL: defaults)
     * although the flags do not say so. */
    bool (*needs_map)(const void *own);
    /* OPTIONAL (NULL: false). Whether it tunes anything in its first n_tune draws. Asked
     * before create. */
    bool (*tunes)(const kad_sampler_setup *setup);
} kad_sampler_ops;

struct kad_sampler {
    const kad_sampler_ops *ops;
    kad_sampler_setup setup;
    void *self;
};

/* Every registered sampler, NULL-terminated. */
extern const kad_sampler_ops *const kad_samplers[];
/* NULL if unknown. */
const kad_sampler_ops *kad_sampler_find(const char *name);
/* The name of the i-th one, NULL past the last: choices of a key. */
const char *kad_sampler_name(size_t i);

/* The number of draw t of a chain, burn-in counted: entry * 2^40 + chain * 2^40 / n + t, n
 * the power of two that is not below the number of chains, or entry * 2^40 + t * chains +
 * chain where interleaved. It does not depend on how many draws are asked for. */
uint64_t kad_draw_number(const kad_sampler_setup *setup, size_t chain, int64_t t);
/* Seeds that belong to an entry alone: 0 of its chains' start, 1 + i of step i of a cycle.
 */
uint64_t kad_sampler_seed(const kad_sampler_setup *setup, uint32_t index);
/* KAD_ECONFIG when an entry's 2^40 numbers (256 entries) do not suffice. */
KAD_MUST_USE kad_status kad_draw_check(kad_ctx *ctx, const kad_sampler_setup *setup);

/* A sampler's own of an entry's options; NULL where that is NULL. */
const void *kad_sampler_own(const kad_sampler_ops *ops, const void *options);

/* KAD_EINTERRUPTED with a message, for `advance`. */
KAD_MUST_USE kad_status kad_sampler_stopped(kad_ctx *ctx, const kad_sampler_setup *setup);
/* Whether ops->tunes says so. */
bool kad_sampler_tunes(const kad_sampler_ops *ops, const kad_sampler_setup *setup);

/* Thin checked wrappers. create: KAD_ECONFIG for an unknown name, no chains or draws, or
 * a missing map; on failure *out is NULL. */
KAD_MUST_USE kad_status kad_sampler_create(kad_ctx *ctx, const char *name,
                                           const kad_sampler_setup *setup,
                                           kad_sampler **out);
void kad_sampler_destroy(kad_sampler *sampler);

#endif
