#include "flow/mixture.h"

#include "base/tile.h"

#include <string.h>

/* Image i of 4^d: the bits of its shift, then those of its reflections; the last axis is bit
 * 0. from [n_sites]: (g y)(site) = y(from). */
static void image(const kad_lattice *lattice, int i, int32_t *from)
{
    for (int site = 0; site < lattice->n_sites; site++) {
        int coords[KAD_MAX_DIM] = {0};
        kad_lattice_coords(lattice, site, coords);
        for (int mu = 0; mu < lattice->d; mu++) {
            const int bit = lattice->d - 1 - mu;
            if (i >> (lattice->d + bit) & 1) coords[mu] = -coords[mu];
            coords[mu] += i >> bit & 1;
        }
        from[site] = (int32_t)kad_lattice_site(lattice, coords);
    }
}

static bool keeps_active(const uint8_t *active, size_t n_sites, const int32_t *from)
{
    for (size_t site = 0; active != NULL && site < n_sites; site++)
        if ((active[site] != 0) != (active[from[site]] != 0)) return false;
    return true;
}

/* Along extents of 2 a reflection is no other image. */
static bool is_new(size_t n_sites, int n, const int32_t *images, const int32_t *from)
{
    for (int k = 0; k < n; k++)
        if (memcmp(images + (size_t)k * n_sites, from, n_sites * sizeof *from) == 0)
            return false;
    return true;
}

/* Those there are, no more than `most`. */
static int find(const kad_lattice *lattice, const uint8_t *active, int most,
                int32_t *images)
{
    const size_t n_sites = (size_t)lattice->n_sites;
    int n = 0;
    for (int i = 0; i < 1 << 2 * lattice->d && n < most; i++) {
        int32_t *from = images + (size_t)n * n_sites;
        image(lattice, i, from);
        if (keeps_active(active, n_sites, from) && is_new(n_sites, n, images, from)) n++;
    }
    return n;
}

kad_status kad_mixture_create(kad_ctx *ctx, const kad_lattice *lattice,
                              const uint8_t *active, int n, bool sign, kad_mixture **out)
{
    KAD_LOCAL(kad_mixture, mixture);
    *out = NULL;
    KAD_CALL(kad_new(ctx, 1, sizeof *mixture, &mixture));
    mixture->sign = sign;
    mixture->n_sites = (size_t)lattice->n_sites;
    KAD_CALL(kad_new(ctx, (size_t)n * mixture->n_sites, sizeof *mixture->from,
                     &mixture->from));
    KAD_CALL(
        kad_new(ctx, (size_t)n * mixture->n_sites, sizeof *mixture->to, &mixture->to));
    mixture->n = find(lattice, active, n, mixture->from);
    if (mixture->n < n)
        return kad_fail(ctx, KAD_ECONFIG,
                        "flow.average: %d, but this lattice has %d images that leave its "
                        "active sites in place",
                        n, mixture->n);
    for (size_t i = 0; i < (size_t)n * mixture->n_sites; i++) {
        const size_t image = i / mixture->n_sites * mixture->n_sites;
        mixture->to[image + (size_t)mixture->from[i]] = (int32_t)(i - image);
    }
    *out = mixture;
    mixture = NULL;
    return KAD_OK;
}

void kad_mixture_destroy(kad_mixture *mixture)
{
    if (mixture == NULL) return;
    kad_free(mixture->from);
    kad_free(mixture->to);
    kad_free(mixture);
}

/* --- terms: image i / 2 with sign -1 for odd i, or image i ------------------------------ */

int kad_mixture_terms(const kad_mixture *mixture)
{
    return mixture == NULL ? 1 : mixture->n * (mixture->sign ? 2 : 1);
}

/* Of its image, where that begins in `from` and `to`. */
static size_t image_of(const kad_mixture *mixture, int term)
{
    return (size_t)(mixture->sign ? term / 2 : term) * mixture->n_sites;
}

static double sign_of(const kad_mixture *mixture, int term)
{
    return mixture->sign && (term & 1) != 0 ? -1 : 1;
}

int kad_mixture_draw(const kad_mixture *mixture, kad_rng rng, uint64_t step,
                     uint64_t number)
{
    if (mixture == NULL) return 0;
    const bool minus = mixture->sign && kad_rng_uniform(rng, step, number, 0) < 0.5;
    const int n = mixture->n;
    const int image = n > 1 ? (int)(kad_rng_uniform(rng, step, number, 1) * n) : 0;
    return mixture->sign ? 2 * image + minus : image;
}

void kad_mixture_turn(const kad_mixture *m, const int *own, int i, int *term)
{
    const int n_terms = kad_mixture_terms(m);
    for (int l = 0; l < KAD_W_MAX; l++)
        term[l] = ((own != NULL ? own[l] : 0) + i) % n_terms;
}

#define APPLY(real, W)                                                           \
    for (size_t site = 0; site < mixture->n_sites; site++)                       \
        for (size_t l = 0; l < W; l++) {                                         \
            const size_t to = site * n, at = n * (size_t)undo[l][from[l][site]]; \
            for (size_t c = 0; c < n; c++)                                       \
                ((real *)x)[(to + c) * W + l] =                                  \
                    (real)sign[l] * ((const real *)y)[(at + c) * W + l];         \
        }

void kad_mixture_apply(const kad_mixture *mixture, kad_prec prec, const int *own,
                       const int *term, int n_comp, const void *y, void *x)
{
    const size_t n = (size_t)n_comp;
    const int32_t *from[KAD_W_MAX], *undo[KAD_W_MAX];
    double sign[KAD_W_MAX];
    for (int l = 0; l < kad_lanes(prec); l++) {
        const int first = own != NULL ? own[l] : 0;
        from[l] = mixture->from + image_of(mixture, term[l]);
        undo[l] = mixture->to + image_of(mixture, first);
        sign[l] = sign_of(mixture, term[l]) * sign_of(mixture, first);
    }
    if (prec == KAD_SINGLE)
        APPLY(float, KAD_W_SINGLE)
    else
        APPLY(double, KAD_W_DOUBLE)
}

void kad_mixture_undo(const kad_mixture *mixture, int term, int n_comp, double *y,
                      double *work)
{
    const size_t n = (size_t)n_comp;
    const int32_t *from = mixture->from + image_of(mixture, term);
    const double sign = sign_of(mixture, term);
    memcpy(work, y, mixture->n_sites * n * sizeof *y);
    for (size_t site = 0; site < mixture->n_sites; site++)
        for (size_t c = 0; c < n; c++)
            y[(size_t)from[site] * n + c] = sign * work[site * n + c];
}
