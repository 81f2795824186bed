#include "measure/exact.h"

#include "base/memory.h"
#include "models/dual.h"
#include "models/exact.h"
#include "models/phi4.h"

#include <math.h>
#include <stdio.h>

enum { ENUMERATE_MOST = 18 }; /* spins: 2^18 states, milliseconds */

static kad_status write_value(kad_ctx *ctx, kad_h5 *file, const char *name, double value,
                              const char *source)
{
    kad_status status = KAD_OK;
    char path[96];
    if (!isfinite(value)) return KAD_OK;
    snprintf(path, sizeof path, "/exact/%s", name);
    KAD_TRY(kad_h5_write(ctx, file, path, KAD_H5_F64, 0, NULL, &value));
    KAD_TRY(kad_h5_attr_set_string(ctx, file, path, "source",
                                   source != NULL ? source : "exact"));
done:
    return status;
}

/* Kaufman's energy and specific heat of the square-lattice Ising model. */
static kad_status write_square_ising(kad_ctx *ctx, kad_h5 *file, const kad_dual *dual)
{
    static const char source[] = "Kaufman, Phys. Rev. 76 (1949) 1232";
    kad_status status = KAD_OK;
    const kad_lattice *lattice = dual->action.lattice;
    kad_exact_thermo thermo;
    if (dual->action.n_comp != 1 || dual->J != NULL || lattice->d != 2 ||
        !(dual->beta > 0.0))
        return KAD_OK;
    kad_exact_kaufman(lattice->shape[0], lattice->shape[1], dual->beta, &thermo);
    KAD_TRY(write_value(ctx, file, "energy", thermo.energy, source));
    KAD_TRY(write_value(ctx, file, "specific_heat", thermo.specific_heat, source));
done:
    return status;
}

/* K = beta J of uniform nearest neighbours or of a file, [N][N]. */
static void couplings(const kad_dual *dual, double *K)
{
    const kad_lattice *lattice = dual->action.lattice;
    const int N = lattice->n_sites;
    for (int i = 0; i < N * N; i++)
        K[i] = dual->J != NULL ? dual->beta * dual->J[i] : 0.0;
    for (int i = 0; i < N && dual->J == NULL; i++)
        for (int k = 0; k < 2 * lattice->d; k++)
            K[i * N + lattice->nbr[i * 2 * lattice->d + k]] += dual->beta;
}

/* Moments of a few Ising spins by enumeration. */
static kad_status write_few_spins(kad_ctx *ctx, kad_h5 *file, const kad_dual *dual)
{
    kad_status status = KAD_OK;
    const int N = dual->action.lattice->n_sites;
    kad_exact_spins spins;
    double *K = NULL;
    static const char source[] = "enumeration";

    if (dual->action.n_comp != 1 || N > ENUMERATE_MOST || !(dual->beta > 0.0))
        return KAD_OK;
    KAD_TRY(kad_new(ctx, (size_t)N * (size_t)N, sizeof *K, &K));
    couplings(dual, K);
    KAD_TRY(kad_exact_enumerate(ctx, N, K, &spins, NULL));
    KAD_TRY(write_value(ctx, file, "energy", spins.energy / (dual->beta * N), source));
    KAD_TRY(write_value(ctx, file, "specific_heat",
                        (spins.energy2 - spins.energy * spins.energy) / N, source));
    KAD_TRY(write_value(ctx, file, "m2", spins.m2, source));
    KAD_TRY(write_value(ctx, file, "m4", spins.m4, source));
    KAD_TRY(write_value(ctx, file, "abs_m", spins.abs_m, source));
    KAD_TRY(write_value(ctx, file, "chi", N * spins.m2, source));
    KAD_TRY(write_value(ctx, file, "binder", 1.0 - spins.m4 / (3.0 * spins.m2 * spins.m2),
                        source));
done:
    kad_free(K);
    return status;
}

/* Two-point quantities of the free field; <S> = n N / 2. */
static kad_status write_free_field(kad_ctx *ctx, kad_h5 *file, const kad_phi4 *phi4)
{
    kad_status status = KAD_OK;
    const kad_lattice *lattice = phi4->action.lattice;
    const double n = phi4->action.n_comp;
    double *G = NULL, sum = 0.0, bond = 0.0;
    static const char source[] = "free field";

    if (phi4->now.lambda != 0.0) return KAD_OK;
    KAD_TRY(kad_new(ctx, (size_t)lattice->n_sites, sizeof *G, &G));
    kad_exact_free_propagator(lattice, phi4->now.t, phi4->now.mu, G);
    for (int i = 0; i < lattice->n_sites; i++)
        sum += G[i];
    for (int mu = 0; mu < lattice->d; mu++)
        bond += G[lattice->nbr[2 * mu]] / lattice->d;
    KAD_TRY(write_value(ctx, file, "energy", n / 2.0 + phi4->now.constant, source));
    KAD_TRY(write_value(ctx, file, "phi2", n * G[0], source));
    KAD_TRY(write_value(ctx, file, "phi4", n * (n + 2.0) * G[0] * G[0], source));
    KAD_TRY(write_value(ctx, file, "bond", n * bond, source));
    KAD_TRY(write_value(ctx, file, "m2", n * sum / lattice->n_sites, source));
    KAD_TRY(write_value(ctx, file, "chi", n * sum, source));
done:
    kad_free(G);
    return status;
}

kad_status kad_exact_write(kad_ctx *ctx, kad_h5 *file, const kad_action *action)
{
    kad_status status = KAD_OK;
    KAD_TRY(kad_h5_remove(ctx, file, "/exact"));
    KAD_TRY(write_value(ctx, file, "log_z", action->log_z_exact, action->log_z_source));
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
