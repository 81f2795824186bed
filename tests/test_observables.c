/* Every observable against plain sums over sites, and the improved spin estimators
 * against averages over explicit spins. */
#include "measure/measure.h"
#include "models_util.h"

#include <stdlib.h>
#include <unistd.h>

#define CLAIM(text, function)            \
    {                                    \
        text, function, NULL, NULL, NULL \
    }

static const double *value_of(const kad_measure *measure, const double *row,
                              const char *name)
{
    for (int i = 0; i < measure->n; i++)
        if (strcmp(measure->ops[i]->name, name) == 0) return row + measure->offset[i];
    fail_msg("observable %s is missing", name);
    return NULL;
}

static int site_at(const kad_lattice *lattice, int site, const int *shift)
{
    int coords[KAD_MAX_DIM] = {0};
    kad_lattice_coords(lattice, site, coords);
    for (int mu = 0; mu < lattice->d; mu++)
        coords[mu] += shift[mu];
    return kad_lattice_site(lattice, coords);
}

/* (1/N) sum_i f_i . f_{i + shift}, the plain way */
static double pair_mean(const kad_lattice *lattice, int n, const double *f,
                        const int *shift)
{
    double sum = 0.0;
    for (int i = 0; i < lattice->n_sites; i++)
        for (int a = 0; a < n; a++)
            sum += f[i * n + a] * f[site_at(lattice, i, shift) * n + a];
    return sum / lattice->n_sites;
}

typedef struct expected {
    double bond, m2, m4, abs_m, axis[16], diagonal[16], slice[16];
} expected;

static void plain(const kad_lattice *lattice, int n, const double *f, expected *out)
{
    int L = 0, n_axes = 0, n_planes = 0;
    double M2 = 0.0;
    memset(out, 0, sizeof *out);
    for (int mu = 0; mu < lattice->d; mu++)
        L = lattice->shape[mu] > L ? lattice->shape[mu] : L;
    for (int a = 0; a < n; a++) {
        double M = 0.0;
        for (int i = 0; i < lattice->n_sites; i++)
            M += f[i * n + a];
        M2 += M * M / lattice->n_sites / lattice->n_sites;
    }
    out->m2 = M2;
    out->m4 = M2 * M2;
    out->abs_m = sqrt(M2);
    for (int mu = 0; mu < lattice->d; mu++) {
        int one[3] = {0};
        one[mu] = 1;
        out->bond += pair_mean(lattice, n, f, one) / lattice->d;
        if (lattice->shape[mu] != L) continue;
        n_axes++;
        for (int r = 0; r <= L / 2; r++) {
            int s[3] = {0};
            s[mu] = r;
            out->axis[r] += pair_mean(lattice, n, f, s);
            /* every transverse separation */
            for (int i = 0; i < lattice->n_sites; i++) {
                int t[3] = {0};
                kad_lattice_coords(lattice, i, t);
                if (t[mu] != 0) continue;
                t[mu] = r;
                out->slice[r] += pair_mean(lattice, n, f, t);
            }
            for (int nu = mu + 1; nu < lattice->d; nu++) {
                if (lattice->shape[nu] != L) continue;
                n_planes += r == 0;
                s[nu] = r;
                out->diagonal[r] += pair_mean(lattice, n, f, s) / 2;
                s[nu] = L - r;
                out->diagonal[r] += pair_mean(lattice, n, f, s) / 2;
                s[nu] = 0;
            }
        }
    }
    for (int r = 0; r <= L / 2; r++) {
        out->axis[r] /= n_axes;
        out->slice[r] /= n_axes;
        out->diagonal[r] /= n_planes > 0 ? n_planes : 1;
    }
}

static void measure_one(fixture *f, const double *x, double S, kad_measure **measure,
                        double **row)
{
    const uint64_t number = 5;
    assert_int_equal(kad_measure_create(&f->ctx, f->action, 1, 0, measure), KAD_OK);
    *row = kad_alloc((*measure)->n_columns, sizeof **row);
    kad_measure_rows(*measure, 1, &number, x, &S, *row);
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
        "action: {name: phi4, components: 2, form: seed, t: 1, mu: 1, lambda: 1}\n";
    check_field(real, 1, (const int[]){7});
    check_field(real, 2, (const int[]){4, 4});
    check_field(real, 2, (const int[]){2, 2});
    check_field(real, 2, (const int[]){5, 8});
    check_field(real, 2, (const int[]){9, 9});
    check_field(vector, 2, (const int[]){6, 6});
    check_field(vector, 3, (const int[]){4, 3, 4});
    check_field(real, 3, (const int[]){2, 3, 2});
}

/* Given x, spins are independent: improved estimators equal exact averages over all 2^N
 * spin states (n = 1). */
static void ising_estimators_are_exact_averages(void **state)
{
    (void)state;
    enum { N = 12 };
    fixture f;
    kad_measure *measure;
    double *row, x[N];
    fixture_make(&f, "action: {name: on-dual, beta: 0.4}\n", 2, (const int[]){3, 4},
                 false);
    for (size_t i = 0; i < N; i++)
        x[i] = random_normal(8, i, 2);
    measure_one(&f, x, 0.0, &measure, &row);
    expected mean = {0};
    double m = 0.0;
    for (int bits = 0; bits < 1 << N; bits++) {
        double s[N], p = 1.0, M = 0.0;
        expected e;
        for (int i = 0; i < N; i++) {
            s[i] = bits >> i & 1 ? 1.0 : -1.0;
            p *= 1.0 / (1.0 + exp(-2.0 * s[i] * x[i]));
            M += s[i] / N;
        }
        plain(f.lattice, 1, s, &e);
        m += p * M;
        mean.bond += p * e.bond;
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

/* The measured |m| and m^4 of drawn spins average to the estimators' own square, n = 2,
 * 3: <|M|^2> from abs_m^2 against the improved m2, 20000 draws of one field. */
static void drawn_spins_agree(void **state)
{
    (void)state;
    enum { DRAWS = 20000 };
    for (int n = 2; n <= 3; n++) {
        fixture f;
        kad_measure *measure;
        char yaml[96];
        snprintf(yaml, sizeof yaml,
                 "action: {name: on-dual, components: %d, beta: 0.7}\n", n);
        fixture_make(&f, yaml, 2, (const int[]){3, 3}, false);
        double x[27], S = 0.0, sum = 0.0, square = 0.0, m2 = 0.0;
        for (size_t i = 0; i < f.n_rows; i++)
            x[i] = random_normal(9, i, 3);
        assert_int_equal(kad_measure_create(&f.ctx, f.action, 1, 0, &measure), KAD_OK);
        double *row = kad_alloc(measure->n_columns, sizeof *row);
        for (uint64_t k = 0; k < DRAWS; k++) {
            kad_measure_rows(measure, 1, &k, x, &S, row);
            const double a = *value_of(measure, row, "abs_m");
            assert_close(*value_of(measure, row, "m4"), a * a * a * a, 1e-14);
            m2 = *value_of(measure, row, "m2");
            sum += a * a / DRAWS;
            square += a * a * a * a / DRAWS;
        }
        assert_close(sum, m2, 5.5 * sqrt((square - sum * sum) / DRAWS));
        kad_free(row);
        kad_measure_destroy(measure);
        fixture_clear(&f);
    }
}

/* Rows do not depend on threads or batching. */
static void rows_are_reproducible(void **state)
{
    (void)state;
    enum { DRAWS = 37 };
    fixture f;
    kad_measure *one, *two;
    fixture_make(&f, "action: {name: on-dual, components: 2, beta: 0.7}\n", 2,
                 (const int[]){4, 4}, false);
    double *x = kad_alloc(DRAWS * f.n_rows, sizeof *x), S[DRAWS] = {0};
    uint64_t number[DRAWS];
    for (size_t i = 0; i < DRAWS * f.n_rows; i++)
        x[i] = random_normal(10, i, 3);
    for (uint64_t i = 0; i < DRAWS; i++)
        number[i] = 100 + i;
    f.ctx.n_threads = 1;
    assert_int_equal(kad_measure_create(&f.ctx, f.action, 1, 0, &one), KAD_OK);
    f.ctx.n_threads = 2;
    assert_int_equal(kad_measure_create(&f.ctx, f.action, 1, 0, &two), KAD_OK);
    const size_t bytes = DRAWS * one->n_columns * sizeof(double);
    double *a = kad_alloc(1, bytes), *b = kad_alloc(1, bytes);
    kad_measure_rows(one, DRAWS, number, x, S, a);
    kad_measure_rows(two, 20, number, x, S, b);
    kad_measure_rows(two, DRAWS - 20, number + 20, x + 20 * f.n_rows, S + 20,
                     b + 20 * two->n_columns);
    assert_memory_equal(a, b, bytes);
    kad_free(a);
    kad_free(b);
    kad_free(x);
    kad_measure_destroy(one);
    kad_measure_destroy(two);
    fixture_clear(&f);
}

/* 2^16 spin states at T_c, drawn exactly (inverse CDF), then x | s ~ N(A s, A): the
 * estimators average to the enumerated values (PHYSICS of the 4 x 4 lattice), and
 * <|x(0)|^2>/N = A(0) + A(0)^2 N <m^2>, A(0) = A's eigenvalue of the constant field. Ten
 * pulls below 5.5. */
static void exact_dual_draws(void **state)
{
    (void)state;
    enum { N = 16, STATES = 1 << N, DRAWS = 20000, VALUES = 8 };
    static double cumulative[STATES], x[DRAWS * N], y[DRAWS * N], noise[DRAWS * N];
    static uint64_t number[DRAWS];
    static double S[DRAWS];
    const double exact[VALUES] = {
        -1.565623787638, 0.761358908569, 0.665691213267, 0.843860444815,
        0.782811893819,  0.740520446097, 0.713754646840, 0.0};
    fixture f;
    kad_measure *measure;
    fixture_make(&f, "action: {name: on-dual, temperature: 2.269185314213022}\n", 2,
                 (const int[]){4, 4}, false);
    double total = 0.0;
    for (int bits = 0; bits < STATES; bits++) {
        int sum = 0;
        for (int i = 0; i < N; i++)
            for (int k = 0; k < 4; k += 2)
                sum +=
                    (bits >> i & 1) == (bits >> f.lattice->nbr[4 * i + k] & 1) ? 1 : -1;
        total += exp(sum / 2.269185314213022 - 14.0);
        cumulative[bits] = total;
    }
    const kad_rng rng = kad_rng_stream(12, KAD_RNG_TEST, 5);
    for (size_t d = 0; d < DRAWS; d++) {
        const double u = total * kad_rng_uniform(rng, 0, d, 0);
        int lo = 0, hi = STATES - 1;
        while (lo < hi) {
            const int mid = (lo + hi) / 2;
            if (cumulative[mid] > u)
                hi = mid;
            else
                lo = mid + 1;
        }
        for (size_t i = 0; i < N; i++) {
            y[d * N + i] = lo >> i & 1 ? 1.0 : -1.0;
            noise[d * N + i] = random_normal(20, d, (uint32_t)i);
        }
        number[d] = d;
    }
    /* A^{1/2} (A^{1/2} s + noise) */
    double ones[N], A0[N];
    for (int i = 0; i < N; i++)
        ones[i] = 1.0;
    assert_int_equal(kad_action_boundary(&f.ctx, f.action, 1, ones, A0), KAD_OK);
    assert_int_equal(kad_action_boundary(&f.ctx, f.action, DRAWS, y, x), KAD_OK);
    for (size_t i = 0; i < DRAWS * N; i++)
        y[i] = x[i] + noise[i];
    assert_int_equal(kad_action_boundary(&f.ctx, f.action, DRAWS, y, x), KAD_OK);
    assert_int_equal(kad_measure_create(&f.ctx, f.action, 1, 0, &measure), KAD_OK);
    double *rows = kad_alloc(DRAWS * measure->n_columns, sizeof *rows);
    kad_measure_rows(measure, DRAWS, number, x, S, rows);
    double mean[VALUES] = {0}, square[VALUES] = {0};
    const double A = A0[0] * A0[0];
    for (size_t d = 0; d < DRAWS; d++) {
        const double *row = rows + d * measure->n_columns;
        double M = 0.0;
        for (size_t i = 0; i < N; i++)
            M += x[d * N + i];
        const double found[VALUES] = {*value_of(measure, row, "energy"),
                                      *value_of(measure, row, "m2"),
                                      *value_of(measure, row, "m4"),
                                      *value_of(measure, row, "abs_m"),
                                      value_of(measure, row, "correlator_axis")[1],
                                      value_of(measure, row, "correlator_diagonal")[1],
                                      value_of(measure, row, "correlator_diagonal")[2],
                                      (M * M / N - A) / (A * A) - N * exact[1]};
        for (int k = 0; k < VALUES; k++) {
            mean[k] += found[k] / DRAWS;
            square[k] += found[k] * found[k] / DRAWS;
        }
    }
    for (int k = 0; k < VALUES; k++)
        assert_close(mean[k], exact[k],
                     5.5 * sqrt((square[k] - mean[k] * mean[k]) / DRAWS));
    kad_free(rows);
    kad_measure_destroy(measure);
    fixture_clear(&f);
}

/* Nearest-neighbour couplings given in a file measure the uniform model's energy; at
 * extent 2 the doubled bond is J = 2. */
static void given_couplings(void **state)
{
    (void)state;
    fixture uniform, given;
    kad_measure *measure;
    double *row, x[8], energy[2];
    char path[] = "/tmp/kad-couplings-XXXXXX", yaml[128];
    const int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    for (int i = 0; i < 4; i++) {
        fprintf(file, "%d %d 2\n", i, i + 4);
        fprintf(file, "%d %d 1\n%d %d 1\n", i, (i + 1) % 4, i + 4, (i + 1) % 4 + 4);
    }
    fclose(file);
    snprintf(yaml, sizeof yaml, "action: {name: on-dual, beta: 0.3, couplings: %s}\n",
             path);
    fixture_make(&uniform, "action: {name: on-dual, beta: 0.3}\n", 2, (const int[]){2, 4},
                 false);
    fixture_make(&given, yaml, 2, (const int[]){2, 4}, false);
    for (size_t i = 0; i < 8; i++)
        x[i] = random_normal(11, i, 4);
    for (int k = 0; k < 2; k++) {
        measure_one(k == 0 ? &uniform : &given, x, 0.0, &measure, &row);
        energy[k] = *value_of(measure, row, "energy");
        kad_free(row);
        kad_measure_destroy(measure);
    }
    assert_close(energy[1], energy[0], 1e-14);
    remove(path);
    fixture_clear(&uniform);
    fixture_clear(&given);
}

static void registry_is_sound(void **state)
{
    (void)state;
    for (size_t i = 0; kad_observables[i] != NULL; i++) {
        const kad_observable_ops *ops = kad_observables[i];
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
        CLAIM("observables: Ising estimators equal averages over all spin states",
              ising_estimators_are_exact_averages),
        CLAIM("observables: drawn spins agree with the improved estimators",
              drawn_spins_agree),
        CLAIM("observables: rows do not depend on threads or batches",
              rows_are_reproducible),
        CLAIM("observables: exact dual draws of 4 x 4 spins give the enumerated values",
              exact_dual_draws),
        CLAIM("observables: given couplings enter the energy", given_couplings),
        CLAIM("observables: every registered one is complete", registry_is_sound),
    };
    return cmocka_run_group_tests_name("observables", tests, NULL, NULL);
}
