/* Coupling of rows: a multilayer perceptron (flow/nets/mlp.h) times a transform of one
 * component (flow/transforms), on a list of parts that share weights.
 *
 *   y_j = f(z_j; O_j(z_S), E_j(z_S)),  j in T,   ld = sum over targets of ln |dy_j/dz_j|
 *
 * S: n_src source rows, T: n_tgt target rows of a part (row = site * n_comp + component).
 * Targets of all parts are disjoint, and no source of the stage is a target of it, so all
 * parts commute. Masked inputs and outputs are never computed: the net maps n_src ->
 * widths -> n_odd n_tgt and n_even n_tgt. `split`: separate nets for odd and even
 * parameters (Real NVP as in 1802.02840), for transforms that come apart so; otherwise one
 * net with two heads. `equivariant`: f(-z) = -f(z).
 *
 * Tensors: those of the nets; scale [n_tgt n_own], what the transform learns itself.
 *
 * Source: Dinh, Sohl-Dickstein, Bengio, arXiv:1605.08803.
 *
 * This folder holds the bijectors (flow/stage.h), each a file and a line in registry.c:
 * coupling, stencil, ode, haar, rotation, scale, spectrum. sites: index lists that they
 * copy; modes: orbits of momenta; rk: a Runge-Kutta method; ode_kern: what the kernels of ode
 * share; examples: small instances for the conformance suite. */
#ifndef KAD_FLOW_BIJECTORS_COUPLING_H
#define KAD_FLOW_BIJECTORS_COUPLING_H

#include "flow/nets/mlp.h"
#include "flow/stage.h"
#include "flow/transforms/transform.h"

/* rows [n_parts][n_src + n_tgt]: sources first. Copied. Errors: KAD_ENOMEM; KAD_ECONFIG, for
 * sizes, and a net for each head of a transform that does not come apart. */
KAD_MUST_USE kad_status kad_coupling_create(kad_ctx *ctx, int n_rows, int n_comp,
                                            const kad_mlp_shape *shape,
                                            const kad_transform_ops *transform, int n_src,
                                            int n_tgt, int n_parts, const int *rows,
                                            kad_stage *out);
/* The largest quartic coupling that the width of q4t can follow (flow.quartic); 1 after
 * creation. */
void kad_coupling_set_quartic(kad_stage *stage, double quartic);

extern const kad_bijector_ops kad_coupling_ops;
extern const kad_bijector_kern kad_coupling_kern_f32, kad_coupling_kern_f64;

/* Internal layout, shared with the kernels. */
typedef struct kad_coupling {
    const kad_transform_ops *transform;
    double quartic;
    int n_src, n_tgt, n_parts;
    int n_odd, n_even; /* outputs of the nets: those of the transform, each for n_tgt */
    int *rows;
    int *away; /* rows where the sources' cotangents go, as rows; NULL: rows */
    int n_nets;
    kad_mlp net[2];
    size_t own; /* offset of scale, the last tensor */
    kad_mlp_shape shape;
    int max_width;
} kad_coupling;

#endif
