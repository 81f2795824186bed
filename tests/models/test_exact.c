/* Exact results against published tables, independent computations of the same and each
 * other, over everything the config allows. What a result says of its own error must
 * cover its distance from the other method. */
#include "models/exact_ring.h"
#include "models/legendre.h"
#include "models/single_site.h"
#include "tests/models/exact_case.h"

static const double T_C = 2.269185314213022;

/* J of the uniform lattice, doubled bonds included. */
static double *uniform(const kad_lattice *l)
{
    const int N = l->n_sites;
    double *J = kad_alloc((size_t)(N * N), sizeof *J);
    for (int i = 0; i < N; i++)
        for (int b = 0; b < 2 * l->d; b++)
            J[i * N + l->nbr[2 * l->d * i + b]] += 1;
    return J;
}

/* All digits of the table are right: half a unit of the last one. */
static void kaufman_table(void **state)
{
    (void)state;
    static const struct {
        int L;
        double ln_z, energy, c, tol_c;
    } table[] = {{4, 15.5219154587553, -1.565623787638, 0.7832668259, 5.1e-11},
                 {8, 60.1417807890692, -1.491589107440, 1.14555924, 5.1e-9},
                 {16, 238.642256635133, -1.453064852813, 1.498704959, 5.1e-10}};
    for (int i = 0; i < 3; i++) {
        kad_exact_thermo t;
        kad_exact_kaufman(table[i].L, table[i].L, 1 / T_C, &t);
        assert_close(t.ln_z.value, table[i].ln_z, 5e-13 * table[i].ln_z);
        assert_close(t.energy.value, table[i].energy, 6e-13);
        assert_close(t.specific_heat.value, table[i].c, table[i].tol_c);
    }
}

/* 60-digit numbers from the product over both momenta (exact_reference.bc): 25 digits. */
static void kaufman_reference(void **state)
{
    (void)state;
    const char *folder = getenv("KAD_SRCDIR");
    char path[1024], line[512];
    int n = 0, lx, ly;
    snprintf(path, sizeof path, "%s/tests/models/exact_reference.txt",
             folder ? folder : ".");
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        double K, ln_z, energy, c;
        kad_exact_thermo t;
        if (line[0] == '#') continue;
        assert_int_equal(
            sscanf(line, "%d %d %lf %lf %lf %lf", &lx, &ly, &K, &ln_z, &energy, &c), 6);
        kad_exact_kaufman(lx, ly, K, &t);
        assert_agree(t.ln_z, about(ln_z, 1e-15));
        assert_agree(t.energy, about(energy, 1e-12 * fmin(K, 1))); /* 25 decimals */
        assert_agree(t.specific_heat, about(c, 1e-14));
        assert_true(kad_exact_certain_ln_z(t.ln_z) && kad_exact_certain(t.energy));
        assert_true(kad_exact_certain(t.specific_heat) || K > 3.3);
        n++;
    }
    fclose(file);
    assert_int_equal(n, 36);
}

/* Every temperature the config allows, beta = 0 and the end of the exponent's range. */
static void kaufman_against_enumeration(void **state)
{
    (void)state;
    static const int shapes[][2] = {{2, 2}, {2, 3}, {3, 3}, {2, 5}, {3, 4}};
    for (int s = 0; s < 5; s++) {
        kad_lattice *l = lattice_of(2, shapes[s][0], shapes[s][1], 0);
        double *J = uniform(l);
        for (double K = 1e3; K > 1e-320; K *= K > 1e-13 ? step(0.6) : 1e-9) {
            kad_exact_thermo t;
            kad_exact_spins e;
            kad_exact_kaufman(shapes[s][0], shapes[s][1], K, &t);
            assert_int_equal(kad_exact_enumerate(&ctx, l->n_sites, J, K, &e, NULL),
                             KAD_OK);
            assert_agree(t.ln_z, e.ln_z);
            assert_agree(t.energy, per_site(e.energy, l->n_sites));
            assert_agree(t.specific_heat, per_site(e.specific_heat, l->n_sites));
            assert_true(kad_exact_certain_ln_z(t.ln_z) && kad_exact_certain_ln_z(e.ln_z));
            assert_true(kad_exact_certain(t.energy) && kad_exact_certain(e.energy));
            assert_true(kad_exact_certain(e.specific_heat));
            assert_true(kad_exact_certain(t.specific_heat) || K > 3.3);
        }
        kad_free(J);
        kad_lattice_destroy(l);
    }
}

/* On large lattices: the leading terms of the expansions at both ends, and ln Z = N e K +
 * ... in between by the derivatives below. */
static void kaufman_at_both_ends(void **state)
{
    (void)state;
    kad_exact_thermo t;
    kad_exact_kaufman(64, 64, 1e-12, &t); /* T = 1e12 */
    assert_close(t.energy.value, -2e-12, 1e-26);
    assert_close(t.specific_heat.value, 2e-24, 1e-38);
    kad_exact_kaufman(4, 6, 356, &t);
    assert_close(t.ln_z.value, 2 * 24 * 356 + M_LN2, 1e-10);
    for (double K = 4; K < 1000; K *= step(1.2)) {
        kad_exact_kaufman(64, 2048, K, &t);
        assert_close(t.ln_z.value, 131072 * (2 * K + exp(-8 * K)) + M_LN2, t.ln_z.error);
        assert_close(t.specific_heat.value, 64 * K * K * exp(-8 * K),
                     (8 * exp(-4 * K) + 1e-14) * t.specific_heat.value + DBL_MIN);
        assert_true(kad_exact_certain(t.specific_heat));
    }
    /* the series used there and the general formula, where both are good */
    static const double K[] = {3.4600001, 3.45999};
    double c[2];
    for (int i = 0; i < 2; i++) {
        kad_exact_kaufman(32, 32, K[i], &t);
        c[i] = t.specific_heat.value / (64 * K[i] * K[i] * exp(-8 * K[i]));
    }
    assert_close(c[0], c[1], 1e-8);
}

/* Energy and specific heat are the derivatives of ln Z, at any size and temperature. */
static void kaufman_derivatives(void **state)
{
    (void)state;
    static const int sizes[][2] = {{2, 2}, {3, 5}, {16, 8}, {64, 64}, {1000, 1000}};
    for (int i = 0; i < 5; i++)
        for (double T = 0.4; T < 30; T *= 1.4) {
            const int lx = sizes[i][0], ly = sizes[i][1];
            const double K = 1 / T, e = 1e-5 * K, N = (double)lx * ly;
            kad_exact_thermo t, up, down;
            kad_exact_kaufman(lx, ly, K, &t);
            kad_exact_kaufman(lx, ly, K + e, &up);
            kad_exact_kaufman(lx, ly, K - e, &down);
            /* rounding of ln Z is about 1e-15 ln Z; differences divide it by 2e */
            const double noise = 1e-14 * fabs(t.ln_z.value) / (2 * e * N);
            assert_close(-(up.ln_z.value - down.ln_z.value) / (2 * e * N), t.energy.value,
                         1e-7 + noise);
            assert_close(-K * K * (up.energy.value - down.energy.value) / (2 * e),
                         t.specific_heat.value, 1e-6 * (1 + t.specific_heat.value));
        }
}

/* 2^8 states: an independent computation above, at and below T_c, and far below. */
static void kaufman_against_transfer_matrix(void **state)
{
    (void)state;
    static const double K[] = {1e-3, 0.01, 0.1, 0.32, 0.44, 0.5, 1, 2, 17, 20, 360, 1e3};
    static const int shapes[][2] = {{8, 8}, {4, 16}, {5, 7}, {2, 9}, {2, 2}, {3, 3}};
    for (int s = 0; s < 6; s++) {
        kad_lattice *l = lattice_of(2, shapes[s][0], shapes[s][1], 0);
        double *bond = kad_alloc((size_t)l->n_sites * 2, sizeof *bond);
        for (int i = s ? 0 : 3; i < (s ? 12 : 9); i++) { /* 8 x 8 is slow in logarithms */
            kad_exact_value ln_z;
            kad_exact_thermo t;
            for (int b = 0; b < 2 * l->n_sites; b++)
                bond[b] = K[i];
            assert_int_equal(kad_exact_transfer(&ctx, l, bond, &ln_z), KAD_OK);
            kad_exact_kaufman(shapes[s][0], shapes[s][1], K[i], &t);
            assert_agree(t.ln_z, ln_z);
            assert_true(kad_exact_certain_ln_z(ln_z));
        }
        kad_free(bond);
        kad_lattice_destroy(l);
    }
}

/* Random bonds on a 3 x 5 and a 2 x 2 x 3 lattice: transfer matrix against enumeration, up
 * to couplings where every configuration but a few underflows. */
static void random_bonds(void **state)
{
    (void)state;
    for (int d = 2; d <= 3; d++) {
        kad_lattice *l = d == 2 ? lattice_of(2, 3, 5, 0) : lattice_of(3, 2, 2, 3);
        const int N = l->n_sites;
        double *bond = kad_alloc((size_t)(N * d), sizeof *bond);
        double *J = kad_alloc((size_t)(N * N), sizeof *J);
        for (double beta = 1e-9; beta < 2e9; beta *= step(40)) {
            for (int i = 0; i < N * N; i++)
                J[i] = 0;
            for (int i = 0; i < N; i++)
                for (int a = 0; a < d; a++) {
                    const int j = l->nbr[2 * (i * d + a)];
                    const double g = random_normal(11, 0, (uint32_t)(i * d + a));
                    bond[i * d + a] = beta * g;
                    J[i * N + j] += g;
                    J[j * N + i] += g;
                }
            kad_exact_value ln_z;
            kad_exact_spins spins;
            assert_int_equal(kad_exact_transfer(&ctx, l, bond, &ln_z), KAD_OK);
            assert_int_equal(kad_exact_enumerate(&ctx, N, J, beta, &spins, NULL), KAD_OK);
            assert_agree(spins.ln_z, ln_z);
            assert_true(kad_exact_certain_ln_z(ln_z));
            assert_true(kad_exact_certain_ln_z(spins.ln_z));
        }
        kad_free(bond);
        kad_free(J);
        kad_lattice_destroy(l);
    }
}

static void enumeration_table(void **state)
{
    (void)state;
    kad_lattice *l = lattice_of(2, 4, 4, 0);
    double corr[256], *J = uniform(l);
    kad_exact_spins s;
    assert_int_equal(kad_exact_enumerate(&ctx, 16, J, 1 / T_C, &s, corr), KAD_OK);
    assert_close(s.ln_z.value, 15.5219154587553, 1e-12);
    assert_close(s.energy.value / 16, -1.565623787638, 1e-12);
    assert_close(s.specific_heat.value / 16, 0.7832668259, 5.1e-11);
    assert_close(s.m2.value, 0.761358908569, 6e-13);
    assert_close(s.abs_m.value, 0.84386044481342, 1e-13); /* 40-digit enumeration */
    assert_close(s.m4.value, 0.665691213267, 6e-13);
    assert_close(corr[0 * 16 + 4], 0.782811893819, 6e-13);
    assert_close(corr[0 * 16 + 5], 0.740520446097, 6e-13);
    assert_close(corr[0 * 16 + 10], 0.713754646840, 6e-13);
    assert_close(corr[5 * 16 + 5], 1, 1e-14);
    assert_int_equal(kad_exact_enumerate(&ctx, 26, J, 1, &s, NULL), KAD_ECONFIG);
    kad_free(J);
    kad_lattice_destroy(l);
}

/* Moments at the ends: free spins, m2 = 1/N, m4 = (3N - 2)/N^3, and two states. One bond
 * in closed form in between: E = -tanh, C = (beta/cosh)^2, m2 = 1/(1 + e^{-2 beta}). */
static void enumeration_at_both_ends(void **state)
{
    (void)state;
    kad_lattice *l = lattice_of(2, 3, 3, 0);
    double *J = uniform(l);
    kad_exact_spins s;
    for (int cold = 0; cold < 2; cold++) {
        assert_int_equal(kad_exact_enumerate(&ctx, 9, J, cold ? 1e3 : 0, &s, NULL),
                         KAD_OK);
        assert_agree(s.m2, about(cold ? 1 : 1.0 / 9, 1e-15));
        assert_agree(s.m4, about(cold ? 1 : 25.0 / 729, 1e-15));
        assert_agree(s.energy, about(cold ? -18 : 0, 1e-15));
    }
    static const double bond[] = {0, 1, 1, 0};
    for (double beta = 1e-300; beta < 1e3; beta *= step(7)) {
        const double e = exp(-2 * beta), c = 2 * beta / (1 + e);
        assert_int_equal(kad_exact_enumerate(&ctx, 2, bond, beta, &s, NULL), KAD_OK);
        assert_agree(s.energy, about(-tanh(beta), 1e-15));
        assert_agree(s.specific_heat, about(c * c * e, 1e-13));
        assert_agree(s.m2, about(1 / (1 + e), 1e-15));
        assert_agree(s.ln_z, about(beta + log1p(e) + M_LN2, 1e-15));
    }
    kad_free(J);
    kad_lattice_destroy(l);
}

static void free_field_table(void **state)
{
    (void)state;
    static const struct {
        int L;
        double m2, ln_z, phi2, g1;
    } table[] = {{8, 0.25, -4.33331455428, 0.19275059454, 0.07979750670},
                 {16, 0.1, -9.60115087504, 0.22841746758, 0.10912790427}};
    for (int i = 0; i < 2; i++) {
        kad_lattice *l = lattice_of(2, table[i].L, table[i].L, 0);
        kad_exact_free_moments G;
        const double m2 = table[i].m2;
        assert_close(kad_exact_free_gap(l, 2, m2), m2, 1e-13);
        assert_close(kad_exact_free_ln_z(l, 1, 2, m2).value, table[i].ln_z, 6e-12);
        assert_close(kad_exact_free_ln_z(l, 3, 2, m2).value, 3 * table[i].ln_z, 2e-11);
        kad_exact_free(l, 2, m2, &G);
        assert_close(G.phi2.value, table[i].phi2, 6e-12);
        assert_close(G.bond.value, table[i].g1, 6e-12);
        assert_close(G.chi.value, 1 / (2 * m2), 1e-14);
        kad_lattice_destroy(l);
    }
}

/* In closed form on a ring, omega = 2 arsinh sqrt(mass/2t): prod e_k = 4 sinh^2(L omega/2)
 * (t/2)^L, G(x) = cosh(omega (L/2 - x)) / (2 t sinh(omega) 2 sinh(omega L/2)) * 2 / 2; from
 * masses that the rounded mu does not even contain to where fields decouple, bonds of
 * either sign (even rings: the sublattices' relative sign). */
static void free_field_ring(void **state)
{
    (void)state;
    for (int L = 2; L <= 200; L *= 10)
        for (double t = 1e-6; t < 2e6; t *= step(30))
            for (double mass = 1e-18; mass < 2e6; mass *= step(50)) {
                kad_lattice *l = lattice_of(1, L, 0, 0);
                const double w = 2 * asinh(sqrt(mass / (2 * t))), h = 0.5 * L * w;
                const double ln_sinh = h + log(-0.5 * expm1(-2 * h)); /* of h */
                const double G0 = 1 / (tanh(h) * 2 * t * sinh(w));
                const double G1 = /* cosh(h - w) / sinh(h) */
                    G0 * exp(-w) * (1 + exp(-2 * (h - w))) / (1 + exp(-2 * h));
                for (int n = 1; n <= 3; n++)
                    assert_agree(
                        kad_exact_free_ln_z(l, n, n == 2 ? -t : t, mass),
                        about(0.5 * n *
                                  (L * log(M_PI / (0.5 * t)) - 2 * (M_LN2 + ln_sinh)),
                              1e-12));
                kad_exact_free_moments G;
                kad_exact_free(l, t, mass, &G);
                assert_agree(G.phi2, about(G0, 1e-13));
                assert_agree(G.bond, about(G1, 1e-13));
                assert_agree(G.chi, about(1 / (2 * mass), 1e-15));
                assert_true(kad_exact_certain(G.phi2) && kad_exact_certain(G.bond));
                kad_exact_free(l, -t, mass, &G);
                assert_agree(G.bond, about(-G1, 1e-13));
                kad_lattice_destroy(l);
            }
}

/* Other shapes: e_k to the determinant and inverse of the matrix, by elimination. */
static void free_field_matrix(void **state)
{
    (void)state;
    static const int shapes[][3] = {{2, 2, 0}, {3, 4, 0}, {2, 3, 2}, {3, 3, 3}};
    for (int s = 0; s < 4; s++)
        for (double t = -1.7; t < 2; t += 0.85) {
            kad_lattice *l = lattice_of(shapes[s][2] ? 3 : 2, shapes[s][0], shapes[s][1],
                                        shapes[s][2]);
            const int N = l->n_sites;
            const double mass = 0.3, mu = mass + fabs(t) * l->d;
            double A[27][27] = {{0}}, x[27] = {0}, ln_det = 0;
            for (int i = 0; i < N; i++) {
                A[i][i] += mu;
                for (int b = 0; b < 2 * l->d; b++)
                    A[i][l->nbr[2 * l->d * i + b]] -= 0.5 * t;
            }
            x[N - 1] = 0.5; /* of the last site: A x = e/2 */
            for (int k = 0; k < N; k++) {
                ln_det += log(A[k][k]);
                for (int i = k + 1; i < N; i++) {
                    const double f = A[i][k] / A[k][k];
                    for (int j = k; j < N; j++)
                        A[i][j] -= f * A[k][j];
                    x[i] -= f * x[k];
                }
            }
            for (int i = N - 1; i >= 0; i--) {
                for (int j = i + 1; j < N; j++)
                    x[i] -= A[i][j] * x[j];
                x[i] /= A[i][i];
            }
            kad_exact_free_moments G;
            double bond = 0, chi = 0;
            for (int b = 0; b < 2 * l->d; b++)
                bond += x[l->nbr[2 * l->d * (N - 1) + b]] / (2 * l->d);
            for (int i = 0; i < N; i++)
                chi += x[i];
            kad_exact_free(l, t, mass, &G);
            assert_agree(kad_exact_free_ln_z(l, 2, t, mass),
                         about(N * log(M_PI) - ln_det, 1e-13));
            assert_agree(G.phi2, about(x[N - 1], 1e-13));
            assert_close(G.bond.value, bond, 1e-14);
            assert_close(G.chi.value, chi, 1e-13);
            kad_lattice_destroy(l);
        }
}

/* ln Z as the action of a config shows it: a certain value with its source, or a reason,
 * or no method at all. */
static kad_exact_value of_action(const char *yaml, int d, const int *shape, bool method)
{
    fixture f;
    fixture_make(&f, yaml, d, shape, false);
    const kad_action *a = f.action;
    const kad_exact_value ln_z = {a->log_z_exact, a->log_z_exact_error};
    if (a->log_z_source)
        assert_true(kad_exact_certain_ln_z(ln_z) && !a->log_z_unknown);
    else
        assert_true(isnan(ln_z.value) && (a->log_z_unknown != NULL) == method);
    fixture_clear(&f);
    return ln_z;
}

/* The Ising model at every temperature of the schema on every kind of lattice is known,
 * and agrees with the sum over its states or the transfer matrix. */
static void ising_of_every_config(void **state)
{
    (void)state;
    static const int shapes[][3] = {{2},    {3},    {12},      {2, 2},
                                    {2, 3}, {3, 3}, {2, 2, 2}, {2, 3, 2}};
    for (int s = 0; s < 8; s++)
        for (double T = 1e-3; T < 2e12; T *= step(T < 10 ? 2.5 : 1e3)) {
            const int d = s < 3 ? 1 : s < 6 ? 2 : 3;
            char yaml[96];
            kad_exact_spins e;
            snprintf(yaml, sizeof yaml, "action: {temperature: %.17g}", T);
            kad_lattice *l = lattice_of(d, shapes[s][0], shapes[s][1], shapes[s][2]);
            double *J = uniform(l),
                   *bond = kad_alloc((size_t)(l->n_sites * d), sizeof *bond);
            assert_int_equal(kad_exact_enumerate(&ctx, l->n_sites, J, 1 / T, &e, NULL),
                             KAD_OK);
            const kad_exact_value ln_z = of_action(yaml, d, shapes[s], true);
            assert_true(kad_exact_certain_ln_z(ln_z));
            assert_agree(ln_z, e.ln_z);
            for (int i = 0; i < l->n_sites * d; i++)
                bond[i] = 1 / T;
            kad_exact_value transfer;
            assert_int_equal(kad_exact_transfer(&ctx, l, bond, &transfer), KAD_OK);
            assert_agree(ln_z, transfer);
            kad_free(J);
            kad_free(bond);
            kad_lattice_destroy(l);
        }
}

/* Forms are names of one model: seed's ln Z minus the sites' constant. In weak coupling
 * the mass of albergo is not the difference of the rounded mu and 2d. */
static void phi4_of_every_form(void **state)
{
    (void)state;
    static const int shapes[][3] = {{2}, {5}, {8}, {2, 2}};
    for (int s = 0; s < 4; s++)
        for (int n = 1; n <= 3; n++)
            for (double lambda = 1e-9; lambda < 4e5; lambda *= step(1e3)) {
                const int d = s < 3 ? 1 : 2, N = s < 3 ? shapes[s][0] : 4;
                char yaml[160];
                snprintf(
                    yaml, sizeof yaml,
                    "action: {name: phi4, components: %d, kappa: 0.2, lambda: %.17g}", n,
                    lambda);
                kad_exact_value hopping = of_action(yaml, d, shapes[s], true);
                snprintf(yaml, sizeof yaml,
                         "action: {name: phi4, components: %d, t: 0.4, mu: %.17g, "
                         "lambda: %.17g}",
                         n, 1 - 2 * lambda, lambda);
                kad_exact_value seed = of_action(yaml, d, shapes[s], true);
                if (isnan(seed.value)) continue;
                hopping.value += N * lambda;
                hopping.error += 1e-15 * N * lambda * lambda; /* mu, rounded */
                assert_agree(hopping, seed);
                snprintf(yaml, sizeof yaml,
                         "action: {name: phi4, components: %d, m2: 1.0e-13, "
                         "lambda: %.17g}",
                         n, 1e-20 * lambda);
                /* first order about the free field is not enough: a quartic zero mode,
                 * and stiff modes that do not see it */
                const double q = N * 1e-20 * lambda;
                kad_single_site zero;
                kad_single_site_init(&zero, n, N * 1e-13, q, NULL);
                kad_lattice *l = lattice_of(d, shapes[s][0], shapes[s][1], 0);
                const double stiff =
                    kad_exact_free_ln_z(l, n, 2, 1e-3).value - 0.5 * n * log(M_PI / 1e-3);
                assert_close(of_action(yaml, d, shapes[s], true).value,
                             kad_single_site_ln_z(&zero, 0, NULL) + 0.5 * n * log(N) +
                                 stiff,
                             1e-2 * N * n);
                kad_lattice_destroy(l);
            }
}

static void digits(void **state)
{
    (void)state;
    assert_int_equal(kad_exact_digits((kad_exact_value){12.345678, 0}), 15);
    assert_int_equal(kad_exact_digits((kad_exact_value){1, 4e-7}), 7);
    assert_int_equal(kad_exact_digits((kad_exact_value){1, 6e-7}), 6);
    assert_int_equal(kad_exact_digits((kad_exact_value){-2e6, 0.4}), 7);
    assert_false(kad_exact_certain((kad_exact_value){1e-12, 1e-18}));
    assert_true(kad_exact_certain_ln_z((kad_exact_value){1e-12, 1e-18}));
    assert_false(kad_exact_certain_ln_z((kad_exact_value){1, 1e-8}));
    assert_false(kad_exact_certain_ln_z((kad_exact_value){(double)NAN, 0}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(kaufman_table),
                                       cmocka_unit_test(kaufman_reference),
                                       cmocka_unit_test(kaufman_against_enumeration),
                                       cmocka_unit_test(kaufman_at_both_ends),
                                       cmocka_unit_test(kaufman_derivatives),
                                       cmocka_unit_test(kaufman_against_transfer_matrix),
                                       cmocka_unit_test(random_bonds),
                                       cmocka_unit_test(enumeration_table),
                                       cmocka_unit_test(enumeration_at_both_ends),
                                       cmocka_unit_test(free_field_table),
                                       cmocka_unit_test(free_field_ring),
                                       cmocka_unit_test(free_field_matrix),
                                       cmocka_unit_test(ising_of_every_config),
                                       cmocka_unit_test(phi4_of_every_form),
                                       cmocka_unit_test(digits)};
    kad_ctx_init(&ctx, 1);
    return cmocka_run_group_tests_name(
        "exact results: their errors cover an independent computation at every parameter",
        tests, NULL, NULL);
}
