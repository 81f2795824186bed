#include "pixel/visit.h"

#include "base/parallel.h"

enum { COLUMNS = KAD_PIXEL_COLUMNS };

size_t kad_pixel_desk_bytes(const kad_pixel_map *map)
{
    return kad_pixel_tile_bytes_f32(map, 1, false) +
           (size_t)(6 * map->options.components + 6) *
               kad_cut_bytes(COLUMNS, sizeof(double));
}

static double *cut_row(char **scratch, int n)
{
    return kad_cut(scratch, (size_t)n * COLUMNS, sizeof(double));
}

kad_pixel_desk kad_pixel_desk_cut(const kad_pixel_map *map, char **scratch)
{
    const int K = map->options.components;
    kad_pixel_desk d;
    kad_pixel_tile_cut_f32(map, 1, false, scratch, &d.tile);
    d.density.n = K;
    d.density.weight = cut_row(scratch, K);
    d.density.mean = cut_row(scratch, K);
    d.density.inverse = cut_row(scratch, K);
    d.rows = cut_row(scratch, 3 * K);
    d.shift = cut_row(scratch, 1);
    d.level = cut_row(scratch, 1);
    d.t = cut_row(scratch, 1);
    d.rest = cut_row(scratch, 1);
    d.u = cut_row(scratch, 1);
    d.mass = cut_row(scratch, 1);
    return d;
}

void kad_pixel_visit(const kad_pixel_plan *plan, const kad_pixel_columns *k,
                     kad_pixel_desk *d, kad_pixel_each *each, void *self)
{
    const kad_pixel_map *map = plan->map;
    const float *packed = plan->packed + plan->begin[k->group - map->group];
    const int C = map->n_channels, K3 = 3 * map->options.components,
              N = kad_pixel_n_out(map);
    kad_pixel_gather_f32(map, k->group, k->n, k->image, k->index, &d->tile);
    kad_pixel_trunk_f32(map, k->group, false, packed, &d->tile);
    for (int c = 0; c < C; c++) {
        kad_pixel_head_f32(map, k->group, c, false, packed, &d->tile);
        for (int i = 0; i < K3 * COLUMNS; i++)
            d->rows[i] = (double)d->tile.out[c * N * COLUMNS + i];
        for (int i = 0; i < COLUMNS; i++)
            d->shift[i] = (double)d->tile.skip[c * COLUMNS + i];
        kad_pixel_density_set(d->rows, d->shift, &d->density);
        each(self, k, c, d);
        for (int i = 0; i < COLUMNS; i++)
            d->tile.level[c * COLUMNS + i] = (float)d->level[i];
        kad_pixel_see_f32(map, k->group, c, &d->tile);
    }
}

void kad_pixel_visit_mass(const kad_pixel_plan *plan, const kad_pixel_columns *k, int c,
                          kad_pixel_desk *d)
{
    for (int i = 0; i < COLUMNS; i++)
        d->level[i] = i < k->n ? k->image[i][kad_pixel_column_at(plan->map, k, i, c)] : 0;
    kad_pixel_density_mass(&d->density, d->level, d->mass);
}
