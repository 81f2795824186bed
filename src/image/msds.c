/* The multi-scale data sets MSDS1 and MSDS2 of H.-Y. Hu, D. Wu, Y.-Z. You, B. Olshausen,
 * Y. Chen, RG-Flow, arXiv:2010.00029: 4 x 4 ovals on black, each within its 8 x 8 pixels
 * but for a shift U{-1, 0, 1} along either axis; later ones lie over earlier ones.
 *   MSDS1  colours of an image nearly one: U{32..223} + U{-32..32} a channel and oval;
 *          angles U[0, 180) apart
 *   MSDS2  angles of an image nearly one: U[0, 180) + U[0, 45) an oval; colours U{0..255}
 * The angle is kept in full, where the published labels hold its whole degrees. */
#include "image/generator.h"

#include "base/rng.h"
#include "image/oval.h"

#include <math.h>
#include <string.h>

enum { SIDE = 32, TILES = 4, N_OVALS = TILES * TILES, N_NUMBERS = 6 };
enum {
    BASE_WORDS = 0,
    BASE_ANGLE = 1,
    OVAL_WORDS = 2,
    OVAL_ANGLE = OVAL_WORDS + N_OVALS
};

#define OVAL(o) #o ".x", #o ".y", #o ".angle", #o ".red", #o ".green", #o ".blue"
/* Oval 4 i + j: column i, row j of tiles. */
static const char *const label_name[N_OVALS * N_NUMBERS] = {
    OVAL(0), OVAL(1), OVAL(2),  OVAL(3),  OVAL(4),  OVAL(5),  OVAL(6),  OVAL(7),
    OVAL(8), OVAL(9), OVAL(10), OVAL(11), OVAL(12), OVAL(13), OVAL(14), OVAL(15)};

/* Uniform of lo .. lo + n - 1. */
static int whole(uint32_t word, int lo, int n)
{
    return lo + kad_rng_below(word, n);
}

static void make(kad_rng rng, bool one_colour, bool held_out, uint64_t number,
                 uint8_t *pixels, double *labels)
{
    uint32_t base[4], word[4];
    uint8_t tile[KAD_OVAL_SIDE * KAD_OVAL_SIDE][4], rgb[3];
    kad_rng_u32x4(rng, held_out, number, BASE_WORDS, base);
    const double base_angle = 180 * kad_rng_uniform(rng, held_out, number, BASE_ANGLE);
    memset(pixels, 0, (size_t)3 * SIDE * SIDE);
    for (unsigned oval = 0; oval < N_OVALS; oval++, labels += N_NUMBERS) {
        kad_rng_u32x4(rng, held_out, number, OVAL_WORDS + oval, word);
        for (int k = 0; k < 3; k++)
            rgb[k] =
                (uint8_t)(one_colour ? whole(base[k], 32, 192) + whole(word[k], -32, 65)
                                     : whole(word[k], 0, 256));
        const double u = kad_rng_uniform(rng, held_out, number, OVAL_ANGLE + oval);
        const double angle = one_colour ? 180 * u : base_angle + 45 * u;
        const int shift = whole(word[3], 0, 9);
        const int x = KAD_OVAL_SIDE * (int)(oval / TILES) + shift / 3 - 1;
        const int y = KAD_OVAL_SIDE * (int)(oval % TILES) + shift % 3 - 1;
        kad_oval_tile(angle, rgb, tile);
        kad_oval_paste(tile, x, y, SIDE, pixels);
        const double own[N_NUMBERS] = {x, y, angle, rgb[0], rgb[1], rgb[2]};
        memcpy(labels, own, sizeof own);
    }
}

static void make1(uint64_t seed, bool held_out, uint64_t number, uint8_t *pixels,
                  double *labels)
{
    make(kad_rng_stream(seed, KAD_RNG_IMAGE, 1), true, held_out, number, pixels, labels);
}

static void make2(uint64_t seed, bool held_out, uint64_t number, uint8_t *pixels,
                  double *labels)
{
    make(kad_rng_stream(seed, KAD_RNG_IMAGE, 2), false, held_out, number, pixels, labels);
}

#define MSDS(number, text)                               \
    const kad_image_generator kad_image_msds##number = { \
        .name = "msds" #number,                          \
        .summary = (text),                               \
        .reference = "arXiv:2010.00029",                 \
        .n_train = 90000,                                \
        .n_held_out = 10000,                             \
        .n_channels = 3,                                 \
        .height = SIDE,                                  \
        .width = SIDE,                                   \
        .n_labels = N_OVALS * N_NUMBERS,                 \
        .label_name = label_name,                        \
        .make = make##number,                            \
    }
MSDS(1, "16 ovals of nearly one colour, turned at random");
MSDS(2, "16 ovals of random colours, turned nearly alike");
