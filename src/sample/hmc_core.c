#include "sample/hmc_core.h"

#include "base/memory.h"
#include "base/tile.h"

#include <math.h>
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
    {"sample[].integrator", KAD_NAME_OF(kad_hmc_options, integrator, kad_integrator_name),
     "omelyan", 1, 0, "", NULL,
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
    const double n = (double)hmc->shell.setup->action->n_active *
                     (double)hmc->shell.setup->action->n_comp;
    const double longest = o->n_steps > 0 ? 100.0 : o->trajectory;
    double start = isnan(o->step) ? pow(n, -0.25) : o->step;
    if (isnan(o->step) && start > longest) start = longest;
    kad_step_size step = kad_step_size_start(start, longest, o->target);
    if (!isnan(o->step) || hmc->shell.setup->n_tune == 0) kad_step_size_freeze(&step);
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

/* --- an update of a tile ------------------------------------------------------------ */

/* Momenta of update t for the chains of a tile of W; zero at inactive sites. Step 0 of
 * the stream belongs to the start. */
static void draw_momenta(const kad_hmc *hmc, size_t chain, int64_t t, double *p)
{
    const kad_action *action = hmc->shell.setup->action;
    const kad_rng rng = kad_rng_stream(hmc->shell.setup->seed, KAD_RNG_CHAIN,
                                       (uint32_t)hmc->shell.setup->entry);
    kad_hmc_normal_tile(action, rng, (uint64_t)t + 1, chain, p);
}

/* Updates before the first recorded draw whose steps are shortened by a random factor
 * down to 2^-7: chains that start where the force is too stiff for the step slide down
 * instead of being rejected for ever. */
static bool cautious(const kad_hmc *hmc, int64_t t)
{
    return t < hmc->shell.setup->n_burn_in && t % CAUTIOUS_ONE_IN == CAUTIOUS_ONE_IN - 1;
}

/* Steps and step of update t of a tile: n/2 to 3n/2 steps, the step within 10 %. */
static int draw_length(const kad_hmc *hmc, size_t tile, int64_t t, double *eps)
{
    const kad_sampler_setup *setup = hmc->shell.setup;
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
    const kad_sampler_setup *setup = hmc->shell.setup;
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

/* The state of W chains as draw i of the batch. */
static void hand_over(const kad_hmc *hmc, size_t s, size_t i, kad_draws *out)
{
    const size_t size = hmc->target.n_rows * W, first = s * W;
    const size_t n = kad_shell_in_use(&hmc->shell, first);
    for (size_t l = 0; l < n; l++)
        out->action[(first + l) * out->n + i] = hmc->S[first + l];
    kad_shell_hand_over(&hmc->shell, first, i, out->n, hmc->y + s * size, out->x);
    if (out->z != NULL && hmc->shell.latents)
        kad_shell_hand_over(&hmc->shell, first, i, out->n, hmc->q + s * size, out->z);
}

static bool draw(void *self, const kad_shell_turn *turn, kad_draws *out)
{
    kad_hmc *hmc = self;
    const size_t n_rows = hmc->target.n_rows, size = n_rows * W, n_sub = hmc->n_sub;
    const size_t tile = turn->tile, first = tile * n_sub;
    const own o = own_of(hmc, turn->thread);
    kad_hmc_sums *sums = &hmc->sums[tile];
    double K[KAD_W_MAX], eps;
    memcpy(o.q, hmc->q + first * size, n_sub * size * sizeof(double));
    for (size_t sub = 0; sub < n_sub; sub++) {
        draw_momenta(hmc, (first + sub) * W, turn->t, o.p + sub * size);
        kad_kinetic(n_rows, o.p + sub * size, K + sub * W);
    }
    const int n_steps = draw_length(hmc, tile, turn->t, &eps);
    if (!kad_trajectory(&hmc->target, hmc->integrator, eps, n_steps, turn->begun, o.q,
                        o.p, o.work, o.g, o.scratch))
        return false;
    if (turn->t >= hmc->shell.setup->n_burn_in)
        sums->n_force += (int64_t)n_steps * hmc->integrator->n_kicks;
    for (size_t sub = 0; sub < n_sub; sub++) {
        sums->n_nonfinite +=
            decide(hmc, &o, sub, first + sub, turn->t, K + sub * W, turn->i, out);
        hand_over(hmc, first + sub, turn->i, out);
    }
    return true;
}

/* --- all tiles ---------------------------------------------------------------------- */

static void end(void *self, size_t n, bool recorded)
{
    kad_hmc *hmc = self;
    (void)n;
    (void)recorded;
    for (size_t tile = 0; tile < hmc->shell.n_tiles; tile++) {
        hmc->n_nonfinite += hmc->sums[tile].n_nonfinite;
        hmc->n_force += hmc->sums[tile].n_force;
        hmc->sums[tile] = (kad_hmc_sums){0};
    }
}

/* In the first half of the tuning chains come down from their start. */
static void tune(void *self)
{
    kad_hmc *hmc = self;
    const int n_chains = hmc->shell.setup->n_chains;
    const int64_t t = hmc->shell.n_done - 1, n_tune = hmc->shell.setup->n_tune;
    double sum = 0.0;
    for (int chain = 0; chain < n_chains; chain++)
        sum += hmc->p_accept[chain];
    if (t >= n_tune / 2 && !cautious(hmc, t))
        kad_step_size_update(&hmc->step, sum / n_chains);
    if (t + 1 >= n_tune) kad_step_size_freeze(&hmc->step);
}

static size_t changed(void *self, bool of_draws, kad_shared *arrays)
{
    const kad_hmc *hmc = self;
    const size_t field = hmc->n_sub * hmc->target.n_rows * KAD_ROW_BYTES,
                 number = hmc->n_sub * KAD_ROW_BYTES;
    size_t n = 0;
    if (of_draws) {
        arrays[n++] = (kad_shared){.data = hmc->p_accept, .bytes = number};
        arrays[n++] = (kad_shared){.data = hmc->sums, .bytes = sizeof *hmc->sums};
    } else {
        arrays[n++] = (kad_shared){.data = hmc->q, .bytes = field};
        arrays[n++] = (kad_shared){.data = hmc->y, .bytes = field};
        arrays[n++] = (kad_shared){.data = hmc->U, .bytes = number};
        arrays[n++] = (kad_shared){.data = hmc->S, .bytes = number};
    }
    return n;
}

static const kad_shell_ops shell_ops = {
    .draw = draw, .end = end, .tune = tune, .changed = changed, .flow_variables = true};

/* --- life --------------------------------------------------------------------------- */

static kad_status allocate(kad_ctx *ctx, kad_hmc *hmc)
{
    const size_t n_rows = hmc->target.n_rows, n_all = hmc->shell.n_tiles * hmc->n_sub;
    hmc->thread_bytes = thread_bytes_of(hmc);
    KAD_CALL(kad_new(ctx, n_all, n_rows * KAD_ROW_BYTES, &hmc->q));
    KAD_CALL(kad_new(ctx, n_all, n_rows * KAD_ROW_BYTES, &hmc->y));
    KAD_CALL(kad_new(ctx, n_all, KAD_ROW_BYTES, &hmc->U));
    KAD_CALL(kad_new(ctx, n_all, KAD_ROW_BYTES, &hmc->S));
    KAD_CALL(kad_new(ctx, n_all, KAD_ROW_BYTES, &hmc->p_accept));
    KAD_CALL(kad_new(ctx, hmc->shell.n_tiles, sizeof *hmc->sums, &hmc->sums));
    return kad_new(ctx, (size_t)hmc->shell.n_workers, hmc->thread_bytes, &hmc->block);
}

kad_status kad_hmc_create(kad_ctx *ctx, const kad_sampler_setup *setup,
                          const kad_hmc_target *target, kad_hmc **out)
{
    KAD_LOCAL(kad_hmc, hmc);
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *hmc, &hmc));
    const size_t lanes = (size_t)kad_lanes(target->prec);
    KAD_CALL(kad_shell_create(ctx, setup, &shell_ops, hmc, lanes, &hmc->shell));
    hmc->target = *target;
    hmc->shell.latents = target->map != NULL;
    hmc->options = options_of(setup, hmc->shell.latents);
    hmc->shell.tuned = isnan(hmc->options.step);
    hmc->integrator = kad_integrator_find(hmc->options.integrator);
    hmc->n_sub = lanes / W;
    hmc->step = first_step(hmc);
    KAD_CALL(allocate(ctx, hmc));
    KAD_CALL(kad_hmc_start(ctx, hmc));
    *out = hmc;
    hmc = NULL;
    return KAD_OK;
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
    kad_free(hmc->sums);
    kad_free(hmc->block);
    kad_shell_clear(&hmc->shell);
    kad_free(hmc);
}
