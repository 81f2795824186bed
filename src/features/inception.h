/* Features of Inception-v3 (C. Szegedy et al., arXiv:1512.00567) as FID takes them (M. Heusel et
 * al., arXiv:1706.08500): the 2048 numbers that its last pool leaves of a picture. The graph is
 * that of the weights published for FID: mean pools inside of modules count no padding, and the
 * last module's pool takes the largest. A picture of levels v/255, one channel repeated three
 * times, is resized to 299 x 299 bilinearly and brought to -1 ... 1.
 *
 * The weights come from an HDF5 file with a data set a parameter, under the names of PyTorch's
 * state dict ("Mixed_5b.branch1x1.conv.weight"); examples/inception.py writes it. */
#ifndef KAD_FEATURES_INCEPTION_H
#define KAD_FEATURES_INCEPTION_H

#include "features/features.h"
#include "io/digest.h"

enum { KAD_INCEPTION_FEATURES = 2048 };

typedef struct kad_inception kad_inception;

/* Errors: KAD_ENOINPUT; KAD_EDATA (no HDF5 file, a parameter missing, of another shape, or
 * not finite: says which); KAD_EIO, KAD_ENOMEM. */
KAD_MUST_USE kad_status kad_inception_create(kad_ctx *ctx, const char *path,
                                             kad_inception **out);
void kad_inception_destroy(kad_inception *net);
KAD_LOCAL_OF(kad_inception, kad_inception_destroy)

/* SHA-256 of the file. */
const char *kad_inception_digest(const kad_inception *net);

/* Of images index[0 .. n - 1], in a scope; about 11.4 GFLOP each, an image a thread. The same
 * bytes for any threads. Errors: KAD_EDATA (neither one nor three channels), KAD_ENOMEM,
 * KAD_EINTERRUPTED. */
KAD_MUST_USE kad_status kad_inception_features(kad_scope *in, const kad_inception *net,
                                               const kad_images *images, size_t n,
                                               const size_t *index, kad_features *out);

#endif
