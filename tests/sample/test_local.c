/* Samplers of the boundary field, "metropolis" and "cluster", against exact values. The
 * cluster move alone is test_clusters's. */
#include "models/spins.h"
#include "tests/sample/local_case.h"
#include "tests/support/claim.h"

#include <gsl/gsl_sf_bessel.h>
#include <unistd.h>

static void ising_is_exact(void **state)
{
    /* PHYSICS of the square lattice's Ising model, 4 x 4 at T_c: enumeration */
    static const double exact[LOCAL_CASE_VALUES] = {-1.565623787638, 0.761358908569,
                                                    0.782811893819, NAN};
    static const char *const yaml[2] = {
        "action: {name: on-dual, temperature: 2.269185314213022, representation: field, "
        "epsilon: 0.5}\nsample: [{name: metropolis, start: cold}]\n",
        "action: {name: on-dual, temperature: 2.269185314213022}\n"};
    (void)state;
    for (int clusters = 0; clusters < 2; clusters++) {
        local_case s;
        local_case_make(&s, 2, 4, yaml[clusters], false);
        /* local: slow, but from a cold start the burn-in is 50 times tau */
        local_case_run(&s, clusters, 480, clusters ? 20 : 1500, clusters ? 60 : 300);
        local_case_compare(&s, clusters ? "cluster" : "local", local_case_spins, exact,
                           0.01);
        local_case_clear(&s);
    }
}

static void xy_is_exact(void **state)
{
    static const double exact[LOCAL_CASE_VALUES] = {-1.411729120, 0.671849169, NAN, NAN};
    (void)state;
    for (int clusters = 0; clusters < 2; clusters++) {
        local_case s;
        local_case_make(&s, 2, 4, "action: {name: on-dual, components: 2, beta: 1}\n",
                        false);
        local_case_run(&s, clusters, 160, clusters ? 30 : 300, clusters ? 60 : 100);
        local_case_compare(&s, clusters ? "cluster" : "local", local_case_spins, exact,
                           0.02);
        local_case_clear(&s);
    }
}

static void phi4_is_exact(void **state)
{
    static const double exact[2][LOCAL_CASE_VALUES] = {
        {0.1956262102, 0.0711283841, 0.544209631, NAN},
        {0.1673917691, 0.0557089904, 0.934972725, NAN}};
    (void)state;
    for (int clusters = 0; clusters < 2; clusters++)
        for (int large = 0; large < 2; large++) {
            local_case s;
            /* the larger one decimated for the map: the chains see the whole field */
            local_case_make(
                &s, 2, large ? 4 : 2,
                "action: {name: phi4, form: albergo, m2: -4, lambda: 6.975}\n", large);
            local_case_run(&s, clusters, 320, 100, 400);
            local_case_compare(&s, clusters ? "cluster" : "metropolis", local_case_field,
                               exact[large], 0.02);
            local_case_clear(&s);
        }
}

static void complex_phi4_is_exact(void **state)
{
    static const char yaml[] = "action: {name: phi4, components: 2, form: hopping, "
                               "kappa: 0.3, lambda: 1}\nsample: [{name: metropolis, "
                               "overrelaxation: 2, sweeps: 2}]\n";
    static const double exact[LOCAL_CASE_VALUES] = {0.9883827574, NAN, 4 * 0.6105831750,
                                                    0.5263439188};
    (void)state;
    for (int clusters = 0; clusters < 2; clusters++) {
        local_case s;
        local_case_make(&s, 2, 2, yaml, false);
        local_case_run(&s, clusters, 320, 100, 200);
        local_case_compare(&s, clusters ? "cluster" : "metropolis", local_case_field,
                           exact, 0.01);
        local_case_clear(&s);
    }
}

/* Heisenberg ring of four: Z = sum_l (2l + 1) i_l(K)^4, i_l the modified spherical Bessel
 * functions; energy -d ln Z / dK a site. */
static double heisenberg_ln_z(double K)
{
    double Z = 0;
    for (int l = 0; l < 20; l++)
        Z += (2 * l + 1) * pow(gsl_sf_bessel_il_scaled(l, K), 4);
    return log(Z) + 4 * K;
}

static void heisenberg_is_exact(void **state)
{
    const double K = 1.5, h = 1e-4;
    const double u = (heisenberg_ln_z(K + h) - heisenberg_ln_z(K - h)) / (2 * h) / 4;
    const double exact[LOCAL_CASE_VALUES] = {-u, NAN, u, NAN};
    (void)state;
    for (int clusters = 0; clusters < 2; clusters++) {
        local_case s;
        local_case_make(&s, 1, 4, "action: {name: on-dual, components: 3, beta: 1.5}\n",
                        false);
        local_case_run(&s, clusters, 320, clusters ? 30 : 100, 100);
        local_case_compare(&s, clusters ? "cluster" : "local", local_case_spins, exact,
                           0.01);
        local_case_clear(&s);
    }
}

/* Frustrated couplings from a file against enumeration of six spins: the energy is
 * compared bond by bond. */
static void couplings_are_exact(void **state)
{
    static const double J[6][3] = {{0, 1, 1},   {1, 2, -0.8}, {0, 2, 0.6},
                                   {3, 4, 1.2}, {2, 3, -0.5}, {0, 5, 0.9}};
    char path[] = "/tmp/kad-local-XXXXXX", yaml[160];
    double Z = 0, exact[6] = {0};
    local_case s;
    (void)state;
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    for (int b = 0; b < 6; b++)
        fprintf(file, "%.0f %.0f %g\n", J[b][0], J[b][1], J[b][2]);
    fclose(file);
    for (int conf = 0; conf < 64; conf++) {
        double e = 0, ss[6];
        for (int b = 0; b < 6; b++) {
            ss[b] = ((conf >> (int)J[b][0] ^ conf >> (int)J[b][1]) & 1) ? -1 : 1;
            e += 0.7 * J[b][2] * ss[b];
        }
        Z += exp(e);
        for (int b = 0; b < 6; b++)
            exact[b] += exp(e) * ss[b];
    }
    snprintf(yaml, sizeof yaml, "action: {name: on-dual, beta: 0.7, couplings: %s}\n",
             path);
    local_case_make(&s, 1, 6, yaml, false);
    for (int clusters = 0; clusters < 2; clusters++) {
        local_case_run(&s, clusters, 320, 100, 300);
        for (int b = 0; b < 6; b++) {
            double sum = 0, squares = 0;
            for (int chain = 0; chain < 320; chain++) {
                double mean = 0, m[6];
                for (int i = 0; i < 300; i++) {
                    kad_spins_mean(1, 6, s.x + (size_t)(chain * 300 + i) * 6, m);
                    mean += m[(int)J[b][0]] * m[(int)J[b][1]] / 300;
                }
                sum += mean / 320;
                squares += mean * mean / 320;
            }
            const double err = sqrt((squares - sum * sum) / 319);
            assert_true(fabs(sum - exact[b] / Z) < 5 * err && err < 0.02);
        }
    }
    unlink(path);
    local_case_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("local, cluster: 4 x 4 Ising matches enumeration", ising_is_exact),
        CLAIM("local, cluster: 4 x 4 XY matches its exact values", xy_is_exact),
        CLAIM("local, cluster: the Heisenberg ring matches its transfer operator",
              heisenberg_is_exact),
        CLAIM("local, cluster: phi^4 matches its exact values", phi4_is_exact),
        CLAIM("local, cluster: complex phi^4 matches its exact values",
              complex_phi4_is_exact),
        CLAIM("local, cluster: frustrated couplings match enumeration",
              couplings_are_exact),
    };
    return cmocka_run_group_tests_name("local", tests, NULL, NULL);
}
