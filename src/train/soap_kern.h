/* SOAP on a block of equal-shaped matrices, one matrix a SIMD lane. */
#ifndef KAD_TRAIN_SOAP_KERN_H
#define KAD_TRAIN_SOAP_KERN_H

#include <stdbool.h>
#include <stddef.h>

/* Matrices a block: one 64-byte vector. */
enum { KAD_SOAP_LANES_SINGLE = 16, KAD_SOAP_LANES_DOUBLE = 8, KAD_SOAP_LANES_MAX = 16 };

/* State of a block, element (i, j) of all lanes together: [i][j][lane]. */
typedef struct kad_soap_block {
    int rows, cols;
    bool left, right; /* which sides have an eigenbasis (else identity, pointers NULL) */
    void *m, *v;      /* moments in the eigenbasis, [rows][cols] */
    void *l, *ql;     /* left factor in its own basis and the basis, [rows][rows] */
    void *r, *qr;     /* right, [cols][cols] */
} kad_soap_block;

/* Elements of scratch, to be multiplied by the lanes. */
static inline size_t kad_soap_scratch(int rows, int cols)
{
    const size_t longer = (size_t)(rows > cols ? rows : cols);
    return longer * (longer + 1);
}

typedef struct kad_soap_step {
    double beta1, beta2;
    double unbias1, unbias2; /* 1 / (1 - beta^t) */
    double eps;
    int sweeps; /* Jacobi sweeps over the factors: 0 leaves the bases */
} kad_soap_step;

/* g [rows][cols]: the gradient comes in, the direction (to be multiplied by -rate) goes
 * out. Both blocks 64-byte aligned; scratch of kad_soap_scratch() elements a lane.
 *   G' = QL^T G QR;  L <- b2 L + (1 - b2) G' G'^T,  R <- b2 R + (1 - b2) G'^T G';
 *   if sweeps: rotations J diagonalise L (R): L <- J^T L J, QL <- QL J, M <- J^T M, and
 *   G' likewise;
 *   M <- b1 M + (1 - b1) G',  V <- b2 V + (1 - b2) G'^2;
 *   g = QL [M^ / (sqrt(V^) + eps)] QR^T.
 * The factors live in the rotated basis, so nothing is ever transformed back. */
void kad_soap_block_step_f32(const kad_soap_block *block, const kad_soap_step *c,
                             float *g, float *scratch);
void kad_soap_block_step_f64(const kad_soap_block *block, const kad_soap_step *c,
                             double *g, double *scratch);

#endif
