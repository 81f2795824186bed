/* Local Metropolis moves in the latents of a trained map: many chains, in double. */
#ifndef KAD_SAMPLE_LATENT_METROPOLIS_H
#define KAD_SAMPLE_LATENT_METROPOLIS_H

#include "sample/bulk_moves.h"
#include "sample/shell.h"

/* Acceptance that the proposal width of every level is tuned for. */
#define KAD_LATENT_ACCEPTANCE 0.44

enum { KAD_LATENT_METROPOLIS_N_KEYS = 1 };
extern const kad_key kad_latent_metropolis_keys[KAD_LATENT_METROPOLIS_N_KEYS];

/* The sampler's state; also for tests. */
typedef struct kad_latent_metropolis {
    kad_shell shell;
    kad_moves *bulk;
    kad_moves_tile **tile; /* [n_workers] */
    int n_sweeps;
    kad_rng propose, decide;
    double *z;           /* [n_tiles][n_rows][KAD_W_DOUBLE] */
    double *tally;       /* [n_tiles][n_levels][KAD_W_DOUBLE] accepted moves */
    int64_t *bad;        /* [n_tiles] what `end` has not seen of n_nonfinite */
    double *width;       /* [n_levels] */
    double *counts;      /* [2][n_levels] moves accepted and tried after the burn-in */
    int64_t n_nonfinite; /* moves rejected because dS_eff was not a number */
} kad_latent_metropolis;

/* The sampler_ops functions (latent_metropolis_state.c). */
KAD_MUST_USE kad_status kad_latent_metropolis_save(kad_ctx *ctx, const void *self,
                                                   kad_h5 *file, const char *group);
KAD_MUST_USE kad_status kad_latent_metropolis_load(kad_ctx *ctx, void *self, kad_h5 *file,
                                                   const char *group);
void kad_latent_metropolis_describe(const void *self, kad_writer *w);

#endif
