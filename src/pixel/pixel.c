#include "pixel/pixel.h"

kad_pixel_options kad_pixel_defaults(void)
{
    return (kad_pixel_options){.hidden = 64,
                               .blocks = 1,
                               .components = 4,
                               .radius = 3,
                               .causal = 64,
                               .window = 2,
                               .position = true,
                               .tint = true,
                               .overview = true};
}

static size_t cut(size_t *at, int rows, int columns)
{
    const size_t first = *at;
    *at += (size_t)rows * (size_t)columns;
    return first;
}

static kad_pixel_layout layout_of(const kad_pixel_map *map, int F)
{
    const int H = map->options.hidden, G = H / 2, N = kad_pixel_n_out(map);
    kad_pixel_layout l;
    size_t at = 0;
    l.trunk = cut(&at, H, F);
    l.skip = cut(&at, map->n_channels, F);
    for (int r = 0; r < map->options.blocks; r++) {
        l.block[r].inner = cut(&at, H, H);
        l.block[r].inner_bias = cut(&at, H, 1);
        l.block[r].outer = cut(&at, H, H);
        l.block[r].outer_bias = cut(&at, H, 1);
    }
    l.head = cut(&at, map->n_channels * G, H);
    for (int c = 0; c < map->n_channels; c++) {
        const int n_seen = kad_pixel_n_seen(map, c);
        l.channel[c].seen = cut(&at, G, n_seen);
        l.channel[c].head_bias = cut(&at, G, 1);
        l.channel[c].out = cut(&at, N, G);
        l.channel[c].out_bias = cut(&at, N, 1);
        l.channel[c].seen_skip = cut(&at, n_seen, 1);
    }
    l.n_theta = at;
    return l;
}

static bool within(int x, int least, int most)
{
    return x >= least && x <= most;
}

static kad_status check(kad_ctx *ctx, const kad_pixel_map *map)
{
    const kad_pixel_options *o = &map->options;
    if (!within(map->n_channels, 1, KAD_PIXEL_CHANNELS_MAX) ||
        !within(map->height, 1, 1024) || !within(map->width, 1, 1024))
        return kad_fail(ctx, KAD_ECONFIG,
                        "pixels: images of %d x %d with %d channels (at most 1024 x 1024 "
                        "with %d)",
                        map->height, map->width, map->n_channels, KAD_PIXEL_CHANNELS_MAX);
    if (!within(o->hidden, 2, 1024) || !within(o->blocks, 0, KAD_PIXEL_BLOCKS_MAX) ||
        !within(o->components, 1, KAD_PIXEL_COMPONENTS_MAX) ||
        !within(o->radius, 1, 16) || !within(o->window, 0, 64) ||
        !within(o->reach, 0, 64) || !within(o->origin[0], 0, map->height - 1) ||
        !within(o->origin[1], 0, map->width - 1))
        return kad_fail(ctx, KAD_ECONFIG,
                        "pixels: no map of %d features, %d blocks, %d components, radius "
                        "%d, window %d, reach %d, origin [%d, %d]",
                        o->hidden, o->blocks, o->components, o->radius, o->window,
                        o->reach, o->origin[0], o->origin[1]);
    return KAD_OK;
}

kad_status kad_pixel_map_create(kad_ctx *ctx, const kad_pixel_options *options,
                                int n_channels, int height, int width,
                                kad_pixel_map **out)
{
    KAD_LOCAL(kad_pixel_map, map);
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *map, &map));
    map->options = *options;
    map->options.tint = options->tint && n_channels > 1; /* grey has no colour */
    map->n_channels = n_channels;
    map->height = height;
    map->width = width;
    KAD_CALL(check(ctx, map));
    KAD_CALL(kad_pixel_order(ctx, map));
    for (int i = 0; i < map->n_groups; i++) {
        kad_pixel_group *g = &map->group[i];
        g->layout = layout_of(map, g->n_features);
        g->theta = map->n_theta;
        map->n_theta += g->layout.n_theta;
    }
    *out = map;
    map = NULL;
    return KAD_OK;
}

void kad_pixel_map_destroy(kad_pixel_map *map)
{
    if (!map) return;
    for (int i = 0; map->group && i < map->n_groups; i++) {
        kad_free(map->group[i].site);
        kad_free(map->group[i].known);
        kad_free(map->group[i].near);
    }
    kad_free(map->group);
    kad_free(map->order);
    kad_free(map);
}
