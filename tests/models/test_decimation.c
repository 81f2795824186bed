/* Exact decimation of phi^4: p(odd | even) exp(-S_eff) = exp(-S) pointwise, normalisation by
 * quadrature, and the exact draws. */
#include "models/exact.h"
#include "models/phi4.h"
#include "tests/support/models_util.h"

static const char *const YAML[] = {
    "action: {name: phi4, components: %d, m2: -4, lambda: 6.975}",
    "action: {name: phi4, components: %d, kappa: 0.5, lambda: 1}",
    "action: {name: phi4, components: %d, form: seed, t: -0.8, mu: -2, lambda: 0.3}",
    "action: {name: phi4, components: %d, form: nicoli, kappa: 0.4, lambda: 30}",
    "action: {name: phi4, components: %d, m2: 0.25, lambda: 0}",
    "action: {name: phi4, components: %d, m2: -4, lambda: 6.975, field: 0.9}",
};
enum { N_YAML = sizeof YAML / sizeof *YAML };

static void make(fixture *f, int i, int n, int d, const int *shape, bool decimate)
{
    char yaml[128];
    snprintf(yaml, sizeof yaml, YAML[i], n);
    fixture_make(f, yaml, d, shape, decimate);
}

/* Sum of |terms| of S in a lane: what its roundings are relative to. */
static double size_of_terms(const tile *t, int lane)
{
    const kad_phi4 *phi4 = t->f->action->self;
    const kad_lattice *lattice = phi4->action.lattice;
    const int n = phi4->action.n_comp, W = t->lanes;
    const float *y = t->y;
    double sum = 0;
    for (int i = 0; i < lattice->n_sites; i++) {
        double s = 0, hop = 0;
        for (int a = 0; a < n; a++) {
            const double phi = (double)y[(i * n + a) * W + lane];
            s += phi * phi;
            for (int b = 0; b < 2 * lattice->d; b++)
                hop += fabs(
                    phi *
                    (double)y[(lattice->nbr[i * 2 * lattice->d + b] * n + a) * W + lane]);
        }
        sum += (fabs(phi4->now.mu) + phi4->now.lambda * s) * s +
               0.5 * fabs(phi4->now.t) * hop +
               fabs(phi4->now.h * (double)y[i * n * W + lane]);
    }
    return sum;
}

/* S(even, odd) = S_eff(even) - ln p(odd | even) for drawn odd sites. The two sides differ by
 * rounding only, in single precision by that of the terms of S, which may cancel. */
static void pointwise_identity(void **state)
{
    (void)state;
    static const int shapes[][3] = {{6}, {2, 2}, {4, 6}, {2, 4, 2}};
    const kad_rng rng = kad_rng_stream(3, KAD_RNG_COMPLETE, 0);
    for (int i = 0; i < N_YAML; i++)
        for (int n = 1; n <= 3; n++)
            for (int s = 0; s < 4; s++)
                for (int prec = 0; prec < 2; prec++) {
                    fixture full, half;
                    tile a, b;
                    double lnp[KAD_W_MAX] = {0};
                    const int d = shapes[s][1] == 0 ? 1 : shapes[s][2] == 0 ? 2 : 3;
                    make(&full, i, n, d, shapes[s], false);
                    make(&half, i, n, d, shapes[s], true);
                    tile_make(&a, &full, (kad_prec)prec);
                    tile_make(&b, &half, (kad_prec)prec);
                    tile_fill(&b, 0.6, 1);
                    tile_value(&b);
                    half.action->ops->kern[prec]->complete(half.action, rng, 7, 1000, b.y,
                                                           lnp, b.scratch);
                    memcpy(a.y, b.y, full.n_rows * KAD_ROW_BYTES);
                    tile_value(&a);
                    for (int lane = 0; lane < a.lanes; lane++)
                        assert_close(b.S[lane] - lnp[lane], a.S[lane],
                                     prec ? 1e-13 *
                                                (10 + fabs(a.S[lane]) + fabs(lnp[lane]))
                                          : 8 * 0x1p-24 * (10 + size_of_terms(&a, lane)));
                    tile_clear(&a);
                    tile_clear(&b);
                    fixture_clear(&full);
                    fixture_clear(&half);
                }
}

/* int d even exp(-S_eff) on 2 x 2 (double bonds), two even sites, n = 1: trapezoid sums
 * converge geometrically; the reference is the radial transfer matrix. */
static void normalisation(void **state)
{
    (void)state;
    enum { M = 160 };
    for (int i = 0; i < N_YAML; i++) {
        fixture f;
        make(&f, i, 1, 2, (int[]){2, 2}, true);
        const kad_phi4 *phi4 = f.action->self;
        const double range = i == 4 ? 11 : i == 2 ? 5 : 2.6, step = 2 * range / M;
        double *y = kad_alloc((size_t)M * 4, sizeof *y), S[M], z = 0;
        for (int j = 0; j < M; j++) {
            for (int k = 0; k < M; k++) {
                y[4 * k + phi4->even[0]] = -range + (j + 0.5) * step;
                y[4 * k + phi4->even[1]] = -range + (k + 0.5) * step;
            }
            assert_int_equal(kad_action_values(&f.ctx, f.action, M, y, S), KAD_OK);
            for (int k = 0; k < M; k++)
                z += exp(-S[k]);
        }
        assert_close(log(z * step * step), f.action->log_z_exact, 1e-10);
        assert_true(f.action->log_z_offset == 0);
        kad_free(y);
        fixture_clear(&f);
    }
}

/* Moments along h and across it by radial quadrature in the plane of h: midpoint sums on a
 * grid of phi_parallel and |phi_perp|. */
static void moments(int n, double mu, double lambda, double h, double mean[4],
                    double sigma[4])
{
    enum { M = 600 };
    const double hi =
        lambda > 0 ? sqrt((-mu + sqrt(mu * mu + 4 * lambda * 200)) / (2 * lambda)) +
                         cbrt(h / lambda)
                   : (h + 15 * sqrt(mu)) / mu;
    double z = 0, m1[4] = {0}, m2[4] = {0};
    for (int i = 0; i < 2 * M; i++)
        for (int j = 0; j < (n == 1 ? 1 : M); j++) {
            const double x = hi * ((i + 0.5) / M - 1),
                         r = n == 1 ? 0 : hi * (j + 0.5) / M;
            const double s = x * x + r * r;
            const double top = h * hi * 0; /* weights stay below e^100 for these cases */
            const double w =
                (n == 3 ? r : 1) * exp(h * x - mu * s - lambda * s * s - top);
            const double o[4] = {x, x * x, s, s * s};
            z += w;
            for (int k = 0; k < 4; k++) {
                m1[k] += w * o[k];
                m2[k] += w * o[k] * o[k];
            }
        }
    for (int k = 0; k < 4; k++) {
        mean[k] = m1[k] / z;
        sigma[k] = sqrt(m2[k] / z - mean[k] * mean[k]);
    }
}

typedef struct draw_case {
    int n;
    double mu, lambda, h;
} draw_case;

static const draw_case DRAWS[] = {
    {1, 0, 6.975, 0.3}, {1, -1, 1, 0},   {1, -4, 1.5, 2}, {1, 4.25, 0, 3},
    {1, -20, 10, 0.1},  {2, -1, 1, 0.7}, {2, 0, 0.5, 4},  {2, 2, 0, 1},
    {2, -20, 10, 0.5},  {3, -1, 1, 0.4}, {3, 1, 0.2, 3},  {3, -20, 10, 0.2},
};
enum { N_DRAWS = sizeof DRAWS / sizeof *DRAWS };

/* Compare means of x, x^2, |phi|^2, |phi|^4. 12 cases x 4 moments x 3 samplers: a two-sided
 * threshold of 5.6 sigma keeps the false alarm probability of the file below 3e-6; the
 * quadrature is good to 1e-6 sigma. */
static void compare(const draw_case *c, const char *how, size_t n_draws,
                    const double sum[4])
{
    double mean[4], sigma[4];
    moments(c->n, c->mu, c->lambda, c->h, mean, sigma);
    for (int k = 0; k < 4; k++) {
        const double z =
            (sum[k] / (double)n_draws - mean[k]) / (sigma[k] / sqrt((double)n_draws));
        if (!(fabs(z) < 5.6))
            fail_msg("%s: n %d mu %g lambda %g h %g: moment %d is %g, expected %g (%.1f "
                     "sigma)",
                     how, c->n, c->mu, c->lambda, c->h, k, sum[k] / (double)n_draws,
                     mean[k], z);
    }
}

static void add(const draw_case *c, const double *phi, size_t stride, double sum[4])
{
    /* the field points along (1, 2, 2) / 3, (3, 4) / 5 or 1 */
    static const double axis[3][3] = {{1}, {0.6, 0.8}, {1. / 3, 2. / 3, 2. / 3}};
    double x = 0, s = 0;
    for (int a = 0; a < c->n; a++) {
        x += axis[c->n - 1][a] * phi[(size_t)a * stride];
        s += phi[(size_t)a * stride] * phi[(size_t)a * stride];
    }
    sum[0] += x;
    sum[1] += x * x;
    sum[2] += s;
    sum[3] += s * s;
}

static void field_of(const draw_case *c, double h[3])
{
    static const double axis[3][3] = {{1}, {0.6, 0.8}, {1. / 3, 2. / 3, 2. / 3}};
    for (int a = 0; a < c->n; a++)
        h[a] = c->h * axis[c->n - 1][a];
}

static void scalar_draws(void **state)
{
    (void)state;
    enum { N = 200000 };
    const kad_rng rng = kad_rng_stream(5, KAD_RNG_COMPLETE, 0);
    for (int i = 0; i < N_DRAWS; i++) {
        kad_single_site site;
        double h[3], phi[3], sum[4] = {0};
        kad_single_site_init(&site, DRAWS[i].n, DRAWS[i].mu, DRAWS[i].lambda, NULL);
        field_of(&DRAWS[i], h);
        for (uint64_t k = 0; k < N; k++) {
            kad_single_site_draw(&site, rng, (uint64_t)i, k, 3, 8, h, phi);
            add(&DRAWS[i], phi, 1, sum);
        }
        compare(&DRAWS[i], "one by one", N, sum);
    }
}

static void draws_by_radius(void **state)
{
    (void)state;
    enum { N = 100000 };
    const kad_rng rng = kad_rng_stream(7, KAD_RNG_COMPLETE, 0);
    for (int i = 0; i < N_DRAWS; i++) {
        kad_single_site site;
        double h[3], phi[3], sum[4] = {0};
        kad_single_site_init(&site, DRAWS[i].n, DRAWS[i].mu, DRAWS[i].lambda, NULL);
        field_of(&DRAWS[i], h);
        if (site.lambda == 0 || kad_single_site_peak(&site, DRAWS[i].h) == 0) continue;
        for (uint64_t k = 0; k < N; k++) {
            assert_true(kad_single_site_draw_radial(&site, rng, (uint64_t)i, k, h, phi));
            add(&DRAWS[i], phi, 1, sum);
        }
        compare(&DRAWS[i], "by the radius", N, sum);
    }
}

/* Wells a Gaussian would miss for ever (mu = -1e6 took 1e8 attempts a draw): there
 * |phi|^2 = v + t, v = -mu / 2 lambda, t Gaussian of variance 1 / 2 lambda up to
 * corrections of relative order 1 / lambda v^2, and the direction is a spin's in the
 * field h sqrt v, here of length 1. */
static void deep_wells(void **state)
{
    (void)state;
    enum { N = 4000 };
    static const double wells[][2] = {{-1e6, 1e-3}, {-1e6, 1}, {-1e6, 1e3}, {-1e3, 1e-3}};
    const kad_rng rng = kad_rng_stream(9, KAD_RNG_COMPLETE, 0);
    for (int n = 1; n <= 3; n++)
        for (size_t i = 0; i < sizeof wells / sizeof *wells; i++) {
            const double mu = wells[i][0], lambda = wells[i][1], v = -mu / (2 * lambda);
            const draw_case c = {.n = n, .mu = mu, .lambda = lambda, .h = 1 / sqrt(v)};
            kad_single_site site;
            double h[3], phi[3], x = 0, t1 = 0, t2 = 0, t4 = 0;
            kad_single_site_init(&site, n, mu, lambda, NULL);
            field_of(&c, h);
            for (uint64_t k = 0; k < N; k++) {
                double sum[4] = {0};
                kad_single_site_draw(&site, rng, 10 * i + (uint64_t)n, k, 3, 8, h, phi);
                add(&c, phi, 1, sum);
                const double t = (sum[2] - v) * sqrt(2 * lambda);
                x += sum[0] / sqrt(v);
                t1 += t;
                t2 += t * t;
                t4 += t * t * t * t;
            }
            /* five standard errors; of t: 0 +- 1, t^2: 1 +- sqrt 2, t^4: 3 +- sqrt 96 */
            assert_close(t1 / N, 0, 5 / sqrt(N));
            assert_close(t2 / N, 1, 5 * sqrt(2.0 / N));
            assert_close(t4 / N, 3, 5 * sqrt(96.0 / N));
            assert_close(x / N, kad_spin_mean(n, 1), 5 / sqrt(N));
        }
}

/* The vectorised draws: attempts for all lanes, stragglers one by one. */
static void lane_draws(void **state)
{
    (void)state;
    enum { N = 1000000 / KAD_W_MAX };
    const kad_rng rng = kad_rng_stream(6, KAD_RNG_COMPLETE, 0);
    kad_radial_table *table = kad_alloc(1, sizeof *table);
    for (int i = 0; i < N_DRAWS; i++) {
        const draw_case *c = &DRAWS[i];
        kad_phi4 phi4 = {.n_half = 32, .table = table};
        _Alignas(64) double h[3 * KAD_W_MAX], phi[3 * KAD_W_MAX], F[KAD_W_MAX];
        double field[3], sum[4] = {0};
        phi4.action.n_comp = c->n;
        phi4.now.mu = c->mu;
        phi4.now.lambda = c->lambda;
        kad_single_site_init(&phi4.site, c->n, c->mu, c->lambda, NULL);
        kad_single_site_table(&phi4.site, table);
        field_of(c, field);
        for (int a = 0; a < c->n; a++)
            for (int lane = 0; lane < KAD_W_MAX; lane++)
                h[a * KAD_W_MAX + lane] = field[a];
        for (uint64_t k = 0; k < N; k++) {
            kad_phi4_draw_lanes(&phi4, rng, (uint64_t)i, k * KAD_W_MAX, 5, KAD_W_MAX, h,
                                phi, F);
            for (int lane = 0; lane < KAD_W_MAX; lane++)
                add(c, phi + lane, KAD_W_MAX, sum);
        }
        assert_close(F[0], kad_radial_value(table, c->h * c->h, NULL), 1e-14);
        compare(c, "by lanes", (size_t)N * KAD_W_MAX, sum);
    }
    kad_free(table);
}

/* A sample's odd sites depend on its number, not on the tile it is drawn in. */
static void draws_depend_on_the_sample_only(void **state)
{
    (void)state;
    const kad_rng rng = kad_rng_stream(8, KAD_RNG_COMPLETE, 0);
    for (int i = 0; i < N_YAML; i++)
        for (int n = 1; n <= 3; n++) {
            fixture f;
            tile a, b;
            double lnp_a[KAD_W_MAX] = {0}, lnp_b[KAD_W_MAX] = {0};
            make(&f, i, n, 2, (int[]){4, 4}, true);
            tile_make(&a, &f, KAD_DOUBLE);
            tile_make(&b, &f, KAD_DOUBLE);
            for (size_t row = 0; row < f.n_rows; row++)
                for (int lane = 0; lane < a.lanes; lane++) {
                    tile_set(&a, a.y, row, lane,
                             random_normal(9, (uint64_t)lane, (uint32_t)row));
                    tile_set(&b, b.y, row, lane,
                             random_normal(9, (uint64_t)lane + 16, (uint32_t)row));
                }
            const kad_action_kern *kern = f.action->ops->kern[KAD_DOUBLE];
            kern->complete(f.action, rng, 1, 100, a.y, lnp_a, a.scratch);
            kern->complete(f.action, rng, 1, 116, b.y, lnp_b, b.scratch);
            for (int lane = 0; lane < 16; lane++) {
                assert_true(lnp_a[lane + 16] == lnp_b[lane]);
                for (size_t row = 0; row < f.n_rows; row++)
                    assert_true(tile_get(&a, a.y, row, lane + 16) ==
                                tile_get(&b, b.y, row, lane));
            }
            tile_clear(&a);
            tile_clear(&b);
            fixture_clear(&f);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pointwise_identity),
                                       cmocka_unit_test(normalisation),
                                       cmocka_unit_test(scalar_draws),
                                       cmocka_unit_test(lane_draws),
                                       cmocka_unit_test(draws_by_radius),
                                       cmocka_unit_test(deep_wells),
                                       cmocka_unit_test(draws_depend_on_the_sample_only)};
    return cmocka_run_group_tests_name(
        "decimation: odd sites integrated and drawn exactly", tests, NULL, NULL);
}
