#include "analysis/anchor.h"

#include "base/matrix.h"

#include <gsl/gsl_cdf.h>
#include <math.h>
#include <string.h>

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

/* The noise of all chains in a block is one number where points may share their random
 * numbers and there are blocks enough to know its covariance; else that of each chain. */
static size_t chain_noise(const kad_anchor *a, size_t j, size_t b)
{
    return a->together ? b : j * a->mbar->n_blocks + b;
}

/* noise += factor times that of g_k of the chains, g_k = -f_k. */
static void add_chain(const kad_anchor *a, size_t k, double factor, double *noise)
{
    const kad_mbar *m = a->mbar;
    const size_t K = m->n_states, B = m->n_blocks;
    for (size_t jb = 0; jb < K * B; jb++)
        noise[chain_noise(a, jb / B, jb % B)] -= factor * unit(B) * m->part[jb * K + k];
}

/* The same of a value: in blocks of its chain, or in blocks of its own behind them. */
static void add_value(const kad_anchor *a, const kad_anchor_value *value, size_t v,
                      size_t n_blocks, bool same, double factor, double *noise)
{
    if (same)
        noise += chain_noise(a, value[v].state, 0);
    else
        noise += chain_noise(a, a->together ? 0 : a->mbar->n_states,
                             a->together ? a->mbar->n_blocks : v * n_blocks);
    for (size_t b = 0; b < n_blocks; b++)
        noise[b] += factor * unit(n_blocks) * value[v].part[b];
}

/* Variances by a covariance that is itself known from `freedom` differences only. */
static double widened(const kad_anchor *a)
{
    return a->together ? (double)a->freedom / (double)(a->freedom - a->dof) : 1;
}

/* Of a larger chi^2: Hotelling's T^2 where the covariance is from as many differences. */
static double chance(const kad_anchor *a)
{
    const double M = (double)a->dof, n = (double)a->freedom;
    if (!a->together) return gsl_cdf_chisq_Q(a->chi2, M);
    return gsl_cdf_fdist_Q(a->chi2 * (n - M + 1) / (n * M), M, n - M + 1);
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
    a->freedom = (n_blocks < m->n_blocks ? n_blocks : m->n_blocks) - 1;
    a->together = 2 * M <= a->freedom;
    a->n_noise = a->together ? m->n_blocks + (same ? 0 : n_blocks)
                             : m->n_states * m->n_blocks + (same ? 0 : n * n_blocks);
    KAD_CALL(take(in, a));
    a->start = value[0].log_z + m->f[first];
    add_value(a, value, 0, n_blocks, same, 1, a->noise);
    add_chain(a, first, -1, a->noise);
    for (size_t v = 1; v < n; v++) {
        double *noise = a->noise + v * a->n_noise;
        const size_t k = value[v].state;
        a->solved[v - 1] = value[v].log_z - value[0].log_z + m->f[k] - m->f[first];
        add_value(a, value, v, n_blocks, same, 1, noise);
        add_value(a, value, 0, n_blocks, same, -1, noise);
        add_chain(a, k, -1, noise);
        add_chain(a, first, 1, noise);
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
    a->p = chance(a);
    kad_cholesky_backward(M, M, a->factor, a->solved);
    return KAD_OK;
}

kad_status kad_anchor_at(kad_ctx *ctx, const kad_anchor *a, double g, const double *part,
                         kad_estimate *ln_z)
{
    KAD_SCOPE(scope, ctx);
    const size_t M = a->dof, B = a->mbar->n_blocks, KB = a->mbar->n_states * B;
    double *y, *cov;
    KAD_CALL(kad_take(&scope, a->n_noise, &y));
    KAD_CALL(kad_take(&scope, M + 1, &cov));
    memcpy(y, a->noise, a->n_noise * sizeof *y);
    for (size_t jb = 0; jb < KB; jb++)
        y[chain_noise(a, jb / B, jb % B)] += unit(B) * part[jb];
    for (size_t v = 0; v < M; v++)
        cov[v] = dot(a->n_noise, y, a->noise + (v + 1) * a->n_noise);
    ln_z->value = a->start + g - dot(M, cov, a->solved);
    double variance = dot(a->n_noise, y, y);
    if (M > 0) kad_cholesky_forward(M, M, a->factor, cov);
    variance = (variance - dot(M, cov, cov)) * widened(a);
    ln_z->err = variance > 0 ? sqrt(variance) : NAN;
    return KAD_OK;
}
