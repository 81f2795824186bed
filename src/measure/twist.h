/* Currents and windings of O(n) fields, and variances given a dual field: what helicity
 * modulus, vortices and the specific heat are made of.
 * Rows as in kad_view: [n][stride], zero beyond the sites; scratch likewise, on entry and
 * on return. */
#ifndef KAD_MEASURE_TWIST_H
#define KAD_MEASURE_TWIST_H

#include "lattice/lattice.h"

#include <stddef.h>

/* out[i] = row[i + 1 or - 1 step along the axis], periodic; what lies beyond the sites
 * stays. */
void kad_shift(const kad_lattice *lattice, int axis, int direction, const double *row,
               double *out);

/* Rows of scratch kad_twist and kad_vortices need. */
enum { KAD_TWIST_ROWS = 2 * 3 + 4 };

/* Square of the current along every axis, averaged over the n(n-1)/2 planes of rotation
 * (a, b), n = 2, 3:
 *     out[mu] = 2/(n(n-1)) sum_{a<b} I_ab^2,
 *     I_ab = sum_i (phi_i^a phi_{i+mu}^b - phi_i^b phi_{i+mu}^a).
 * x != NULL: phi = m(x) are means of independent unit spins, and out is the mean of the
 * spins' I^2 given x. With T_i = <s_i s_i^T> = p_i + g_i m_i m_i^T, p = |m|/|x|, g = (1 -
 * n p)/|m|^2, and D = m_i . m_{i+mu}, bonds b = (i, j), paths i, j, l of two bonds:
 *     sum_{a<b} <I_ab^2> = sum_{a<b} I_ab(m)^2
 *       + sum_b [1 - tr T_i T_j - |m_i|^2 |m_j|^2 + D_ij^2]
 *       + 2 sum_j [m_i.T_j m_l - m_i.m_l - D_ij D_jl + m_i.m_l |m_j|^2],
 *     tr T_i T_j = p_i + p_j - n p_i p_j + g_i g_j D_ij^2.
 * At extent 2 the current vanishes. */
void kad_twist_f64(const kad_lattice *lattice, int n, size_t stride, const double *phi,
                   const double *x, double *scratch, double out[KAD_MAX_DIM]);

/* Covariance C_i = <s_i s_i^T> - m_i m_i^T = p_i + c_i m_i m_i^T of independent unit spins
 * given x, m = m(x); n = 1: c = 0. p, c [stride], 0 beyond the sites. */
void kad_spin_covariance_f64(int n, int n_sites, size_t stride, const double *m,
                             const double *x, double *p, double *c);

/* Variance of sum_b s_i.s_j over the nearest-neighbour bonds, given x. With s = m + e the
 * terms e.m and e.e are uncorrelated, so that with h_i = sum_{j next to i} J_ij m_j
 *     var(sum_b J_b s_i.s_j) = sum_i h_i.C_i h_i + sum_b J_b^2 tr C_i C_j,
 *     tr C_i C_j = n p_i p_j + p_i c_j |m_j|^2 + p_j c_i |m_i|^2 + c_i c_j (m_i.m_j)^2.
 * At extent 2 a pair has two bonds, which count as one of J = 2. */
double kad_bonds_variance_f64(const kad_lattice *lattice, int n, size_t stride,
                              const double *m, const double *x, double *scratch);

/* Sum over plaquettes of |winding| of a two-component field: the principal values of the
 * angle differences around a plaquette add up to 2 pi times the winding. A difference
 * jumps by 2 pi where its short arc crosses the negative first axis, which signs of
 * components tell: no angles are computed. */
double kad_vortices_f64(const kad_lattice *lattice, size_t stride, const double *phi,
                        double *scratch);

#endif
