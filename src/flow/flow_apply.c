/* A flow on one tile: its stages in order. */
#include "flow/flow.h"

static const void *packed_of(const kad_stage *s, kad_prec prec, const void *packed)
{
    return (const char *)packed + s->packed[prec];
}

void kad_flow_pack(const kad_flow *flow, kad_prec prec, const double *theta, void *packed)
{
    for (int i = 0; i < flow->n_stages; i++) {
        const kad_stage *s = &flow->stages[i];
        s->ops->kern[prec]->pack(s, theta + s->theta, (char *)packed + s->packed[prec]);
    }
}

void kad_flow_generate(const kad_flow *flow, kad_prec prec, const void *packed, void *x,
                       double *ld, void *scratch)
{
    kad_flow_prior_wrap(flow, prec, x);
    for (int i = 0; i < flow->n_stages; i++) {
        const kad_stage *s = &flow->stages[i];
        s->ops->kern[prec]->generate(s, packed_of(s, prec, packed), x, ld, scratch);
    }
}

void kad_flow_infer(const kad_flow *flow, kad_prec prec, const void *packed, void *x,
                    double *ld, void *scratch)
{
    for (int i = flow->n_stages - 1; i >= 0; i--) {
        const kad_stage *s = &flow->stages[i];
        s->ops->kern[prec]->infer(s, packed_of(s, prec, packed), x, ld, scratch);
    }
}

static void *slice(const kad_stage *s, kad_prec prec, void *dtheta)
{
    const size_t size = prec == KAD_SINGLE ? sizeof(float) : sizeof(double);
    return dtheta ? (char *)dtheta + s->theta * size : NULL;
}

void kad_flow_generate_adjoint(const kad_flow *flow, kad_prec prec, const void *packed,
                               void *x, void *g, double gl, void *dtheta, double *ld,
                               void *scratch)
{
    for (int i = flow->n_stages - 1; i >= 0; i--) {
        const kad_stage *s = &flow->stages[i];
        s->ops->kern[prec]->generate_adjoint(s, packed_of(s, prec, packed), x, g, gl,
                                             slice(s, prec, dtheta), ld, scratch);
    }
}

void kad_flow_infer_adjoint(const kad_flow *flow, kad_prec prec, const void *packed,
                            void *x, void *g, double gl, void *dtheta, double *ld,
                            void *scratch)
{
    for (int i = 0; i < flow->n_stages; i++) {
        const kad_stage *s = &flow->stages[i];
        s->ops->kern[prec]->infer_adjoint(s, packed_of(s, prec, packed), x, g, gl,
                                          slice(s, prec, dtheta), ld, scratch);
    }
}
