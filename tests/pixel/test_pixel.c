/* The map of images: densities, nets, coding. */
#include "base/memory.h"
#include "pixel/density.h"
#include "pixel/map.h"
#include "pixel/order.h"
#include "pixel/origin.h"
#include "tests/pixel/pixel_case.h"

enum { K = 5, N = KAD_PIXEL_COLUMNS };

typedef struct density_case {
    double rows[3 * K * N], shift[N], memory[3 * K * N];
    kad_pixel_density d;
} density_case;

/* Scales over their whole range and beyond, means also outside of the levels. */
static density_case *random_density(uint32_t what)
{
    density_case *c = kad_alloc(1, sizeof *c);
    for (int i = 0; i < N; i++)
        for (int k = 0; k < K; k++) {
            const uint64_t at = (uint64_t)(i * K + k);
            c->rows[k * N + i] = 6 * pixel_uniform(3 * at, what) - 3;
            c->rows[(K + k) * N + i] = 4 * pixel_uniform(3 * at + 1, what) - 2;
            c->rows[(2 * K + k) * N + i] = 12 * pixel_uniform(3 * at + 2, what) - 9;
        }
    c->d = (kad_pixel_density){K, c->memory, c->memory + K * N, c->memory + 2 * K * N};
    kad_pixel_density_set(c->rows, c->shift, &c->d);
    return c;
}

static void masses_sum_to_one(void **state)
{
    (void)state;
    for (uint32_t what = 20; what < 40; what++) {
        density_case *c = random_density(what);
        double sum[N] = {0}, least = 1;
        for (int v = 0; v < KAD_PIXEL_LEVELS; v++) {
            _Alignas(KAD_ALIGN) double level[N], mass[N];
            for (int i = 0; i < N; i++)
                level[i] = v;
            kad_pixel_density_mass(&c->d, level, mass);
            for (int i = 0; i < N; i++) {
                sum[i] += mass[i];
                least = fmin(least, mass[i]);
            }
        }
        for (int i = 0; i < N; i++)
            assert_close(sum[i], 1, 1e-12);
        assert_true(least >= KAD_PIXEL_EPS / 256 * (1 - 1e-12));
        kad_free(c);
    }
}

/* Every level, at both ends of its places and between. */
static void levels_are_found_again(void **state)
{
    (void)state;
    for (uint32_t what = 40; what < 50; what++) {
        density_case *c = random_density(what);
        const double places[] = {0x1p-21, 0.25, 0.5, 1 - 0x1p-21};
        for (int v = 0; v < KAD_PIXEL_LEVELS; v++)
            for (int p = 0; p < 4; p++) {
                _Alignas(KAD_ALIGN) double level[N], u[N], t[N], rest[N], again[N],
                    part[N];
                for (int i = 0; i < N; i++) {
                    level[i] = v;
                    u[i] = places[p];
                }
                kad_pixel_density_infer(&c->d, level, u, t, rest);
                kad_pixel_density_generate(&c->d, t, rest, again, part);
                for (int i = 0; i < N; i++) {
                    assert_true(again[i] == v);
                    /* t has an error of some 1e-16, a level a mass of 6e-8 at least */
                    assert_close(part[i], u[i], 1e-7);
                    assert_close(t[i] + rest[i], 1, 1e-12);
                }
            }
        kad_free(c);
    }
}

/* A tile of 20 columns, in double: the loss against itself at theta +- h e_i. The error of
 * a central difference is h^2 f''' plus 1e-16 f/h: 1e-8 relative to the largest. */
static void gradients_of(bool tint)
{
    pixel_case s;
    kad_pixel_options o = pixel_case_small();
    o.tint = o.overview = tint;
    enum { COLUMNS = 20, PANELS = 1 };
    pixel_case_open(&s, &o, 3, 8, 8, 0.3);
    uint8_t *x = pixel_case_images(&s, COLUMNS, 2);
    char *memory = kad_alloc(kad_pixel_tile_bytes_f64(s.map, PANELS, true), 1),
         *at = memory;
    kad_pixel_tile_f64 tile;
    kad_pixel_tile_cut_f64(s.map, PANELS, true, &at, &tile);
    for (int g = 0; g < s.map->n_groups; g += 2) {
        const kad_pixel_group *group = &s.map->group[g];
        const size_t n = group->layout.n_theta;
        double *packed =
            kad_alloc(kad_pixel_packed_f64(s.map, group, true), sizeof(double));
        double *gradient = kad_alloc(n, sizeof(double)),
               *none = kad_alloc(n, sizeof(double));
        double *theta = s.theta + group->theta, loss[3];
        const uint8_t *image[COLUMNS];
        int site[COLUMNS];
        for (int i = 0; i < COLUMNS; i++) {
            image[i] = x + (size_t)i * kad_pixel_size(s.map);
            site[i] = i % group->n_sites;
        }
        kad_pixel_gather_f64(s.map, group, COLUMNS, image, site, &tile);
        for (int i = 0; i < COLUMNS; i++)
            for (int c = 0; c < 3; c++)
                tile.level[c * KAD_W_DOUBLE + i] =
                    image[i][c * 64 + group->site[site[i]]];
        kad_pixel_pack_f64(s.map, group, true, theta, packed);
        kad_pixel_gradient_f64(s.map, group, packed, COLUMNS, 0.5, &tile, loss, gradient);
        double largest = 0;
        for (size_t i = 0; i < n; i++)
            largest = fmax(largest, fabs(gradient[i]));
        for (size_t i = 0; i < n; i += 1 + n / 400) {
            const double was = theta[i], h = 1e-5;
            double up = 0, down = 0;
            for (int side = -1; side <= 1; side += 2) {
                theta[i] = was + side * h;
                kad_pixel_pack_f64(s.map, group, true, theta, packed);
                kad_pixel_gradient_f64(s.map, group, packed, COLUMNS, 0.5, &tile, loss,
                                       none);
                *(side < 0 ? &down : &up) = loss[0] + loss[1] + loss[2];
            }
            theta[i] = was;
            assert_close(gradient[i], 0.5 * (up - down) / (2 * h), 1e-7 * largest);
        }
        kad_free(packed), kad_free(gradient), kad_free(none);
    }
    kad_free(memory), kad_free(x);
    pixel_case_close(&s);
}

static void gradients_are_those_of_the_loss(void **state)
{
    (void)state;
    gradients_of(false);
    gradients_of(true);
}

static double total(size_t n, const double *x)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    return sum;
}

/* The same images by nets and densities in double (gradient_f64) and by the map. */
static void single_precision_is_enough(void **state)
{
    (void)state;
    pixel_case s;
    const kad_pixel_options o = kad_pixel_defaults();
    enum { IMAGES = 24 };
    pixel_case_open(&s, &o, 3, 8, 8, 0.02);
    const size_t size = kad_pixel_size(s.map),
                 n_bits = IMAGES * (size_t)s.map->n_levels * 3;
    uint8_t *x = pixel_case_images(&s, IMAGES, 2);
    double *bits = kad_alloc(n_bits, sizeof *bits), nats = 0;
    kad_pixel_plan *plan = NULL;
    assert_ok(&s, kad_pixel_plan_create(&s.ctx, s.map, s.theta, KAD_PIXEL_NORMAL, &plan));
    assert_ok(&s, kad_pixel_bits(&s.ctx, plan, IMAGES, x, bits));
    char *memory = kad_alloc(kad_pixel_tile_bytes_f64(s.map, 1, true), 1), *at = memory;
    kad_pixel_tile_f64 tile;
    kad_pixel_tile_cut_f64(s.map, 1, true, &at, &tile);
    for (int g = 0; g < s.map->n_groups; g++) {
        const kad_pixel_group *group = &s.map->group[g];
        double *packed =
            kad_alloc(kad_pixel_packed_f64(s.map, group, true), sizeof(double));
        double *gradient = kad_alloc(group->layout.n_theta, sizeof(double)), loss[3];
        kad_pixel_pack_f64(s.map, group, true, s.theta + group->theta, packed);
        for (int i = 0; i < group->n_sites; i++) {
            const uint8_t *image[IMAGES];
            int site[IMAGES];
            for (int b = 0; b < IMAGES; b++) {
                image[b] = x + (size_t)b * size;
                site[b] = i;
            }
            kad_pixel_gather_f64(s.map, group, IMAGES, image, site, &tile);
            for (int b = 0; b < IMAGES; b++)
                for (int c = 0; c < 3; c++)
                    tile.level[c * KAD_W_DOUBLE + b] = image[b][c * 64 + group->site[i]];
            kad_pixel_gradient_f64(s.map, group, packed, IMAGES, 1, &tile, loss,
                                   gradient);
            nats += loss[0] + loss[1] + loss[2];
        }
        kad_free(packed), kad_free(gradient);
    }
    const double n = (double)(IMAGES * size);
    assert_close(total(n_bits, bits) / n, nats / log(2) / n, 1e-4);
    kad_pixel_plan_destroy(plan);
    kad_free(memory), kad_free(bits), kad_free(x);
    pixel_case_close(&s);
}

static void coding(bool bfloat)
{
    enum { IMAGES = 1000 };
    pixel_case s;
    kad_pixel_options o = pixel_case_small();
    o.bfloat = bfloat;
    o.origin[0] = 3;
    o.origin[1] = 6;
    pixel_case_open(&s, &o, 3, 8, 8, 0.3);
    const size_t n = IMAGES * kad_pixel_size(s.map);
    uint8_t *x = pixel_case_images(&s, IMAGES, 2), *again = kad_alloc(n, 1);
    double *u = kad_alloc(n, sizeof *u), *z = kad_alloc(n, sizeof *z),
           *v = kad_alloc(n, sizeof *v), *w = kad_alloc(n, sizeof *w);
    for (int prior = KAD_PIXEL_NORMAL; prior <= KAD_PIXEL_LAPLACE; prior++) {
        kad_pixel_plan *plan = NULL;
        assert_ok(&s, kad_pixel_plan_create(&s.ctx, s.map, s.theta,
                                            (kad_pixel_prior)prior, &plan));
        kad_pixel_places(s.map, 5, 0, IMAGES, u);
        for (int middle = 0; middle < 2; middle++) {
            assert_ok(&s, kad_pixel_encode(&s.ctx, plan, IMAGES, x, middle ? NULL : u, z,
                                           NULL));
            assert_ok(&s, kad_pixel_decode(&s.ctx, plan, IMAGES, z, again, v));
            assert_memory_equal(x, again, n);
            for (size_t i = 0; i < n; i++)
                assert_close(v[i], middle ? 0.5 : u[i], 1e-6);
        }
        assert_ok(&s, kad_pixel_sample(&s.ctx, plan, 9, 0, IMAGES, NULL, z, x));
        assert_ok(&s, kad_pixel_decode(&s.ctx, plan, IMAGES, z, again, v));
        assert_memory_equal(x, again, n);
        assert_ok(&s, kad_pixel_encode(&s.ctx, plan, IMAGES, x, v, w, NULL));
        assert_ok(&s, kad_pixel_decode(&s.ctx, plan, IMAGES, w, again, NULL));
        assert_memory_equal(x, again, n);
        for (size_t i = 0; i < n; i++)
            assert_close(w[i], z[i], 1e-7);
        kad_pixel_plan_destroy(plan);
    }
    kad_free(x), kad_free(again), kad_free(u), kad_free(z), kad_free(v), kad_free(w);
    pixel_case_close(&s);
}

static void coding_is_exact(void **state)
{
    (void)state;
    coding(false);
}

static void coding_in_bfloat_is_exact(void **state)
{
    (void)state;
    coding(true);
}

/* Alone, in another order and on 1 to 16 threads. */
static void company(bool bfloat)
{
    enum { IMAGES = 150 };
    pixel_case s;
    kad_pixel_options o = pixel_case_small();
    o.bfloat = bfloat;
    pixel_case_open(&s, &o, 3, 8, 8, 0.3);
    const size_t size = kad_pixel_size(s.map), n = IMAGES * size,
                 n_bits = (size_t)s.map->n_levels * 3;
    uint8_t *x = pixel_case_images(&s, IMAGES, 2), *y = kad_alloc(n, 1);
    double *z = kad_alloc(n, sizeof *z), *bits = kad_alloc(IMAGES * n_bits, sizeof *bits);
    double *w = kad_alloc(n, sizeof *w),
           *other = kad_alloc(IMAGES * n_bits, sizeof *bits);
    kad_pixel_plan *plan = NULL;
    assert_ok(&s, kad_pixel_plan_create(&s.ctx, s.map, s.theta, KAD_PIXEL_NORMAL, &plan));
    assert_ok(&s, kad_pixel_encode(&s.ctx, plan, IMAGES, x, NULL, z, bits));
    for (int threads = 1; threads <= 16;
         threads = threads < 3 ? threads + 1 : 2 * threads) {
        kad_ctx_init(&s.ctx, threads);
        for (size_t i = 0; i < IMAGES; i++)
            memcpy(y + i * size, x + (i * 7 + 3) % IMAGES * size, size);
        assert_ok(&s, kad_pixel_encode(&s.ctx, plan, IMAGES, y, NULL, w, other));
        for (size_t i = 0; i < IMAGES; i++) {
            const size_t from = (i * 7 + 3) % IMAGES;
            assert_memory_equal(w + i * size, z + from * size, size * sizeof *z);
            assert_memory_equal(other + i * n_bits, bits + from * n_bits,
                                n_bits * sizeof *bits);
        }
        assert_ok(&s, kad_pixel_decode(&s.ctx, plan, IMAGES, w, y, NULL));
        assert_memory_equal(y, x + 3 * size, size);
    }
    assert_ok(&s, kad_pixel_sample(&s.ctx, plan, 9, 0, IMAGES, NULL, z, x));
    assert_ok(&s, kad_pixel_sample(&s.ctx, plan, 9, 77, 1, NULL, w, y));
    assert_memory_equal(x + 77 * size, y, size);
    kad_pixel_plan_destroy(plan);
    kad_free(x), kad_free(y), kad_free(z), kad_free(w), kad_free(bits), kad_free(other);
    pixel_case_close(&s);
}

static void company_does_not_matter(void **state)
{
    (void)state;
    company(false);
}

static void company_in_bfloat_does_not_matter(void **state)
{
    (void)state;
    company(true);
}

/* z at u +- h: ln|dz/dy| = ln P - ln p(z); the difference has an error of h^2 z''' / 6z',
 * which is (P/p)^2 h^2 times numbers of order one and z^2 (P <= 1): 1e-6 holds for
 * P/p < 30. */
static void ln_det_is_that_of_the_map(void **state)
{
    (void)state;
    pixel_case s;
    const kad_pixel_options o = pixel_case_small();
    enum { IMAGES = 4 };
    const double h = 1e-5;
    pixel_case_open(&s, &o, 3, 8, 8, 0.3);
    const size_t n = IMAGES * kad_pixel_size(s.map),
                 n_bits = (size_t)IMAGES * (size_t)s.map->n_levels * 3;
    uint8_t *x = pixel_case_images(&s, IMAGES, 2);
    double *u = kad_alloc(n, sizeof *u), *z[3], *bits = kad_alloc(n_bits, sizeof *bits);
    for (int prior = KAD_PIXEL_NORMAL; prior <= KAD_PIXEL_LAPLACE; prior++) {
        kad_pixel_plan *plan = NULL;
        assert_ok(&s, kad_pixel_plan_create(&s.ctx, s.map, s.theta,
                                            (kad_pixel_prior)prior, &plan));
        for (int side = 0; side < 3; side++) {
            z[side] = kad_alloc(n, sizeof(double));
            for (size_t i = 0; i < n; i++)
                u[i] = 0.3 + (side - 1) * h;
            assert_ok(&s, kad_pixel_encode(&s.ctx, plan, IMAGES, x, u, z[side], bits));
        }
        double sum = 0;
        for (size_t i = 0; i < n; i++)
            sum += log((z[2][i] - z[0][i]) / (2 * h)) +
                   kad_pixel_prior_ln((kad_pixel_prior)prior, z[1][i]);
        assert_close(sum / (double)n, -log(2) * total(n_bits, bits) / (double)n, 1e-6);
        for (int side = 0; side < 3; side++)
            kad_free(z[side]);
        kad_pixel_plan_destroy(plan);
    }
    kad_free(x), kad_free(u), kad_free(bits);
    pixel_case_close(&s);
}

/* One site, one channel: frequencies against masses. chi^2 of 255 degrees (levels expected
 * less than 10 times are one cell) stays below 255 + 5 sqrt(510) but for 1e-6. */
static void draws_follow_the_masses(void **state)
{
    (void)state;
    enum { DRAWS = 200000, LEVELS = KAD_PIXEL_LEVELS };
    pixel_case s;
    const kad_pixel_options o = pixel_case_small();
    pixel_case_open(&s, &o, 1, 1, 1, 1.0);
    uint8_t level[LEVELS], *x = kad_alloc(DRAWS, 1);
    double bits[LEVELS], *z = kad_alloc(DRAWS, sizeof *z), count[LEVELS] = {0};
    kad_pixel_plan *plan = NULL;
    assert_ok(&s, kad_pixel_plan_create(&s.ctx, s.map, s.theta, KAD_PIXEL_NORMAL, &plan));
    for (int v = 0; v < LEVELS; v++)
        level[v] = (uint8_t)v;
    assert_ok(&s, kad_pixel_bits(&s.ctx, plan, LEVELS, level, bits));
    assert_ok(&s, kad_pixel_sample(&s.ctx, plan, 4, 0, DRAWS, NULL, z, x));
    for (int i = 0; i < DRAWS; i++)
        count[x[i]]++;
    double chi2 = 0, rare = 0, rare_count = 0, cells = 0;
    for (int v = 0; v < LEVELS; v++) {
        const double expected = DRAWS * exp2(-bits[v]);
        if (expected < 10) {
            rare += expected;
            rare_count += count[v];
            continue;
        }
        chi2 += (count[v] - expected) * (count[v] - expected) / expected;
        cells++;
    }
    if (rare > 10) {
        chi2 += (rare_count - rare) * (rare_count - rare) / rare;
        cells++;
    }
    assert_true(cells > 20);
    assert_true(chi2 < cells - 1 + 5 * sqrt(2 * cells));
    kad_pixel_plan_destroy(plan);
    kad_free(x), kad_free(z);
    pixel_case_close(&s);
}

static void cold_levels_are_quiet(void **state)
{
    (void)state;
    enum { IMAGES = 8 };
    pixel_case s;
    const kad_pixel_options o = pixel_case_small();
    pixel_case_open(&s, &o, 1, 8, 8, 0.3);
    const double T[4] = {0, 1, 1, 1};
    double z[IMAGES * 64];
    uint8_t x[IMAGES * 64];
    kad_pixel_plan *plan = NULL;
    assert_ok(&s,
              kad_pixel_plan_create(&s.ctx, s.map, s.theta, KAD_PIXEL_LAPLACE, &plan));
    assert_ok(&s, kad_pixel_sample(&s.ctx, plan, 4, 0, IMAGES, T, z, x));
    for (int i = 0; i < IMAGES * 64; i++) {
        const bool finest = i / 8 % 2 || i % 2;
        assert_true(finest == (z[i] == 0));
    }
    kad_pixel_plan_destroy(plan);
    pixel_case_close(&s);
}

static void nonsense_is_refused(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_ctx_init(&ctx, 1);
    kad_pixel_map *map = NULL;
    kad_pixel_options o = kad_pixel_defaults();
    assert_int_equal(kad_pixel_map_create(&ctx, &o, 5, 8, 8, &map), KAD_ECONFIG);
    assert_int_equal(kad_pixel_map_create(&ctx, &o, 3, 8, 0, &map), KAD_ECONFIG);
    o.components = 0;
    assert_int_equal(kad_pixel_map_create(&ctx, &o, 3, 8, 8, &map), KAD_ECONFIG);
    o = kad_pixel_defaults();
    o.origin[1] = 8;
    assert_int_equal(kad_pixel_map_create(&ctx, &o, 3, 8, 8, &map), KAD_ECONFIG);
    assert_null(map);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("pixel: masses of the 256 levels sum to 1 to 1e-12", masses_sum_to_one),
        CLAIM("pixel: levels are found again from t, 1 - t", levels_are_found_again),
        CLAIM("pixel: gradients are those of the loss, by differences",
              gradients_are_those_of_the_loss),
        CLAIM("pixel: single precision is within 1e-4 bits of double",
              single_precision_is_enough),
        CLAIM("pixel: decode undoes encode and encode decode, on 1000 images",
              coding_is_exact),
        CLAIM("pixel: company, order and threads do not matter, to the bit",
              company_does_not_matter),
        CLAIM("pixel: coding by nets in bfloat16 is as exact", coding_in_bfloat_is_exact),
        CLAIM("pixel: company does not matter to nets in bfloat16",
              company_in_bfloat_does_not_matter),
        CLAIM("pixel: the log-determinant is that of the map, by differences",
              ln_det_is_that_of_the_map),
        CLAIM("pixel: draws follow the masses (chi^2)", draws_follow_the_masses),
        CLAIM("pixel: a level at temperature 0 has no noise", cold_levels_are_quiet),
        CLAIM("pixel: nonsense is refused", nonsense_is_refused),
    };
    return cmocka_run_group_tests_name("pixel", tests, NULL, NULL);
}
