/* Affine transform of one component with a bounded log-scale:
 *
 *   y = t + e^s z,   s = c tanh(a),   ld = s
 *
 * Odd t; even a; a learned c of the target's own. It is the map z e^s, which knows E
 * alone, and then the shift, which knows O alone, and its adjoints take it apart so:
 *
 *   shift  y = w + t:    generate w = y - t, dt = gy;     infer y = w + t, dt = -gy
 *   scale  w = z e^s:    generate z = w e^-s, gz = gy e^s, ds = gy w + gl
 *                        infer    w = z e^s, gy = gz e^-s, ds = -gy w - gl */
#include "flow/transforms/transform_kern.h"

/* tanh(a) of all lanes: chains that overlap. */
KAD_LANES_INLINE void bounded_tanh(const kad_outs *o, vreal *a)
{
    KAD_UNROLL(4)
    for (int v = 0; v < KAD_NV; v++)
        a[v] = kad_vtanh_fast(kad_even(o, 0)[v]);
}

KAD_LANES_INLINE void bounded_map(const kad_operation op, const kad_target_rows *t)
{
    const kad_outs o = kad_outs_of(t->odd, t->even, t);
    const real c = *(const real *)t->own;
    vreal *x = t->x, *ld = t->ld, a[KAD_NV];
    bounded_tanh(&o, a);
    KAD_UNROLL(4)
    for (int v = 0; v < KAD_NV; v++) {
        const vreal s = c * a[v], shift = kad_odd(&o, 0)[v];
        if (ld) ld[v] += s;
        x[v] = op == KAD_GENERATE ? x[v] * kad_vexp_fast(s) + shift
                                  : (x[v] - shift) * kad_vexp_fast(-s);
    }
}

KAD_LANES_INLINE void bounded_shift(const kad_operation op, const kad_target_rows *t)
{
    vreal *x = t->x, *dt = t->godd;
    const vreal *g = t->g, *shift = t->odd;
    KAD_UNROLL(4)
    for (int v = 0; v < KAD_NV; v++) {
        x[v] = op == KAD_GENERATE_ADJOINT ? x[v] - shift[v] : x[v] + shift[v];
        dt[v] = op == KAD_GENERATE_ADJOINT ? g[v] : -g[v];
    }
}

KAD_LANES_INLINE void bounded_scale(const kad_operation op, const kad_target_rows *t)
{
    const bool back = op == KAD_GENERATE_ADJOINT; /* z from y */
    const kad_outs o = kad_outs_of(t->odd, t->even, t);
    const real c = *(const real *)t->own, gl = (real)t->gl;
    vreal *x = t->x, *g = t->g, *ld = t->ld, *da = t->geven, *dc = t->gown;
    vreal a[KAD_NV], sum = {0};
    bounded_tanh(&o, a);
    KAD_UNROLL(4)
    for (int v = 0; v < KAD_NV; v++) {
        const vreal s = c * a[v];
        const vreal ex = kad_vexp_fast(back ? -s : s), eg = kad_vexp_fast(back ? s : -s);
        const vreal moved = x[v] * ex;
        vreal ds;
        if (ld) ld[v] += s;
        if (back) {
            ds = g[v] * x[v] + gl;
            g[v] *= eg;
        } else {
            g[v] *= eg;
            ds = -g[v] * moved - gl;
        }
        x[v] = moved;
        da[v] = ds * c * (RC(1.0) - a[v] * a[v]);
        sum += ds * a[v];
    }
    *dc += sum;
}

KAD_LANES_INLINE void bounded_row(const int n, const kad_operation op,
                                  const kad_target_rows *t)
{
    (void)n;
    switch (op) {
    case KAD_GENERATE_ADJOINT:
        bounded_shift(op, t);
        bounded_scale(op, t);
        break;
    case KAD_INFER_ADJOINT:
        bounded_scale(op, t);
        bounded_shift(op, t);
        break;
    default:
        bounded_map(op, t);
        break;
    }
}

KAD_TRANSFORM_RUN(bounded, 1)

KAD_TRANSFORM_EACH(shift_back, bounded_shift(KAD_GENERATE_ADJOINT, t))
KAD_TRANSFORM_EACH(shift_on, bounded_shift(KAD_INFER_ADJOINT, t))
KAD_TRANSFORM_EACH(scale_back, bounded_scale(KAD_GENERATE_ADJOINT, t))
KAD_TRANSFORM_EACH(scale_on, bounded_scale(KAD_INFER_ADJOINT, t))

extern const kad_transform_kern kad_bounded_kern_f32, kad_bounded_kern_f64;

const kad_transform_kern KR(kad_bounded_kern) = {
    .run = {KAD_TRANSFORM_KERN(bounded, 1)},
    .even_alone = {[KAD_GENERATE_ADJOINT] = scale_back, [KAD_INFER_ADJOINT] = scale_on},
    .odd_alone = {[KAD_GENERATE_ADJOINT] = shift_back, [KAD_INFER_ADJOINT] = shift_on},
};

#if KAD_PREC == 64 /* the table, once */
const kad_transform_ops kad_transform_bounded = {
    .name = "bounded",
    .summary = "y = t + e^s z of one component, the log-scale bounded: s = c tanh(a)",
    .reference = "Dinh, Sohl-Dickstein, Bengio, arXiv:1605.08803",
    .max_comp = 1,
    .n_odd = {1},
    .n_even = {1},
    .n_own = 1,
    .own_start = 1,
    .kern = {&kad_bounded_kern_f32, &kad_bounded_kern_f64},
};
#endif
