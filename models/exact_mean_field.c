/* O(n) phi^4 on a ring in weak coupling, or with stiff bonds: the mean field M, |M| = r,
 * in closed form, the other modes chi around it by perturbation theory,
 *   Z = L^{n/2} S_n int dr r^{n-1} exp(-L W(r) - Gauss - a + b + c),
 *   Gauss = 1/2 sum_{k != 0} [ln((e_k + m_L)/pi) + (n-1) ln((e_k + m_T)/pi)],
 *   e_k = |t| (1 - cos k), m_L = m + 6 lambda r^2, m_T = m + 2 lambda r^2,
 *   a = lambda sum_i <|chi_i|^4> = lambda L [3 G_L^2 + 2(n-1) G_L G_T + (n^2-1) G_T^2],
 *   b = 1/2 <(lambda sum |chi|^4)^2>_c = lambda^2 L sum_x {sum_a A_a^2 G_a(x)^2
 *       + 4 [sum_a G_a(x)^2]^2 + 8 sum_a G_a(x)^4},  A_a = 2 sum_b G_b(0) + 4 G_a(0),
 *   c = 1/2 <(4 lambda r sum chi_L |chi|^2)^2>_c
 *     = 8 lambda^2 r^2 L sum_x [6 G_L(x)^3 + 2(n-1) G_L(x) G_T(x)^2],
 * G the propagators without the zero mode (sum_x G(x) = 0 removes all tadpoles), a
 * running over one longitudinal and n - 1 transverse components. r^2 grows like
 * lambda^-1/2, so c is of order lambda^3/2, b of order lambda^2 and what is left out of
 * order lambda^5/2: the products of b and c with their ratios to lower orders. */
#include "base/memory.h"
#include "models/exact_ring.h"
#include "models/legendre.h"

#include <float.h>
#include <math.h>

enum { MAX_SITES = 256, FEW = 96, MANY = 128 }; /* MANY: quadrature nodes */
static const double FALL = 45;

typedef struct modes {
    const kad_exact_chain *chain;
    const double *cosine; /* [L]: cos(2 pi j / L) */
    double *G_L, *G_T;    /* [L] */
} modes;

/* G(x) of one polarisation; returns 1/2 sum_{k != 0} ln((e_k + mass)/pi), NaN where a mode
 * is unstable. */
static double propagator(const modes *s, double mass, double *G)
{
    const int L = s->chain->L;
    double ln = 0;
    for (int x = 0; x < L; x++)
        G[x] = 0;
    for (int k = 1; k < L; k++) {
        const double sine = sin(M_PI * k / L);
        const double e = 2 * fabs(s->chain->t) * sine * sine + mass;
        if (!(e > 0)) return (double)NAN;
        ln += 0.5 * log(e / M_PI);
        for (int x = 0; x <= L / 2; x++)
            G[x] += s->cosine[k * x % L] / (2 * e * L);
    }
    for (int x = L / 2 + 1; x < L; x++)
        G[x] = G[L - x];
    return ln;
}

/* The exponent at r without -L W, and the size of what is left out of it. */
static double exponent(const modes *s, double r, double *left_out)
{
    const kad_exact_chain *g = s->chain;
    const int n = g->n, L = g->L;
    const double l = g->lambda, lr2 = l * r * r;
    const double ln = propagator(s, g->m + 6 * lr2, s->G_L) +
                      (n - 1) * propagator(s, g->m + 2 * lr2, s->G_T);
    const double L0 = s->G_L[0], T0 = s->G_T[0];
    const double A_L = 2 * (L0 + (n - 1) * T0) + 4 * L0, A_T = A_L + 4 * (T0 - L0);
    const double a =
        l * L * (3 * L0 * L0 + 2 * (n - 1) * L0 * T0 + (n * n - 1) * T0 * T0);
    double b = 0, c = 0;
    for (int x = 0; x < L; x++) {
        const double GL = s->G_L[x], GT = s->G_T[x], L2 = GL * GL, T2 = GT * GT;
        const double q = L2 + (n - 1) * T2;
        b += A_L * A_L * L2 + (n - 1) * A_T * A_T * T2 + 4 * q * q;
        b += 8 * (L2 * L2 + (n - 1) * T2 * T2);
        c += GL * (6 * GL * GL + 2 * (n - 1) * GT * GT);
    }
    b *= l * l * L;
    c *= 8 * l * lr2 * L;
    *left_out = 20 * ((b + fabs(c)) * b / a + c * c);
    return (n - 1) * log(r) - ln - a + b + c;
}

static double cost(const kad_exact_chain *chain, double y)
{
    return chain->L * kad_exact_well(chain, y);
}

/* ln of the integral over r by `nodes` points; error: the mean of what is left out. */
static kad_exact_value integrate(const modes *s, int nodes, double *node, double *weight)
{
    const kad_exact_chain *g = s->chain;
    const double lo = g->r0 > 0 ? kad_exact_window(g, cost, FALL, -1, g->r0) : 0;
    const double hi = kad_exact_window(g, cost, FALL, 1, (double)INFINITY);
    double top = 0, sum = 0, error = 0;
    kad_legendre(nodes / 2, node, weight);
    for (int i = 0; i < nodes; i++) {
        const int k = i % (nodes / 2);
        const double y =
            0.5 * (lo + hi) + 0.5 * (hi - lo) * (i == k ? node[k] : -node[k]);
        double left_out;
        const double f = exponent(s, g->r0 + y, &left_out) - cost(g, y);
        if (i == 0) top = f;
        const double scale = f > top ? exp(top - f) : 1; /* of what was added up so far */
        top = fmax(top, f);
        const double w = weight[k] * exp(f - top);
        sum = sum * scale + w;
        error = error * scale + w * left_out;
    }
    return (kad_exact_value){top + log(0.5 * (hi - lo) * sum), error / sum};
}

kad_status kad_exact_mean_field(kad_ctx *ctx, const kad_exact_chain *g,
                                kad_exact_value *ln_z)
{
    KAD_SCOPE(scope, ctx);
    double *block;
    *ln_z = (kad_exact_value){(double)NAN, (double)NAN};
    /* an odd antiferromagnetic ring has no zero mode */
    if (g->L > MAX_SITES || g->t == 0 || (g->t < 0 && g->L % 2)) return KAD_OK;
    const size_t L = (size_t)g->L;
    KAD_CALL(kad_take(&scope, 3 * L + MANY, &block));
    double *cosine = block, *node = block + 3 * L;
    for (size_t j = 0; j < L; j++)
        cosine[j] = cos(2 * M_PI * (double)j / (double)L);
    const modes s = {g, cosine, block + L, block + 2 * L};
    double left_out; /* no need to integrate where even the typical r does not allow it */
    const double typical = g->r0 > 0 ? g->r0 : pow(g->L * g->lambda, -0.25);
    exponent(&s, g->m > 0 ? fmin(typical, 1 / sqrt(g->L * g->m)) : typical, &left_out);
    if (!(left_out < 1e-6)) return KAD_OK;
    const kad_exact_value few = integrate(&s, FEW, node, node + MANY / 2),
                          many = integrate(&s, MANY, node, node + MANY / 2);
    ln_z->value = many.value + kad_exact_ln_sphere(g->n) + 0.5 * g->n * log(g->L);
    ln_z->error = many.error + fabs(many.value - few.value) +
                  DBL_EPSILON * (64 + 8 * g->n * g->L * fabs(log(fabs(g->t))));
    return KAD_OK;
}
