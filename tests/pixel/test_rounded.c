/* Nets in bfloat16 against the same in double, where nothing is rounded. */
#include "base/memory.h"
#include "pixel/map.h"
#include "tests/pixel/pixel_case.h"
#include "wide/bfloat.h"

enum { SIDE = 8, COLUMNS = KAD_W_DOUBLE };

typedef struct desk {
    pixel_case s;
    uint8_t *x;
    const uint8_t *image[COLUMNS];
    int site[COLUMNS];
} desk;

static void open(desk *d)
{
    kad_pixel_options o = kad_pixel_defaults();
    o.hidden = 48;
    o.blocks = 2;
    o.bfloat = true;
    pixel_case_open(&d->s, &o, 3, SIDE, SIDE, 0.02);
    d->x = pixel_case_images(&d->s, COLUMNS, 2);
    for (int i = 0; i < COLUMNS; i++)
        d->image[i] = d->x + (size_t)i * kad_pixel_size(d->s.map);
}

static void close(desk *d)
{
    kad_free(d->x);
    pixel_case_close(&d->s);
}

/* The gradient of a group by the nets of one precision; the same columns. */
#define GRADIENT(real, suffix, W)                                                        \
    static double gradient##suffix(const desk *d, const kad_pixel_group *g, double *out) \
    {                                                                                    \
        const kad_pixel_map *map = d->s.map;                                             \
        char *memory = kad_alloc(kad_pixel_tile_bytes##suffix(map, 1, true), 1),         \
             *at = memory;                                                               \
        real *packed =                                                                   \
            kad_alloc(kad_pixel_packed##suffix(map, g, true), sizeof *packed);           \
        kad_pixel_tile##suffix tile;                                                     \
        double loss[3];                                                                  \
        kad_pixel_tile_cut##suffix(map, 1, true, &at, &tile);                            \
        kad_pixel_gather##suffix(map, g, COLUMNS, d->image, d->site, &tile);             \
        for (int i = 0; i < W; i++)                                                      \
            for (int c = 0; c < 3; c++)                                                  \
                tile.level[c * W + i] =                                                  \
                    i < COLUMNS ? d->image[i][c * SIDE * SIDE + g->site[d->site[i]]]     \
                                : 0;                                                     \
        kad_pixel_pack##suffix(map, g, true, d->s.theta + g->theta, packed);             \
        kad_pixel_gradient##suffix(map, g, packed, COLUMNS, 1.0 / COLUMNS, &tile, loss,  \
                                   out);                                                 \
        kad_free(memory), kad_free(packed);                                              \
        return loss[0] + loss[1] + loss[2];                                              \
    }
GRADIENT(float, _f32, KAD_W_SINGLE)
GRADIENT(double, _f64, KAD_W_DOUBLE)

/* A rounding is 2^-9 of a number at most, and signs are as they come: a few thousandths of the
 * loss and of the gradient's norm after six layers forwards and back. */
static void gradients_are_those_without_rounding(void **state)
{
    (void)state;
    desk d;
    open(&d);
    for (int i = 0; i < d.s.map->n_groups; i++) {
        const kad_pixel_group *g = &d.s.map->group[i];
        const size_t n = g->layout.n_theta;
        double *rounded = kad_alloc(n, sizeof *rounded),
               *exact = kad_alloc(n, sizeof *exact);
        double apart = 0, norm = 0;
        for (int k = 0; k < COLUMNS; k++)
            d.site[k] = k % g->n_sites;
        const double loss = gradient_f32(&d, g, rounded),
                     want = gradient_f64(&d, g, exact);
        assert_close(loss, want, 3e-3 * fabs(want));
        assert_true(loss != want);
        for (size_t k = 0; k < n; k++) {
            apart += (rounded[k] - exact[k]) * (rounded[k] - exact[k]);
            norm += exact[k] * exact[k];
        }
        assert_true(sqrt(apart / norm) < 0.02);
        kad_free(rounded), kad_free(exact);
    }
    close(&d);
}

/* Processors with tiles and without have the same bits of images and the same gradients. */
static void processors_agree(void **state)
{
    (void)state;
    desk d;
    open(&d);
    const kad_pixel_map *map = d.s.map;
    const size_t n = (size_t)(COLUMNS * map->n_levels * map->n_channels);
    double *bits[2], *gradient[2];
    for (int tiles = 0; tiles < 2; tiles++) {
        KAD_LOCAL(kad_pixel_plan, plan);
        kad_bfloat_use_tiles(tiles);
        bits[tiles] = kad_alloc(n, sizeof(double));
        gradient[tiles] = kad_alloc(map->n_theta, sizeof(double));
        assert_ok(&d.s, kad_pixel_plan_create(&d.s.ctx, map, d.s.theta, KAD_PIXEL_NORMAL,
                                              &plan));
        assert_ok(&d.s, kad_pixel_bits(&d.s.ctx, plan, COLUMNS, d.x, bits[tiles]));
        for (int i = 0; i < map->n_groups; i++) {
            for (int k = 0; k < COLUMNS; k++)
                d.site[k] = k % map->group[i].n_sites;
            gradient_f32(&d, &map->group[i], gradient[tiles] + map->group[i].theta);
        }
    }
    kad_bfloat_use_tiles(true);
    assert_memory_equal(bits[0], bits[1], n * sizeof(double));
    assert_memory_equal(gradient[0], gradient[1], map->n_theta * sizeof(double));
    for (int i = 0; i < 2; i++)
        kad_free(bits[i]), kad_free(gradient[i]);
    close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("pixel: gradients in bfloat16 are those without rounding, but for it",
              gradients_are_those_without_rounding),
        CLAIM("pixel: nets in bfloat16 are the same with and without tiles, to the bit",
              processors_agree),
    };
    return cmocka_run_group_tests_name("rounded nets", tests, NULL, NULL);
}
