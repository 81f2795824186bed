/* Replica exchange: chains at several values of one coupling of the action, whose states
 * are exchanged. Replica i has the action S_i, replica 0 to n - 1 in the order of their
 * couplings, and as many chains as the sampler; chain c of one replica exchanges with chain
 * c of the next.
 *
 * A draw is swap_every updates of every chain by `base`, and then exchanges of the pairs
 * (i, i + 1) with i even, or odd, in turn. Flow variables y are exchanged, for which the
 * weights are exp(-S_i(y)), with probability min(1, exp(-Delta)),
 *     Delta = S_i(y_j) + S_j(y_i) - S_i(y_i) - S_j(y_j),
 * which leaves prod_i exp(-S_i(y_i)) invariant. Draws are the replica's whose coupling is the
 * run's own.
 *
 * Replicas are spread over threads, each a sampler of its own with one thread.
 * Source: Geyer, Computing Science and Statistics 23 (1991) 156; Hukushima, Nemoto, J. Phys.
 * Soc. Jpn. 65 (1996) 1604, eqs. 9 to 11. */
#ifndef KAD_SAMPLE_TEMPERING_H
#define KAD_SAMPLE_TEMPERING_H

#include "sample/sampler.h"

enum { KAD_TEMPERING_REPLICAS = KAD_SEQUENCE_MAX };

typedef struct kad_tempering_options {
    const char
        *along;       /* key of the action, without "action."; NULL: its first coupling */
    kad_reals values; /* n = 0: from, to, replicas */
    double from, to;  /* NaN: the run's own; half of it, or twice its temperature */
    int replicas;     /* 1: auto */
    const char *base;
    int swap_every;
} kad_tempering_options;

/* --- tempering_ladder.c --- */

/* The couplings of the replicas. */
typedef struct kad_ladder {
    const char *along;
    int n, own; /* own: the run's */
    double value[KAD_TEMPERING_REPLICAS];
} kad_ladder;

/* Of an action and options; `entry` is named in messages. Errors: KAD_ECONFIG (no such
 * coupling, the run's own is not among the values). */
KAD_MUST_USE kad_status kad_ladder_make(kad_ctx *ctx, int entry,
                                        const kad_tempering_options *options,
                                        const kad_action *action, kad_ladder *out);

/* --- tempering_walk.c --- */

/* Where the states of a chain wander: state w began at replica w. Counted are recorded
 * draws, integers in double. */
typedef struct kad_walk {
    int n;
    size_t n_chains;
    double *state; /* [n][n_chains]: which one is at a replica */
    double
        *end; /* [n][n_chains], of a state: 1, 2: met replica 0, n - 1 last; 0: neither */
    double *swaps;      /* [n - 1][2]: tried, made of a pair */
    double *visits;     /* [n][2]: of states that met replica 0, n - 1 last */
    double round_trips; /* 0 to n - 1 and back, all states */
} kad_walk;

KAD_MUST_USE kad_status kad_walk_create(kad_ctx *ctx, int n, size_t n_chains,
                                        kad_walk *walk);
void kad_walk_clear(kad_walk *walk);
/* Every state is where it began. */
void kad_walk_begin(kad_walk *walk);
/* Chain `chain` of replicas i and i + 1: what was tried. */
void kad_walk_swap(kad_walk *walk, int i, size_t chain, bool made, bool count);
/* After the exchanges of a draw. */
void kad_walk_note(kad_walk *walk, bool count);
/* Groups `replicas` and `swaps`, and attributes, of the results. */
void kad_walk_describe(const kad_walk *walk, const kad_ladder *ladder, kad_writer *w);

/* --- tempering.c --- */

/* States [n_chains]: the field in draws.x, S in draws.action, flow variables in y. */
typedef struct kad_replica {
    kad_ctx ctx; /* of one thread, for the thread at work */
    kad_status status;
    kad_action *copy;
    const kad_action *action; /* the copy, or the run's */
    kad_sampler *sampler;
    kad_draws draws;
    double *y;
    double *x_new, *S_new; /* what the partner's flow variables would be here */
    double *moved;         /* accepted updates of the present draw */
    double n_accepted;     /* of recorded draws, all chains */
} kad_replica;

typedef struct kad_tempering {
    const kad_sampler_setup *setup;
    kad_tempering_options options;
    const kad_sampler_ops *base;
    kad_ladder ladder;
    kad_walk walk;
    size_t n_rows, n_chains;
    int64_t n_done; /* draws of every chain, burn-in included */
    double begun;   /* the advance under way */
    kad_replica replica[KAD_TEMPERING_REPLICAS];
} kad_tempering;

extern const kad_sampler_ops kad_sampler_tempering;

/* The base of an entry's options. */
const kad_sampler_ops *kad_tempering_base(const void *own);

/* x [n][n_chains][n_rows] become the states of all replicas; the exchanges of a draw alone.
 */
KAD_MUST_USE kad_status kad_tempering_place(kad_ctx *ctx, kad_tempering *tempering,
                                            const double *x);
KAD_MUST_USE kad_status kad_tempering_swap(kad_ctx *ctx, kad_tempering *tempering,
                                           int64_t draw);

/* --- tempering_state.c: for the table of operations --- */

kad_status kad_tempering_save(kad_ctx *ctx, const void *self, kad_h5 *file,
                              const char *group);
kad_status kad_tempering_load(kad_ctx *ctx, void *self, kad_h5 *file, const char *group);
void kad_tempering_describe(const void *self, kad_writer *w);

#endif
