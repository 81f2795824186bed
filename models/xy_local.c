/* Markov updates of O(n) spins (xy.h): heat bath, over-relaxation, and Swendsen and Wang's
 * clusters of Wolff's reflections, in a field with a ghost (local.h). */
#include "models/xy.h"

#include <math.h>
#include <string.h>

enum { W = KAD_W_DOUBLE };

static size_t site_rows(const kad_action *action)
{
    return (size_t)action->n_comp;
}

/* Spins and a ghost. */
static size_t spins_bytes(const kad_action *action)
{
    return ((size_t)action->lattice->n_sites + 1) * site_rows(action) * KAD_ROW_BYTES;
}

static bool has_ghost(const kad_xy *xy)
{
    return xy->h_given != 0;
}

/* Every link once. */
static kad_status bonds_of_links(kad_ctx *ctx, const kad_xy *xy, kad_bonds *made)
{
    const int N = xy->action.lattice->n_sites;
    KAD_CALL(kad_new(ctx, (size_t)xy->first[N], sizeof *made->ends, &made->ends));
    KAD_CALL(kad_new(ctx, (size_t)xy->first[N], sizeof *made->J, &made->J));
    for (int i = 0; i < N; i++)
        for (int b = xy->first[i]; b < xy->first[i + 1]; b++) {
            if (xy->link[b].j < i) continue;
            made->ends[2 * made->n] = i;
            made->ends[2 * made->n + 1] = xy->link[b].j;
            made->J[made->n++] = xy->link[b].c;
        }
    return KAD_OK;
}

static kad_status bonds(kad_ctx *ctx, const kad_action *action, kad_bonds *out)
{
    const kad_xy *xy = action->self;
    const kad_lattice *lattice = action->lattice;
    kad_bonds made KAD_CLEARED(kad_bonds_clear) = {0};
    *out = (kad_bonds){0};
    if (xy->h_p_given != 0)
        return kad_fail(ctx, KAD_ECONFIG,
                        "sampler cluster: the clock term of action xy breaks the "
                        "reflections that clusters are made of; use metropolis");
    if (kad_xy_has_phases(xy))
        return kad_fail(ctx, KAD_ECONFIG,
                        "sampler cluster: the phases of action xy break the reflections "
                        "that clusters are made of; use metropolis");
    const size_t n_sites = (size_t)lattice->n_sites, d = (size_t)lattice->d;
    if (xy->link) {
        KAD_CALL(bonds_of_links(ctx, xy, &made));
    } else {
        KAD_CALL(kad_bonds_of_lattice(ctx, lattice, &made));
        KAD_CALL(kad_new(ctx, n_sites * d, sizeof *made.J, &made.J));
        for (size_t b = 0; b < made.n; b++)
            made.J[b] = xy->J;
    }
    if (has_ghost(xy)) KAD_CALL(kad_bonds_add_ghost(ctx, lattice->n_sites, &made));
    *out = made;
    made = (kad_bonds){0};
    return KAD_OK;
}

static size_t scratch_bytes(const kad_action *action)
{
    const size_t move = kad_local_move_bytes(action->lattice->n_sites + 1);
    const size_t value = action->scratch_bytes[KAD_DOUBLE];
    return spins_bytes(action) + (move > value ? move : value);
}

/* Cold: along the field, staggered in antiferromagnets; hot: standard normal y. */
static void start(const kad_action *action, const kad_turn *turn, bool hot, double *x,
                  void *scratch)
{
    const kad_xy *xy = action->self;
    const size_t n = site_rows(action), n_rows = (size_t)action->lattice->n_sites * n;
    const double sign = xy->h < 0 ? -1 : 1;
    (void)scratch;
    for (size_t row = 0; row < n_rows; row++)
        for (size_t lane = 0; lane < W; lane++) {
            const bool flipped = xy->J < 0 && action->lattice->parity[row / n];
            double pair[2] = {row % n ? 0 : flipped ? -sign : sign, 0};
            if (hot)
                kad_rng_normal2(turn->rng[KAD_LOCAL_START], turn->step,
                                turn->first_chain + lane, (uint32_t)row, pair);
            x[row * W + lane] = pair[0];
        }
}

static void sweep(const kad_action *action, const kad_turn *turn, double width, double *x,
                  double *accepted, void *scratch)
{
    (void)width;
    kad_xy_heat_bath(action->self, turn, x, accepted, scratch);
}

static bool refuses(const kad_action *action)
{
    const kad_xy *xy = action->self;
    return xy->h_p_given != 0;
}

static void reflect(const kad_action *action, double *x)
{
    kad_xy_reflect(action->self, x);
}

static void cluster(const kad_action *action, const kad_turn *turn,
                    const kad_bonds *bond_list, int n_moves, double *x, void *scratch)
{
    const kad_xy *xy = action->self;
    const int N = action->lattice->n_sites;
    double *s = scratch;
    void *work = (char *)scratch + spins_bytes(action);
    kad_xy_directions(xy, x, s);
    if (has_ghost(xy))
        kad_local_moves_in_field(turn, n_moves, N, action->n_comp, bond_list, xy->beta,
                                 xy->beta * xy->h, s, work);
    for (int move = 0; move < n_moves && !has_ghost(xy); move++)
        kad_local_move(turn, turn->step * (uint64_t)n_moves + (uint64_t)move, N,
                       action->n_comp, bond_list, xy->beta, s, work);
    kad_xy_turn(xy, s, x);
}

/* Decimated: the lengths' constants of odd sites are in `complete`. */
static void value(const kad_action *action, const double *x, double *S, void *scratch)
{
    const int n_odd = action->lattice->n_sites - action->n_active;
    kad_xy_kern_f64.value(action, x, S, scratch);
    for (int lane = 0; lane < W; lane++)
        S[lane] += 0.5 * action->n_comp * n_odd * log(2 * M_PI);
}

const kad_action_local kad_xy_local = {
    .refuses = refuses,
    .bonds = bonds,
    .scratch_bytes = scratch_bytes,
    .start = start,
    .sweep = sweep,
    .reflect = reflect,
    .cluster = cluster,
    .value = value,
};
