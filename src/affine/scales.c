/* Real NVP's stages, flat: at every scale n couplings between the colours of a checkerboard, in
 * turn; squares of 2 x 2 sites become sites of four times the channels; n couplings between
 * halves of these, in turn; and one half, the odd sites of the squares, stays behind as latents
 * of the scale. The last scale, of less than 16 sites a side, has n + 1 checkerboards. Nets are
 * the residual nets of affine.h on the 3 x 3 window around a site, in place of the paper's deep
 * convolutions. */
#include "affine/affine.h"

enum { WINDOW = 9, LEAST = 16 };

/* Sites of a scale, and where in the image the values of each are. */
typedef struct grid {
    int height, width, n_channels;
    int *at; /* [height][width][n_channels] */
} grid;

static int look(const grid *g, int y, int x, int c)
{
    if (y < 0 || y >= g->height || x < 0 || x >= g->width) return -1;
    return g->at[(y * g->width + x) * g->n_channels + c];
}

/* The rows of a role become rows of the stage, from `n` on; returns how many there are. */
static int take_rows(const int *role, int n_all, int wanted, int n, int *from, int *as)
{
    for (int r = 0; r < n_all; r++)
        if (role[r] == wanted) {
            from[n] = r;
            as[n++] = wanted;
        }
    return n;
}

/* Columns are the sites, or those of one colour (parity, else -1). A value of the window is
 * channel, y, x; rows are those seen, those moved, and no others. */
static kad_status add(kad_ctx *ctx, kad_affine_map *map, int level, const grid *g,
                      int parity, const int *role)
{
    KAD_SCOPE(scope, ctx);
    const int n = g->n_channels * WINDOW, plane = map->height * map->width,
              sites = g->height * g->width;
    kad_affine_stage *s;
    int *from, *as;
    KAD_CALL(kad_take(&scope, (size_t)n, &from));
    KAD_CALL(kad_take(&scope, (size_t)n, &as));
    const int R = take_rows(role, n, KAD_AFFINE_MOVED,
                            take_rows(role, n, KAD_AFFINE_SEEN, 0, from, as), from, as);
    KAD_CALL(
        kad_affine_stage_begin(ctx, map, level, R, parity < 0 ? sites : sites / 2, &s));
    int *index = s->index;
    for (int y = 0; y < g->height; y++)
        for (int x = 0; x < g->width; x++) {
            if (parity >= 0 && (y + x) % 2 != parity) continue;
            for (int r = 0; r < R; r++)
                *index++ = look(g, y + from[r] % WINDOW / 3 - 1, x + from[r] % 3 - 1,
                                from[r] / WINDOW);
        }
    for (int r = 0; r < R; r++)
        s->channel[r] = g->at[from[r] / WINDOW] / plane;
    KAD_CALL(kad_affine_stage_pass(ctx, s, as));
    kad_affine_stage_end(map, s, 1);
    return KAD_OK;
}

static kad_status checkerboards(kad_ctx *ctx, kad_affine_map *map, int level,
                                const grid *g, int n)
{
    KAD_SCOPE(scope, ctx);
    const int R = g->n_channels * WINDOW;
    int *role;
    KAD_CALL(kad_take(&scope, (size_t)R, &role));
    for (int r = 0; r < R; r++)
        role[r] = r % WINDOW == WINDOW / 2 ? KAD_AFFINE_MOVED
                  : r % WINDOW % 2 == 1    ? KAD_AFFINE_SEEN
                                           : KAD_AFFINE_IDLE;
    for (int i = 0; i < n; i++)
        KAD_CALL(add(ctx, map, level, g, i % 2, role));
    return KAD_OK;
}

static kad_status halves(kad_ctx *ctx, kad_affine_map *map, int level, const grid *g,
                         int n)
{
    KAD_SCOPE(scope, ctx);
    const int R = g->n_channels * WINDOW;
    int *role;
    KAD_CALL(kad_take(&scope, (size_t)R, &role));
    for (int i = 0; i < n; i++) {
        for (int r = 0; r < R; r++) {
            const bool second = r >= R / 2;
            role[r] = second == (i % 2 == 1)     ? KAD_AFFINE_SEEN
                      : r % WINDOW == WINDOW / 2 ? KAD_AFFINE_MOVED
                                                 : KAD_AFFINE_IDLE;
        }
        KAD_CALL(add(ctx, map, level, g, -1, role));
    }
    return KAD_OK;
}

/* Squares become sites: channels of their even sites first. */
static kad_status squeeze(kad_scope *in, const grid *g, grid *out)
{
    static const int down[4] = {0, 1, 0, 1}, along[4] = {0, 1, 1, 0};
    *out = (grid){g->height / 2, g->width / 2, 4 * g->n_channels, NULL};
    KAD_CALL(kad_take(in, (size_t)(g->height * g->width * g->n_channels), &out->at));
    int *at = out->at;
    for (int y = 0; y < out->height; y++)
        for (int x = 0; x < out->width; x++)
            for (int k = 0; k < 4; k++)
                for (int c = 0; c < g->n_channels; c++)
                    *at++ = look(g, 2 * y + down[k], 2 * x + along[k], c);
    return KAD_OK;
}

/* The first half of the channels goes on, the others are latents of the level. */
static void leave_half(kad_affine_map *map, int level, grid *g)
{
    const int n = g->n_channels / 2, sites = g->height * g->width;
    for (int i = 0; i < sites; i++)
        for (int c = 0; c < n; c++) {
            map->level[g->at[i * 2 * n + n + c]] = level;
            g->at[i * n + c] = g->at[i * 2 * n + c];
        }
    g->n_channels = n;
}

static kad_status first_grid(kad_scope *in, const kad_affine_map *map, grid *g)
{
    const int plane = map->height * map->width;
    *g = (grid){map->height, map->width, map->n_channels, NULL};
    KAD_CALL(kad_take(in, kad_affine_size(map), &g->at));
    for (int i = 0; i < plane; i++)
        for (int c = 0; c < g->n_channels; c++)
            g->at[i * g->n_channels + c] = c * plane + i;
    return KAD_OK;
}

static bool can_squeeze(const grid *g, int level)
{
    return g->height >= LEAST && g->width >= LEAST && g->height % 2 == 0 &&
           g->width % 2 == 0 && level + 1 < KAD_AFFINE_LEVELS_MAX;
}

static kad_status fill(kad_ctx *ctx, kad_affine_map *map)
{
    KAD_SCOPE(scope, ctx);
    grid g, squares;
    int level = 0;
    KAD_CALL(first_grid(&scope, map, &g));
    for (; can_squeeze(&g, level); level++) {
        const int n = kad_affine_layers(&map->options, level);
        KAD_CALL(checkerboards(ctx, map, level, &g, n));
        KAD_CALL(squeeze(&scope, &g, &squares));
        KAD_CALL(halves(ctx, map, level, &squares, n));
        leave_half(map, level, &squares);
        g = squares;
    }
    KAD_CALL(
        checkerboards(ctx, map, level, &g, kad_affine_layers(&map->options, level) + 1));
    for (int i = 0; i < g.height * g.width * g.n_channels; i++)
        map->level[g.at[i]] = level;
    map->n_levels = level + 1;
    return KAD_OK;
}

kad_status kad_affine_scales(kad_ctx *ctx, const kad_affine_options *options,
                             int n_channels, int height, int width, kad_affine_map **out)
{
    KAD_LOCAL(kad_affine_map, map);
    *out = NULL;
    KAD_CALL(kad_affine_map_begin(ctx, options, n_channels, height, width,
                                  2 * KAD_AFFINE_LEVELS_MAX * (KAD_AFFINE_LAYERS_MAX + 1),
                                  &map));
    KAD_CALL(fill(ctx, map));
    *out = map;
    map = NULL;
    return KAD_OK;
}
