/* The way of a tile of draws from the map to the action, and back. */
#include "sample/annealed.h"

#include "base/memory.h"
#include "base/parallel.h"
#include "base/signals.h"
#include "base/tile.h"
#include "base/weights.h"
#include "sample/hmc_core.h"

#include <math.h>
#include <string.h>

enum { W = KAD_W_DOUBLE };
/* Streams of the updates: there, and back. */
enum { THERE, BACK };

bool kad_anneal_kicks(const kad_map *map)
{
    return !kad_map_signs(map);
}

/* --- memory of a tile ---------------------------------------------------------------- */

/* Latents of the states, what an update makes of them, momenta, and fields of both,
 * [n_sub][n_rows][W]; ln w and S of both by lane. */
typedef struct tile {
    double *z, *z_new, *v, *y, *y_new, *other;
    void *work, *g, *scratch;
    double l[KAD_W_MAX], l_new[KAD_W_MAX], S[KAD_W_MAX], S_new[KAD_W_MAX];
    double moved[KAD_W_MAX]; /* updates accepted */
    size_t n_rows, n_sub;
} tile;

static size_t tile_bytes(const kad_anneal *a)
{
    const size_t row = kad_cut_bytes(a->target.n_rows, KAD_ROW_BYTES);
    const size_t n_sub = (size_t)kad_lanes(a->prec) / W;
    return (5 * n_sub + 3) * row + kad_cut_bytes(a->target.scratch_bytes, 1);
}

static tile tile_of(const kad_anneal *a, void *memory)
{
    char *at = memory;
    const size_t n_rows = a->target.n_rows, n_sub = (size_t)kad_lanes(a->prec) / W;
    tile t = {.n_rows = n_rows, .n_sub = n_sub};
    t.z = kad_cut(&at, n_sub * n_rows, KAD_ROW_BYTES);
    t.z_new = kad_cut(&at, n_sub * n_rows, KAD_ROW_BYTES);
    t.v = kad_cut(&at, n_sub * n_rows, KAD_ROW_BYTES);
    t.y = kad_cut(&at, n_sub * n_rows, KAD_ROW_BYTES);
    t.y_new = kad_cut(&at, n_sub * n_rows, KAD_ROW_BYTES);
    t.other = kad_cut(&at, n_rows, KAD_ROW_BYTES);
    t.work = kad_cut(&at, n_rows, KAD_ROW_BYTES);
    t.g = kad_cut(&at, n_rows, KAD_ROW_BYTES);
    t.scratch = at;
    return t;
}

/* --- weights ------------------------------------------------------------------------- */

/* y = f(z), S and ln w of W latents; ln w that is not finite: -inf. With a map that is
 * symmetrised over the sign q(y) = [q0(y) + q0(-y)]/2, and ln w does not know the sign. */
static void weigh(const kad_anneal *a, const double *z, double *y, double *S, double *l,
                  double *other, void *scratch)
{
    const kad_flow *flow = kad_map_flow(a->map);
    const void *packed = kad_map_packed(a->map, KAD_DOUBLE);
    const size_t n_rows = a->target.n_rows;
    double ld[W] = {0}, lnq[W];
    memcpy(y, z, n_rows * KAD_ROW_BYTES);
    kad_flow_generate(flow, KAD_DOUBLE, packed, y, ld, scratch);
    kad_flow_prior_lnp(flow, KAD_DOUBLE, z, lnq);
    a->action->ops->kern[KAD_DOUBLE]->value(a->action, y, S, scratch);
    for (int i = 0; i < W; i++)
        lnq[i] -= ld[i];
    if (kad_map_signs(a->map)) {
        double ld_other[W] = {0}, lnp[W];
        kad_tile_negate(KAD_DOUBLE, n_rows, y, other);
        kad_flow_infer(flow, KAD_DOUBLE, packed, other, ld_other, scratch);
        kad_flow_prior_lnp(flow, KAD_DOUBLE, other, lnp);
        for (int i = 0; i < W; i++)
            lnq[i] = kad_log_add(lnq[i], lnp[i] + ld_other[i]) - M_LN2;
    }
    for (int i = 0; i < W; i++) {
        l[i] = kad_action_log_weight(a->action, S[i], lnq[i]);
        if (!isfinite(l[i])) l[i] = -INFINITY;
    }
}

/* --- updates ------------------------------------------------------------------------- */

/* (z, v) by an angle. */
static void turn(size_t n, double angle, double *restrict z, double *restrict v)
{
    const double c = cos(angle), s = sin(angle);
    for (size_t i = 0; i < n; i++) {
        const double at = z[i];
        z[i] = c * at + s * v[i];
        v[i] = c * v[i] - s * at;
    }
}

/* The momenta of half a turn on either side change as by a constant force for all of it:
 * v += 2 sin(theta/2) t T d ln w/dz, ln w = -(S - ln|det|) + z^2/(2 T) + a constant. */
static void kick(const kad_anneal *a, double t, double angle, tile *x)
{
    const double T = kad_map_flow(a->map)->temperature;
    const double length = 2 * t * sin(angle / 2);
    kad_kick(&a->target, length * T, x->z_new, x->v, x->work, x->g, x->scratch);
    for (size_t i = 0; i < x->n_sub * x->n_rows * W; i++)
        x->v[i] += length * x->z_new[i];
}

/* (z^2 + v^2)/(2 T) of W lanes. */
static void kinetic(const kad_anneal *a, size_t n_rows, const double *z, const double *v,
                    double K[W])
{
    double K_v[W];
    kad_kinetic(n_rows, z, K);
    kad_kinetic(n_rows, v, K_v);
    for (int i = 0; i < W; i++)
        K[i] = (K[i] + K_v[i]) / kad_map_flow(a->map)->temperature;
}

/* Lane i of `from` replaces that of `to` where take[i]. */
static void take_lanes(size_t n_rows, const bool *take, const double *restrict from,
                       double *restrict to)
{
    for (size_t r = 0; r < n_rows * W; r += W)
        for (size_t i = 0; i < W; i++)
            to[r + i] = take[i] ? from[r + i] : to[r + i];
}

/* Accept or reject sub-tile s; change: of K. */
static void decide(const kad_anneal *a, double t, int direction, uint64_t step,
                   uint64_t first, size_t s, const double *change, tile *x)
{
    const kad_rng rng = kad_rng_stream(a->seed, KAD_RNG_ACCEPT, (uint32_t)direction);
    const size_t at = s * x->n_rows * W;
    double *l = x->l + s * W, *l_new = x->l_new + s * W;
    bool take[W];
    for (size_t i = 0; i < W; i++) {
        const double u = kad_rng_uniform(rng, step, first + s * W + i, 0);
        take[i] = log(u) < t * (l_new[i] - l[i]) - change[i]; /* not a number: no */
        if (!take[i]) continue;
        l[i] = l_new[i];
        x->S[s * W + i] = x->S_new[s * W + i];
        x->moved[s * W + i] += 1;
    }
    take_lanes(x->n_rows, take, x->z_new + at, x->z + at);
    take_lanes(x->n_rows, take, x->y_new + at, x->y + at);
}

/* The update of p_t. */
static void update(const kad_anneal *a, double t, int direction, uint64_t step,
                   uint64_t first, tile *x)
{
    const kad_flow *flow = kad_map_flow(a->map);
    const kad_rng rng = kad_rng_stream(a->seed, KAD_RNG_CHAIN, (uint32_t)direction);
    const size_t size = x->n_rows * W;
    const double angle = fmin(M_PI / 2, a->angle / t);
    double K[KAD_W_MAX], K_new[KAD_W_MAX] = {0}, change[KAD_W_MAX] = {0};
    memcpy(x->z_new, x->z, x->n_sub * size * sizeof *x->z);
    for (size_t s = 0; s < x->n_sub; s++) {
        kad_flow_prior_draw(flow, KAD_DOUBLE, rng, step, first + s * W, x->v + s * size);
        kinetic(a, x->n_rows, x->z + s * size, x->v + s * size, K + s * W);
    }
    if (a->kicks == 0) turn(x->n_sub * size, angle, x->z_new, x->v);
    for (int k = 0; k < a->kicks; k++) {
        turn(x->n_sub * size, angle / 2, x->z_new, x->v);
        kick(a, t, angle, x);
        turn(x->n_sub * size, angle / 2, x->z_new, x->v);
    }
    for (size_t s = 0; s < x->n_sub; s++) {
        const size_t at = s * size, lane = s * W;
        weigh(a, x->z_new + at, x->y_new + at, x->S_new + lane, x->l_new + lane, x->other,
              x->scratch);
        if (a->kicks > 0) {
            kinetic(a, x->n_rows, x->z_new + at, x->v + at, K_new + lane);
            for (size_t i = lane; i < lane + W; i++)
                change[i] = K_new[i] - K[i];
        }
        decide(a, t, direction, step, first, s, change + lane, x);
    }
}

/* --- ways ---------------------------------------------------------------------------- */

typedef struct batch {
    const kad_anneal *a;
    uint64_t first;
    size_t n;
    const double *from; /* ends that are given */
    double *y, *z, *S, *log_w, *moved;
    double begun;
} batch;

static double time_of(const kad_anneal *a, int k)
{
    return (double)k / (a->updates + 1);
}

/* Work while t goes on from t_k to t_{k+1}, either way. */
static void work(const kad_anneal *a, int k, const tile *x, double *log_w)
{
    for (size_t i = 0; i < x->n_sub * W; i++)
        log_w[i] += (time_of(a, k + 1) - time_of(a, k)) * x->l[i];
}

/* Latents of draws `first` on, those of mis. */
static void draw_latents(const kad_anneal *a, uint64_t first, tile *x)
{
    const kad_flow *flow = kad_map_flow(a->map);
    const kad_rng rng = kad_rng_stream(a->seed_draws, KAD_RNG_DRAW, 0);
    kad_flow_prior_draw(flow, a->prec, rng, 0, first, x->work);
    if (a->prec == KAD_DOUBLE) memcpy(x->z, x->work, x->n_rows * KAD_ROW_BYTES);
    for (size_t s = 0; a->prec == KAD_SINGLE && s < x->n_sub; s++)
        for (size_t r = 0; r < x->n_rows; r++)
            for (size_t i = 0; i < W; i++)
                x->z[(s * x->n_rows + r) * W + i] =
                    (double)((const float *)x->work)[r * KAD_W_SINGLE + s * W + i];
}

static void weigh_all(const kad_anneal *a, tile *x)
{
    const size_t size = x->n_rows * W;
    for (size_t s = 0; s < x->n_sub; s++)
        weigh(a, x->z + s * size, x->y + s * size, x->S + s * W, x->l + s * W, x->other,
              x->scratch);
}

/* The sign that mis gives a draw. */
static double sign_of(const kad_anneal *a, uint64_t number)
{
    const kad_rng flip = kad_rng_stream(a->seed_draws, KAD_RNG_SYMMETRY, KAD_RNG_DRAW);
    return kad_map_signs(a->map) && kad_rng_uniform(flip, 0, number, 0) < 0.5 ? -1 : 1;
}

/* Lanes of a tile as samples at .. at + n - 1 of the batch. */
static void hand_over(const batch *b, size_t at, size_t n, const tile *x,
                      const double *log_w)
{
    const size_t n_rows = x->n_rows;
    for (size_t s = 0; s * W < n; s++) {
        const size_t here = n - s * W < W ? n - s * W : W, to = (at + s * W) * n_rows;
        const size_t sub = s * n_rows * W;
        kad_tile_store(KAD_DOUBLE, n_rows, here, x->y + sub, n_rows, b->y + to);
        if (b->z != NULL)
            kad_tile_store(KAD_DOUBLE, n_rows, here, x->z + sub, n_rows, b->z + to);
    }
    for (size_t i = 0; i < n; i++) {
        double *y = b->y + (at + i) * n_rows;
        for (size_t r = 0; sign_of(b->a, b->first + at + i) < 0 && r < n_rows; r++)
            y[r] = -y[r];
        b->S[at + i] = x->S[i];
        b->log_w[at + i] = log_w[i];
        b->moved[at + i] = x->moved[i] / fmax(1, b->a->updates);
    }
}

static bool there(void *self, size_t i_tile, void *memory)
{
    const batch *b = self;
    const kad_anneal *a = b->a;
    const size_t lanes = (size_t)kad_lanes(a->prec), at = i_tile * lanes;
    const size_t left = b->n - at;
    const uint64_t first = b->first + at;
    tile x = tile_of(a, memory);
    double log_w[KAD_W_MAX] = {0};
    draw_latents(a, first, &x);
    weigh_all(a, &x);
    work(a, 0, &x, log_w);
    for (int k = 1; k <= a->updates; k++) {
        if (kad_stop_overdue(b->begun)) return false;
        update(a, time_of(a, k), THERE, (uint64_t)k, first, &x);
        work(a, k, &x, log_w);
    }
    hand_over(b, at, left < lanes ? left : lanes, &x, log_w);
    return true;
}

/* Latents of W given fields; of a map that is symmetrised those of the branch that made
 * the field, which is drawn. */
static void infer(const kad_anneal *a, uint64_t first, double *z, double *other,
                  void *scratch)
{
    const kad_flow *flow = kad_map_flow(a->map);
    const void *packed = kad_map_packed(a->map, KAD_DOUBLE);
    const kad_rng rng = kad_rng_stream(a->seed, KAD_RNG_SYMMETRY, 0);
    double lnq[W], lnq_other[W], ld[W] = {0}, ld_other[W] = {0};
    bool take[W];
    if (kad_map_signs(a->map)) kad_tile_negate(KAD_DOUBLE, a->target.n_rows, z, other);
    kad_flow_infer(flow, KAD_DOUBLE, packed, z, ld, scratch);
    if (!kad_map_signs(a->map)) return;
    kad_flow_infer(flow, KAD_DOUBLE, packed, other, ld_other, scratch);
    kad_flow_prior_lnp(flow, KAD_DOUBLE, z, lnq);
    kad_flow_prior_lnp(flow, KAD_DOUBLE, other, lnq_other);
    for (size_t i = 0; i < W; i++)
        take[i] = kad_rng_uniform(rng, 0, first + i, 0) <
                  kad_log_share(lnq_other[i] + ld_other[i], lnq[i] + ld[i]);
    take_lanes(a->target.n_rows, take, other, z);
}

static bool back(void *self, size_t i_tile, void *memory)
{
    const batch *b = self;
    const kad_anneal *a = b->a;
    const kad_flow *flow = kad_map_flow(a->map);
    const size_t lanes = (size_t)kad_lanes(a->prec), at = i_tile * lanes;
    const size_t left = b->n - at;
    const uint64_t first = b->first + at;
    tile x = tile_of(a, memory);
    double log_w[KAD_W_MAX] = {0};
    for (size_t s = 0; s < x.n_sub; s++) {
        double *z = x.z + s * x.n_rows * W;
        kad_tile_repeat(KAD_DOUBLE, x.n_rows, at + s * W, b->n, b->from, z);
        kad_tile_clear_inactive(x.n_rows, (size_t)flow->n_comp, flow->active, z);
        infer(a, first + s * W, z, x.other, x.scratch);
    }
    weigh_all(a, &x);
    work(a, a->updates, &x, log_w);
    for (int k = a->updates; k >= 1; k--) {
        if (kad_stop_overdue(b->begun)) return false;
        update(a, time_of(a, k), BACK, (uint64_t)k, first, &x);
        work(a, k - 1, &x, log_w);
    }
    memcpy(b->log_w + at, log_w, (left < lanes ? left : lanes) * sizeof *log_w);
    return true;
}

static kad_status each_tile(kad_ctx *ctx, batch *b, kad_tile_work *way)
{
    const size_t lanes = (size_t)kad_lanes(b->a->prec);
    b->begun = kad_stop_clock();
    return kad_for_tiles(ctx, "draws carried to the action", (b->n + lanes - 1) / lanes,
                         tile_bytes(b->a), way, b);
}

kad_status kad_anneal_draw(kad_ctx *ctx, const kad_anneal *anneal, uint64_t first,
                           size_t n, double *y, double *z, double *S, double *log_w,
                           double *moved)
{
    batch b = {.a = anneal,
               .first = first,
               .n = n,
               .y = y,
               .z = z,
               .S = S,
               .log_w = log_w,
               .moved = moved};
    return each_tile(ctx, &b, there);
}

kad_status kad_anneal_back(kad_ctx *ctx, const kad_anneal *anneal, uint64_t first,
                           size_t n, const double *y, double *log_w)
{
    batch b = {.a = anneal, .first = first, .n = n, .from = y, .log_w = log_w};
    return each_tile(ctx, &b, back);
}
