/* Data collapse: an observable of all lattice sizes on one curve,
 *     O(T, L) = L^{x/nu} [F(z) + L^{-omega} G(z)],
 *     z = (t + b t^2) L^{1/nu},  t = (T - T_c)/T_c,
 * F a cubic B-spline on equal intervals of the z that the points have, G = g_0 + g_1 z. The
 * scaling field is t + b t^2, not t: over a window t ~ 1/L its second term is a correction of
 * order L^{-1/nu}, more than L^{-omega}. T_c, nu, x, b and the functions are fitted together
 * (fit.h) to the points with |z| < z_max and L >= l_min, with their shrunk covariance; x = 0
 * of a dimensionless O is not fitted, and without omega no corrections are, neither G nor b.
 * Errors: a step of Gauss and Newton from there for every jackknife replica (replicas.h).
 *
 * z_max cuts off where F's spline has no longer the right to be smooth, l_min corrections to
 * scaling: parameters that move with either are not to be believed.
 * Sources: Bhattacharjee, Seno, J. Phys. A 34 (2001) 6375; Houdayer, Hartmann, Phys. Rev. B
 * 70 (2004) 014418; Beach, Wang, Sandvik, cond-mat/0505194 (L^{-omega}); Aharony, Fisher,
 * Phys. Rev. B 27 (1983) 4394 (nonlinear scaling fields). */
#ifndef KAD_ANALYSIS_COLLAPSE_H
#define KAD_ANALYSIS_COLLAPSE_H

#include "analysis/replicas.h"

/* Points of all lattices, [observable.n] each. */
typedef struct kad_collapse_points {
    const double *size, *t; /* L, T */
    kad_replicas observable;
} kad_collapse_points;

typedef struct kad_collapse_options {
    double tc, nu, x; /* from where the fit starts; x: 0 where it is dimensionless */
    bool dimensionless;
    double omega;        /* NaN: no corrections */
    double z_max, l_min; /* with tc and nu above */
} kad_collapse_options;

enum { KAD_COLLAPSE_TC, KAD_COLLAPSE_NU, KAD_COLLAPSE_X, KAD_COLLAPSE_B, KAD_COLLAPSE_N };

typedef struct kad_collapse {
    bool ok;       /* false: too few points, or nothing fits */
    size_t n, dof; /* points; degrees of freedom */
    double chi2, p_value;
    kad_replicas of; /* [KAD_COLLAPSE_N] */
    /* the points used: their numbers; z, O L^{-x/nu} less the correction, its error, and the
     * deviation from F in errors */
    size_t *point;
    double *z, *y, *err, *residual;
} kad_collapse;

/* Errors: KAD_ENOMEM, KAD_EDATA (a point without an error). */
KAD_MUST_USE kad_status kad_collapse_fit(kad_scope *in, const kad_collapse_points *points,
                                         const kad_collapse_options *options,
                                         kad_collapse *out);

#endif
