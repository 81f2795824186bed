/* Affine coupling with a masked multilayer perceptron, on a list of applications that
 * share weights.
 *
 *   y_T = z_T * exp(s(z_S)) + t(z_S),   s = c tanh(a(z_S)),   ld = sum over targets of s
 *
 * S: n_src source rows, T: n_tgt target rows of one application (row = site * n_comp +
 * component). Targets of all applications are disjoint, and no source of the stage is a
 * target of it, so all applications commute. Masked inputs and outputs are never
 * computed: the net maps n_src -> widths -> n_tgt (t) and n_tgt (a). `split`: separate
 * nets for t and a (Real NVP as in 1802.02840); otherwise one net with two heads.
 * `equivariant`: no hidden biases, tanh, t linear and odd, a even (a head on squared
 * features): f(-z) = -f(z).
 *
 * Source: Dinh, Sohl-Dickstein, Bengio, arXiv:1605.08803.
 *
 * This folder holds the bijectors (flow/stage.h), each a file and a line in registry.c:
 * coupling, stencil, haar, rotation, scale, spectrum. sites: index lists that they copy;
 * examples: small instances for the conformance suite. */
#ifndef KAD_FLOW_BIJECTORS_COUPLING_H
#define KAD_FLOW_BIJECTORS_COUPLING_H

#include "flow/stage.h"

#include <stdbool.h>

typedef enum kad_activation { KAD_ELU, KAD_TANH, KAD_SILU, KAD_RELU } kad_activation;

enum { KAD_MLP_MAX_LAYERS = 8 };

typedef struct kad_mlp_shape {
    int n_hidden; /* hidden layers, 0 .. KAD_MLP_MAX_LAYERS */
    int width[KAD_MLP_MAX_LAYERS];
    kad_activation activation;
    bool split, equivariant;
    double scale_init; /* initial c */
    bool zero_last;    /* last layers start at zero: the coupling starts as identity */
} kad_mlp_shape;

/* rows [n_apps][n_src + n_tgt]: sources first. Copied. Errors: KAD_ENOMEM, KAD_ECONFIG.
 */
KAD_MUST_USE kad_status kad_coupling_create(kad_ctx *ctx, int n_rows, int n_comp,
                                            const kad_mlp_shape *shape, int n_src,
                                            int n_tgt, int n_apps, const int *rows,
                                            kad_stage *out);

extern const kad_bijector_ops kad_coupling_ops;
extern const kad_bijector_kern kad_coupling_kern_f32, kad_coupling_kern_f64;

/* Internal layout, shared with the kernels. */
typedef struct kad_dense {
    int n_in, n_out;
    size_t w, b; /* offsets of w [n_out][n_in] and b [n_out] in the net's theta; SIZE_MAX:
                  * no bias */
} kad_dense;

typedef struct kad_mlp {
    size_t theta, n_theta; /* its part of the stage's */
    int n_hidden;
    kad_dense hidden[KAD_MLP_MAX_LAYERS];
    kad_dense head_t, head_a; /* n_out = 0: absent */
    bool square;              /* head_a reads squared features */
    kad_activation activation;
    int n_features; /* rows of stored activations */
} kad_mlp;

typedef struct kad_coupling {
    int n_src, n_tgt, n_apps;
    int *rows;
    int n_nets;
    kad_mlp net[2];
    size_t c; /* offset of c [n_tgt] */
    kad_mlp_shape shape;
    int max_width;
} kad_coupling;

#endif
