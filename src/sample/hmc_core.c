#include "sample/hmc_core.h"

#include "base/memory.h"
#include "base/signals.h"
#include "base/thread.h"
#include "base/tile.h"
#include "sample/boundary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { W = KAD_W_DOUBLE, STEPS_MAX = 1000, CAUTIOUS_ONE_IN = 4, CAUTION = 7 };
static const double JITTER = 0.1;

/* --- options ------------------------------------------------------------------------ */

const kad_key kad_hmc_keys[KAD_HMC_N_KEYS] = {
    {"sample[].step_size", KAD_REAL_OF(kad_hmc_options, step), NULL, 1e-9, 100, "", NULL,
     "hmc, latent-hmc: step of the integrator; auto: tuned, then frozen"},
    {"sample[].trajectory", KAD_REAL_OF(kad_hmc_options, trajectory), NULL, 1e-6, 1000,
     "", NULL,
     "hmc, latent-hmc: mean length of a trajectory (number of steps times step); auto: "
     "1.5 (hmc), 1 (latent-hmc)"},
    {"sample[].n_leapfrog", KAD_INT_OF(kad_hmc_options, n_steps), NULL, 1, STEPS_MAX,
     "steps", NULL,
     "hmc, latent-hmc: mean number of steps of a trajectory; auto: from its length"},
    {"sample[].integrator", KAD_WORD_OF(kad_hmc_options, integrator), "omelyan", 1, 0, "",
     "leapfrog|omelyan",
     "hmc, latent-hmc: leapfrog or the second-order minimum-norm integrator"},
    {"sample[].target_acceptance", KAD_REAL_OF(kad_hmc_options, target), "0.8", 0.05,
     0.99, "", NULL, "hmc, latent-hmc: acceptance the step is tuned for"},
};

/* Lengths: near the best of doc/sampling.md. */
static kad_hmc_options options_of(const kad_sampler_setup *setup, bool latent)
{
    kad_hmc_options o;
    kad_keys_copy(kad_hmc_keys, KAD_HMC_N_KEYS, setup->own, sizeof o, &o);
    if (isnan(o.trajectory)) o.trajectory = latent ? 1.0 : 1.5;
    return o;
}

/* The first guess N^{-1/4} follows the cost of a trajectory at fixed acceptance. */
static kad_step_size first_step(const kad_hmc *hmc)
{
    const kad_hmc_options *o = &hmc->options;
    const double n =
        (double)hmc->setup->action->n_active * (double)hmc->setup->action->n_comp;
    const double longest = o->n_steps > 0 ? 100.0 : o->trajectory;
    double start = isnan(o->step) ? pow(n, -0.25) : o->step;
    if (isnan(o->step) && start > longest) start = longest;
    kad_step_size step = kad_step_size_start(start, longest, o->target);
    if (!isnan(o->step) || hmc->setup->n_tune == 0) kad_step_size_freeze(&step);
    return step;
}

/* --- memory of a thread ------------------------------------------------------------- */

typedef struct own {
    double *q, *p, *y; /* [n_sub][n_rows][W] */
    void *work, *g, *scratch;
} own;

static own own_of(const kad_hmc *hmc, int thread)
{
    const size_t tile = hmc->target.n_rows * KAD_ROW_BYTES, all = tile * hmc->n_sub;
    char *at = hmc->block + (size_t)thread * hmc->thread_bytes;
    return (own){.q = (double *)(void *)at,
                 .p = (double *)(void *)(at + all),
                 .y = (double *)(void *)(at + 2 * all),
                 .work = at + 3 * all,
                 .g = at + 3 * all + tile,
                 .scratch = at + 3 * all + 2 * tile};
}

static size_t thread_bytes_of(const kad_hmc *hmc)
{
    const size_t scratch =
        (hmc->target.scratch_bytes + KAD_ALIGN) / KAD_ALIGN * KAD_ALIGN;
    return hmc->target.n_rows * KAD_ROW_BYTES * (3 * hmc->n_sub + 2) + scratch;
}

bool kad_hmc_tunes(const kad_sampler_setup *setup)
{
    return isnan(options_of(setup, false).step);
}

/* --- life --------------------------------------------------------------------------- */

static kad_status allocate(kad_ctx *ctx, kad_hmc *hmc)
{
    kad_status status = KAD_OK;
    const size_t n_rows = hmc->target.n_rows, n_all = hmc->n_tiles * hmc->n_sub;
    const size_t n_block =
        hmc->setup->interleaved ? (size_t)hmc->setup->n_chains : hmc->setup->n_batch_max;
    hmc->thread_bytes = thread_bytes_of(hmc);
    KAD_TRY(kad_new(ctx, n_all, n_rows * KAD_ROW_BYTES, &hmc->q));
    KAD_TRY(kad_new(ctx, n_all, n_rows * KAD_ROW_BYTES, &hmc->y));
    KAD_TRY(kad_new(ctx, n_all, KAD_ROW_BYTES, &hmc->U));
    KAD_TRY(kad_new(ctx, n_all, KAD_ROW_BYTES, &hmc->S));
    KAD_TRY(kad_new(ctx, n_all, KAD_ROW_BYTES, &hmc->p_accept));
    KAD_TRY(kad_new(ctx, n_block, n_rows * sizeof(double), &hmc->batch));
    KAD_TRY(kad_new(ctx, n_block, sizeof(double), &hmc->lnp));
    KAD_TRY(kad_new(ctx, (size_t)hmc->n_threads, hmc->thread_bytes, &hmc->block));
done:
    return status;
}

kad_status kad_hmc_create(kad_ctx *ctx, const kad_sampler_setup *setup,
                          const kad_hmc_target *target, kad_hmc **out)
{
    kad_status status = KAD_OK;
    kad_hmc *hmc = NULL;
    *out = NULL;
    KAD_TRY(kad_draw_check(ctx, setup));
    KAD_TRY(kad_new(ctx, 1, sizeof *hmc, &hmc));
    hmc->setup = setup;
    hmc->target = *target;
    hmc->latent = target->map != NULL;
    hmc->options = options_of(setup, hmc->latent);
    hmc->integrator = kad_integrator_find(hmc->options.integrator);
    const size_t lanes = (size_t)kad_lanes(target->prec);
    hmc->n_sub = lanes / W;
    hmc->n_tiles = ((size_t)setup->n_chains + lanes - 1) / lanes;
    hmc->n_threads =
        (size_t)ctx->n_threads < hmc->n_tiles ? ctx->n_threads : (int)hmc->n_tiles;
    hmc->step = first_step(hmc);
    KAD_TRY(allocate(ctx, hmc));
    KAD_TRY(kad_hmc_start(ctx, hmc));
    *out = hmc;
    hmc = NULL;
done:
    kad_hmc_destroy(hmc);
    return status;
}

void kad_hmc_destroy(void *self)
{
    kad_hmc *hmc = self;
    if (hmc == NULL) return;
    kad_free(hmc->q);
    kad_free(hmc->y);
    kad_free(hmc->U);
    kad_free(hmc->S);
    kad_free(hmc->p_accept);
    kad_free(hmc->batch);
    kad_free(hmc->lnp);
    kad_free(hmc->block);
    kad_free(hmc);
}

/* --- an update of a tile ------------------------------------------------------------ */

/* Momenta of update t for the chains of a tile of W; zero at inactive sites. Step 0 of
 * the stream belongs to the start. */
static void draw_momenta(const kad_hmc *hmc, size_t chain, int64_t t, double *p)
{
    const kad_action *action = hmc->setup->action;
    const kad_rng rng =
        kad_rng_stream(hmc->setup->seed, KAD_RNG_CHAIN, (uint32_t)hmc->setup->entry);
    kad_hmc_normal_tile(action, rng, (uint64_t)t + 1, chain, p);
}

/* Updates before the first recorded draw whose steps are shortened by a random factor
 * down to 2^-7: chains that start where the force is too stiff for the step slide down
 * instead of being rejected for ever. */
static bool cautious(const kad_hmc *hmc, int64_t t)
{
    return t < hmc->setup->n_burn_in && t % CAUTIOUS_ONE_IN == CAUTIOUS_ONE_IN - 1;
}

/* Steps and step of update t of a tile: n/2 to 3n/2 steps, the step within 10 %. */
static int draw_length(const kad_hmc *hmc, size_t tile, int64_t t, double *eps)
{
    const kad_sampler_setup *setup = hmc->setup;
    const kad_rng rng =
        kad_rng_stream(setup->seed, KAD_RNG_ACCEPT, 1 + (uint32_t)setup->entry);
    const double now = kad_step_size_now(&hmc->step);
    const double wanted = ceil(hmc->options.trajectory / now - 1e-9);
    int n = hmc->options.n_steps;
    if (n == 0) n = wanted < STEPS_MAX ? (int)wanted : STEPS_MAX;
    const int least = (n + 1) / 2, most = n + n / 2;
    const double u = kad_rng_uniform(rng, (uint64_t)t, tile, 0);
    const double v = kad_rng_uniform(rng, (uint64_t)t, tile, 1);
    *eps = now * (1.0 + JITTER * (2.0 * v - 1.0));
    if (cautious(hmc, t))
        *eps *= exp2(-CAUTION * kad_rng_uniform(rng, (uint64_t)t, tile, 2));
    return least + (int)(u * (double)(most - least + 1));
}

/* Lane l of `from` replaces lane l of `to` where take[l]. */
static void take_lanes(size_t n_rows, const bool *take, const double *restrict from,
                       double *restrict to)
{
    for (size_t r = 0; r < n_rows; r++)
        for (int l = 0; l < W; l++)
            to[r * W + (size_t)l] =
                take[l] ? from[r * W + (size_t)l] : to[r * W + (size_t)l];
}

/* Accept or reject W chains from the end of their trajectories; dH and what became of it
 * for draw i of the batch. Returns the number of dH that are not numbers. */
static int64_t decide(kad_hmc *hmc, const own *o, size_t sub, size_t s, int64_t t,
                      const double *K, size_t i, kad_draws *out)
{
    const kad_sampler_setup *setup = hmc->setup;
    const size_t n_rows = hmc->target.n_rows, at = sub * n_rows * W;
    const kad_rng rng = kad_rng_stream(setup->seed, KAD_RNG_ACCEPT, 0);
    double U[W], S[W], K_end[W];
    bool take[W];
    int64_t n_bad = 0;
    hmc->target.energy(&hmc->target, o->q + at, o->y + at, U, S, o->scratch);
    kad_kinetic(n_rows, o->p + at, K_end);
    for (size_t l = 0; l < W; l++) {
        const size_t chain = s * W + l;
        double dh = (U[l] - hmc->U[chain]) + (K_end[l] - K[l]);
        const bool bad = isnan(dh) || !isfinite(U[l]);
        if (bad) dh = INFINITY;
        take[l] = log(kad_rng_uniform(rng, 0, kad_draw_number(setup, chain, t), 0)) < -dh;
        hmc->p_accept[chain] = dh > 0.0 ? exp(-dh) : 1.0;
        if (take[l]) {
            hmc->U[chain] = U[l];
            hmc->S[chain] = S[l];
        }
        if (chain >= (size_t)setup->n_chains) continue;
        n_bad += bad;
        out->delta_h[chain * out->n + i] = dh;
        out->accepted[chain * out->n + i] = take[l];
    }
    take_lanes(n_rows, take, o->q + at, hmc->q + s * n_rows * W);
    take_lanes(n_rows, take, o->y + at, hmc->y + s * n_rows * W);
    return n_bad;
}

/* The state of W chains as draw i of the batch: y for now, boundary fields later. */
static void hand_over(const kad_hmc *hmc, size_t s, size_t i, kad_draws *out)
{
    const size_t n_rows = hmc->target.n_rows;
    const double *y = hmc->y + s * n_rows * W, *q = hmc->q + s * n_rows * W;
    const size_t first = s * W, n_chains = (size_t)hmc->setup->n_chains;
    const size_t n = n_chains <= first ? 0 : n_chains - first < W ? n_chains - first : W;
    const size_t at = first * out->n + i, stride = out->n * n_rows;
    for (size_t l = 0; l < n; l++)
        out->action[at + l * out->n] = hmc->S[first + l];
    if (n > 0) kad_tile_store(KAD_DOUBLE, n_rows, n, y, stride, out->x + at * n_rows);
    if (n > 0 && out->z != NULL && hmc->latent)
        kad_tile_store(KAD_DOUBLE, n_rows, n, q, stride, out->z + at * n_rows);
}

/* What the updates of a batch add up to. */
typedef struct sums {
    int64_t n_bad, n_force;
    bool given_up; /* a stop was overdue */
} sums;

static void update_tile(kad_hmc *hmc, const own *o, size_t tile, int64_t t, size_t i,
                        double begun, kad_draws *out, sums *sum)
{
    const size_t n_rows = hmc->target.n_rows, size = n_rows * W, n_sub = hmc->n_sub;
    double K[KAD_W_MAX], eps;
    memcpy(o->q, hmc->q + tile * n_sub * size, n_sub * size * sizeof(double));
    for (size_t sub = 0; sub < n_sub; sub++) {
        draw_momenta(hmc, (tile * n_sub + sub) * W, t, o->p + sub * size);
        kad_kinetic(n_rows, o->p + sub * size, K + sub * W);
    }
    const int n_steps = draw_length(hmc, tile, t, &eps);
    sum->given_up = !kad_trajectory(&hmc->target, hmc->integrator, eps, n_steps, begun,
                                    o->q, o->p, o->work, o->g, o->scratch);
    if (sum->given_up) return;
    if (t >= hmc->setup->n_burn_in)
        sum->n_force += (int64_t)n_steps * hmc->integrator->n_kicks;
    for (size_t sub = 0; sub < n_sub; sub++) {
        sum->n_bad += decide(hmc, o, sub, tile * n_sub + sub, t, K + sub * W, i, out);
        hand_over(hmc, tile * n_sub + sub, i, out);
    }
}

/* --- a batch ------------------------------------------------------------------------ */

/* n updates with one step size, draws first_i ... of the batch. False: given up. */
static bool update_all(kad_hmc *hmc, size_t first_i, size_t n, double begun,
                       kad_draws *out)
{
    int64_t n_bad = 0, n_force = 0, n_given_up = 0;
#pragma omp parallel for schedule(static) num_threads(hmc->n_threads) \
    reduction(+ : n_bad, n_force, n_given_up)
    for (size_t tile = 0; tile < hmc->n_tiles; tile++) {
        const own o = own_of(hmc, kad_thread_index());
        sums sum = {0};
        for (size_t i = 0; i < n && !sum.given_up; i++)
            update_tile(hmc, &o, tile, hmc->n_done + (int64_t)i, first_i + i, begun, out,
                        &sum);
        n_bad += sum.n_bad;
        n_force += sum.n_force;
        n_given_up += sum.given_up;
    }
    hmc->n_done += (int64_t)n;
    hmc->n_nonfinite += n_bad;
    hmc->n_force += n_force;
    return n_given_up == 0;
}

/* In the first half of the tuning chains come down from their start. */
static void tune(kad_hmc *hmc)
{
    const int n_chains = hmc->setup->n_chains;
    const int64_t t = hmc->n_done - 1, n_tune = hmc->setup->n_tune;
    double sum = 0.0;
    for (int chain = 0; chain < n_chains; chain++)
        sum += hmc->p_accept[chain];
    if (t >= n_tune / 2 && !cautious(hmc, t))
        kad_step_size_update(&hmc->step, sum / n_chains);
    if (t + 1 >= n_tune) kad_step_size_freeze(&hmc->step);
}

/* From flow variables to boundary fields, block by block of consecutive numbers: chain by
 * chain, or all chains at once where their numbers are interleaved. */
static kad_status to_boundary(kad_ctx *ctx, kad_hmc *hmc, int64_t t, kad_draws *out)
{
    kad_status status = KAD_OK;
    const kad_sampler_setup *setup = hmc->setup;
    const size_t n_rows = hmc->target.n_rows, n_chains = (size_t)setup->n_chains;
    const size_t n = setup->interleaved ? n_chains : out->n, n_all = n_chains * out->n;
    for (size_t i = 0; i < n_all; i++)
        out->number[i] = kad_draw_number(setup, i / out->n, t + (int64_t)(i % out->n));
    for (size_t at = 0; at < n_all; at += n) {
        double *x = out->x + at * n_rows, *z = out->z;
        memcpy(hmc->batch, x, n * n_rows * sizeof *x);
        if (z != NULL && !hmc->latent && setup->map != NULL)
            KAD_TRY(kad_map_lnq(ctx, setup->map, n, KAD_DOUBLE, hmc->batch, hmc->lnp,
                                z + at * n_rows));
        else if (z != NULL && !hmc->latent)
            memset(z + at * n_rows, 0, n * n_rows * sizeof *z);
        KAD_TRY(kad_boundary_of(ctx, setup->action, setup->seed, out->number[at], n,
                                setup->translate, hmc->batch, x, hmc->lnp));
        for (size_t i = 0; i < n; i++)
            out->action[at + i] -= hmc->lnp[i];
    }
done:
    return status;
}

kad_status kad_hmc_advance(kad_ctx *ctx, void *self, kad_draws *out)
{
    kad_hmc *hmc = self;
    const int64_t first = hmc->n_done, n_tune = hmc->setup->n_tune;
    const bool tuned = isnan(hmc->options.step);
    const double begun = kad_wall_seconds();
    for (size_t i = 0; i < out->n;) {
        const bool tuning = tuned && hmc->n_done < n_tune;
        const size_t n = tuning ? 1 : out->n - i;
        if (!update_all(hmc, i, n, begun, out))
            return kad_sampler_stopped(ctx, hmc->setup);
        if (tuning) tune(hmc);
        i += n;
    }
    return to_boundary(ctx, hmc, first, out);
}
