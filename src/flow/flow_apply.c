/* A flow on one tile: its stages in order. */
#include "flow/flow.h"

#include <math.h>

static const void *packed_of(const kad_stage *s, kad_prec prec, const void *packed)
{
    return (const char *)packed + s->packed[prec];
}

static void pack(const kad_flow *flow, kad_prec prec, const double *theta, void *packed)
{
    for (int i = 0; i < flow->n_stages; i++) {
        const kad_stage *s = &flow->stages[i];
        s->ops->kern[prec]->pack(s, theta + s->theta, (char *)packed + s->packed[prec]);
    }
}

enum { COARSE = 3, STEPS_MAX = 256 };

/* Steps n for all stages that solve an equation, where the number is not given. */
static void set_steps(const kad_flow *flow, kad_prec prec, void *packed, int n)
{
    for (int i = 0; i < flow->n_stages; i++) {
        const kad_stage *s = &flow->stages[i];
        const kad_solver_ops *solver = s->ops->solver;
        if (solver && !solver->is_given(s))
            solver->set_steps(s, (char *)packed + s->packed[prec], n);
    }
}

/* Mean |ln q - ln q of twice the steps| of n steps at a tile of draws that is always the
 * same, in double. x: a tile. */
static double error_of(const kad_flow *flow, int n, void *packed, void *x, void *scratch)
{
    const kad_rng rng = kad_rng_stream(1, KAD_RNG_EVAL, 1);
    double lnq[KAD_W_MAX], again[KAD_W_MAX], ld[2][KAD_W_MAX] = {{0}}, sum = 0;
    kad_flow_prior_draw(flow, KAD_DOUBLE, rng, 0, 0, x);
    kad_flow_prior_lnp(flow, KAD_DOUBLE, x, lnq);
    set_steps(flow, KAD_DOUBLE, packed, n);
    kad_flow_generate(flow, KAD_DOUBLE, packed, x, ld[0], scratch);
    set_steps(flow, KAD_DOUBLE, packed, 2 * n);
    for (int i = flow->n_stages - 1; i >= 0; i--) {
        const kad_stage *s = &flow->stages[i];
        (s->ops->solver ? s->ops->solver->back : s->ops->kern[KAD_DOUBLE]->infer)(
            s, packed_of(s, KAD_DOUBLE, packed), x, ld[1], scratch);
    }
    kad_flow_prior_lnp(flow, KAD_DOUBLE, x, again);
    for (int l = 0; l < KAD_W_DOUBLE; l++)
        sum += fabs(again[l] + ld[1][l] - lnq[l] + ld[0][l]);
    return sum / KAD_W_DOUBLE;
}

/* The number of steps at which that error is the tolerance, by its order, from n steps. */
static int wanted(const kad_flow *flow, int n, double tolerance, void *packed, void *x,
                  void *scratch)
{
    const double error = error_of(flow, n, packed, x, scratch);
    const double want = ceil(n * pow(error / tolerance, 1.0 / flow->solver->order));
    if (!(want < STEPS_MAX)) return STEPS_MAX;
    return want < COARSE ? COARSE : (int)want;
}

/* Choose the number of steps: measured at COARSE steps and, if many more are wanted, where
 * the order holds, once more at half of those. A function of theta, in double for either
 * precision. Behind the packed parameters there is room for those in double, a tile and
 * scratch. */
static void settle(const kad_flow *flow, kad_prec prec, const double *theta,
                   double tolerance, void *packed)
{
    char *doubles = packed, *x = (char *)packed + flow->settling[prec];
    if (prec == KAD_SINGLE) {
        doubles = x;
        x += flow->settling[KAD_DOUBLE];
        pack(flow, KAD_DOUBLE, theta, doubles);
    }
    char *scratch = x + (size_t)flow->n_rows * KAD_ROW_BYTES;
    int n = wanted(flow, COARSE, tolerance, doubles, x, scratch);
    if (n > 2 * COARSE) n = wanted(flow, (n + 1) / 2, tolerance, doubles, x, scratch);
    set_steps(flow, prec, packed, n);
}

static void pack_to(const kad_flow *flow, kad_prec prec, const double *theta,
                    double factor, void *packed)
{
    pack(flow, prec, theta, packed);
    if (flow->solver && !flow->solver_given)
        settle(flow, prec, theta, factor * kad_flow_tolerance(flow), packed);
}

void kad_flow_pack(const kad_flow *flow, kad_prec prec, const double *theta, void *packed)
{
    pack_to(flow, prec, theta, 1, packed);
}

void kad_flow_pack_rough(const kad_flow *flow, kad_prec prec, const double *theta,
                         void *packed)
{
    pack_to(flow, prec, theta, KAD_FLOW_ROUGH, packed);
}

double kad_flow_tolerance(const kad_flow *flow)
{
    double sum = 0;
    for (int i = 0; i < flow->n_stages; i++)
        sum += flow->stages[i].tolerance;
    return sum;
}

void kad_flow_refine(const kad_flow *flow, kad_prec prec, void *packed, int factor)
{
    for (int i = 0; i < flow->n_stages; i++) {
        const kad_stage *s = &flow->stages[i];
        const kad_solver_ops *solver = s->ops->solver;
        char *own = (char *)packed + s->packed[prec];
        if (solver) solver->set_steps(s, own, factor * solver->steps(s, own));
    }
}

void kad_flow_penalise(const kad_flow *flow, kad_prec prec, void *packed, double kinetic,
                       double jacobian)
{
    for (int i = 0; i < flow->n_stages; i++) {
        const kad_stage *s = &flow->stages[i];
        if (s->ops->solver)
            s->ops->solver->penalise(s, (char *)packed + s->packed[prec], kinetic,
                                     jacobian);
    }
}

int kad_flow_steps(const kad_flow *flow, kad_prec prec, const void *packed)
{
    int most = 0;
    for (int i = 0; i < flow->n_stages; i++) {
        const kad_stage *s = &flow->stages[i];
        if (!s->ops->solver) continue;
        const int n = s->ops->solver->steps(s, packed_of(s, prec, packed));
        if (n > most) most = n;
    }
    return most;
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
