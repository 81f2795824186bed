/* Generation cones: when one latent changes, only the parts it can reach are
 * computed again.
 *
 * The generation is unrolled into assignments: every value a row takes on its way from
 * latent to field has a *slot* of its own (a row of KAD_W_DOUBLE chains), and so has the
 * ln|det| of every part. A part reads the slots of its sources and the
 * target's slot before, and fills the target's slot after. A changed latent dirties
 * slots, a dirty slot the parts that read it: one walk over the stages finds them
 * in order. Nothing is accumulated, so that after any number of moves the slots are what
 * a full generation from the latents gives, to the bit.
 *
 * Stages that do not come apart (ops->parts is NULL: a Fourier base) and all that
 * follow are the *tail*: the whole tile as one part, in every cone.
 *
 * Slots: 0 .. n_rows - 1 hold the field. All numbers are double. */
#ifndef KAD_FLOW_CONE_H
#define KAD_FLOW_CONE_H

#include "base/memory.h"
#include "flow/flow.h"
#include "flow/parts.h"

#include <stdint.h>

typedef struct kad_cone_stage {
    const kad_stage *stage;
    kad_parts parts;
    int *slots;        /* [n_parts][n_src + 2 n_tgt]: sources, targets before and after */
    int ld;            /* slot of the first part's ln|det|; -1: constant */
    int *first, *list; /* parts that row r is in: list[first[r]] .. first[r + 1] */
} kad_cone_stage;

typedef struct kad_cone {
    const kad_flow *flow;
    int n_stages; /* that come apart: flow->stages[0 .. n_stages - 1] */
    kad_cone_stage *stages;
    int tail;    /* slot of row 0 before the tail; -1: no tail */
    int tail_ld; /* slot of its ln|det| */
    int *z_slot; /* [n_rows] */
    int n_slots;
    int n_tile;    /* rows of the largest part */
    int max_parts; /* of a stage */
    size_t scratch_bytes;
    int64_t tail_evaluations; /* of the tail: its parts, and the number of sites
                                 for every stage that does not come apart */
    int64_t n_evaluations;    /* of a full generation */
} kad_cone;

/* flow is borrowed. Errors: KAD_ENOMEM; *out is then NULL. */
KAD_MUST_USE kad_status kad_cone_create(kad_ctx *ctx, const kad_flow *flow,
                                        kad_cone **out);
void kad_cone_destroy(kad_cone *cone);
KAD_LOCAL_OF(kad_cone, kad_cone_destroy)

/* The slots of one tile of chains: one for every thread. */
typedef struct kad_cone_state {
    const kad_cone *cone;
    const void *packed;  /* the flow's, in double */
    double *slots, *old; /* [n_slots][KAD_W_DOUBLE]: now, and before the last move where
                            it wrote */
    int n_written, *written; /* slots */
    int n_rows, *rows;       /* dirty rows of the last move */
    int n_sites, *sites;     /* sites of the field that it changed */
    uint8_t *changed;        /* [sites of the lattice] */
    uint64_t turn;           /* tells the marks of one walk or stage from others */
    uint64_t *row_mark, *part_mark;
    double *tile;
    void *scratch;
    void *block; /* all of the above */
} kad_cone_state;

size_t kad_cone_state_bytes(const kad_cone *cone);
/* packed: the flow's parameters in double (kad_flow_pack), borrowed; NULL: only
 * kad_cone_count will be called. Errors: KAD_ENOMEM; *out is then NULL. */
KAD_MUST_USE kad_status kad_cone_state_create(kad_ctx *ctx, const kad_cone *cone,
                                              const void *packed, kad_cone_state **out);
void kad_cone_state_destroy(kad_cone_state *state);
KAD_LOCAL_OF(kad_cone_state, kad_cone_state_destroy)

/* A full generation from z [n_rows][KAD_W_DOUBLE]. The field is state->slots. */
void kad_cone_begin(kad_cone_state *state, const double *z);
/* The latents of a site become z [n_comp][KAD_W_DOUBLE]: the field and every slot follow.
 * dld[KAD_W_DOUBLE] = ln|det| after - before. Returns the evaluations of parts.
 * sites and changed name what changed in the field; state->old, indexed as the field,
 * holds its former values there. To be followed by kad_cone_settle. */
int64_t kad_cone_move(kad_cone_state *state, int site, const double *z, double *dld);
/* Lanes with keep[lane] take the move, the others go back. */
void kad_cone_settle(kad_cone_state *state, const uint8_t *keep);
/* z [n_rows][KAD_W_DOUBLE] of now. */
void kad_cone_latents(const kad_cone_state *state, double *z);
/* Evaluations a move of this site's latents would cost; nothing is computed. */
int64_t kad_cone_count(kad_cone_state *state, int site);

#endif
