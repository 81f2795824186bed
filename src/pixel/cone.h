/* Who sees whom. The level of a site depends on its latent and on the sites it sees, those
 * on theirs, and so on down to the coarsest. Of a set of sites,
 *   the inference cone holds the sites whose latents change when levels of the set do: the
 *     set and the sites that see it, of every level about as many, so O(log L) of them;
 *   the generation cone holds the sites whose levels may change when latents of the set do. */
#ifndef KAD_PIXEL_CONE_H
#define KAD_PIXEL_CONE_H

#include "pixel/pixel.h"

typedef struct kad_pixel_cones {
    const kad_pixel_map *map;
    int n_sites;
    int *order;         /* [n_sites] sites as they are generated */
    int *group, *index; /* [n_sites] of a site: its group, and which of it */
    int *first;         /* [n_sites + 1]: sites that see site i are seen[first[i]] ... */
    int *seen_by;       /* in the order in which they are generated */
} kad_pixel_cones;

/* The map must outlive it. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_pixel_cones_create(kad_ctx *ctx, const kad_pixel_map *map,
                                               kad_pixel_cones **out);
void kad_pixel_cones_destroy(kad_pixel_cones *cones);
KAD_LOCAL_OF(kad_pixel_cones, kad_pixel_cones_destroy)

/* Of set [n_sites], into cone [n_sites]; the number in it. */
size_t kad_pixel_inference_cone(const kad_pixel_cones *cones, const bool *set,
                                bool *cone);
size_t kad_pixel_generation_cone(const kad_pixel_cones *cones, const bool *set,
                                 bool *cone);

#endif
