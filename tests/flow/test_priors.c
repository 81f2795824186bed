/* Conformance of the priors: what every registered one must satisfy. Beside those of the
 * program stands one that is not on the real line, the uniform angle, which is what an
 * extension looks like. */
#include "base/memory.h"
#include "flow/cone.h"
#include "flow/flow.h"
#include "tests/support/claim.h"
#include "tests/support/model_case.h"

/* Angles in [-pi, pi), all alike at every temperature. */
static kad_prior_weight angle_weight(double T)
{
    (void)T;
    return (kad_prior_weight){0, log(2 * M_PI)};
}

static void angle_draw(double T, size_t n, double *z)
{
    (void)T;
    for (size_t i = 0; i < n; i++)
        z[i] = M_PI * erf(z[i] / sqrt(2.0));
}

static void angle_energy(size_t n, const double *z, double *sum)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += 1 - cos(z[i]);
}

static void angle_slope(size_t n, const double *z, double *slope)
{
    for (size_t i = 0; i < n; i++)
        slope[i] = sin(z[i]);
}

static void angle_wrap(size_t n, double *z)
{
    for (size_t i = 0; i < n; i++)
        z[i] -= 2 * M_PI * floor(z[i] / (2 * M_PI) + 0.5);
}

static const kad_prior_ops angle = {
    .name = "angle",
    .summary = "uniform on the circle",
    .reference = "Rezende et al., arXiv:2002.02428",
    .weight = angle_weight,
    .draw = angle_draw,
    .energy = angle_energy,
    .slope = angle_slope,
    .wrap = angle_wrap,
};

extern const kad_prior_ops kad_prior_normal, kad_prior_laplace;
const kad_prior_ops *const kad_priors[] = {&kad_prior_normal, &kad_prior_laplace, &angle,
                                           NULL};

static const double temperatures[] = {0.25, 1, 3};
enum { N_T = 3 };

static double one_energy(const kad_prior_ops *prior, double z)
{
    double e = 0;
    prior->energy(1, &z, &e);
    return e;
}

/* A point is in the prior's domain when it is its own representative. */
static bool in_domain(const kad_prior_ops *prior, double z)
{
    double own = z;
    if (prior->wrap) prior->wrap(1, &own);
    return fabs(own - z) < 1e-9;
}

/* The sum over a grid of midpoints, of step h: for the normal exact to rounding, for the
 * cusp of |z| and the ends of the circle, which lie on grid lines, h^2 / 12 T. */
static void densities_are_normalised(void **state)
{
    (void)state;
    const double h = M_PI / 4096;
    for (int i = 0; kad_priors[i]; i++)
        for (int t = 0; t < N_T; t++) {
            const kad_prior_weight w = kad_priors[i]->weight(temperatures[t]);
            double sum = 0;
            for (int k = -80000; k < 80000; k++) {
                const double z = (k + 0.5) * h;
                if (in_domain(kad_priors[i], z))
                    sum += h * exp(-w.b * one_energy(kad_priors[i], z) - w.log_z);
            }
            if (!(fabs(sum - 1) < h * h)) /* T >= 1/4: the error is below h^2 / 3 */
                fail_msg("%s, T = %g: the integral is 1 %+.2g", kad_priors[i]->name,
                         temperatures[t], sum - 1);
        }
}

/* Central differences at points away from the cusp; error of order h^2 = 1e-10. */
static void slopes_are_derivatives(void **state)
{
    (void)state;
    const double h = 1e-5;
    for (int i = 0; kad_priors[i]; i++)
        for (double z = -2.95; z < 3; z += 0.1) {
            double slope;
            const double up = one_energy(kad_priors[i], z + h),
                         down = one_energy(kad_priors[i], z - h);
            kad_priors[i]->slope(1, &z, &slope);
            if (!(fabs((up - down) / (2 * h) - slope) < 1e-8))
                fail_msg("%s: slope %.12g at %g, differences %.12g", kad_priors[i]->name,
                         slope, z, (up - down) / (2 * h));
        }
}

/* The quantiles of a draw: F(z(u)) = Phi(u), with F summed over a grid. On steps of 5e-4
 * the sum is good to 1e-4 at most, a cell's share. */
static void draws_follow_the_density(void **state)
{
    (void)state;
    const double h = 5e-4;
    for (int i = 0; kad_priors[i]; i++)
        for (int t = 0; t < N_T; t++) {
            const double T = temperatures[t];
            const kad_prior_weight w = kad_priors[i]->weight(T);
            double sum = 0, z = -30;
            for (double u = -3; u < 3.05; u += 0.25) {
                double at = u;
                if (kad_priors[i]->draw)
                    kad_priors[i]->draw(T, 1, &at);
                else
                    at *= sqrt(T);
                for (; z < at; z += h)
                    if (in_domain(kad_priors[i], z + h / 2))
                        sum += h *
                               exp(-w.b * one_energy(kad_priors[i], z + h / 2) - w.log_z);
                const double share = 0.5 * erfc(-u / sqrt(2.0));
                if (!(fabs(sum - share) < 1e-3))
                    fail_msg("%s, T = %g: F(z(%g)) = %.5f, expected %.5f",
                             kad_priors[i]->name, T, u, sum, share);
            }
        }
}

static kad_status make_model(kad_ctx *ctx, const kad_prior_ops *prior, kad_model **out)
{
    char key[64];
    snprintf(key, sizeof key, "flow.prior=%s", prior->name);
    const char *const keys[] = {"action.name=phi4",
                                "action.mu=1",
                                "action.lambda=1",
                                "lattice.shape=[4, 4]",
                                "flow.temperature=0.5",
                                "flow.recipe=neuralrg",
                                "flow.depth=1",
                                key,
                                NULL};
    return test_model(ctx, keys, out);
}

/* ln p of a tile is the sum of its components', and the score its derivative. */
static void tiles_have_the_components_density(void **state)
{
    (void)state;
    for (int i = 0; kad_priors[i]; i++) {
        kad_ctx ctx;
        kad_model *model;
        kad_ctx_init(&ctx, 1);
        assert_int_equal(make_model(&ctx, kad_priors[i], &model), KAD_OK);
        const kad_flow *flow = model->flow;
        const kad_prior_weight w = flow->prior->weight(0.5);
        double z[16][KAD_W_DOUBLE] __attribute__((aligned(64))), lnp[KAD_W_DOUBLE];
        double g[16][KAD_W_DOUBLE] __attribute__((aligned(64)));
        assert_ptr_equal(flow->prior, kad_priors[i]);
        assert_int_equal(flow->n_rows, 16);
        kad_flow_prior_draw(flow, KAD_DOUBLE, kad_rng_stream(5, KAD_RNG_TEST, 0), 0, 0,
                            z);
        kad_flow_prior_lnp(flow, KAD_DOUBLE, z, lnp);
        kad_flow_prior_score(flow, KAD_DOUBLE, z, g);
        for (int l = 0; l < KAD_W_DOUBLE; l++) {
            double sum = 0;
            for (int r = 0; r < 16; r++) {
                double slope;
                sum -= w.b * one_energy(flow->prior, z[r][l]) + w.log_z;
                flow->prior->slope(1, &z[r][l], &slope);
                assert_true(fabs(g[r][l] + w.b * slope) < 1e-14);
                assert_true(in_domain(flow->prior, z[r][l]));
            }
            assert_true(fabs(sum - lnp[l]) < 1e-12);
        }
        kad_model_destroy(model);
    }
}

/* Latents a period further are the same point, for a flow and for its cones. */
static void representatives_are_generated_from(void **state)
{
    (void)state;
    kad_ctx ctx;
    kad_model *model;
    kad_cone *cone;
    kad_cone_state *s;
    kad_ctx_init(&ctx, 1);
    assert_int_equal(make_model(&ctx, &angle, &model), KAD_OK);
    const kad_flow *flow = model->flow;
    double *theta = test_theta(flow, 7, 0.1);
    void *packed = kad_alloc(1, flow->packed_bytes[KAD_DOUBLE]);
    void *scratch = kad_alloc(1, flow->scratch_bytes[KAD_DOUBLE]);
    double z[16][KAD_W_DOUBLE] __attribute__((aligned(64)));
    double y[16][KAD_W_DOUBLE] __attribute__((aligned(64)));
    double far[16][KAD_W_DOUBLE] __attribute__((aligned(64)));
    double ld[KAD_W_DOUBLE] = {0}, same[KAD_W_DOUBLE] = {0};
    kad_flow_pack(flow, KAD_DOUBLE, theta, packed);
    kad_flow_prior_draw(flow, KAD_DOUBLE, kad_rng_stream(9, KAD_RNG_TEST, 0), 0, 0, z);
    for (int r = 0; r < 16; r++)
        for (int l = 0; l < KAD_W_DOUBLE; l++)
            far[r][l] = z[r][l] + 2 * M_PI * (r - 8);
    memcpy(y, z, sizeof y);
    assert_int_equal(kad_cone_create(&ctx, flow, &cone), KAD_OK);
    assert_int_equal(kad_cone_state_create(&ctx, cone, packed, &s), KAD_OK);
    kad_cone_begin(s, far[0]);
    kad_flow_generate(flow, KAD_DOUBLE, packed, y, ld, scratch);
    for (int r = 0; r < 16; r++)
        for (int l = 0; l < KAD_W_DOUBLE; l++)
            assert_true(fabs(s->slots[r * KAD_W_DOUBLE + l] - y[r][l]) < 1e-12);
    kad_cone_move(s, 3, far[3], same);
    for (int r = 0; r < 16; r++)
        for (int l = 0; l < KAD_W_DOUBLE; l++)
            assert_true(fabs(s->slots[r * KAD_W_DOUBLE + l] - y[r][l]) < 1e-12);
    memset(same, 0, sizeof same);
    kad_flow_generate(flow, KAD_DOUBLE, packed, far, same, scratch);
    for (int r = 0; r < 16; r++)
        for (int l = 0; l < KAD_W_DOUBLE; l++)
            assert_true(fabs(far[r][l] - y[r][l]) < 1e-12);
    kad_cone_state_destroy(s);
    kad_cone_destroy(cone);
    kad_free(packed);
    kad_free(scratch);
    kad_free(theta);
    kad_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("priors: densities are normalised", densities_are_normalised),
        CLAIM("priors: slopes are the energies' derivatives", slopes_are_derivatives),
        CLAIM("priors: draws have the density's quantiles", draws_follow_the_density),
        CLAIM("priors: ln p and score of a tile are those of its components",
              tiles_have_the_components_density),
        CLAIM("priors: an angle and one a turn further give the same field",
              representatives_are_generated_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
