/* An explicit Runge-Kutta method of S stages and order p for dx/dt = v(x, t):
 *   X_i = x + h sum_{j < i} a_ij v_j,  v_i = v(X_i, t + c_i h),  x' = x + h sum_i b_i v_i */
#ifndef KAD_FLOW_BIJECTORS_RK_H
#define KAD_FLOW_BIJECTORS_RK_H

enum { KAD_RK_STAGES = 6, KAD_RK_ORDER = 5 };

typedef struct kad_rk {
    double a[KAD_RK_STAGES][KAD_RK_STAGES], b[KAD_RK_STAGES], c[KAD_RK_STAGES];
} kad_rk;

/* The fifth order of J. R. Dormand and P. J. Prince, J. Comput. Appl. Math. 6, 19 (1980),
 * at fixed steps. On a trained map of 8 x 8 phi^4 the mean error of ln q after 24 to 36
 * evaluations of the velocity is 2e-4 to 2e-5; that of the classical fourth order, 1e-3 to
 * 2e-4, of the sixth (Butcher) and the eighth (DOP853), no less. */
extern const kad_rk kad_rk_method;

#endif
