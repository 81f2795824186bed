/* In which order the map of images makes sites, and what of a picture it sees for that. */
#include "base/memory.h"
#include "pixel/map.h"
#include "pixel/order.h"
#include "pixel/origin.h"
#include "tests/pixel/pixel_case.h"

static void every_site_once_and_in_order(void **state)
{
    (void)state;
    const int extents[][2] = {{32, 32}, {28, 28}, {8, 8}, {6, 10},
                              {5, 5},   {1, 1},   {4, 16}};
    for (size_t e = 0; e < 2 * (sizeof extents / sizeof extents[0]); e++) {
        const int height = extents[e / 2][0], width = extents[e / 2][1];
        kad_pixel_options o = pixel_case_small();
        o.radius = 3;
        if (e % 2) o.origin[0] = 5 % height, o.origin[1] = 3 % width;
        pixel_case s;
        pixel_case_open(&s, &o, 3, height, width, 0);
        assert_true(s.map->group[0].n_sites > 1 ||
                    s.map->group[0].site[0] == o.origin[0] * width + o.origin[1]);
        const int n = s.map->height * s.map->width;
        int *turn = kad_alloc((size_t)n, sizeof *turn), now = 0;
        for (int g = 0; g < s.map->n_groups; g++) {
            const kad_pixel_group *group = &s.map->group[g];
            const int begun = now;
            assert_true(group->causal == (g == 0 || group->n_sites <= o.causal));
            for (int i = 0; i < group->n_sites; i++) {
                for (int k = 0; k < group->n_known; k++) {
                    const int there = group->known[i * group->n_known + k];
                    if (there < 0) continue;
                    assert_true(turn[there] > 0);
                    if (!group->causal) assert_true(turn[there] <= begun);
                }
                assert_int_equal(turn[group->site[i]], 0);
                turn[group->site[i]] = ++now;
            }
        }
        assert_int_equal(now, n);
        kad_free(turn);
        pixel_case_close(&s);
    }
}

/* At r = 2 a site of g1 sees 4 sites; one of g2 sees
 * 6 of the coarse lattice and 6 of g1; one of g3 6, 6 and 4 of g2. */
static void windows_have_their_sites(void **state)
{
    (void)state;
    pixel_case s;
    kad_pixel_options o = pixel_case_small();
    o.radius = 2;
    o.position = o.tint = false;
    pixel_case_open(&s, &o, 1, 32, 32, 0);
    const int n[3] = {4, 12, 16};
    for (int p = 0; p < 3; p++) {
        const kad_pixel_group *g = &s.map->group[s.map->n_groups - 3 + p];
        assert_int_equal(g->n_known, n[p]);
        assert_int_equal(g->n_features, 2 * n[p] + 1);
    }
    pixel_case_close(&s);
}

/* At r = 2 and a reach of 6 a site of g1 of a group made site by site sees 4 sites of the coarse
 * lattice around it, and of those before it 3 rows of 6, of which 2 are among the 4; larger groups
 * see no more than without. */
static void reach_looks_back_on_coarse_lattices(void **state)
{
    (void)state;
    pixel_case near, far;
    kad_pixel_options o = pixel_case_small();
    o.causal = 64;
    o.radius = 2;
    o.window = 8;
    o.reach = 2;
    pixel_case_open(&near, &o, 1, 32, 32, 0);
    o.reach = 6;
    pixel_case_open(&far, &o, 1, 32, 32, 0);
    for (int g = 0; g < far.map->n_groups; g++) {
        const kad_pixel_group *a = &near.map->group[g], *b = &far.map->group[g];
        if (!b->causal) assert_int_equal(a->n_known, b->n_known);
        if (b->level == 1 && b->part == 1) assert_int_equal(b->n_known - a->n_known, 16);
        /* a site in the middle: what is added lies before it */
        const int i = b->n_sites / 2, site = b->site[i];
        int before = 0, after = 0;
        for (int k = 0; k < b->n_known; k++)
            before +=
                b->known[i * b->n_known + k] >= 0 && b->known[i * b->n_known + k] < site;
        for (int k = 0; k < a->n_known; k++)
            before -=
                a->known[i * a->n_known + k] >= 0 && a->known[i * a->n_known + k] < site;
        for (int k = 0; k < b->n_known; k++)
            after += b->known[i * b->n_known + k] > site;
        for (int k = 0; k < a->n_known; k++)
            after -= a->known[i * a->n_known + k] > site;
        assert_int_equal(after, 0);
        if (b->level == 1 && b->part == 1) assert_true(before >= 8);
    }
    pixel_case_close(&near);
    pixel_case_close(&far);
}

/* Context of the i-th site of a group in an image of one channel; to [n_features]. */
static void context(const pixel_case *s, const kad_pixel_group *g, int i,
                    const uint8_t *x, double *to)
{
    char *memory = kad_alloc(kad_pixel_tile_bytes_f64(s->map, 1, true), 1), *at = memory;
    kad_pixel_tile_f64 tile;
    kad_pixel_tile_cut_f64(s->map, 1, true, &at, &tile);
    kad_pixel_gather_f64(s->map, g, 1, &x, &i, &tile);
    memcpy(to, tile.xt, (size_t)g->n_features * sizeof *to);
    kad_free(memory);
}

/* In groups of at most 4 sites the context tells of every site before, and of none after it,
 * whether it is lit and how bright; in larger groups no more than the window's. */
static void the_overview_is_all_that_is_known(void **state)
{
    (void)state;
    pixel_case s;
    kad_pixel_options o = pixel_case_small();
    o.position = o.tint = false;
    pixel_case_open(&s, &o, 1, 8, 8, 0);
    uint8_t *x = pixel_case_images(&s, 1, 4);
    int turn = 0;
    for (int k = 0; k < s.map->n_groups; k++) {
        const kad_pixel_group *g = &s.map->group[k];
        double *is = kad_alloc((size_t)g->n_features, sizeof *is);
        assert_int_equal(g->n_before, turn);
        assert_int_equal(g->n_overview, g->n_sites > 4 ? 0 : turn + g->n_sites - 1);
        for (int i = 0; i < g->n_sites; i++, turn++) {
            assert_int_equal(s.map->order[turn], g->site[i]);
            context(&s, g, i, x, is);
            const double *told = is + 2 * g->n_known + 1;
            for (int j = 0; j < g->n_overview; j++) {
                const int v = x[s.map->order[j]];
                assert_true(told[2 * j] == (j >= turn ? 0 : v > 0 ? 1 : -1));
                assert_close(told[2 * j + 1], j < turn ? v / 255.0 - 0.5 : 0, 1e-12);
            }
        }
        kad_free(is);
    }
    kad_free(x);
    pixel_case_close(&s);
}

/* Around a site everything is of one colour times a shade of its own: the colour is found whatever
 * the shades are, the same shades beside another colour have the same light, and t_c of the colour
 * times a new shade is that. */
static void the_tint_is_the_colour_around(void **state)
{
    (void)state;
    enum { H = 8, PLANE = H * H };
    static const double colour[2][3] = {{50, 100, 25}, {20, 60, 120}};
    pixel_case s;
    const kad_pixel_options o = pixel_case_small();
    pixel_case_open(&s, &o, 3, H, H, 0);
    const kad_pixel_group *g = &s.map->group[s.map->n_groups - 1];
    const int i = g->n_sites / 2, F = g->n_features, S = kad_pixel_seen_rows(s.map);
    char *memory = kad_alloc(kad_pixel_tile_bytes_f64(s.map, 1, true), 1), *at = memory;
    double *packed = kad_alloc(kad_pixel_packed_f64(s.map, g, true), sizeof *packed);
    double *beside = kad_alloc((size_t)g->n_known, sizeof *beside);
    kad_pixel_tile_f64 tile;
    kad_pixel_tile_cut_f64(s.map, 1, true, &at, &tile);
    kad_pixel_pack_f64(s.map, g, true, s.theta + g->theta, packed);
    for (int k = 0; k < 2; k++) {
        uint8_t x[3 * PLANE];
        const uint8_t *image = x;
        for (int j = 0; j < 3 * PLANE; j++) /* shades 0, 1, 2 */
            x[j] = (uint8_t)(colour[k][j / PLANE] * (j % PLANE * 7 % 3));
        kad_pixel_gather_f64(s.map, g, 1, &image, &i, &tile);
        const double *q = tile.xt + F - 3;
        for (int c = 0; c < 3; c++) {
            assert_close(q[c] / q[0], colour[k][c] / colour[k][0], 1e-9);
            assert_true(q[c] > colour[k][c] / 127.5 && q[c] < 2 * colour[k][c] / 127.5);
        }
        for (int j = 0; j < g->n_known; j++) {
            const double is = tile.xt[5 * j + 4];
            if (k == 0) beside[j] = is; /* 0.01 beside q in the denominator */
            assert_close(is, beside[j], 0.01);
        }
        kad_pixel_trunk_f64(s.map, g, true, packed, &tile);
        for (int c = 0; c < 2; c++) {
            tile.level[c * KAD_W_DOUBLE] = 1.5 * colour[k][c];
            kad_pixel_see_f64(s.map, g, c, &tile);
        }
        const double *seen = tile.s[o.blocks] + (size_t)o.hidden * KAD_W_DOUBLE;
        for (int c = 1; c < 3; c++) /* 1e-3 beside q, which is 0.2 at least */
            assert_close(seen[(3 * c - 1) * KAD_W_DOUBLE], 1.5 * colour[k][c] / 127.5,
                         0.02);
        assert_int_equal(S, o.hidden + 6);
    }
    kad_free(memory), kad_free(packed), kad_free(beside);
    pixel_case_close(&s);
}

static void coarse_pictures_are_sublattices(void **state)
{
    (void)state;
    pixel_case s;
    const kad_pixel_options o = pixel_case_small();
    pixel_case_open(&s, &o, 2, 8, 4, 0);
    uint8_t *x = pixel_case_images(&s, 1, 2), coarse[4];
    kad_pixel_coarse(s.map, 2, x, coarse);
    const uint8_t expected[4] = {x[0], x[16], x[32], x[48]};
    assert_memory_equal(coarse, expected, 4);
    kad_free(x);
    pixel_case_close(&s);
}

static void coarse_pictures_hold_the_origin(void **state)
{
    (void)state;
    pixel_case s;
    kad_pixel_options o = pixel_case_small();
    o.origin[0] = 7;
    o.origin[1] = 1;
    pixel_case_open(&s, &o, 2, 8, 4, 0);
    uint8_t *x = pixel_case_images(&s, 1, 2), coarse[4];
    kad_pixel_coarse(s.map, 2, x, coarse); /* rows 3 and 7, column 1 */
    const uint8_t expected[4] = {x[13], x[29], x[45], x[61]};
    assert_memory_equal(coarse, expected, 4);
    kad_free(x);
    pixel_case_close(&s);
}

/* What all images share, however bright, does not count, nor what each site has of its own;
 * a brightness of the whole image that shows around (5, 2) and the lattices it is on does. */
static void origin_is_where_lattices_have_most_in_common(void **state)
{
    (void)state;
    enum { N_IMAGES = 400, H = 16, W = 8 };
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    static uint8_t x[N_IMAGES][2][H][W];
    for (int i = 0; i < N_IMAGES; i++) {
        const double shared = pixel_uniform((uint64_t)i, 90);
        for (int y = 0; y < H; y++)
            for (int c = 0; c < W; c++) {
                const bool at = (y - 5) % 4 == 0 && (c - 2) % 4 == 0;
                const uint64_t own = (uint64_t)((i * H + y) * W + c);
                x[i][0][y][c] = y % 2 ? 255 : (uint8_t)(250 * pixel_uniform(own, 91));
                x[i][1][y][c] = at ? (uint8_t)(60 * shared) : 0;
            }
    }
    const kad_images images = {.n = N_IMAGES,
                               .n_channels = 2,
                               .height = H,
                               .width = W,
                               .pixels = &x[0][0][0][0]};
    int origin[2];
    assert_int_equal(kad_pixel_origin(&ctx, &images, origin), KAD_OK);
    assert_int_equal(origin[0] % 4, 1);
    assert_int_equal(origin[1] % 4, 2);
    memset(x, 7, sizeof x);
    assert_int_equal(kad_pixel_origin(&ctx, &images, origin), KAD_OK);
    assert_int_equal(origin[0], 0);
    assert_int_equal(origin[1], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("pixel: every site is generated once, from what is known",
              every_site_once_and_in_order),
        CLAIM("pixel: windows have the sites of the level's lattices",
              windows_have_their_sites),
        CLAIM("pixel: reach is how far a site looks back on coarse lattices",
              reach_looks_back_on_coarse_lattices),
        CLAIM("pixel: the overview is all that is known, and nothing else",
              the_overview_is_all_that_is_known),
        CLAIM("pixel: the tint is the colour around a site, scaled to what is seen",
              the_tint_is_the_colour_around),
        CLAIM("pixel: coarse pictures are sublattices", coarse_pictures_are_sublattices),
        CLAIM("pixel: coarse pictures hold the origin", coarse_pictures_hold_the_origin),
        CLAIM("pixel: the origin is where coarse lattices have most in common",
              origin_is_where_lattices_have_most_in_common),
    };
    return cmocka_run_group_tests_name("order of sites", tests, NULL, NULL);
}
