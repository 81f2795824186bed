/* A flow in shares, which several threads do of one tile at once.
 *
 * A stage of many parts (flow/parts.h) becomes a few shares: stages of ranges of its parts,
 * with its parameters. They write targets of their own and read sources that none of them
 * writes, but for an adjoint, which adds to the sources' cotangents. Where a row is a source
 * of several shares the first adds to the row itself, and each of the others to a row of its
 * own behind the tile's. These, the gradients of the parameters and the log-determinants are
 * then added in the order of the shares. What comes out depends on the shares, not on who
 * does them, and differs from what the flow itself gives by roundings alone. */
#ifndef KAD_FLOW_SHARES_H
#define KAD_FLOW_SHARES_H

#include "base/memory.h"
#include "flow/flow.h"
#include "flow/transforms/transform.h"

typedef struct kad_shares kad_shares;

/* Stages in at most `most` shares (<= KAD_SHARES_MAX, base/share.h) of at least `least` parts,
 * for a share costs some time beside its parts. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_shares_create(kad_ctx *ctx, const kad_flow *flow, int most,
                                          int least, kad_shares **out);
void kad_shares_destroy(kad_shares *shares);
KAD_LOCAL_OF(kad_shares, kad_shares_destroy)

/* The most shares of a stage: threads that find work at a tile. */
int kad_shares_most(const kad_shares *shares);
/* The part of a tile's work, counted in parts of stages, that the busiest of n_threads at it
 * has to do. */
double kad_shares_busiest(const kad_shares *shares, int n_threads);
/* Rows of a tile of cotangents, with those behind it. */
int kad_shares_rows(const kad_shares *shares);
/* Bytes of the shares' own sums. */
size_t kad_shares_sums_bytes(const kad_shares *shares, kad_prec prec);

/* Threads at a tile: the one that has it, and those that help by the board (NULL: none). */
typedef struct kad_hands {
    struct kad_board *board; /* base/share.h */
    int thread;
    void *const *scratch; /* by thread, flow->scratch_bytes[prec] each */
    void *sums;           /* kad_shares_sums_bytes, of this tile */
} kad_hands;

/* The flow's operation on a tile, as kad_flow_generate, kad_flow_infer and their adjoints.
 * g [kad_shares_rows][lanes]; NULL without an adjoint. */
void kad_shares_apply(const kad_shares *shares, const kad_hands *hands,
                      kad_operation operation, kad_prec prec, const void *packed, void *x,
                      void *g, double gl, void *dtheta, double *ld);

#endif
