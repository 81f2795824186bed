/* What is to be read from a source: which pictures, on which side, and of what shape the
 * images become. */
#ifndef KAD_IMAGE_PLAN_H
#define KAD_IMAGE_PLAN_H

#include "image/source.h"

/* Sides: to train on, held out, to choose weights by. */
enum { KAD_SIDE_TRAIN, KAD_SIDE_HELD_OUT, KAD_SIDE_VALIDATION, KAD_SIDES };

typedef struct kad_image_plan {
    const kad_image_options *options;
    kad_image_source source;
    int n_channels, height, width; /* of an image, with its border */
    int inner_height, inner_width; /* without */
    size_t a_picture;              /* images of one */
    double held_out;               /* share of those whose side the source leaves open */
    uint8_t *unread;               /* [source.n] pictures that cannot be read */
    size_t n_unread, name_bytes;   /* of the longest name, 0 where there are none */
    size_t n[KAD_SIDES];           /* images of a side, not counting mirror images */
} kad_image_plan;

/* Measures the pictures of the source, which is open, and decides. A picture that cannot be read
 * is named in a notice; with on_error refuse they are an error in the end. */
KAD_MUST_USE kad_status kad_image_plan_make(kad_scope *in,
                                            const kad_image_options *options,
                                            const kad_image_source *source,
                                            kad_image_plan *out);
/* One more picture that cannot be read, why stands in `message`. */
void kad_image_plan_drop(kad_ctx *ctx, kad_image_plan *plan, size_t i,
                         const char *message);
/* An error where pictures were dropped and that is the end; else counts the images anew.
 * KAD_EDATA: also where none are left on a side that should have some. */
KAD_MUST_USE kad_status kad_image_plan_count(kad_ctx *ctx, kad_image_plan *plan);
/* Walks through the pictures: the side of picture i and how many images it gives, of those
 * that `have` so far on each side. */
size_t kad_image_plan_share(const kad_image_plan *plan, size_t i,
                            const size_t have[KAD_SIDES], int *side);
/* Times that an image of a side is written: twice where it is mirrored. */
static inline size_t kad_image_plan_copies(const kad_image_options *options, int side)
{
    return side == KAD_SIDE_TRAIN && options->flip ? 2 : 1;
}
/* Images that a picture gives, mirror images apart. */
static inline size_t kad_image_plan_squares(const kad_image_options *options)
{
    return options->crops > 0 ? (size_t)options->crops : 1;
}
/* The window of image k of a picture of this size. */
kad_window kad_image_plan_window(const kad_image_plan *plan, size_t i, size_t k,
                                 const kad_picture *picture);

#endif
