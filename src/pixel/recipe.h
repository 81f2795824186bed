/* Recipe pixels as a map that image_trainer.h trains: its groups are the parts. */
#ifndef KAD_PIXEL_RECIPE_H
#define KAD_PIXEL_RECIPE_H

#include "pixel/plan.h"
#include "train/image_map.h"

/* Errors: as kad_pixel_map_create. */
KAD_MUST_USE kad_status kad_pixel_recipe_create(kad_ctx *ctx,
                                                const kad_pixel_options *options,
                                                int n_channels, int height, int width,
                                                kad_image_map **out);
/* The map itself, and what its plan has: weights with the normal prior. */
const kad_pixel_map *kad_pixel_recipe_map(const kad_image_map *map);
const kad_pixel_plan *kad_pixel_recipe_plan(const void *plan);

#endif
