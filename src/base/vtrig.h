/* Circular functions on vectors, for kernels (vmath.h says what that means).
 *
 * Largest error, measured by tests/base/test_vmath (float / double):
 *   kad_vsincos    absolute 1.5e-7 / 2.5e-16 for |x| <= 1e4
 * NaN and infinities give NaN.
 *
 * Method: x = n pi/2 + r with pi/2 in two or three parts; minimax fits (Remez) of our own. */
#ifndef KAD_BASE_VTRIG_H
#define KAD_BASE_VTRIG_H

#include "base/vmath.h"

#ifdef KAD_PREC /* in kernels only */

#define KAD_VTOP (8 * (int)sizeof(real) - 2) /* shifts bit 1 into the sign */

/* sin and cos of r + quadrant * pi/2, |r| <= pi/4. */
KAD_VINLINE void kad_vsincos_quadrant(vreal r, vint quadrant, vreal *sine, vreal *cosine)
{
    vreal z = r * r;
#if KAD_PREC == 32
    vreal s = kad_vset(-0.00019535130762457138f);
    s = s * z + 0.0083323407228785503f;
    s = s * z - 0.16666658361941738f;
    vreal c = kad_vset(0.000024495632372693325f);
    c = c * z - 0.0013887925255741048f;
    c = c * z + 0.041666659861520511f;
#else
    vreal s = kad_vset(1.5905337480986472477e-10);
    s = s * z - 2.5050918623190806218e-8;
    s = s * z + 2.7557314822456147339e-6;
    s = s * z - 0.00019841269833462271525;
    s = s * z + 0.0083333333333276561904;
    s = s * z - 0.16666666666666657143;
    vreal c = kad_vset(-1.1373190342335707272e-11);
    c = c * z + 2.0875991091113475202e-9;
    c = c * z - 2.7557316362145834834e-7;
    c = c * z + 0.000024801587296527097566;
    c = c * z - 0.0013888888888885384045;
    c = c * z + 0.041666666666666662446;
#endif
    s = s * (z * r) + r;
    c = (c * z - RC(0.5)) * z + 1;
    vint odd = -(quadrant & 1); /* all ones in odd quadrants */
    vreal a = (vreal)((odd & (vint)c) | (~odd & (vint)s));
    vreal b = (vreal)((odd & (vint)s) | (~odd & (vint)c));
    *sine = (vreal)((vint)a ^ ((quadrant << KAD_VTOP) & KAD_VSIGN));
    *cosine = (vreal)((vint)b ^ (((quadrant + 1) << KAD_VTOP) & KAD_VSIGN));
}

KAD_VINLINE void kad_vsincos(vreal x, vreal *sine, vreal *cosine)
{
    vreal t = x * RC(0.63661977236758134308) + KAD_VMAGIC;
    vreal n = t - KAD_VMAGIC;
#if KAD_PREC == 32
    /* pi/2 in parts so short that n times each is exact, with or without FMA */
    vreal r = (x - n * 1.5703125f) - n * 4.837512969970703125e-4f;
    r = r - n * 7.54978995489188216e-8f;
#else
    vreal r = x - n * 1.57079632673412561417;
    r = r - n * 6.07710050650619224932e-11;
#endif
    kad_vsincos_quadrant(r, (vint)t & 3, sine, cosine);
}

KAD_VINLINE vreal kad_vsin(vreal x)
{
    vreal s, c;
    kad_vsincos(x, &s, &c);
    return s;
}

KAD_VINLINE vreal kad_vcos(vreal x)
{
    vreal s, c;
    kad_vsincos(x, &s, &c);
    return c;
}

/* sin and cos of 2 pi u, exact reduction for |u| < 2^20. */
KAD_VINLINE void kad_vsincos_2pi(vreal u, vreal *sine, vreal *cosine)
{
    vreal t = u * 4 + KAD_VMAGIC;
    vreal n = t - KAD_VMAGIC;
    vreal r = (u * 4 - n) * RC(1.5707963267948966192);
    kad_vsincos_quadrant(r, (vint)t & 3, sine, cosine);
}

#endif /* KAD_PREC */

#endif
