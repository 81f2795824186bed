#include "record/exact.h"

#include "base/memory.h"
#include "models/dual.h"
#include "models/exact.h"
#include "models/phi4.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

enum { ENUMERATE_MOST = 18 }; /* spins: 2^18 states, milliseconds */

static kad_status put(kad_ctx *ctx, kad_h5 *file, const char *name, kad_exact_value x,
                      const char *source)
{
    kad_status status = KAD_OK;
    char path[96];
    snprintf(path, sizeof path, "/exact/%s", name);
    KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, 0, NULL, &x.value));
    KAD_TRY(kad_h5_attr_set_string(ctx, file, path, "source", source));
    KAD_TRY(kad_h5_attr_set_real(ctx, file, path, "error", x.error));
done:
    return status;
}

/* Only what is certain; what is not is said. */
static kad_status write_value(kad_ctx *ctx, kad_h5 *file, const char *name,
                              kad_exact_value x, const char *source)
{
    if (kad_exact_certain(x)) return put(ctx, file, name, x, source);
    kad_note(ctx, "exact %s: not stated, rounding leaves %.3g +- %.1g (%s)", name,
             x.value, x.error, source);
    return KAD_OK;
}

static kad_exact_value times(double factor, kad_exact_value x)
{
    const double value = factor * x.value;
    return (kad_exact_value){value, fabs(factor) * x.error + DBL_EPSILON * fabs(value)};
}

/* Kaufman's energy and specific heat of the square-lattice Ising model. */
static kad_status write_square_ising(kad_ctx *ctx, kad_h5 *file, const kad_dual *dual)
{
    static const char source[] = "Kaufman, Phys. Rev. 76 (1949) 1232";
    kad_status status = KAD_OK;
    const kad_lattice *lattice = dual->action.lattice;
    kad_exact_thermo thermo;
    const double J = lattice->bipartite ? fabs(dual->coupling) : dual->coupling;
    if (dual->action.n_comp != 1 || dual->J != NULL || lattice->d != 2 || J < 0)
        return KAD_OK;
    kad_exact_kaufman(lattice->shape[0], lattice->shape[1], dual->beta * J, &thermo);
    KAD_TRY(write_value(ctx, file, "energy", times(J, thermo.energy), source));
    KAD_TRY(write_value(ctx, file, "specific_heat", thermo.specific_heat, source));
done:
    return status;
}

/* Moments of a few Ising spins by enumeration. */
static kad_status write_few_spins(kad_ctx *ctx, kad_h5 *file, const kad_dual *dual)
{
    kad_status status = KAD_OK;
    const int N = dual->action.lattice->n_sites;
    kad_exact_spins spins;
    double *J = NULL;
    static const char source[] = "enumeration";

    if (dual->action.n_comp != 1 || N > ENUMERATE_MOST) return KAD_OK;
    KAD_TRY(kad_new(ctx, (size_t)N * (size_t)N, sizeof *J, &J));
    kad_dual_couplings(dual, J);
    KAD_TRY(kad_exact_enumerate(ctx, N, J, dual->beta, &spins, NULL));
    const double ratio = spins.m4.value / (3 * spins.m2.value * spins.m2.value);
    const kad_exact_value binder = {
        1 - ratio,
        ratio * (spins.m4.error / spins.m4.value + 2 * spins.m2.error / spins.m2.value)};
    KAD_TRY(write_value(ctx, file, "energy", times(1.0 / N, spins.energy), source));
    KAD_TRY(write_value(ctx, file, "specific_heat", times(1.0 / N, spins.specific_heat),
                        source));
    KAD_TRY(write_value(ctx, file, "m2", spins.m2, source));
    KAD_TRY(write_value(ctx, file, "m4", spins.m4, source));
    KAD_TRY(write_value(ctx, file, "abs_m", spins.abs_m, source));
    KAD_TRY(write_value(ctx, file, "chi", times(N, spins.m2), source));
    KAD_TRY(write_value(ctx, file, "binder", binder, source));
done:
    kad_free(J);
    return status;
}

/* Two-point quantities of the free field; <S> = n N / 2. */
static kad_status write_free_field(kad_ctx *ctx, kad_h5 *file, const kad_phi4 *phi4)
{
    kad_status status = KAD_OK;
    const kad_lattice *lattice = phi4->action.lattice;
    const double n = phi4->action.n_comp;
    static const char source[] = "free field";
    kad_exact_free_moments G;

    if (phi4->now.lambda != 0.0) return KAD_OK;
    kad_exact_free(lattice, phi4->now.t, phi4->now.mass, &G);
    const double g0 = G.phi2.value, energy = n / 2.0 + phi4->now.constant;
    const kad_exact_value g0_squared = {g0 * g0, 2.0 * g0 * G.phi2.error};
    KAD_TRY(write_value(ctx, file, "energy",
                        (kad_exact_value){energy, DBL_EPSILON * fabs(energy)}, source));
    KAD_TRY(write_value(ctx, file, "phi2", times(n, G.phi2), source));
    KAD_TRY(write_value(ctx, file, "phi4", times(n * (n + 2.0), g0_squared), source));
    KAD_TRY(write_value(ctx, file, "bond", times(n, G.bond), source));
    KAD_TRY(write_value(ctx, file, "m2", times(n / lattice->n_sites, G.chi), source));
    KAD_TRY(write_value(ctx, file, "chi", times(n, G.chi), source));
done:
    return status;
}

kad_status kad_exact_write(kad_ctx *ctx, kad_h5 *file, const kad_action *action)
{
    kad_status status = KAD_OK;
    KAD_TRY(kad_h5_remove(ctx, file, "/exact"));
    if (action->log_z_source != NULL)
        KAD_TRY(put(ctx, file, "log_z",
                    (kad_exact_value){action->log_z_exact, action->log_z_exact_error},
                    action->log_z_source));
    if (action->ops == &kad_action_dual) {
        const kad_dual *dual = action->self;
        KAD_TRY(write_square_ising(ctx, file, dual));
        KAD_TRY(write_few_spins(ctx, file, dual));
    }
    if (action->ops == &kad_action_phi4 || action->ops == &kad_action_phi4_decimated)
        KAD_TRY(write_free_field(ctx, file, action->self));
done:
    return status;
}
