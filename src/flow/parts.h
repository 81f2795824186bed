/* A stage taken apart: independent parts, one small map each on targets of its own.
 *
 * Part k turns rows T_k of the tile into f(z_T; z_S), S_k its source rows; no
 * source of the stage is a target of it, so parts commute. All share one map,
 * `one`: a stage on a tile of n_src + n_tgt rows (sources first), whose kernels run on
 * the packed parameters of the stage itself. */
#ifndef KAD_FLOW_PARTS_H
#define KAD_FLOW_PARTS_H

#include "flow/stage.h"

#include <stdbool.h>

struct kad_parts {
    int n_parts, n_src, n_tgt;
    int *rows;        /* [n_parts][n_src + n_tgt] of the stage's tile, from kad_alloc */
    bool constant_ld; /* ln|det| depends on parameters only; that of `one` is not used */
    kad_stage one;
};

void kad_parts_clear(kad_parts *parts);

/* For the bijectors: sizes and rows of parts listed by sites (sources first), with
 * all n_comp components of each; `one` is left zeroed. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_parts_of_sites(kad_ctx *ctx, int n_comp, int n_parts,
                                           int n_src_sites, int n_tgt_sites,
                                           const int *sites, kad_parts *out);
/* 0, 1, ..., n - 1. */
KAD_MUST_USE kad_status kad_parts_identity(kad_scope *in, int n, int **out);
/* What the creators of stages check sites against: a lattice of n sites, nothing else. */
kad_lattice kad_parts_lattice(int n_sites);

#endif
