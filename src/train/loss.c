#include "train/loss.h"

#include "base/memory.h"
#include "base/signals.h"
#include "base/thread.h"
#include "base/tile.h"
#include "train/loss_kern.h"

#include <math.h>
#include <string.h>

/* Tiles are dealt to a fixed number of groups; a group is one thread's work and has its
 * own sums, so that it does not matter which thread takes it: the first that is free. */
enum { CHUNK = 1024 };

/* Tiles and scratch of a thread: few and hot, where the groups are many. */
typedef struct desk {
    void *x, *g, *x2, *g2, *scratch;
} desk;

typedef struct group {
    void *x, *g, *x2, *g2, *scratch; /* lent by the thread at work */
    void *dtheta;                    /* real[n_theta] */
    double loss, square;
    long n_finite, n_nonfinite;
    bool given_up;
} group;

struct kad_loss_plan {
    const kad_flow *flow;
    const kad_action *action;
    kad_prec prec;
    int batch, n_tiles, n_groups;
    int n_desks;
    void *packed;
    desk *desk; /* [n_desks] */
    group group[KAD_LOSS_GROUPS];
};

static size_t real_bytes(kad_prec prec)
{
    return prec == KAD_SINGLE ? sizeof(float) : sizeof(double);
}

kad_status kad_loss_create(kad_ctx *ctx, const kad_flow *flow, const kad_action *action,
                           kad_prec prec, int batch, kad_loss_plan **out)
{
    kad_status status = KAD_OK;
    kad_loss_plan *plan = NULL;
    const int lanes = kad_lanes(prec);
    const size_t tile = (size_t)flow->n_rows * KAD_ROW_BYTES;
    *out = NULL;
    KAD_TRY(kad_new(ctx, 1, sizeof *plan, &plan));
    plan->flow = flow;
    plan->action = action;
    plan->prec = prec;
    plan->n_tiles = (batch + lanes - 1) / lanes;
    plan->batch = plan->n_tiles * lanes;
    plan->n_groups = plan->n_tiles < KAD_LOSS_GROUPS ? plan->n_tiles : KAD_LOSS_GROUPS;
    size_t scratch = flow->scratch_bytes[prec];
    if (action && action->scratch_bytes[prec] > scratch)
        scratch = action->scratch_bytes[prec];
    KAD_TRY(kad_new(ctx, flow->packed_bytes[prec], 1, &plan->packed));
    for (int k = 0; k < plan->n_groups; k++)
        KAD_TRY(kad_new(ctx, flow->n_theta, real_bytes(prec), &plan->group[k].dtheta));
    plan->n_desks = ctx->n_threads < plan->n_groups ? ctx->n_threads : plan->n_groups;
    KAD_TRY(kad_new(ctx, (size_t)plan->n_desks, sizeof *plan->desk, &plan->desk));
    for (int k = 0; k < plan->n_desks; k++) {
        desk *d = &plan->desk[k];
        KAD_TRY(kad_new(ctx, tile, 1, &d->x));
        KAD_TRY(kad_new(ctx, tile, 1, &d->g));
        KAD_TRY(kad_new(ctx, tile, 1, &d->x2));
        KAD_TRY(kad_new(ctx, tile, 1, &d->g2));
        KAD_TRY(kad_new(ctx, scratch, 1, &d->scratch));
    }
    *out = plan;
    plan = NULL;
done:
    kad_loss_destroy(plan);
    return status;
}

void kad_loss_destroy(kad_loss_plan *plan)
{
    if (!plan) return;
    for (int k = 0; k < plan->n_groups; k++)
        kad_free(plan->group[k].dtheta);
    for (int k = 0; plan->desk && k < plan->n_desks; k++) {
        kad_free(plan->desk[k].x);
        kad_free(plan->desk[k].g);
        kad_free(plan->desk[k].x2);
        kad_free(plan->desk[k].g2);
        kad_free(plan->desk[k].scratch);
    }
    kad_free(plan->desk);
    kad_free(plan->packed);
    kad_free(plan);
}

int kad_loss_batch(const kad_loss_plan *plan)
{
    return plan->batch;
}

/* Lane-wise helpers on whole tiles, in either precision. */

static double value(const kad_loss_plan *p, const void *x, int row, int lane)
{
    const size_t at = (size_t)row * (size_t)kad_lanes(p->prec) + (size_t)lane;
    return p->prec == KAD_SINGLE ? (double)((const float *)x)[at]
                                 : ((const double *)x)[at];
}

static void set_value(const kad_loss_plan *p, void *x, int row, int lane, double v)
{
    const size_t at = (size_t)row * (size_t)kad_lanes(p->prec) + (size_t)lane;
    if (p->prec == KAD_SINGLE)
        ((float *)x)[at] = (float)v;
    else
        ((double *)x)[at] = v;
}

/* Lane `to` of `out` becomes factor times lane `from` of x. */
static void copy_lane(const kad_loss_plan *p, const void *x, int from, double factor,
                      void *out, int to)
{
    for (int r = 0; r < p->flow->n_rows; r++)
        set_value(p, out, r, to, factor * value(p, x, r, from));
}

/* g = a[lane] * g + b[lane] * h on the active rows; b may be NULL (g = a g). */
static void combine(const kad_loss_plan *p, void *g, const double *a, const void *h,
                    const double *b)
{
    const size_t lanes = (size_t)kad_lanes(p->prec);
    for (size_t r = 0; r < (size_t)p->flow->n_rows; r++) {
        if (!p->flow->active[r / (size_t)p->flow->n_comp]) continue;
        for (size_t l = 0; l < lanes; l++) {
            const size_t at = r * lanes + l;
            if (p->prec == KAD_SINGLE)
                ((float *)g)[at] = (float)a[l] * ((float *)g)[at] +
                                   (b ? (float)b[l] * ((const float *)h)[at] : 0);
            else
                ((double *)g)[at] =
                    a[l] * ((double *)g)[at] + (b ? b[l] * ((const double *)h)[at] : 0);
        }
    }
}

static void add(const kad_loss_plan *p, void *g, const void *h)
{
    const size_t n = (size_t)p->flow->n_rows * (size_t)kad_lanes(p->prec);
    if (p->prec == KAD_SINGLE)
        for (size_t i = 0; i < n; i++)
            ((float *)g)[i] += ((const float *)h)[i];
    else
        for (size_t i = 0; i < n; i++)
            ((double *)g)[i] += ((const double *)h)[i];
}

/* sum[lane] += 0 x: not finite where any of the lane is not. */
static void add_zeros(const kad_loss_plan *p, const void *x, double *sum)
{
    const size_t lanes = (size_t)kad_lanes(p->prec);
    for (size_t r = 0; r < (size_t)p->flow->n_rows; r++)
        for (size_t l = 0; l < lanes; l++) {
            const size_t at = r * lanes + l;
            sum[l] += p->prec == KAD_SINGLE ? (double)(((const float *)x)[at] * 0.0f)
                                            : ((const double *)x)[at] * 0.0;
        }
}

/* Add up the losses of the lanes that are finite in loss, x and g; bad [lanes]. */
static void add_losses(const kad_loss_plan *p, group *gr, const double *loss, bool *bad)
{
    double sum[KAD_W_MAX] = {0};
    add_zeros(p, gr->x, sum);
    add_zeros(p, gr->g, sum);
    for (int l = 0; l < kad_lanes(p->prec); l++) {
        bad[l] = !isfinite(loss[l]) || !isfinite(sum[l]);
        if (bad[l]) continue;
        gr->loss += loss[l];
        gr->square += loss[l] * loss[l];
        gr->n_finite++;
    }
}

/* kad_flow_generate_adjoint or kad_flow_infer_adjoint. */
typedef void adjoint(const kad_flow *flow, kad_prec prec, const void *packed, void *x,
                     void *g, double gl, void *dtheta, double *ld, void *scratch);

/* The tile's losses, and its gradient by `back`, of the finite lanes alone. A lane that is
 * left out becomes one of the others with cotangent zero. What gl, one number for all
 * lanes, then gives it is taken away again: the adjoint is linear in its cotangents, and
 * a tile of copies of that lane has it from every one. */
static void record(const kad_loss_plan *p, group *gr, const double *loss, adjoint *back,
                   double gl)
{
    const int lanes = kad_lanes(p->prec);
    bool bad[KAD_W_MAX];
    int good = 0, n_bad = 0;
    add_losses(p, gr, loss, bad);
    for (int l = 0; l < lanes; l++)
        n_bad += bad[l];
    gr->n_nonfinite += n_bad;
    if (n_bad == lanes) return;
    while (bad[good])
        good++;
    for (int l = 0; l < lanes && n_bad > 0; l++) {
        copy_lane(p, gr->x, good, 1, gr->x2, l);
        copy_lane(p, gr->x, good, 0, gr->g2, l);
        if (!bad[l]) continue;
        copy_lane(p, gr->x2, l, 1, gr->x, l);
        copy_lane(p, gr->g2, l, 1, gr->g, l);
    }
    back(p->flow, p->prec, p->packed, gr->x, gr->g, gl, gr->dtheta, NULL, gr->scratch);
    if (n_bad > 0 && gl != 0)
        back(p->flow, p->prec, p->packed, gr->x2, gr->g2, -gl * n_bad / lanes, gr->dtheta,
             NULL, gr->scratch);
}

/* Score of one branch: from latents z in x, x = generate(z), g = d ln q0/dx, lnq = ln
 * q0(x). */
static void score_generated(const kad_loss_plan *p, group *gr, double *lnq)
{
    double ld[KAD_W_MAX] = {0};
    kad_flow_prior_lnp(p->flow, p->prec, gr->x, lnq);
    kad_flow_prior_score(p->flow, p->prec, gr->x, gr->g);
    kad_flow_infer_adjoint(p->flow, p->prec, p->packed, gr->x, gr->g, 1.0, NULL, ld,
                           gr->scratch);
    for (int l = 0; l < kad_lanes(p->prec); l++)
        lnq[l] -= ld[l];
}

/* Score of the other branch at given x: x2 = -x, g2 = d ln q0(-x)/dx, lnq. */
static void score_other(const kad_loss_plan *p, group *gr, double *lnq)
{
    double ld[KAD_W_MAX] = {0}, none[KAD_W_MAX], minus[KAD_W_MAX];
    kad_tile_negate(p->prec, (size_t)p->flow->n_rows, gr->x, gr->x2);
    kad_flow_infer(p->flow, p->prec, p->packed, gr->x2, ld, gr->scratch);
    kad_flow_prior_lnp(p->flow, p->prec, gr->x2, lnq);
    for (int l = 0; l < kad_lanes(p->prec); l++) {
        lnq[l] += ld[l];
        minus[l] = -1;
    }
    kad_flow_prior_score(p->flow, p->prec, gr->x2, gr->g2);
    kad_flow_infer_adjoint(p->flow, p->prec, p->packed, gr->x2, gr->g2, 1.0, NULL, none,
                           gr->scratch);
    combine(p, gr->g2, minus, NULL, NULL);
}

/* Replace lnq and the score in g by those of the mixture [q0(x) + q0(-x)]/2. */
static void mix_branches(const kad_loss_plan *p, group *gr, double *lnq)
{
    double other[KAD_W_MAX], a[KAD_W_MAX], b[KAD_W_MAX];
    score_other(p, gr, other);
    for (int l = 0; l < kad_lanes(p->prec); l++) {
        const double hi = fmax(lnq[l], other[l]);
        const double e1 = exp(lnq[l] - hi), e2 = exp(other[l] - hi);
        a[l] = e1 / (e1 + e2);
        b[l] = e2 / (e1 + e2);
        lnq[l] = hi + log(0.5 * (e1 + e2));
    }
    combine(p, gr->g, a, gr->g2, b);
}

/* Path gradient: G = d(ln q + S)/dx with ln q's own parameters held, then back through
 * generate. */
static void path_tile(const kad_loss_plan *p, group *gr, bool symmetrised)
{
    double lnq[KAD_W_MAX], S[KAD_W_MAX];
    score_generated(p, gr, lnq);
    if (symmetrised) mix_branches(p, gr, lnq);
    p->action->ops->kern[p->prec]->gradient(p->action, gr->x, gr->g2, S, gr->scratch);
    add(p, gr->g, gr->g2);
    for (int l = 0; l < kad_lanes(p->prec); l++)
        S[l] += lnq[l];
    record(p, gr, S, kad_flow_generate_adjoint, 0.0);
}

/* Reparametrised gradient: d/dtheta of S(x) - ln|det dx/dz|. */
static void reverse_tile(const kad_loss_plan *p, group *gr)
{
    double lnp[KAD_W_MAX], ld[KAD_W_MAX] = {0}, S[KAD_W_MAX];
    kad_flow_prior_lnp(p->flow, p->prec, gr->x, lnp);
    kad_flow_generate(p->flow, p->prec, p->packed, gr->x, ld, gr->scratch);
    p->action->ops->kern[p->prec]->gradient(p->action, gr->x, gr->g, S, gr->scratch);
    for (int l = 0; l < kad_lanes(p->prec); l++)
        S[l] += lnp[l] - ld[l];
    record(p, gr, S, kad_flow_generate_adjoint, -1.0);
}

/* -ln q(x) of given x: infer, then d/dtheta of -ln p(z) - ln|det dz/dx|. */
static void likelihood_tile(const kad_loss_plan *p, group *gr)
{
    double lnp[KAD_W_MAX], ld[KAD_W_MAX] = {0}, loss[KAD_W_MAX], minus[KAD_W_MAX];
    kad_flow_infer(p->flow, p->prec, p->packed, gr->x, ld, gr->scratch);
    kad_flow_prior_lnp(p->flow, p->prec, gr->x, lnp);
    for (int l = 0; l < kad_lanes(p->prec); l++) {
        loss[l] = -lnp[l] - ld[l];
        minus[l] = -1;
    }
    kad_flow_prior_score(p->flow, p->prec, gr->x, gr->g);
    combine(p, gr->g, minus, NULL, NULL);
    record(p, gr, loss, kad_flow_infer_adjoint, -1.0);
}

static void begin(const kad_loss_plan *p, group *gr)
{
    const desk *d = &p->desk[kad_thread_index()];
    gr->x = d->x;
    gr->g = d->g;
    gr->x2 = d->x2;
    gr->g2 = d->g2;
    gr->scratch = d->scratch;
    memset(gr->dtheta, 0, p->flow->n_theta * real_bytes(p->prec));
    gr->loss = gr->square = 0;
    gr->n_finite = gr->n_nonfinite = 0;
    gr->given_up = false;
}

/* gradient = norm times the sum over the groups, entries first .. first + n - 1. */
static void sum_groups(const kad_loss_plan *p, size_t first, size_t n, double norm,
                       double *gradient)
{
    const void *sums[KAD_LOSS_GROUPS];
    for (int k = 0; k < p->n_groups; k++)
        sums[k] = (const char *)p->group[k].dtheta + first * real_bytes(p->prec);
    (p->prec == KAD_SINGLE ? kad_loss_sum_f32 : kad_loss_sum_f64)(p->n_groups, sums, n,
                                                                  norm, gradient + first);
}

static void finish(kad_ctx *ctx, const kad_loss_plan *p, double *gradient,
                   kad_loss_stats *stats)
{
    double loss = 0, square = 0;
    long n = 0, bad = 0;
    for (int k = 0; k < p->n_groups; k++) {
        loss += p->group[k].loss;
        square += p->group[k].square;
        n += p->group[k].n_finite;
        bad += p->group[k].n_nonfinite;
    }
    const double norm = n > 0 ? 1.0 / (double)n : NAN;
    const size_t n_theta = p->flow->n_theta;
    const long n_chunks = (long)((n_theta + CHUNK - 1) / CHUNK);
    const int n_threads = ctx->n_threads;
#pragma omp parallel for num_threads(n_threads) schedule(static)
    for (long c = 0; c < n_chunks; c++) {
        const size_t first = (size_t)c * CHUNK;
        sum_groups(p, first, n_theta - first < CHUNK ? n_theta - first : CHUNK, norm,
                   gradient);
    }
    stats->loss = loss * norm;
    stats->variance = n > 1 ? (square - loss * loss * norm) / (double)(n - 1) : NAN;
    stats->n_nonfinite = (int)bad;
    stats->given_up = false;
    for (int k = 0; k < p->n_groups; k++)
        stats->given_up |= p->group[k].given_up;
}

/* No more than there are desks. */
static int threads_of(const kad_ctx *ctx, const kad_loss_plan *plan)
{
    return ctx->n_threads < plan->n_desks ? ctx->n_threads : plan->n_desks;
}

void kad_loss_gradient(kad_ctx *ctx, kad_loss_plan *plan, kad_loss_kind kind,
                       bool symmetrised, const double *theta, uint64_t seed,
                       uint64_t step, double *gradient, kad_loss_stats *stats)
{
    const kad_rng rng = kad_rng_stream(seed, KAD_RNG_TRAIN, 0);
    const int lanes = kad_lanes(plan->prec), n_threads = threads_of(ctx, plan);
    const double start = kad_wall_seconds();
    kad_flow_pack(plan->flow, plan->prec, theta, plan->packed);
#pragma omp parallel for num_threads(n_threads) schedule(dynamic)
    for (int k = 0; k < plan->n_groups; k++) {
        group *gr = &plan->group[k];
        begin(plan, gr);
        for (int t = k; t < plan->n_tiles; t += plan->n_groups) {
            gr->given_up = gr->given_up || kad_stop_overdue(start);
            if (gr->given_up) break;
            kad_flow_prior_draw(plan->flow, plan->prec, rng, step,
                                (uint64_t)t * (uint64_t)lanes, gr->x);
            if (kind == KAD_LOSS_REVERSE && !symmetrised)
                reverse_tile(plan, gr);
            else
                path_tile(plan, gr, symmetrised);
        }
    }
    finish(ctx, plan, gradient, stats);
}

void kad_loss_gradient_data(kad_ctx *ctx, kad_loss_plan *plan, const double *theta,
                            const double *data, const size_t *index, double *gradient,
                            kad_loss_stats *stats)
{
    const size_t lanes = (size_t)kad_lanes(plan->prec), rows = (size_t)plan->flow->n_rows;
    const int n_threads = threads_of(ctx, plan);
    const double start = kad_wall_seconds();
    kad_flow_pack(plan->flow, plan->prec, theta, plan->packed);
#pragma omp parallel for num_threads(n_threads) schedule(dynamic)
    for (int k = 0; k < plan->n_groups; k++) {
        group *gr = &plan->group[k];
        begin(plan, gr);
        const double *sample[KAD_W_MAX];
        for (int t = k; t < plan->n_tiles; t += plan->n_groups) {
            gr->given_up = gr->given_up || kad_stop_overdue(start);
            if (gr->given_up) break;
            for (size_t l = 0; l < lanes; l++)
                sample[l] = data + index[(size_t)t * lanes + l] * rows;
            kad_tile_gather(plan->prec, rows, sample, gr->x);
            kad_tile_clear_inactive(rows, (size_t)plan->flow->n_comp, plan->flow->active,
                                    gr->x);
            likelihood_tile(plan, gr);
        }
    }
    finish(ctx, plan, gradient, stats);
}
