/* Spin observables of duals: improved estimators against averages over explicit spins, and
 * exact draws against exact values. */
#include "tests/support/observable_util.h"

enum { DRAWS = 20000 };

/* Given x, spins are independent: improved estimators equal exact averages over all 2^N
 * spin states (n = 1). */
static void check_ising(int height)
{
    enum { MOST = 12 };
    const int N = 4 * height;
    fixture f;
    kad_measure *measure;
    double *row, x[MOST];
    fixture_make(&f, "action: {name: on-dual, beta: 0.4}\n", 2, (const int[]){height, 4},
                 false);
    for (size_t i = 0; i < (size_t)N; i++)
        x[i] = random_normal(8, i, 2);
    measure_one(&f, x, 0.0, &measure, &row);
    expected mean = {0};
    double m = 0.0, energy2 = 0.0;
    for (int bits = 0; bits < 1 << N; bits++) {
        double s[MOST], p = 1.0, M = 0.0;
        expected e;
        for (int i = 0; i < N; i++) {
            s[i] = bits >> i & 1 ? 1.0 : -1.0;
            p *= 1.0 / (1.0 + exp(-2.0 * s[i] * x[i]));
            M += s[i] / N;
        }
        plain(f.lattice, 1, s, &e);
        m += p * M;
        mean.bond += p * e.bond;
        energy2 += p * 4.0 * e.bond * e.bond;
        mean.m2 += p * e.m2;
        mean.m4 += p * e.m4;
        for (int r = 0; r < 3; r++) {
            mean.axis[r] += p * e.axis[r];
            mean.slice[r] += p * e.slice[r];
        }
    }
    assert_close(*value_of(measure, row, "m"), m, 1e-13);
    assert_close(*value_of(measure, row, "bond"), mean.bond, 1e-13);
    assert_close(*value_of(measure, row, "energy"), -2.0 * mean.bond, 1e-13);
    assert_close(*value_of(measure, row, "energy2"), energy2, 1e-13);
    assert_close(*value_of(measure, row, "m2"), mean.m2, 1e-13);
    assert_close(*value_of(measure, row, "m4"), mean.m4, 1e-13);
    for (int r = 0; r < 3; r++) {
        assert_close(value_of(measure, row, "correlator_axis")[r], mean.axis[r], 1e-13);
        assert_close(value_of(measure, row, "correlator_slice")[r], mean.slice[r], 1e-13);
    }
    kad_free(row);
    kad_measure_destroy(measure);
    fixture_clear(&f);
}

/* At extent 2 a pair has two bonds. */
static void ising_estimators_are_exact_averages(void **state)
{
    (void)state;
    check_ising(2);
    check_ising(3);
}

/* Rings of three and four XY spins given x: trapezoids of 32 angles a spin integrate their
 * von Mises densities to rounding (error I_32(|x|)/I_0(|x|) < 1e-25). Improved estimators
 * of the helicity modulus, of m2 and of the correlators are these averages. */
static void check_ring(int L, double scale)
{
    enum { ANGLES = 32 };
    fixture f;
    kad_measure *measure;
    double *row, x[8], c[4][ANGLES][2], p[4][ANGLES];
    double mean[4] = {0}; /* h/N, s^2/N, m2, e^2 */
    size_t n_states = 1;
    fixture_make(&f, "action: {name: on-dual, components: 2, beta: 0.9}\n", 1, &L, false);
    for (int i = 0; i < L; i++) {
        double total = 0.0;
        for (int a = 0; a < 2; a++)
            x[2 * i + a] = scale * random_normal(31, (uint64_t)i, (uint32_t)a);
        for (int k = 0; k < ANGLES; k++) {
            c[i][k][0] = cos(2.0 * M_PI * k / ANGLES);
            c[i][k][1] = sin(2.0 * M_PI * k / ANGLES);
            p[i][k] = exp(x[2 * i] * c[i][k][0] + x[2 * i + 1] * c[i][k][1]);
            total += p[i][k];
        }
        for (int k = 0; k < ANGLES; k++)
            p[i][k] /= total;
        n_states *= ANGLES;
    }
    for (size_t state = 0; state < n_states; state++) {
        double s[8], weight = 1.0, h = 0.0, current = 0.0, M[2] = {0};
        for (size_t i = 0, k = state; i < (size_t)L; i++, k /= ANGLES) {
            memcpy(s + 2 * i, c[i][k % ANGLES], 2 * sizeof *s);
            weight *= p[i][k % ANGLES];
            M[0] += s[2 * i] / L;
            M[1] += s[2 * i + 1] / L;
        }
        for (int i = 0; i < L; i++) {
            const double *u = s + 2 * i, *v = s + 2 * ((i + 1) % L);
            h += (u[0] * v[0] + u[1] * v[1]) / L;
            current += u[0] * v[1] - u[1] * v[0];
        }
        mean[0] += weight * h;
        mean[1] += weight * current * current / L;
        mean[2] += weight * (M[0] * M[0] + M[1] * M[1]);
        mean[3] += weight * h * h;
    }
    measure_one(&f, x, 0.0, &measure, &row);
    assert_close(*value_of(measure, row, "helicity_bond"), mean[0], 1e-12);
    assert_close(*value_of(measure, row, "helicity_current"), mean[1], 1e-12);
    assert_close(*value_of(measure, row, "helicity"), mean[0] - 0.9 * mean[1], 1e-12);
    assert_close(*value_of(measure, row, "m2"), mean[2], 1e-12);
    assert_close(*value_of(measure, row, "energy2"), mean[3], 1e-12);
    assert_close(value_of(measure, row, "correlator_axis")[1], mean[0], 1e-12);
    kad_free(row);
    kad_measure_destroy(measure);
    fixture_clear(&f);
}

static void xy_estimators_are_exact_averages(void **state)
{
    (void)state;
    check_ring(3, 0.0);
    check_ring(3, 1e-5); /* the limit of small fields */
    check_ring(3, 0.01);
    check_ring(3, 1.0);
    check_ring(3, 3.0);
    check_ring(4, 1.0);
}

/* Improved estimators against the same sums over spins drawn from one field, n = 2, 3, d
 * = 2: the squares of magnetisation, current, structure factor and energy, the latter also
 * 20000 draws, ten pulls below 5.5. */
static void drawn_spins_agree(void **state)
{
    (void)state;
    enum { VALUES = 5, STRIDE = 32 };
    for (int n = 2; n <= 3; n++) {
        fixture f;
        kad_measure *measure;
        char yaml[96];
        snprintf(yaml, sizeof yaml,
                 "action: {name: on-dual, components: %d, beta: 0.7}\n", n);
        fixture_make(&f, yaml, 2, (const int[]){3, 4}, false);
        const int N = f.lattice->n_sites;
        _Alignas(64) double rows[3 * STRIDE] = {0}, drawn[3 * STRIDE];
        double x[36], s[36], S = 0.0, found[VALUES], sum[VALUES] = {0};
        double square[VALUES] = {0}, abs_m2 = 0.0;
        for (size_t i = 0; i < f.n_rows; i++) {
            x[i] = 1.5 * random_normal(9, i, 3);
            rows[i % (size_t)n * STRIDE + i / (size_t)n] = x[i];
        }
        assert_int_equal(kad_measure_create(&f.ctx, f.action, 1, 0, &measure), KAD_OK);
        double *row = kad_alloc(measure->n_columns, sizeof *row);
        for (uint64_t k = 0; k < DRAWS; k++) {
            const kad_spin_source source = {
                .rng = kad_rng_stream(5, KAD_RNG_TEST, 0), .step = k, .quad_stride = 1};
            kad_spin_rows_draw_f64(n, &source, STRIDE, STRIDE, rows, drawn);
            for (int i = 0; i < N * n; i++)
                s[i] = drawn[i % n * STRIDE + i / n];
            found[0] = plain_current(f.lattice, n, s, 0) * 2 / (n * (n - 1)) / N;
            found[1] = plain_current(f.lattice, n, s, 1) * 2 / (n * (n - 1)) / N;
            found[2] = plain_power(f.lattice, n, s, 0) / N;
            found[3] = plain_power(f.lattice, n, s, 1);
            found[4] = pair_mean(f.lattice, n, s, (const int[]){1, 0, 0}) +
                       pair_mean(f.lattice, n, s, (const int[]){0, 1, 0});
            found[4] *= found[4];
            for (int v = 0; v < VALUES; v++) {
                sum[v] += found[v] / DRAWS;
                square[v] += found[v] * found[v] / DRAWS;
            }
            if (k % 10 != 0) continue;
            kad_measure_rows(measure, 1, &k, x, &S, row);
            const double a = *value_of(measure, row, "abs_m");
            assert_close(*value_of(measure, row, "m4"), a * a * a * a, 1e-14);
            abs_m2 += a * a * 10 / DRAWS;
        }
        const double exact[VALUES] = {value_of(measure, row, "helicity_current")[0],
                                      value_of(measure, row, "helicity_current")[1],
                                      *value_of(measure, row, "m2"),
                                      *value_of(measure, row, "structure_kmin"),
                                      *value_of(measure, row, "energy2")};
        for (int v = 0; v < VALUES; v++)
            assert_close(sum[v], exact[v],
                         5.5 * sqrt((square[v] - sum[v] * sum[v]) / DRAWS));
        assert_close(abs_m2, exact[2],
                     5.5 * sqrt((square[2] - sum[2] * sum[2]) / (DRAWS / 10)));
        kad_free(row);
        kad_measure_destroy(measure);
        fixture_clear(&f);
    }
}

/* Columns of the spins drawn are plain sums over the spins of that draw's number. */
static void check_drawn(int n, int d, const int *shape)
{
    enum { MOST = 64 };
    fixture f;
    kad_measure *measure;
    char yaml[96];
    snprintf(yaml, sizeof yaml,
             "action: {name: on-dual, components: %d, beta: 0.7, coupling: 1.5}\n", n);
    fixture_make(&f, yaml, d, shape, false);
    const int N = f.lattice->n_sites;
    assert_int_equal(kad_measure_create(&f.ctx, f.action, 1, 0, &measure), KAD_OK);
    const size_t stride = measure->stride;
    _Alignas(64) double rows[3 * MOST] = {0}, drawn[3 * MOST];
    double x[3 * MOST], s[3 * MOST], S = 0.0, bonds = 0.0, power = 0.0, current = 0.0;
    assert_true(stride <= MOST);
    for (size_t i = 0; i < f.n_rows; i++) {
        x[i] = 1.5 * random_normal(9, i, 3);
        rows[i % (size_t)n * stride + i / (size_t)n] = x[i];
    }
    const uint64_t number = 77;
    const kad_spin_source source = {
        .rng = kad_rng_stream(1, KAD_RNG_SPINS, 0), .step = number, .quad_stride = 1};
    f.action->ops->spins->draw(f.action, &source, stride, rows, drawn);
    for (int i = 0; i < N * n; i++)
        s[i] = drawn[(size_t)(i % n) * stride + (size_t)(i / n)];
    double *row = kad_alloc(measure->n_columns, sizeof *row);
    kad_measure_rows(measure, 1, &number, x, &S, row);
    int L, n_axes;
    L = kad_observable_extent(f.lattice, &n_axes);
    for (int mu = 0; mu < d; mu++) {
        int one[3] = {0};
        one[mu] = 1;
        bonds += pair_mean(f.lattice, n, s, one);
        current += n > 1 ? plain_current(f.lattice, n, s, mu) / N / d : 0;
        if (shape[mu] == L)
            power +=
                plain_power(f.lattice, n, s, kad_lattice_site(f.lattice, one)) / n_axes;
    }
    assert_close(*value_of(measure, row, "drawn_energy"), -1.5 * bonds, 1e-13);
    assert_close(*value_of(measure, row, "drawn_structure_kmin"), power, 1e-13 * N);
    if (n > 1)
        assert_close(*value_of(measure, row, "drawn_current"),
                     current * 2 / (n * (n - 1)), 1e-13 * N);
    kad_free(row);
    kad_measure_destroy(measure);
    fixture_clear(&f);
}

static void drawn_columns_are_plain_sums(void **state)
{
    (void)state;
    for (int n = 1; n <= 3; n++) {
        check_drawn(n, 1, (const int[]){6});
        check_drawn(n, 2, (const int[]){2, 2});
        check_drawn(n, 2, (const int[]){5, 4});
        check_drawn(n, 2, (const int[]){4, 4});
        check_drawn(n, 3, (const int[]){2, 3, 3});
    }
}

/* --- the 4 x 4 Ising model at T_c --- */

enum { SPINS = 16, STATES = 1 << SPINS, MOMENTA = 6 };
#define TEMPERATURE 2.269185314213022

typedef struct ising {
    double cumulative[STATES];
    double G[SPINS]; /* exact <s_0 s_r> */
    double x[DRAWS * SPINS], y[DRAWS * SPINS], noise[DRAWS * SPINS], S[DRAWS];
    uint64_t number[DRAWS];
} ising;

static double spin(int bits, int i)
{
    return bits >> i & 1 ? 1.0 : -1.0;
}

/* Weights and correlators of all states. */
static void enumerate(const kad_lattice *lattice, ising *e)
{
    double total = 0.0;
    for (int bits = 0; bits < STATES; bits++) {
        double bonds = 0.0;
        for (int i = 0; i < SPINS; i++)
            for (int k = 0; k < 4; k += 2)
                bonds += spin(bits, i) * spin(bits, lattice->nbr[4 * i + k]);
        const double weight = exp(bonds / TEMPERATURE - 14.0);
        for (int r = 0; r < SPINS; r++)
            e->G[r] += weight * spin(bits, 0) * spin(bits, r);
        total += weight;
        e->cumulative[bits] = total;
    }
    for (int r = 0; r < SPINS; r++)
        e->G[r] /= total;
}

/* States by inverse CDF, then x | s ~ N(A s, A) as A^{1/2} (A^{1/2} s + noise). */
static void draw_exactly(fixture *f, ising *e)
{
    const kad_rng rng = kad_rng_stream(12, KAD_RNG_TEST, 5);
    for (size_t d = 0; d < DRAWS; d++) {
        const double u = e->cumulative[STATES - 1] * kad_rng_uniform(rng, 0, d, 0);
        int lo = 0, hi = STATES - 1;
        while (lo < hi) {
            const int mid = (lo + hi) / 2;
            if (e->cumulative[mid] > u)
                hi = mid;
            else
                lo = mid + 1;
        }
        for (size_t i = 0; i < SPINS; i++) {
            e->y[d * SPINS + i] = spin(lo, (int)i);
            e->noise[d * SPINS + i] = random_normal(20, d, (uint32_t)i);
        }
        e->number[d] = d;
    }
    assert_int_equal(kad_action_boundary(&f->ctx, f->action, DRAWS, e->y, e->x), KAD_OK);
    for (size_t i = 0; i < DRAWS * SPINS; i++)
        e->y[i] = e->x[i] + e->noise[i];
    assert_int_equal(kad_action_boundary(&f->ctx, f->action, DRAWS, e->y, e->x), KAD_OK);
}

/* C(k) = sum_r G(r) cos k.r at a representative momentum. */
static double transform(const kad_lattice *lattice, const double *G, const int64_t *k)
{
    double sum = 0.0;
    for (int site = 0; site < lattice->n_sites; site++) {
        int r[3] = {0};
        kad_lattice_coords(lattice, site, r);
        sum += G[site] * cos(2.0 * M_PI * (double)(k[0] * r[0] + k[1] * r[1]) / 4.0);
    }
    return sum;
}

/* Draws of the dual made exactly: improved estimators average to the values of the 4 x 4
 * lattice at T_c, and the structure factor both of the means and of the field itself to
 * the enumerated one at all momenta. 20 pulls below 5.8. */
static void exact_dual_draws(void **state)
{
    (void)state;
    enum { SCALARS = 8, VALUES = SCALARS + 2 * MOMENTA };
    /* <e^2> = e^2 + C T^2 / N */
    double exact[VALUES] = {-1.565623787638,
                            0.761358908569,
                            0.665691213267,
                            0.843860444815,
                            0.782811893819,
                            0.740520446097,
                            0.713754646840,
                            1.565623787638 * 1.565623787638 +
                                0.7832668259 * TEMPERATURE * TEMPERATURE / SPINS};
    ising *e = kad_alloc(1, sizeof *e);
    fixture f;
    kad_measure *measure;
    fixture_make(&f, "action: {name: on-dual, temperature: 2.269185314213022}\n", 2,
                 (const int[]){4, 4}, false);
    enumerate(f.lattice, e);
    draw_exactly(&f, e);
    assert_int_equal(kad_measure_create(&f.ctx, f.action, 1, 0, &measure), KAD_OK);
    assert_int_equal(measure->orbits->n, MOMENTA);
    for (size_t k = 0; k < MOMENTA; k++)
        exact[SCALARS + k] = exact[SCALARS + MOMENTA + k] =
            transform(f.lattice, e->G, measure->orbits->vector + 2 * k);
    double *rows = kad_alloc(DRAWS * measure->n_columns, sizeof *rows);
    kad_measure_rows(measure, DRAWS, e->number, e->x, e->S, rows);
    double mean[VALUES] = {0}, square[VALUES] = {0};
    for (size_t d = 0; d < DRAWS; d++) {
        const double *row = rows + d * measure->n_columns;
        double found[VALUES] = {*value_of(measure, row, "energy"),
                                *value_of(measure, row, "m2"),
                                *value_of(measure, row, "m4"),
                                *value_of(measure, row, "abs_m"),
                                value_of(measure, row, "correlator_axis")[1],
                                value_of(measure, row, "correlator_diagonal")[1],
                                value_of(measure, row, "correlator_diagonal")[2],
                                *value_of(measure, row, "energy2")};
        memcpy(found + SCALARS, value_of(measure, row, "structure"),
               MOMENTA * sizeof *found);
        memcpy(found + SCALARS + MOMENTA, value_of(measure, row, "structure_dual"),
               MOMENTA * sizeof *found);
        for (int k = 0; k < VALUES; k++) {
            mean[k] += found[k] / DRAWS;
            square[k] += found[k] * found[k] / DRAWS;
        }
    }
    for (int k = 0; k < VALUES; k++)
        assert_close(mean[k], exact[k],
                     5.8 * sqrt((square[k] - mean[k] * mean[k]) / DRAWS));
    kad_free(rows);
    kad_free(e);
    kad_measure_destroy(measure);
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("spin observables: Ising estimators equal averages over all spin states",
              ising_estimators_are_exact_averages),
        CLAIM("spin observables: XY estimators equal integrals over the spins of a ring",
              xy_estimators_are_exact_averages),
        CLAIM("spin observables: drawn spins agree with the improved estimators",
              drawn_spins_agree),
        CLAIM("spin observables: columns of the spins drawn are plain sums over them",
              drawn_columns_are_plain_sums),
        CLAIM("spin observables: exact dual draws of 4 x 4 spins give enumerated values",
              exact_dual_draws),
    };
    return cmocka_run_group_tests_name("spin_observables", tests, NULL, NULL);
}
