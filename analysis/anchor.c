#include "analysis/anchor.h"

#include "base/matrix.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

static double dot(size_t n, const double *a, const double *b)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

/* Products of these are covariances. */
static double unit(size_t n_blocks)
{
    return sqrt((double)n_blocks / (double)(n_blocks - 1));
}

/* noise += factor times that of g_k of the chains, g_k = -f_k. */
static void add_chain(const kad_mbar *m, size_t k, double factor, double *noise)
{
    const size_t K = m->n_states, B = m->n_blocks;
    for (size_t jb = 0; jb < K * B; jb++)
        noise[jb] -= factor * unit(B) * m->part[jb * K + k];
}

/* The same of a value: in blocks of its chain, or in blocks of its own behind them. */
static void add_value(const kad_anchor *a, const kad_anchor_value *value, size_t v,
                      size_t n_blocks, bool same, double factor, double *noise)
{
    const kad_mbar *m = a->mbar;
    noise +=
        same ? value[v].state * m->n_blocks : m->n_states * m->n_blocks + v * n_blocks;
    for (size_t b = 0; b < n_blocks; b++)
        noise[b] += factor * unit(n_blocks) * value[v].part[b];
}

static kad_status take(kad_scope *in, kad_anchor *a)
{
    KAD_CALL(kad_take(in, a->n * a->n_noise, &a->noise));
    KAD_CALL(kad_take(in, a->dof * a->dof, &a->factor));
    return kad_take(in, a->dof, &a->solved);
}

kad_status kad_anchor_make(kad_scope *in, const kad_mbar *m, size_t n,
                           const kad_anchor_value *value, size_t n_blocks, bool same,
                           kad_anchor *a)
{
    const size_t first = value[0].state, M = n - 1;
    *a = (kad_anchor){.mbar = m, .n = n, .dof = M, .chi2 = 0, .p = NAN};
    a->n_noise = m->n_states * m->n_blocks + (same ? 0 : n * n_blocks);
    KAD_CALL(take(in, a));
    a->start = value[0].log_z + m->f[first];
    add_value(a, value, 0, n_blocks, same, 1, a->noise);
    add_chain(m, first, -1, a->noise);
    for (size_t v = 1; v < n; v++) {
        double *noise = a->noise + v * a->n_noise;
        const size_t k = value[v].state;
        a->solved[v - 1] = value[v].log_z - value[0].log_z + m->f[k] - m->f[first];
        add_value(a, value, v, n_blocks, same, 1, noise);
        add_value(a, value, 0, n_blocks, same, -1, noise);
        add_chain(m, k, -1, noise);
        add_chain(m, first, 1, noise);
    }
    for (size_t i = 0; i < M; i++)
        for (size_t j = 0; j <= i; j++)
            a->factor[i * M + j] = dot(a->n_noise, a->noise + (i + 1) * a->n_noise,
                                       a->noise + (j + 1) * a->n_noise);
    if (M == 0) return KAD_OK;
    if (!kad_cholesky(M, M, a->factor, 1e-14 * a->factor[0]))
        return kad_fail(in->ctx, KAD_EDATA,
                        "ln Z of maps and chains: their covariance is singular");
    kad_cholesky_forward(M, M, a->factor, a->solved);
    a->chi2 = dot(M, a->solved, a->solved);
    a->p = gsl_cdf_chisq_Q(a->chi2, (double)M);
    kad_cholesky_backward(M, M, a->factor, a->solved);
    return KAD_OK;
}

kad_status kad_anchor_at(kad_ctx *ctx, const kad_anchor *a, double g, const double *part,
                         kad_estimate *ln_z)
{
    KAD_SCOPE(scope, ctx);
    const size_t M = a->dof, KB = a->mbar->n_states * a->mbar->n_blocks;
    double *y, *cov;
    KAD_CALL(kad_take(&scope, a->n_noise, &y));
    KAD_CALL(kad_take(&scope, M + 1, &cov));
    for (size_t i = 0; i < a->n_noise; i++)
        y[i] = a->noise[i] + (i < KB ? unit(a->mbar->n_blocks) * part[i] : 0);
    for (size_t v = 0; v < M; v++)
        cov[v] = dot(a->n_noise, y, a->noise + (v + 1) * a->n_noise);
    ln_z->value = a->start + g - dot(M, cov, a->solved);
    double variance = dot(a->n_noise, y, y);
    if (M > 0) kad_cholesky_forward(M, M, a->factor, cov);
    variance -= dot(M, cov, cov);
    ln_z->err = variance > 0 ? sqrt(variance) : NAN;
    return KAD_OK;
}
