/* The product A^T B of two panels of KAD_W columns,
 *     out[i][j] = sum_t a[t][i] b[t][j],
 * added up in the order of t.
 *
 * Shapes: a, b [n][KAD_W], aligned as tiles are; out [KAD_W] rows of KAD_W values, stride
 * reals apart (a multiple of KAD_W), overwritten. */
#ifndef KAD_BULK_GRAM_H
#define KAD_BULK_GRAM_H

#include "base/real.h"

#include <stddef.h>

void kad_gram_panel_f32(int n, const float *a, const float *b, float *out, size_t stride);
void kad_gram_panel_f64(int n, const double *a, const double *b, double *out,
                        size_t stride);

#endif
