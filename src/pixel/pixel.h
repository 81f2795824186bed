/* The map of recipe `pixels`: images of levels 0 .. 255 to latents and back, exact on
 * integers. This folder holds the order in which sites are generated and what each sees
 * (order), the nets that read the density of a level off it (net, net_kern), that density
 * (density, density_kern) and the prior of latents (latent), weights at work (plan) and the
 * one step of every walk over the map (visit), likelihood, encoding, decoding and sampling
 * (map), who sees whom (cone), where lattices lie (origin), missing levels (inpaint), how it is trained (recipe), and the
 * map of a results file (stored).
 *
 * Sites are generated from coarse to fine in *groups*: the lattice of the largest stride
 * S that is a power of two and divides both extents; then, for s = S/2, ..., 1 (level
 * h = log2 s), the sites (s, s), (s, 0) and (0, s) of the lattice of stride 2s, in this
 * order, counted from a site that all lattices hold (origin). A group has a net of its own, shared by its sites, which sees the sites known so
 * far within r units of s. Within a group of at most `causal` sites, and always in the
 * first, each also sees the earlier ones in raster order within `window` units of s (of S/2
 * in the first), and of the lattice of stride 2s those earlier in raster order within `reach`;
 * sites of larger groups are generated in parallel. Within a site the
 * channels follow one another. With `overview` the sites of a group of at most `causal` are also
 * told, wherever they lie, of all sites generated before them; with `tint` all are told the colour
 * around them and how bright sites are beside it, and means may be multiples of it (net.h).
 *
 * Weights are one flat array of doubles, group after group (kad_pixel_group.theta is where
 * a group's begin), in the order of kad_pixel_layout. */
#ifndef KAD_PIXEL_PIXEL_H
#define KAD_PIXEL_PIXEL_H

#include "base/memory.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    KAD_PIXEL_CHANNELS_MAX = 4,
    KAD_PIXEL_BLOCKS_MAX = 8,
    KAD_PIXEL_COMPONENTS_MAX = 16
};

typedef struct kad_pixel_options {
    int hidden;     /* H: features of the trunk */
    int blocks;     /* R: residual blocks */
    int components; /* K: logistic distributions in a mixture */
    int radius;     /* r: of the window on known sites */
    int causal;     /* groups of at most this many sites are generated site by site */
    int window;     /* how far such sites look back */
    int reach;      /* how far such sites look back on coarser lattices; 0: radius */
    bool position;  /* nets see the site's address */
    bool bfloat;    /* trunk, blocks and heads in bfloat16 (wide/bfloat.h) */
    bool tint;      /* nets know the colour around a site (net.h), where there is one */
    bool overview;  /* such sites know all of the picture that is known */
    int origin[2];  /* y, x of the first site, which all lattices hold */
} kad_pixel_options;

/* hidden 64, blocks 1, components 4, radius 3, causal 64, window 2, position, tint, overview;
 * origin 0, 0. */
kad_pixel_options kad_pixel_defaults(void);

/* Where the parts of a group's weights begin, relative to the group's first.
 * Shapes: H hidden, F features, G = H/2 of a head, K components, c a channel:
 *   trunk [H][F]; skip [C][F]; per block: inner [H][H], inner_bias [H], outer [H][H], outer_bias [H];
 *   head [C][G][H]; per channel: seen [G][2c], head_bias [G], out [3K][G] (rows: weights,
 *   means, log scales), out_bias [3K], seen_skip [2c].
 * With tint it is 3c for 2c, and 4K for 3K (the last rows: multiples of the tint). */
typedef struct kad_pixel_layout {
    size_t trunk, skip;
    struct {
        size_t inner, inner_bias, outer, outer_bias;
    } block[KAD_PIXEL_BLOCKS_MAX];
    size_t head;
    struct {
        size_t seen, head_bias, out, out_bias, seen_skip;
    } channel[KAD_PIXEL_CHANNELS_MAX];
    size_t n_theta;
} kad_pixel_layout;

typedef struct kad_pixel_group {
    int level, part; /* log2 of the stride s; 1, 2, 3 as above, 0: the first group */
    bool causal;
    int n_sites;
    int *site;    /* [n_sites]: y * width + x, in raster order */
    int n_known;  /* offsets of what a site sees */
    int *known;   /* [n_sites][n_known]: the site there, -1 outside the image */
    double *near; /* [n_known]: 1 / distance^4, in units */
    int n_before; /* sites of the groups before: map->order[n_before] is site[0] */
    int n_overview; /* map->order[0] ... [n_overview - 1]; the first n_before + i are known to site i */
    int bits_y, bits_x; /* of an address, in units of the group's lattice */
    int n_features;
    /* F = (C + 1) n_known + bits_y + bits_x + 1: of each known site its levels v / 127.5 - 1 and a
     * flag (1: all are 0, else -1; zeros outside the image), the bits as +-1 (lowest first), and 1;
     * with bfloat levels are v / 128 - 1, which bfloats hold exactly. Then 2 n_overview: of each known
     * one -flag and half the mean of its levels. With tint each of n_known has one more, and C come
     * last (net.h) */
    size_t theta;
    kad_pixel_layout layout;
} kad_pixel_group;

typedef struct kad_pixel_map {
    kad_pixel_options options;
    int n_channels, height, width;
    int n_levels; /* of groups: the first has level n_levels - 1 */
    int n_groups;
    kad_pixel_group *group;
    int *order; /* [height width]: sites as they are generated */
    size_t n_theta;
} kad_pixel_map;

/* Errors: KAD_ECONFIG for extents or options out of range; KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_pixel_map_create(kad_ctx *ctx,
                                             const kad_pixel_options *options,
                                             int n_channels, int height, int width,
                                             kad_pixel_map **out);
void kad_pixel_map_destroy(kad_pixel_map *map);
KAD_LOCAL_OF(kad_pixel_map, kad_pixel_map_destroy)

/* For kad_pixel_map_create: fills the map's groups (all but the layout of their weights) from its
 * options and extents. The memory is the map's (kad_pixel_map_destroy). Errors: KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_pixel_order(kad_ctx *ctx, kad_pixel_map *map);

/* Numbers a net gets of a site of its window. */
static inline int kad_pixel_n_told(const kad_pixel_map *map)
{
    return map->n_channels + (map->options.tint ? 2 : 1);
}

/* Numbers channel c gets of the channels before it. */
static inline int kad_pixel_n_seen(const kad_pixel_map *map, int c)
{
    return (map->options.tint ? 3 : 2) * c;
}

/* Numbers a head gives of a channel's density. */
static inline int kad_pixel_n_out(const kad_pixel_map *map)
{
    return (map->options.tint ? 4 : 3) * map->options.components;
}

/* Levels of an image. */
static inline size_t kad_pixel_size(const kad_pixel_map *map)
{
    return (size_t)map->n_channels * (size_t)map->height * (size_t)map->width;
}

#endif
