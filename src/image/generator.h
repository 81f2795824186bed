/* Images that the program makes: a generator is one file with a
 * `static const kad_image_generator` and a line in generator.c. */
#ifndef KAD_IMAGE_GENERATOR_H
#define KAD_IMAGE_GENERATOR_H

#include "image/images.h"

typedef struct kad_image_generator {
    const char *name;
    const char *summary; /* one line */
    const char *reference;
    size_t n_train, n_held_out;    /* of the published set */
    int n_channels, height, width; /* of an image */
    size_t n_labels;               /* numbers an image comes with */
    const char *const *label_name; /* [n_labels] */
    /* REQUIRED. Image `number` of a seed: a pure function of the three. held_out: of the
     * other images, which no number of the first gives. pixels [n_channels][height][width],
     * labels [n_labels]. Threads: at will. */
    void (*make)(uint64_t seed, bool held_out, uint64_t number, uint8_t *pixels,
                 double *labels);
} kad_image_generator;

extern const kad_image_generator *const kad_image_generators[]; /* NULL at the end */

/* NULL: there is none of that name. */
const kad_image_generator *kad_image_generator_find(const char *name);

#endif
