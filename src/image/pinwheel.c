/* Pinwheel: points of the plane on five bent arms, as images of one row of two pixels, x
 * and y. The toy of M. J. Johnson et al., arXiv:1603.06277, by which RG-Flow shows what a
 * sparse prior does to latents. A point of arm k of n: (r, t) = (1 + 0.3 u, 0.1 v) with
 * standard normals u, v, turned by 2 pi k/n + e^r/4; levels are 128 + 32 x, cut at 0 and
 * 255. */
#include "image/generator.h"

#include "base/rng.h"

#include <math.h>

enum { ARMS = 5 };
static const char *const label_name[] = {"arm", "x", "y"};

static uint8_t level(double x)
{
    const double v = floor(128.5 + 32 * x);
    return v < 0 ? 0 : v > 255 ? 255 : (uint8_t)v;
}

static void make(uint64_t seed, bool held_out, uint64_t number, uint8_t *pixels,
                 double *labels)
{
    const kad_rng rng = kad_rng_stream(seed, KAD_RNG_IMAGE, 3);
    uint32_t word[4];
    double normal[2];
    kad_rng_u32x4(rng, held_out, number, 0, word);
    kad_rng_normal2(rng, held_out, number, 1, normal);
    const int arm = kad_rng_below(word[0], ARMS);
    const double r = 1 + 0.3 * normal[0], t = 0.1 * normal[1];
    const double turn = 2 * 3.14159265358979323846 * arm / ARMS + 0.25 * exp(r);
    labels[0] = arm;
    labels[1] = 2 * (r * cos(turn) - t * sin(turn));
    labels[2] = 2 * (r * sin(turn) + t * cos(turn));
    pixels[0] = level(labels[1]);
    pixels[1] = level(labels[2]);
}

const kad_image_generator kad_image_pinwheel = {
    .name = "pinwheel",
    .summary = "points of the plane on five bent arms, as images of two pixels",
    .reference = "arXiv:1603.06277",
    .n_train = 45000,
    .n_held_out = 5000,
    .n_channels = 1,
    .height = 1,
    .width = 2,
    .n_labels = 3,
    .label_name = label_name,
    .make = make,
};
