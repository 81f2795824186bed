/* Markov updates of the dual: spins given the field, optional cluster moves of the spins,
 * the field given the spins, every step exact. */
#include "models/dual.h"

#include "models/spins.h"

#include <string.h>

enum { W = KAD_W_DOUBLE };

static size_t rows_of(const kad_action *action)
{
    return (size_t)action->lattice->n_sites * (size_t)action->n_comp;
}

/* Of the spins and a ghost. */
static size_t padded_rows(const kad_action *action)
{
    return (rows_of(action) + (size_t)action->n_comp + 3) / 4 * 4;
}

static kad_status bonds(kad_ctx *ctx, const kad_action *action, kad_bonds *out)
{
    const kad_dual *dual = action->self;
    kad_bonds made KAD_CLEARED(kad_bonds_clear) = {0};
    const int N = action->lattice->n_sites;
    *out = (kad_bonds){0};
    KAD_CALL(dual->J ? kad_bonds_of_matrix(ctx, N, dual->J, &made)
                     : kad_bonds_of_lattice(ctx, action->lattice, &made));
    if (dual->h_given != 0) KAD_CALL(kad_bonds_add_ghost(ctx, N, &made));
    *out = made;
    made = (kad_bonds){0};
    return KAD_OK;
}

/* A tile of spins, then what one of field, cluster move or value needs. */
static size_t scratch_bytes(const kad_action *action)
{
    const size_t move = kad_local_move_bytes(action->lattice->n_sites + 1);
    const size_t value = action->scratch_bytes[KAD_DOUBLE];
    size_t most = kad_dual_field_bytes(action->self);
    if (move > most) most = move;
    if (value > most) most = value;
    return padded_rows(action) * KAD_ROW_BYTES + most;
}

static void draw_spins(const kad_action *action, const kad_turn *turn, const double *x,
                       double *s)
{
    if (action->n_comp == 1) {
        kad_dual_ising_spins(action->self, turn, x, s);
        return;
    }
    const size_t n = (size_t)action->n_comp, n_sites = (size_t)action->lattice->n_sites;
    for (size_t i = 0; i < n_sites; i++) {
        const kad_spin_source source = {.rng = turn->rng[KAD_LOCAL_SPIN],
                                        .step = turn->step,
                                        .sample = turn->first_chain,
                                        .quad = (uint32_t)i,
                                        .quad_stride = (uint32_t)n_sites};
        kad_spin_rows_draw_f64(action->n_comp, &source, W, W, x + i * n * W,
                               s + i * n * W);
    }
}

static void start(const kad_action *action, const kad_turn *turn, bool hot, double *x,
                  void *scratch)
{
    const size_t n_rows = rows_of(action), n = (size_t)action->n_comp;
    double *s = scratch, *work = s + padded_rows(action) * W;
    memset(x, 0, n_rows * KAD_ROW_BYTES);
    const kad_lattice *lattice = action->lattice;
    const bool staggered = ((const kad_dual *)action->self)->coupling < 0;
    const double sign = ((const kad_dual *)action->self)->h < 0 ? -1 : 1;
    for (size_t i = 0; i < n_rows * W; i++)
        s[i] = i / W % n > 0 ? 0 : staggered && lattice->parity[i / W / n] ? -sign : sign;
    if (hot) draw_spins(action, turn, x, s);
    kad_dual_field(action->self, turn, s, x, work);
}

static void sweep(const kad_action *action, const kad_turn *turn, double width, double *x,
                  double *accepted, void *scratch)
{
    double *s = scratch, *work = s + padded_rows(action) * W;
    (void)width;
    (void)accepted;
    draw_spins(action, turn, x, s);
    kad_dual_field(action->self, turn, s, x, work);
}

static void cluster(const kad_action *action, const kad_turn *turn,
                    const kad_bonds *bond_list, int n_moves, double *x, void *scratch)
{
    const kad_dual *dual = action->self;
    double *s = scratch, *work = s + padded_rows(action) * W;
    draw_spins(action, turn, x, s);
    if (dual->h_given != 0)
        kad_local_moves_in_field(turn, n_moves, action->lattice->n_sites, action->n_comp,
                                 bond_list, dual->K, dual->beta * dual->h, s, work);
    for (int move = 0; dual->h_given == 0 && move < n_moves; move++)
        kad_local_move(turn, turn->step * (uint64_t)n_moves + (uint64_t)move,
                       action->lattice->n_sites, action->n_comp, bond_list, dual->K, s,
                       work);
    kad_dual_field(dual, turn, s, x, work);
}

/* S of the flow variables, y = A^-1/2 x where whitened. */
static void value(const kad_action *action, const double *x, double *S, void *scratch)
{
    double *y = scratch, *work = y + padded_rows(action) * W;
    kad_dual_kern_f64.from_boundary(action, x, y, work);
    kad_dual_kern_f64.value(action, y, S, work);
}

const kad_action_local kad_dual_local = {
    .cluster_redraws = true,
    .bonds = bonds,
    .scratch_bytes = scratch_bytes,
    .start = start,
    .sweep = sweep,
    .cluster = cluster,
    .value = value,
};
