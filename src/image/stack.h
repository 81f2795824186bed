/* Files that hold many images of one size, one after the other: what CIFAR, idx, NumPy and
 * HDF5 files have in common. A format says what its files are, and gets a source. */
#ifndef KAD_IMAGE_STACK_H
#define KAD_IMAGE_STACK_H

#include "image/source.h"

enum { KAD_STACK_PARTS = 16, KAD_STACK_PREFIX = 2 };

/* One file of it. */
typedef struct kad_stack_part {
    const char *path;
    size_t n;
    kad_image_side side;
    size_t header; /* bytes before the first image */
    const char
        *labels; /* a file of n bytes behind label_header, one an image; NULL: none */
    size_t label_header;
} kad_stack_part;

typedef struct kad_stack {
    int n_channels, height, width;
    bool planar; /* [channel][height][width]; else [height][width][channel] */
    int prefix;  /* bytes before each image, which are its labels */
    struct kad_h5_rows
        *rows; /* of an HDF5 file, which the source closes; NULL: plain bytes */
    int n_parts;
    kad_stack_part part[KAD_STACK_PARTS];
} kad_stack;

/* The shape of images, and a part of dims[0] of them, from an array's axes: [n][H][W],
 * [n][H][W][C] or [n][C][H][W]. KAD_EDATA for others. */
KAD_MUST_USE kad_status kad_stack_axes(kad_ctx *ctx, const char *path, int rank,
                                       const size_t *dims, kad_stack *stack);
/* Makes `source` one of what `stack` says, which is copied, and owns
 * its rows, also after a failure. Labels "class", or "coarse" and
 * "class" for a prefix of 2. */
KAD_MUST_USE kad_status kad_stack_open(kad_scope *in, const kad_stack *stack,
                                       kad_image_source *source);

/* For the tables of the formats. */
kad_status kad_stack_measure(kad_scope *in, const kad_image_source *s, size_t i,
                             kad_picture *out);
kad_status kad_stack_fetch(kad_ctx *ctx, kad_image_source *s, size_t first, size_t n);
kad_status kad_stack_picture(kad_scope *in, const kad_image_source *s, size_t i,
                             kad_picture *out, double *labels);
kad_image_side kad_stack_side(const kad_image_source *s, size_t i);
#define KAD_STACK_OPS                                       \
    .measure = kad_stack_measure, .fetch = kad_stack_fetch, \
    .picture = kad_stack_picture, .side = kad_stack_side

#endif
