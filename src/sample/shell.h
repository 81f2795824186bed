/* Chains in tiles: what the Markov chain samplers share. Chains are the lanes of tiles and
 * tiles are dealt to threads; a sampler is the update of one tile and what it counts. The
 * shell deals the tiles, numbers the draws, tunes in the first n_tune of them, hands over
 * fields and latents, and starts, saves and loads the chains.
 *
 * Ranks have every sampler with all of its chains; each makes the draws of some tiles and is
 * told those of the others.
 *
 * A draw of a tile may depend on its number, its chains and their state alone: then bits
 * depend neither on threads nor on the batches of the driver. */
#ifndef KAD_SAMPLE_SHELL_H
#define KAD_SAMPLE_SHELL_H

#include "base/ranks.h"
#include "sample/sampler.h"

/* One draw of the chains of a tile. */
typedef struct kad_shell_turn {
    size_t tile;
    int64_t t;    /* number of the draw, burn-in counted */
    size_t i;     /* its place in the batch */
    double begun; /* give up when a stop is overdue since then (kad_stop_overdue) */
    int thread;   /* whose memory may be used, below n_workers */
} kad_shell_turn;

enum { KAD_SHELL_ARRAYS = 8 };

typedef struct kad_shell_ops {
    /* REQUIRED. Updates the tile's chains and hands draw `i` of each over: action,
     * accepted, what the sampler's flags promise, and the field by kad_shell_hand_over.
     * False: given up. */
    bool (*draw)(void *self, const kad_shell_turn *turn, kad_draws *out);
    /* Before and after n draws of every tile; recorded: none of the burn-in. OPTIONAL. */
    void (*begin)(void *self);
    void (*end)(void *self, size_t n, bool recorded);
    /* OPTIONAL. After each of the first n_tune draws of all chains, where `tuned`. */
    void (*tune)(void *self);
    /* OPTIONAL: with it, ranks share the tiles. What the draws of a tile have changed, an
     * array of something a tile each (unit and n are the shell's to set), at most
     * KAD_SHELL_ARRAYS: of_draws, all that `end` and `tune` read; else all that the next
     * draws and `save` do. Returns how many. */
    size_t (*changed)(void *self, bool of_draws, kad_shared *arrays);
    /* What is handed over are flow variables of the active sites and their action, to be
     * completed and taken to the boundary; false: boundary fields and actions of all. */
    bool flow_variables;
} kad_shell_ops;

typedef struct kad_shell {
    const kad_shell_ops *ops;
    void *self; /* the sampler, for ops */
    const kad_sampler_setup *setup;
    size_t n_rows, lanes, n_tiles; /* lanes of a tile: chains it has room for */
    int n_threads, n_workers; /* the team; those of it that need memory of their own */
    bool tuned;
    bool latents;   /* draws hand over latents too, where wanted */
    int64_t n_done; /* draws of every chain, burn-in included */
    double *batch,
        *lnp; /* of flow variables: a block of draws with consecutive numbers */
} kad_shell;

/* Sizes and memory for setup's chains, lanes a tile. setup and ops are borrowed. tuned and
 * latents are the sampler's to set. Errors: KAD_ENOMEM; KAD_ECONFIG when draws' numbers
 * run out. kad_shell_clear is safe on a zeroed shell. */
KAD_MUST_USE kad_status kad_shell_create(kad_ctx *ctx, const kad_sampler_setup *setup,
                                         const kad_shell_ops *ops, void *self,
                                         size_t lanes, kad_shell *shell);
void kad_shell_clear(kad_shell *shell);

/* Chains in use among KAD_W_DOUBLE from `first` on; the lanes after them are spare. */
size_t kad_shell_in_use(const kad_shell *shell, size_t first);

/* Rows x [n_rows][KAD_W_DOUBLE] of the chains from `first` on, as their draw i of n in
 * `to`, kad_draws' x or z. */
void kad_shell_hand_over(const kad_shell *shell, size_t first, size_t i, size_t n,
                         const double *x, double *to);

/* The sampler_ops function of a sampler that begins with its shell. Its first call says when threads find no tile. */
KAD_MUST_USE kad_status kad_shell_advance(kad_ctx *ctx, void *self, kad_draws *out);

/* Attributes of the results group: start, and n_tiles. */
void kad_shell_describe(const kad_shell *shell, kad_writer *w);

/* --- state.c: what a sampler keeps in a checkpoint --- */

typedef enum kad_state_kind {
    KAD_STATE_INT,
    KAD_STATE_REAL,
    KAD_STATE_REALS
} kad_state_kind;

/* One entry: an attribute (int64_t, double) or a data set (double [dims]). */
typedef struct kad_state {
    const char *name;
    kad_state_kind kind;
    const void *data; /* the sampler's own, which load writes to */
    int rank;
    size_t dims[3];
} kad_state;

KAD_MUST_USE kad_status kad_state_save(kad_ctx *ctx, size_t n, const kad_state *state,
                                       kad_h5 *file, const char *group);
/* Errors: also KAD_EDATA for a count below 0. */
KAD_MUST_USE kad_status kad_state_load(kad_ctx *ctx, size_t n, const kad_state *state,
                                       kad_h5 *file, const char *group);

#endif
