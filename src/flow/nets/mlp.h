/* Multilayer perceptrons: nets that read a transform's parameters (flow/transforms) off the
 * sources of a coupling.
 *
 * This folder holds the nets: multilayer perceptrons on a list of rows, mlp and mlp_kern,
 * made of the products of dense_kern; and nets on the sites around a target that turn with
 * the field, equivariant_kern, made of those of rows_kern and of heads_kern. A net fills rows of odd and even
 * parameters, lanes innermost; its adjoint takes their cotangents, adds those of the
 * sources, and sums gradients of the weights with lanes apart. It runs again in an adjoint,
 * on sources that a coupling leaves as they are. Nets are inlined into the kernels of the
 * coupling they serve.
 *
 * A multilayer perceptron maps n_in rows -> widths -> odd and even outputs, each a layer
 * of its own (a head). Plain: any activation, biases. Equivariant under the global sign: no
 * hidden biases, tanh; odd outputs linear without bias, even ones read squared features. */
#ifndef KAD_FLOW_NETS_MLP_H
#define KAD_FLOW_NETS_MLP_H

#include "flow/stage.h"

#include <stdbool.h>

typedef enum kad_activation { KAD_ELU, KAD_TANH, KAD_SILU, KAD_RELU } kad_activation;

enum { KAD_MLP_MAX_LAYERS = 8 };

typedef struct kad_mlp_shape {
    int n_hidden; /* hidden layers, 0 .. KAD_MLP_MAX_LAYERS */
    int width[KAD_MLP_MAX_LAYERS];
    kad_activation activation;
    bool split, equivariant; /* split: a net for each head */
    double scale_init; /* start of what the transform learns itself: c of `bounded` */
    bool zero_last;    /* last layers start at zero: the coupling starts as identity */
} kad_mlp_shape;

typedef struct kad_dense {
    int n_in, n_out;
    size_t w, b; /* offsets of w [n_out][n_in] and b [n_out] in the net's theta; SIZE_MAX:
                  * no bias */
} kad_dense;

typedef struct kad_mlp {
    size_t theta, n_theta; /* its part of the stage's */
    int n_hidden;
    kad_dense hidden[KAD_MLP_MAX_LAYERS];
    kad_dense head_t, head_a; /* odd and even outputs; n_out = 0: absent */
    bool square;              /* head_a reads squared features */
    kad_activation activation;
    int n_features; /* rows of stored activations */
} kad_mlp;

/* Lay a net out, its tensors added to the stage with names that begin with `prefix`: n_odd
 * and n_even outputs. What runs out of memory shows in stage->tensors, NULL then. */
void kad_mlp_lay_out(const kad_mlp_shape *shape, const char *prefix, int n_in, int n_odd,
                     int n_even, kad_stage *stage, kad_mlp *net);
/* Weights N(0, gain^2 / n_in), gain 1 in hidden layers and 0 or 0.1 in the last, zero
 * biases. theta: the stage's. */
void kad_mlp_init(const kad_mlp_shape *shape, const kad_mlp *net, kad_rng rng,
                  uint32_t stream, double *theta);

#endif
