/* Quantile of von Mises' law between two axes: makes angles from free ones (n = 2).
 *
 *   s' = axis(v2, rho2) of quantile(e^{s0} v0, share) of axis(v1, rho1) of s = z/|z|,
 *   y = |z| s'   (circle_kern.h)
 *
 * Outputs: odd v0, v1, v2; even s0, rho1, rho2, share. Density about v0, the share
 * sigmoid(share) of it uniform. */
#include "flow/transforms/circle_kern.h"

CIRCLE_CHAIN(vm, quantile)
KAD_TRANSFORM_ROW(vm)
KAD_TRANSFORM_RUN(vm, 2)

extern const kad_transform_kern kad_vm_kern_f32, kad_vm_kern_f64;

const kad_transform_kern KR(kad_vm_kern) = {.run = {{0}, KAD_TRANSFORM_KERN(vm, 2)}};

#if KAD_PREC == 64 /* the table, once */
const kad_transform_ops kad_transform_vm = {
    .name = "vm",
    .summary =
        "angles from free ones: the quantile of von Mises' law, with a share of the "
        "uniform one, between two axes (two components; lengths stay)",
    .reference =
        "10.1007/978-1-4899-5283-9 (von Mises' law); arXiv:2002.02428 (flows on tori)",
    .min_comp = 2,
    .max_comp = 2,
    .directions = true,
    .n_odd = {0, 3, 0},
    .n_even = {0, 4, 0},
    .even_start = (const double[]){0, 0.2, -0.2, -2}, /* rho1, rho2, share */
    .odd_start = (const double[]){0, 0.25, 0.25},
    .kern = {&kad_vm_kern_f32, &kad_vm_kern_f64},
};
#endif
