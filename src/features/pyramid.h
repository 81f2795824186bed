/* Fixed features, which no network has learnt, in levels (0 ... 255):
 *
 *   means        of the blocks of a 4 x 4 grid, by channel: what colour is where. Covariances of
 *                theirs say whether an image has one colour or each part its own
 *   orientation  for the means of squares of side 1, 2, 4 and 8 (as long as there are 4 x 4 of
 *                them): with the differences g_x, g_y of neighbouring columns and rows in a
 *                window of 2 x 2 (their Haar coefficients) and the structure tensor
 *                J_ab = sum over channels of <g_a g_b>, the mean over all windows,
 *                    sqrt(J_xx), sqrt(J_yy), J_xy/sqrt(J_xx + J_yy).
 *                Edges of one direction in the whole image move these from image to image; edges
 *                of many directions leave them where they are
 *   colours      standard deviations over sites of every channel, and for pairs of channels their
 *                covariance over sqrt(variance + variance)
 *
 * The first are linear, the others products of two: J is the orientation's tensor in J. Bigun,
 * G. H. Granlund, Proc. ICCV (1987) 433, with channels added as in S. Di Zenzo, Comput. Vis.
 * Graph. Image Process. 33 (1986) 116. Order: means by
 * grid row, grid column, channel; colours; orientation from the finest scale on. */
#ifndef KAD_FEATURES_PYRAMID_H
#define KAD_FEATURES_PYRAMID_H

#include "features/features.h"

/* 66 for 3 x 32 x 32. */
int kad_pyramid_width(int n_channels, int height, int width);
/* Of images index[0 .. n - 1], in a scope. The same bytes for any threads. Errors:
 * KAD_ENOMEM, KAD_EINTERRUPTED. */
KAD_MUST_USE kad_status kad_pyramid_features(kad_scope *in, const kad_images *images,
                                             size_t n, const size_t *index,
                                             kad_features *out);

#endif
