/* The density of a level v = 0 .. 255 as a mixture of K logistic distributions, for one
 * vector of columns. With x = v/127.5 - 1, w = 1/127.5, and of each component its mean mu
 * and log scale ls in [-8, 2],
 *   a = (x - w/2 - mu) e^-ls,  d = w e^-ls,  b = a + d,  s(t) = 1/(1 + e^-t),
 *   P_k(v) = s(b) s(-a) (1 - e^-d),  P_k(0) = s(b),  P_k(255) = s(-a),
 *   P = (1 - eps) sum_k softmax(pi)_k P_k + eps/256,
 * so that no two almost equal numbers are subtracted. P is above eps/256, so that a P_k that
 * underflows does not matter. */
#ifndef KAD_PIXEL_DENSITY_KERN_H
#define KAD_PIXEL_DENSITY_KERN_H

#include "pixel/density.h"
#include "pixel/pixel.h"

#include "base/vmath.h"

#include <stdbool.h>

/* Of all components: rows of pi [K], mu [K] and ls [K], KAD_W apart, at one vector; the
 * means are moved by shift. Returns ln P(level). With up, the rows become up times the
 * gradients of ln P, and *dshift that by shift. */
KAD_VINLINE vreal density_ln(const int K, const bool gradient, real *rows, vreal shift,
                             vreal level, vreal up, vreal *dshift)
{
    const real w = RC(1.0) / RC(127.5), keep = 1 - (real)KAD_PIXEL_EPS;
    const vreal edge = level * w - (1 + w / 2), most = kad_vset(60);
    const kad_vmask low = kad_vlt(level, kad_vset(RC(0.5))),
                    high = kad_vgt(level, kad_vset(RC(254.5)));
    vreal weight[KAD_PIXEL_COMPONENTS_MAX], p[KAD_PIXEL_COMPONENTS_MAX],
        dmu[KAD_PIXEL_COMPONENTS_MAX], dls[KAD_PIXEL_COMPONENTS_MAX];
    vreal top = *(vreal *)rows, sum = {0}, mass = {0};
    for (int k = 1; k < K; k++)
        top = kad_vmax(top, *(vreal *)(rows + k * KAD_W));
    for (int k = 0; k < K; k++) {
        const vreal mu = *(vreal *)(rows + (K + k) * KAD_W) + shift;
        const vreal raw = *(vreal *)(rows + (2 * K + k) * KAD_W);
        const vreal ls = kad_vmin(kad_vset(2), kad_vmax(kad_vset(-8), raw));
        const vreal inv = kad_vexp(-ls), d = w * inv;
        const vreal a = kad_vmin(most, kad_vmax(-most, (edge - mu) * inv)), b = a + d;
        const vreal less = kad_vexp(-d), gap = -kad_vexpm1(-d); /* e^-d, 1 - e^-d */
        const vreal ea = kad_vexp(a), eb = less / ea;           /* e^a, e^-b */
        const vreal na = 1 / (1 + ea), sb = 1 / (1 + eb);       /* s(-a), s(b) */
        p[k] = sb * na * gap;
        p[k] = kad_vselect(low, sb, kad_vselect(high, na, p[k]));
        weight[k] = kad_vexp(*(vreal *)(rows + k * KAD_W) - top);
        sum += weight[k];
        mass += weight[k] * p[k];
        if (!gradient) continue;
        const vreal none = {0};
        const vreal sa = kad_vselect(low, none, ea * na),
                    nb = kad_vselect(high, none, eb * sb);
        const vreal inside = d * less / gap;
        dmu[k] = (sa - nb) * inv;
        dls[k] =
            a * sa - b * nb - kad_vselect(low, none, kad_vselect(high, none, inside));
        /* beyond the ends ls may only come back */
        dls[k] = kad_vselect(kad_vlt(raw, kad_vset(-8)), kad_vmax(none, dls[k]), dls[k]);
        dls[k] = kad_vselect(kad_vgt(raw, kad_vset(2)), kad_vmin(none, dls[k]), dls[k]);
    }
    const vreal mean = keep * mass / sum;
    const vreal all = mean + (real)(KAD_PIXEL_EPS / 256);
    if (gradient) {
        vreal total = {0};
        for (int k = 0; k < K; k++) {
            const vreal part = weight[k] / sum, r = keep * part * p[k] / all;
            *(vreal *)(rows + k * KAD_W) = up * (r - part * mean / all);
            *(vreal *)(rows + (K + k) * KAD_W) = up * r * dmu[k];
            *(vreal *)(rows + (2 * K + k) * KAD_W) = up * r * dls[k];
            total += up * r * dmu[k];
        }
        *dshift = total;
    }
    return kad_vlog(all);
}

#endif
