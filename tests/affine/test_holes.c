/* Holes in images, filled in under maps of couplings. */
#include "affine/flow.h"
#include "affine/inpaint.h"
#include "affine/values.h"
#include "base/memory.h"
#include "tests/support/claim.h"

typedef struct hole_case {
    kad_ctx ctx;
    kad_affine_map *map;
    double *theta;
    size_t size, plane;
    bool *hole, *cone; /* of sites */
} hole_case;

static double uniform(uint64_t i, uint32_t what)
{
    return kad_rng_uniform(kad_rng_stream(7, KAD_RNG_TEST, what), 0, i, 0);
}

static void open_case(hole_case *c, int channels, int side, double rough)
{
    const kad_affine_options o = {
        .hidden = 6, .blocks = 2, .n_layers = 2, .layers = {2, 1}};
    *c = (hole_case){0};
    kad_ctx_init(&c->ctx, 1);
    assert_ok(c, kad_affine_mera(&c->ctx, &o, channels, side, side, &c->map));
    c->size = kad_affine_size(c->map);
    c->plane = c->size / (size_t)channels;
    c->theta = kad_alloc(c->map->n_theta, sizeof *c->theta);
    c->hole = kad_alloc(c->plane, sizeof *c->hole);
    c->cone = kad_alloc(c->plane, sizeof *c->cone);
    kad_affine_init(c->map, 3, c->theta);
    for (size_t i = 0; i < c->map->n_theta; i++)
        c->theta[i] += rough * (2 * uniform(i, 1) - 1);
}

static void close_case(hole_case *c)
{
    kad_free(c->theta), kad_free(c->hole), kad_free(c->cone);
    kad_affine_map_destroy(c->map);
}

static uint8_t *images(const hole_case *c, size_t n, bool alike)
{
    uint8_t *x = kad_alloc(n, c->size);
    for (size_t i = 0; i < n * c->size; i++)
        x[i] = (uint8_t)(40 + 160 * uniform(alike ? i % c->size : i, 2));
    return x;
}

/* x, from `from`, with its hole filled in. */
static void inpaint(hole_case *c, const bool *free, int sweeps, double power, size_t n,
                    const uint8_t *from, uint8_t *x, double *accepted)
{
    const kad_image_inpainting what = {
        .hole = c->hole, .free = free, .sweeps = sweeps, .power = power, .seed = 4};
    memcpy(x, from, n * c->size);
    assert_ok(c, kad_affine_inpaint(&c->ctx, c->map, KAD_PIXEL_LAPLACE, c->theta, &what,
                                    n, x, NULL, accepted));
}

/* --- the distribution ---------------------------------------------------------------------- */

enum { GRID = 65, BINS = 16 };

/* What a hole of two values is told: ln of the density on a grid from end to end. */
typedef struct grid {
    kad_affine_batch_f64 *batch;
    double *x, *ln_det, *p; /* [GRID^2][size], [GRID^2][levels C], [GRID^2] */
} grid;

static void densities(const hole_case *c, const size_t hole[2], const float *given,
                      grid *g)
{
    const size_t n = (size_t)GRID * GRID,
                 dets = (size_t)(c->map->n_levels * c->map->n_channels);
    double most = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        double *x = g->x + i * c->size;
        for (size_t k = 0; k < c->size; k++)
            x[k] = (double)given[k];
        for (size_t k = 0; k < 2; k++)
            x[hole[k]] = kad_affine_end() *
                         (2.0 * (double)(k == 0 ? i / GRID : i % GRID) / (GRID - 1) - 1);
    }
    kad_affine_infer_f64(g->batch, n, g->x, g->ln_det);
    for (size_t i = 0; i < n; i++) {
        g->p[i] = 0;
        for (size_t k = 0; k < c->size; k++)
            g->p[i] -= sqrt(2) * fabs(g->x[i * c->size + k]);
        for (size_t k = 0; k < dets; k++)
            g->p[i] += g->ln_det[i * dets + k];
        most = fmax(most, g->p[i]);
    }
    for (size_t i = 0; i < n; i++) { /* half weight on the borders */
        const size_t a = i / GRID, b = i % GRID;
        g->p[i] = exp(g->p[i] - most) * (a % (GRID - 1) == 0 ? 0.5 : 1) *
                  (b % (GRID - 1) == 0 ? 0.5 : 1);
    }
}

/* P(value k of the hole < x): trapezia. */
static double below(const grid *g, int k, double x)
{
    double marginal[GRID] = {0}, sum = 0, all = 0;
    const double at = (x / kad_affine_end() + 1) / 2 * (GRID - 1);
    for (int i = 0; i < GRID * GRID; i++)
        marginal[k == 0 ? i / GRID : i % GRID] += g->p[i];
    marginal[0] *= 2; /* the weight of its own border */
    marginal[GRID - 1] *= 2;
    for (int i = 0; i + 1 < GRID; i++) {
        const double part = fmin(1, fmax(0, at - i)),
                     step = marginal[i + 1] - marginal[i];
        all += marginal[i] + step / 2;
        sum += part * (marginal[i] + part * step / 2);
    }
    return sum / all;
}

/* The lower end of a level. */
static double end_of(int level)
{
    const double p = 0.05 + 0.9 * level / 256;
    return log(p / (1 - p));
}

/* Of two neighbouring values: probabilities of what was drawn, at a random place of its level,
 * are uniform. chi^2 of 15 degrees of freedom stays below 15 + 5 sqrt(30) but for 1e-4.
 * Places of the other values are those that an image's number names. */
static void draws_follow_what_is_known(void **state)
{
    (void)state;
    enum { DRAWS = 640, SWEEPS = 32 };
    const size_t at[2] = {5, 6};
    hole_case c;
    open_case(&c, 1, 4, 0.35);
    grid g = {.x = kad_alloc((size_t)GRID * GRID, c.size * sizeof(double)),
              .ln_det = kad_alloc((size_t)GRID * GRID,
                                  (size_t)c.map->n_levels * sizeof(double)),
              .p = kad_alloc((size_t)GRID * GRID, sizeof(double))};
    uint8_t *from = images(&c, DRAWS, true), *x = images(&c, DRAWS, true);
    double accepted, count[2][BINS] = {{0}}, chi2[2] = {0};
    c.hole[at[0]] = c.hole[at[1]] = true;
    inpaint(&c, NULL, SWEEPS, 1, DRAWS, from, x, &accepted);
    assert_true(accepted > 0.4 && accepted < 0.99);
    assert_ok(&c, kad_affine_batch_create_f64(&c.ctx, c.map, (size_t)GRID * GRID, false,
                                              &g.batch));
    kad_affine_load_f64(g.batch, c.theta);
    for (size_t i = 0; i < DRAWS; i++) {
        float given[16];
        kad_affine_logit(c.map, kad_rng_stream(4, KAD_RNG_EVAL, 1), 0, i,
                         from + i * c.size, given, NULL);
        densities(&c, at, given, &g);
        for (int k = 0; k < 2; k++) {
            const int level = x[i * c.size + at[k]];
            const double low = below(&g, k, end_of(level)),
                         high = below(&g, k, end_of(level + 1));
            const double u = low + uniform(2 * i + (uint64_t)k, 3) * (high - low);
            count[k][(int)fmin(BINS - 1, BINS * u)]++;
        }
    }
    for (int k = 0; k < 2; k++)
        for (int b = 0; b < BINS; b++)
            chi2[k] += pow(count[k][b] - (double)DRAWS / BINS, 2) * BINS / DRAWS;
    printf("# accepted %.3f, chi^2 %.1f and %.1f of %d\n", accepted, chi2[0], chi2[1],
           BINS - 1);
    for (int k = 0; k < 2; k++)
        assert_true(chi2[k] < BINS - 1 + 5 * sqrt(2.0 * (BINS - 1)));
    kad_affine_batch_destroy_f64(g.batch);
    kad_free(g.x), kad_free(g.ln_det), kad_free(g.p), kad_free(from), kad_free(x);
    close_case(&c);
}

/* At next to no power all places between the ends are alike: trajectories turn back there. */
static void ends_turn_back(void **state)
{
    (void)state;
    enum { DRAWS = 640, SWEEPS = 32 };
    hole_case c;
    open_case(&c, 1, 4, 0.35);
    uint8_t *from = images(&c, DRAWS, true), *x = images(&c, DRAWS, true);
    double count[BINS] = {0}, chi2 = 0;
    c.hole[5] = true;
    inpaint(&c, NULL, SWEEPS, 1e-3, DRAWS, from, x, NULL);
    for (size_t i = 0; i < DRAWS; i++) {
        const int level = x[i * c.size + 5];
        const double at =
            end_of(level) + uniform(i, 3) * (end_of(level + 1) - end_of(level));
        count[(int)fmin(BINS - 1, fmax(0, BINS * (at / kad_affine_end() + 1) / 2))]++;
    }
    for (int b = 0; b < BINS; b++)
        chi2 += pow(count[b] - (double)DRAWS / BINS, 2) * BINS / DRAWS;
    printf("# chi^2 %.1f of %d\n", chi2, BINS - 1);
    assert_true(chi2 < BINS - 1 + 5 * sqrt(2.0 * (BINS - 1)));
    kad_free(from), kad_free(x);
    close_case(&c);
}

/* --- latents ------------------------------------------------------------------------------- */

static void spread(const hole_case *c)
{
    bool *mark = kad_alloc(c->size, sizeof *mark);
    for (size_t i = 0; i < c->size; i++)
        mark[i] = c->hole[i % c->plane];
    kad_affine_inference_cone(c->map, mark);
    for (size_t i = 0; i < c->size; i++)
        if (mark[i]) c->cone[i % c->plane] = true;
    kad_free(mark);
}

/* -ln of the density of x, but for a constant, at places of the test's own. */
static double energy(hole_case *c, size_t n, const uint8_t *x)
{
    KAD_LOCAL(kad_affine_batch_f32, batch);
    const size_t dets = n * (size_t)(c->map->n_levels * c->map->n_channels);
    float *z = kad_alloc(n * c->size, sizeof *z);
    double *ln_det = kad_alloc(dets, sizeof *ln_det), sum = 0;
    for (size_t i = 0; i < n; i++)
        kad_affine_logit(c->map, kad_rng_stream(4, KAD_RNG_EVAL, 1), 0, i,
                         x + i * c->size, z + i * c->size, NULL);
    assert_ok(c, kad_affine_batch_create_f32(&c->ctx, c->map, n, false, &batch));
    kad_affine_load_f32(batch, c->theta);
    kad_affine_infer_f32(batch, n, z, ln_det);
    for (size_t i = 0; i < n * c->size; i++)
        sum += sqrt(2) * (double)fabsf(z[i]);
    for (size_t i = 0; i < dets; i++)
        sum -= ln_det[i];
    kad_free(z), kad_free(ln_det);
    return sum;
}

static void the_cone_is_enough(void **state)
{
    (void)state;
    enum { IMAGES = 70 }; /* more than are done at once */
    hole_case c;
    open_case(&c, 1, 16, 0.3);
    uint8_t *from = images(&c, IMAGES, false), *x = kad_alloc(IMAGES, c.size),
            *other = kad_alloc(IMAGES, c.size);
    const size_t n = IMAGES * c.size;
    double accepted;
    for (int y = 6; y < 10; y++)
        for (int k = 4; k < 12; k++)
            c.hole[16 * y + k] = true;
    spread(&c);
    inpaint(&c, NULL, 4, 1, IMAGES, from, x, &accepted);
    assert_true(accepted > 0.3);
    const double draws = energy(&c, IMAGES, x);
    for (int threads = 1; threads <= 3; threads += 2) {
        c.ctx.n_threads = threads;
        inpaint(&c, c.cone, 4, 1, IMAGES, from, other, NULL);
        assert_memory_equal(x, other, n);
    }
    for (size_t i = 0; i < n; i++)
        if (!c.hole[i % c.plane]) assert_int_equal(x[i], from[i]);
    inpaint(&c, NULL, 12, 64, IMAGES, from, other, NULL);
    assert_true(energy(&c, IMAGES, other) < draws - IMAGES);
    /* without the latents of one site those move that do not touch them, and no others */
    size_t moved = 0, stayed = 0;
    c.cone[16 * 9 + 11] = false;
    inpaint(&c, c.cone, 4, 1, IMAGES, from, other, NULL);
    for (size_t i = 0; i < c.plane; i++) {
        if (!c.hole[i]) continue;
        bool moves = false;
        for (size_t k = i; k < n; k += c.plane)
            moves = moves || other[k] != from[k];
        moved += moves;
        stayed += !moves;
    }
    assert_true(moved > 0 && stayed >= 4);
    memset(c.cone, 0, c.plane * sizeof *c.cone);
    inpaint(&c, c.cone, 4, 1, IMAGES, from, other, &accepted);
    assert_memory_equal(other, from, n);
    assert_true(isnan(accepted));
    kad_free(from), kad_free(x), kad_free(other);
    close_case(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM_OF_NUMBERS("couplings: draws follow P of the hole given the rest (chi^2)",
                         draws_follow_what_is_known),
        CLAIM_OF_NUMBERS("couplings: trajectories turn back at the ends", ends_turn_back),
        CLAIM("couplings: the cone's latents are enough, to the bit, on any threads",
              the_cone_is_enough),
    };
    return cmocka_run_group_tests_name("holes under couplings", tests, NULL, NULL);
}
