/* Separable orthonormal Hartley transform of a tile: along every axis of extent L the
 * real symmetric orthogonal matrix H_kn = [cos(2 pi k n / L) + sin(2 pi k n / L)] /
 * sqrt(L). It is its own inverse and diagonalises every circulant whose spectrum is even
 * in each k_mu separately (all nearest-neighbour stencils). Modes are numbered like
 * sites. Dense matrices along short axes, FFTW (ESTIMATE, lanes interleaved) along long
 * ones; plans are fixed at creation and thread-safe to execute. Shapes: x
 * [n_sites][n_comp][KAD_W], in place. */
#ifndef KAD_LATTICE_HARTLEY_H
#define KAD_LATTICE_HARTLEY_H

#include "base/memory.h"
#include "base/real.h"
#include "lattice/lattice.h"

#include <stddef.h>

typedef struct kad_hartley kad_hartley;

KAD_MUST_USE kad_status kad_hartley_create(kad_ctx *ctx, const kad_lattice *lattice,
                                           int n_comp, kad_hartley **out);
void kad_hartley_destroy(kad_hartley *plan);
KAD_LOCAL_OF(kad_hartley, kad_hartley_destroy)
/* Scratch a caller must bring to apply, 64-byte aligned, one per thread. */
size_t kad_hartley_scratch_bytes(const kad_hartley *plan, kad_prec prec);
void kad_hartley_apply_f32(const kad_hartley *plan, float *x, void *scratch);
void kad_hartley_apply_f64(const kad_hartley *plan, double *x, void *scratch);

#endif
