/* A Moebius map between two axes: moves angles that are there already (n = 2).
 *
 *   s' = axis(v2, rho2) of moebius(e^{s0} v0) of axis(v1, rho1) of s = z/|z|,
 *   y = |z| s'   (circle_kern.h)
 *
 * Outputs: odd v0, v1, v2; even s0, rho1, rho2. Identity at v = 0. */
#include "flow/transforms/circle_kern.h"

CIRCLE_CHAIN(circ, moebius)
KAD_TRANSFORM_ROW(circ)
KAD_TRANSFORM_RUN(circ, 2)

extern const kad_transform_kern kad_circ_kern_f32, kad_circ_kern_f64;

const kad_transform_kern KR(kad_circ_kern) = {.run = {{0}, KAD_TRANSFORM_KERN(circ, 2)}};

#if KAD_PREC == 64 /* the table, once */
const kad_transform_ops kad_transform_circ = {
    .name = "circ",
    .summary =
        "angles moved by a Moebius map between two axes (two components; lengths stay)",
    .reference = "arXiv:2002.02428",
    .min_comp = 2,
    .max_comp = 2,
    .directions = true,
    .n_odd = {0, 3, 0},
    .n_even = {0, 3, 0},
    .even_start = (const double[]){0, 0.2, -0.2}, /* rho1, rho2 */
    .odd_start = (const double[]){0, 0.25, 0.25},
    .kern = {&kad_circ_kern_f32, &kad_circ_kern_f64},
};
#endif
