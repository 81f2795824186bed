#include "base/matrix.h"
#include "base/memory.h"
#include "base/parallel.h"
#include "base/signals.h"
#include "bulk/couplings.h"

#include <math.h>
#include <string.h>

enum { K = KAD_N_OPERATORS, N_MOMENTS = K * K + K + 1 };

/* --- small symmetric systems --------------------------------------------------------- */

/* Inverse of a symmetric positive matrix A [n][n], scaled to a unit diagonal first; false
 * where it is singular to rounding. */
static bool invert(int n, const double *A, double *inverse)
{
    double L[K * K] = {0}, s[K];
    for (int i = 0; i < n; i++) {
        if (!(A[i * n + i] > 0)) return false;
        s[i] = 1 / sqrt(A[i * n + i]);
    }
    for (int i = 0; i < n; i++)
        for (int j = 0; j <= i; j++)
            L[i * K + j] = A[i * n + j] * s[i] * s[j];
    if (!kad_cholesky((size_t)n, K, L, 1e-13)) return false;
    for (int c = 0; c < n; c++) {
        double x[K] = {0};
        x[c] = s[c];
        kad_cholesky_forward((size_t)n, K, L, x);
        kad_cholesky_backward((size_t)n, K, L, x);
        for (int i = 0; i < n; i++)
            inverse[i * n + c] = x[i] * s[i];
    }
    return true;
}

static double row_times(int n, const double *row, const double *x)
{
    double sum = 0;
    for (int j = 0; j < n; j++)
        sum += row[j] * x[j];
    return sum;
}

/* --- sums over configurations -------------------------------------------------------- */

typedef struct job {
    const kad_operators *o;
    const kad_bulk_cells *cells;
    const double *field, *S;
    size_t n_rows;
    double scale;
    double *moments; /* [cell][N_MOMENTS]: A, b, mean square */
    double *O;       /* [configuration of the cells][n] */
} job;

static double mean_square(const job *w)
{
    double total = 0;
    for (size_t cell = 0; cell < w->cells->n; cell++) {
        const double *x = w->field + kad_bulk_cell_start(w->cells, cell) * w->n_rows;
        double sum = 0;
        for (size_t i = 0; i < w->cells->size * w->n_rows; i++)
            sum += x[i] * x[i];
        total += sum / (double)(w->cells->size * w->n_rows);
    }
    return total / (double)w->cells->n;
}

static bool visit_cell(void *self, size_t cell, void *scratch)
{
    const job *w = self;
    const size_t first = kad_bulk_cell_start(w->cells, cell), n = (size_t)w->o->n;
    double *unit = scratch;
    double *m = w->moments + cell * N_MOMENTS;
    const double weight = 1 / (double)w->cells->size;
    for (size_t k = 0; k < w->cells->size; k++) {
        const double *x = w->field + (first + k) * w->n_rows;
        double square = 0;
        for (size_t i = 0; i < w->n_rows; i++) {
            unit[i] = x[i] / w->scale;
            square += unit[i] * unit[i];
        }
        kad_operators_moments(w->o, unit, w->O + (cell * w->cells->size + k) * n, m,
                              m + K * K);
        m[N_MOMENTS - 1] += square / (double)w->n_rows;
    }
    for (int i = 0; i < N_MOMENTS; i++)
        m[i] *= weight;
    return true;
}

static kad_status collect(kad_scope *in, job *w)
{
    KAD_CALL(kad_take(in, w->cells->n * N_MOMENTS, &w->moments));
    KAD_CALL(kad_take(in, w->cells->n * w->cells->size * (size_t)w->o->n, &w->O));
    KAD_CALL(kad_for_tiles(in->ctx, "bulk", w->cells->n, w->n_rows * sizeof(double),
                           visit_cell, w));
    return kad_stop_check(in->ctx, "bulk");
}

/* --- the two estimates --------------------------------------------------------------- */

/* Solution g of <A> g = <b> and its series g + A^-1 (b_cell - A_cell g). */
static bool by_samples(const job *w, double *g, double *series)
{
    const int n = w->o->n;
    double mean[N_MOMENTS] = {0}, inverse[K * K];
    for (size_t c = 0; c < w->cells->n; c++)
        for (int i = 0; i < N_MOMENTS; i++)
            mean[i] += w->moments[c * N_MOMENTS + (size_t)i] / (double)w->cells->n;
    if (!invert(n, mean, inverse)) return false;
    for (int a = 0; a < n; a++)
        g[a] = row_times(n, inverse + a * n, mean + K * K);
    for (size_t c = 0; c < w->cells->n; c++) {
        const double *A = w->moments + c * N_MOMENTS, *b = A + K * K;
        double left[K];
        for (int a = 0; a < n; a++)
            left[a] = b[a] - row_times(n, A + a * n, g);
        for (int a = 0; a < n; a++)
            series[(size_t)a * w->cells->n + c] =
                g[a] + row_times(n, inverse + a * n, left);
    }
    return true;
}

/* Means of the operators and of S. */
static void means(const job *w, double *O, double *S)
{
    const size_t n = (size_t)w->o->n, total = w->cells->n * w->cells->size;
    *S = 0;
    for (size_t a = 0; a < n; a++)
        O[a] = 0;
    for (size_t c = 0; c < w->cells->n; c++)
        for (size_t k = 0; k < w->cells->size; k++) {
            const size_t at = c * w->cells->size + k;
            *S += w->S[kad_bulk_cell_start(w->cells, c) + k] / (double)total;
            for (size_t a = 0; a < n; a++)
                O[a] += w->O[at * n + a] / (double)total;
        }
}

/* Deviation of configuration k of a cell from the means: d [n]; returns that of S. */
static double deviation(const job *w, size_t cell, size_t k, const double *mean_O,
                        double mean_S, double *d)
{
    const size_t n = (size_t)w->o->n, at = cell * w->cells->size + k;
    for (size_t a = 0; a < n; a++)
        d[a] = w->O[at * n + a] - mean_O[a];
    return w->S[kad_bulk_cell_start(w->cells, cell) + k] - mean_S;
}

/* g = cov(O, O)^-1 cov(O, S) and its series g + cov^-1 <dO (dS - g.dO)>_cell. */
static bool by_flow(const job *w, double *g, double *series, kad_couplings *out)
{
    const int n = w->o->n;
    const double total = (double)(w->cells->n * w->cells->size);
    double mean_O[K], mean_S, d[K], cov[K * K] = {0}, rhs[K] = {0}, inverse[K * K];
    double spread = 0, residual = 0;
    means(w, mean_O, &mean_S);
    for (size_t c = 0; c < w->cells->n; c++)
        for (size_t k = 0; k < w->cells->size; k++) {
            const double s = deviation(w, c, k, mean_O, mean_S, d);
            spread += s * s / total;
            for (int a = 0; a < n; a++) {
                rhs[a] += d[a] * s / total;
                for (int b = 0; b < n; b++)
                    cov[a * n + b] += d[a] * d[b] / total;
            }
        }
    if (!isfinite(spread) || !invert(n, cov, inverse)) return false;
    for (int a = 0; a < n; a++)
        g[a] = row_times(n, inverse + a * n, rhs);
    for (size_t c = 0; c < w->cells->n; c++) {
        double left[K] = {0};
        for (size_t k = 0; k < w->cells->size; k++) {
            double s = deviation(w, c, k, mean_O, mean_S, d);
            s -= row_times(n, d, g);
            residual += s * s / total;
            for (int a = 0; a < n; a++)
                left[a] += d[a] * s / (double)w->cells->size;
        }
        for (int a = 0; a < n; a++)
            series[(size_t)a * w->cells->n + c] =
                g[a] + row_times(n, inverse + a * n, left);
    }
    out->spread = sqrt(spread);
    out->residual = sqrt(residual);
    return true;
}

/* From the field in its root mean square s to the field as it is, and the series of both:
 * g = g_unit(s) / s^degree holds for any fixed s; of g_unit s is part of the estimate,
 * d ln s = (m_cell - 1) / 2 with m the mean square in units of s^2. */
static void rescale(const job *w, kad_couplings_by by, kad_couplings *out)
{
    const size_t n_cells = w->cells->n;
    for (int a = 0; a < out->n; a++) {
        const int degree = kad_operator_degree[w->o->op[a]];
        const double factor = pow(w->scale, -degree);
        out->g[by][a] = factor * out->g_unit[by][a];
        for (size_t c = 0; c < n_cells; c++) {
            double *unit = out->series_unit[by] + (size_t)a * n_cells + c;
            out->series[by][(size_t)a * n_cells + c] = factor * *unit;
            *unit += 0.5 * degree * out->g_unit[by][a] *
                     (w->moments[c * N_MOMENTS + N_MOMENTS - 1] - 1);
        }
    }
}

static void absent(kad_couplings_by by, kad_couplings *out)
{
    for (int a = 0; a < out->n; a++)
        out->g[by][a] = out->g_unit[by][a] = NAN;
    for (size_t i = 0; i < (size_t)out->n * out->n_cells; i++)
        out->series[by][i] = out->series_unit[by][i] = NAN;
}

static kad_status new_series(kad_scope *in, kad_couplings *out)
{
    const size_t each = (size_t)out->n * out->n_cells;
    double *block;
    KAD_CALL(kad_take(in, 2 * KAD_COUPLINGS_BOTH * each, &block));
    for (size_t by = 0; by < KAD_COUPLINGS_BOTH; by++) {
        out->series[by] = block + 2 * by * each;
        out->series_unit[by] = block + (2 * by + 1) * each;
    }
    return KAD_OK;
}

kad_status kad_couplings_fit(kad_scope *in, const kad_operators *operators,
                             const kad_bulk_cells *cells, const double *field,
                             const double *S, kad_couplings *out)
{
    KAD_SCOPE(scope, in->ctx);
    job w = {.o = operators,
             .cells = cells,
             .field = field,
             .S = S,
             .n_rows = (size_t)(operators->n_sites * operators->n_comp)};
    *out = (kad_couplings){
        .n = operators->n, .n_cells = cells->n, .spread = NAN, .residual = NAN};
    KAD_CALL(new_series(in, out));
    out->scale = w.scale = sqrt(mean_square(&w));
    KAD_CALL(collect(&scope, &w));
    const kad_couplings_by one = KAD_COUPLINGS_SAMPLES, other = KAD_COUPLINGS_FLOW;
    if (by_samples(&w, out->g_unit[one], out->series_unit[one]))
        rescale(&w, one, out);
    else
        absent(one, out);
    if (S != NULL && by_flow(&w, out->g_unit[other], out->series_unit[other], out))
        rescale(&w, other, out);
    else
        absent(other, out);
    return KAD_OK;
}
