/* Exact results on rings, of two sites and of mean fields, over everything the config allows:
 * what a result says of its own error must cover its distance from the other method. */
#include "models/exact_ring.h"
#include "models/legendre.h"
#include "models/single_site.h"
#include "tests/models/exact_case.h"

/* Channels by quadrature over the angle: trapezoidal for n = 2; for n = 3 Gauss-Legendre in
 * its cosine, whose nodes crowd where the weight is. */
static kad_exact_value ring_by_angles(int n, int L, double beta)
{
    enum { M = 1000, HALF = 200 };
    double z = 0, q0 = 0, error = 0, node[HALF], weight[HALF];
    const double x = fabs(beta);
    kad_legendre(HALF, node, weight);
    for (int l = 0; l < 330; l++) {
        double q = 0;
        for (int k = 0; n == 2 && k < M; k++)
            q += exp(-2 * x * pow(sin(M_PI * k / M), 2)) * cos(2 * M_PI * l * k / M) / M;
        for (int k = 0; n == 3 && k < 2 * HALF; k++) {
            const double c = k < HALF ? node[k] : -node[k - HALF];
            double p0 = 1, p1 = c;
            for (int j = 2; j <= l; j++) {
                const double p2 = ((2 * j - 1) * c * p1 - (j - 1) * p0) / j;
                p0 = p1;
                p1 = p2;
            }
            q += 0.5 * weight[k % HALF] * exp(x * (c - 1)) * (l ? p1 : 1);
        }
        if (l == 0) q0 = q;
        const double ratio = fabs(q) / q0;
        const double term = kad_exact_multiplicity(n, l) * pow(ratio, L);
        z += kad_exact_channel_sign(beta, l, L) * term;
        /* q is good to some rounding of q_0 */
        error += kad_exact_multiplicity(n, l) * pow(ratio, L - 1) * L * 1e-15;
        if (term < 1e-18 * fabs(z)) break;
    }
    return (kad_exact_value){L * (x + log(q0)) + log(z),
                             4e-16 * L * (x + 4) + error / fabs(z) + 1e-15};
}

static void spin_rings(void **state)
{
    (void)state;
    /* Ising: cosh^L + sinh^L, of either sign */
    for (int L = 2; L < 9; L++)
        for (double beta = -1.3; beta < 2; beta += 0.37)
            assert_agree(kad_exact_spin_ring(1, L, beta),
                         about(log(pow(cosh(beta), L) + pow(sinh(beta), L)), 2e-14));
    assert_agree(kad_exact_spin_ring(1, 5, -1000),
                 about(3000 + log(10) - 5 * M_LN2, 1e-15));
    assert_agree(kad_exact_spin_ring(1, 5, 2000), about(10000 - 4 * M_LN2, 1e-15));
    /* XY 2 x 2 and its tabulated value; L = 2: the mean of exp(2 beta s.s') */
    assert_close(kad_exact_spin_ring(2, 4, 2 * 0.5).value, 1.0203191668, 5.1e-11);
    for (double beta = 1e-12; beta < 2000; beta *= step(2))
        for (int n = 1; n <= 3; n++) {
            const kad_exact_value ln_z = kad_exact_spin_ring(n, 2, beta);
            assert_agree(ln_z, about(kad_spin_ln_weight(n, 2 * beta), 1e-14));
            assert_true(kad_exact_certain(ln_z));
        }
    for (double beta = 2000; beta > 0.01; beta *= step(0.1))
        for (int n = 2; n <= 3; n++) {
            assert_agree(kad_exact_spin_ring(n, 3, beta), ring_by_angles(n, 3, beta));
            assert_agree(kad_exact_spin_ring(n, 1 << 24, beta),
                         ring_by_angles(n, 1 << 24, beta));
        }
    for (double beta = 0.1; beta < 3; beta *= 2)
        for (int n = 2; n <= 3; n++)
            assert_agree(kad_exact_spin_ring(n, 5, -beta), ring_by_angles(n, 5, -beta));
    /* high temperature: L beta^2 / 2n */
    for (int n = 1; n <= 3; n++)
        assert_agree(kad_exact_spin_ring(n, 1000, 1e-12),
                     about(1000 * 1e-24 / (2 * n), 1e-14));
    /* nothing is left of a strongly frustrated ring of vectors, and that is known */
    assert_false(kad_exact_certain_ln_z(kad_exact_spin_ring(3, 3, -1000)));
}

static kad_exact_value phi4_ring(int n, int L, double t, double mass, double lambda)
{
    kad_exact_value ln_z;
    const char *unknown;
    assert_int_equal(kad_exact_phi4_ring(&ctx, n, L, t, mass, lambda, &ln_z, &unknown),
                     KAD_OK);
    if (unknown) ln_z = (kad_exact_value){(double)NAN, (double)NAN};
    return ln_z;
}

/* Published values at 2 x 2; dense transfer matrices in weak coupling. */
static void phi4_ring_table(void **state)
{
    (void)state;
    static const struct {
        int n, L;
        double t, mass, lambda, ln_z, digits;
    } table[] = {{1, 4, 4, -4, 6.975, 1.1731847108, 5.1e-11},
                 {2, 4, 0.8, -0.8, 0.5, 3.9422590666 + 2, 5.1e-11},
                 {2, 4, 1.2, -2.2, 1, 3.8573340633 + 4, 5.1e-11},
                 {1, 8, 2, 1e-3, 1e-7, 5.941689, 5.1e-7},
                 {1, 8, 2, 0.01, 1e-4, 4.7000915644, 5.1e-11},
                 {1, 8, 2, 0.01, 1e-5, 4.76606443, 5.1e-9},
                 {1, 64, 2, 1e-3, 1e-5, 35.6161310, 5.1e-8},
                 {1, 8, 2, -1e-3, 1e-6, 8.414303, 5.1e-7}};
    for (int i = 0; i < 8; i++)
        assert_close(
            phi4_ring(table[i].n, table[i].L, table[i].t, table[i].mass, table[i].lambda)
                .value,
            table[i].ln_z, table[i].digits);
}

/* An almost free field: first order in lambda, <|phi|^4> = (n^2 + 2n) G^2. */
static void phi4_ring_first_order(void **state)
{
    (void)state;
    kad_lattice *l = lattice_of(1, 5, 0, 0);
    kad_exact_free_moments G;
    for (int n = 1; n <= 3; n++)
        for (double lambda = 1e-300; lambda < 1e-5; lambda *= 1e13) {
            kad_exact_free(l, 0.7, 0.7, &G);
            const double g2 = G.phi2.value * G.phi2.value;
            assert_close(phi4_ring(n, 5, 0.7, 0.7, lambda).value,
                         kad_exact_free_ln_z(l, n, 0.7, 0.7).value -
                             5 * lambda * (n * n + 2 * n) * g2,
                         1e-13 + 300 * lambda * lambda);
        }
    kad_lattice_destroy(l);
}

/* Two sites, by midpoints in both radii: Z = S_n^2 int int (r r')^{n-1} e^{-V - V'}
 * w_n(2 t r r'). Towards r = 0 by r = s ln(1 + e^v), in which the integrand vanishes at
 * both ends. NaN where the spacing does not resolve the kernel. */
static double two_sites(int n, double t, double mass, double lambda)
{
    enum { M = 400 };
    const double r0 = mass < 0 ? sqrt(-mass / (2 * lambda)) : 0, c = fmax(mass, 0);
    const double fall = 45, reach = fall / (0.5 * c + sqrt(0.25 * c * c + lambda * fall));
    const double hi = sqrt(r0 * r0 + reach);
    const double lo = r0 * r0 > reach ? sqrt(r0 * r0 - reach) : 0;
    const double spacing = (lo > 0 ? hi - lo : 3 * hi) / M;
    double y[M], f[M], z = 0;
    if (spacing * sqrt(2 * fabs(t) + 12 * lambda * hi * hi) > 0.7) return (double)NAN;
    for (int i = 0; i < M; i++) {
        const double u = (i + 0.5) / M, v = 54 * u - 36;
        y[i] = lo > 0 ? lo + (hi - lo) * u : hi / 18 * log1p(exp(v));
        const double dr = lo > 0 ? spacing : spacing / (1 + exp(-v));
        const double s = (y[i] - r0) * (y[i] + r0);
        f[i] = (n - 1) * log(y[i]) + log(dr) - s * (c + lambda * s);
    }
    for (int i = 0; i < M; i++)
        for (int j = 0; j <= i; j++) {
            const double x = 2 * fabs(t) * y[i] * y[j], d = y[i] - y[j];
            const double ln = f[i] + f[j] - fabs(t) * d * d;
            z += (i == j ? 1 : 2) * exp(ln + kad_spin_ln_weight_scaled(n, x));
        }
    return 2 * kad_exact_ln_sphere(n) + log(z) +
           (mass < 0 ? 0.5 * mass * mass / lambda : 0);
}

/* Over the ranges of t, the mass and lambda. */
static void phi4_two_sites(void **state)
{
    (void)state;
    static const double t[] = {0, 1e-6, -0.3, 2, 50},
                        mass[] = {-1e6, -20, -0.5, 1e-4, 1, 1e6},
                        lambda[] = {1e-6, 1e-3, 0.1, 3, 1e6};
    int n_compared = 0, n_known = 0, n = 0;
    for (int i = 0; i < 5 * 6 * 5 * 3; i++) {
        const double T = t[i % 5], M = mass[i / 5 % 6], l = lambda[i / 30 % 5];
        const int components = 1 + i / 150;
        if (i % 7 && !DENSE) continue;
        const kad_exact_value ln_z = phi4_ring(components, 2, T, M, l);
        n++;
        if (!kad_exact_certain_ln_z(ln_z)) continue;
        n_known++;
        const double other = two_sites(components, T, M, l);
        if (isnan(other)) continue;
        assert_agree(ln_z, about(other, 1e-12 + 1e-11 / fabs(other)));
        n_compared++;
    }
    print_message("# of %d values %d are known, %d compared\n", n, n_known, n_compared);
    assert_true(n_known >= 0.8 * n && n_compared >= 0.6 * n);
}

/* Two methods of one: grids, and the distribution of the mean field. */
static void phi4_mean_field(void **state)
{
    (void)state;
    int n_both = 0;
    for (int n = 1; n <= 3; n++)
        for (int L = 2; L <= 8; L *= 2)
            for (double t = 0.5; t < 1e3; t *= step(30))
                for (double mass = -1e-2; mass < 1; mass = mass < 0 ? 1e-3 : mass * 30)
                    for (double lambda = 1e-5; lambda < 1; lambda *= step(20)) {
                        const kad_exact_chain chain = {
                            n,    L,      t,
                            mass, lambda, mass < 0 ? sqrt(-mass / (2 * lambda)) : 0};
                        kad_exact_value weak;
                        if (n > 1 && (lambda < 1e-3 || L > 4)) continue;
                        assert_int_equal(kad_exact_mean_field(&ctx, &chain, &weak),
                                         KAD_OK);
                        if (mass < 0) weak.value += 0.25 * L * mass * mass / lambda;
                        const kad_exact_value ln_z = phi4_ring(n, L, t, mass, lambda);
                        if (isnan(weak.value) || ln_z.value == weak.value) continue;
                        assert_agree(ln_z, weak);
                        n_both++;
                    }
    print_message("# %d values by both methods\n", n_both);
    assert_true(n_both > 20);
}

/* Odd antiferromagnetic rings cancel in deep wells: nothing is stated then, and where
 * something is, flipping the sign of t on an even ring does not change it. */
static void phi4_antiferromagnet(void **state)
{
    (void)state;
    for (double mass = -8; mass < 2; mass += DENSE ? 0.2 : 1.5) {
        assert_agree(phi4_ring(1, 6, -1.3, mass, 0.7), phi4_ring(1, 6, 1.3, mass, 0.7));
        assert_agree(phi4_ring(3, 4, -1.3, mass, 0.7), phi4_ring(3, 4, 1.3, mass, 0.7));
    }
    assert_false(kad_exact_certain_ln_z(phi4_ring(1, 7, -2, -30, 1)));
    /* L = 2 has even length; L = 3 by the even and odd parts of its own distribution */
    assert_true(kad_exact_certain_ln_z(phi4_ring(1, 7, -2, -1, 1)));
}

static void ring_shapes(void **state)
{
    (void)state;
    static const struct {
        int d, shape[3], ring;
        double factor;
    } table[] = {
        {1, {5}, 5, 1}, {2, {2, 2}, 4, 2}, {2, {2, 4}, 0, 1}, {3, {2, 2, 2}, 0, 1}};
    for (int i = 0; i < 4; i++) {
        double factor;
        kad_lattice *l = lattice_of(table[i].d, table[i].shape[0], table[i].shape[1],
                                    table[i].shape[2]);
        assert_int_equal(kad_exact_ring_length(l, &factor), table[i].ring);
        assert_true(factor == table[i].factor);
        kad_lattice_destroy(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(spin_rings),
                                       cmocka_unit_test(phi4_ring_table),
                                       cmocka_unit_test(phi4_ring_first_order),
                                       cmocka_unit_test(phi4_two_sites),
                                       cmocka_unit_test(phi4_mean_field),
                                       cmocka_unit_test(phi4_antiferromagnet),
                                       cmocka_unit_test(ring_shapes)};
    kad_ctx_init(&ctx, 1);
    return cmocka_run_group_tests_name(
        "exact results on rings: their errors cover an independent computation", tests,
        NULL, NULL);
}
