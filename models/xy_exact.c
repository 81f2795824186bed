/* Where the exact partition function of O(n) spins (xy.h) is known. */
#include "base/memory.h"
#include "models/single_site.h"
#include "models/xy.h"

#include <float.h>
#include <math.h>

kad_status kad_xy_exact(kad_ctx *ctx, const kad_xy *xy, bool costly, kad_exact_log_z *out)
{
    const kad_lattice *lattice = xy->action.lattice;
    const int n = xy->action.n_comp, N = lattice->n_sites;
    const double K = xy->beta * xy->J, field = fabs(xy->beta * xy->h);
    const bool clock = xy->beta * xy->h_p != 0;
    double factor;
    const int ring = kad_exact_ring_length(lattice, &factor);
    *out = (kad_exact_log_z){.ln_z = {(double)NAN, (double)NAN}};
    if (xy->link && xy->beta != 0)
        return n == 2 && field == 0 && !clock && costly ? kad_xy_links_exact(ctx, xy, out)
                                                        : KAD_OK;
    if (K == 0 && !clock) {
        const double ln_z = N * kad_spin_ln_weight(n, field);
        *out = kad_exact_state(
            "free spins", (kad_exact_value){ln_z, 8 * DBL_EPSILON * fabs(ln_z)}, NULL);
    } else if (ring && field == 0 && !clock) {
        *out = kad_exact_state("ring", kad_exact_spin_ring(n, ring, factor * K), NULL);
    } else if (ring && n == 2 && costly) {
        return kad_exact_angles(ctx, ring, factor * K, xy->beta * xy->h,
                                xy->beta * xy->h_p, xy->p, out);
    }
    return KAD_OK;
}
