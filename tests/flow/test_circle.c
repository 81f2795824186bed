/* Transforms of angles: the quantile of von Mises' law against quadrature, its ends, and that
 * lengths neither change nor decide anything. One target, one source: theta of the net is set
 * so that v0 is a multiple of the source's direction. */
#include "flow/bijectors/stencil.h"
#include "tests/support/bijector_case.h"
#include "tests/support/claim.h"

#include <gsl/gsl_integration.h>

enum { W = KAD_W_DOUBLE, SOURCE = 0, TARGET = 1 };

static const double MOST = 12, LEAST = 1e-4; /* of kappa, of the share (circle_kern.h) */

static const kad_transform_ops *const all[] = {&kad_transform_vm, &kad_transform_circ,
                                               &kad_transform_crqs};
enum { N_ALL = sizeof all / sizeof *all };

static void open_one(instance *t, const kad_transform_ops *transform)
{
    *t = (instance){0};
    kad_ctx_init(&t->ctx, 1);
    assert_int_equal(kad_lattice_create(&t->ctx, 1, (int[]){2}, &t->lattice), KAD_OK);
    assert_int_equal(kad_stencil_create(&t->ctx, t->lattice, 2, transform, 1, 1, 1,
                                        (int[]){SOURCE, TARGET}, &t->stage),
                     KAD_OK);
    t->theta = kad_alloc(t->stage.n_theta, sizeof *t->theta);
    for (int p = 0; p < 2; p++) {
        t->packed[p] = kad_alloc(1, t->stage.packed_bytes[p] + 64);
        t->scratch[p] = kad_alloc(1, t->stage.scratch_bytes[p] + 64);
    }
}

/* v0 = u along the source, no axes, the share's argument. */
static void set(instance *t, double u, double share)
{
    const kad_stencil *e = t->stage.self;
    for (size_t i = 0; i < t->stage.n_theta; i++)
        t->theta[i] = 0;
    t->theta[e->wl] = u;
    if (e->n_even > 3) t->theta[e->b + 3] = share;
    instance_pack(t, 0, NULL);
}

static double density(double phi, void *kappa)
{
    const double k = *(double *)kappa;
    return exp(k * (cos(phi) - 1));
}

static double integral(gsl_integration_workspace *work, double kappa, double phi)
{
    gsl_function f = {density, &kappa};
    double value, error;
    gsl_integration_qag(&f, 0, phi, 0, 1e-12, 1000, GSL_INTEG_GAUSS61, work, &value,
                        &error);
    return value;
}

/* Generated angles phi of phi_in on a grid to the very end: the weight up to phi must be
 * phi_in. Slopes of the inverse reach I_0 e^kappa or 1/share. */
static void quantile(void **state)
{
    static const double u[] = {0, 1e-7, 1e-3, 0.3, 1, 3, 8, 20, 1e3};
    static const double shares[] = {-30, -4, 0, 3};
    gsl_integration_workspace *work = gsl_integration_workspace_alloc(1000);
    instance t;
    (void)state;
    open_one(&t, &kad_transform_vm);
    for (size_t i = 0; i < sizeof u / sizeof *u; i++)
        for (size_t j = 0; j < sizeof shares / sizeof *shares; j++) {
            const double kappa = u[i] / sqrt(1 + u[i] * u[i] / (MOST * MOST));
            const double eps = LEAST + (1 - LEAST) / (1 + exp(-shares[j]));
            const double whole = integral(work, kappa, M_PI);
            double x[4 * W], ld[W] = {0};
            set(&t, u[i], shares[j]);
            for (int lane = 0; lane < W; lane++) { /* source at 0.4, length 2 */
                const double in = M_PI * (2.0 * lane - W + 1) / (W - 1);
                x[lane] = 2 * cos(0.4);
                x[W + lane] = 2 * sin(0.4);
                x[2 * W + lane] = 0.7 * cos(0.4 + in);
                x[3 * W + lane] = 0.7 * sin(0.4 + in);
            }
            apply(&t, GENERATE, KAD_DOUBLE, x, NULL, 0, NULL, ld);
            for (int lane = 1; lane < W - 1; lane++) {
                const double in = M_PI * (2.0 * lane - W + 1) / (W - 1);
                const double phi =
                    remainder(atan2(x[3 * W + lane], x[2 * W + lane]) - 0.4, 2 * M_PI);
                const double F =
                    (1 - eps) * M_PI * integral(work, kappa, fabs(phi)) / whole +
                    eps * fabs(phi);
                const double P =
                    (1 - eps) * M_PI * density(phi, (void *)&kappa) / whole + eps;
                assert_close(F, fabs(in), 1e-10);
                assert_true(phi * in > 0);
                assert_close(ld[lane], -log(P), 1e-9);
                assert_close(hypot(x[2 * W + lane], x[3 * W + lane]), 0.7, 1e-14);
            }
            /* the far end stays where it is */
            assert_close(cos(atan2(x[3 * W], x[2 * W]) - 0.4), -1, 1e-12);
            /* and back */
            double back[W] = {0};
            apply(&t, INFER, KAD_DOUBLE, x, NULL, 0, NULL, back);
            for (int lane = 0; lane < W; lane++) {
                const double in = M_PI * (2.0 * lane - W + 1) / (W - 1);
                assert_close(x[2 * W + lane], 0.7 * cos(0.4 + in), 1e-12);
                assert_close(back[lane], -ld[lane], 1e-9);
            }
        }
    gsl_integration_workspace_free(work);
    instance_close(&t);
}

/* The spline about the source's direction: it keeps that and the opposite one, where it has the
 * slopes of its outputs; behind a full turn slope and angle are what they were; no source's
 * length, no map. */
static void spline(void **state)
{
    instance t;
    (void)state;
    open_one(&t, &kad_transform_crqs);
    const kad_stencil *e = t.stage.self;
    const double u = 1.5, h = u / sqrt(1 + u * u);
    for (int flat = 0; flat < 2; flat++) {
        double x[4 * W], ld[W] = {0};
        set(&t, flat ? 0 : u, 0.4);
        for (int k = 3; k < e->n_even; k++)
            t.theta[e->b + (size_t)k] = 0.3 * (k % 4) - 0.5;
        instance_pack(&t, 0, NULL);
        for (int lane = 0; lane < W; lane++) { /* from one end to the other, at 0.4 */
            const double in = 2 * M_PI * lane / W - M_PI;
            x[lane] = 2 * cos(0.4);
            x[W + lane] = 2 * sin(0.4);
            x[2 * W + lane] = 0.7 * cos(0.4 + in);
            x[3 * W + lane] = 0.7 * sin(0.4 + in);
        }
        apply(&t, GENERATE, KAD_DOUBLE, x, NULL, 0, NULL, ld);
        double moved = 0, before = -M_PI;
        for (int lane = 0; lane < W; lane++) {
            const double in = 2 * M_PI * lane / W - M_PI;
            const double phi =
                remainder(atan2(x[3 * W + lane], x[2 * W + lane]) - 0.4, 2 * M_PI);
            if (lane > 0) assert_true(phi > before);
            if (lane > 0) before = phi;
            moved += fabs(phi - in) * (lane > 0);
            if (flat) assert_close(ld[lane], 0, 1e-12);
            /* phi and -phi alike */
            if (lane > 0) assert_close(ld[lane], ld[W - lane], 1e-10);
        }
        assert_true(flat ? moved < 1e-11 : moved > 0.5);
        if (flat) continue;
        assert_close(x[2 * W + W / 2] * sin(0.4) - x[3 * W + W / 2] * cos(0.4), 0, 1e-12);
        assert_close(cos(atan2(x[3 * W], x[2 * W]) - 0.4), -1, 1e-12);
        assert_close(ld[W / 2], h * t.theta[e->b + 9], 1e-9);
        assert_close(ld[0], h * t.theta[e->b + 13], 1e-9);
    }
    instance_close(&t);
}

/* Latents that are zero, one pair in 2^24 in single precision: what they are mapped to has a
 * direction that comes back, at the first axis, with the same density. */
static void no_direction(void **state)
{
    (void)state;
    for (int k = 0; k < N_ALL; k++) {
        instance t;
        double ld[2][W] = {{0}}, back[W] = {0}, x[4 * W], y[4 * W];
        open_one(&t, all[k]);
        double *theta = normals(t.stage.n_theta, 3), *source = normals(2 * W, 4);
        memcpy(t.theta, theta, t.stage.n_theta * sizeof *theta);
        instance_pack(&t, 0, NULL);
        for (int i = 0; i < 4 * W; i++)
            x[i] = y[i] = i < 2 * W ? source[i] : i < 3 * W;
        for (int lane = 0; lane < W; lane++)
            x[2 * W + lane] = lane % 2 ? 0 : -0.0;
        apply(&t, GENERATE, KAD_DOUBLE, x, NULL, 0, NULL, ld[0]);
        apply(&t, GENERATE, KAD_DOUBLE, y, NULL, 0, NULL, ld[1]);
        for (int lane = 0; lane < W; lane++) {
            const double r = hypot(x[2 * W + lane], x[3 * W + lane]);
            assert_true(r > 0.9e-15 && r < 1.1e-15);
            assert_close(x[2 * W + lane] / r, y[2 * W + lane], 1e-12);
            assert_close(x[3 * W + lane] / r, y[3 * W + lane], 1e-12);
            assert_close(ld[0][lane], ld[1][lane], 1e-12);
        }
        apply(&t, INFER, KAD_DOUBLE, x, NULL, 0, NULL, back);
        for (int lane = 0; lane < W; lane++) {
            assert_close(x[2 * W + lane], 1e-15, 1e-25);
            assert_close(x[3 * W + lane], 0, 1e-25);
            assert_close(back[lane], -ld[0][lane], 1e-9);
        }
        kad_free(theta);
        kad_free(source);
        instance_close(&t);
    }
}

/* Random parameters: scaling the source or the target scales the target alone. */
static void lengths(void **state)
{
    (void)state;
    for (int k = 0; k < N_ALL; k++) {
        instance t;
        double ld[2][W] = {{0}};
        open_one(&t, all[k]);
        double *x = normals(4 * W, 1), *y = normals(4 * W, 1), *r = normals(2 * W, 2);
        double *theta = normals(t.stage.n_theta, 3);
        memcpy(t.theta, theta, t.stage.n_theta * sizeof *theta);
        instance_pack(&t, 0, NULL);
        for (int i = 0; i < 4 * W; i++)
            y[i] *= exp(r[i / (2 * W) * W + i % W]);
        apply(&t, GENERATE, KAD_DOUBLE, x, NULL, 0, NULL, ld[0]);
        apply(&t, GENERATE, KAD_DOUBLE, y, NULL, 0, NULL, ld[1]);
        double moved = 0;
        for (int i = 2 * W; i < 4 * W; i++)
            assert_close(y[i], x[i] * exp(r[W + i % W]), 1e-12 * (1 + fabs(y[i])));
        for (int lane = 0; lane < W; lane++) {
            assert_close(ld[0][lane], ld[1][lane], 1e-12);
            moved += fabs(ld[0][lane]);
        }
        assert_true(moved > 1);
        kad_free(x);
        kad_free(y);
        kad_free(r);
        kad_free(theta);
        instance_close(&t);
    }
}

/* Turned and reflected with the source: f(R z; R X) = R f(z; X). */
static void turns_with_the_source(void **state)
{
    (void)state;
    for (int k = 0; k < 2 * N_ALL; k++) {
        const double c = cos(1.1), s = sin(1.1), sign = k < N_ALL ? 1 : -1;
        instance t;
        open_one(&t, all[k % N_ALL]);
        double *x = normals(4 * W, 1), *y = normals(4 * W, 1);
        double *theta = normals(t.stage.n_theta, 3);
        memcpy(t.theta, theta, t.stage.n_theta * sizeof *theta);
        instance_pack(&t, 0, NULL);
        for (int round = 0; round < 2; round++) {
            for (int site = 0; site < 2; site++)
                for (int lane = 0; lane < W; lane++) {
                    const double a = x[2 * site * W + lane],
                                 b = x[(2 * site + 1) * W + lane];
                    double *to = y + 2 * site * W + lane;
                    const double e = c * a - s * b, f = sign * (s * a + c * b);
                    if (round == 1) {
                        assert_close(to[0], e, 1e-11);
                        assert_close(to[W], f, 1e-11);
                    }
                    to[0] = e;
                    to[W] = f;
                }
            if (round == 0) apply(&t, GENERATE, KAD_DOUBLE, x, NULL, 0, NULL, NULL);
            if (round == 0) apply(&t, GENERATE, KAD_DOUBLE, y, NULL, 0, NULL, NULL);
        }
        kad_free(x);
        kad_free(y);
        kad_free(theta);
        instance_close(&t);
    }
}

/* They are for two components, and not for the couplings of blocks. */
static void refusals(void **state)
{
    instance t;
    (void)state;
    open_one(&t, &kad_transform_vm);
    kad_stage other;
    assert_int_equal(kad_stencil_create(&t.ctx, t.lattice, 1, &kad_transform_vm, 1, 1, 1,
                                        (int[]){SOURCE, TARGET}, &other),
                     KAD_EUSAGE);
    assert_int_equal(kad_stencil_create(&t.ctx, t.lattice, 3, &kad_transform_circ, 1, 1,
                                        1, (int[]){SOURCE, TARGET}, &other),
                     KAD_EUSAGE);
    instance_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(quantile),
                                       cmocka_unit_test(lengths),
                                       cmocka_unit_test(turns_with_the_source),
                                       cmocka_unit_test(spline),
                                       cmocka_unit_test(no_direction),
                                       cmocka_unit_test(refusals)};
    return cmocka_run_group_tests_name("transforms of angles", tests, NULL, NULL);
}
