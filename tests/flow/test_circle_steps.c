/* The quantile of von Mises' law in single precision: how many Newton steps it takes. */
#define KAD_PREC 32
#include "flow/transforms/circle_kern.h"

#include "tests/support/claim.h"

#include <math.h>
#include <string.h>

/* Where the density is low rounding moves phi by far more than its last bits, step after step:
 * lanes that wait for it to stand still take all of CIRCLE_STEPS. The root is F's to rounding
 * of angles up to pi and of sums that cancel to them. */
static void steps(void **state)
{
    static const float lengths[] = {0, 0.3f, 1, 2, 4, 9, 1e3f},
                       shares[] = {-20, -4, -2, 2};
    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        for (size_t j = 0; j < sizeof shares / sizeof *shares; j++) {
            vreal even[4] = {kad_vset(0), kad_vset(0), kad_vset(0), kad_vset(shares[j])};
            const vreal u[2] = {kad_vset(lengths[i]), kad_vset(0)};
            const kad_outs outs = {.even_rows = even, .even_step = 1};
            circle_quantile f;
            memset(&f, 0, sizeof f);
            circle_quantile_prepare(&outs, 0, u, &f);
            for (int k = 0; k < 4096; k += KAD_V) {
                vreal in, left;
                for (int lane = 0; lane < KAD_V; lane++)
                    in[lane] = (float)M_PI * (float)(k + lane) / 4096;
                const int n = circle_quantile_solve(&f, in);
                if (n > 16)
                    fail_msg("u %g, share %g: %d steps", (double)lengths[i],
                             (double)shares[j], n);
                left = circle_angle(f.c, f.s) + f.rest * f.D - in;
                for (int lane = 0; lane < KAD_V; lane++)
                    assert_true(fabsf(left[lane]) < 4e-6f);
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CLAIM("the quantile ends where rounding begins", steps)};
    return cmocka_run_group_tests_name("steps of the quantile", tests, NULL, NULL);
}
