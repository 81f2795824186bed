/* O(n)-equivariant stencil coupling: every part transforms the field at one target
 * site given F source sites; all parts share one pointwise net.
 *
 * Net, from source vectors X_f in R^n (n components), H hidden vectors:
 *   v = W1 X,  o = v/sqrt(1 + |v|^2),  e = 1/(1 + |v|^2)        (no bias)
 *   odd outputs  (vectors)  O = Wl X + Wo o
 *   even outputs (scalars)  E = b + We e
 * Odd outputs rotate with the field, even ones do not change: the stage commutes with
 * O(n).
 *
 * The target goes through a transform (flow/transforms) whose parameters are O and E, ld
 * summed over parts.
 *
 * With F = 0 only the biases b remain: the same transform of every target (lfa: a ring
 * for the top site).
 *
 * Tensors: w1 [H][F], wl [n_odd][F], wo [n_odd][H], we [n_even][H], b [n_even]; scale
 * [n_own], what the transform learns beside them. Start: W1 ~ 1.5 N(0, 1)/sqrt(F), Wl the
 * transform's width times N(0, 1)/sqrt(F) (0 of a clock's powers), b and scale the transform's start, the rest 0:
 * close to the identity.
 */
#ifndef KAD_FLOW_BIJECTORS_STENCIL_H
#define KAD_FLOW_BIJECTORS_STENCIL_H

#include "flow/stage.h"
#include "flow/transforms/transform.h"

#include <stdbool.h>

/* sites [n_parts][n_sources + 1], target last; targets are distinct and no source is a
 * target; a source may be named twice. Copied. n_hidden is ignored when n_sources = 0.
 * Errors: KAD_EUSAGE (sites, sizes, more components than the transform has), KAD_ENOMEM; on
 * failure *out owns nothing. */
KAD_MUST_USE kad_status kad_stencil_create(kad_ctx *ctx, const kad_lattice *lattice,
                                           int n_comp, const kad_transform_ops *transform,
                                           int n_hidden, int n_sources, int n_parts,
                                           const int *sites, kad_stage *out);

/* What a net reads beside the sources, where the action turns with a frame of its own. */
typedef struct kad_frame {
    bool axis; /* the unit vector e_1: an external field along it, or no global sign */
    int clock; /* p: a term of cos(p theta), directions in the plane. To every source s = e^{i
                   theta} comes s^{*(p-1)}, which turns like s under rotations by 2 pi/p */
    bool
        turned; /* phases of bonds, directions in the plane: i s comes to every source s, so that
                    weights are complex and nothing is the same for reflections */
} kad_frame;
/* The same with a frame; F counts these sources, too. Clock and turned sources only with
 * transforms of directions. */
KAD_MUST_USE kad_status kad_stencil_create_in(kad_ctx *ctx, const kad_lattice *lattice,
                                              int n_comp,
                                              const kad_transform_ops *transform,
                                              kad_frame frame, int n_hidden,
                                              int n_sources, int n_parts,
                                              const int *sites, kad_stage *out);

/* The stage's number: the largest quartic coupling that the width of q4t can follow
 * (flow.quartic), p of fold; 1 after creation. */
void kad_stencil_set_quartic(kad_stage *stage, double quartic);

extern const kad_bijector_ops kad_stencil_ops;
extern const kad_bijector_kern kad_stencil_kern_f32, kad_stencil_kern_f64;

/* Shared with the kernels. Offsets of tensors in the stage's theta. */
typedef struct kad_stencil {
    const kad_transform_ops *transform;
    kad_frame frame;
    int n_hidden, n_sources, n_parts;
    int n_inputs;      /* of the net: sources, their powers, turned ones, the axis */
    int n_odd, n_even; /* outputs of the net; no odd ones without sources */
    int *sites;
    int *
        away; /* [n_parts][n_sources + 1] where the sources' cotangents go; NULL: sites */
    double quartic;
    size_t w1, wl, wo, we, b, own; /* own: only if the transform has any */
} kad_stencil;

/* Scratch of the kernels. */
size_t kad_stencil_scratch_f32(const kad_stage *stage);
size_t kad_stencil_scratch_f64(const kad_stage *stage);

#endif
