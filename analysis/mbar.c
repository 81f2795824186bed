#include "analysis/mbar.h"

#include "base/matrix.h"
#include "base/parallel.h"

#include <math.h>
#include <string.h>

enum {
    BLOCK_LEAST = 4,
    BLOCK_TIMES = 10,
    FIXED_POINT_STEPS = 5,
    NEWTON_STEPS = 100,
    FEW_DRAWS = 20000, /* for the first steps */
    PIECES = 8 /* of a sum over all draws: chains that one thread takes together */
};

void kad_mbar_offsets(const kad_mbar *m, double *offset)
{
    for (size_t k = 0; k < m->n_states; k++)
        offset[k] = log((double)m->state[k].n / m->state[k].g) + m->f[k];
}

double kad_mbar_block_share(const kad_mbar *m, const kad_mbar_state *chain, size_t b)
{
    const size_t B = m->n_blocks;
    const size_t first = (b * chain->n + B - 1) / B,
                 end = ((b + 1) * chain->n + B - 1) / B;
    return (double)(end - first) / (double)chain->n;
}

/* Shares below e^-40 are none. */
double kad_mbar_shares(const kad_mbar *m, const double *offset,
                       const kad_mbar_state *chain, size_t i, double *p, size_t *lo,
                       size_t *hi)
{
    static const double NONE = -40;
    const size_t K = m->n_states;
    double top = -INFINITY, sum = 0;
    for (size_t k = 0; k < K; k++) {
        p[k] = offset[k] - kad_mbar_action(m, chain, i, m->state[k].c);
        top = fmax(top, p[k]);
    }
    *lo = K;
    *hi = 0;
    for (size_t k = 0; k < K; k++) {
        const double x = p[k] - top;
        p[k] = x < NONE ? 0 : exp(x);
        sum += p[k];
        if (x < NONE) continue;
        if (*lo == K) *lo = k;
        *hi = k + 1;
    }
    for (size_t k = *lo; k < *hi; k++)
        p[k] /= sum;
    return top + log(sum);
}

/* --- where it starts -------------------------------------------------------------------
 */

/* f along a tree of neighbours, by the trapezoidal rule of thermodynamic integration:
 *     f_j - f_i = (c_j - c_i) . (<A>_i + <A>_j)/2,
 * the tree (Prim's) with the smallest sums of (c_j - c_i) . (<A>_i - <A>_j), the symmetrised
 * Kullback-Leibler divergence of i and j. From f = 0 states far apart would find no draws of
 * one another's. */
static kad_status start(kad_scope *in, kad_mbar *m)
{
    KAD_SCOPE(scope, in->ctx);
    const size_t K = m->n_states, A = m->n_statistics;
    double *mean, *nearest, *f = m->f;
    size_t *parent;
    KAD_CALL(kad_take(&scope, K * A, &mean));
    KAD_CALL(kad_take(&scope, K, &nearest));
    KAD_CALL(kad_take(&scope, K, &parent));
    for (size_t k = 0; k < K; k++) {
        const kad_mbar_state *s = &m->state[k];
        for (size_t a = 0; a < A; a++)
            for (size_t i = 0; i < s->n; i++)
                mean[k * A + a] += s->statistic[a][i] / (double)s->n;
        nearest[k] = INFINITY;
    }
    for (size_t n = 1, last = 0; n < K; n++) {
        size_t next = K;
        nearest[last] = -1; /* is in the tree */
        for (size_t k = 0; k < K; k++) {
            double apart = 0;
            if (nearest[k] < 0) continue;
            for (size_t a = 0; a < A; a++)
                apart += (m->state[k].c[a] - m->state[last].c[a]) *
                         (mean[last * A + a] - mean[k * A + a]);
            apart = fmax(0, apart); /* of noise, where they are the same */
            if (apart < nearest[k]) {
                nearest[k] = apart;
                parent[k] = last;
            }
            if (next == K || nearest[k] < nearest[next]) next = k;
        }
        const size_t from = parent[next];
        f[next] = f[from];
        for (size_t a = 0; a < A; a++)
            f[next] += (m->state[next].c[a] - m->state[from].c[a]) *
                       (mean[from * A + a] + mean[next * A + a]) / 2;
        last = next;
    }
    return KAD_OK;
}

/* --- the equations -------------------------------------------------------------------
 */

typedef struct sums {
    kad_mbar *m;
    double *offset;   /* [K] */
    double *by_block; /* [K][n_blocks][K] sum_n p_kn / g_n, by the chain of n */
    double *total;    /* [K] the same of all */
    /* [PIECES][K][K] sum_n (delta_kl p_kn - p_kn p_ln) / g_n; the first becomes that of all */
    double *hessian;
    double *p;     /* [PIECES][K] work */
    size_t stride; /* every so many-th draw stands for all */
} sums;

static kad_status take_sums(kad_scope *in, kad_mbar *m, sums *s)
{
    const size_t K = m->n_states;
    s->m = m;
    KAD_CALL(kad_take(in, K, &s->offset));
    KAD_CALL(kad_take(in, K * m->n_blocks * K, &s->by_block));
    KAD_CALL(kad_take(in, K, &s->total));
    KAD_CALL(kad_take(in, PIECES * K * K, &s->hessian));
    return kad_take(in, PIECES * K, &s->p);
}

/* A chain's draws. */
static void add_chain(sums *s, size_t j, double *hessian, double *p)
{
    kad_mbar *m = s->m;
    const size_t K = m->n_states;
    const kad_mbar_state *chain = &m->state[j];
    double *by_block = s->by_block + j * m->n_blocks * K;
    const size_t n_taken = (chain->n + s->stride - 1) / s->stride;
    const double unit = (double)chain->n / (double)n_taken / chain->g;
    memset(by_block, 0, m->n_blocks * K * sizeof *by_block);
    for (size_t i = 0; i < chain->n; i += s->stride) {
        double *block = by_block + kad_mbar_block(m, chain, i) * K;
        size_t lo, hi;
        m->ln_d[m->first[j] + i] = kad_mbar_shares(m, s->offset, chain, i, p, &lo, &hi);
        for (size_t k = lo; k < hi; k++) {
            const double pk = p[k] * unit;
            block[k] += pk;
            for (size_t l = lo; l <= k; l++)
                hessian[k * K + l] -= pk * p[l];
        }
    }
}

static bool add_piece(void *self, size_t piece, int thread)
{
    sums *s = self;
    const size_t K = s->m->n_states;
    double *hessian = s->hessian + piece * K * K;
    (void)thread;
    memset(hessian, 0, K * K * sizeof *hessian);
    for (size_t j = 0; j < K; j++)
        if (j * PIECES / K == piece) add_chain(s, j, hessian, s->p + piece * K);
    return true;
}

static void accumulate(kad_ctx *ctx, sums *s)
{
    const size_t K = s->m->n_states, B = s->m->n_blocks;
    kad_mbar_offsets(s->m, s->offset);
    kad_parallel_for(ctx->n_threads, PIECES, add_piece, s);
    memset(s->total, 0, K * sizeof *s->total);
    for (size_t jb = 0; jb < K * B; jb++)
        for (size_t k = 0; k < K; k++)
            s->total[k] += s->by_block[jb * K + k];
    for (size_t i = K * K; i < PIECES * K * K; i++)
        s->hessian[i % (K * K)] += s->hessian[i];
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

/* Fixed-point steps as long as Newton's would leave where it converges; first with few
 * draws, whose solution is near that of all. The last step changes nothing that counts: the
 * sums before it are those of the solution. */
static kad_status iterate(kad_ctx *ctx, kad_mbar *m, sums *s)
{
    double scale = 1;
    s->stride = m->n_draws > 2 * FEW_DRAWS ? m->n_draws / FEW_DRAWS : 1;
    for (m->n_iterations = 1; m->n_iterations <= NEWTON_STEPS; m->n_iterations++) {
        accumulate(ctx, s);
        const bool newton = m->n_iterations > FIXED_POINT_STEPS;
        if (newton && !factorise(m, s))
            return kad_fail(ctx, KAD_EDATA,
                            "reweighting: the chains of some states share no draws with "
                            "the others: more states between them");
        const double change = step(m, s, newton);
        for (size_t k = 0; k < m->n_states; k++)
            scale = fmax(scale, fabs(m->f[k]));
        if (!isfinite(change)) break;
        if (newton && s->stride == 1 && change < 1e-10 * scale) return KAD_OK;
        if (newton && change < 1e-3 * scale) s->stride = 1;
    }
    return kad_fail(ctx, KAD_EDATA,
                    "reweighting: no solution after %d steps: do the states overlap?",
                    m->n_iterations - 1);
}

/* --- what is known of the solution ---------------------------------------------------
 */

/* H f moves against what a block has more than its chain's mean. */
static void find_parts(const kad_mbar *m, const sums *s)
{
    const size_t K = m->n_states, B = m->n_blocks;
    for (size_t j = 0; j < K; j++) {
        const double *by_block = s->by_block + j * B * K;
        for (size_t b = 0; b < B; b++) {
            double *part = m->part + (j * B + b) * K;
            const double share = kad_mbar_block_share(m, &m->state[j], b);
            for (size_t c = 0; c < B; c++)
                for (size_t k = 0; k < K; k++)
                    part[k] += by_block[c * K + k] * share;
            for (size_t k = 0; k < K; k++)
                part[k] -= by_block[b * K + k];
            solve(m, s, part);
        }
    }
}

/* Without block b of all chains; H is that of what is left. */
static void leave_blocks_out(kad_mbar *m)
{
    const size_t K = m->n_states, B = m->n_blocks;
    for (size_t j = 0; j < K; j++)
        for (size_t bk = 0; bk < B * K; bk++)
            m->shift[bk] -= m->part[j * B * K + bk] * (double)B / (double)(B - 1);
    for (size_t k = 0; k < K; k++) {
        kad_jackknife j = kad_jackknife_start(m->f[k]);
        for (size_t b = 0; b < B; b++)
            kad_jackknife_add(&j, m->f[k] + m->shift[b * K + k]);
        m->f_err[k] = k == 0 ? 0 : kad_jackknife_error(&j);
    }
}

static void find_overlap(kad_mbar *m, const sums *s)
{
    const size_t K = m->n_states;
    for (size_t j = 0; j < K; j++)
        for (size_t b = 0; b < m->n_blocks; b++)
            for (size_t k = 0; k < K; k++)
                m->overlap[j * K + k] += s->by_block[(j * m->n_blocks + b) * K + k] *
                                         m->state[j].g / (double)m->state[j].n;
}

static kad_status check(kad_ctx *ctx, const kad_mbar *m)
{
    for (size_t k = 0; k < m->n_states; k++) {
        const kad_mbar_state *s = &m->state[k];
        bool finite = s->g >= 1 && s->memory >= s->g;
        for (size_t a = 0; a < m->n_statistics; a++)
            for (size_t i = 0; i < s->n; i++)
                finite = finite && isfinite(s->statistic[a][i]) && isfinite(s->c[a]);
        if (!finite)
            return kad_fail(ctx, KAD_EDATA, "reweighting: state %zu is not finite", k);
        if ((double)s->n < BLOCK_LEAST * BLOCK_TIMES * s->memory)
            return kad_fail(
                ctx, KAD_EDATA,
                "reweighting: state %zu has %zu draws of tau_int %.3g: too few", k, s->n,
                s->memory / 2);
    }
    return KAD_OK;
}

static void choose_blocks(kad_mbar *m)
{
    m->n_blocks = KAD_MBAR_BLOCKS;
    for (size_t k = 0; k < m->n_states; k++) {
        const double most = (double)m->state[k].n / (BLOCK_TIMES * m->state[k].memory);
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
    KAD_CALL(kad_take(in, n_states * m->n_blocks * n_states, &m->part));
    KAD_CALL(kad_take(in, n_states * n_states, &m->overlap));
    KAD_CALL(take_sums(&scope, m, &s));
    KAD_CALL(start(&scope, m));
    KAD_CALL(iterate(in->ctx, m, &s));
    find_parts(m, &s);
    leave_blocks_out(m);
    find_overlap(m, &s);
    return KAD_OK;
}
