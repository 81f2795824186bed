/* Hybrid Monte Carlo of many chains: what `hmc` and `latent-hmc` share. Chains are the
 * lanes of tiles, tiles are spread over threads.
 *
 * An update: momenta from the normal distribution, a trajectory of randomised length,
 * accepted with probability min(1, exp(-dH)), dH in double whatever the precision of the
 * force; a dH that is not a number rejects and is counted. In the first n_tune draws the
 * step is tuned by dual averaging; then it is frozen, so that what follows is a Markov
 * chain with the right invariant measure. Of the updates before the first recorded draw
 * one in four is made with shorter steps, so that stiff starts slide down instead of being
 * rejected for ever.
 *
 * Keys: every random number belongs to (draw, chain) or (draw, tile); nothing depends on
 * threads or on the batches of the driver.
 * Source: Duane, Kennedy, Pendleton, Roweth, Phys. Lett. B 195 (1987) 216. */
#ifndef KAD_SAMPLE_HMC_CORE_H
#define KAD_SAMPLE_HMC_CORE_H

#include "base/memory.h"
#include "sample/shell.h"
#include "sample/step_size.h"
#include "sample/trajectory.h"

/* Keys of the config, the same for both samplers. */
enum { KAD_HMC_N_KEYS = 5 };
extern const kad_key kad_hmc_keys[KAD_HMC_N_KEYS];

typedef struct kad_hmc_options {
    const char *integrator; /* its name (trajectory.h) */
    double trajectory;      /* mean length; used when n_steps = 0 */
    int n_steps;            /* mean steps of a trajectory; 0: from its length */
    double step;            /* fixed step; NaN: tuned */
    double target;          /* acceptance */
} kad_hmc_options;

typedef struct kad_hmc_sums {
    int64_t n_nonfinite, n_force;
} kad_hmc_sums;

typedef struct kad_hmc {
    kad_shell shell;
    kad_hmc_target target;
    kad_hmc_options options;
    const kad_integrator *integrator;
    size_t n_sub;       /* tiles of KAD_W_DOUBLE of one of the force */
    double *q, *y;      /* [n_tiles * n_sub][n_rows][KAD_W_DOUBLE]: the states */
    double *U, *S;      /* [n_tiles * n_sub * KAD_W_DOUBLE] */
    double *p_accept;   /* the same: min(1, exp(-dH)) of the last update */
    kad_hmc_sums *sums; /* [n_tiles] of what `end` has not seen */
    char *block;        /* [n_workers][thread_bytes] */
    size_t thread_bytes;
    kad_step_size step;
    int64_t n_nonfinite; /* trajectories whose dH was not a number */
    int64_t n_force;     /* force evaluations for recorded draws, over all tiles */
} kad_hmc;

/* setup is borrowed; target is copied. On failure *out is NULL. Errors: KAD_ENOMEM;
 * KAD_ECONFIG when numbers run out, or U is not finite at the start. */
KAD_MUST_USE kad_status kad_hmc_create(kad_ctx *ctx, const kad_sampler_setup *setup,
                                       const kad_hmc_target *target, kad_hmc **out);

/* The sampler_ops functions; self is a kad_hmc. */
bool kad_hmc_tunes(const kad_sampler_setup *setup);
void kad_hmc_destroy(void *self);
KAD_LOCAL_OF(kad_hmc, kad_hmc_destroy)
KAD_MUST_USE kad_status kad_hmc_save(kad_ctx *ctx, const void *self, kad_h5 *file,
                                     const char *group);
KAD_MUST_USE kad_status kad_hmc_load(kad_ctx *ctx, void *self, kad_h5 *file,
                                     const char *group);
void kad_hmc_describe(const void *self, kad_writer *w);

/* --- hmc_start.c --- */

/* Standard normals for KAD_W_DOUBLE consecutive chains, [n_rows][KAD_W_DOUBLE], keyed by
 * (step, chain, row); 0 at inactive sites. */
void kad_hmc_normal_tile(const kad_action *action, kad_rng rng, uint64_t step,
                         uint64_t chain, double *tile);

/* The sampler_ops function: q, y, U and S of boundary configurations x
 * [n_chains][n_rows]; lanes without a chain repeat them. */
KAD_MUST_USE kad_status kad_hmc_set_state(kad_ctx *ctx, void *self, const double *x);

/* The first states (sample/start.h). Errors: KAD_ECONFIG when U is not finite. */
KAD_MUST_USE kad_status kad_hmc_start(kad_ctx *ctx, kad_hmc *hmc);

/* --- the targets: hmc.c, latent_hmc.c --- */

/* U = S on the action's flow variables; inactive sites are drawn afterwards. */
kad_hmc_target kad_hmc_target_of(const kad_action *action, kad_prec prec);
/* U(z) = S(y(z)) - ln|det dy/dz| of a map. */
kad_hmc_target kad_latent_hmc_target_of(const kad_action *action, const kad_map *map,
                                        kad_prec prec);

#endif
