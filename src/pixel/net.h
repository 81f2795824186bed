/* The net of a group, on columns (sites of images), in panels of src/wide. Of a column's
 * context X [F]:
 *   h_0 = W0 X,  h_r+1 = h_r + B swish(A swish(h_r) + a) + b,  f = swish(h_R);
 *   channel c: e = swish(Wh f + Wx a_c + bh), (pi, mu, ls) = Wo e + bo,
 *              mu_k += Wl [X; a_c] for all k,
 * with a_c the level v/127.5 - 1 and a flag (level 0: 1, else -1) of every channel before c.
 *
 * With tint X also holds the colour around the site, of known sites j at distances d_j, of levels
 * v_j and light L_j = sum_c v_jc,
 *   q_c = sum_j L_j d_j^-4 v_jc / sum_j L_j d_j^-4,
 * and of every site of the window L_j / sum_c q_c, so that a shape looks the same in any colour.
 * What a colour's first channels have turned out to be scales the others,
 *   t_c = q_c sum_i<c v_i q_i / sum_i<c q_i^2  (t_0 = q_0),
 * which the next one sees (a_c has t_1 ... t_c too), and a head's last K numbers are multiples
 * of it, mu_k += o_k t_c. Units of 127.5 levels.
 *
 * What a column gets does not depend on others, to the bit.
 *
 * Each function exists in single and double precision (suffix _f32, _f64). A tile holds
 * n_panels of KAD_W columns of one group and is cut out of a thread's scratch. */
#ifndef KAD_PIXEL_NET_H
#define KAD_PIXEL_NET_H

#include "pixel/pixel.h"

#include "base/real.h"
#include "base/rng.h"

#include <stddef.h>
#include <stdint.h>

/* Rows of a panel: features of the trunk, then of the channels seen. */
static inline int kad_pixel_seen_rows(const kad_pixel_map *map)
{
    return map->options.hidden + kad_pixel_n_seen(map, map->n_channels - 1);
}

/* First weights of a group: theta [layout.n_theta]. Matrices are normal of variance
 * 1/(inputs), B and Wo small; means are spread over [-1, 1], ls = -2. */
void kad_pixel_net_init(const kad_pixel_map *map, const kad_pixel_group *group,
                        uint64_t seed, double *theta);

#define KAD_PIXEL_NET_DECLARE(real, suffix)                                                  \
    typedef struct kad_pixel_tile##suffix {                                                  \
        int n_panels;                                                                        \
        real *xt;    /* contexts, [columns][padded(F)] */                                    \
        real *x;     /* the same in panels of F rows */                                      \
        real *level; /* panels of C rows: levels of the columns' sites */                    \
        real *skip;  /* C rows: shifts of the means */                                       \
        real *out;   /* 3K C rows: pi, mu, ls of each channel; with tint 4K C */             \
        real *h, *s[KAD_PIXEL_BLOCKS_MAX + 1], *d[KAD_PIXEL_BLOCKS_MAX + 1];                 \
        real *u[KAD_PIXEL_BLOCKS_MAX], *du[KAD_PIXEL_BLOCKS_MAX];                            \
        real *e, *de;                       /* C G rows */                                   \
        real *dq, *dh, *dt, *turned, *sums; /* backwards only */                             \
        void *rounded;                      /* of bfloats */                                 \
    } kad_pixel_tile##suffix;                                                                \
    /* Bytes of a tile of any group; cuts a tile off scratch. */                             \
    size_t kad_pixel_tile_bytes##suffix(const kad_pixel_map *map, int n_panels,              \
                                        bool backwards);                                     \
    void kad_pixel_tile_cut##suffix(const kad_pixel_map *map, int n_panels,                  \
                                    bool backwards, char **scratch,                          \
                                    kad_pixel_tile##suffix *tile);                           \
    /* Elements of a group's packed weights, and packing; backwards packs what gradients  \
     * need too. */  \
    size_t kad_pixel_packed##suffix(const kad_pixel_map *map,                                \
                                    const kad_pixel_group *group, bool backwards);           \
    void kad_pixel_pack##suffix(const kad_pixel_map *map, const kad_pixel_group *group,      \
                                bool backwards, const double *theta, real *packed);          \
    /* The contexts of n columns, image[i] [C][height][width] at the group's site[i]; the \
     * other columns of the tile are zero. */  \
    void kad_pixel_gather##suffix(                                                           \
        const kad_pixel_map *map, const kad_pixel_group *group, int n,                       \
        const uint8_t *const *image, const int *site, kad_pixel_tile##suffix *tile);         \
    /* Contexts to features. backwards keeps what the gradient needs. */                     \
    void kad_pixel_trunk##suffix(const kad_pixel_map *map, const kad_pixel_group *group,     \
                                 bool backwards, const real *packed,                         \
                                 kad_pixel_tile##suffix *tile);                              \
    /* The channel's level, from `level`, is seen by the later channels. */                  \
    void kad_pixel_see##suffix(const kad_pixel_map *map, const kad_pixel_group *group,       \
                               int channel, kad_pixel_tile##suffix *tile);                   \
    /* out and skip of the channel; channels before it have been seen. */                    \
    void kad_pixel_head##suffix(const kad_pixel_map *map, const kad_pixel_group *group,      \
                                int channel, bool backwards, const real *packed,             \
                                kad_pixel_tile##suffix *tile);                               \
    /* After gather: sum over the first n columns of -ln P(level), by channel [C], and the \
     * gradient of their sum times scale, overwritten, [layout.n_theta]. */ \
    void kad_pixel_gradient##suffix(const kad_pixel_map *map,                                \
                                    const kad_pixel_group *group, const real *packed,        \
                                    int n, double scale, kad_pixel_tile##suffix *tile,       \
                                    double *loss, double *gradient);

KAD_PIXEL_NET_DECLARE(float, _f32)
KAD_PIXEL_NET_DECLARE(double, _f64)

#endif
