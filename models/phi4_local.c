/* Markov updates of phi^4: Metropolis and over-relaxation (phi4_local_kern.c), and
 * Brower and Tamayo's clusters: given a direction r, the signs of sigma_i = phi_i.r are
 * Ising spins with couplings t |sigma_i| |sigma_j|, and the rest of S depends on
 * sigma_i^2 only; a field is a ghost (local.h). */
#include "models/phi4.h"

#include <math.h>
#include <string.h>

enum { W = KAD_W_DOUBLE };

static bool has_ghost(const kad_action *action)
{
    const kad_phi4 *phi4 = action->self;
    return phi4->configured.h != 0;
}

static kad_status bonds(kad_ctx *ctx, const kad_action *action, kad_bonds *out)
{
    kad_bonds made KAD_CLEARED(kad_bonds_clear) = {0};
    *out = (kad_bonds){0};
    KAD_CALL(kad_bonds_of_lattice(ctx, action->lattice, &made));
    if (has_ghost(action))
        KAD_CALL(kad_bonds_add_ghost(ctx, action->lattice->n_sites, &made));
    *out = made;
    made = (kad_bonds){0};
    return KAD_OK;
}

/* In a field: a copy of the field with the ghost behind it, then a move's work. */
static size_t copy_bytes(const kad_action *action)
{
    const size_t n_vectors = (size_t)action->lattice->n_sites + 1;
    return has_ghost(action) ? n_vectors * (size_t)action->n_comp * KAD_ROW_BYTES : 0;
}

static size_t scratch_bytes(const kad_action *action)
{
    return copy_bytes(action) + kad_local_move_bytes(action->lattice->n_sites + 1);
}

/* Cold: the uniform field of least action without h, (d t - mu) / (2 lambda) = |phi|^2, along
 * h. */
static void start(const kad_action *action, const kad_turn *turn, bool hot, double *x,
                  void *scratch)
{
    const kad_phi4 *phi4 = action->self;
    const kad_phi4_parameters *p = &phi4->now;
    const size_t n_rows = (size_t)action->lattice->n_sites * (size_t)action->n_comp;
    const double excess = action->lattice->d * fabs(p->t) - p->mu;
    const double length =
        p->lambda > 0 && excess > 0 ? sqrt(excess / (2 * p->lambda)) : 0;
    const double v = p->h < 0 ? -length : length;
    (void)scratch;
    for (size_t row = 0; row < n_rows; row++)
        for (int lane = 0; lane < W; lane++) {
            double pair[2] = {0, 0};
            if (hot)
                kad_rng_normal2(turn->rng[KAD_LOCAL_START], turn->step,
                                turn->first_chain + (uint64_t)lane, (uint32_t)row, pair);
            else
                pair[0] = row % (size_t)action->n_comp == 0 ? v : 0;
            x[row * W + (size_t)lane] = pair[0];
        }
}

static void cluster(const kad_action *action, const kad_turn *turn,
                    const kad_bonds *bond_list, int n_moves, double *x, void *scratch)
{
    const kad_phi4 *phi4 = action->self;
    const int N = action->lattice->n_sites;
    if (has_ghost(action)) {
        const size_t bytes = (size_t)(N * action->n_comp) * KAD_ROW_BYTES;
        memcpy(scratch, x, bytes);
        kad_local_moves_in_field(turn, n_moves, N, action->n_comp, bond_list, phi4->now.t,
                                 phi4->now.h, scratch,
                                 (char *)scratch + copy_bytes(action));
        memcpy(x, scratch, bytes);
        return;
    }
    for (int move = 0; move < n_moves; move++)
        kad_local_move(turn, turn->step * (uint64_t)n_moves + (uint64_t)move, N,
                       action->n_comp, bond_list, phi4->now.t, x, scratch);
}

static void value(const kad_action *action, const double *x, double *S, void *scratch)
{
    kad_phi4_kern_f64.value(action, x, S, scratch);
    /* decimated: the constants of ln Z_1 are in the offset */
    for (int lane = 0; lane < W; lane++)
        S[lane] += action->log_z_offset;
}

const kad_action_local kad_phi4_local = {
    .tuned = true,
    .bonds = bonds,
    .scratch_bytes = scratch_bytes,
    .start = start,
    .sweep = kad_phi4_local_sweep,
    .reflect = kad_phi4_local_reflect,
    .cluster = cluster,
    .value = value,
};
