/* Kernels of the Haar rotation (haar.h): butterflies in registers, one vector of lanes at
 * a time. All four operations are the same orthogonal symmetric map. */
#include "flow/bijectors/haar.h"

#include "flow/lanes_kern.h"

KAD_LANES_INLINE void rotate_block(const int size, const real scale, real *const *row)
{
    for (int v = 0; v < KAD_NV; v++) {
        vreal a[KAD_HAAR_MAX_BLOCK];
        for (int b = 0; b < size; b++)
            a[b] = ((const vreal *)row[b])[v];
        for (int step = 1; step < size; step *= 2)
            for (int b = 0; b < size; b++) {
                if (b & step) continue;
                const vreal sum = a[b] + a[b + step];
                a[b + step] = a[b] - a[b + step];
                a[b] = sum;
            }
        for (int b = 0; b < size; b++)
            ((vreal *)row[b])[v] = scale * a[b];
    }
}

static void rotate(const kad_stage *stage, real *x)
{
    const kad_haar *h = stage->self;
    const size_t site_reals = (size_t)stage->n_comp * KAD_W;
    for (int i = 0; i < h->n_blocks; i++) {
        const int *site = h->sites + (size_t)i * (size_t)h->block_size;
        for (int c = 0; c < stage->n_comp; c++) {
            real *row[KAD_HAAR_MAX_BLOCK];
            for (int b = 0; b < h->block_size; b++)
                row[b] = x + (size_t)site[b] * site_reals + (size_t)c * KAD_W;
            switch (h->block_size) {
            case 2:
                rotate_block(2, RC(0.70710678118654752440), row);
                break;
            case 4:
                rotate_block(4, RC(0.5), row);
                break;
            case 8:
                rotate_block(8, RC(0.35355339059327376220), row);
                break;
            default:
                rotate_block(16, RC(0.25), row);
                break;
            }
        }
    }
}

static void pack(const kad_stage *stage, const double *theta, void *packed)
{
    (void)stage;
    (void)theta;
    (void)packed;
}

static void apply(const kad_stage *stage, const void *packed, void *x, double *ld,
                  void *scratch)
{
    (void)packed;
    (void)ld;
    (void)scratch;
    rotate(stage, x);
}

static void adjoint(const kad_stage *stage, const void *packed, void *x, void *g,
                    double gl, void *dtheta, double *ld, void *scratch)
{
    (void)packed;
    (void)gl;
    (void)dtheta;
    (void)ld;
    (void)scratch;
    rotate(stage, x);
    rotate(stage, g);
}

const kad_bijector_kern KR(kad_haar_kern) = {
    .pack = pack,
    .generate = apply,
    .infer = apply,
    .generate_adjoint = adjoint,
    .infer_adjoint = adjoint,
};
