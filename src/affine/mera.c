/* RG-Flow's stages. At level h blocks are of 4 x 4 sites 2^h apart; sites that the next level
 * has no blocks on are its latents. Rows are the even sites of a checkerboard, then the odd ones,
 * each by channel, then y, then x. */
#include "affine/affine.h"

enum { SIDE = 4, SITES = SIDE * SIDE };

static bool has_level(const kad_affine_map *map, int h)
{
    return map->height % (SIDE << h) == 0 && map->width % (SIDE << h) == 0;
}

/* Channel, y and x of a row. */
static void place(int n_channels, int row, int *c, int *y, int *x)
{
    const int half = n_channels * SITES / 2, odd = row >= half, k = row % half;
    *c = k / (SITES / 2);
    *y = k % (SITES / 2) / (SIDE / 2);
    *x = 2 * (k % (SIDE / 2)) + (*y + odd) % 2;
}

static kad_status add(kad_ctx *ctx, kad_affine_map *map, int h, int offset)
{
    const int C = map->n_channels, H = map->height, W = map->width, step = 1 << h,
              stride = SIDE << h, rows = C * SITES;
    int role[KAD_AFFINE_CHANNELS_MAX * SITES], c, y, x;
    kad_affine_stage *s;
    KAD_CALL(kad_affine_stage_begin(ctx, map, h, rows, H / stride * (W / stride), &s));
    int *at = s->index;
    for (int i = 0; i < H; i += stride)
        for (int j = 0; j < W; j += stride)
            for (int r = 0; r < rows; r++) {
                place(C, r, &c, &y, &x);
                *at++ = (c * H + (i + y * step + offset) % H) * W +
                        (j + x * step + offset) % W;
            }
    for (int r = 0; r < rows; r++)
        place(C, r, &s->channel[r], &y, &x);
    for (int parity = 0; parity < 2; parity++) {
        for (int r = 0; r < rows; r++)
            role[r] = (r >= rows / 2) == parity ? KAD_AFFINE_SEEN : KAD_AFFINE_MOVED;
        KAD_CALL(kad_affine_stage_pass(ctx, s, role));
    }
    kad_affine_stage_end(map, s, kad_affine_layers(&map->options, h));
    return KAD_OK;
}

kad_status kad_affine_mera(kad_ctx *ctx, const kad_affine_options *options,
                           int n_channels, int height, int width, kad_affine_map **out)
{
    KAD_LOCAL(kad_affine_map, map);
    *out = NULL;
    KAD_CALL(kad_affine_map_begin(ctx, options, n_channels, height, width,
                                  2 * KAD_AFFINE_LEVELS_MAX, &map));
    for (int h = 0; has_level(map, h); h++) {
        KAD_CALL(add(ctx, map, h, 0));
        KAD_CALL(add(ctx, map, h, SIDE / 2 << h));
        map->n_levels = h + 1;
    }
    for (size_t i = 0; i < kad_affine_size(map); i++) {
        const int y = (int)(i / (size_t)width) % height, x = (int)(i % (size_t)width);
        int h = 0;
        while (h + 1 < map->n_levels && y % (2 << h) == 0 && x % (2 << h) == 0)
            h++;
        map->level[i] = h;
    }
    *out = map;
    map = NULL;
    return KAD_OK;
}
