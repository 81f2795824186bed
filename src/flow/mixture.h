/* What a map's density is averaged over: images of the lattice g_k and the global sign s,
 *   q(y) = (1/n) sum_k (1/2) sum_s q0(s g_k y)        (without the sign: sum_k only),
 * (g_k y)(r) = y(g_k^-1 r). A draw is an image, at random, of a draw of q0.
 *
 * The images: shifts by 0 or 1 along every axis, the last one first, then all of them after
 * the reflection x -> -x of the last axis, of the one before it, of both, ... In this order
 * those come first that a hierarchical map's stages tell apart most: it is invariant under
 * shifts by its blocks, not by a site, so that its ln q errs differently at g_k y and the
 * errors average out. Only those are taken that leave the active sites in place. */
#ifndef KAD_FLOW_MIXTURE_H
#define KAD_FLOW_MIXTURE_H

#include "base/memory.h"
#include "base/real.h"
#include "base/rng.h"
#include "lattice/lattice.h"

enum { KAD_MIXTURE_MOST = 8 };

typedef struct kad_mixture {
    int n;          /* images, the first is the identity */
    bool sign;      /* and their negatives */
    size_t n_sites; /* of the lattice */
    int32_t *from;  /* [n][n_sites]: (g_k y)(site) = y(from) */
    int32_t *to;    /* [n][n_sites], the inverse: to[from[site]] = site */
} kad_mixture;

/* active [n_sites]: NULL for all sites. Errors: KAD_ECONFIG (so many images there are not);
 * KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_mixture_create(kad_ctx *ctx, const kad_lattice *lattice,
                                           const uint8_t *active, int n, bool sign,
                                           kad_mixture **out);
void kad_mixture_destroy(kad_mixture *mixture);
KAD_LOCAL_OF(kad_mixture, kad_mixture_destroy)

/* Terms of the sum: images times signs; NULL: 1, y itself. Term 0 is y itself. */
int kad_mixture_terms(const kad_mixture *mixture);
/* The term that draw `number` of a step is of, from the stream's words of that number. */
int kad_mixture_draw(const kad_mixture *mixture, kad_rng rng, uint64_t step,
                     uint64_t number);
/* Of every lane of a tile the term i further on than `own` (NULL: than the first), all in turn. */
void kad_mixture_turn(const kad_mixture *mixture, const int *own, int i, int *term);
/* Of a tile, x = s g_k (s' g_k')^-1 y, of every lane terms `term` and `own`; x and y apart. The
 * adjoint of it is that with both exchanged. own: NULL for the first term, y itself. */
void kad_mixture_apply(const kad_mixture *mixture, kad_prec prec, const int *own,
                       const int *term, int n_comp, const void *y, void *x);
/* Of a sample in place, the y whose term is what it was: y -> g_k^-1 s y. work
 * [n_sites][n_comp]. */
void kad_mixture_undo(const kad_mixture *mixture, int term, int n_comp, double *y,
                      double *work);

#endif
