/* What the chains of all states say at couplings of which none need be theirs. */
#include "analysis/mbar.h"
#include "base/parallel.h"

#include <math.h>
#include <string.h>

/* How a mean moves with f is a factor in its error: a hundred thousand draws know it. */
enum { FEW_DRAWS = 100000 };

/* Sums over one chain's draws of w and of w times every observable (rows), w relative to
 * the largest at its couplings: by block, and with the shares p_kn, by which ln D_n moves
 * with f. */
typedef struct chain_sums {
    double *by_block; /* [n][n_blocks][n_rows] */
    double *moved;    /* [n][K], of row 0 */
    double *means;    /* [n][n_rows][K], by a few of the draws */
    double *square;   /* [n] sum w^2 g */
    double *top;      /* [n] largest ln w */
    double *p;        /* [K] work */
} chain_sums;

typedef struct work {
    const kad_mbar *m;
    size_t n, n_rows;
    const double *theta;
    const double *const *const *column;
    const double *offset; /* [K] */
    double *top;          /* [n] largest ln w of all chains */
    size_t stride;        /* every so many-th draw for `means` */
    chain_sums *chain;    /* [K] */
} work;

/* base: -ln D - ln g of the draw */
static double log_weight(const work *s, size_t j, size_t i, size_t t, double base)
{
    const kad_mbar *m = s->m;
    return base - kad_mbar_action(m, &m->state[j], i, s->theta + t * m->n_statistics);
}

static double base_of(const work *s, size_t j, size_t i, double log_g)
{
    return -s->m->ln_d[s->m->first[j] + i] - log_g;
}

static bool find_top(void *self, size_t j, int thread)
{
    const work *s = self;
    double *top = s->chain[j].top;
    (void)thread;
    for (size_t t = 0; t < s->n; t++)
        top[t] = -INFINITY;
    const double log_g = log(s->m->state[j].g);
    for (size_t i = 0; i < s->m->state[j].n; i++) {
        const double base = base_of(s, j, i, log_g);
        for (size_t t = 0; t < s->n; t++)
            top[t] = fmax(top[t], log_weight(s, j, i, t, base));
    }
    return true;
}

/* Weights that do not reach rounding of the sum are left out. */
static bool add_chain(void *self, size_t j, int thread)
{
    static const double NONE = -45;
    const work *s = self;
    const kad_mbar *m = s->m;
    const size_t K = m->n_states, R = s->n_rows, B = m->n_blocks;
    const kad_mbar_state *chain = &m->state[j];
    const chain_sums *c = &s->chain[j];
    const double log_g = log(chain->g);
    (void)thread;
    for (size_t i = 0; i < chain->n; i++) {
        const size_t b = kad_mbar_block(m, chain, i);
        const double base = base_of(s, j, i, log_g);
        size_t lo, hi;
        kad_mbar_shares(m, s->offset, chain, i, c->p, &lo, &hi);
        for (size_t t = 0; t < s->n; t++) {
            const double ln_w = log_weight(s, j, i, t, base) - s->top[t];
            if (ln_w < NONE) continue;
            const double w = exp(ln_w);
            double *block = c->by_block + (t * B + b) * R, *moved = c->moved + t * K;
            c->square[t] += w * w * chain->g;
            for (size_t r = 0; r < R; r++)
                block[r] += r == 0 ? w : w * s->column[r - 1][j][i];
            for (size_t k = lo; k < hi; k++)
                moved[k] += w * c->p[k];
            for (size_t r = 0; i % s->stride == 0 && r < R; r++) {
                const double x = r == 0 ? w : w * s->column[r - 1][j][i];
                double *means = c->means + (t * R + r) * K;
                for (size_t k = lo; k < hi; k++)
                    means[k] += x * c->p[k];
            }
        }
    }
    return true;
}

/* Of all chains, at one value. */
typedef struct sums {
    double *by_block; /* [n_blocks][n_rows] */
    double *moved;    /* [K] */
    double *means;    /* [n_rows][K] */
    double *total;    /* [n_rows] */
    double square;
} sums;

static void add_up(const work *s, size_t t, sums *all)
{
    const size_t K = s->m->n_states, R = s->n_rows, B = s->m->n_blocks;
    memset(all->by_block, 0, B * R * sizeof *all->by_block);
    memset(all->moved, 0, K * sizeof *all->moved);
    memset(all->means, 0, R * K * sizeof *all->means);
    memset(all->total, 0, R * sizeof *all->total);
    all->square = 0;
    for (size_t j = 0; j < K; j++) {
        const chain_sums *c = &s->chain[j];
        for (size_t i = 0; i < B * R; i++)
            all->by_block[i] += c->by_block[t * B * R + i];
        for (size_t k = 0; k < K; k++)
            all->moved[k] += c->moved[t * K + k];
        for (size_t i = 0; i < R * K; i++)
            all->means[i] += c->means[t * R * K + i];
        all->square += c->square[t];
    }
    for (size_t i = 0; i < B * R; i++)
        all->total[i % R] += all->by_block[i];
    /* as if of all draws: shares sum to one */
    double few = 0;
    for (size_t k = 0; k < K; k++)
        few += all->means[k];
    for (size_t i = 0; i < R * K; i++)
        all->means[i] *= all->total[0] / few;
}

/* The rows without block b of every chain, ln D_n moved along; the number of draws falls
 * too. Means are ratios to the same sum of weights. */
static void leave_out(const work *s, const sums *all, size_t t, kad_mbar_curve *out)
{
    const size_t K = s->m->n_states, R = s->n_rows, B = s->m->n_blocks;
    const double rest = (double)(B - 1) / (double)B;
    double *without = out->without + t * R * B;
    for (size_t b = 0; b < B; b++) {
        const double *shift = s->m->shift + b * K;
        double z = all->total[0] - all->by_block[b * R], all_z = z;
        for (size_t k = 0; k < K; k++) {
            all_z -= rest * shift[k] * all->moved[k];
            z -= rest * shift[k] * all->means[k];
        }
        without[b] = s->top[t] + log(all_z / rest);
        for (size_t r = 1; r < R; r++) {
            double x = all->total[r] - all->by_block[b * R + r];
            for (size_t k = 0; k < K; k++)
                x -= rest * shift[k] * all->means[r * K + k];
            without[r * B + b] = x / z;
        }
    }
}

/* Of ln Z: what a block of one chain adds to the sum of weights, f moved along. */
static void find_parts(const work *s, const sums *all, size_t t, kad_mbar_curve *out)
{
    const size_t K = s->m->n_states, R = s->n_rows, B = s->m->n_blocks;
    for (size_t j = 0; j < K; j++) {
        const double *block = s->chain[j].by_block + t * B * R;
        double *part = out->part + (t * K + j) * B, sum = 0;
        for (size_t b = 0; b < B; b++)
            sum += block[b * R];
        for (size_t b = 0; b < B; b++) {
            const double *f = s->m->part + (j * B + b) * K;
            part[b] = block[b * R] - sum * kad_mbar_block_share(s->m, &s->m->state[j], b);
            for (size_t k = 0; k < K; k++)
                part[b] -= f[k] * all->moved[k];
            part[b] /= all->total[0];
        }
    }
}

static kad_status take_chain(kad_scope *in, const work *s, chain_sums *c)
{
    const size_t K = s->m->n_states, R = s->n_rows, B = s->m->n_blocks;
    KAD_CALL(kad_take(in, s->n * B * R, &c->by_block));
    KAD_CALL(kad_take(in, s->n * K, &c->moved));
    KAD_CALL(kad_take(in, s->n * R * K, &c->means));
    KAD_CALL(kad_take(in, s->n, &c->square));
    KAD_CALL(kad_take(in, s->n, &c->top));
    return kad_take(in, K, &c->p);
}

static kad_status take_curve(kad_scope *in, const work *s, kad_mbar_curve *out)
{
    const size_t K = s->m->n_states, B = s->m->n_blocks;
    *out = (kad_mbar_curve){.n = s->n, .n_rows = s->n_rows, .n_blocks = B};
    KAD_CALL(kad_take(in, s->n * s->n_rows, &out->value));
    KAD_CALL(kad_take(in, s->n * s->n_rows * B, &out->without));
    KAD_CALL(kad_take(in, s->n * K * B, &out->part));
    return kad_take(in, s->n, &out->n_eff);
}

kad_status kad_mbar_at(kad_scope *in, const kad_mbar *m, size_t n, const double *theta,
                       size_t n_observables, const double *const *const *column,
                       kad_mbar_curve *out)
{
    KAD_SCOPE(scope, in->ctx);
    const size_t K = m->n_states, R = n_observables + 1;
    double *offset;
    work s = {.m = m,
              .n = n,
              .n_rows = R,
              .theta = theta,
              .column = column,
              .stride = 1 + m->n_draws / FEW_DRAWS};
    sums all;
    KAD_CALL(take_curve(in, &s, out));
    KAD_CALL(kad_take(&scope, K, &offset));
    KAD_CALL(kad_take(&scope, n, &s.top));
    KAD_CALL(kad_take(&scope, K, &s.chain));
    KAD_CALL(kad_take(&scope, m->n_blocks * R, &all.by_block));
    KAD_CALL(kad_take(&scope, K, &all.moved));
    KAD_CALL(kad_take(&scope, R * K, &all.means));
    KAD_CALL(kad_take(&scope, R, &all.total));
    for (size_t j = 0; j < K; j++)
        KAD_CALL(take_chain(&scope, &s, &s.chain[j]));
    kad_mbar_offsets(m, offset);
    s.offset = offset;
    kad_parallel_for(in->ctx->n_threads, K, find_top, &s);
    for (size_t t = 0; t < n; t++) {
        s.top[t] = -INFINITY;
        for (size_t j = 0; j < K; j++)
            s.top[t] = fmax(s.top[t], s.chain[j].top[t]);
    }
    kad_parallel_for(in->ctx->n_threads, K, add_chain, &s);
    for (size_t t = 0; t < n; t++) {
        add_up(&s, t, &all);
        for (size_t r = 0; r < R; r++)
            out->value[t * R + r] =
                r == 0 ? s.top[t] + log(all.total[0]) : all.total[r] / all.total[0];
        out->n_eff[t] = all.total[0] * all.total[0] / all.square;
        leave_out(&s, &all, t, out);
        find_parts(&s, &all, t, out);
    }
    return KAD_OK;
}

kad_estimate kad_mbar_estimate(const kad_mbar_curve *curve, size_t i, size_t row)
{
    const size_t at = i * curve->n_rows + row;
    kad_jackknife j = kad_jackknife_start(curve->value[at]);
    for (size_t b = 0; b < curve->n_blocks; b++)
        kad_jackknife_add(&j, curve->without[at * curve->n_blocks + b]);
    return (kad_estimate){curve->value[at], kad_jackknife_error(&j)};
}
