#include "affine/affine.h"

#include "base/rng.h"

#include <math.h>

kad_affine_net kad_affine_net_of(int n_rows, int width, int n_blocks)
{
    const size_t R = (size_t)n_rows, W = (size_t)width;
    kad_affine_net n = {.n_rows = n_rows, .width = width, .n_blocks = n_blocks};
    size_t at = 0;
#define PLACE(member, size) n.member = at, at += (size)
    PLACE(k0, R);
    PLACE(v1, W * R);
    PLACE(g1, W);
    PLACE(b1, W);
    PLACE(k1, W);
    PLACE(v2, W * W);
    PLACE(g2, W);
    PLACE(b2, W);
    PLACE(k2, W);
    PLACE(v3, R * W);
    PLACE(g3, R);
    PLACE(b3, R);
#undef PLACE
    n.block = at;
    n.scale = at * (size_t)n_blocks;
    n.n_theta = n.scale + R;
    return n;
}

static int most_layers(const kad_affine_options *o)
{
    int most = 0;
    for (int i = 0; i < o->n_layers; i++)
        most = o->layers[i] > most ? o->layers[i] : most;
    return most;
}

static bool within(int x, int least, int most)
{
    return x >= least && x <= most;
}

kad_status kad_affine_map_begin(kad_ctx *ctx, const kad_affine_options *options,
                                int n_channels, int height, int width, int most_stages,
                                kad_affine_map **out)
{
    KAD_LOCAL(kad_affine_map, map);
    *out = NULL;
    if (!within(n_channels, 1, KAD_AFFINE_CHANNELS_MAX) || !within(height, 4, 1024) ||
        !within(width, 4, 1024) || height % 4 != 0 || width % 4 != 0)
        return kad_fail(ctx, KAD_ECONFIG,
                        "images of %d x %d with %d channels: couplings need extents that "
                        "are multiples of 4 (data.pad, data.size), at most 1024, and at "
                        "most %d channels",
                        height, width, n_channels, KAD_AFFINE_CHANNELS_MAX);
    if (!within(options->hidden, 1, 4096) ||
        !within(options->blocks, 1, KAD_AFFINE_BLOCKS_MAX) ||
        !within(options->n_layers, 1, KAD_AFFINE_LEVELS_MAX) ||
        !within(most_layers(options), 1, KAD_AFFINE_LAYERS_MAX))
        return kad_fail(ctx, KAD_ECONFIG,
                        "no nets of width %d with %d blocks, layers of %d levels",
                        options->hidden, options->blocks, options->n_layers);
    KAD_CALL(kad_new(ctx, 1, sizeof *map, &map));
    map->options = *options;
    map->n_channels = n_channels;
    map->height = height;
    map->width = width;
    map->most_stages = most_stages;
    KAD_CALL(kad_new(ctx, kad_affine_size(map), sizeof *map->level, &map->level));
    KAD_CALL(kad_new(ctx, (size_t)most_stages, sizeof *map->stage, &map->stage));
    *out = map;
    map = NULL;
    return KAD_OK;
}

int kad_affine_layers(const kad_affine_options *o, int level)
{
    return o->layers[level < o->n_layers ? level : o->n_layers - 1];
}

kad_status kad_affine_stage_begin(kad_ctx *ctx, kad_affine_map *map, int level,
                                  int n_rows, int n_columns, kad_affine_stage **out)
{
    const size_t R = (size_t)n_rows;
    kad_affine_stage *s = &map->stage[map->n_stages++];
    s->level = level;
    s->n_rows = n_rows;
    s->n_columns = n_columns;
    KAD_CALL(kad_new(ctx, R * (size_t)n_columns, sizeof *s->index, &s->index));
    KAD_CALL(kad_new(ctx, R, sizeof *s->channel, &s->channel));
    KAD_CALL(kad_new(ctx, R, sizeof *s->owned, &s->owned));
    *out = s;
    return KAD_OK;
}

kad_status kad_affine_stage_pass(kad_ctx *ctx, kad_affine_stage *s, const int *role)
{
    kad_affine_pass *p = &s->pass[s->n_passes++];
    KAD_CALL(kad_new(ctx, (size_t)s->n_rows, sizeof *p->seen, &p->seen));
    KAD_CALL(kad_new(ctx, (size_t)s->n_rows, sizeof *p->moved, &p->moved));
    for (int r = 0; r < s->n_rows; r++) {
        if (role[r] == KAD_AFFINE_SEEN) p->seen[p->n_seen++] = r;
        if (role[r] != KAD_AFFINE_MOVED) continue;
        p->moved[p->n_moved++] = r;
        s->owned[r] = true;
    }
    return KAD_OK;
}

void kad_affine_stage_end(kad_affine_map *map, kad_affine_stage *s, int n_layers)
{
    for (int r = 0; r < s->n_rows; r++)
        s->windows = s->windows || !s->owned[r];
    s->n_layers = n_layers;
    s->net = kad_affine_net_of(s->n_rows, map->options.hidden, map->options.blocks);
    for (int p = 0; p < s->n_passes; p++) {
        s->net.pass[p].seen = s->pass[p].seen[0];
        s->net.pass[p].n_seen = s->pass[p].n_seen;
        s->net.pass[p].moved = s->pass[p].moved[0];
        s->net.pass[p].n_moved = s->pass[p].n_moved;
    }
    s->theta = map->n_theta;
    map->n_theta += 2 * (size_t)n_layers * s->net.n_theta;
}

void kad_affine_map_destroy(kad_affine_map *map)
{
    if (!map) return;
    for (int i = 0; map->stage && i < map->n_stages; i++) {
        kad_affine_stage *s = &map->stage[i];
        for (int p = 0; p < s->n_passes; p++) {
            kad_free(s->pass[p].seen);
            kad_free(s->pass[p].moved);
        }
        kad_free(s->index);
        kad_free(s->channel);
        kad_free(s->owned);
    }
    kad_free(map->stage);
    kad_free(map->level);
    kad_free(map);
}

/* --- first weights ---------------------------------------------------------------------- */

static const double GAIN = 2.81; /* of swish, in their code */

static void init_matrix(kad_rng rng, uint64_t which, int n_out, int n_in, double *v,
                        double *g)
{
    const double most = sqrt(3 * GAIN / n_in);
    for (int o = 0; o < n_out; o++) {
        double norm2 = 0;
        for (int i = 0; i < n_in; i++) {
            const double u =
                kad_rng_uniform(rng, which, (uint64_t)o, (uint32_t)i) * 2 - 1;
            v[o * n_in + i] = most * u;
            norm2 += most * u * most * u;
        }
        g[o] = sqrt(norm2);
    }
}

static void init_net(kad_rng rng, uint64_t which, const kad_affine_net *n, double *theta)
{
    const int R = n->n_rows, W = n->width;
    for (size_t i = 0; i < n->n_theta; i++)
        theta[i] = 0;
    for (int b = 0; b < n->n_blocks; b++, theta += n->block, which += 3) {
        init_matrix(rng, which, W, R, theta + n->v1, theta + n->g1);
        init_matrix(rng, which + 1, W, W, theta + n->v2, theta + n->g2);
        init_matrix(rng, which + 2, R, W, theta + n->v3, theta + n->g3);
        for (int i = 0; i < R; i++)
            theta[n->k0 + (size_t)i] = 1;
        for (int i = 0; i < W; i++)
            theta[n->k1 + (size_t)i] = theta[n->k2 + (size_t)i] = 1;
    }
}

void kad_affine_init(const kad_affine_map *map, uint64_t seed, double *theta)
{
    const kad_rng rng = kad_rng_stream(seed, KAD_RNG_INIT, 0);
    const uint64_t per_net = 3 * KAD_AFFINE_BLOCKS_MAX;
    for (int i = 0; i < map->n_stages; i++) {
        const kad_affine_stage *s = &map->stage[i];
        for (int l = 0; l < 2 * s->n_layers; l++)
            init_net(rng, ((uint64_t)i << 32) + (uint64_t)l * per_net, &s->net,
                     theta + s->theta + (size_t)l * s->net.n_theta);
    }
}
