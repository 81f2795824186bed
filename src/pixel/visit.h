/* The one step that every walk over a map is made of: columns, which are sites of one group
 * in some images, are shown to the group's net, and channel after channel their densities
 * are handed to who walks. What a column gets does not depend on the others, to the bit. */
#ifndef KAD_PIXEL_VISIT_H
#define KAD_PIXEL_VISIT_H

#include "pixel/density.h"
#include "pixel/net.h"
#include "pixel/plan.h"

typedef struct kad_pixel_columns {
    const kad_pixel_group *group;
    int n;
    const uint8_t *image[KAD_PIXEL_COLUMNS]; /* [C][height][width] each */
    int index[KAD_PIXEL_COLUMNS];            /* which of the group's sites */
    size_t number[KAD_PIXEL_COLUMNS];        /* what else who walks has to know of it */
} kad_pixel_columns;

/* A thread's memory: rows of KAD_PIXEL_COLUMNS numbers. */
typedef struct kad_pixel_desk {
    kad_pixel_tile_f32 tile;
    kad_pixel_density density;
    double *rows, *shift;
    double *level, *t, *rest, *u, *mass; /* who walks puts these to use */
} kad_pixel_desk;

size_t kad_pixel_desk_bytes(const kad_pixel_map *map);
kad_pixel_desk kad_pixel_desk_cut(const kad_pixel_map *map, char **scratch);

/* desk->density is that of channel c of the columns: set desk->level of them, by which the
 * later channels are conditioned; of the columns behind the n-th to any number. */
typedef void kad_pixel_each(void *self, const kad_pixel_columns *k, int c,
                            kad_pixel_desk *desk);
void kad_pixel_visit(const kad_pixel_plan *plan, const kad_pixel_columns *k,
                     kad_pixel_desk *desk, kad_pixel_each *each, void *self);

/* Sets desk->level to what the columns' images hold, and desk->mass to its probability. */
void kad_pixel_visit_mass(const kad_pixel_plan *plan, const kad_pixel_columns *k, int c,
                          kad_pixel_desk *desk);

/* The site of column i, and where its channel c lies in its image. */
static inline int kad_pixel_column_site(const kad_pixel_columns *k, int i)
{
    return k->group->site[k->index[i]];
}

static inline size_t kad_pixel_column_at(const kad_pixel_map *map,
                                         const kad_pixel_columns *k, int i, int c)
{
    return (size_t)c * (size_t)map->height * (size_t)map->width +
           (size_t)kad_pixel_column_site(k, i);
}

#endif
