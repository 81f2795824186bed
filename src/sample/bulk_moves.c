#include "sample/bulk_moves.h"

#include "base/memory.h"
#include "base/signals.h"

#include <math.h>
#include <string.h>

enum { W = KAD_W_DOUBLE };

/* --- shared -------------------------------------------------------------------------- */

void kad_moves_destroy(kad_moves *bulk)
{
    if (bulk == NULL) return;
    kad_cone_destroy(bulk->cone);
    kad_free(bulk->order);
    kad_free(bulk->level_size);
    kad_free(bulk->shared);
    kad_free(bulk);
}

static kad_status put_in_order(kad_ctx *ctx, kad_moves *bulk)
{
    const kad_flow *flow = kad_map_flow(bulk->map);
    bulk->n_levels = flow->n_levels;
    KAD_CALL(kad_new(ctx, (size_t)flow->n_active, sizeof(int), &bulk->order));
    KAD_CALL(kad_new(ctx, (size_t)flow->n_levels, sizeof(int), &bulk->level_size));
    for (int level = flow->n_levels - 1; level >= 0; level--)
        for (int site = 0; site < flow->lattice->n_sites; site++)
            if (flow->active[site] && flow->level_of[site] == level) {
                bulk->order[bulk->n_order++] = site;
                bulk->level_size[level]++;
            }
    return KAD_OK;
}

/* What a sweep evaluates does not depend on the fields. */
static kad_status count_evaluations(kad_ctx *ctx, kad_moves *bulk)
{
    KAD_LOCAL(kad_cone_state, state);
    KAD_CALL(kad_cone_state_create(ctx, bulk->cone, NULL, &state));
    for (int i = 0; i < bulk->n_order; i++)
        bulk->n_evaluations += kad_cone_count(state, bulk->order[i]);
    return KAD_OK;
}

kad_status kad_moves_create(kad_ctx *ctx, const kad_action *action, const kad_map *map,
                            kad_moves **out)
{
    KAD_LOCAL(kad_moves, bulk);
    const kad_action_delta *delta = action->ops->delta;
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *bulk, &bulk));
    bulk->action = action;
    bulk->map = map;
    KAD_CALL(kad_cone_create(ctx, kad_map_flow(map), &bulk->cone));
    KAD_CALL(put_in_order(ctx, bulk));
    KAD_CALL(count_evaluations(ctx, bulk));
    if (delta != NULL && delta->shared_bytes != NULL) {
        KAD_CALL(kad_new(ctx, 1, delta->shared_bytes(action), &bulk->shared));
        delta->prepare(action, bulk->shared);
    }
    *out = bulk;
    bulk = NULL;
    return KAD_OK;
}

/* --- a tile -------------------------------------------------------------------------- */

void kad_moves_tile_destroy(kad_moves_tile *tile)
{
    if (tile == NULL) return;
    kad_cone_state_destroy(tile->cone);
    kad_free(tile->state);
    kad_free(tile->scratch);
    kad_free(tile->normal);
    kad_free(tile->uniform);
    kad_free(tile);
}

kad_status kad_moves_tile_create(kad_ctx *ctx, const kad_moves *bulk,
                                 kad_moves_tile **out)
{
    KAD_LOCAL(kad_moves_tile, t);
    const kad_action *action = bulk->action;
    const kad_action_delta *delta = action->ops->delta;
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *t, &t));
    t->bulk = bulk;
    KAD_CALL(kad_cone_state_create(ctx, bulk->cone, kad_map_packed(bulk->map, KAD_DOUBLE),
                                   &t->cone));
    KAD_CALL(kad_new(ctx, 1, action->scratch_bytes[KAD_DOUBLE], &t->scratch));
    KAD_CALL(kad_new(ctx, 4, KAD_ROW_BYTES, &t->normal));
    KAD_CALL(kad_new(ctx, 4, KAD_ROW_BYTES, &t->uniform));
    if (delta != NULL && delta->state_bytes != NULL)
        KAD_CALL(kad_new(ctx, 1, delta->state_bytes(action), &t->state));
    *out = t;
    t = NULL;
    return KAD_OK;
}

const double *kad_moves_field(const kad_moves_tile *tile)
{
    return tile->cone->slots;
}

void kad_moves_latents(const kad_moves_tile *tile, double *z)
{
    kad_cone_latents(tile->cone, z);
}

static void value(const kad_moves_tile *t, double *S)
{
    const kad_action *action = t->bulk->action;
    action->ops->kern[KAD_DOUBLE]->value(action, kad_moves_field(t), S, t->scratch);
}

void kad_moves_begin(kad_moves_tile *t, const double *z)
{
    const kad_action *action = t->bulk->action;
    const kad_action_delta *delta = action->ops->delta;
    kad_cone_begin(t->cone, z);
    if (delta == NULL)
        value(t, t->S);
    else if (delta->begin != NULL)
        delta->begin(action, t->bulk->shared, kad_moves_field(t), t->state);
}

/* --- a move -------------------------------------------------------------------------- */

static void change_of_action(kad_moves_tile *t, double *S_new, double *dS)
{
    const kad_action *action = t->bulk->action;
    const kad_action_delta *delta = action->ops->delta;
    const kad_cone_state *cone = t->cone;
    const kad_change change = {.n = cone->n_sites,
                               .sites = cone->sites,
                               .changed = cone->changed,
                               .old = cone->old,
                               .now = cone->slots};
    if (delta != NULL) {
        delta->change(action, t->bulk->shared, &change, dS, t->state);
        return;
    }
    value(t, S_new);
    for (int l = 0; l < W; l++)
        dS[l] = S_new[l] - t->S[l];
}

/* min(1, exp(-dU)) against a uniform number; what is not a number is rejected. */
static void decide(kad_moves_tile *t, const kad_moves_turn *turn, int site,
                   const double *dU, uint8_t *keep)
{
    kad_rng_uniform_rows_f64(turn->decide, turn->step, turn->first_chain, (uint32_t)site,
                             W, W, t->uniform);
    for (int l = 0; l < W; l++) {
        keep[l] = log(t->uniform[l]) < -dU[l];
        if (l < turn->n_lanes) t->n_nonfinite += isnan(dU[l]) != 0;
    }
}

static void settle(kad_moves_tile *t, const uint8_t *keep, const double *S_new)
{
    const kad_action *action = t->bulk->action;
    const kad_action_delta *delta = action->ops->delta;
    kad_cone_settle(t->cone, keep);
    if (delta != NULL && delta->settle != NULL) delta->settle(action, keep, t->state);
    for (int l = 0; l < W && delta == NULL; l++)
        t->S[l] = keep[l] ? S_new[l] : t->S[l];
}

static void move(kad_moves_tile *t, const kad_moves_turn *turn, int site, double width,
                 double *accepted)
{
    const kad_cone *cone = t->bulk->cone;
    const int n_comp = cone->flow->n_comp;
    double dld[W], dU[W], S_new[W];
    uint8_t keep[W];
    kad_rng_normal_rows_f64(turn->propose, turn->step, turn->first_chain, (uint32_t)site,
                            W, W, t->normal);
    for (int c = 0; c < n_comp; c++) {
        const double *z = t->cone->slots + (size_t)cone->z_slot[site * n_comp + c] * W;
        for (int l = 0; l < W; l++)
            t->normal[c * W + l] = z[l] + width * t->normal[c * W + l];
    }
    t->n_evaluations += kad_cone_move(t->cone, site, t->normal, dld);
    change_of_action(t, S_new, dU);
    for (int l = 0; l < W; l++)
        dU[l] -= dld[l];
    decide(t, turn, site, dU, keep);
    settle(t, keep, S_new);
    for (int l = 0; l < turn->n_lanes; l++)
        accepted[l] += keep[l];
}

bool kad_moves_sweep(kad_moves_tile *tile, const kad_moves_turn *turn,
                     const double *width, double begun, double *accepted)
{
    const kad_moves *bulk = tile->bulk;
    for (int i = 0; i < bulk->n_order; i++) {
        const int site = bulk->order[i], level = bulk->cone->flow->level_of[site];
        if (kad_stop_overdue(begun)) return false;
        move(tile, turn, site, width[level], accepted + level * W);
    }
    return true;
}
