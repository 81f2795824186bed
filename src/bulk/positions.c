#include "bulk/positions.h"

#include "base/memory.h"
#include "flow/bijectors/haar.h"
#include "sample/fields.h"

#include <math.h>
#include <string.h>

/* True where a kept coarse site is its block: not where a Haar rotation makes the sites of
 * a block from its latents. */
static bool keeps_sites(const kad_flow *flow)
{
    if (strcmp(flow->hierarchy, "conditional") != 0) return false;
    for (int i = 0; i < flow->n_stages; i++)
        if (flow->stages[i].ops == &kad_haar_ops) return false;
    return true;
}

kad_status kad_bulk_positions(kad_scope *in, kad_bulk *bulk)
{
    const kad_flow *flow = bulk->model->flow;
    const kad_lattice *lattice = flow->lattice;
    const int d = lattice->d;
    const bool kept = keeps_sites(flow);
    KAD_CALL(kad_take(in, (size_t)lattice->n_sites * (size_t)d, &bulk->position));
    for (int site = 0; site < lattice->n_sites; site++) {
        const int level = flow->level_of[site];
        int coords[KAD_MAX_DIM];
        kad_lattice_coords(lattice, site, coords);
        const int top = lattice->n_levels, h = level + 1 < top ? level + 1 : top,
                  block = kept || level < 0 ? 1 : 1 << h;
        for (int mu = 0; mu < d; mu++)
            bulk->position[site * d + mu] =
                coords[mu] / block * block + 0.5 * (block - 1);
    }
    return KAD_OK;
}

/* --- the symmetry of the blocks ------------------------------------------------------
 */

static bool divides(const kad_lattice *lattice, int step)
{
    for (int mu = 0; mu < lattice->d; mu++)
        if (lattice->shape[mu] % step != 0) return false;
    return true;
}

/* Largest difference, over latents of level <= h, between the latents of a shifted
 * configuration and the shifted latents; out[h]. */
static void compare(const kad_bulk *bulk, const double *shifted, const double *moved,
                    double *out)
{
    const kad_flow *flow = bulk->model->flow;
    for (int h = 0; h < bulk->n_levels; h++)
        out[h] = 0;
    for (int row = 0; row < flow->n_rows; row++) {
        const int level = flow->level_of[row / flow->n_comp];
        const double gap = fabs(shifted[row] - moved[row]) / (1 + fabs(moved[row]));
        for (int h = level < 0 ? bulk->n_levels : level; h < bulk->n_levels; h++)
            if (!(gap <= out[h])) out[h] = gap;
    }
}

/* worst[axis][h] of a shift by `step` along every axis in turn. */
static kad_status try_step(kad_ctx *ctx, const kad_bulk *bulk, int step, double *worst)
{
    KAD_SCOPE(scope, ctx);
    const kad_lattice *lattice = bulk->model->lattice;
    const size_t n_rows = bulk->n_rows, d = (size_t)lattice->d;
    const int n_comp = bulk->model->field->n_comp;
    double *y, *z, *moved, lnq[KAD_MAX_DIM], gap[KAD_BULK_LEVELS];
    KAD_CALL(kad_take(&scope, d * n_rows, &y));
    KAD_CALL(kad_take(&scope, d * n_rows, &z));
    KAD_CALL(kad_take(&scope, n_rows, &moved));
    for (size_t mu = 0; mu < d; mu++) {
        int shift[KAD_MAX_DIM] = {0};
        shift[mu] = step;
        kad_fields_shift(lattice, n_comp, shift, bulk->y, y + mu * n_rows);
    }
    KAD_CALL(kad_map_lnq(ctx, bulk->map, d, KAD_DOUBLE, y, lnq, z));
    for (int h = 0; h < bulk->n_levels; h++)
        worst[h] = 0;
    for (size_t mu = 0; mu < d; mu++) {
        int shift[KAD_MAX_DIM] = {0};
        shift[mu] = step;
        kad_fields_shift(lattice, n_comp, shift, bulk->z, moved);
        compare(bulk, z + mu * n_rows, moved, gap);
        for (int h = 0; h < bulk->n_levels; h++)
            if (!(gap[h] <= worst[h])) worst[h] = gap[h];
    }
    return KAD_OK;
}

/* Latents agree to this where the shift is a symmetry (inversion by iteration), and differ
 * by their own size where it is not. */
static const double TOLERANCE = 1e-5;

kad_status kad_bulk_find_periods(kad_ctx *ctx, kad_bulk *bulk)
{
    const kad_lattice *lattice = bulk->model->lattice;
    double worst[KAD_BULK_LEVELS];
    if ((bulk->model->field->flags & KAD_ACTION_TRANSLATION) == 0) return KAD_OK;
    for (int step = 2; divides(lattice, step); step *= 2) {
        KAD_CALL(try_step(ctx, bulk, step, worst));
        for (int h = 0; h < bulk->n_levels && 1 << (h + 1) <= step; h++)
            if (bulk->period[h] == 0 && worst[h] < TOLERANCE) bulk->period[h] = step;
    }
    return KAD_OK;
}
