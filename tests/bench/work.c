#include "work.h"

#include "flow/bijectors/coupling.h"
#include "flow/bijectors/stencil.h"

#include <string.h>

static double mlp_fma(const kad_mlp *net)
{
    double n = 0;
    for (int k = 0; k < net->n_hidden; k++)
        n += (double)net->hidden[k].n_in * net->hidden[k].n_out;
    return n + (double)net->head_t.n_in * net->head_t.n_out +
           (double)net->head_a.n_in * net->head_a.n_out;
}

/* Which operations of a coupling are counted. */
typedef enum pass { GENERATE, SCORE, ADJOINT, ADJOINT_WEIGHTS } pass;

kad_work kad_work_add(kad_work a, double s, kad_work b)
{
    return (kad_work){a.fma + s * b.fma, a.exps + s * b.exps, a.roots + s * b.roots};
}

/* Nets only: their transforms' arithmetic beside the exponential is not counted. */
static kad_work coupling_work(const kad_coupling *c, pass p)
{
    const double times[] = {1, 2, 2, 3};
    kad_work w = {.exps = 2.0 * c->n_tgt}; /* tanh of the log-scale, exp */
    for (int m = 0; m < c->n_nets; m++) {
        w.fma += times[p] * mlp_fma(&c->net[m]);
        for (int k = 0; k < c->net[m].n_hidden; k++)
            w.exps += c->net[m].hidden[k].n_out;
    }
    return kad_work_add((kad_work){0}, c->n_parts, w);
}

/* What a transform takes of one target in R^n, by its formulas (flow/transforms): at + n
 * by_comp. */
typedef struct transform_work {
    const char *name;
    struct {
        kad_work at, by_comp;
    } pass[3]; /* GENERATE, SCORE, ADJOINT */
} transform_work;

static const transform_work transforms[] = {
    /* softplus, three exponentials and the logarithm, what u fixes, the map; then the
     * sigmoid, e^-s, 1/Q, solve and parameters; down has |w|^2 by a root and a quotient */
    {"lfa",
     {{{26, 4, 1}, {4, 0, 0}}, {{62, 4, 4}, {14, 0, 0}}, {{62, 4, 6}, {12, 0, 0}}}},
    {"q4t", {{{20, 3, 3}, {0, 0, 0}}, {{46, 3, 6}, {0, 0, 0}}, {{48, 3, 7}, {0, 0, 0}}}},
};

static kad_work transform_of(const char *name, int n, pass p)
{
    const int k = p == ADJOINT_WEIGHTS ? ADJOINT : (int)p;
    for (size_t i = 0; i < sizeof transforms / sizeof *transforms; i++)
        if (strcmp(transforms[i].name, name) == 0)
            return kad_work_add(transforms[i].pass[k].at, n,
                                transforms[i].pass[k].by_comp);
    return (kad_work){0}; /* the floor is low */
}

static kad_work stencil_work(const kad_stencil *e, int n, pass p)
{
    const double times[] = {1, 2, 2, 3}, H = e->n_inputs > 0 ? e->n_hidden : 0;
    const double net =
        n * ((double)e->n_inputs * (H + e->n_odd) + H * e->n_odd) + H * e->n_even;
    kad_work w = {.fma = times[p] * net + H * (2 * n + 1), .roots = H};
    if (p != GENERATE) w.fma += H * (3 * n + 2);
    return kad_work_add((kad_work){0}, e->n_parts,
                        kad_work_add(w, 1, transform_of(e->transform->name, n, p)));
}

static kad_work work_of(const kad_flow *flow, pass p)
{
    kad_work total = {0};
    for (int i = 0; i < flow->n_stages; i++) {
        const kad_stage *s = &flow->stages[i];
        if (s->ops == &kad_coupling_ops)
            total = kad_work_add(total, 1, coupling_work(s->self, p));
        else if (s->ops == &kad_stencil_ops)
            total = kad_work_add(total, 1, stencil_work(s->self, s->n_comp, p));
    }
    return total;
}

kad_work kad_work_generate(const kad_flow *flow)
{
    return work_of(flow, GENERATE);
}

kad_work kad_work_score(const kad_flow *flow)
{
    return work_of(flow, SCORE);
}

kad_work kad_work_adjoint(const kad_flow *flow, int with_weights)
{
    return work_of(flow, with_weights ? ADJOINT_WEIGHTS : ADJOINT);
}
