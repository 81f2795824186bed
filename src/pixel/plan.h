/* The weights of a map that stay as they are, packed for its nets, and a prior. */
#ifndef KAD_PIXEL_PLAN_H
#define KAD_PIXEL_PLAN_H

#include "pixel/latent.h"
#include "pixel/pixel.h"

typedef struct kad_pixel_plan {
    const kad_pixel_map *map;
    kad_pixel_prior prior;
    size_t *begin; /* [n_groups]: weights of a group */
    float *packed;
} kad_pixel_plan;

/* theta [map->n_theta] is copied; the map must outlive the plan. Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_pixel_plan_create(kad_ctx *ctx, const kad_pixel_map *map,
                                              const double *theta, kad_pixel_prior prior,
                                              kad_pixel_plan **out);
void kad_pixel_plan_destroy(kad_pixel_plan *plan);
KAD_LOCAL_OF(kad_pixel_plan, kad_pixel_plan_destroy)

#endif
