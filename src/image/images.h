/* Images as data: arrays of levels 0 .. 255, from generators or files. This folder makes
 * and reads them; it knows no map and no training.
 *   options            section `data` of the configuration
 *   load, plan         images as it asks for them: their file, which is made once; which
 *                      pictures become images, of what shape, to train on or held out
 *   source             kinds of sources, and what they share: stack (many images in a
 *                      file), bytes (packed or not), npy_read (arrays of .npy files)
 *   picture            one decoded picture, its window, size and brightness
 *   generator, oval    images that the program makes; the ovals of MSDS */
#ifndef KAD_IMAGE_IMAGES_H
#define KAD_IMAGE_IMAGES_H

#include "base/memory.h"

#include <stddef.h>
#include <stdint.h>

enum { KAD_IMAGE_LOOK_BYTES = 1 << 16 };

/* Pixels may lie in a mapped file: read them, never write. Threads: read at will. */
typedef struct kad_images {
    size_t n;
    int n_channels, height, width;
    const uint8_t *pixels; /* [n][n_channels][height][width], levels 0 .. 255 */
    size_t
        of_a_picture; /* images of one picture, squares and mirror images, side by side; 0: 1 */
    /* Lets pixels that were looked at leave memory until they are looked at again; NULL: they do
     * not lie in a file. Threads: at any time. To be called by who walks over many: a look maps
     * as much as KAD_IMAGE_LOOK_BYTES around it. */
    void (*rest)(const void *self);
    const void *rest_self;
    size_t n_labels; /* numbers an image comes with */
    const char *const *label_name;
    const double *labels;    /* [n][n_labels]; NULL: none */
    const char *const *name; /* [n], of the files they come from; NULL: by number */
} kad_images;

/* Images to train on, images that training never sees, and images that it looks at only to
 * choose when to stop; of one shape. */
typedef struct kad_image_set {
    kad_images train, held_out, validation;
    const char *description; /* one line: where they come from */
    const char *digest;      /* of all that decides a pixel: hexadecimal digits */
} kad_image_set;

/* Levels of one image. */
static inline size_t kad_image_size(const kad_images *images)
{
    return (size_t)images->n_channels * (size_t)images->height * (size_t)images->width;
}

static inline const uint8_t *kad_image_at(const kad_images *images, size_t i)
{
    return images->pixels + i * kad_image_size(images);
}

/* The picture that image i is of. */
static inline size_t kad_image_picture(const kad_images *images, size_t i)
{
    return images->of_a_picture > 1 ? i / images->of_a_picture : i;
}

#endif
