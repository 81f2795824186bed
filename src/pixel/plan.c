#include "pixel/plan.h"

#include "base/parallel.h"
#include "pixel/net.h"

kad_status kad_pixel_plan_create(kad_ctx *ctx, const kad_pixel_map *map,
                                 const double *theta, kad_pixel_prior prior,
                                 kad_pixel_plan **out)
{
    KAD_LOCAL(kad_pixel_plan, plan);
    size_t n = 0;
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *plan, &plan));
    plan->map = map;
    plan->prior = prior;
    KAD_CALL(kad_new(ctx, (size_t)map->n_groups, sizeof *plan->begin, &plan->begin));
    for (int i = 0; i < map->n_groups; i++) {
        plan->begin[i] = n;
        n += kad_cut_bytes(kad_pixel_packed_f32(map, &map->group[i], false),
                           sizeof *plan->packed) /
             sizeof *plan->packed;
    }
    KAD_CALL(kad_new(ctx, n, sizeof *plan->packed, &plan->packed));
    for (int i = 0; i < map->n_groups; i++)
        kad_pixel_pack_f32(map, &map->group[i], false, theta + map->group[i].theta,
                           plan->packed + plan->begin[i]);
    *out = plan;
    plan = NULL;
    return KAD_OK;
}

void kad_pixel_plan_destroy(kad_pixel_plan *plan)
{
    if (!plan) return;
    kad_free(plan->begin);
    kad_free(plan->packed);
    kad_free(plan);
}
