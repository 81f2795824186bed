/* O(n) dual: ln Z of the spins by quadrature over the field, independence of epsilon and of
 * the representation, file couplings against uniform ones, hostile coupling files. */
#include "io/h5.h"
#include "models/dual.h"
#include "models/exact.h"
#include "tests/support/models_util.h"

#include <stdlib.h>
#include <unistd.h>

static const double T_C = 2.269185314213022;

static char folder[] = "/tmp/kadanoff-test-dual-XXXXXX";
static char path[64];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/J.txt", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char h5[80];
    snprintf(h5, sizeof h5, "%s/J.h5", folder);
    unlink(path);
    unlink(h5);
    return rmdir(folder);
}

static void write_file(const char *text, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static double S_of(fixture *f, const double *y)
{
    double S;
    assert_int_equal(kad_action_values(&f->ctx, f->action, 1, y, &S), KAD_OK);
    return S;
}

/* ln int exp(-S) over [-range, range]^4, trapezoid: one-component fields on four sites. */
static double integrate4(fixture *f, double range, int M)
{
    const double step = 2 * range / M;
    const size_t block = (size_t)(M * M);
    double *y = kad_alloc(block * 4, sizeof *y), *S = kad_alloc(block, sizeof *S), z = 0;
    for (int i = 0; i < M * M; i++) {
        for (int j = 0; j < M * M; j++) {
            const int k[4] = {i / M, i % M, j / M, j % M};
            for (int a = 0; a < 4; a++)
                y[4 * j + a] = -range + (k[a] + 0.5) * step;
        }
        assert_int_equal(kad_action_values(&f->ctx, f->action, block, y, S), KAD_OK);
        for (size_t j = 0; j < block; j++)
            z += exp(-S[j]);
    }
    kad_free(y);
    kad_free(S);
    return log(z) + 4 * log(step);
}

static void ising_by_quadrature(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        double range;
        int points;
    } cases[] = {
        {"action: {beta: 0.3, epsilon: 0.5}", 8.5, 36},
        {"action: {beta: 0.3, epsilon: 1.5}", 8.5, 36},
        {"action: {beta: 0.3, epsilon: 1.5, representation: field}", 18, 44},
    };
    for (int i = 0; i < 3; i++) {
        fixture f;
        fixture_make(&f, cases[i].yaml, 2, (int[]){2, 2}, false);
        const double ln_z =
            integrate4(&f, cases[i].range, cases[i].points) + f.action->log_z_offset;
        assert_close(ln_z, f.action->log_z_exact, 1e-7);
        assert_close(f.action->log_z_exact,
                     kad_exact_spin_ring(1, 4, 0.6).value + 4 * M_LN2, 1e-13);
        fixture_clear(&f);
    }
}

/* Two sites, n components: S depends on r0, r1 and the angle between them. */
static double integrate_pair(fixture *f, int n, double range)
{
    enum { M = 60, A = 48 };
    const double step = range / M, turn = M_PI / A;
    const size_t rows = 2 * (size_t)n;
    double *y = kad_alloc((size_t)M * A * rows, sizeof *y), S[M * A], z = 0;
    for (int i = 0; i < M; i++) {
        const double r0 = (i + 0.5) * step;
        for (int j = 0; j < M; j++)
            for (int a = 0; a < A; a++) {
                double *at = y + (size_t)(j * A + a) * rows;
                const double r1 = (j + 0.5) * step, angle = (a + 0.5) * turn;
                at[0] = r0;
                at[n] = r1 * cos(angle);
                at[n + 1] = r1 * sin(angle);
            }
        assert_int_equal(kad_action_values(&f->ctx, f->action, (size_t)M * A, y, S),
                         KAD_OK);
        for (int j = 0; j < M; j++)
            for (int a = 0; a < A; a++) {
                const double r1 = (j + 0.5) * step, sine = sin((a + 0.5) * turn);
                /* n = 2: 2 pi r0 dr0 . 2 r1 dr1 dtheta; n = 3: 4 pi . 2 pi sin theta */
                z += exp(-S[j * A + a]) *
                     (n == 2 ? 4 * M_PI * r0 * r1
                             : 8 * M_PI * M_PI * r0 * r0 * r1 * r1 * sine);
            }
    }
    kad_free(y);
    return log(z) + 2 * log(step) + log(turn);
}

/* Midpoint errors: step^2/24 for the radial integrals of n = 2, turn^2/24 for the polar
 * angle of n = 3, relative: 5e-4; the radial rule of n = 3 converges fast. */
static void pairs_by_quadrature(void **state)
{
    (void)state;
    for (int n = 2; n <= 3; n++)
        for (int field = 0; field < 2; field++) {
            char yaml[128];
            fixture f;
            snprintf(
                yaml, sizeof yaml,
                "action: {components: %d, beta: 0.4, epsilon: 0.8, representation: %s}",
                n, field ? "field" : "whitened");
            fixture_make(&f, yaml, 1, (int[]){2}, false);
            const double ln_z =
                integrate_pair(&f, n, field ? 11 : 7.5) + f.action->log_z_offset;
            assert_close(ln_z, f.action->log_z_exact, 2e-3);
            assert_close(f.action->log_z_exact, kad_exact_spin_ring(n, 2, 0.4).value,
                         1e-13);
            fixture_clear(&f);
        }
}

/* Tabulated ln Z_dual at T_c with epsilon = 0.1: the field's own integral. */
static void tabulated_constants(void **state)
{
    (void)state;
    static const double ln_z_dual[] = {37.3767316899, 148.655016281, 592.875739858};
    static const double digits[] = {5.1e-11, 5.1e-10, 5.1e-10};
    for (int i = 0; i < 3; i++) {
        const int L = 4 << i;
        fixture f;
        fixture_make(&f,
                     "action: {temperature: 2.269185314213022, representation: field}", 2,
                     (int[]){L, L}, false);
        assert_string_equal(f.action->log_z_source, "Kaufman");
        assert_close(f.action->log_z_exact - f.action->log_z_offset, ln_z_dual[i],
                     digits[i]);
        fixture_clear(&f);
    }
}

/* S_whitened(y) = S_field(A^1/2 y), and the constants differ by ln det A^(n/2) only. The
 * offsets of two epsilons differ as ln int exp(-S) does: checked by the quadratures. */
static void representations_agree(void **state)
{
    (void)state;
    for (int n = 1; n <= 3; n++) {
        char yaml[128];
        fixture white, field;
        snprintf(yaml, sizeof yaml, "action: {components: %d, beta: 0.7, epsilon: 0.2}",
                 n);
        fixture_make(&white, yaml, 2, (int[]){4, 6}, false);
        snprintf(
            yaml, sizeof yaml,
            "action: {components: %d, beta: 0.7, epsilon: 0.2, representation: field}",
            n);
        fixture_make(&field, yaml, 2, (int[]){4, 6}, false);
        double y[72], x[72], same[72], ln_det = 0;
        for (uint32_t i = 0; i < white.n_rows; i++)
            y[i] = random_normal(3, 0, i);
        assert_int_equal(kad_action_boundary(&white.ctx, white.action, 1, y, x), KAD_OK);
        assert_int_equal(kad_action_boundary(&field.ctx, field.action, 1, x, same),
                         KAD_OK);
        assert_memory_equal(x, same, white.n_rows * sizeof *x);
        assert_close(S_of(&white, y), S_of(&field, x), 1e-11);
        for (int k = 0; k < 24; k++)
            ln_det += log(0.2 + 0.7 * (8 - kad_lattice_khat2(white.lattice, k)));
        assert_close(white.action->log_z_offset - field.action->log_z_offset,
                     0.5 * n * ln_det, 1e-11);
        fixture_clear(&white);
        fixture_clear(&field);
    }
}

/* Nearest-neighbour J = 1 written to a file gives the uniform action (double bonds added). */
static void file_equals_uniform(void **state)
{
    (void)state;
    static const int shapes[][3] = {{6}, {4, 3}, {2, 4}, {3, 2, 2}};
    for (int s = 0; s < 4; s++)
        for (int n = 1; n <= 3; n++)
            for (int field = 0; field < 2; field++) {
                const int d = shapes[s][1] == 0 ? 1 : shapes[s][2] == 0 ? 2 : 3;
                char yaml[256], text[8192] = "# nearest neighbours\n\n";
                fixture u, f;
                snprintf(yaml, sizeof yaml,
                         "action: {components: %d, beta: 0.3, representation: %s}", n,
                         field ? "field" : "whitened");
                fixture_make(&u, yaml, d, shapes[s], false);
                for (int i = 0; i < u.lattice->n_sites; i++)
                    for (int j = 0; j < i; j++) {
                        int bonds = 0;
                        for (int b = 0; b < 2 * d; b++)
                            bonds += u.lattice->nbr[2 * d * i + b] == j;
                        if (bonds)
                            snprintf(text + strlen(text), sizeof text - strlen(text),
                                     "%d\t%d %d.0 # bond\n", i, j, bonds);
                    }
                write_file(text, strlen(text));
                snprintf(yaml, sizeof yaml,
                         "action: {components: %d, beta: 0.3, representation: %s, "
                         "couplings: %s}",
                         n, field ? "field" : "whitened", path);
                fixture_make(&f, yaml, d, shapes[s], false);
                assert_false(f.action->flags & KAD_ACTION_TRANSLATION);
                assert_close(f.action->log_z_offset, u.action->log_z_offset, 1e-11);
                if (n == 1)
                    assert_close(f.action->log_z_exact, u.action->log_z_exact, 1e-12);
                double y[64];
                for (int k = 0; k < 5; k++) {
                    for (uint32_t i = 0; i < u.n_rows; i++)
                        y[i] = random_normal(4, (uint64_t)k, i);
                    assert_close(S_of(&f, y), S_of(&u, y), 1e-10);
                }
                fixture_clear(&u);
                fixture_clear(&f);
            }
}

/* A spin glass on 4 x 4: gradient by Taylor, exact ln Z by enumeration, and the same from an
 * HDF5 file; S(x) by a direct solve of A u = x. */
static double direct_S(int N, const double *J, double beta, double epsilon,
                       double lambda_min, const double *x)
{
    double A[16 * 17], S = 0;
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++)
            A[i * (N + 1) + j] =
                beta * J[i * N + j] + (i == j ? epsilon - beta * lambda_min : 0);
        A[i * (N + 1) + N] = x[i];
    }
    for (int p = 0; p < N; p++) /* positive definite: no pivoting needed */
        for (int i = 0; i < N; i++) {
            if (i == p) continue;
            const double f = A[i * (N + 1) + p] / A[p * (N + 1) + p];
            for (int j = p; j <= N; j++)
                A[i * (N + 1) + j] -= f * A[p * (N + 1) + j];
        }
    for (int i = 0; i < N; i++)
        S += 0.5 * x[i] * A[i * (N + 1) + N] / A[i * (N + 1) + i] - log(cosh(x[i]));
    return S;
}

static void spin_glass(void **state)
{
    (void)state;
    char text[4096] = "", yaml[256], h5_path[80];
    double J[256] = {0};
    fixture f, g;
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < i; j++) {
            const double v = random_normal(21, (uint64_t)i, (uint32_t)j);
            if (fabs(v) < 0.6) continue;
            J[i * 16 + j] = J[j * 16 + i] = v;
            snprintf(text + strlen(text), sizeof text - strlen(text), "%d %d %.17g\n", i,
                     j, v);
        }
    write_file(text, strlen(text));
    snprintf(yaml, sizeof yaml,
             "action: {beta: 0.8, representation: field, couplings: %s}", path);
    fixture_make(&f, yaml, 2, (int[]){4, 4}, false);
    const kad_dual *dual = f.action->self;
    double lowest = 1e9, x[16], u[16], energy[2], dot = 0;
    for (int k = 0; k < 16; k++)
        lowest = fmin(lowest, dual->spectrum[k]);
    for (uint32_t i = 0; i < 16; i++) {
        x[i] = 2 * random_normal(22, 0, i);
        u[i] = random_normal(23, 0, i);
    }
    assert_close(S_of(&f, x), direct_S(16, J, 0.8, 0.1, lowest, x), 1e-10);
    /* gradient along u */
    tile t;
    tile_make(&t, &f, KAD_DOUBLE);
    for (size_t i = 0; i < 16; i++)
        tile_set(&t, t.y, i, 0, x[i]);
    tile_gradient(&t);
    for (size_t i = 0; i < 16; i++)
        dot += u[i] * tile_get(&t, t.g, i, 0);
    for (int side = 0; side < 2; side++) {
        double y[16];
        for (int i = 0; i < 16; i++)
            y[i] = x[i] + (side ? 1e-4 : -1e-4) * u[i];
        energy[side] = S_of(&f, y);
    }
    assert_close((energy[1] - energy[0]) / 2e-4, dot, 1e-6 * (1 + fabs(dot)));
    tile_clear(&t);
    /* exact */
    kad_exact_spins spins;
    assert_int_equal(kad_exact_enumerate(&f.ctx, 16, J, 0.8, &spins, NULL), KAD_OK);
    assert_close(f.action->log_z_exact, spins.ln_z.value, 1e-12);
    assert_string_equal(f.action->log_z_source, "enumeration");
    /* the same couplings as a matrix */
    kad_h5 *file;
    snprintf(h5_path, sizeof h5_path, "%s/J.h5", folder);
    assert_int_equal(kad_h5_create(&f.ctx, &file), KAD_OK);
    assert_int_equal(
        kad_h5_write(&f.ctx, file, "/couplings", KAD_H5_F64, 2, (size_t[]){16, 16}, J),
        KAD_OK);
    assert_int_equal(kad_h5_save(&f.ctx, file, h5_path, false), KAD_OK);
    snprintf(yaml, sizeof yaml,
             "action: {beta: 0.8, representation: field, couplings: %s}", h5_path);
    fixture_make(&g, yaml, 2, (int[]){4, 4}, false);
    assert_true(S_of(&g, x) == S_of(&f, x));
    fixture_clear(&g);
    J[3] += 1; /* no longer symmetric */
    assert_int_equal(
        kad_h5_write(&f.ctx, file, "/couplings", KAD_H5_F64, 2, (size_t[]){16, 16}, J),
        KAD_OK);
    assert_int_equal(kad_h5_save(&f.ctx, file, h5_path, false), KAD_OK);
    assert_int_equal(fixture_try(&g, yaml, 2, (int[]){4, 4}, false), KAD_EDATA);
    fixture_clear(&g);
    assert_int_equal(fixture_try(&g, yaml, 2, (int[]){4, 2}, false), KAD_EDATA);
    fixture_clear(&g);
    kad_h5_close(file);
    fixture_clear(&f);
}

/* Where ln Z is known, and where it is not. */
static void known_partition_functions(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        int d, shape[3];
        const char *source;
    } cases[] = {
        {"action: {beta: 0.4}", 2, {8, 6}, "Kaufman"},
        {"action: {beta: 0.4}", 1, {50}, "ring"},
        {"action: {components: 2, beta: 1}", 1, {9}, "ring"},
        {"action: {components: 2, beta: 0.5}", 2, {2, 2}, "ring"},
        {"action: {components: 3, beta: 0.5}", 2, {2, 2}, "ring"},
        {"action: {beta: 0.2}", 3, {2, 2, 4}, "enumeration"},
        {"action: {beta: 0.2}", 3, {3, 3, 3}, "transfer matrix"},
        {"action: {beta: 0.2}", 3, {4, 4, 4}, NULL},
        {"action: {components: 2, beta: 1}", 2, {4, 4}, NULL},
        {"action: {components: 2, beta: 0}", 2, {4, 4}, "free spins"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture f;
        fixture_make(&f, cases[i].yaml, cases[i].d, cases[i].shape, false);
        if (cases[i].source) {
            assert_string_equal(f.action->log_z_source, cases[i].source);
            assert_true(isfinite(f.action->log_z_exact));
        } else {
            assert_null(f.action->log_z_source);
            assert_true(isnan(f.action->log_z_exact));
        }
        fixture_clear(&f);
    }
    fixture f;
    fixture_make(&f, "action: {components: 2, beta: 0.5}", 2, (int[]){2, 2}, false);
    assert_close(f.action->log_z_exact, 1.0203191668, 5.1e-11);
    fixture_clear(&f);
    fixture_make(&f, "action: {}", 2, (int[]){8, 8}, false); /* the default: critical */
    assert_close(kad_action_get(f.action, "temperature"), T_C, 1e-14);
    assert_close(f.action->log_z_exact, 60.1417807890692, 1e-12);
    assert_int_equal(kad_action_set(&f.ctx, f.action, "beta", -1), KAD_ECONFIG);
    assert_int_equal(kad_action_set(&f.ctx, f.action, "temperature", 0), KAD_ECONFIG);
    assert_int_equal(kad_action_set(&f.ctx, f.action, "temperature", 2.5), KAD_OK);
    kad_exact_thermo thermo;
    kad_exact_kaufman(8, 8, 0.4, &thermo);
    assert_close(f.action->log_z_exact, thermo.ln_z.value, 1e-12);
    fixture_clear(&f);
}

/* action.coupling is the J of every bond: the same action and ln Z as the file that lists
 * them, on two sublattices and frustrated, at any size of J. */
static void uniform_coupling(void **state)
{
    (void)state;
    static const struct {
        double J;
        int n, shape[2];
    } cases[] = {{-1, 1, {4, 4}}, {-1, 1, {3, 3}},  {-1, 1, {3, 4}},
                 {-1, 2, {3, 4}}, {2.5, 1, {4, 4}}, {-0.5, 3, {4, 5}}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const int *shape = cases[k].shape, N = shape[0] * shape[1];
        char yaml[256], text[2048] = "";
        double x[60];
        fixture uniform, file;
        snprintf(yaml, sizeof yaml,
                 "action: {components: %d, beta: 0.4, coupling: %g, epsilon: 0.1, "
                 "representation: field}",
                 cases[k].n, cases[k].J);
        fixture_make(&uniform, yaml, 2, shape, false);
        for (int i = 0; i < N; i++)
            for (int a = 0; a < 2; a++)
                snprintf(text + strlen(text), sizeof text - strlen(text), "%d %d %g\n", i,
                         uniform.lattice->nbr[2 * (2 * i + a)], cases[k].J);
        write_file(text, strlen(text));
        snprintf(yaml, sizeof yaml,
                 "action: {components: %d, beta: 0.4, couplings: %s, epsilon: 0.1, "
                 "representation: field}",
                 cases[k].n, path);
        fixture_make(&file, yaml, 2, shape, false);
        for (size_t r = 0; r < uniform.n_rows; r++)
            x[r] = random_normal(k, 0, (uint32_t)r);
        const double S = S_of(&uniform, x);
        assert_close(S, S_of(&file, x), 1e-11 * (1 + fabs(S)));
        assert_close(uniform.action->log_z_offset, file.action->log_z_offset, 1e-10);
        if (cases[k].n == 1) {
            assert_close(uniform.action->log_z_exact, file.action->log_z_exact, 1e-10);
            assert_true(isfinite(uniform.action->log_z_exact));
        }
        fixture_clear(&uniform);
        fixture_clear(&file);
    }
    char yaml[256];
    fixture f;
    snprintf(yaml, sizeof yaml, "action: {beta: 0.4, coupling: -1, couplings: %s}", path);
    assert_int_equal(fixture_try(&f, yaml, 2, (int[]){4, 5}, false), KAD_ECONFIG);
    fixture_clear(&f);
}

static void hostile_files(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "0 1",          "0 1 1 1",
        "0 1 x",        "0 1 nan",
        "0 1 inf",      "0 1 1e7",
        "0 0 1",        "0 16 1",
        "-1 2 1",       "0 1.5 1",
        "0 1 1\n1 0 1", "0 1 1\n0 1 1",
        "0 1 0,5",      "0x1 2 1",
        "0 1 1e999",    "99999999999999999999 1 1",
        "\x01\x02\x03", "0 1 1 \n2 3 4 5 6 7 8 9",
    };
    char yaml[256];
    fixture f;
    snprintf(yaml, sizeof yaml, "action: {beta: 0.5, couplings: %s}", path);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file(bad[i], strlen(bad[i]));
        if (fixture_try(&f, yaml, 2, (int[]){4, 4}, false) != KAD_EDATA)
            fail_msg("accepted \"%s\"", bad[i]);
        assert_non_null(strstr(f.ctx.message, path));
        fixture_clear(&f);
    }
    char longest[2000];
    memset(longest, '1', sizeof longest);
    write_file(longest, sizeof longest);
    assert_int_equal(fixture_try(&f, yaml, 2, (int[]){4, 4}, false), KAD_EDATA);
    fixture_clear(&f);
    write_file("0 1 1\n\0 2 3 junk\n", 18);
    assert_int_equal(fixture_try(&f, yaml, 2, (int[]){4, 4}, false), KAD_EDATA);
    fixture_clear(&f);
    static const char *const empty[] = {"", "# nothing\n\n", "0 1 0\n"};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++) {
        write_file(empty[i], strlen(empty[i]));
        assert_int_equal(fixture_try(&f, yaml, 2, (int[]){4, 4}, false), KAD_EDATA);
        assert_non_null(strstr(f.ctx.message, "no coupling"));
        fixture_clear(&f);
    }
    unlink(path);
    assert_int_equal(fixture_try(&f, yaml, 2, (int[]){4, 4}, false), KAD_ENOINPUT);
    fixture_clear(&f);
    assert_int_equal(fixture_try(&f, yaml, 2, (int[]){64, 64}, false), KAD_ECONFIG);
    fixture_clear(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(ising_by_quadrature),
                                       cmocka_unit_test(pairs_by_quadrature),
                                       cmocka_unit_test(tabulated_constants),
                                       cmocka_unit_test(representations_agree),
                                       cmocka_unit_test(file_equals_uniform),
                                       cmocka_unit_test(spin_glass),
                                       cmocka_unit_test(known_partition_functions),
                                       cmocka_unit_test(uniform_coupling),
                                       cmocka_unit_test(hostile_files)};
    return cmocka_run_group_tests_name(
        "dual: ln Z of the spins, representations, couplings from files", tests,
        make_folder, remove_folder);
}
