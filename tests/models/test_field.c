/* Uniform external fields of phi^4 and of spins behind a dual: exact values against naive sums,
 * moves in a field, and the two spectra of a dual. Kernels, decimation, changes and samplers are
 * held to theirs by the conformance suites. */
#include "measure/measure.h"
#include "models/exact.h"
#include "models/local.h"
#include "tests/support/models_util.h"

#include <unistd.h>

enum { W = KAD_W_DOUBLE };

/* --- phi^4 ------------------------------------------------------------------------------- */

/* ln Z and <phi_0^1> of two sites with both bonds of extent 2 (or four of 2 x 2), by the
 * trapezoidal rule on M points of every component over [-box, box]. */
static double by_quadrature(fixture *f, double box, int M, double *mean)
{
    const size_t n = f->n_rows;
    size_t total = 1, in_tile = 0;
    double Z = 0, first = 0;
    for (size_t r = 0; r < n; r++)
        total *= (size_t)M;
    double *y = kad_alloc(4096 * n, sizeof *y), *S = kad_alloc(4096, sizeof *S);
    for (size_t k = 0; k < total; k++) {
        size_t rest = k;
        for (size_t r = 0; r < n; r++, rest /= (size_t)M)
            y[in_tile * n + r] = box * (2.0 * (double)(rest % (size_t)M) / (M - 1) - 1);
        if (++in_tile < 4096 && k + 1 < total) continue;
        assert_int_equal(kad_action_values(&f->ctx, f->action, in_tile, y, S), KAD_OK);
        for (size_t i = 0; i < in_tile; i++) {
            Z += exp(-S[i]);
            first += exp(-S[i]) * y[i * n];
        }
        in_tile = 0;
    }
    *mean = first / Z;
    kad_free(y);
    kad_free(S);
    return log(Z) + (double)n * log(2 * box / (M - 1)) + f->action->log_z_offset;
}

static void phi4_rings(void **state)
{
    static const struct {
        const char *yaml;
        int d;
        double box;
    } cases[] = {
        {"action: {name: phi4, m2: -4, lambda: 6.975, field: 0.6}", 2, 2.1},
        {"action: {name: phi4, form: seed, t: -1.1, mu: -0.7, lambda: 0.4, field: -0.9}",
         1, 5},
        {"action: {name: phi4, kappa: 0.4, lambda: 0.5, field: 0.3}", 1, 4},
        {"action: {name: phi4, form: seed, t: 0, mu: 0.3, lambda: 0.4, field: 1.4}", 1,
         5},
        {"action: {name: phi4, components: 2, form: seed, t: 0, mu: 0.3, lambda: 0.9, "
         "field: 1.4}",
         1, 3.6},
        {"action: {name: phi4, m2: 0.4, lambda: 0, field: 0.5}", 1, 12},
        {"action: {name: phi4, form: seed, t: -0.6, mu: 1, lambda: 0, field: 0.5}", 1,
         12},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fixture f;
        double mean;
        fixture_make(&f, cases[i].yaml, cases[i].d, (int[]){2, 2}, false);
        assert_non_null(f.action->log_z_source);
        const double ln_z =
            by_quadrature(&f, cases[i].box, f.n_rows > 2 ? 44 : 240, &mean);
        print_message("# %s: %.12f, %.12f\n", f.action->log_z_source, ln_z,
                      f.action->log_z_exact);
        assert_close(f.action->log_z_exact, ln_z, 1e-9);
        fixture_clear(&f);
    }
}

/* Longer rings against the product of what one site's derivative says: d ln Z / dh = N <m>. */
static void phi4_ring_of_eight(void **state)
{
    (void)state;
    fixture f;
    kad_exact_value e[3];
    const char *unknown;
    fixture_make(&f, "action: {name: phi4, m2: -4, lambda: 6.975, field: 0.6}", 1,
                 (int[]){8}, false);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(kad_exact_phi4_chain(&f.ctx, 8, i == 2 ? 0 : 2, -3.5, 5,
                                              i == 0 ? 0 : 0.8, &e[i], &unknown),
                         KAD_OK);
        assert_true(e[i].error < 1e-10);
    }
    kad_exact_value radial;
    assert_int_equal(kad_exact_phi4_ring(&f.ctx, 1, 8, 2, -3.5, 5, &radial, &unknown),
                     KAD_OK);
    assert_close(e[0].value, radial.value, 1e-10); /* no field: the other method */
    assert_true(e[1].value > e[0].value + 1);
    fixture_clear(&f);
}

/* The free field is shifted: means by quadrature of two sites. */
static void free_means(void **state)
{
    (void)state;
    fixture f;
    kad_exact_means means = {0};
    double mean;
    fixture_make(&f, "action: {name: phi4, m2: 0.4, lambda: 0, field: 0.5}", 1,
                 (int[]){2}, false);
    by_quadrature(&f, 12, 240, &mean);
    assert_int_equal(f.action->ops->exact(&f.ctx, f.action, &means), KAD_OK);
    double known[7], sum[7] = {0}, Z = 0;
    static const char *const names[] = {"energy", "phi2", "phi4", "bond",
                                        "m2",     "chi",  "m"};
    for (int k = 0; k < 7; k++)
        for (int i = 0; i < means.n; i++)
            if (!strcmp(means.row[i].name, names[k])) known[k] = means.row[i].x.value;
    for (int i = 0; i < 240; i++)
        for (int j = 0; j < 240; j++) {
            double y[2] = {24.0 * i / 239 - 12, 24.0 * j / 239 - 12}, S;
            assert_int_equal(kad_action_values(&f.ctx, f.action, 1, y, &S), KAD_OK);
            const double w = exp(-S), a = y[0] * y[0], b = y[1] * y[1],
                         m = (y[0] + y[1]) / 2;
            const double one[7] = {
                S / 2, (a + b) / 2, (a * a + b * b) / 2, y[0] * y[1], m * m, 2 * m * m,
                m};
            Z += w;
            for (int k = 0; k < 7; k++)
                sum[k] += w * one[k];
        }
    assert_close(known[6], mean, 1e-10);
    for (int k = 0; k < 7; k++)
        assert_close(known[k], sum[k] / Z, 1e-9);
    fixture_clear(&f);
}

/* --- spins behind a dual --------------------------------------------------------------- */

/* ln sum over all Ising states. */
static double by_states(const fixture *f, double beta, double J, double h, double *m)
{
    const kad_lattice *l = f->lattice;
    double Z = 0;
    *m = 0;
    for (int state = 0; state < 1 << l->n_sites; state++) {
        double e = 0, sum = 0;
        for (int i = 0; i < l->n_sites; i++) {
            const int s = state >> i & 1 ? 1 : -1;
            sum += s;
            for (int mu = 0; mu < l->d; mu++)
                e += J * s * (state >> l->nbr[2 * (i * l->d + mu)] & 1 ? 1 : -1);
        }
        Z += exp(beta * (e + h * sum));
        *m += exp(beta * (e + h * sum)) * sum / l->n_sites;
    }
    *m /= Z;
    return log(Z);
}

static void ising_in_a_field(void **state)
{
    static const struct {
        int d, shape[2];
        double J, h;
    } cases[] = {{1, {5}, 1, 0.4},
                 {1, {5}, -1, 0.4},
                 {2, {2, 2}, 1, -0.7},
                 {2, {3, 2}, 1, 0.3},
                 {2, {3, 3}, -0.5, 0.3}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int field = 0; field < 2; field++) {
            fixture f;
            char yaml[160];
            double m;
            snprintf(yaml, sizeof yaml,
                     "action: {name: on-dual, beta: 0.7, coupling: %g, field: %g, "
                     "representation: %s}",
                     cases[i].J, cases[i].h, field ? "field" : "whitened");
            fixture_make(&f, yaml, cases[i].d, cases[i].shape, false);
            const double ln_z = by_states(&f, 0.7, cases[i].J, cases[i].h, &m);
            assert_close(f.action->log_z_exact, ln_z, 1e-11);
            kad_exact_means means = {0};
            assert_int_equal(f.action->ops->exact(&f.ctx, f.action, &means), KAD_OK);
            double known = NAN;
            for (int k = 0; k < means.n; k++)
                if (!strcmp(means.row[k].name, "m")) known = means.row[k].x.value;
            assert_close(known, m, 1e-12);
            fixture_clear(&f);
        }
}

/* int dx exp(-S) over two sites of one component is the spins' Z, with couplings of a file as
 * without, in either representation and whatever epsilon. */
static void dual_normalisation(void **state)
{
    char path[] = "/tmp/kad-field-XXXXXX";
    (void)state;
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "0 1 1.6\n", 8), 8);
    close(fd);
    for (int i = 0; i < 8; i++) {
        fixture f;
        char yaml[256];
        double mean, m;
        snprintf(yaml, sizeof yaml,
                 "action: {name: on-dual, beta: 0.5, %s%s, field: 0.6, epsilon: %g, "
                 "representation: %s}",
                 i & 1 ? "couplings: " : "coupling: 0.8", i & 1 ? path : "",
                 i & 2 ? 0.7 : 1.3, i & 4 ? "field" : "whitened");
        fixture_make(&f, yaml, 1, (int[]){2}, false);
        const double ln_z = by_states(&f, 0.5, 0.8, 0.6, &m);
        assert_close(by_quadrature(&f, 22, 600, &mean), ln_z, 1e-9);
        assert_close(f.action->log_z_exact, ln_z, 1e-11);
        assert_true(!(f.action->flags & KAD_ACTION_SYMMETRIC));
        fixture_clear(&f);
    }
    unlink(path);
}

/* --- moves ------------------------------------------------------------------------------- */

/* Two sites in a field: metropolis, then clusters, against quadrature; components 1 to 3. */
static void clusters_keep_the_weight(void **state)
{
    enum { STEPS = 4000, SKIP = 100 };
    (void)state;
    for (int n = 1; n <= 2; n++)
        for (int clusters = 0; clusters < 2; clusters++) {
            fixture f;
            char yaml[128];
            double exact, sum[W] = {0}, width = 0.9;
            snprintf(
                yaml, sizeof yaml,
                "action: {name: phi4, components: %d, kappa: 0.4, lambda: 0.5, field: "
                "-0.3}",
                n);
            fixture_make(&f, yaml, 1, (int[]){2}, false);
            by_quadrature(&f, 3.6, n == 1 ? 200 : 44, &exact);
            const kad_action_local *local = f.action->ops->local;
            kad_bonds bonds = {0};
            kad_rng rng[KAD_LOCAL_STREAMS];
            for (uint32_t i = 0; i < KAD_LOCAL_STREAMS; i++)
                rng[i] = kad_rng_stream(23, KAD_RNG_TEST, i);
            double *x = kad_alloc(f.n_rows, KAD_ROW_BYTES);
            double *accepted = kad_alloc(W, sizeof *accepted);
            void *scratch = kad_alloc(1, local->scratch_bytes(f.action));
            assert_int_equal(local->bonds(&f.ctx, f.action, &bonds), KAD_OK);
            for (uint64_t step = 0; step < STEPS + SKIP; step++) {
                const kad_turn turn = {.rng = rng, .step = step, .n_lanes = W};
                if (step == 0) local->start(f.action, &turn, true, x, scratch);
                if (clusters) local->cluster(f.action, &turn, &bonds, 2, x, scratch);
                local->sweep(f.action, &turn, width, x, accepted, scratch);
                if (n > 1 && !clusters) local->reflect(f.action, x);
                for (int lane = 0; lane < W && step >= SKIP; lane++)
                    sum[lane] += x[lane] / STEPS;
            }
            double mean = 0, square = 0;
            for (int lane = 0; lane < W; lane++) {
                mean += sum[lane] / W;
                square += sum[lane] * sum[lane] / W;
            }
            const double err = sqrt((square - mean * mean) / (W - 1));
            print_message("# %d components, clusters %d: <m> = %.4f(%.4f), exact %.4f\n",
                          n, clusters, mean, err, exact);
            assert_true(fabs(mean - exact) < 5 * err && err < 0.01);
            kad_free(x);
            kad_free(accepted);
            kad_free(scratch);
            kad_bonds_clear(&bonds);
            fixture_clear(&f);
        }
}

/* The spins' structure factor from the field itself, k = 0 too, is N m2 of enumeration. */
static void spectrum_of_the_dual(void **state)
{
    enum { STEPS = 4000, SKIP = 50 };
    (void)state;
    fixture f;
    kad_measure *m;
    kad_rng rng[KAD_LOCAL_STREAMS];
    kad_exact_means means = {0};
    double sum[W] = {0}, exact = NAN, mean = 0, square = 0;
    fixture_make(&f, "action: {name: on-dual, beta: 0.3, field: 0.4, epsilon: 0.5}", 2,
                 (int[]){4, 4}, false);
    assert_int_equal(f.action->ops->exact(&f.ctx, f.action, &means), KAD_OK);
    for (int i = 0; i < means.n; i++)
        if (!strcmp(means.row[i].name, "chi")) exact = means.row[i].x.value;
    const kad_action_local *local = f.action->ops->local;
    for (uint32_t i = 0; i < KAD_LOCAL_STREAMS; i++)
        rng[i] = kad_rng_stream(29, KAD_RNG_TEST, i);
    assert_int_equal(kad_measure_create(&f.ctx, f.action, 1, 0, &m), KAD_OK);
    int at = -1;
    for (int i = 0; i < m->n; i++)
        if (!strcmp(m->ops[i]->name, "structure_dual")) at = (int)m->offset[i];
    assert_true(at >= 0);
    double *x = kad_alloc(f.n_rows, KAD_ROW_BYTES), *row = kad_alloc(m->n_columns, 8);
    void *scratch = kad_alloc(1, local->scratch_bytes(f.action));
    for (uint64_t step = 0; step < STEPS + SKIP; step++) {
        const kad_turn turn = {.rng = rng, .step = step, .n_lanes = W};
        if (step == 0) local->start(f.action, &turn, true, x, scratch);
        local->sweep(f.action, &turn, 1, x, NULL, scratch);
        for (size_t lane = 0; lane < W && step >= SKIP && step % 4 == 0; lane++) {
            double one[16];
            for (size_t i = 0; i < 16; i++)
                one[i] = x[i * W + lane];
            kad_measure_rows(m, 1, &step, one, &(double){0}, row);
            sum[lane] += row[at] * 4 / STEPS;
        }
    }
    for (int lane = 0; lane < W; lane++) {
        mean += sum[lane] / W;
        square += sum[lane] * sum[lane] / W;
    }
    const double err = sqrt((square - mean * mean) / (W - 1));
    print_message("# structure_dual at k = 0: %.3f(%.3f), exact %.3f\n", mean, err,
                  exact);
    assert_true(fabs(mean - exact) < 5 * err && err < 0.1 * exact);
    kad_free(x);
    kad_free(row);
    kad_free(scratch);
    kad_measure_destroy(m);
    fixture_clear(&f);
}

/* A field of the configuration can be changed and switched off, not on. */
static void set_field(void **state)
{
    static const char *const yaml[][2] = {
        {"action: {name: phi4, m2: -4, lambda: 6.975, field: 0.2}",
         "action: {name: phi4, m2: -4, lambda: 6.975}"},
        {"action: {name: on-dual, beta: 0.4, field: 0.2}",
         "action: {name: on-dual, beta: 0.4}"},
    };
    (void)state;
    for (int i = 0; i < 2; i++) {
        fixture f;
        fixture_make(&f, yaml[i][0], 2, (int[]){2, 2}, false);
        const double before = f.action->log_z_exact;
        assert_int_equal(kad_action_set(&f.ctx, f.action, "field", 0), KAD_OK);
        assert_int_equal(kad_action_set(&f.ctx, f.action, "field", 0.2), KAD_OK);
        assert_close(f.action->log_z_exact, before, 1e-12);
        fixture_clear(&f);
        fixture_make(&f, yaml[i][1], 2, (int[]){2, 2}, false);
        assert_int_equal(kad_action_set(&f.ctx, f.action, "field", 0.2), KAD_ECONFIG);
        assert_non_null(strstr(f.ctx.message, "breaks a symmetry"));
        fixture_clear(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("fields: ln Z of phi^4 on rings is its quadrature", phi4_rings),
        CLAIM("fields: without one the two transfer matrices agree", phi4_ring_of_eight),
        CLAIM("fields: the free field's means are shifted", free_means),
        CLAIM("fields: ln Z and m of Ising spins are their sums", ising_in_a_field),
        CLAIM("fields: the dual is normalised to the spins", dual_normalisation),
        CLAIM("fields: metropolis, clusters, reflections keep the weight",
              clusters_keep_the_weight),
        CLAIM("fields: both spectra of a dual are the spins'", spectrum_of_the_dual),
        CLAIM("fields: what breaks a symmetry cannot be switched on", set_field),
    };
    return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
