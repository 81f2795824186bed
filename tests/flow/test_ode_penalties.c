/* Penalties on the paths of a continuous flow: the integrals, and their gradients. */
#include "base/memory.h"
#include "tests/flow/ode_case.h"
#include "tests/support/claim.h"

enum { STEPS = 4 };

/* x = generate(z), with ld and both integrals of every lane. */
static void rig_path(rig *r, double *ld, double *kinetic, double *jacobian)
{
    memcpy(r->x, r->z, r->size * sizeof *r->x);
    for (int l = 0; l < W; l++)
        ld[l] = kinetic[l] = jacobian[l] = 0;
    r->stage.ops->solver->set_steps(&r->stage, r->packed, STEPS);
    r->stage.ops->solver->path(&r->stage, r->packed, r->x, ld, kinetic, jacobian,
                               r->scratch);
}

static void integrals_are_those_of_the_path(void **state)
{
    (void)state;
    for (int k = 0; k < 18; k++) {
        rig r;
        double ld[2][W], kinetic[W], jacobian[W], want[2] = {0}, phi[ODE_CASE_ROWS];
        const int lane = 3;
        rig_case(&r, k);
        double *x = kad_alloc(r.size, sizeof *x);
        assert_non_null(x);
        for (int i = 0; i < r.stage.n_rows; i++)
            phi[i] = r.z[i * W + lane];
        for (int i = 0; i < STEPS; i++)
            rig_naive_step(&r, i / (double)STEPS, 1.0 / STEPS, phi, want);
        rig_generate(&r, STEPS, ld[0]);
        memcpy(x, r.x, r.size * sizeof *x);
        rig_path(&r, ld[1], kinetic, jacobian);
        assert_memory_equal(ld[0], ld[1], sizeof ld[0]);
        assert_memory_equal(x, r.x, r.size * sizeof *x);
        assert_true(fabs(kinetic[lane] - want[0]) < 1e-11 * want[0]);
        assert_true(fabs(jacobian[lane] - want[1]) < 1e-7 * want[1]);
        kad_free(x);
        rig_close(&r);
    }
}

static const double kinetic_factor = 0.3, jacobian_factor = 0.2, ld_factor = 0.7;

/* l + R summed over lanes, l = a . y + ld_factor ld and, of the inverse, a . z - ld_factor ld. */
static double penalised(rig *r, const double *a, bool inverse)
{
    double ld[W], kinetic[W], jacobian[W], sum = 0;
    if (inverse) { /* z from x, which is kept in z */
        double none[W];
        memcpy(r->x, r->z, r->size * sizeof *r->x);
        r->stage.ops->solver->set_steps(&r->stage, r->packed, STEPS);
        r->stage.ops->kern[KAD_DOUBLE]->infer(&r->stage, r->packed, r->x, none,
                                              r->scratch);
        for (size_t i = 0; i < r->size; i++)
            sum += a[i] * r->x[i];
        double *y = kad_alloc(r->size, sizeof *y);
        assert_non_null(y);
        memcpy(y, r->z, r->size * sizeof *y);
        memcpy(r->z, r->x, r->size * sizeof *y);
        rig_path(r, ld, kinetic, jacobian);
        memcpy(r->z, y, r->size * sizeof *y);
        kad_free(y);
    } else {
        rig_path(r, ld, kinetic, jacobian);
        for (size_t i = 0; i < r->size; i++)
            sum += a[i] * r->x[i];
    }
    for (int l = 0; l < W; l++)
        sum += (inverse ? -ld_factor : ld_factor) * ld[l] + kinetic_factor * kinetic[l] +
               jacobian_factor * jacobian[l];
    return sum;
}

/* Move parameters and the field (z, or y of the inverse) along directions by h. */
static void move(rig *r, const double *theta, const double *z, const double *directions,
                 double h)
{
    const size_t n = r->stage.n_theta;
    for (size_t i = 0; i < n; i++)
        r->theta[i] = theta[i] + h * directions[i];
    for (size_t i = 0; i < r->size; i++)
        r->z[i] = z[i] + h * directions[n + i];
    r->stage.ops->kern[KAD_DOUBLE]->pack(&r->stage, r->theta, r->packed);
}

/* Both adjoints against central differences along a direction of parameters and field. */
static void check_penalties(rig *r, bool inverse)
{
    const kad_rng rng = kad_rng_stream(8, KAD_RNG_TEST, 0);
    const kad_bijector_kern *kern = r->stage.ops->kern[KAD_DOUBLE];
    const size_t n = r->stage.n_theta;
    const double h = 1e-5;
    double u[2], gained = 0, ld[W];
    double *theta = kad_alloc(n, sizeof *theta), *z = kad_alloc(r->size, sizeof *z),
           *a = kad_alloc(r->size, sizeof *a), *g = kad_alloc(r->size, sizeof *g),
           *dtheta = kad_alloc(n, sizeof *dtheta),
           *directions = kad_alloc(n + r->size, sizeof *directions);
    assert_true(theta && z && a && g && dtheta && directions);
    for (size_t i = 0; i < n + r->size; i++) {
        kad_rng_normal2(rng, 1, i, 0, u);
        directions[i] = u[0];
        if (i < r->size) a[i] = u[1];
    }
    if (inverse) { /* a field whose latents are known to be ordinary */
        rig_generate(r, STEPS, ld);
        memcpy(r->z, r->x, r->size * sizeof *r->z);
    }
    memcpy(theta, r->theta, n * sizeof *theta);
    memcpy(z, r->z, r->size * sizeof *z);
    move(r, theta, z, directions, h);
    gained = penalised(r, a, inverse);
    move(r, theta, z, directions, -h);
    gained -= penalised(r, a, inverse);
    move(r, theta, z, directions, 0);
    penalised(r, a, inverse); /* leaves the other end in x */
    r->stage.ops->solver->penalise(&r->stage, r->packed, kinetic_factor, jacobian_factor);
    memcpy(g, a, r->size * sizeof *g);
    if (inverse) {
        memcpy(r->x, z, r->size * sizeof *z);
        kern->infer(&r->stage, r->packed, r->x, ld, r->scratch);
        kern->infer_adjoint(&r->stage, r->packed, r->x, g, ld_factor, dtheta, NULL,
                            r->scratch);
    } else {
        kern->generate_adjoint(&r->stage, r->packed, r->x, g, ld_factor, dtheta, NULL,
                               r->scratch);
    }
    double want = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        want += dtheta[i] * directions[i];
        size += fabs(dtheta[i] * directions[i]);
    }
    for (size_t i = 0; i < r->size; i++) {
        want += g[i] * directions[n + i];
        size += fabs(g[i] * directions[n + i]);
    }
    assert_true(fabs(gained / (2 * h) - want) < 1e-7 * size);
    double *all[] = {theta, z, a, g, dtheta, directions};
    for (int i = 0; i < 6; i++)
        kad_free(all[i]);
}

/* And on: the sublattice, every other site; of one and two components, with marks. */
enum { N_RIGS = 22 };

static void rig_any(rig *r, int k)
{
    const int shape[] = {4, 4};
    if (k < 18) {
        rig_case(r, k);
        return;
    }
    kad_ode_options o = ode_case_options(2, 2, true);
    if (k >= 20) o.stride = 2;
    rig_open_on(r, 2, shape, 1 + k % 2, k < 20, o, 0.2);
}

static void adjoints_take_the_penalties(void **state)
{
    (void)state;
    for (int k = 0; k < 2 * N_RIGS; k++) {
        rig r;
        rig_any(&r, k % N_RIGS);
        check_penalties(&r, k >= N_RIGS);
        rig_close(&r);
    }
}

/* theta's cotangent by an adjoint with penalties, of a tile of copies of the rig's lanes;
 * the cotangent of the field is its lanes' sine. */
static void penalised_gradient(rig *r, kad_prec p, bool inverse, double *gradient)
{
    const kad_bijector_kern *kern = r->stage.ops->kern[p];
    const size_t n = r->stage.n_theta, rows = (size_t)r->stage.n_rows;
    const size_t lanes = (size_t)kad_lanes(p), times = lanes / W;
    void *packed = kad_alloc(r->stage.packed_bytes[p], 1),
         *scratch = kad_alloc(r->stage.scratch_bytes[p], 1),
         *x = kad_alloc(rows, KAD_ROW_BYTES), *g = kad_alloc(rows, KAD_ROW_BYTES),
         *dtheta = kad_alloc(n, sizeof(double));
    assert_true(packed && scratch && x && g && dtheta);
    for (size_t i = 0; i < rows * lanes; i++) {
        const double at = (inverse ? r->z : r->x)[i / lanes * W + i % lanes % W];
        if (p == KAD_SINGLE) {
            ((float *)x)[i] = (float)at;
            ((float *)g)[i] = (float)sin(at);
        } else {
            ((double *)x)[i] = at;
            ((double *)g)[i] = sin(at);
        }
    }
    kern->pack(&r->stage, r->theta, packed);
    r->stage.ops->solver->set_steps(&r->stage, packed, 2 * STEPS);
    r->stage.ops->solver->penalise(&r->stage, packed, kinetic_factor, jacobian_factor);
    (inverse ? kern->infer_adjoint : kern->generate_adjoint)(
        &r->stage, packed, x, g, ld_factor, dtheta, NULL, scratch);
    for (size_t i = 0; i < n; i++)
        gradient[i] =
            (p == KAD_SINGLE ? (double)((float *)dtheta)[i] : ((double *)dtheta)[i]) /
            (double)times;
    void *all[] = {packed, scratch, x, g, dtheta};
    for (int i = 0; i < 5; i++)
        kad_free(all[i]);
}

static void penalties_in_single_precision(void **state)
{
    (void)state;
    for (int k = 0; k < 2 * N_RIGS; k++) {
        rig r;
        double largest = 0, off = 0, ld[W];
        rig_any(&r, k % N_RIGS);
        rig_generate(&r, 2 * STEPS, ld);
        const size_t n = r.stage.n_theta;
        double *one = kad_alloc(n, sizeof *one), *two = kad_alloc(n, sizeof *two);
        assert_true(one && two);
        penalised_gradient(&r, KAD_DOUBLE, k >= N_RIGS, one);
        penalised_gradient(&r, KAD_SINGLE, k >= N_RIGS, two);
        for (size_t i = 0; i < n; i++) {
            largest = fmax(largest, fabs(one[i]));
            off = fmax(off, fabs(one[i] - two[i]));
            assert_true(isfinite(one[i]) && isfinite(two[i]));
        }
        if (!(off < 2e-5 * largest)) fail_msg("case %d: %g of %g", k, off, largest);
        kad_free(one);
        kad_free(two);
        rig_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM(
            "ode: integrals of |v|^2 and of the Jacobian's norm over a path are those of "
            "naive sums and differences",
            integrals_are_those_of_the_path),
        CLAIM("ode: both adjoints take the gradient of the penalties, to 1e-7 of "
              "differences",
              adjoints_take_the_penalties),
        CLAIM("ode: penalties in single precision, to 2e-5",
              penalties_in_single_precision),
    };
    return cmocka_run_group_tests_name("penalties on paths", tests, NULL, NULL);
}
