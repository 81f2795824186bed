/* Cones, and what is done within them. */
#include "base/memory.h"
#include "pixel/cone.h"
#include "pixel/inpaint.h"
#include "pixel/map.h"
#include "tests/pixel/pixel_case.h"

#include <math.h>
#include <string.h>

static kad_pixel_options small(int causal)
{
    kad_pixel_options o = kad_pixel_defaults();
    o.hidden = 12;
    o.components = 3;
    o.causal = causal;
    return o;
}

typedef struct cone_case {
    pixel_case s;
    kad_pixel_plan *plan;
    kad_pixel_cones *cones;
    int n_sites;
    bool *set, *cone;
} cone_case;

static void open_with(cone_case *c, kad_pixel_options o, int channels, int side,
                      double rough)
{
    o.origin[0] = side / 2 - 1;
    o.origin[1] = 1 % side;
    pixel_case_open(&c->s, &o, channels, side, side, rough);
    c->n_sites = side * side;
    c->set = kad_alloc((size_t)c->n_sites, sizeof(bool));
    c->cone = kad_alloc((size_t)c->n_sites, sizeof(bool));
    assert_ok(&c->s, kad_pixel_plan_create(&c->s.ctx, c->s.map, c->s.theta,
                                           KAD_PIXEL_NORMAL, &c->plan));
    assert_ok(&c->s, kad_pixel_cones_create(&c->s.ctx, c->s.map, &c->cones));
}

static void open_case(cone_case *c, int causal, int channels, int side, double rough)
{
    open_with(c, small(causal), channels, side, rough);
}

static void close_case(cone_case *c)
{
    kad_pixel_cones_destroy(c->cones);
    kad_pixel_plan_destroy(c->plan);
    kad_free(c->set);
    kad_free(c->cone);
    pixel_case_close(&c->s);
}

/* One level is changed: latents change at sites of the inference cone, at each of them
 * (weights are random), and at no other. */
static void latents_change_in_the_inference_cone(void **state)
{
    (void)state;
    for (int causal = 1; causal <= 16; causal += 15) {
        cone_case c;
        open_case(&c, causal, 1, 16, 0.3);
        const size_t n = (size_t)c.n_sites;
        uint8_t *x = pixel_case_images(&c.s, 1, 2);
        double *z = kad_alloc(n, sizeof *z), *other = kad_alloc(n, sizeof *other);
        assert_ok(&c.s, kad_pixel_encode(&c.s.ctx, c.plan, 1, x, NULL, z, NULL));
        size_t all = 0, changed = 0;
        for (int site = 0; site < c.n_sites; site += 5) {
            memset(c.set, 0, n * sizeof *c.set);
            c.set[site] = true;
            all += kad_pixel_inference_cone(c.cones, c.set, c.cone);
            x[site] ^= 0x55;
            assert_ok(&c.s, kad_pixel_encode(&c.s.ctx, c.plan, 1, x, NULL, other, NULL));
            x[site] ^= 0x55;
            for (size_t i = 0; i < n; i++) {
                if (!c.cone[i]) assert_true(z[i] == other[i]);
                changed += z[i] != other[i];
            }
        }
        assert_true((double)changed > 0.97 * (double)all);
        kad_free(x), kad_free(z), kad_free(other);
        close_case(&c);
    }
}

/* One latent is changed: levels change in the generation cone alone, which leaves some of
 * the picture out for the finer levels; and generating the cone alone is generating. */
static void levels_change_in_the_generation_cone(void **state)
{
    (void)state;
    cone_case c;
    open_case(&c, 4, 3, 16, 0.3);
    const size_t n = kad_pixel_size(c.s.map), plane = (size_t)c.n_sites;
    uint8_t *x = kad_alloc(n, 1), *other = kad_alloc(n, 1), *part = kad_alloc(n, 1);
    double *z = kad_alloc(n, sizeof *z);
    size_t smaller = 0, outside = 0, inside = 0;
    assert_ok(&c.s, kad_pixel_sample(&c.s.ctx, c.plan, 5, 0, 1, NULL, z, x));
    for (int site = 0; site < c.n_sites; site += 3) {
        memset(c.set, 0, plane * sizeof *c.set);
        c.set[site] = true;
        const size_t many = kad_pixel_generation_cone(c.cones, c.set, c.cone);
        const double was = z[plane + (size_t)site];
        z[plane + (size_t)site] = was > 0 ? was - 1.5 : was + 1.5;
        assert_ok(&c.s, kad_pixel_decode(&c.s.ctx, c.plan, 1, z, other, NULL));
        memcpy(part, x, n);
        const bool *only = c.cone;
        assert_ok(&c.s, kad_pixel_decode_only(&c.s.ctx, c.plan, 1, z, &only, part));
        z[plane + (size_t)site] = was;
        assert_memory_equal(part, other, n);
        for (size_t i = 0; i < n; i++) {
            if (!c.cone[i % plane]) assert_int_equal(x[i], other[i]);
            inside += x[i] != other[i];
            outside += !c.cone[i % plane];
        }
        smaller += many < plane;
    }
    assert_true(smaller > 20 && outside > 1000 && inside > 100);
    kad_free(x), kad_free(other), kad_free(part), kad_free(z);
    close_case(&c);
}

/* Latents that a hole of 8 x 8 in the middle touches. */
static size_t touched(kad_pixel_options o, int side)
{
    cone_case c;
    open_with(&c, o, 1, side, 0);
    for (int y = 0; y < 8; y++)
        for (int x = 0; x < 8; x++)
            c.set[(side / 2 - 4 + y) * side + side / 2 - 4 + x] = true;
    const size_t many = kad_pixel_inference_cone(c.cones, c.set, c.cone);
    close_case(&c);
    return many;
}

/* A hole of 8 x 8: as many latents in a picture of twice the side, and some 12 to 60 more (3
 * groups of the new level, of windows of 5 x 5 about 2 x 2 sites at most). With an overview it
 * may touch all 256 sites of the groups of 64 on top. */
static void holes_touch_few_latents(void **state)
{
    (void)state;
    for (int causal = 1; causal <= 64; causal += 63) {
        size_t last = 0;
        for (int side = 16; side <= 128; side *= 2) {
            kad_pixel_options o = small(causal);
            o.radius = 2;
            o.window = 8;
            o.overview = false;
            const size_t many = touched(o, side);
            o.overview = true;
            const size_t more = touched(o, side);
            assert_true(many < 300 && more >= many && more < 300 + 256);
            assert_true(causal > 1 || more <= many + 4);
            if (last > 0) assert_true(many <= last + 60);
            last = many;
        }
        assert_true(last < 300);
    }
}

/* Frequencies of what is drawn for a hole of two neighbouring sites of a 4 x 4 picture,
 * which see one another and are seen by others, against P(x) over all 2^16 fillings, which
 * are cut into cells, in their order, of 20 expected draws or more. chi^2 of n cells stays
 * below n + 5 sqrt(2 n) but for 1e-6. Every image is a chain of 30 sweeps. */
static void draws_follow_what_is_known(void **state)
{
    (void)state;
    enum { DRAWS = 4096, ALL = 65536 };
    cone_case c;
    open_case(&c, 4, 1, 4, 0.4);
    uint8_t *one = pixel_case_images(&c.s, 1, 6), *x = kad_alloc(ALL, 16);
    double *bits = kad_alloc((size_t)ALL * (size_t)c.s.map->n_levels, sizeof *bits);
    double *p = kad_alloc(ALL, sizeof *p), *count = kad_alloc(ALL, sizeof *count);
    double sum = 0, accepted, chi2 = 0, cells = 0, expected = 0, seen = 0;
    const int site[2] = {5, 6};
    for (int i = 0; i < ALL; i++) {
        memcpy(x + 16 * i, one, 16);
        x[16 * i + site[0]] = (uint8_t)(i / 256);
        x[16 * i + site[1]] = (uint8_t)(i % 256);
    }
    assert_ok(&c.s, kad_pixel_bits(&c.s.ctx, c.plan, ALL, x, bits));
    for (int i = 0; i < ALL; i++) {
        double total = 0;
        for (int h = 0; h < c.s.map->n_levels; h++)
            total += bits[i * c.s.map->n_levels + h] - bits[h];
        p[i] = exp2(-total);
        sum += p[i];
    }
    c.set[site[0]] = c.set[site[1]] = true;
    const kad_image_inpainting what = {
        .hole = c.set, .sweeps = 300, .power = 1, .seed = 4};
    for (int i = 0; i < DRAWS; i++)
        memcpy(x + 16 * i, one, 16);
    assert_ok(&c.s, kad_pixel_inpaint(&c.s.ctx, c.plan, c.cones, &what, DRAWS, x, NULL,
                                      &accepted));
    assert_true(accepted > 0.1 && accepted < 0.99);
    for (int i = 0; i < DRAWS; i++) {
        count[256 * x[16 * i + site[0]] + x[16 * i + site[1]]]++;
        for (int k = 0; k < 16; k++)
            if (!c.set[k]) assert_int_equal(x[16 * i + k], one[k]);
    }
    for (int i = 0; i < ALL; i++) {
        expected += DRAWS * p[i] / sum;
        seen += count[i];
        if (expected < 20) continue;
        chi2 += (seen - expected) * (seen - expected) / expected;
        cells++;
        expected = seen = 0;
    }
    assert_true(cells > 20);
    assert_true(chi2 < cells + 5 * sqrt(2 * cells));
    kad_free(one), kad_free(x), kad_free(bits), kad_free(p), kad_free(count);
    close_case(&c);
}

static void inpaint(cone_case *c, const bool *hole, const bool *free, double power,
                    size_t n, const uint8_t *from, uint8_t *x)
{
    const kad_image_inpainting what = {
        .hole = hole, .free = free, .sweeps = 4, .power = power, .seed = 4};
    memcpy(x, from, n * kad_pixel_size(c->s.map));
    assert_ok(&c->s,
              kad_pixel_inpaint(&c->s.ctx, c->plan, c->cones, &what, n, x, NULL, NULL));
}

static double bits_of(cone_case *c, size_t n, const uint8_t *x)
{
    const size_t n_bits = n * (size_t)(c->s.map->n_levels * c->s.map->n_channels);
    double *bits = kad_alloc(n_bits, sizeof *bits), sum = 0;
    assert_ok(&c->s, kad_pixel_bits(&c->s.ctx, c->plan, n, x, bits));
    for (size_t i = 0; i < n_bits; i++)
        sum += bits[i];
    kad_free(bits);
    return sum;
}

/* Latents of the inference cone alone may change: the same bytes as if all might. Without
 * one of its sites some moves are not made; without all nothing is. Threads do not matter,
 * and a rising power ends at more probable pictures. */
static void the_cone_is_enough(void **state)
{
    (void)state;
    enum { IMAGES = 21 };
    cone_case c;
    open_case(&c, 16, 3, 16, 0.3);
    const size_t n = IMAGES * kad_pixel_size(c.s.map), plane = (size_t)c.n_sites;
    uint8_t *from = pixel_case_images(&c.s, IMAGES, 3), *x = kad_alloc(n, 1),
            *other = kad_alloc(n, 1);
    for (int y = 6; y < 10; y++)
        for (int k = 6; k < 10; k++)
            c.set[16 * y + k] = true;
    kad_pixel_inference_cone(c.cones, c.set, c.cone);
    inpaint(&c, c.set, NULL, 1, IMAGES, from, x);
    const double draws = bits_of(&c, IMAGES, x);
    for (int threads = 1; threads <= 4; threads++) {
        c.s.ctx.n_threads = threads;
        inpaint(&c, c.set, c.cone, 1, IMAGES, from, other);
        assert_memory_equal(x, other, n);
    }
    for (size_t i = 0; i < n; i++)
        if (!c.set[i % plane]) assert_int_equal(x[i], from[i]);
    inpaint(&c, c.set, NULL, 32, IMAGES, from, other);
    assert_true(bits_of(&c, IMAGES, other) < draws - IMAGES);
    size_t seen = 0;
    for (size_t i = 0; i < plane; i++)
        if (c.cone[i] && !c.set[i] && seen++ % 2) c.cone[i] = false;
    inpaint(&c, c.set, c.cone, 1, IMAGES, from, other);
    assert_true(memcmp(x, other, n) != 0);
    memset(c.cone, 0, plane * sizeof *c.cone);
    inpaint(&c, c.set, c.cone, 1, IMAGES, from, other);
    assert_memory_equal(other, from, n);
    kad_free(from), kad_free(x), kad_free(other);
    close_case(&c);
}

/* Half of a cone's latents stay where they are: encoded again, with the places that those
 * have now, they are what they were. */
static void latents_that_are_kept_stay(void **state)
{
    (void)state;
    enum { IMAGES = 8 };
    cone_case c;
    open_case(&c, 16, 1, 16, 0.05);
    const size_t n = IMAGES * kad_pixel_size(c.s.map), plane = (size_t)c.n_sites;
    uint8_t *from = pixel_case_images(&c.s, IMAGES, 3), *x = kad_alloc(n, 1),
            *again = kad_alloc(n, 1);
    double *z = kad_alloc(n, sizeof *z), *w = kad_alloc(n, sizeof *w);
    for (int i = 0; i < 4; i++)
        c.set[16 * (5 + 2 * i) + 7] = true;
    kad_pixel_inference_cone(c.cones, c.set, c.cone);
    size_t seen = 0, moved = 0;
    for (size_t i = 0; i < plane; i++)
        if (c.cone[i] && !c.set[i] && seen++ % 2) c.cone[i] = false;
    assert_ok(&c.s, kad_pixel_encode(&c.s.ctx, c.plan, IMAGES, from, NULL, z, NULL));
    inpaint(&c, c.set, c.cone, 1, IMAGES, from, x);
    /* free latents as they have become, the others as they were, give the same picture */
    assert_ok(&c.s, kad_pixel_encode(&c.s.ctx, c.plan, IMAGES, x, NULL, w, NULL));
    for (size_t i = 0; i < n; i++)
        if (!c.cone[i % plane]) w[i] = z[i];
    assert_ok(&c.s, kad_pixel_decode(&c.s.ctx, c.plan, IMAGES, w, again, NULL));
    assert_memory_equal(again, x, n);
    for (size_t i = 0; i < n; i++)
        moved += x[i] != from[i];
    assert_true(moved > 0);
    kad_free(from), kad_free(x), kad_free(again), kad_free(z), kad_free(w);
    close_case(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("cones: latents change in the inference cone of a level, and all of them",
              latents_change_in_the_inference_cone),
        CLAIM("cones: levels change in the generation cone of a latent, which alone is "
              "enough",
              levels_change_in_the_generation_cone),
        CLAIM("cones: a hole touches few latents, whatever the picture's side",
              holes_touch_few_latents),
        CLAIM_OF_NUMBERS("inpaint: draws follow P of the hole given the rest (chi^2)",
                         draws_follow_what_is_known),
        CLAIM("inpaint: the cone's latents are enough, to the bit, on any threads",
              the_cone_is_enough),
        CLAIM("inpaint: latents that are to stay do", latents_that_are_kept_stay),
    };
    return cmocka_run_group_tests_name("cones", tests, NULL, NULL);
}
