/* O(n)-equivariant stencil coupling: every application transforms the field at one target
 * site given F source sites; all applications share one pointwise net.
 *
 * Net, from source vectors X_f in R^n (n components), H hidden vectors:
 *   v = W1 X,  o = v/sqrt(1 + |v|^2),  e = 1/(1 + |v|^2)        (no bias)
 *   odd outputs  (vectors)  O = Wl X + Wo o
 *   even outputs (scalars)  E = b + We e
 * Odd outputs rotate with the field, even ones do not change: the stage commutes with
 * O(n).
 *
 * Transform of the target, y = f(z; O, E), ld = ln|det dy/dz| summed over applications:
 *   affine  any n   O = t;            E = s               affine_kern.h
 *   q4t     n = 1   O = t, eps;       E = s, rho          q4t_kern.h
 *   lfa     any n   O = t, eps, v;    E = s, rho1..rho3   lfa_kern.h
 *           (n = 1: no v, no rho3)
 * With F = 0 only the biases b remain: the same transform of every target (lfa: a ring
 * for the top site).
 *
 * Tensors: w1 [H][F], wl [n_odd][F], wo [n_odd][H], we [n_even][H], b [n_even]. Start:
 * W1 ~ 1.5 N(0, 1)/sqrt(F), b = the transform's start, the rest 0: close to the identity.
 */
#ifndef KAD_FLOW_BIJECTORS_STENCIL_H
#define KAD_FLOW_BIJECTORS_STENCIL_H

#include "flow/stage.h"

typedef enum kad_transform {
    KAD_TRANSFORM_AFFINE,
    KAD_TRANSFORM_Q4T,
    KAD_TRANSFORM_LFA
} kad_transform;

enum { KAD_STENCIL_MAX_ODD = 3, KAD_STENCIL_MAX_EVEN = 4 };

/* sites [n_apps][n_sources + 1], target last; targets are distinct and no source is a
 * target; a source may be named twice. Copied. n_hidden is ignored when n_sources = 0.
 * Errors: KAD_EUSAGE (sites, sizes, q4t with n_comp != 1, n_comp > 3), KAD_ENOMEM; on
 * failure *out owns nothing. */
KAD_MUST_USE kad_status kad_stencil_create(kad_ctx *ctx, const kad_lattice *lattice,
                                           int n_comp, kad_transform kind, int n_hidden,
                                           int n_sources, int n_apps, const int *sites,
                                           kad_stage *out);

/* The quartic coupling lambda of q4t's width a = 2 lambda e^{4s} sigmoid(rho); 1 after
 * creation. */
void kad_stencil_set_lambda(kad_stage *stage, double lambda);

extern const kad_bijector_ops kad_stencil_ops;
extern const kad_bijector_kern kad_stencil_kern_f32, kad_stencil_kern_f64;

/* Shared with the kernels. Offsets of tensors in the stage's theta. */
typedef struct kad_stencil {
    kad_transform kind;
    int n_hidden, n_sources, n_apps;
    int n_odd, n_even; /* outputs of the net; no odd ones without sources */
    int *sites;
    double lambda;
    size_t w1, wl, wo, we, b;
} kad_stencil;

/* Scratch of the kernels. */
size_t kad_stencil_scratch_f32(const kad_stage *stage);
size_t kad_stencil_scratch_f64(const kad_stage *stage);

#endif
