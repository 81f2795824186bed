#include "pixel/order.h"

#include <math.h>
#include <stdlib.h>

/* Lattice of a group: sites (y0 + i step, x0 + j step); offsets come in units. */
typedef struct lattice {
    int y0, x0, step, unit;
} lattice;

static lattice lattice_of(const int origin[2], int level, int part)
{
    const int s = 1 << level, step = part == 0 ? s : 2 * s;
    const int y = origin[0] + (part == 1 || part == 2 ? s : 0),
              x = origin[1] + (part == 1 || part == 3 ? s : 0);
    return (lattice){y % step, x % step, step, s};
}

/* Which group of the level the site at (y, x), in units of its stride, belongs to: 0 is
 * what was known before the level. */
static int part_of(int y, int x)
{
    if (y % 2 && x % 2) return 1;
    return y % 2 ? 2 : x % 2 ? 3 : 0;
}

/* Is the site at (dy, dx) units from one of this group known when that is generated? */
static bool is_known(const kad_pixel_options *o, int part, bool causal, int dy, int dx)
{
    const bool earlier = dy < 0 || (dy == 0 && dx < 0);
    if (part == 0) /* units are the lattice's steps, windows those of half of them */
        return earlier && 2 * abs(dy) <= o->window && 2 * abs(dx) <= o->window;
    const int there = part_of((part != 3) + dy, (part != 2) + dx);
    if (there == part)
        return causal && earlier && abs(dy) <= o->window && abs(dx) <= o->window;
    const int reach =
        causal && there == 0 && earlier && o->reach > o->radius ? o->reach : o->radius;
    return there < part && abs(dy) <= reach && abs(dx) <= reach;
}

/* Smallest number of bits that n different numbers need. */
static int bits_of(int n)
{
    int bits = 0;
    while (1 << bits < n)
        bits++;
    return bits;
}

static kad_status take_sites(kad_ctx *ctx, const kad_pixel_map *map, lattice at,
                             kad_pixel_group *g)
{
    const int rows = (map->height - at.y0 + at.step - 1) / at.step;
    const int columns = (map->width - at.x0 + at.step - 1) / at.step;
    g->n_sites = rows * columns;
    KAD_CALL(kad_new(ctx, (size_t)g->n_sites, sizeof *g->site, &g->site));
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++)
            g->site[i * columns + j] =
                (at.y0 + i * at.step) * map->width + at.x0 + j * at.step;
    return KAD_OK;
}

/* The site at an offset from the i-th, or -1. */
static int neighbour(const kad_pixel_map *map, const kad_pixel_group *g, int i, int dy,
                     int dx)
{
    const int y = g->site[i] / map->width + dy, x = g->site[i] % map->width + dx;
    if (y < 0 || x < 0 || y >= map->height || x >= map->width) return -1;
    return y * map->width + x;
}

/* Offsets in raster order, without those that leave the image from every site; known NULL
 * counts. */
static int find_known(const kad_pixel_map *map, kad_pixel_group *g, int unit, int *known)
{
    const kad_pixel_options *o = &map->options;
    const int wide = o->radius > o->window ? o->radius : o->window,
              far = o->reach > wide ? o->reach : wide;
    int n = 0;
    for (int dy = -far; dy <= far; dy++)
        for (int dx = -far; dx <= far; dx++) {
            bool inside = false;
            if (!is_known(&map->options, g->part, g->causal, dy, dx)) continue;
            for (int i = 0; i < g->n_sites && !inside; i++)
                inside = neighbour(map, g, i, unit * dy, unit * dx) >= 0;
            if (!inside) continue;
            if (known) g->near[n] = pow(dy * dy + dx * dx, -2);
            for (int i = 0; known && i < g->n_sites; i++)
                known[i * g->n_known + n] = neighbour(map, g, i, unit * dy, unit * dx);
            n++;
        }
    return n;
}

static kad_status make_group(kad_ctx *ctx, const kad_pixel_map *map, int level, int part,
                             kad_pixel_group *g)
{
    const lattice at = lattice_of(map->options.origin, level, part);
    g->level = level;
    g->n_before = g > map->group ? g[-1].n_before + g[-1].n_sites : 0;
    g->part = part;
    KAD_CALL(take_sites(ctx, map, at, g));
    g->causal = part == 0 || g->n_sites <= map->options.causal;
    g->n_known = find_known(map, g, at.unit, NULL);
    KAD_CALL(kad_new(ctx, (size_t)g->n_sites * (size_t)g->n_known, sizeof *g->known,
                     &g->known));
    KAD_CALL(kad_new(ctx, (size_t)g->n_known, sizeof *g->near, &g->near));
    find_known(map, g, at.unit, g->known);
    if (map->options.position) {
        g->bits_y = bits_of(map->height / at.step);
        g->bits_x = bits_of(map->width / at.step);
    }
    for (int i = 0; i < g->n_sites; i++)
        map->order[g->n_before + i] = g->site[i];
    if (map->options.overview && g->n_sites <= map->options.causal)
        g->n_overview = g->n_before + g->n_sites - 1;
    g->n_features = kad_pixel_n_told(map) * g->n_known + g->bits_y + g->bits_x + 1 +
                    2 * g->n_overview + (map->options.tint ? map->n_channels : 0);
    return KAD_OK;
}

kad_status kad_pixel_order(kad_ctx *ctx, kad_pixel_map *map)
{
    int top = 0;
    while (map->height % (2 << top) == 0 && map->width % (2 << top) == 0)
        top++;
    map->n_levels = top + 1;
    map->n_groups = 1 + 3 * top;
    KAD_CALL(kad_new(ctx, (size_t)map->n_groups, sizeof *map->group, &map->group));
    KAD_CALL(kad_new(ctx, (size_t)map->height * (size_t)map->width, sizeof *map->order,
                     &map->order));
    KAD_CALL(make_group(ctx, map, top, 0, &map->group[0]));
    for (int i = 1; i < map->n_groups; i++)
        KAD_CALL(
            make_group(ctx, map, top - 1 - (i - 1) / 3, 1 + (i - 1) % 3, &map->group[i]));
    return KAD_OK;
}

void kad_pixel_coarse(const kad_pixel_map *map, int level, const unsigned char *x,
                      unsigned char *coarse)
{
    const int s = 1 << level, y0 = map->options.origin[0] % s,
              x0 = map->options.origin[1] % s;
    for (int c = 0; c < map->n_channels; c++)
        for (int i = y0; i < map->height; i += s)
            for (int j = x0; j < map->width; j += s)
                *coarse++ = x[(c * map->height + i) * map->width + j];
}
