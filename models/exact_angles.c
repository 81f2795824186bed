/* Rings of angles in fields, by transfer matrices on equal angles. */
#include "base/memory.h"
#include "models/exact.h"

#include <float.h>
#include <math.h>

/* Most points of a grid: 10 s would be too long for a number beside a result. */
enum { MAX_POINTS = 512 };

/* V_i = a cos theta_i + b cos p theta_i on n angles; returns the largest. */
static double external(double a, double b, int p, size_t n, double *V)
{
    double most = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        const double angle = 2 * M_PI * (double)i / (double)n;
        V[i] = a * cos(angle) + b * cos(p * angle);
        most = fmax(most, V[i]);
    }
    return most;
}

/* ln tr T^L of angles in the plane by the trapezoidal rule on n points, which converges
 * faster than any power: T_ij = exp(x cos(theta_i - theta_j) - |x| + (V_i + V_j)/2 - max V) / n.
 */
static kad_status on_grid(kad_ctx *ctx, int L, double x, double a, double b, int p,
                          size_t n, double *ln_z)
{
    KAD_SCOPE(scope, ctx);
    double *T, *V;
    KAD_CALL(kad_take(&scope, n * n, &T));
    KAD_CALL(kad_take(&scope, n, &V));
    const double most = external(a, b, p, n, V);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            const double angle = 2 * M_PI * ((double)i - (double)j) / (double)n;
            T[i * n + j] =
                exp(x * cos(angle) - fabs(x) + (V[i] + V[j]) / 2 - most) / (double)n;
        }
    KAD_CALL(kad_exact_ring_trace(ctx, n, T, L, ln_z));
    *ln_z += L * (fabs(x) + most);
    return KAD_OK;
}

/* On two grids, which must agree. A clock term of many states is too fine for them. */
kad_status kad_exact_angles(kad_ctx *ctx, int L, double x, double a, double b, int p,
                            kad_exact_log_z *out)
{
    const double width = fabs(x) + fabs(a) + p * fabs(b);
    const double points = 64 + 2 * p + 8 * sqrt(width);
    double coarse, fine;
    *out = kad_exact_state(NULL, (kad_exact_value){(double)NAN, (double)NAN},
                           "the fields need more angles than a transfer matrix can have");
    if (1.5 * points > MAX_POINTS) return KAD_OK;
    KAD_CALL(on_grid(ctx, L, x, a, b, p, (size_t)points, &coarse));
    KAD_CALL(on_grid(ctx, L, x, a, b, p, (size_t)(1.5 * points), &fine));
    const double error = fabs(fine - coarse) + 64 * DBL_EPSILON * (L + fabs(fine));
    if (fabs(fine - coarse) <= 1e-9 * fmax(1, fabs(fine)))
        *out = kad_exact_state("transfer matrix", (kad_exact_value){fine, error}, NULL);
    return KAD_OK;
}
