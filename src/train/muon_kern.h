/* The step of Muon for one matrix. */
#ifndef KAD_TRAIN_MUON_KERN_H
#define KAD_TRAIN_MUON_KERN_H

#include <stdbool.h>
#include <stddef.h>

/* Elements of scratch, 64-byte aligned, for a matrix of rows x cols. */
size_t kad_muon_scratch(int rows, int cols);

/* direction [rows][cols] <- the nearest matrix of singular values about 1, times
 * sqrt(max(1, rows/cols)): with X = direction/|direction| five times
 *   A = X X^T,  X <- 3.4445 X + (-4.7750 A + 2.0315 A A) X,
 * which brings singular values from 1e-2 up into [0.7, 1.2]. Zero stays zero. With bfloat the
 * factors of the products are rounded to bfloat16 (wide/bfloat.h), as in Muon's original. */
void kad_muon_orthogonal(int rows, int cols, bool bfloat, double *direction,
                         float *scratch);

/* m <- b m + (1 - b) g, step <- b m + (1 - b) g (Nesterov). */
void kad_muon_momentum(size_t n, double b, const double *g, double *m, double *step);
/* theta <- shrink theta - rate step. */
void kad_muon_move(size_t n, double shrink, double rate, const double *step,
                   double *theta);

#endif
