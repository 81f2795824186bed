/* Work of a flow: what one sample needs, counted from the layout of its couplings (masked
 * inputs and outputs never computed) and from the formulas of nets and transforms. Together
 * with the measured peaks: the floor. */
#ifndef KAD_BENCH_WORK_H
#define KAD_BENCH_WORK_H

#include "flow/flow.h"

typedef struct kad_work {
    double fma;   /* multiply-adds, and single products and sums, which take as long */
    double exps;  /* exponentials, logarithms */
    double roots; /* reciprocals, reciprocal square roots */
} kad_work;

/* a + s b */
kad_work kad_work_add(kad_work a, double s, kad_work b);

/* One pass of generate (or infer). Other bijectors than couplings count as nothing: the
 * floor is low. */
kad_work kad_work_generate(const kad_flow *flow);
/* The adjoint that generates a field with the score of ln q: nets, transforms and their
 * transposes. */
kad_work kad_work_score(const kad_flow *flow);
/* The adjoint that infers: the same and, with weights, the outer products. */
kad_work kad_work_adjoint(const kad_flow *flow, int with_weights);

#endif
