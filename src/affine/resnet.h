/* The nets of couplings (affine.h) on one panel of columns (src/wide), forwards and backwards.
 *
 * The stream is kept as u' = 2^(b/2) u before block b, so that a block only adds to it; the
 * packed weights absorb this. Each function exists in single and double precision. */
#ifndef KAD_AFFINE_RESNET_H
#define KAD_AFFINE_RESNET_H

#include "affine/affine.h"

#include "base/real.h"

#define KAD_AFFINE_NET_DECLARE(real, suffix)                                                         \
    /* A thread's memory, for the largest net: rows of a panel each. Without `keep` all   \
     * blocks share theirs, and no derivative is kept. */          \
    typedef struct kad_affine_desk##suffix {                                                         \
        real *u[KAD_AFFINE_BLOCKS_MAX + 1];                                                          \
        real *s0[KAD_AFFINE_BLOCKS_MAX], *d0[KAD_AFFINE_BLOCKS_MAX];                                 \
        real *a1[KAD_AFFINE_BLOCKS_MAX], *s1[KAD_AFFINE_BLOCKS_MAX];                                 \
        real *d1[KAD_AFFINE_BLOCKS_MAX], *a2[KAD_AFFINE_BLOCKS_MAX];                                 \
        real *s2[KAD_AFFINE_BLOCKS_MAX], *d2[KAD_AFFINE_BLOCKS_MAX];                                 \
        real *t;       /* [R]: shifts of a coupling */                                               \
        real *du;      /* [R]: gradient by the stream */                                             \
        real *dr, *dw; /* [R], [W] */                                                                \
        real *turned;  /* columns x padded rows */                                                   \
    } kad_affine_desk##suffix;                                                                       \
    size_t kad_affine_desk_bytes##suffix(int n_rows, int width, int n_blocks,                        \
                                         bool keep);                                                 \
    void kad_affine_desk_cut##suffix(int n_rows, int width, int n_blocks, bool keep,                 \
                                     char **scratch, kad_affine_desk##suffix *desk);                 \
    /* Elements of packed weights, and packing; work [max(R, W) W]. They begin with the   \
     * factors of the rows, in units of u'. */          \
    size_t kad_affine_packed##suffix(const kad_affine_net *net, bool backwards);                     \
    void kad_affine_pack##suffix(const kad_affine_net *net, bool backwards,                          \
                                 const double *theta, double *work, real *packed);                   \
    /* From desk->u[0], 0 in rows that are not seen, to the stream behind the last block, which is \
     * returned; of its rows those that move are made. */ \
    const real *kad_affine_net_up##suffix(const kad_affine_net *net, int pass,                       \
                                          const real *packed,                                        \
                                          kad_affine_desk##suffix *desk);                            \
    /* desk->du by the last stream becomes that by the first; gradients are added to sums,   \
     * of so many elements, unless they are NULL. du is 0 but in rows that move, and then right in those that are seen. */       \
    size_t kad_affine_sums##suffix(const kad_affine_net *net);                                       \
    void kad_affine_net_down##suffix(const kad_affine_net *net, int pass,                            \
                                     const real *packed, kad_affine_desk##suffix *desk,              \
                                     real *sums);                                                    \
    /* Adds the gradient of a row's factor, x y summed over columns, unless sums are NULL. */        \
    void kad_affine_scale_sum##suffix(int row, const real *x, const real *y,                         \
                                      real *sums);                                                   \
    /* Gradient by theta, overwritten, from sums. */                                                 \
    void kad_affine_unpack##suffix(const kad_affine_net *net, const double *theta,                   \
                                   const real *sums, double *gradient);

KAD_AFFINE_NET_DECLARE(float, _f32)
KAD_AFFINE_NET_DECLARE(double, _f64)

#endif
