/* Work of a flow: multiply-adds and exponentials one sample needs, counted from the
 * layout of its couplings (masked inputs and outputs never computed). Together with the
 * measured peaks: the floor. */
#ifndef KAD_BENCH_WORK_H
#define KAD_BENCH_WORK_H

#include "flow/flow.h"

typedef struct kad_work {
    double fma, exps;
} kad_work;

/* One pass of generate (or infer). Other bijectors than couplings count as nothing: the
 * floor is low. */
kad_work kad_work_generate(const kad_flow *flow);
/* One reversible adjoint: the nets again, their transposes and, with weights, the outer
 * products. */
kad_work kad_work_adjoint(const kad_flow *flow, int with_weights);

#endif
