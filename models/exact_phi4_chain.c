/* phi^4 of one component on a ring in a field, by a transfer matrix on equal steps a of phi:
 *     T_ij = a exp(t phi_i phi_j - (V_i + V_j)/2) = a exp(-(t/2)(phi_i -+ phi_j)^2 - (U_i + U_j)/2),
 *     V = mu phi^2 + lambda phi^4 - h phi,   U = (mu - |t|) phi^2 + lambda phi^4 - h phi,
 * with the lower sign for t < 0; no exponent is positive once the minimum of U is taken out. A
 * site off it by U - min U > FALL weighs less than e^-FALL. */
#include "base/memory.h"
#include "models/exact.h"

#include <float.h>
#include <math.h>

enum { MAX_POINTS = 600 };
static const double FALL = 45;

typedef struct chain {
    int L;
    double t, mass, lambda, h;
    double lowest; /* min U */
    double lo, hi; /* the window */
} chain;

static double U(const chain *c, double phi)
{
    const double s = phi * phi;
    return s * (c->mass + c->lambda * s) - c->h * phi - c->lowest;
}

/* Beyond |phi| = r both U and its slope towards the outside are above those of FALL. */
static double radius_of(const chain *c)
{
    const double l = c->lambda;
    return 2 *
           fmax(fmax(sqrt(fabs(c->mass) / l), cbrt(fabs(c->h) / l)), pow(FALL / l, 0.25));
}

/* The minimum of U and where it is below FALL, on a fine grid. */
static void make_window(chain *c)
{
    enum { N = 20000 };
    const double r = radius_of(c);
    double lowest = (double)INFINITY;
    for (int i = 0; i <= N; i++)
        lowest = fmin(lowest, U(c, r * (2.0 * i / N - 1)));
    c->lowest = lowest;
    c->lo = r;
    c->hi = -r;
    for (int i = 0; i <= N; i++) {
        const double phi = r * (2.0 * i / N - 1);
        if (U(c, phi) > FALL) continue;
        c->lo = fmin(c->lo, phi - 2 * r / N);
        c->hi = fmax(c->hi, phi + 2 * r / N);
    }
}

static kad_status on_grid(kad_ctx *ctx, const chain *c, size_t n, double *ln_z)
{
    KAD_SCOPE(scope, ctx);
    double *T;
    const double a = (c->hi - c->lo) / (double)(n - 1), sign = c->t < 0 ? -1 : 1;
    KAD_CALL(kad_take(&scope, n * n, &T));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            const double x = c->lo + a * (double)i, y = c->lo + a * (double)j;
            const double d = x - sign * y;
            T[i * n + j] = a * exp(-0.5 * fabs(c->t) * d * d - 0.5 * (U(c, x) + U(c, y)));
        }
    KAD_CALL(kad_exact_ring_trace(ctx, n, T, c->L, ln_z));
    *ln_z -= c->L * c->lowest;
    return KAD_OK;
}

kad_status kad_exact_phi4_chain(kad_ctx *ctx, int L, double t, double mass, double lambda,
                                double h, kad_exact_value *ln_z, const char **unknown)
{
    chain c = {.L = L, .t = t, .mass = mass, .lambda = lambda, .h = h};
    double before, now;
    *ln_z = (kad_exact_value){(double)NAN, (double)NAN};
    *unknown = NULL;
    make_window(&c);
    const double most = fmax(fabs(c.lo), fabs(c.hi));
    const double stiff = 2 * fabs(t) + fabs(2 * mass) + 12 * lambda * most * most;
    double points = 32 + 1.2 * (c.hi - c.lo) * sqrt(stiff);
    if (!(1.4 * points < MAX_POINTS)) {
        *unknown = "its transfer matrix needs too many values of the field";
        return KAD_OK;
    }
    KAD_CALL(on_grid(ctx, &c, (size_t)points, &before));
    KAD_CALL(on_grid(ctx, &c, (size_t)(1.4 * points), &now));
    const double rounding = 64 * DBL_EPSILON * (L * (1 + fabs(c.lowest)) + fabs(now));
    *ln_z = (kad_exact_value){now, fabs(now - before) + rounding};
    return KAD_OK;
}
