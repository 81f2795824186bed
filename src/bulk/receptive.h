/* Receptive fields: what a latent does to the boundary.
 *
 * Adjoint products e_i^T dx/dz give for one boundary site i the derivatives with respect
 * to all latents at once. Configurations are those of the chain. Latents of a level that
 * the symmetry of the blocks makes equal (kad_bulk.period) are one class, a latent of the
 * first period; site i and latent j add to the displacement i - j:
 *     strength = <|dx_i/dz_j|>   (Euclidean norm over the latent's components),
 *     wavelet  = <d x_ia / d z_ja>, one and the same component a.
 * Where the boundary field is not the flow variable (duals), x is the boundary field. The
 * strength of y vanishes exactly outside the generation cone (flow/cone.h). */
#ifndef KAD_BULK_RECEPTIVE_H
#define KAD_BULK_RECEPTIVE_H

#include "bulk/bulk.h"

enum {
    KAD_RECEPTIVE_PARTS = 8, /* stretches of the chain, for errors */
    KAD_RECEPTIVE_BINS = 48  /* of log10 strength, -10 .. 2 */
};

typedef struct kad_receptive_level {
    int n_classes;
    int *site;        /* [n_classes] in the first period */
    double *strength; /* [n_classes][n_sites] at displacement, numbered like sites */
    double *wavelet;  /* the same */
    int64_t *count;   /* the same: samples of it */
} kad_receptive_level;

typedef struct kad_receptive {
    const kad_bulk *bulk;
    bool boundary; /* of x, not of y */
    int n_levels;
    size_t n_products;
    int *class_of; /* [n_sites] class of a site's latent in its level; -1 */
    kad_receptive_level level[KAD_BULK_LEVELS];
    /* mean strength of a level's latents at distance r of the site (rounded; nearest
     * image), [part][level][n_r] and its number of samples */
    size_t n_r;
    double *profile;
    int64_t *profile_count;
} kad_receptive;

/* `repeats` adjoint products of every active boundary site. boundary: of the boundary
 * field where that differs from the flow variables. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_receptive_create(kad_scope *in, const kad_bulk *bulk,
                                             int repeats, bool boundary,
                                             kad_receptive **out);

#endif
