#include "flow/nets/mlp.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static kad_dense add_layer(kad_stage *stage, size_t origin, const char *prefix, int index,
                           int n_out, int n_in, bool bias)
{
    char name[KAD_NAME_MAX];
    kad_dense l = {.n_in = n_in, .n_out = n_out, .b = SIZE_MAX};
    snprintf(name, sizeof name, "%sw%d", prefix, index);
    l.w = kad_stage_add_tensor(stage, name, n_out, n_in) - origin;
    if (bias) {
        snprintf(name, sizeof name, "%sb%d", prefix, index);
        l.b = kad_stage_add_tensor(stage, name, n_out, 1) - origin;
    }
    return l;
}

void kad_mlp_lay_out(const kad_mlp_shape *shape, const char *prefix, int n_in, int n_odd,
                     int n_even, kad_stage *stage, kad_mlp *net)
{
    memset(net, 0, sizeof *net);
    net->theta = stage->n_theta;
    net->n_hidden = shape->n_hidden;
    net->activation = shape->equivariant ? KAD_TANH : shape->activation;
    net->square = shape->equivariant && n_even > 0;
    for (int k = 0; k < shape->n_hidden; k++) {
        net->hidden[k] = add_layer(stage, net->theta, prefix, k + 1, shape->width[k],
                                   n_in, !shape->equivariant);
        n_in = shape->width[k];
        net->n_features += n_in * (net->activation == KAD_SILU ? 2 : 1);
    }
    if (net->square) net->n_features += n_in;
    if (n_odd > 0)
        net->head_t =
            add_layer(stage, net->theta, "t_", 0, n_odd, n_in, !shape->equivariant);
    if (n_even > 0)
        net->head_a = add_layer(stage, net->theta, "s_", 0, n_even, n_in, true);
    net->n_theta = stage->n_theta - net->theta;
}

static void init_layer(const kad_mlp *net, const kad_dense *l, double gain, kad_rng rng,
                       uint32_t stream, double *theta)
{
    for (size_t i = 0; i < (size_t)l->n_out * (size_t)l->n_in; i++) {
        double two[2];
        const size_t at = net->theta + l->w + i;
        kad_rng_normal2(rng, stream, at, 0, two);
        theta[at] = gain * two[0] / sqrt(l->n_in);
    }
}

void kad_mlp_init(const kad_mlp_shape *shape, const kad_mlp *net, kad_rng rng,
                  uint32_t stream, double *theta)
{
    const double last = shape->zero_last ? 0.0 : 0.1;
    memset(theta + net->theta, 0, net->n_theta * sizeof *theta);
    for (int k = 0; k < net->n_hidden; k++)
        init_layer(net, &net->hidden[k], 1.0, rng, stream, theta);
    init_layer(net, &net->head_t, last, rng, stream, theta);
    init_layer(net, &net->head_a, last, rng, stream, theta);
}
