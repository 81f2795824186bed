/* Where the exact partition function of the spins behind a dual is known. */
#include "base/memory.h"
#include "models/dual.h"
#include "models/exact.h"
#include "models/single_site.h"

#include <float.h>
#include <math.h>

/* of ln Z, and of the moments: 2^18 states, milliseconds */
enum { MAX_ENUMERATED = 20, MAX_SLICE = 10, MAX_MOMENTS = 18 };

/* K of every bond to a +axis neighbour; false when some coupling is not between nearest
 * neighbours. At extent 2 a pair has two bonds: the first takes a file's coupling. */
static bool fill_bonds(const kad_dual *dual, double *bond)
{
    const kad_lattice *lattice = dual->action.lattice;
    const int d = lattice->d, N = lattice->n_sites;
    int n_bonds = 0, n_couplings = 0;
    for (int i = 0; i < N; i++)
        for (int a = 0; a < d; a++) {
            const int j = lattice->nbr[2 * (i * d + a)];
            const bool second = lattice->shape[a] == 2 && j < i;
            double *K = &bond[i * d + a];
            *K = dual->J ? dual->J[i * N + j] : dual->coupling;
            if (dual->J && second) *K = 0;
            if (dual->J && *K != 0) n_bonds++;
            *K *= dual->beta;
        }
    for (int i = 0; dual->J && i < N; i++)
        for (int j = 0; j < i; j++)
            n_couplings += dual->J[i * N + j] != 0;
    return n_bonds == n_couplings;
}

void kad_dual_couplings(const kad_dual *dual, double *J)
{
    const kad_lattice *lattice = dual->action.lattice;
    const int N = lattice->n_sites;
    for (int i = 0; i < N * N; i++)
        J[i] = dual->J ? dual->J[i] : 0;
    for (int i = 0; !dual->J && i < N; i++)
        for (int b = 0; b < 2 * lattice->d; b++)
            J[i * N + lattice->nbr[2 * i * lattice->d + b]] += dual->coupling;
}

/* The spins, in a field with a ghost behind them. */
static kad_status enumerate(kad_ctx *ctx, const kad_dual *dual, kad_exact_spins *spins)
{
    KAD_SCOPE(scope, ctx);
    const int N = dual->action.lattice->n_sites, n = N + 1;
    double *J, *all;
    KAD_CALL(kad_take(&scope, (size_t)(N * N), &J));
    kad_dual_couplings(dual, J);
    if (dual->h == 0) return kad_exact_enumerate(ctx, N, J, dual->beta, spins, NULL);
    KAD_CALL(kad_take(&scope, (size_t)(n * n), &all));
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++)
            all[i * n + j] = J[i * N + j];
        all[i * n + N] = all[N * n + i] = dual->h;
    }
    return kad_exact_enumerate_in_field(ctx, n, all, dual->beta, spins);
}

static kad_status by_enumeration(kad_ctx *ctx, const kad_dual *dual, kad_exact_log_z *out)
{
    kad_exact_spins spins;
    KAD_CALL(enumerate(ctx, dual, &spins));
    *out = kad_exact_state("enumeration", spins.ln_z, NULL);
    return KAD_OK;
}

static kad_status by_transfer(kad_ctx *ctx, const kad_dual *dual, kad_exact_log_z *out)
{
    KAD_SCOPE(scope, ctx);
    const kad_lattice *lattice = dual->action.lattice;
    double *bond;
    kad_exact_value ln_z;
    KAD_CALL(kad_take(&scope, (size_t)(lattice->n_sites * lattice->d), &bond));
    if (fill_bonds(dual, bond)) {
        KAD_CALL(kad_exact_transfer(ctx, lattice, bond, &ln_z));
        *out = kad_exact_state("transfer matrix", ln_z, NULL);
    }
    return KAD_OK;
}

/* ln Z of a ring of Ising spins in a field, by the eigenvalues of its transfer matrix. */
static kad_exact_value ising_ring(int L, double K, double b)
{
    const double root = sqrt(sinh(b) * sinh(b) + exp(-4 * K));
    const double up = cosh(b) + root, down = (1 - exp(-4 * K)) / up; /* e^-K lambda */
    const double ln_z = L * (K + log(up)) + log1p(pow(down / up, L));
    return (kad_exact_value){ln_z, 16 * DBL_EPSILON *
                                       (L * (1 + fabs(K) + fabs(b)) + fabs(ln_z))};
}

/* The same in a field: free spins, rings, enumeration. */
static kad_status exact_in_field(kad_ctx *ctx, const kad_dual *dual, bool costly,
                                 kad_exact_log_z *out)
{
    const kad_lattice *lattice = dual->action.lattice;
    const int n = dual->action.n_comp, N = lattice->n_sites;
    const double b = dual->beta * dual->h;
    double factor;
    const int ring = kad_exact_ring_length(lattice, &factor);
    const double K = factor * dual->K;
    if (dual->beta == 0 || (!dual->J && dual->K == 0)) {
        const double ln_z = N * (kad_spin_ln_weight(n, fabs(b)) + (n == 1 ? M_LN2 : 0));
        *out = kad_exact_state(
            "free spins", (kad_exact_value){ln_z, 8 * DBL_EPSILON * fabs(ln_z)}, NULL);
    } else if (!dual->J && ring && n == 1 && fabs(K) < 100 && fabs(b) < 100) {
        *out = kad_exact_state("ring", ising_ring(ring, K, b), NULL);
    } else if (!dual->J && ring && n == 2 && costly) {
        return kad_exact_angles(ctx, ring, K, b, 0, 1, out);
    } else if (costly && n == 1 && N < MAX_ENUMERATED) {
        return by_enumeration(ctx, dual, out);
    }
    return KAD_OK;
}

kad_status kad_dual_exact(kad_ctx *ctx, const kad_dual *dual, bool costly,
                          kad_exact_log_z *out)
{
    const kad_lattice *lattice = dual->action.lattice;
    const int n = dual->action.n_comp, N = lattice->n_sites;
    /* an antiferromagnet on two sublattices is a ferromagnet in staggered spins */
    const double K = lattice->bipartite ? fabs(dual->K) : dual->K;
    const bool ferromagnet = !dual->J && K > 0;
    double factor;
    const int ring = kad_exact_ring_length(lattice, &factor);
    *out = (kad_exact_log_z){.ln_z = {(double)NAN, (double)NAN}};
    if (dual->h != 0) return exact_in_field(ctx, dual, costly, out);
    if (dual->beta == 0 || (!dual->J && K == 0)) {
        const double ln_z = n == 1 ? N * M_LN2 : 0;
        *out = kad_exact_state("free spins", (kad_exact_value){ln_z, DBL_EPSILON * ln_z},
                               NULL);
    } else if (ferromagnet && ring) {
        kad_exact_value ln_z = kad_exact_spin_ring(n, ring, factor * K);
        if (n == 1) ln_z.value += N * M_LN2;
        ln_z.error += DBL_EPSILON * fabs(ln_z.value);
        *out = kad_exact_state("ring", ln_z, NULL);
    } else if (ferromagnet && n == 1 && lattice->d == 2) {
        kad_exact_thermo thermo;
        kad_exact_kaufman(lattice->shape[0], lattice->shape[1], K, &thermo);
        *out = kad_exact_state("Kaufman", thermo.ln_z, NULL);
    } else if (costly && n == 1 && N <= MAX_ENUMERATED) {
        return by_enumeration(ctx, dual, out);
    } else if (costly && n == 1 && kad_exact_slice(lattice) <= MAX_SLICE) {
        return by_transfer(ctx, dual, out);
    }
    return KAD_OK;
}

/* Kaufman's energy and specific heat of the square-lattice Ising model. */
static void add_square_ising(const kad_dual *dual, kad_exact_means *out)
{
    static const char source[] = "Kaufman, Phys. Rev. 76 (1949) 1232";
    const kad_lattice *lattice = dual->action.lattice;
    kad_exact_thermo thermo;
    const double J = lattice->bipartite ? fabs(dual->coupling) : dual->coupling;
    if (dual->action.n_comp != 1 || dual->J != NULL || lattice->d != 2 || J < 0 ||
        dual->h != 0)
        return;
    kad_exact_kaufman(lattice->shape[0], lattice->shape[1], dual->beta * J, &thermo);
    kad_exact_add(out, "energy", kad_exact_times(J, thermo.energy), source);
    kad_exact_add(out, "specific_heat", thermo.specific_heat, source);
}

/* Moments of a few Ising spins by enumeration. */
static kad_status add_few_spins(kad_ctx *ctx, const kad_dual *dual, kad_exact_means *out)
{
    static const char source[] = "enumeration";
    const int N = dual->action.lattice->n_sites;
    kad_exact_spins spins;

    if (dual->action.n_comp != 1 || N > MAX_MOMENTS - (dual->h != 0)) return KAD_OK;
    KAD_CALL(enumerate(ctx, dual, &spins));
    if (dual->h != 0) kad_exact_add(out, "m", spins.m, source);
    const double ratio = spins.m4.value / (3 * spins.m2.value * spins.m2.value);
    const kad_exact_value binder = {
        1 - ratio,
        ratio * (spins.m4.error / spins.m4.value + 2 * spins.m2.error / spins.m2.value)};
    kad_exact_add(out, "energy", kad_exact_times(1.0 / N, spins.energy), source);
    kad_exact_add(out, "specific_heat", kad_exact_times(1.0 / N, spins.specific_heat),
                  source);
    kad_exact_add(out, "m2", spins.m2, source);
    kad_exact_add(out, "m4", spins.m4, source);
    kad_exact_add(out, "abs_m", spins.abs_m, source);
    kad_exact_add(out, "chi", kad_exact_times(N, spins.m2), source);
    kad_exact_add(out, "binder", binder, source);
    return KAD_OK;
}

kad_status kad_dual_exact_means(kad_ctx *ctx, const kad_action *action,
                                kad_exact_means *out)
{
    add_square_ising(action->self, out);
    return add_few_spins(ctx, action->self, out);
}
