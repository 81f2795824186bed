/* Currents and windings (measure/twist.h), in double only, vectorised over sites. */
#include "measure/twist.h"

#include "base/vmath.h"

#include <string.h>

#if KAD_PREC == 64

static inline vreal load(const double *p)
{
    return *(const vreal *)p;
}

static inline void save(double *p, vreal v)
{
    *(vreal *)p = v;
}

/* sum_i f_i . g_i over components at one vector of sites */
static inline vreal dot(int n, size_t stride, const double *f, const double *g)
{
    vreal sum = {0};
    for (size_t a = 0; a < (size_t)n; a++)
        sum += load(f + a * stride) * load(g + a * stride);
    return sum;
}

/* sum_{a<b} I_ab^2 of the field, F its forward neighbours. */
static double squared_currents(int n, size_t stride, const double *phi, const double *F)
{
    double sum = 0.0;
    for (size_t a = 0; a < (size_t)n; a++)
        for (size_t b = a + 1; b < (size_t)n; b++) {
            vreal current = {0};
            for (size_t i = 0; i < stride; i += KAD_V)
                current += load(phi + a * stride + i) * load(F + b * stride + i) -
                           load(phi + b * stride + i) * load(F + a * stride + i);
            const double total = kad_vsum(current);
            sum += total * total;
        }
    return sum;
}

/* p and g of every site; 0 beyond the sites. */
static void second_moments(int n, int n_sites, size_t stride, const double *m,
                           const double *x, double *p, double *g)
{
    for (size_t i = 0; i < stride; i += KAD_V) {
        const vreal r2 = dot(n, stride, x + i, x + i), m2 = dot(n, stride, m + i, m + i);
        const kad_vmask small = kad_vlt(r2, kad_vset(1e-8));
        const vreal limit = kad_vset(n / (n + 2.0));
        const vreal isotropic = (1 - m2 * limit) * (1.0 / n);
        const vreal ratio = dot(n, stride, m + i, x + i) / r2;
        save(p + i, kad_vselect(small, isotropic, ratio));
        save(g + i, kad_vselect(small, limit, (1 - ratio * n) / m2));
    }
    for (size_t i = (size_t)n_sites; i < stride; i++)
        p[i] = g[i] = 0.0;
}

/* What coincident spins add; p, g and their forward neighbours pF, gF; F, B the means of
 * the forward and backward neighbours. */
static double coincident(int n, int n_sites, size_t stride, const double *m,
                         const double *F, const double *B, const double *p,
                         const double *g, const double *pF, const double *gF)
{
    vreal sum = {0};
    for (size_t i = 0; i < stride; i += KAD_V) {
        const vreal q = dot(n, stride, m + i, m + i), qF = dot(n, stride, F + i, F + i);
        const vreal D = dot(n, stride, m + i, F + i), DB = dot(n, stride, m + i, B + i);
        const vreal E = dot(n, stride, B + i, F + i);
        const vreal a = load(p + i), aF = load(pF + i), b = load(g + i),
                    bF = load(gF + i);
        const vreal trace = a + aF - a * aF * n + b * bF * D * D;
        sum += D * D - trace - q * qF;
        sum += ((a - 1 + q) * E + (b - 1) * D * DB) * 2;
    }
    return n_sites + kad_vsum(sum);
}

void kad_twist_f64(const kad_lattice *lattice, int n, size_t stride, const double *phi,
                   const double *x, double *scratch, double out[KAD_MAX_DIM])
{
    const size_t rows = (size_t)n * stride;
    double *F = scratch, *B = F + rows, *p = B + rows, *g = p + stride, *pF = g + stride,
           *gF = pF + stride;
    if (x != NULL) second_moments(n, lattice->n_sites, stride, phi, x, p, g);
    for (int mu = 0; mu < lattice->d; mu++) {
        out[mu] = 0.0;
        if (lattice->shape[mu] == 2) continue;
        for (size_t a = 0; a < rows; a += stride)
            kad_shift(lattice, mu, 1, phi + a, F + a);
        out[mu] = squared_currents(n, stride, phi, F);
        if (x != NULL) {
            for (size_t a = 0; a < rows; a += stride)
                kad_shift(lattice, mu, -1, phi + a, B + a);
            kad_shift(lattice, mu, 1, p, pF);
            kad_shift(lattice, mu, 1, g, gF);
            out[mu] += coincident(n, lattice->n_sites, stride, phi, F, B, p, g, pF, gF);
        }
        out[mu] *= 2.0 / (n * (n - 1));
    }
}

void kad_spin_covariance_f64(int n, int n_sites, size_t stride, const double *m,
                             const double *x, double *p, double *c)
{
    if (n > 1) second_moments(n, n_sites, stride, m, x, p, c);
    for (size_t i = 0; i < (size_t)n_sites; i++) {
        if (n == 1) p[i] = 1.0 - m[i] * m[i];
        c[i] = n == 1 ? 0.0 : c[i] - 1.0;
    }
    for (size_t i = (size_t)n_sites; i < stride; i++)
        p[i] = c[i] = 0.0;
}

/* sum_i tr C_i C_j, j the forward neighbour of i: F, pF, cF. */
static double traces(int n, size_t stride, const double *m, const double *F,
                     const double *p, const double *c, const double *pF, const double *cF)
{
    vreal sum = {0};
    for (size_t i = 0; i < stride; i += KAD_V) {
        const vreal D = dot(n, stride, m + i, F + i);
        const vreal own = dot(n, stride, m + i, m + i) * load(c + i);
        const vreal other = dot(n, stride, F + i, F + i) * load(cF + i);
        sum += load(p + i) * load(pF + i) * n + load(p + i) * other + load(pF + i) * own +
               load(c + i) * load(cF + i) * D * D;
    }
    return kad_vsum(sum);
}

double kad_bonds_variance_f64(const kad_lattice *lattice, int n, size_t stride,
                              const double *m, const double *x, double *scratch)
{
    const size_t rows = (size_t)n * stride;
    double *F = scratch, *h = F + rows, *p = h + rows, *c = p + stride, *pF = c + stride,
           *cF = pF + stride, sum = 0.0;
    vreal fields = {0};
    kad_spin_covariance_f64(n, lattice->n_sites, stride, m, x, p, c);
    memset(h, 0, rows * sizeof *h);
    for (int mu = 0; mu < lattice->d; mu++) {
        kad_shift(lattice, mu, 1, p, pF);
        kad_shift(lattice, mu, 1, c, cF);
        for (int direction = 1; direction >= -1; direction -= 2) {
            for (size_t a = 0; a < rows; a += stride)
                kad_shift(lattice, mu, direction, m + a, F + a);
            for (size_t i = 0; i < rows; i += KAD_V)
                save(h + i, load(h + i) + load(F + i));
            if (direction < 0) continue;
            sum += traces(n, stride, m, F, p, c, pF, cF) *
                   (lattice->shape[mu] == 2 ? 2.0 : 1.0);
        }
    }
    for (size_t i = 0; i < stride; i += KAD_V) {
        const vreal along = dot(n, stride, h + i, m + i);
        fields +=
            load(p + i) * dot(n, stride, h + i, h + i) + load(c + i) * along * along;
    }
    return sum + kad_vsum(fields);
}

/* w [stride]: 1 (-1) where the short arc from a site to its forward neighbour crosses the
 * negative first axis upwards to downwards (downwards to upwards). F: 2 rows. */
static void crossings(const kad_lattice *lattice, int axis, size_t stride,
                      const double *phi, double *F, double *w)
{
    const vreal zero = {0}, one = kad_vset(1);
    kad_shift(lattice, axis, 1, phi, F);
    kad_shift(lattice, axis, 1, phi + stride, F + stride);
    for (size_t i = 0; i < stride; i += KAD_V) {
        const vreal u0 = load(phi + i), u1 = load(phi + stride + i);
        const vreal v0 = load(F + i), v1 = load(F + stride + i);
        const vreal jump = kad_vselect(kad_vlt(v1, zero), one, zero) -
                           kad_vselect(kad_vlt(u1, zero), one, zero);
        const vreal turn = (u0 * v1 - v0 * u1) * jump;
        save(w + i, kad_vselect(kad_vgt(turn, zero), jump, zero));
    }
}

double kad_vortices_f64(const kad_lattice *lattice, size_t stride, const double *phi,
                        double *scratch)
{
    double *w[KAD_MAX_DIM], *F = scratch + KAD_MAX_DIM * stride;
    vreal sum = {0};
    for (int mu = 0; mu < lattice->d; mu++) {
        w[mu] = scratch + (size_t)mu * stride;
        crossings(lattice, mu, stride, phi, F, w[mu]);
    }
    for (int mu = 0; mu < lattice->d; mu++)
        for (int nu = mu + 1; nu < lattice->d; nu++) {
            kad_shift(lattice, mu, 1, w[nu], F);
            kad_shift(lattice, nu, 1, w[mu], F + stride);
            for (size_t i = 0; i < stride; i += KAD_V)
                sum += kad_vabs(load(w[mu] + i) + load(F + i) - load(F + stride + i) -
                                load(w[nu] + i));
        }
    return kad_vsum(sum);
}

#endif
