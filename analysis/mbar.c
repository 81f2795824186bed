#include "analysis/mbar.h"

#include "base/matrix.h"

#include <math.h>
#include <string.h>

enum { BLOCK_LEAST = 4, BLOCK_TIMES = 10, FIXED_POINT_STEPS = 5, NEWTON_STEPS = 100 };

/* S of draw i of a chain at couplings c. */
static double action_of(const kad_mbar *m, const kad_mbar_state *chain, size_t i,
                        const double *c)
{
    double S = 0;
    for (size_t a = 0; a < m->n_statistics; a++)
        S += c[a] * chain->statistic[a][i];
    return S;
}

/* ln D_n of draw i of a chain, and p[k] = (N_k/g_k) e^{f_k - S_k} / D_n, which sum to 1. */
static double shares(const kad_mbar *m, const double *f, const kad_mbar_state *chain,
                     size_t i, double *p)
{
    double top = -INFINITY, sum = 0;
    for (size_t k = 0; k < m->n_states; k++) {
        const kad_mbar_state *s = &m->state[k];
        p[k] = log((double)s->n / s->g) + f[k] - action_of(m, chain, i, s->c);
        top = fmax(top, p[k]);
    }
    for (size_t k = 0; k < m->n_states; k++)
        sum += p[k] = exp(p[k] - top);
    for (size_t k = 0; k < m->n_states; k++)
        p[k] /= sum;
    return top + log(sum);
}

static size_t block_of(const kad_mbar *m, const kad_mbar_state *chain, size_t i)
{
    return i * m->n_blocks / chain->n;
}

/* --- the equations -------------------------------------------------------------------
 */

typedef struct sums {
    double *by_block; /* [n_blocks][K] sum_n p_kn / g_n */
    double *total;    /* [K] the same of all */
    double *hessian;  /* [K][K] sum_n (delta_kl p_kn - p_kn p_ln) / g_n */
    double *p;        /* [K] work */
} sums;

static kad_status take_sums(kad_scope *in, const kad_mbar *m, sums *s)
{
    const size_t K = m->n_states;
    KAD_CALL(kad_take(in, m->n_blocks * K, &s->by_block));
    KAD_CALL(kad_take(in, K, &s->total));
    KAD_CALL(kad_take(in, K * K, &s->hessian));
    return kad_take(in, K, &s->p);
}

static void accumulate(kad_mbar *m, sums *s)
{
    const size_t K = m->n_states;
    memset(s->by_block, 0, m->n_blocks * K * sizeof *s->by_block);
    memset(s->total, 0, K * sizeof *s->total);
    memset(s->hessian, 0, K * K * sizeof *s->hessian);
    for (size_t j = 0; j < K; j++) {
        const kad_mbar_state *chain = &m->state[j];
        for (size_t i = 0; i < chain->n; i++) {
            double *block = s->by_block + block_of(m, chain, i) * K;
            m->ln_d[m->first[j] + i] = shares(m, m->f, chain, i, s->p);
            for (size_t k = 0; k < K; k++) {
                const double pk = s->p[k] / chain->g;
                block[k] += pk;
                for (size_t l = 0; l <= k; l++)
                    s->hessian[k * K + l] -= pk * s->p[l];
            }
        }
    }
    for (size_t b = 0; b < m->n_blocks; b++)
        for (size_t k = 0; k < K; k++)
            s->total[k] += s->by_block[b * K + k];
    for (size_t k = 0; k < K; k++)
        s->hessian[k * K + k] += s->total[k];
}

/* Cholesky factor of the Hessian without row and column 0: f_0 is fixed. */
static bool factorise(const kad_mbar *m, sums *s)
{
    const size_t K = m->n_states;
    return K < 2 || kad_cholesky(K - 1, K, s->hessian + K + 1, 1e-13 * s->hessian[K + 1]);
}

/* x <- H^-1 x of elements 1 .. K - 1. */
static void solve(const kad_mbar *m, const sums *s, double *x)
{
    const size_t K = m->n_states;
    x[0] = 0;
    if (K < 2) return;
    kad_cholesky_forward(K - 1, K, s->hessian + K + 1, x + 1);
    kad_cholesky_backward(K - 1, K, s->hessian + K + 1, x + 1);
}

/* One step towards sum_n p_kn / g_n = N_k / g_k; returns the largest change of an f. */
static double step(kad_mbar *m, sums *s, bool newton)
{
    const size_t K = m->n_states;
    double most = 0, *d = s->p;
    for (size_t k = 0; k < K; k++) {
        const double want = (double)m->state[k].n / m->state[k].g;
        d[k] = newton ? want - s->total[k] : log(want / s->total[k]);
    }
    if (newton) solve(m, s, d);
    for (size_t k = K; k-- > 0;) {
        d[k] -= d[0];
        m->f[k] += d[k];
        most = fmax(most, fabs(d[k]));
    }
    return most;
}

/* Fixed-point steps as long as Newton's would leave where it converges. */
static kad_status iterate(kad_ctx *ctx, kad_mbar *m, sums *s)
{
    double scale = 1;
    for (m->n_iterations = 1; m->n_iterations <= NEWTON_STEPS; m->n_iterations++) {
        accumulate(m, s);
        const bool newton = m->n_iterations > FIXED_POINT_STEPS;
        if (newton && !factorise(m, s))
            return kad_fail(ctx, KAD_EDATA,
                            "reweighting: the chains of some states share no draws with "
                            "the others: more states between them");
        const double change = step(m, s, newton);
        for (size_t k = 0; k < m->n_states; k++)
            scale = fmax(scale, fabs(m->f[k]));
        if (!isfinite(change)) break;
        if (newton && change < 1e-10 * scale) {
            accumulate(m, s);
            return factorise(m, s) ? KAD_OK
                                   : kad_fail(ctx, KAD_EDATA, "reweighting: no overlap");
        }
    }
    return kad_fail(ctx, KAD_EDATA,
                    "reweighting: no solution after %d steps: do the states overlap?",
                    m->n_iterations - 1);
}

/* --- what is known of the solution ---------------------------------------------------
 */

/* Without block b: H shift = sum over the rest of p/g less what it should be, which is
 * N_k / (B g_k) - sum over the block. */
static void leave_blocks_out(kad_mbar *m, const sums *s)
{
    const size_t K = m->n_states, B = m->n_blocks;
    for (size_t b = 0; b < B; b++) {
        double *shift = m->shift + b * K;
        for (size_t k = 0; k < K; k++)
            shift[k] = s->by_block[b * K + k] -
                       (double)m->state[k].n / m->state[k].g / (double)B;
        solve(m, s, shift);
        for (size_t k = 0; k < K; k++)
            shift[k] *= (double)B / (double)(B - 1); /* H of what is left */
    }
    for (size_t k = 0; k < K; k++) {
        kad_jackknife j = kad_jackknife_start(m->f[k]);
        for (size_t b = 0; b < B; b++)
            kad_jackknife_add(&j, m->f[k] + m->shift[b * K + k]);
        m->f_err[k] = k == 0 ? 0 : kad_jackknife_error(&j);
    }
}

static void find_overlap(kad_mbar *m, double *p)
{
    const size_t K = m->n_states;
    for (size_t j = 0; j < K; j++) {
        const kad_mbar_state *chain = &m->state[j];
        for (size_t i = 0; i < chain->n; i++) {
            shares(m, m->f, chain, i, p);
            for (size_t k = 0; k < K; k++)
                m->overlap[j * K + k] += p[k] / (double)chain->n;
        }
    }
}

static kad_status check(kad_ctx *ctx, const kad_mbar *m)
{
    for (size_t k = 0; k < m->n_states; k++) {
        const kad_mbar_state *s = &m->state[k];
        bool finite = s->g >= 1;
        for (size_t a = 0; a < m->n_statistics; a++)
            for (size_t i = 0; i < s->n; i++)
                finite = finite && isfinite(s->statistic[a][i]) && isfinite(s->c[a]);
        if (!finite)
            return kad_fail(ctx, KAD_EDATA, "reweighting: state %zu is not finite", k);
        if ((double)s->n < BLOCK_LEAST * BLOCK_TIMES * s->g)
            return kad_fail(
                ctx, KAD_EDATA,
                "reweighting: state %zu has %zu draws of tau_int %.3g: too few", k, s->n,
                s->g / 2);
    }
    return KAD_OK;
}

static void choose_blocks(kad_mbar *m)
{
    m->n_blocks = KAD_MBAR_BLOCKS;
    for (size_t k = 0; k < m->n_states; k++) {
        const double most = (double)m->state[k].n / (BLOCK_TIMES * m->state[k].g);
        if (most < (double)m->n_blocks) m->n_blocks = (size_t)most;
    }
}

kad_status kad_mbar_solve(kad_scope *in, size_t n_states, size_t n_statistics,
                          const kad_mbar_state *state, kad_mbar *out)
{
    KAD_SCOPE(scope, in->ctx);
    sums s;
    kad_mbar *m = out;
    *m = (kad_mbar){.n_states = n_states, .n_statistics = n_statistics, .state = state};
    if (n_states < 1 || n_states > KAD_MBAR_STATES || n_statistics > KAD_MBAR_STATISTICS)
        return kad_fail(in->ctx, KAD_EDATA, "reweighting: %zu states of %zu statistics",
                        n_states, n_statistics);
    KAD_CALL(check(in->ctx, m));
    choose_blocks(m);
    KAD_CALL(kad_take(in, n_states, &m->first));
    for (size_t k = 0; k < n_states; k++) {
        m->first[k] = m->n_draws;
        m->n_draws += state[k].n;
    }
    KAD_CALL(kad_take(in, n_states, &m->f));
    KAD_CALL(kad_take(in, n_states, &m->f_err));
    KAD_CALL(kad_take(in, m->n_draws, &m->ln_d));
    KAD_CALL(kad_take(in, m->n_blocks * n_states, &m->shift));
    KAD_CALL(kad_take(in, n_states * n_states, &m->overlap));
    KAD_CALL(take_sums(&scope, m, &s));
    KAD_CALL(iterate(in->ctx, m, &s));
    leave_blocks_out(m, &s);
    find_overlap(m, s.p);
    return KAD_OK;
}

/* --- at other couplings --------------------------------------------------------------
 */

/* Sums of w and of w times every observable (rows): by block, and with the shares p_kn,
 * by which ln D_n moves with f. */
typedef struct means {
    size_t n_rows;
    double *by_block; /* [n_blocks][n_rows] */
    double *total;    /* [n_rows] */
    double *moved;    /* [n_rows][K] */
    double *p, *row;
    double square; /* sum w^2 g */
} means;

static void add_draw(const kad_mbar *m, means *s, size_t j, size_t i, double w,
                     const double *const *const *column)
{
    const size_t K = m->n_states, R = s->n_rows;
    const kad_mbar_state *chain = &m->state[j];
    double *block = s->by_block + block_of(m, chain, i) * R;
    shares(m, m->f, chain, i, s->p);
    s->square += w * w * chain->g;
    for (size_t r = 0; r < R; r++) {
        const double x = r == 0 ? w : w * column[r - 1][j][i];
        block[r] += x;
        for (size_t k = 0; k < K; k++)
            s->moved[r * K + k] += x * s->p[k];
    }
}

/* Weights relative to the largest, whose logarithm is returned. */
static double sum_weights(const kad_mbar *m, const double *theta, means *s,
                          const double *const *const *column)
{
    double top = -INFINITY;
    for (int pass = 0; pass < 2; pass++)
        for (size_t j = 0; j < m->n_states; j++) {
            const kad_mbar_state *chain = &m->state[j];
            for (size_t i = 0; i < chain->n; i++) {
                const double ln_w = -action_of(m, chain, i, theta) -
                                    m->ln_d[m->first[j] + i] - log(chain->g);
                if (pass == 0)
                    top = fmax(top, ln_w);
                else
                    add_draw(m, s, j, i, exp(ln_w - top), column);
            }
        }
    for (size_t b = 0; b < m->n_blocks; b++)
        for (size_t r = 0; r < s->n_rows; r++)
            s->total[r] += s->by_block[b * s->n_rows + r];
    return top;
}

/* The rows' sums without block b, ln D_n moved along; the number of draws falls too. */
static void without(const kad_mbar *m, means *s, size_t b)
{
    const size_t K = m->n_states, R = s->n_rows;
    const double rest = (double)(m->n_blocks - 1) / (double)m->n_blocks;
    for (size_t r = 0; r < R; r++) {
        double x = s->total[r] - s->by_block[b * R + r];
        for (size_t k = 0; k < K; k++)
            x -= rest * m->shift[b * K + k] * s->moved[r * K + k];
        s->row[r] = x / rest;
    }
}

kad_status kad_mbar_at(kad_ctx *ctx, const kad_mbar *m, const double *theta,
                       size_t n_observables, const double *const *const *column,
                       kad_estimate *ln_z, kad_estimate *mean, double *n_eff)
{
    KAD_SCOPE(scope, ctx);
    means s = {.n_rows = n_observables + 1};
    kad_jackknife *j;
    KAD_CALL(kad_take(&scope, m->n_blocks * s.n_rows, &s.by_block));
    KAD_CALL(kad_take(&scope, s.n_rows, &s.total));
    KAD_CALL(kad_take(&scope, s.n_rows * m->n_states, &s.moved));
    KAD_CALL(kad_take(&scope, m->n_states, &s.p));
    KAD_CALL(kad_take(&scope, s.n_rows, &s.row));
    KAD_CALL(kad_take(&scope, s.n_rows, &j));
    const double top = sum_weights(m, theta, &s, column);
    j[0] = kad_jackknife_start(top + log(s.total[0]));
    for (size_t o = 1; o < s.n_rows; o++)
        j[o] = kad_jackknife_start(s.total[o] / s.total[0]);
    for (size_t b = 0; b < m->n_blocks; b++) {
        without(m, &s, b);
        kad_jackknife_add(&j[0], top + log(s.row[0]));
        for (size_t o = 1; o < s.n_rows; o++)
            kad_jackknife_add(&j[o], s.row[o] / s.row[0]);
    }
    *ln_z = (kad_estimate){j[0].full, kad_jackknife_error(&j[0])};
    for (size_t o = 0; o < n_observables; o++)
        mean[o] = (kad_estimate){j[o + 1].full, kad_jackknife_error(&j[o + 1])};
    *n_eff = s.total[0] * s.total[0] / s.square;
    return KAD_OK;
}
