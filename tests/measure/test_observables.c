/* Every observable against plain sums over sites. */
#include "models/exact.h"
#include "tests/support/observable_util.h"

#include <stdlib.h>
#include <unistd.h>

/* Coordinates of a site, folded and sorted by hand: the representative of its orbit. */
static void representative(const kad_lattice *lattice, int site, int r[3])
{
    r[0] = r[1] = r[2] = 0;
    kad_lattice_coords(lattice, site, r);
    for (int mu = 0; mu < lattice->d; mu++)
        if (lattice->shape[mu] - r[mu] < r[mu]) r[mu] = lattice->shape[mu] - r[mu];
    for (int again = 0; again < 3; again++)
        for (int mu = 0; mu < lattice->d; mu++)
            for (int nu = 0; nu < mu; nu++)
                if (lattice->shape[mu] == lattice->shape[nu] && r[nu] < r[mu]) {
                    const int swap = r[mu];
                    r[mu] = r[nu];
                    r[nu] = swap;
                }
}

static bool is_orbit(const kad_orbits *orbits, size_t i, int site)
{
    int r[3];
    representative(orbits->lattice, site, r);
    for (int mu = 0; mu < orbits->lattice->d; mu++)
        if (orbits->vector[i * (size_t)orbits->lattice->d + (size_t)mu] != r[mu])
            return false;
    return true;
}

/* Full G(r) and C(k): every displacement and momentum belongs to exactly one orbit, whose
 * value is the mean over its members. */
static void check_orbits(const kad_measure *measure, const double *row, int n,
                         const double *f)
{
    const kad_orbits *orbits = measure->orbits;
    const kad_lattice *lattice = orbits->lattice;
    int64_t total = 0;
    for (size_t i = 0; i < orbits->n; i++) {
        double G = 0.0, C = 0.0;
        int64_t count = 0;
        for (int site = 0; site < lattice->n_sites; site++) {
            int r[3] = {0};
            if (!is_orbit(orbits, i, site)) continue;
            kad_lattice_coords(lattice, site, r);
            G += pair_mean(lattice, n, f, r);
            C += plain_power(lattice, n, f, site);
            count++;
        }
        assert_int_equal(count, orbits->count[i]);
        assert_close(value_of(measure, row, "correlator")[i], G / (double)count, 1e-12);
        assert_close(value_of(measure, row, "structure")[i], C / (double)count, 1e-11);
        total += count;
    }
    assert_int_equal(total, lattice->n_sites);
}

static double principal(double angle)
{
    while (angle > M_PI)
        angle -= 2.0 * M_PI;
    while (angle <= -M_PI)
        angle += 2.0 * M_PI;
    return angle;
}

static double angle_step(const double *f, int i, int j)
{
    return principal(atan2(f[2 * j + 1], f[2 * j]) - atan2(f[2 * i + 1], f[2 * i]));
}

/* sum over plaquettes of |winding|, from angles */
static double plain_vortices(const kad_lattice *lattice, const double *f)
{
    double sum = 0.0;
    for (int i = 0; i < lattice->n_sites; i++)
        for (int mu = 0; mu < lattice->d; mu++)
            for (int nu = mu + 1; nu < lattice->d; nu++) {
                const int d2 = 2 * lattice->d;
                const int a = lattice->nbr[i * d2 + 2 * mu];
                const int b = lattice->nbr[a * d2 + 2 * nu];
                const int c = lattice->nbr[i * d2 + 2 * nu];
                const double turn = angle_step(f, i, a) + angle_step(f, a, b) +
                                    angle_step(f, b, c) + angle_step(f, c, i);
                sum += fabs(round(turn / (2.0 * M_PI)));
            }
    return sum;
}

/* Helicity modulus and vortices of an O(n) field, coupling K. */
static void check_turning(const kad_measure *measure, const double *row, int n,
                          const double *f, double K)
{
    const kad_lattice *lattice = measure->action->lattice;
    const int N = lattice->n_sites, d = lattice->d;
    double Y = 0.0;
    for (int mu = 0; mu < d; mu++) {
        int one[3] = {0};
        one[mu] = 1;
        const double h = 2.0 / n * pair_mean(lattice, n, f, one);
        const double s2 = plain_current(lattice, n, f, mu) * 2.0 / (n * (n - 1)) / N;
        assert_close(value_of(measure, row, "helicity_bond")[mu], h, 1e-12);
        assert_close(value_of(measure, row, "helicity_current")[mu], s2, 1e-11);
        Y += (h - K * s2) / d;
    }
    assert_close(*value_of(measure, row, "helicity"), Y, 1e-11);
    if (n != 2 || d < 2) return;
    const double vortices = plain_vortices(lattice, f);
    assert_close(*value_of(measure, row, "vortices"), vortices / (N * d * (d - 1) / 2.0),
                 1e-14);
    if (N > 20) assert_true(vortices > 0);
}

static void check_field(const char *yaml, int d, const int *shape)
{
    fixture f;
    kad_measure *measure;
    double *row;
    expected e;
    fixture_make(&f, yaml, d, shape, false);
    double *x = kad_alloc(f.n_rows, sizeof *x), phi2 = 0, phi4 = 0;
    const int n = f.action->n_comp, N = f.lattice->n_sites;
    for (size_t i = 0; i < f.n_rows; i++)
        x[i] = random_normal(7, i, 1) + 0.3;
    measure_one(&f, x, 12.5, &measure, &row);
    plain(f.lattice, n, x, &e);
    for (int i = 0; i < N; i++) {
        double square = 0;
        for (int a = 0; a < n; a++)
            square += x[i * n + a] * x[i * n + a];
        phi2 += square / N;
        phi4 += square * square / N;
    }
    assert_close(*value_of(measure, row, "energy"), 12.5 / N, 1e-14);
    assert_close(*value_of(measure, row, "bond"), e.bond, 1e-12);
    assert_close(*value_of(measure, row, "m2"), e.m2, 1e-12);
    assert_close(*value_of(measure, row, "m4"), e.m4, 1e-12);
    assert_close(*value_of(measure, row, "abs_m"), e.abs_m, 1e-12);
    assert_close(*value_of(measure, row, "phi2"), phi2, 1e-12);
    assert_close(*value_of(measure, row, "phi4"), phi4, 1e-11);
    int L = 0, n_largest = 0;
    for (int mu = 0; mu < d; mu++)
        L = shape[mu] > L ? shape[mu] : L;
    for (int mu = 0; mu < d; mu++)
        n_largest += shape[mu] == L;
    double total = 0.0;
    for (int r = 0; r <= L / 2; r++) {
        const double C = value_of(measure, row, "correlator_slice")[r];
        assert_close(value_of(measure, row, "correlator_axis")[r], e.axis[r], 1e-12);
        assert_close(C, e.slice[r], 1e-11);
        total += C * (r == 0 || 2 * r == L ? 1 : 2);
        if (n_largest > 1)
            assert_close(value_of(measure, row, "correlator_diagonal")[r], e.diagonal[r],
                         1e-12);
    }
    assert_close(total, N * e.m2, 1e-10);
    check_orbits(measure, row, n, x);
    double power = 0.0;
    for (int mu = 0; mu < d; mu++) {
        int one[3] = {0};
        one[mu] = 1;
        if (shape[mu] == L)
            power += plain_power(f.lattice, n, x, kad_lattice_site(f.lattice, one));
    }
    assert_close(*value_of(measure, row, "structure_kmin"), power / n_largest, 1e-11);
    if (n > 1) check_turning(measure, row, n, x, 0.7);
    kad_free(x);
    kad_free(row);
    kad_measure_destroy(measure);
    fixture_clear(&f);
}

static void fields_equal_plain_sums(void **state)
{
    (void)state;
    const char *real = "action: {name: phi4, form: seed, t: 1, mu: 1, lambda: 1}\n";
    const char *vector =
        "action: {name: phi4, components: 2, form: seed, t: 0.7, mu: 1, lambda: 1}\n";
    const char *three =
        "action: {name: phi4, components: 3, form: seed, t: 0.7, mu: 1, lambda: 1}\n";
    check_field(real, 1, (const int[]){7});
    check_field(real, 2, (const int[]){4, 4});
    check_field(real, 2, (const int[]){2, 2});
    check_field(real, 2, (const int[]){5, 8});
    check_field(real, 2, (const int[]){9, 9});
    check_field(vector, 2, (const int[]){6, 6});
    check_field(vector, 3, (const int[]){4, 3, 4});
    check_field(vector, 2, (const int[]){2, 9});
    check_field(vector, 1, (const int[]){5});
    check_field(three, 2, (const int[]){4, 6});
    check_field(three, 3, (const int[]){3, 3, 3});
    check_field(real, 3, (const int[]){2, 3, 2});
}

/* Rows do not depend on threads or batching. */
static void rows_are_reproducible(void **state)
{
    (void)state;
    enum { ROWS = 37 };
    fixture f;
    kad_measure *one, *two;
    fixture_make(&f, "action: {name: on-dual, components: 2, beta: 0.7}\n", 2,
                 (const int[]){4, 4}, false);
    double *x = kad_alloc(ROWS * f.n_rows, sizeof *x), S[ROWS] = {0};
    uint64_t number[ROWS];
    for (size_t i = 0; i < ROWS * f.n_rows; i++)
        x[i] = random_normal(10, i, 3);
    for (uint64_t i = 0; i < ROWS; i++)
        number[i] = 100 + i;
    f.ctx.n_threads = 1;
    assert_int_equal(kad_measure_create(&f.ctx, f.action, 1, 0, &one), KAD_OK);
    f.ctx.n_threads = 2;
    assert_int_equal(kad_measure_create(&f.ctx, f.action, 1, 0, &two), KAD_OK);
    const size_t bytes = ROWS * one->n_columns * sizeof(double);
    double *a = kad_alloc(1, bytes), *b = kad_alloc(1, bytes);
    kad_measure_rows(one, ROWS, number, x, S, a);
    kad_measure_rows(two, 20, number, x, S, b);
    kad_measure_rows(two, ROWS - 20, number + 20, x + 20 * f.n_rows, S + 20,
                     b + 20 * two->n_columns);
    assert_memory_equal(a, b, bytes);
    kad_free(a);
    kad_free(b);
    kad_free(x);
    kad_measure_destroy(one);
    kad_measure_destroy(two);
    fixture_clear(&f);
}

/* Nearest-neighbour couplings given in a file measure the uniform model's energy and its
 * square; at extent 2 the doubled bond is J = 2. */
static void given_couplings(void **state)
{
    (void)state;
    fixture uniform, given;
    kad_measure *measure;
    double *row, x[24], energy[2], energy2[2];
    char path[] = "/tmp/kad-couplings-XXXXXX", yaml[128], plain_yaml[96];
    const int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    for (int i = 0; i < 4; i++) {
        fprintf(file, "%d %d 2\n", i, i + 4);
        fprintf(file, "%d %d 1\n%d %d 1\n", i, (i + 1) % 4, i + 4, (i + 1) % 4 + 4);
    }
    fclose(file);
    for (size_t i = 0; i < 24; i++)
        x[i] = random_normal(11, i, 4);
    for (int n = 1; n <= 3; n++) {
        snprintf(plain_yaml, sizeof plain_yaml,
                 "action: {name: on-dual, components: %d, beta: 0.3}\n", n);
        snprintf(yaml, sizeof yaml,
                 "action: {name: on-dual, components: %d, beta: 0.3, couplings: %s}\n", n,
                 path);
        fixture_make(&uniform, plain_yaml, 2, (const int[]){2, 4}, false);
        fixture_make(&given, yaml, 2, (const int[]){2, 4}, false);
        for (int k = 0; k < 2; k++) {
            measure_one(k == 0 ? &uniform : &given, x, 0.0, &measure, &row);
            energy[k] = *value_of(measure, row, "energy");
            energy2[k] = *value_of(measure, row, "energy2");
            kad_free(row);
            kad_measure_destroy(measure);
        }
        assert_close(energy[1], energy[0], 1e-14);
        assert_close(energy2[1], energy2[0], 1e-14);
        assert_true(energy2[0] > energy[0] * energy[0] + 0.01);
        fixture_clear(&uniform);
        fixture_clear(&given);
    }
    remove(path);
}

/* Four independent random angles wind around a plaquette with probability 1/3: 3000 fields
 * of 64 plaquettes, z below 5.5 with the fields' own scatter. */
static void random_angles_wind(void **state)
{
    (void)state;
    enum { FIELDS = 3000 };
    fixture f;
    kad_measure *measure;
    double sum = 0.0, square = 0.0, S = 0.0, x[128];
    fixture_make(&f,
                 "action: {name: phi4, components: 2, form: seed, t: 1, mu: 1, "
                 "lambda: 1}\n",
                 2, (const int[]){8, 8}, false);
    assert_int_equal(kad_measure_create(&f.ctx, f.action, 1, 0, &measure), KAD_OK);
    double *row = kad_alloc(measure->n_columns, sizeof *row);
    for (uint64_t k = 0; k < FIELDS; k++) {
        for (uint32_t i = 0; i < 128; i++)
            x[i] = random_normal(40, k, i);
        kad_measure_rows(measure, 1, &k, x, &S, row);
        const double v = *value_of(measure, row, "vortices");
        sum += v / FIELDS;
        square += v * v / FIELDS;
    }
    assert_close(sum, 1.0 / 3.0, 5.5 * sqrt((square - sum * sum) / FIELDS));
    kad_free(row);
    kad_measure_destroy(measure);
    fixture_clear(&f);
}

/* Fields: S is the declared sum of observables. */
static void check_sum(const char *yaml)
{
    fixture f;
    kad_measure *measure;
    double *row, S, sum;
    kad_action_statistics a;
    fixture_make(&f, yaml, 2, (const int[]){4, 3}, false);
    double *x = kad_alloc(f.n_rows, sizeof *x);
    for (size_t i = 0; i < f.n_rows; i++)
        x[i] = random_normal(3, i, 1);
    assert_int_equal(kad_action_values(&f.ctx, f.action, 1, x, &S), KAD_OK);
    measure_one(&f, x, S, &measure, &row);
    f.action->ops->statistics(f.action, &a);
    sum = a.constant;
    for (int i = 0; i < a.n; i++)
        sum += a.c[i] * *value_of(measure, row, a.name[i]);
    assert_close(sum, S, 1e-12 * (1 + fabs(S)));
    kad_free(row);
    kad_free(x);
    kad_measure_destroy(measure);
    fixture_clear(&f);
}

/* Spins: d ln Z / d beta is -sum c' <T>, by differences of enumerated ln Z. */
static void check_slope(double coupling)
{
    enum { LOW, MID, HIGH, POINTS };
    static const double h = 1e-4; /* remainder below 1e-6 */
    double ln_z[POINTS], energy = NAN;
    kad_action_statistics a[POINTS];
    for (int k = 0; k < POINTS; k++) {
        fixture f;
        char yaml[96];
        kad_exact_means exact = {0};
        snprintf(yaml, sizeof yaml,
                 "action: {name: on-dual, beta: %.17g, coupling: %g}\n",
                 0.35 + h * (k - MID), coupling);
        fixture_make(&f, yaml, 2, (const int[]){4, 4}, false);
        ln_z[k] = f.action->log_z_exact;
        f.action->ops->statistics(f.action, &a[k]);
        assert_int_equal(f.action->ops->exact(&f.ctx, f.action, &exact), KAD_OK);
        for (int i = 0; k == MID && i < exact.n; i++)
            if (strcmp(exact.row[i].name, "energy") == 0) energy = exact.row[i].x.value;
        fixture_clear(&f);
    }
    assert_int_equal(a[MID].n, 1);
    assert_string_equal(a[MID].name[0], "drawn_energy");
    assert_close((ln_z[HIGH] - ln_z[LOW]) / (a[HIGH].c[0] - a[LOW].c[0]), -energy, 1e-5);
}

static void actions_are_sums_of_observables(void **state)
{
    (void)state;
    check_sum("action: {name: phi4, form: seed, t: 1.3, mu: -0.7, lambda: 0.4}\n");
    check_sum("action: {name: phi4, components: 2, m2: -4, lambda: 6.975}\n");
    check_sum("action: {name: phi4, components: 3, kappa: 0.5, lambda: 1}\n");
    check_sum(
        "action: {name: phi4, components: 2, form: nicoli, kappa: 0.3, lambda: 0.2}\n");
    check_slope(1);
    check_slope(1.5);
}

static void registry_is_sound(void **state)
{
    (void)state;
    bool binned = false;
    for (size_t i = 0; kad_observables[i] != NULL; i++) {
        const kad_observable_ops *ops = kad_observables[i];
        assert_true(ops->binned || !binned); /* binned ones stand last */
        binned = ops->binned;
        assert_true(ops->name && ops->summary && ops->reference && ops->units &&
                    ops->estimator && ops->applies && ops->evaluate);
        assert_ptr_equal(kad_observable_find(ops->name), ops);
    }
    assert_null(kad_observable_find("nothing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("observables: equal plain sums over sites, d = 1, 2, 3",
              fields_equal_plain_sums),
        CLAIM("observables: rows do not depend on threads or batches",
              rows_are_reproducible),
        CLAIM("observables: independent angles wind around a third of the plaquettes",
              random_angles_wind),
        CLAIM("observables: given couplings enter the energy", given_couplings),
        CLAIM("observables: actions are the sums of them that they declare",
              actions_are_sums_of_observables),
        CLAIM("observables: every registered one is complete", registry_is_sound),
    };
    return cmocka_run_group_tests_name("observables", tests, NULL, NULL);
}
