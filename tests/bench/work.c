#include "work.h"

#include "flow/bijectors/coupling.h"
#include "flow/bijectors/stencil.h"

static double mlp_fma(const kad_mlp *net)
{
    double n = 0;
    for (int k = 0; k < net->n_hidden; k++)
        n += (double)net->hidden[k].n_in * net->hidden[k].n_out;
    return n + (double)net->head_t.n_in * net->head_t.n_out +
           (double)net->head_a.n_in * net->head_a.n_out;
}

static kad_work coupling_work(const kad_coupling *c)
{
    kad_work w = {0, 2.0 * c->n_tgt}; /* tanh of the log-scale, exp */
    for (int m = 0; m < c->n_nets; m++) {
        w.fma += mlp_fma(&c->net[m]);
        for (int k = 0; k < c->net[m].n_hidden; k++)
            w.exps += c->net[m].hidden[k].n_out;
    }
    return (kad_work){w.fma * c->n_parts, w.exps * c->n_parts};
}

static kad_work stencil_work(const kad_stencil *e, int n_comp)
{
    const double net = n_comp * ((double)e->n_sources * (e->n_hidden + e->n_odd) +
                                 (double)e->n_hidden * e->n_odd) +
                       (double)e->n_hidden * e->n_even;
    return (kad_work){net * e->n_parts, 3.0 * e->n_parts};
}

kad_work kad_work_generate(const kad_flow *flow)
{
    kad_work total = {0, 0};
    for (int i = 0; i < flow->n_stages; i++) {
        const kad_stage *s = &flow->stages[i];
        kad_work w = {0, 0};
        if (s->ops == &kad_coupling_ops)
            w = coupling_work(s->self);
        else if (s->ops == &kad_stencil_ops)
            w = stencil_work(s->self, s->n_comp);
        total.fma += w.fma;
        total.exps += w.exps;
    }
    return total;
}

kad_work kad_work_adjoint(const kad_flow *flow, int with_weights)
{
    kad_work w = kad_work_generate(flow);
    w.fma *= with_weights ? 3 : 2;
    return w;
}
