/* Links of O(n) spins: couplings and phases that differ from pair to pair (xy.h). */
#include "base/memory.h"
#include "io/writer.h"
#include "models/couplings.h"
#include "models/exact_ring.h"
#include "models/single_site.h"
#include "models/xy.h"

#include <float.h>
#include <math.h>
#include <string.h>

/* c and s of J and A; a phase that is a multiple of pi to rounding is a sign. */
static kad_xy_link link_of(int j, double J, double A)
{
    kad_xy_link link = {j, J * cos(A), J * sin(A)};
    if (fabs(link.s) < 1e-13 * fabs(J))
        link = (kad_xy_link){j, link.c < 0 ? -fabs(J) : fabs(J), 0};
    return link;
}

static kad_status allocate(kad_ctx *ctx, size_t n_links, kad_xy *xy)
{
    const size_t N = (size_t)xy->action.lattice->n_sites;
    KAD_CALL(kad_new(ctx, N + 1, sizeof *xy->first, &xy->first));
    return kad_new(ctx, n_links > 0 ? n_links : 1, sizeof *xy->link, &xy->link);
}

static kad_status of_matrices(kad_ctx *ctx, const double *J, const double *A, kad_xy *xy)
{
    const int N = xy->action.lattice->n_sites;
    size_t n = 0;
    for (int i = 0; i < N * N; i++) {
        n += J[i] != 0;
        if (xy->action.n_comp == 3 && A[i] != 0)
            return kad_fail(ctx, KAD_ECONFIG,
                            "action.couplings: phases are for spins of two components, "
                            "got 3");
    }
    KAD_CALL(allocate(ctx, n, xy));
    n = 0;
    for (int i = 0; i < N; i++) {
        xy->first[i] = (int)n;
        for (int j = 0; j < N; j++)
            if (J[i * N + j] != 0) xy->link[n++] = link_of(j, J[i * N + j], A[i * N + j]);
    }
    xy->first[N] = (int)n;
    return KAD_OK;
}

kad_status kad_xy_links_of_file(kad_ctx *ctx, const char *path, kad_xy *xy)
{
    KAD_SCOPE(scope, ctx);
    const size_t N = (size_t)xy->action.lattice->n_sites;
    double *J, *A;
    KAD_CALL(kad_couplings_check(ctx, (int)N));
    KAD_CALL(kad_take(&scope, N * N, &J));
    KAD_CALL(kad_take(&scope, N * N, &A));
    KAD_CALL(kad_couplings_read(ctx, path, (int)N, J, A, xy->digest));
    return of_matrices(ctx, J, A, xy);
}

/* A of the bond from a site to its neighbour along mu, in units of 2 pi, modulo 1. */
static double landau(const kad_lattice *lattice, double flux, int site, int mu)
{
    int x[KAD_MAX_DIM];
    kad_lattice_coords(lattice, site, x);
    if (mu == 1) return fmod(flux * x[0], 1);
    return x[0] + 1 < lattice->shape[0] ? 0 : -fmod(flux * lattice->shape[0] * x[1], 1);
}

kad_status kad_xy_links_of_flux(kad_ctx *ctx, double flux, kad_xy *xy)
{
    const kad_lattice *lattice = xy->action.lattice;
    const int N = lattice->n_sites;
    const double quanta = flux * N;
    if (lattice->d != 2 || xy->action.n_comp != 2)
        return kad_fail(
            ctx, KAD_ECONFIG,
            "action.flux: is for two components in two dimensions, got %d in %d",
            xy->action.n_comp, lattice->d);
    if (fabs(quanta - nearbyint(quanta)) > 1e-9 * (1 + fabs(quanta)))
        return kad_fail(
            ctx, KAD_ECONFIG,
            "action.flux: f times the %d sites must be whole (on a torus the flux "
            "is quantised), got %g x %d = %g",
            N, flux, N, quanta);
    flux = nearbyint(quanta) / N;
    KAD_CALL(allocate(ctx, 4 * (size_t)N, xy));
    for (int i = 0; i < N; i++)
        for (int b = 0; b < 4; b++) { /* neighbours along +0, -0, +1, -1 */
            const int j = lattice->nbr[4 * i + b], mu = b / 2;
            const double A =
                b % 2 == 0 ? landau(lattice, flux, i, mu) : -landau(lattice, flux, j, mu);
            xy->link[4 * i + b] = link_of(j, xy->J, 2 * M_PI * A);
        }
    for (int i = 0; i <= N; i++)
        xy->first[i] = 4 * i;
    return KAD_OK;
}

bool kad_xy_has_phases(const kad_xy *xy)
{
    for (int b = 0; xy->link && b < xy->first[xy->action.lattice->n_sites]; b++)
        if (xy->link[b].s != 0) return true;
    return false;
}

double kad_xy_most(const kad_xy *xy)
{
    double most = 0;
    if (!xy->link) return fabs(xy->J) * 2 * xy->action.lattice->d;
    for (int i = 0; i < xy->action.lattice->n_sites; i++) {
        double sum = 0;
        for (int b = xy->first[i]; b < xy->first[i + 1]; b++)
            sum += hypot(xy->link[b].c, xy->link[b].s);
        most = fmax(most, sum);
    }
    return most;
}

double kad_xy_links_energy(const kad_xy *xy, size_t stride, const double *s)
{
    double sum = 0; /* every pair from both ends */
    for (int i = 0; i < xy->action.lattice->n_sites; i++)
        for (int b = xy->first[i]; b < xy->first[i + 1]; b++) {
            const kad_xy_link *link = &xy->link[b];
            const double u = s[link->j], v = s[stride + (size_t)link->j];
            sum += s[i] * (link->c * u - link->s * v) +
                   s[stride + (size_t)i] * (link->s * u + link->c * v);
            if (xy->action.n_comp == 3)
                sum +=
                    s[2 * stride + (size_t)i] * link->c * s[2 * stride + (size_t)link->j];
        }
    return -0.5 * sum;
}

kad_status kad_xy_store(kad_ctx *ctx, const kad_action *action, kad_h5 *file)
{
    KAD_SCOPE(scope, ctx);
    const kad_xy *xy = action->self;
    const size_t N = (size_t)action->lattice->n_sites, dims[2] = {N, N};
    double *J, *A;
    if (!xy->digest[0]) return KAD_OK;
    KAD_CALL(kad_take(&scope, N * N, &J));
    KAD_CALL(kad_take(&scope, N * N, &A));
    for (size_t i = 0; i < N; i++)
        for (int b = xy->first[i]; b < xy->first[i + 1]; b++) {
            const kad_xy_link *link = &xy->link[b];
            const bool sign = link->s == 0;
            const size_t at = i * N + (size_t)link->j, back = (size_t)link->j * N + i;
            if (at > back && !sign) continue; /* A is antisymmetric to the bit */
            J[at] = J[back] = sign ? link->c : hypot(link->c, link->s);
            A[at] = sign ? 0 : atan2(link->s, link->c);
            A[back] = -A[at];
        }
    kad_writer w = kad_write_into(ctx, file, "/");
    kad_write(&w, "couplings", KAD_H5_F64, "site site", "1",
              "couplings J of pairs of sites", dims, J);
    kad_write(&w, "phases", KAD_H5_F64, "site site", "radians",
              "phases A of pairs of sites", dims, A);
    kad_write_text(&w, "couplings@sha256", xy->digest);
    return kad_write_end(&w);
}

/* --- paths and rings ------------------------------------------------------------------ */

enum { CHANNELS = 512 };

/* Sites with their at most two neighbours, links of a pair added up. */
typedef struct chain_site {
    int n;
    kad_xy_link to[2];
    bool seen;
} chain_site;

/* False: a site has more neighbours than two. */
static bool gather(const kad_xy *xy, chain_site *site)
{
    for (int i = 0; i < xy->action.lattice->n_sites; i++)
        for (int b = xy->first[i]; b < xy->first[i + 1]; b++) {
            const kad_xy_link *link = &xy->link[b];
            int k = 0;
            while (k < site[i].n && site[i].to[k].j != link->j)
                k++;
            if (k == 2) return false;
            if (k == site[i].n) site[i].to[site[i].n++] = (kad_xy_link){link->j, 0, 0};
            site[i].to[k].c += link->c;
            site[i].to[k].s += link->s;
        }
    return true;
}

/* What a walk along links collects: ln of their weights' common factor, the channels of what is
 * left, and the sum of the phases. */
typedef struct walk {
    double ln, flux, product[CHANNELS];
} walk;

static void cross(double beta, const kad_xy_link *link, walk *w)
{
    double q[CHANNELS];
    const double x = beta * hypot(link->c, link->s);
    kad_exact_channels(2, x, CHANNELS, q);
    w->ln += x + log(q[0]);
    w->flux += atan2(link->s, link->c);
    for (int m = 0; m < CHANNELS; m++)
        w->product[m] *= q[m] / q[0];
}

/* From a site to where no new one follows; true: back at its start, over a link that was not
 * used yet. */
static bool follow(double beta, chain_site *site, int start, walk *w)
{
    int from = -1, at = start;
    *w = (walk){0};
    for (int m = 0; m < CHANNELS; m++)
        w->product[m] = 1;
    for (;;) {
        site[at].seen = true;
        int k = 0;
        while (k < site[at].n && site[at].to[k].j == from)
            k++;
        if (k == site[at].n) return false;
        const int next = site[at].to[k].j;
        cross(beta, &site[at].to[k], w);
        if (next == start) return true;
        from = at;
        at = next;
    }
}

kad_status kad_xy_links_exact(kad_ctx *ctx, const kad_xy *xy, kad_exact_log_z *out)
{
    KAD_SCOPE(scope, ctx);
    const int N = xy->action.lattice->n_sites;
    double ln_z = 0, error = 0;
    chain_site *site;
    walk w;
    KAD_CALL(kad_take(&scope, (size_t)N, &site));
    if (!gather(xy, site)) return KAD_OK;
    for (int ends = 1; ends >= 0; ends--) /* paths from one of their ends, then rings */
        for (int i = 0; i < N; i++) {
            if (site[i].seen || (ends && site[i].n == 2)) continue;
            const bool ring = follow(xy->beta, site, i, &w);
            double sum = 1, size = 1;
            for (int m = 1; ring && m < CHANNELS; m++) {
                sum += 2 * w.product[m] * cos(m * w.flux);
                size += 2 * (1 + m * fabs(w.flux)) * w.product[m];
            }
            ln_z += w.ln + log(sum);
            error += 16 * DBL_EPSILON * (size / fabs(sum) + fabs(w.ln) + N);
        }
    *out = kad_exact_state("paths and rings", (kad_exact_value){ln_z, error}, NULL);
    return KAD_OK;
}
