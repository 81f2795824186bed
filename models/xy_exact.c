/* Where the exact partition function of O(n) spins (xy.h) is known. */
#include "base/memory.h"
#include "models/single_site.h"
#include "models/xy.h"

#include <float.h>
#include <math.h>

/* Most points of a grid: 10 s would be too long for a number beside a result. */
enum { MAX_POINTS = 512 };

/* C = A B / c of symmetric [n][n] that commute, c the largest element's size; adds ln c. */
static void product(size_t n, const double *A, const double *B, double *C, double *ln)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = 0;
            for (size_t k = 0; k < n; k++)
                sum += A[i * n + k] * B[j * n + k];
            C[i * n + j] = sum;
            most = fmax(most, sum);
        }
    for (size_t i = 0; i < n * n; i++)
        C[i] /= most;
    *ln += log(most);
}

/* V_i = beta (h cos theta_i + h_p cos p theta_i) on n angles; returns the largest. */
static double external(const kad_xy *xy, size_t n, double *V)
{
    double most = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        const double a = 2 * M_PI * (double)i / (double)n;
        V[i] = xy->beta * (xy->h * cos(a) + xy->h_p * cos(xy->p * a));
        most = fmax(most, V[i]);
    }
    return most;
}

/* ln tr T^L of angles in the plane by the trapezoidal rule on n points, which converges
 * faster than any power: T_ij = exp(x cos(theta_i - theta_j) - |x| + (V_i + V_j)/2 - max V) / n.
 */
static kad_status ring_of_angles(kad_ctx *ctx, const kad_xy *xy, int L, double x,
                                 size_t n, double *ln_z)
{
    KAD_SCOPE(scope, ctx);
    double *T, *power, *next, *V, ln = 0;
    KAD_CALL(kad_take(&scope, n * n, &T));
    KAD_CALL(kad_take(&scope, n * n, &power));
    KAD_CALL(kad_take(&scope, n * n, &next));
    KAD_CALL(kad_take(&scope, n, &V));
    const double most = external(xy, n, V);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            const double angle = 2 * M_PI * ((double)i - (double)j) / (double)n;
            power[i * n + j] = T[i * n + j] =
                exp(x * cos(angle) - fabs(x) + (V[i] + V[j]) / 2 - most) / (double)n;
        }
    int top = 0;
    while (L >> (top + 1))
        top++;
    for (int bit = top - 1; bit >= 0; bit--) {
        double *swap = next;
        ln *= 2;
        product(n, power, power, next, &ln);
        next = power;
        power = swap;
        if (!(L >> bit & 1)) continue;
        swap = next;
        product(n, power, T, next, &ln);
        next = power;
        power = swap;
    }
    double trace = 0;
    for (size_t i = 0; i < n; i++)
        trace += power[i * n + i];
    *ln_z = log(trace) + ln + L * (fabs(x) + most);
    return KAD_OK;
}

/* On two grids, which must agree. A clock term of many states is too fine for them. */
static kad_status by_quadrature(kad_ctx *ctx, const kad_xy *xy, int L, double x,
                                kad_exact_log_z *out)
{
    const double width = fabs(x) + xy->beta * (fabs(xy->h) + xy->p * fabs(xy->h_p));
    const double points = 64 + 2 * xy->p + 8 * sqrt(width);
    double coarse, fine;
    *out = kad_exact_state(NULL, (kad_exact_value){(double)NAN, (double)NAN},
                           "the fields need more angles than a transfer matrix can have");
    if (1.5 * points > MAX_POINTS) return KAD_OK;
    KAD_CALL(ring_of_angles(ctx, xy, L, x, (size_t)points, &coarse));
    KAD_CALL(ring_of_angles(ctx, xy, L, x, (size_t)(1.5 * points), &fine));
    const double error = fabs(fine - coarse) + 64 * DBL_EPSILON * (L + fabs(fine));
    if (fabs(fine - coarse) <= 1e-9 * fmax(1, fabs(fine)))
        *out = kad_exact_state("transfer matrix", (kad_exact_value){fine, error}, NULL);
    return KAD_OK;
}

kad_status kad_xy_exact(kad_ctx *ctx, const kad_xy *xy, bool costly, kad_exact_log_z *out)
{
    const kad_lattice *lattice = xy->action.lattice;
    const int n = xy->action.n_comp, N = lattice->n_sites;
    const double K = xy->beta * xy->J, field = fabs(xy->beta * xy->h);
    const bool clock = xy->beta * xy->h_p != 0;
    double factor;
    const int ring = kad_exact_ring_length(lattice, &factor);
    *out = (kad_exact_log_z){.ln_z = {(double)NAN, (double)NAN}};
    if (K == 0 && !clock) {
        const double ln_z = N * kad_spin_ln_weight(n, field);
        *out = kad_exact_state(
            "free spins", (kad_exact_value){ln_z, 8 * DBL_EPSILON * fabs(ln_z)}, NULL);
    } else if (ring && field == 0 && !clock) {
        *out = kad_exact_state("ring", kad_exact_spin_ring(n, ring, factor * K), NULL);
    } else if (ring && n == 2 && costly) {
        return by_quadrature(ctx, xy, ring, factor * K, out);
    }
    return KAD_OK;
}
