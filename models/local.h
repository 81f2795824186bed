/* Markov updates of an action's boundary field, kept next to the action: what samplers
 * "metropolis" and "cluster" (src/sample) call. A tile holds KAD_W_DOUBLE chains in
 * double: x [n_sites][n_comp][KAD_W_DOUBLE]. Every update leaves exp(-S) of the *whole*
 * boundary field invariant, decimated or not. Random numbers are keyed by (step, chain,
 * site) in a stream a kind. */
#ifndef KAD_MODELS_LOCAL_H
#define KAD_MODELS_LOCAL_H

#include "lattice/clusters.h"
#include "models/action.h"

/* Streams of one sampler. */
enum {
    KAD_LOCAL_START,
    KAD_LOCAL_PROPOSE,
    KAD_LOCAL_SPIN,
    KAD_LOCAL_FIELD,
    KAD_LOCAL_AXIS,
    KAD_LOCAL_BOND,
    KAD_LOCAL_FLIP,
    KAD_LOCAL_STREAMS
};

/* Largest number of chains of a sampler and of steps of a chain. */
enum { KAD_LOCAL_CHAIN_BITS = 12, KAD_LOCAL_STEP_BITS = 36 };

/* Names one update of a tile: its step, and the chains first_chain + lane, of which the
 * first n_lanes are in use (the others may be left behind, but stay finite). */
typedef struct kad_turn {
    const kad_rng *rng; /* [KAD_LOCAL_STREAMS] */
    uint64_t step, first_chain;
    int n_lanes;
} kad_turn;

struct kad_action_local {
    bool tuned; /* `sweep` proposes moves of adjustable width */
    /* OPTIONAL (NULL: no). Whether the weight has a factor by which `sweep` accepts or
     * refuses what it draws from the rest; `reflect` would then change S. */
    bool (*refuses)(const kad_action *action);
    bool cluster_redraws; /* `cluster` alone redraws everything `sweep` would */
    kad_status (*bonds)(kad_ctx *ctx, const kad_action *action, kad_bonds *out);
    size_t (*scratch_bytes)(const kad_action *action); /* for all below, 64-byte aligned
                                                        */
    /* Cold: ordered; hot: sites independent of each other. */
    void (*start)(const kad_action *action, const kad_turn *turn, bool hot, double *x,
                  void *scratch);
    /* Every site once. Adds accepted moves to accepted [KAD_W_DOUBLE] where some may be
     * refused (tuned, or as `refuses` says); 64-byte aligned. */
    void (*sweep)(const kad_action *action, const kad_turn *turn, double width, double *x,
                  double *accepted, void *scratch);
    /* OPTIONAL. Over-relaxation of every site: S does not change. */
    void (*reflect)(const kad_action *action, double *x);
    /* n_moves cluster moves, each along a random direction. */
    void (*cluster)(const kad_action *action, const kad_turn *turn,
                    const kad_bonds *bonds, int n_moves, double *x, void *scratch);
    /* S [KAD_W_DOUBLE] as the other samplers report it (sample/sampler.h). */
    void (*value)(const kad_action *action, const double *x, double *S, void *scratch);
};

/* One embedded move of a tile s [n_sites][n_comp][KAD_W_DOUBLE]: the components along a
 * random axis of every chain change sign cluster by cluster, weight exp(k sum_b J_b
 * s_i.s_j). `move` counts the moves of all steps. work: kad_local_move_bytes, 64-byte
 * aligned. */
size_t kad_local_move_bytes(int n_sites);
void kad_local_move(const kad_turn *turn, uint64_t move, int n_sites, int n_comp,
                    const kad_bonds *bonds, double k, double *s, void *work);

/* n_moves of them, those of the step of `turn`, in a uniform field: weight exp(k sum_b J_b
 * s_i.s_j + h sum_i s_i^1). The field is a bond of every vector to a ghost, (h/k) e_1, behind
 * the others in s, which is reflected with its cluster; in the end all are reflected so that it
 * is where it was (Dotsenko, Selke, Talapov, Physica A 170 (1991) 278). bonds: with those of
 * the ghost (kad_bonds_add_ghost); nothing is done where k = 0. work: of n_sites + 1. */
void kad_local_moves_in_field(const kad_turn *turn, int n_moves, int n_sites, int n_comp,
                              const kad_bonds *bonds, double k, double h, double *s,
                              void *work);

#endif
